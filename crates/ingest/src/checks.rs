//! What every text format holds a body against: its sizes, its encoding, and that a series names each label once.

use bellwether_model::METRIC_NAME;

use crate::scan_error::Fault;
use crate::series::{Part, decode_series};
use crate::{Problem, ScanError};

/// What one body may hold, and how strictly its end is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line.
    pub line_bytes_max: usize,
    /// Samples of one body.
    pub samples_max: usize,
    /// Labels of one series, its name not counted.
    pub labels_max: usize,
    /// Bytes of a metric's or label's name as written.
    pub name_bytes_max: usize,
    /// Bytes of a label's value as written.
    pub label_value_bytes_max: usize,
    /// Takes a last line without line feed for a whole line. Prometheus does; a cut-off body then goes unnoticed.
    pub last_line_may_be_open: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 1 << 20,
            samples_max: 5_000_000,
            labels_max: 512,
            name_bytes_max: 4096,
            label_value_bytes_max: 1 << 16,
            last_line_may_be_open: false,
        }
    }
}

/// Bytes as text, or where they are none.
pub(crate) fn as_utf8(body: &[u8]) -> Result<&str, ScanError> {
    std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let (before, bad) = body.split_at(at);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        ScanError { line, column, problem: Problem::NotUtf8(bad.first().copied().unwrap_or(0)) }
    })
}

/// Up to this many labels, comparing each with each is faster than sorting.
const PAIRWISE_MAX: usize = 16;

/// Holds what is read against its limits.
pub(crate) struct Checks<'a, 'l> {
    pub(crate) limits: &'l Limits,
    /// Names of the labels of the line at hand; kept to save an allocation per line.
    label_names: Vec<&'a str>,
    has_escaped_name: bool,
}

impl<'a, 'l> Checks<'a, 'l> {
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self { limits, label_names: Vec::with_capacity(16), has_escaped_name: false }
    }

    /// A line is not too long.
    #[inline]
    pub(crate) fn line(&self, line: &str) -> Result<(), Fault> {
        let limit = self.limits.line_bytes_max;
        if line.len() > limit {
            return Err(Fault::new(0, Problem::TooMuch { what: "bytes in one line", limit }));
        }
        Ok(())
    }

    /// There are not too many samples.
    #[inline]
    pub(crate) fn samples(&self, samples: usize) -> Result<(), Fault> {
        let limit = self.limits.samples_max;
        if samples > limit {
            return Err(Fault::new(0, Problem::TooMuch { what: "samples in one scrape", limit }));
        }
        Ok(())
    }

    /// A series begins: nothing is known of its labels.
    #[inline]
    pub(crate) fn begin_series(&mut self) {
        self.label_names.clear();
        self.has_escaped_name = false;
    }

    /// One part of a series has a size that is accepted.
    #[inline]
    pub(crate) fn part(&mut self, at: usize, part: &Part<'a>) -> Result<(), Fault> {
        let limits = self.limits;
        let too_much = |what, limit| Err(Fault::new(at, Problem::TooMuch { what, limit }));
        let name = match part {
            Part::Name(name) => name,
            Part::Label { name, value } => {
                if value.raw.len() > limits.label_value_bytes_max {
                    return too_much("bytes in a label value", limits.label_value_bytes_max);
                }
                if self.label_names.len() >= limits.labels_max {
                    return too_much("labels of one series", limits.labels_max);
                }
                self.label_names.push(name.raw);
                self.has_escaped_name |= name.has_escapes;
                name
            }
        };
        if name.raw.len() > limits.name_bytes_max {
            return too_much("bytes in a name", limits.name_bytes_max);
        }
        Ok(())
    }

    /// A series that ends names every label once.
    #[inline]
    pub(crate) fn end_series(&self, line: &'a str, series: std::ops::Range<usize>) -> Result<(), Fault> {
        let start = series.start;
        let twice = if self.has_escaped_name {
            decode_series(&line[series]).err().map(|error| error.problem)
        } else {
            name_twice(&self.label_names).map(|name| Problem::LabelTwice(name.to_owned()))
        };
        twice.map_or(Ok(()), |problem| Err(Fault::new(start, problem)))
    }
}

/// A label name that occurs twice, or is that of the metric's name, which the series has already.
#[inline]
fn name_twice<'a>(names: &[&'a str]) -> Option<&'a str> {
    if let Some(name) = names.iter().find(|name| **name == METRIC_NAME) {
        return Some(name);
    }
    if names.len() <= PAIRWISE_MAX {
        return names
            .iter()
            .enumerate()
            .find(|(at, name)| names[..*at].contains(name))
            .map(|(_, name)| *name);
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|two| two[0] == two[1]).map(|two| two[0])
}
