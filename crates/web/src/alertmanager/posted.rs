//! Alerts as clients post them. The usual body is read in one pass, straight into label sets; one that is not as it
//! should be is read again alert by alert, so that one that is wrong does not take the others with it.

use std::borrow::Cow;
use std::fmt;

use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::{MISSING, Refusal, WRONG_FORMAT};
use crate::go_time::GoTime;

/// Faults that are named one by one.
const NAMED_MAX: usize = 100;

/// What a body holds: the alerts that are valid, and why the others are not.
#[derive(Debug, Default)]
pub(super) struct Posted {
    pub(super) alerts: Vec<Alert>,
    pub(super) faults: Faults,
}

/// What is wrong with some alerts.
#[derive(Debug, Default)]
pub(super) struct Faults {
    named: Vec<Refusal>,
    unnamed: usize,
}

/// What an alert's missing times become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) now: Timestamp,
    /// How long an alert without an end lasts.
    pub(super) resolve_timeout: TimeDelta,
}

impl Faults {
    fn add(&mut self, fault: Refusal) {
        if self.named.len() < NAMED_MAX {
            self.named.push(fault);
        } else {
            self.unnamed += 1;
        }
    }

    /// All of them as one refusal, if there are any: in the shape of the first, as Alertmanager, which looks no
    /// further, answers it.
    pub(super) fn into_refusal(self) -> Option<Refusal> {
        let mut lines: Vec<&str> = self.named.iter().map(Refusal::message).collect();
        let more = format!("and {} more", self.unnamed);
        lines.extend((self.unnamed > 0).then_some(more.as_str()));
        let message = lines.join("\n");
        let coded = self.named.iter().find(|fault| matches!(fault, Refusal::Coded(..)));
        Some(match coded.or(self.named.first())? {
            Refusal::Coded(code, _) => Refusal::Coded(*code, message),
            Refusal::Bare(status, _) => Refusal::Bare(*status, message),
        })
    }
}

/// Reads a body; the refusal says why there is nothing in it to store.
pub(super) fn read(body: &[u8], times: Times) -> Result<Posted, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::Coded(MISSING, "the body is empty; send a list of alerts".to_owned()));
    }
    match serde_json::from_slice::<Option<Vec<PostedAlert<'_>>>>(body) {
        Ok(alerts) => Ok(checked(alerts.unwrap_or_default(), times)),
        Err(_) => read_one_by_one(body, times),
    }
}

fn checked(alerts: Vec<PostedAlert<'_>>, times: Times) -> Posted {
    let mut posted = Posted { alerts: Vec::with_capacity(alerts.len()), faults: Faults::default() };
    for (index, alert) in alerts.into_iter().enumerate() {
        posted.take(index, alert.into_alert(times));
    }
    posted
}

impl Posted {
    fn take(&mut self, index: usize, alert: Result<Alert, Fault>) {
        match alert {
            Ok(alert) => self.alerts.push(alert),
            Err(fault) => self.faults.add(fault.of_alert(index)),
        }
    }
}

/// What is wrong with one alert.
enum Fault {
    Invalid(String),
    Coded(u16, &'static str, String),
}

impl Fault {
    fn of_alert(self, index: usize) -> Refusal {
        match self {
            Self::Invalid(why) => Refusal::bad(format!("alert {index}: {why}")),
            Self::Coded(code, field, why) => Refusal::Coded(code, format!("{index}.{field} in body {why}")),
        }
    }
}

/// An alert as it is posted. Unknown fields are skipped, as Alertmanager skips them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert<'a> {
    #[serde(borrow, default)]
    labels: Option<Pairs<'a>>,
    #[serde(borrow, default)]
    annotations: Option<Pairs<'a>>,
    #[serde(default)]
    starts_at: GoTime,
    #[serde(default)]
    ends_at: GoTime,
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Option<Text<'a>>,
}

impl PostedAlert<'_> {
    fn into_alert(self, times: Times) -> Result<Alert, Fault> {
        let Some(labels) = self.labels else {
            return Err(Fault::Coded(MISSING, "labels", "is required".to_owned()));
        };
        let generator_url = self.generator_url.map(|Text(url)| url.into_owned()).unwrap_or_default();
        if !is_uri(&generator_url) {
            let why = format!("must be of type uri: {generator_url:?}");
            return Err(Fault::Coded(WRONG_FORMAT, "generatorURL", why));
        }
        let (starts_at, ends_at) = (self.starts_at.0.or(self.ends_at.0).unwrap_or(times.now), self.ends_at.0);
        if ends_at.unwrap_or(times.now.saturating_add(times.resolve_timeout)) < starts_at {
            return Err(Fault::Invalid("start time must be before end time".to_owned()));
        }
        let labels =
            labels.into_labels().map_err(|why| Fault::Invalid(format!("invalid label set: {why}")))?;
        if labels.is_empty() {
            return Err(Fault::Invalid("at least one label pair required".to_owned()));
        }
        let annotations = self.annotations.map_or_else(|| Ok(Labels::empty()), Pairs::into_labels);
        let annotations = annotations.map_err(|why| Fault::Invalid(format!("invalid annotations: {why}")))?;
        Ok(Alert { labels, annotations, starts_at, ends_at, generator_url })
    }
}

/// A path from the root, or anything that begins with a scheme; no address has control characters.
fn is_uri(text: &str) -> bool {
    let scheme = |text: &str| {
        let (scheme, _) = text.split_once(':')?;
        let rest = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        Some(scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(rest))
    };
    let begins = text.is_empty() || text.starts_with('/') || scheme(text) == Some(true);
    begins && !text.contains(|c: char| c.is_ascii_control())
}

/// A text that stays where it is unless it has escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Names and values as they stand in the body.
struct Pairs<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
                    pairs.push((name, value.map(|Text(value)| value).unwrap_or_default()));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Pairs<'_> {
    /// Without empty values, which mean that there is no such label; the last of two with one name counts.
    fn into_labels(mut self) -> Result<Labels, String> {
        self.0.sort_by(|a, b| a.0.cmp(&b.0)); // keeps the order of those with one name
        let mut sorted: Vec<(&str, &str)> = Vec::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            if sorted.last().is_some_and(|(last, _)| *last == name.as_ref()) {
                sorted.pop();
            }
            sorted.push((name.as_ref(), value.as_ref()));
        }
        if let Some(("", value)) = sorted.first()
            && !value.is_empty()
        {
            return Err("invalid name \"\"".to_owned());
        }
        Ok(Labels::from_sorted(&sorted))
    }
}

/// Reads a body that is not quite as it should be: each alert on its own, texts that are not Unicode with the
/// replacement character where they are not.
fn read_one_by_one(body: &[u8], times: Times) -> Result<Posted, Refusal> {
    let text = String::from_utf8_lossy(body);
    let text = without_lone_surrogates(&text);
    let mut reader = serde_json::Deserializer::from_str(&text);
    let mut posted = Posted::default();
    let list = OneByOne { posted: &mut posted, times };
    if let Err(error) = reader.deserialize_seq(list).and_then(|()| reader.end()) {
        let lone = text.trim_start().starts_with('{');
        let hint = if lone { "; put alerts between [ and ], also a single one" } else { "" };
        posted.faults.add(Refusal::Coded(400, format!("the body is not a list of alerts: {error}{hint}")));
    }
    Ok(posted)
}

struct OneByOne<'a> {
    posted: &'a mut Posted,
    times: Times,
}

impl<'de> Visitor<'de> for OneByOne<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of alerts")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(raw) = list.next_element::<&RawValue>()? {
            let alert = serde_json::from_str::<PostedAlert<'_>>(raw.get());
            match alert {
                Ok(alert) => self.posted.take(index, alert.into_alert(self.times)),
                Err(why) => {
                    self.posted
                        .faults
                        .add(Refusal::Coded(400, format!("alert {index} cannot be read: {why}")));
                }
            }
            index += 1;
        }
        Ok(())
    }
}

/// Halves of surrogate pairs become the replacement character, as Go reads them.
fn without_lone_surrogates(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let (bytes, mut copied, mut at) = (text.as_bytes(), 0, 0);
    while let Some(found) = bytes[at..].iter().position(|byte| *byte == b'\\').map(|found| at + found) {
        let (high, low) = (escape(bytes, found), escape(bytes, found + 6));
        at = found + 2;
        match (high, low) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => at = found + 12,
            (Some(0xd800..=0xdfff), _) => {
                out.push_str(&text[copied..found]);
                out.push_str("\\ufffd");
                (at, copied) = (found + 6, found + 6);
            }
            _ => {}
        }
        if at > bytes.len() {
            break;
        }
    }
    if copied == 0 {
        return text.into();
    }
    out.push_str(&text[copied..]);
    out.into()
}

/// The number of a `\uXXXX` that stands at a place.
fn escape(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
