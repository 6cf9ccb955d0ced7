//! What the lines of a body say, whichever format it has, and who listens to them.

use std::sync::Arc;

use bellwether_model::{Exemplar, Histogram, Labels, Timestamp};

use crate::protobuf;
use crate::series::{Pair, Part, bare_metric_name_end, decode_pairs, read_series};

/// What one line, or one message, says.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A value of a series.
    Sample(ScrapedSample<'a>),
    /// A native histogram of a series; only protobuf bodies have them.
    Histogram(ScrapedHistogram<'a>),
    /// What a metric means; the text as written, see [`crate::help_text`].
    Help {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// The text as written.
        text: &'a str,
    },
    /// What kind a metric is.
    Type {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// Its kind.
        kind: MetricKind,
    },
    /// What a metric is measured in.
    Unit {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// The unit.
        unit: &'a str,
    },
}

/// A line with a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrapedSample<'a> {
    /// Name and labels as written: the key for a cache, and what [`crate::decode_series`] decodes. Equal text means an
    /// equal series; the same series may be written in several ways.
    pub series: &'a str,
    /// Whether this is what [`ScrapeSink::expected`] said.
    pub is_expected: bool,
    /// The value; every NaN is the ordinary one.
    pub value: f64,
    /// The time, if the target gave one.
    pub timestamp: Option<Timestamp>,
    /// Since when it has been counting, if that stands with the value itself.
    pub since: Option<Timestamp>,
    /// One event that it counts.
    pub exemplar: Option<ScrapedExemplar<'a>>,
}

impl<'a> ScrapedSample<'a> {
    /// The metric's name as written, without quotes.
    pub fn name(&self) -> &'a str {
        let end = bare_metric_name_end(self.series.as_bytes(), 0);
        if end > 0 {
            return &self.series[..end];
        }
        let mut name = "";
        let _ = read_series(self.series, 0, &mut |_, part| {
            if let Part::Name(text) = part {
                name = text.raw;
            }
            Ok(())
        });
        name
    }
}

/// A native histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapedHistogram<'a> {
    /// Name and labels, written as in text.
    pub series: &'a str,
    /// What was measured.
    pub histogram: Arc<Histogram>,
    /// The time, if the target gave one.
    pub timestamp: Option<Timestamp>,
    /// Since when it has been counting, if that was said.
    pub since: Option<Timestamp>,
    /// Events that it counts; those that do not say when they happened are left out, as Prometheus leaves them out.
    pub exemplars: Vec<ScrapedExemplar<'a>>,
}

/// An event beside a value; its labels are decoded only when they are wanted, since most scrapes repeat it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrapedExemplar<'a> {
    /// Its labels as they stand in the body.
    pub written: WrittenLabels<'a>,
    /// What was measured.
    pub value: f64,
    /// When it happened, if that was said.
    pub at: Option<Timestamp>,
}

/// Labels of an exemplar before they are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenLabels<'a> {
    /// As text, braces included.
    Text(&'a str),
    /// A protobuf message that holds them.
    Protobuf(&'a [u8]),
}

impl WrittenLabels<'_> {
    /// The bytes as they stand in the body.
    pub const fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Protobuf(bytes) => bytes,
        }
    }
}

impl ScrapedExemplar<'_> {
    /// The exemplar, decoded; `None` where a label is there twice.
    pub fn decode(&self) -> Option<Exemplar> {
        let pairs = match self.written {
            WrittenLabels::Text(text) => decode_pairs(text)?,
            WrittenLabels::Protobuf(bytes) => protobuf::exemplar_labels(bytes)?,
        };
        Some(Exemplar { labels: unique(pairs)?, value: self.value, at: self.at })
    }
}

fn unique(mut pairs: Vec<Pair<'_>>) -> Option<Labels> {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    if pairs.windows(2).any(|two| two[0].0 == two[1].0) {
        return None;
    }
    let pairs: Vec<(&str, &str)> =
        pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    Some(Labels::from_sorted(&pairs))
}

/// Who takes in what a body says.
pub trait ScrapeSink<'a> {
    /// The series that probably comes next, as it was written before. Targets repeat themselves: where a line begins
    /// with this, the series need not be read again.
    fn expected(&self) -> &str {
        ""
    }

    /// Takes in an entry.
    fn take(&mut self, entry: Entry<'a>);
}

/// A function that hears every entry, and expects nothing.
#[derive(Debug)]
pub struct EachEntry<F>(pub F);

impl<'a, F: FnMut(Entry<'a>)> ScrapeSink<'a> for EachEntry<F> {
    fn take(&mut self, entry: Entry<'a>) {
        (self.0)(entry);
    }
}

/// What a whole body held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// Lines, blank ones and comments included; metric families of a protobuf body.
    pub lines: usize,
    /// Samples, native histograms included.
    pub samples: usize,
}

/// What a metric is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Only grows, or starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, a sum and a count.
    Histogram,
    /// As a histogram, but of what is there now, so that it may shrink.
    GaugeHistogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Facts as labels; its value is always 1.
    Info,
    /// Which of several states holds.
    StateSet,
    /// Not said.
    Untyped,
}

impl MetricKind {
    /// As the text format writes it, and OpenMetrics those kinds that only it has.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Untyped => "untyped",
        }
    }

    /// As metadata is told in Prometheus' API, and as OpenMetrics writes it.
    pub const fn openmetrics_str(self) -> &'static str {
        match self {
            Self::Untyped => "unknown",
            Self::Counter
            | Self::Gauge
            | Self::Histogram
            | Self::GaugeHistogram
            | Self::Summary
            | Self::Info
            | Self::StateSet => self.as_str(),
        }
    }

    /// The kind of a word of the text format.
    pub(crate) fn from_text(word: &str) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::Untyped]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// The kind of a word of OpenMetrics, which is also that of metadata in Prometheus' API.
    pub fn from_openmetrics(word: &str) -> Option<Self> {
        [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::GaugeHistogram,
            Self::Summary,
            Self::Info,
            Self::StateSet,
            Self::Untyped,
        ]
        .into_iter()
        .find(|kind| kind.openmetrics_str() == word)
    }
}
