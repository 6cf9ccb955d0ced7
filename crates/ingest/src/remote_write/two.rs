//! `io.prometheus.write.v2.Request`: texts stand once, in a table of symbols, and series refer to them.

use bellwether_model::{Labels, Timestamp};

use super::key::SeriesKey;
use super::{RemoteWrite, RemoteWriteError, bytes, kind, text};
use crate::PushedMetadata;
use crate::protobuf::wire::{Fields, Value, WireError};
use crate::pushed_labels::PushedLabelProblem;

/// A text of the table: where it is, and its hash.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    start: u32,
    length: u32,
    key: SeriesKey,
}

/// What is said of a series' metric: its kind, and symbols.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Said {
    kind: u64,
    help: u64,
    unit: u64,
}

impl RemoteWrite {
    pub(super) fn read_two(&mut self, body: &[u8]) -> Result<(), RemoteWriteError> {
        // The table may stand anywhere, so it is read first.
        let mut fields = Fields::new(body);
        while let Some((field, value)) = fields.next()? {
            if field == 4 {
                let symbol = bytes(value)?;
                let start = body.len() - fields.remaining() - symbol.len();
                let key = self.keys.of(symbol);
                self.symbols.push(Symbol { start: start as u32, length: symbol.len() as u32, key });
            }
        }
        if self.symbols.len() > super::ENTRIES_MAX {
            return Err(RemoteWriteError::TooMany);
        }
        let mut fields = Fields::new(body);
        while let Some((field, value)) = fields.next()? {
            if field == 5 {
                let message = bytes(value)?;
                let start = body.len() - fields.remaining() - message.len();
                self.series_of_two(message, start, body)?;
                self.check_count()?;
            }
        }
        Ok(())
    }

    fn series_of_two(&mut self, message: &[u8], start: usize, body: &[u8]) -> Result<(), RemoteWriteError> {
        let mut key = self.keys.begin();
        let (mut since, mut said) = (None, Said::default());
        let first = (self.samples.len(), self.histograms.len());
        let mut fields = Fields::new(message);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => each_number(value, &mut |reference| key = self.and_symbol(key, reference))?,
                2 => self.sample(bytes(value)?)?,
                3 => self.histogram(bytes(value)?)?,
                4 => self.exemplar_of_two(bytes(value)?, body)?,
                5 => said = read_said(bytes(value)?)?,
                6 => since = Some(value.number("created_timestamp")? as i64).filter(|since| *since != 0),
                _ => {}
            }
        }
        if let Some(since) = since {
            self.start_all(first, Timestamp(since));
        }
        // What is said is part of the key, so that whatever is new of it is heard.
        if said != Said::default() {
            key = self.keys.and(key, SeriesKey(said.kind, 0));
            key = self.and_symbol(self.and_symbol(key, said.help), said.unit);
        }
        self.add_series(key, start, message.len());
        Ok(())
    }

    /// The series says since when all of it counts; what said so itself is right.
    fn start_all(&mut self, (sample, histogram): (usize, usize), since: Timestamp) {
        let fill = |starts: &mut Vec<(u32, Timestamp)>, places: std::ops::Range<usize>| {
            let own = starts.split_off(starts.partition_point(|(place, _)| (*place as usize) < places.start));
            let mut own = own.into_iter().peekable();
            starts.extend(places.map(|place| {
                own.next_if(|(known, _)| *known as usize == place).unwrap_or((place as u32, since))
            }));
        };
        fill(&mut self.sample_starts, sample..self.samples.len());
        fill(&mut self.histogram_starts, histogram..self.histograms.len());
    }

    /// A symbol that is not there makes a key that no series has; looking for its labels then says so.
    #[inline]
    fn and_symbol(&self, key: SeriesKey, reference: u64) -> SeriesKey {
        let symbol = usize::try_from(reference).ok().and_then(|at| self.symbols.get(at));
        self.keys.and(key, symbol.map_or(SeriesKey(u64::MAX, reference), |symbol| symbol.key))
    }

    fn exemplar_of_two(&mut self, message: &[u8], body: &[u8]) -> Result<(), RemoteWriteError> {
        let (mut value, mut at) = (0.0, 0);
        let mut fields = Fields::new(message);
        while let Some((field, found)) = fields.next()? {
            match field {
                2 => value = found.double("value")?,
                3 => at = found.number("timestamp")? as i64,
                _ => {}
            }
        }
        let mut found = Vec::new();
        let labels = pairs(message, body, &self.symbols, &mut found);
        let labels = labels.map(|()| Labels::from_pairs(found));
        self.exemplar(labels, (value, at));
        Ok(())
    }
}

/// The pairs that field 1 of a message refers to.
pub(super) fn pairs<'a>(
    message: &[u8],
    body: &'a [u8],
    symbols: &[Symbol],
    pairs: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), PushedLabelProblem> {
    let mut half = None;
    let mut problem = None;
    let mut fields = Fields::new(message);
    while let Ok(Some((field, value))) = fields.next() {
        if field != 1 {
            continue;
        }
        let mut refer = |reference| match symbol(reference, body, symbols) {
            Err(found) => problem = Some(found),
            Ok(text) => match half.take() {
                None => half = Some(text),
                Some(name) => pairs.push((name, text)),
            },
        };
        each_number(value, &mut refer).map_err(|_| PushedLabelProblem::NoSuchSymbol)?;
    }
    match (problem, half) {
        (Some(problem), _) => Err(problem),
        (None, Some(_)) => Err(PushedLabelProblem::NoSuchSymbol),
        (None, None) => Ok(()),
    }
}

fn symbol<'a>(reference: u64, body: &'a [u8], symbols: &[Symbol]) -> Result<&'a str, PushedLabelProblem> {
    let found = usize::try_from(reference).ok().and_then(|at| symbols.get(at));
    let bytes = found.and_then(|s| body.get(s.start as usize..)?.get(..s.length as usize));
    text(bytes.ok_or(PushedLabelProblem::NoSuchSymbol)?)
}

/// What field 5 of a series says of its metric.
pub(super) fn metadata(
    message: &[u8],
    body: &[u8],
    symbols: &[Symbol],
    name: &str,
) -> Option<PushedMetadata> {
    let mut fields = Fields::new(message);
    let mut said = Said::default();
    while let Ok(Some((field, value))) = fields.next() {
        if field == 5 {
            said = read_said(bytes(value).ok()?).ok()?;
        }
    }
    // Symbol 0 is the empty text.
    let of = |reference| symbol(reference, body, symbols).ok().map(str::to_owned);
    let (help, unit) = (of(said.help).unwrap_or_default(), of(said.unit).unwrap_or_default());
    let says = said.kind != 0 || !help.is_empty() || !unit.is_empty();
    says.then(|| PushedMetadata { name: name.to_owned(), kind: kind(said.kind), help, unit })
}

fn read_said(message: &[u8]) -> Result<Said, WireError> {
    let mut said = Said::default();
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => said.kind = value.number("type")?,
            3 => said.help = value.number("help_ref")?,
            4 => said.unit = value.number("unit_ref")?,
            _ => {}
        }
    }
    Ok(said)
}

/// Calls with the numbers of a repeated field, packed or not.
fn each_number(value: Value<'_>, take: &mut impl FnMut(u64)) -> Result<(), WireError> {
    match value {
        Value::Bytes(packed) => {
            let mut packed = Fields::new(packed);
            while !packed.is_empty() {
                take(packed.varint()?);
            }
        }
        other => take(other.number("labels_refs")?),
    }
    Ok(())
}
