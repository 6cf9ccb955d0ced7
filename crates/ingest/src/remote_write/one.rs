//! `prometheus.WriteRequest`: every series carries its labels.

use bellwether_model::Labels;

use super::{RemoteWrite, RemoteWriteError, bytes, kind, text};
use crate::PushedMetadata;
use crate::protobuf::wire::{Fields, WireError};
use crate::pushed_labels::PushedLabelProblem;

/// The tag of a series' labels: field 1, bytes.
const LABEL_TAG: u8 = 0x0a;

impl RemoteWrite {
    pub(super) fn read_one(&mut self, body: &[u8]) -> Result<(), RemoteWriteError> {
        let mut fields = Fields::new(body);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => {
                    let message = bytes(value)?;
                    let start = body.len() - fields.remaining() - message.len();
                    self.series_of_one(message, start)?;
                    self.check_count()?;
                }
                3 => {
                    let said = metadata(bytes(value)?)?;
                    self.metadata.extend(said);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn series_of_one(&mut self, message: &[u8], start: usize) -> Result<(), RemoteWriteError> {
        let mut fields = Fields::new(message);
        while fields.begins_with(LABEL_TAG) {
            fields.skip_byte();
            fields.sized()?;
        }
        let named = message.len() - fields.remaining();
        let mut key = self.keys.of(&message[..named]);
        while let Some((field, value)) = fields.next()? {
            match field {
                // Labels behind what they name; no sender we know writes them so.
                1 => key = self.keys.and(key, self.keys.of(bytes(value)?)),
                2 => self.sample(bytes(value)?)?,
                3 => self.exemplar_of_one(bytes(value)?)?,
                4 => self.histogram(bytes(value)?)?,
                _ => {}
            }
        }
        self.add_series(key, start, message.len());
        Ok(())
    }

    fn exemplar_of_one(&mut self, message: &[u8]) -> Result<(), RemoteWriteError> {
        let (mut value, mut at) = (0.0, 0);
        let mut fields = Fields::new(message);
        while let Some((field, found)) = fields.next()? {
            match field {
                2 => value = found.double("value")?,
                3 => at = found.number("timestamp")? as i64,
                _ => {}
            }
        }
        let mut pairs = Vec::new();
        let labels = one_set(message, &mut pairs);
        self.exemplar(labels, (value, at));
        Ok(())
    }
}

/// The labels of an exemplar, which need no metric's name.
fn one_set<'a>(message: &'a [u8], pairs: &mut Vec<(&'a str, &'a str)>) -> Result<Labels, PushedLabelProblem> {
    self::pairs(message, pairs)?;
    Ok(Labels::from_pairs(pairs.iter().copied()))
}

/// The pairs in field 1 of a message.
pub(super) fn pairs<'a>(
    message: &'a [u8],
    pairs: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), PushedLabelProblem> {
    let not_text = |_: WireError| PushedLabelProblem::NotText;
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next().map_err(not_text)? {
        if field != 1 {
            continue;
        }
        let mut pair = ("", "");
        let mut label = Fields::new(bytes(value).map_err(not_text)?);
        while let Some((field, value)) = label.next().map_err(not_text)? {
            match field {
                1 => pair.0 = text(bytes(value).map_err(not_text)?)?,
                2 => pair.1 = text(bytes(value).map_err(not_text)?)?,
                _ => {}
            }
        }
        pairs.push(pair);
    }
    Ok(())
}

fn metadata(message: &[u8]) -> Result<Option<PushedMetadata>, RemoteWriteError> {
    let (mut said, mut name, mut help, mut unit) = (None, &b""[..], &b""[..], &b""[..]);
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => said = kind(value.number("type")?),
            2 => name = bytes(value)?,
            4 => help = bytes(value)?,
            5 => unit = bytes(value)?,
            _ => {}
        }
    }
    let (Ok(name), Ok(help), Ok(unit)) = (text(name), text(help), text(unit)) else { return Ok(None) };
    let [name, help, unit] = [name, help, unit].map(str::to_owned);
    Ok((!name.is_empty()).then_some(PushedMetadata { name, kind: said, help, unit }))
}
