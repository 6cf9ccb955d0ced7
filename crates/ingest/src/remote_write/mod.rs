//! Prometheus' remote write, both messages, read without building label sets: a sender repeats the same series in every
//! request, so that a series is recognised by a hash of the bytes that name it, and decoded only when it is new.
//!
//! Reading is one pass. Whatever is wrong with a message is found before anything of it is stored. Nothing is
//! allocated for what a length claims, only for what is there.

pub(crate) mod histogram;
mod key;
mod one;
mod two;

use bellwether_model::{Exemplar, HistogramSample, Labels, Sample, Timestamp};

use crate::protobuf::wire::{Fields, Value, WireError};
use crate::pushed_labels::{PushedLabelProblem, pushed_labels};
use crate::{MetricKind, PushedMetadata};

pub use key::{SeriesKey, SeriesKeys};

/// The message of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteWriteVersion {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

/// Samples, histograms and exemplars of one message, so that a small body of empty ones cannot fill memory.
pub const ENTRIES_MAX: usize = 4 << 20;

/// Why a body is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteWriteError {
    /// The bytes are no protobuf, or not of this message.
    #[error("{0}")]
    Malformed(&'static str),
    /// More than is taken at once.
    #[error("more than {ENTRIES_MAX} samples in one request; send less at once")]
    TooMany,
}

impl From<WireError> for RemoteWriteError {
    fn from(error: WireError) -> Self {
        Self::Malformed(match error {
            WireError::Ends => "the message ends within a field",
            WireError::NumberTooLong => "a number of more than 64 bits",
            WireError::FieldZero => "a field with number 0",
            WireError::WireType(_) => "a field of unknown wire type",
            WireError::WrongType(_) => "a field has another wire type than the message says",
        })
    }
}

/// A series of a message: by what it is recognised, and where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrittenSeries {
    /// The hash of what names it (of the second message: and of what is said of its metric).
    pub key: SeriesKey,
    start: u32,
    length: u32,
}

/// A message that was read; meant to be kept and used for the next one.
#[derive(Debug)]
pub struct RemoteWrite {
    keys: SeriesKeys,
    version: RemoteWriteVersion,
    /// The series, in the order of the message.
    pub series: Vec<WrittenSeries>,
    /// Numbers, each with the place of its series.
    pub samples: Vec<(u32, Sample)>,
    /// Since when numbers count: their places, going up.
    pub sample_starts: Vec<(u32, Timestamp)>,
    /// Native histograms, each with the place of its series.
    pub histograms: Vec<(u32, HistogramSample)>,
    /// Since when histograms count: their places, going up.
    pub histogram_starts: Vec<(u32, Timestamp)>,
    /// Histograms that are none: the place of their series.
    pub malformed_histograms: Vec<u32>,
    /// Exemplars, each with the place of its series.
    pub exemplars: Vec<(u32, Exemplar)>,
    /// Exemplars that are none: the place of their series.
    pub malformed_exemplars: Vec<u32>,
    /// What the first message says of metrics, apart from series.
    pub metadata: Vec<PushedMetadata>,
    symbols: Vec<two::Symbol>,
}

impl RemoteWrite {
    /// An empty one, which recognises series by these keys.
    pub fn new(keys: SeriesKeys) -> Self {
        Self {
            keys,
            version: RemoteWriteVersion::One,
            series: Vec::new(),
            samples: Vec::new(),
            sample_starts: Vec::new(),
            histograms: Vec::new(),
            histogram_starts: Vec::new(),
            malformed_histograms: Vec::new(),
            exemplars: Vec::new(),
            malformed_exemplars: Vec::new(),
            metadata: Vec::new(),
            symbols: Vec::new(),
        }
    }

    /// Reads a message; what was read before is forgotten.
    pub fn read(&mut self, version: RemoteWriteVersion, body: &[u8]) -> Result<(), RemoteWriteError> {
        *self = Self {
            version,
            series: emptied(&mut self.series),
            samples: emptied(&mut self.samples),
            symbols: emptied(&mut self.symbols),
            ..Self::new(self.keys)
        };
        if u32::try_from(body.len()).is_err() {
            return Err(RemoteWriteError::TooMany);
        }
        match version {
            RemoteWriteVersion::One => self.read_one(body),
            RemoteWriteVersion::Two => self.read_two(body),
        }
    }

    /// Calls with the pairs that name a series, as they came, or says why they are no text.
    pub fn with_pairs<T>(
        &self,
        body: &[u8],
        series: &WrittenSeries,
        look: impl FnOnce(Result<&mut Vec<(&str, &str)>, PushedLabelProblem>) -> T,
    ) -> T {
        let message = series.message(body);
        let mut pairs = Vec::with_capacity(16);
        let read = match self.version {
            RemoteWriteVersion::One => one::pairs(message, &mut pairs),
            RemoteWriteVersion::Two => two::pairs(message, body, &self.symbols, &mut pairs),
        };
        look(read.map(|()| &mut pairs))
    }

    /// The labels of a series, sorted and checked.
    pub fn labels(&self, body: &[u8], series: &WrittenSeries) -> Result<Labels, PushedLabelProblem> {
        self.with_pairs(body, series, |pairs| pushed_labels(pairs?))
    }

    /// What the second message says of the metric of a series, under a name; `None` if it says nothing.
    pub fn metadata_of(&self, body: &[u8], series: &WrittenSeries, name: &str) -> Option<PushedMetadata> {
        match self.version {
            RemoteWriteVersion::One => None,
            RemoteWriteVersion::Two => two::metadata(series.message(body), body, &self.symbols, name),
        }
    }

    fn add_series(&mut self, key: SeriesKey, start: usize, length: usize) {
        // Fits: a body is shorter than 4 GiB.
        self.series.push(WrittenSeries { key, start: start as u32, length: length as u32 });
    }

    /// The place of the series that is being read.
    fn place(&self) -> u32 {
        self.series.len() as u32
    }

    fn check_count(&self) -> Result<(), RemoteWriteError> {
        let histograms = self.histograms.len() + self.malformed_histograms.len();
        let exemplars = self.exemplars.len() + self.malformed_exemplars.len();
        let all = self.samples.len() + histograms + exemplars + self.series.len();
        if all > ENTRIES_MAX { Err(RemoteWriteError::TooMany) } else { Ok(()) }
    }

    /// Takes in a message of a number at a moment.
    #[inline]
    fn sample(&mut self, message: &[u8]) -> Result<(), RemoteWriteError> {
        let (sample, own) = match usual_sample(message) {
            Some(sample) => (sample, None),
            None => any_sample(message)?,
        };
        if let Some(since) = own {
            self.sample_starts.push((self.samples.len() as u32, since));
        }
        self.samples.push((self.place(), sample));
        Ok(())
    }

    fn histogram(&mut self, message: &[u8]) -> Result<(), RemoteWriteError> {
        match histogram::read(message)? {
            Some((sample, own)) => {
                if let Some(since) = own {
                    self.histogram_starts.push((self.histograms.len() as u32, since));
                }
                self.histograms.push((self.place(), sample));
            }
            None => self.malformed_histograms.push(self.place()),
        }
        Ok(())
    }

    fn exemplar(&mut self, pairs: Result<Labels, PushedLabelProblem>, rest: (f64, i64)) {
        let (value, at) = rest;
        match pairs {
            Ok(labels) => {
                let at = (at != 0).then_some(Timestamp(at));
                self.exemplars.push((self.place(), Exemplar { labels, value, at }));
            }
            Err(_) => self.malformed_exemplars.push(self.place()),
        }
    }
}

impl WrittenSeries {
    fn message<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.start as usize..).and_then(|rest| rest.get(..self.length as usize)).unwrap_or_default()
    }
}

fn emptied<T>(kept: &mut Vec<T>) -> Vec<T> {
    kept.clear();
    std::mem::take(kept)
}

/// A number as almost every sender writes it: eight bytes of value, then the moment.
#[inline]
fn usual_sample(message: &[u8]) -> Option<Sample> {
    let (head, time) = message.split_first_chunk::<10>()?;
    if head[0] != 0x09 || head[9] != 0x10 || time.is_empty() || time.len() > 9 {
        return None;
    }
    let (mut at, mut shift) = (0u64, 0);
    let (last, others) = time.split_last()?;
    for byte in others {
        if *byte < 0x80 {
            return None;
        }
        at |= u64::from(byte & 0x7f) << shift;
        shift += 7;
    }
    if *last >= 0x80 {
        return None;
    }
    at |= u64::from(*last) << shift;
    let value = f64::from_le_bytes(head[1..9].try_into().ok()?);
    Some(Sample::new(Timestamp(at as i64), value))
}

#[cold]
fn any_sample(message: &[u8]) -> Result<(Sample, Option<Timestamp>), RemoteWriteError> {
    let (mut value, mut at, mut since) = (0.0, 0, 0);
    let mut fields = Fields::new(message);
    while let Some((field, found)) = fields.next()? {
        match field {
            1 => value = found.double("value")?,
            2 => at = found.number("timestamp")? as i64,
            3 => since = found.number("start_timestamp")? as i64,
            _ => {}
        }
    }
    Ok((Sample::new(Timestamp(at), value), (since != 0).then_some(Timestamp(since))))
}

/// The kind that a number stands for, in both messages.
const fn kind(number: u64) -> Option<MetricKind> {
    match number {
        1 => Some(MetricKind::Counter),
        2 => Some(MetricKind::Gauge),
        3 => Some(MetricKind::Histogram),
        4 => Some(MetricKind::GaugeHistogram),
        5 => Some(MetricKind::Summary),
        6 => Some(MetricKind::Info),
        7 => Some(MetricKind::StateSet),
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Result<&str, PushedLabelProblem> {
    std::str::from_utf8(bytes).map_err(|_| PushedLabelProblem::NotText)
}

/// A field that must be bytes.
fn bytes<'a>(value: Value<'a>) -> Result<&'a [u8], WireError> {
    value.bytes("a field of text or a message")
}
