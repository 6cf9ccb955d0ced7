//! Reads protobuf bodies: `io.prometheus.client.MetricFamily` messages, each behind its length. It is the one format of
//! a scrape that has native histograms.
//!
//! The body is read in place, without generated types: a family's metrics are found in one pass, and a value is handed
//! on as soon as its message is read. Series are written as text would write them (see [`key`]). Of a histogram that is
//! both classic and native, only the native one is read unless both are wanted, as in Prometheus.

mod key;
mod native;
mod parts;
mod problem;
pub(crate) mod wire;

use std::borrow::Cow;
use std::sync::Arc;

use bellwether_model::Timestamp;

use crate::checks::Limits;
use crate::entry::{
    Entry, MetricKind, ScanSummary, ScrapeSink, ScrapedExemplar, ScrapedHistogram, ScrapedSample,
};
use crate::series::Pair;
use key::SeriesKey;
pub use key::series_text;
pub use native::NativeError;
use native::NativeParts;
use parts::{ClassicBucket, bucket, created, exemplar, label_pair, quantile};
pub use problem::{ProtobufError, ProtobufProblem};
use wire::Fields;

/// What is read of histograms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramChoice {
    /// Native histograms are read (`scrape_native_histograms`); otherwise only what is classic of them.
    pub native: bool,
    /// Classic series are read beside a native histogram (`always_scrape_classic_histograms`).
    pub classic_too: bool,
}

/// Reads a body and hands every entry to the sink, in order. On an error the entries handed out so far must be thrown
/// away: the scrape as a whole is refused.
pub fn scan_protobuf(
    body: &[u8],
    limits: &Limits,
    choice: HistogramChoice,
    sink: &mut impl for<'x> ScrapeSink<'x>,
) -> Result<ScanSummary, ProtobufError> {
    let mut reader = Reader {
        limits,
        choice,
        sink,
        key: SeriesKey::default(),
        native: NativeParts::default(),
        summary: ScanSummary::default(),
    };
    let (mut families, mut metrics) = (Fields::new(body), Vec::new());
    while !families.is_empty() {
        reader.summary.lines += 1;
        let mut name = "";
        let family = families.sized().map_err(ProtobufProblem::from);
        if let Err(problem) = family.and_then(|family| reader.family(family, &mut name, &mut metrics)) {
            let name = name.chars().take(NAME_CHARS_SHOWN).collect();
            return Err(ProtobufError { number: reader.summary.lines, name, problem });
        }
    }
    Ok(reader.summary)
}

/// How much of a name an error shows.
const NAME_CHARS_SHOWN: usize = 200;

/// The labels of an exemplar's message, as they come.
pub(crate) fn exemplar_labels(message: &[u8]) -> Option<Vec<Pair<'_>>> {
    let (mut fields, mut pairs) = (Fields::new(message), Vec::with_capacity(2));
    while let Some((field, value)) = fields.next().ok()? {
        if field == 1 {
            let (name, value) = label_pair(value).ok()?;
            pairs.push((Cow::Borrowed(name), Cow::Borrowed(value)));
        }
    }
    Some(pairs)
}

struct Reader<'l, 's, S> {
    limits: &'l Limits,
    choice: HistogramChoice,
    sink: &'s mut S,
    key: SeriesKey,
    native: NativeParts,
    summary: ScanSummary,
}

/// A metric with its labels taken out: the message of its value, and its time.
#[derive(Clone, Copy, Default)]
struct Metric<'a> {
    gauge: Option<&'a [u8]>,
    counter: Option<&'a [u8]>,
    summary: Option<&'a [u8]>,
    untyped: Option<&'a [u8]>,
    histogram: Option<&'a [u8]>,
    timestamp: Option<Timestamp>,
}

/// What a value has besides.
#[derive(Clone, Copy, Default)]
struct Beside<'a> {
    timestamp: Option<Timestamp>,
    since: Option<Timestamp>,
    exemplar: Option<ScrapedExemplar<'a>>,
}

impl<S: for<'x> ScrapeSink<'x>> Reader<'_, '_, S> {
    fn family<'b>(
        &mut self,
        family: &'b [u8],
        name: &mut &'b str,
        metrics: &mut Vec<&'b [u8]>,
    ) -> Result<(), ProtobufProblem> {
        let (mut raw_name, mut help, mut kind, mut unit): (&[u8], &[u8], u64, &[u8]) = (&[], &[], 0, &[]);
        metrics.clear();
        let mut fields = Fields::new(family);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => raw_name = value.bytes("name")?,
                2 => help = value.bytes("help")?,
                3 => kind = value.number("type")?,
                4 => metrics.push(value.bytes("metric")?),
                5 => unit = value.bytes("unit")?,
                _ => {}
            }
        }
        if metrics.is_empty() {
            return Ok(());
        }
        *name = std::str::from_utf8(raw_name)
            .ok()
            .filter(|name| !name.is_empty())
            .ok_or(ProtobufProblem::Name)?;
        self.bounded("bytes in a name", name.len(), self.limits.name_bytes_max)?;
        let text = std::str::from_utf8(help).map_err(|_| ProtobufProblem::NotUtf8("the help text"))?;
        let kind = kind_of(kind)?;
        let unit = std::str::from_utf8(unit).map_err(|_| ProtobufProblem::NotUtf8("the unit"))?;
        check_unit(name, kind, unit)?;
        // Help texts are handed on as text formats write them.
        let text = if text.contains(['\\', '\n']) {
            Cow::Owned(text.replace('\\', "\\\\").replace('\n', "\\n"))
        } else {
            Cow::Borrowed(text)
        };
        self.sink.take(Entry::Help { name, text: &text });
        if !unit.is_empty() {
            self.sink.take(Entry::Unit { name, unit });
        }
        self.sink.take(Entry::Type { name, kind });
        self.key.family(name);
        for metric in metrics.drain(..) {
            self.metric(metric, kind)?;
        }
        Ok(())
    }

    fn metric(&mut self, message: &[u8], kind: MetricKind) -> Result<(), ProtobufProblem> {
        self.key.metric();
        let (mut fields, mut metric, mut labels) = (Fields::new(message), Metric::default(), 0);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => {
                    labels += 1;
                    self.bounded("labels of one series", labels, self.limits.labels_max)?;
                    let (name, value) = label_pair(value)?;
                    self.bounded("bytes in a name", name.len(), self.limits.name_bytes_max)?;
                    self.bounded("bytes in a label value", value.len(), self.limits.label_value_bytes_max)?;
                    self.key.label(name, value);
                }
                2 => metric.gauge = Some(value.bytes("gauge")?),
                3 => metric.counter = Some(value.bytes("counter")?),
                4 => metric.summary = Some(value.bytes("summary")?),
                5 => metric.untyped = Some(value.bytes("untyped")?),
                6 => {
                    let ms = value.number("timestamp_ms")? as i64;
                    metric.timestamp = Some(Timestamp(ms)).filter(|at| at.0 != 0);
                }
                7 => metric.histogram = Some(value.bytes("histogram")?),
                _ => {}
            }
        }
        match kind {
            MetricKind::Counter => self.counter(metric.counter.unwrap_or_default(), metric.timestamp),
            MetricKind::Gauge => self.number(metric.gauge.unwrap_or_default(), metric.timestamp),
            MetricKind::Summary => self.quantiles(metric.summary.unwrap_or_default(), metric.timestamp),
            MetricKind::Histogram | MetricKind::GaugeHistogram => {
                let is_gauge = kind == MetricKind::GaugeHistogram;
                self.histogram(metric.histogram.unwrap_or_default(), metric.timestamp, is_gauge)
            }
            MetricKind::Info | MetricKind::StateSet | MetricKind::Untyped => {
                self.number(metric.untyped.unwrap_or_default(), metric.timestamp)
            }
        }
    }

    fn number(&mut self, message: &[u8], timestamp: Option<Timestamp>) -> Result<(), ProtobufProblem> {
        let (mut fields, mut number) = (Fields::new(message), 0.0);
        while let Some((field, value)) = fields.next()? {
            if field == 1 {
                number = value.double("value")?;
            }
        }
        self.sample("", None, number, Beside { timestamp, ..Beside::default() })
    }

    fn counter(&mut self, message: &[u8], timestamp: Option<Timestamp>) -> Result<(), ProtobufProblem> {
        let (mut fields, mut number) = (Fields::new(message), 0.0);
        let mut beside = Beside { timestamp, ..Beside::default() };
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => number = value.double("value")?,
                2 => beside.exemplar = Some(exemplar(value)?),
                3 => beside.since = created(value)?,
                _ => {}
            }
        }
        self.sample("", None, number, beside)
    }

    fn quantiles(&mut self, message: &[u8], timestamp: Option<Timestamp>) -> Result<(), ProtobufProblem> {
        let (mut count, mut sum, mut quantiles) = (0, 0.0, Vec::new());
        let mut beside = Beside { timestamp, ..Beside::default() };
        let mut fields = Fields::new(message);
        while let Some((field, value)) = fields.next()? {
            match field {
                1 => count = value.number("sample_count")?,
                2 => sum = value.double("sample_sum")?,
                3 => quantiles.push(quantile(value)?),
                4 => beside.since = created(value)?,
                _ => {}
            }
        }
        self.sample("_count", None, count as f64, beside)?;
        self.sample("_sum", None, sum, beside)?;
        for (place, (quantile, value)) in quantiles.into_iter().enumerate() {
            self.sample("", Some(("quantile", quantile, place)), value, beside)?;
        }
        Ok(())
    }

    fn histogram(
        &mut self,
        message: &[u8],
        timestamp: Option<Timestamp>,
        is_gauge: bool,
    ) -> Result<(), ProtobufProblem> {
        self.native.clear();
        let (mut buckets, mut exemplars) = (Vec::new(), Vec::new());
        let mut beside = Beside { timestamp, ..Beside::default() };
        let mut fields = Fields::new(message);
        while let Some((field, value)) = fields.next()? {
            match field {
                3 => buckets.push(bucket(value)?),
                15 => beside.since = created(value)?.filter(|_| !is_gauge),
                16 => exemplars.push(exemplar(value)?),
                _ => drop(self.native.hear(field, value)?),
            }
        }
        let is_native = self.choice.native && self.native.is_native();
        if is_native {
            if exemplars.is_empty() {
                exemplars.extend(buckets.iter().filter_map(|bucket| bucket.exemplar));
            }
            self.native(beside, exemplars, is_gauge)?;
        }
        if !is_native || self.choice.classic_too && !buckets.is_empty() {
            self.classic(&buckets, beside)?;
        }
        Ok(())
    }

    fn native(
        &mut self,
        beside: Beside<'_>,
        mut exemplars: Vec<ScrapedExemplar<'_>>,
        is_gauge: bool,
    ) -> Result<(), ProtobufProblem> {
        self.count_sample()?;
        exemplars.retain(|exemplar| exemplar.at.is_some());
        let histogram = Arc::new(self.native.histogram(is_gauge)?);
        self.sink.take(Entry::Histogram(ScrapedHistogram {
            series: self.key.series(""),
            histogram,
            timestamp: beside.timestamp,
            since: beside.since,
            exemplars,
        }));
        Ok(())
    }

    /// Count, sum, and buckets up to the infinite one, which need not be written.
    fn classic(&mut self, buckets: &[ClassicBucket<'_>], beside: Beside<'_>) -> Result<(), ProtobufProblem> {
        let count = self.native.classic_count();
        self.sample("_count", None, count, beside)?;
        self.sample("_sum", None, self.native.sum, beside)?;
        for (place, bucket) in buckets.iter().enumerate() {
            let beside = Beside { exemplar: bucket.exemplar, ..beside };
            self.sample("_bucket", Some(("le", bucket.upper_bound, place)), bucket.count, beside)?;
            if bucket.upper_bound == f64::INFINITY {
                return Ok(());
            }
        }
        self.sample("_bucket", Some(("le", f64::INFINITY, buckets.len())), count, beside)
    }

    fn sample(
        &mut self,
        suffix: &str,
        bound: Option<(&str, f64, usize)>,
        value: f64,
        beside: Beside<'_>,
    ) -> Result<(), ProtobufProblem> {
        self.count_sample()?;
        let series = match bound {
            None => self.key.series(suffix),
            Some((label, bound, place)) => self.key.bounded(suffix, label, bound, place),
        };
        let is_expected = self.sink.expected() == series;
        // One NaN for all: no body can smuggle in the staleness marker.
        let value = if value.is_nan() { f64::NAN } else { value };
        let Beside { timestamp, since, exemplar } = beside;
        self.sink.take(Entry::Sample(ScrapedSample {
            series,
            is_expected,
            value,
            timestamp,
            since,
            exemplar,
        }));
        Ok(())
    }

    fn count_sample(&mut self) -> Result<(), ProtobufProblem> {
        self.summary.samples += 1;
        self.bounded("samples in one scrape", self.summary.samples, self.limits.samples_max)
    }

    fn bounded(&self, what: &'static str, number: usize, limit: usize) -> Result<(), ProtobufProblem> {
        if number > limit { Err(ProtobufProblem::TooMuch { what, limit }) } else { Ok(()) }
    }
}

fn kind_of(number: u64) -> Result<MetricKind, ProtobufProblem> {
    Ok(match number {
        0 => MetricKind::Counter,
        1 => MetricKind::Gauge,
        2 => MetricKind::Summary,
        3 => MetricKind::Untyped,
        4 => MetricKind::Histogram,
        5 => MetricKind::GaugeHistogram,
        other => return Err(ProtobufProblem::UnknownType(other)),
    })
}

/// A name ends with its unit; that of a counter may have `_total` behind it.
fn check_unit(name: &str, kind: MetricKind, unit: &str) -> Result<(), ProtobufProblem> {
    let base = match (kind, name.strip_suffix("_total")) {
        (MetricKind::Counter, Some(base)) => base,
        _ => name,
    };
    if unit.is_empty() || base.strip_suffix(unit).is_some_and(|base| base.ends_with('_')) {
        return Ok(());
    }
    Err(ProtobufProblem::Unit { unit: unit.chars().take(NAME_CHARS_SHOWN).collect() })
}
