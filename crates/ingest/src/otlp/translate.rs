//! Walks over a request: resource, scope, metric, point. Each point becomes one series or several; what cannot be
//! translated is rejected, and the rest goes on.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};

use super::OtlpSettings;
use super::exponential::exponential;
use super::histogram::{custom_histogram, histogram};
use super::labels::{ResourceLabels, scope_labels};
use super::message::{
    ExponentialMetric, Gauge, HistogramMetric, Metric, Request, ResourceMetrics, Sum, SummaryMetric,
    Temporality,
};
use super::name::{NamedKind, metric_name};
use super::points::{Place, number, summary};
use super::rejected::Rejected;
use super::target_info::TargetInfo;
use super::unit::unit_name;
use crate::{MetricKind, PushedMetadata, PushedSeries};

/// A request as series.
#[derive(Clone, Debug, Default)]
pub struct Translated {
    /// The series, each with the samples of one point.
    pub series: Vec<TranslatedSeries>,
    /// What is said of the metrics, one entry per name.
    pub metadata: Vec<PushedMetadata>,
    /// How many points the request had.
    pub points: u64,
    /// What could not be translated.
    pub rejected: Rejected,
}

/// A series with the samples of one point.
#[derive(Clone, Debug)]
pub struct TranslatedSeries {
    /// The series.
    pub pushed: PushedSeries,
    /// Which point of the request it is of; none for what is said of the resource.
    pub point: Option<u32>,
    /// If the point only says what changed: when.
    pub delta: Option<DeltaWindow>,
}

/// The time in which something changed, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaWindow {
    /// Its start; 0 if that was not said.
    pub start_ns: u64,
    /// Its end.
    pub end_ns: u64,
    /// Whether it can only have grown.
    pub is_monotonic: bool,
}

/// Makes series of a request. `lookback` is how far queries look back for a value: `target_info` is written so often
/// that they find it.
pub fn translate(request: &Request<'_>, settings: &OtlpSettings, lookback: TimeDelta) -> Translated {
    let mut translator = Translator { settings, out: Translated::default(), metadata: BTreeMap::new() };
    let mut target_info = TargetInfo::new(settings, lookback);
    for resource in &request.resource_metrics {
        translator.resource(resource, &mut target_info);
    }
    translator.out.metadata.extend(translator.metadata.into_values());
    translator.out
}

/// What is being translated.
struct Translator<'s> {
    settings: &'s OtlpSettings,
    out: Translated,
    metadata: BTreeMap<String, PushedMetadata>,
}

impl Translator<'_> {
    fn resource(&mut self, resource: &ResourceMetrics<'_>, target_info: &mut TargetInfo<'_>) {
        let attributes = &resource.resource.attributes;
        let labels = match ResourceLabels::of(attributes, self.settings) {
            Ok(labels) => labels,
            Err(reason) => {
                let metrics = resource.scope_metrics.iter().flat_map(|scope| &scope.metrics);
                return self.reject(metrics, &reason);
            }
        };
        for scope in &resource.scope_metrics {
            match scope_labels(scope, self.settings) {
                Ok(of_scope) => {
                    for metric in &scope.metrics {
                        self.metric(metric, &labels, &of_scope);
                    }
                }
                Err(reason) => self.reject(scope.metrics.iter(), &reason),
            }
        }
        let times = resource.scope_metrics.iter().flat_map(|scope| &scope.metrics).flat_map(times);
        let times = times.filter(|time| *time != 0).fold(None, |range: Option<(u64, u64)>, time| {
            Some(range.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
        });
        if let Some((first, last)) = times {
            let reason = target_info.write(attributes, &labels, (moment(first), moment(last)), &mut self.out);
            if let (Some(metadata), None) = (target_info.metadata(), &reason) {
                self.metadata.insert(metadata.name.clone(), metadata);
            }
            if let Some(reason) = reason {
                self.out.rejected.add(0, reason);
            }
        }
    }

    fn reject<'m>(&mut self, metrics: impl Iterator<Item = &'m Metric<'m>>, reason: &str) {
        for metric in metrics {
            let points = times(metric).len() as u64;
            self.out.points += points;
            self.out.rejected.add(points, reason);
        }
    }

    fn metric(&mut self, metric: &Metric<'_>, resource: &ResourceLabels, scope: &[(String, String)]) {
        let points = times(metric).len() as u64;
        let first_point = self.out.points;
        self.out.points += points;
        let Some(data) = Data::of(metric) else {
            return self.out.rejected.add(0, format!("metric {:?} has no data", metric.name));
        };
        if points == 0 {
            return self.out.rejected.add(0, format!("metric {:?} has no points", metric.name));
        }
        if data.temporality() == Some(Temporality::Unspecified) {
            let reason = format!("metric {:?} does not say whether it is delta or cumulative", metric.name);
            return self.out.rejected.add(points, reason);
        }
        let name = match metric_name(&metric.name, &metric.unit, data.named_kind(), self.settings) {
            Ok(name) => name,
            Err(reason) => return self.out.rejected.add(points, reason),
        };
        let place = Place { name: &name, resource, scope, settings: self.settings };
        let taken = self.out.series.len();
        self.points(&data, &place, PointsOf { metric: &metric.name, first: first_point });
        if self.out.series.len() > taken {
            self.metadata.entry(name.clone()).or_insert_with(|| PushedMetadata {
                name,
                kind: Some(data.kind()),
                help: metric.description.clone().into_owned(),
                unit: unit_name(&metric.unit),
            });
        }
    }

    fn points(&mut self, data: &Data<'_>, place: &Place<'_>, of: PointsOf<'_>) {
        let delta = data.temporality() == Some(Temporality::Delta);
        let nhcb = self.settings.converts_histograms_to_nhcb;
        match data {
            Data::Gauge(gauge) => {
                self.each(&gauge.data_points, of, None, |point| number(point, place, None));
            }
            Data::Sum(sum) => {
                let is_monotonic = sum.is_monotonic;
                self.each(&sum.data_points, of, delta.then_some(is_monotonic), |point| {
                    number(point, place, Some(is_monotonic))
                });
            }
            Data::Histogram(metric) if nhcb => {
                self.each(&metric.data_points, of, delta.then_some(true), |p| custom_histogram(p, place));
            }
            Data::Histogram(metric) => {
                self.each(&metric.data_points, of, delta.then_some(true), |p| histogram(p, place));
            }
            Data::Exponential(metric) => {
                self.each(&metric.data_points, of, delta.then_some(true), |p| exponential(p, place));
            }
            Data::Summary(metric) => {
                self.each(&metric.data_points, of, None, |point| summary(point, place));
            }
        }
    }

    fn each<P: Timed>(
        &mut self,
        points: &[P],
        of: PointsOf<'_>,
        delta_is_monotonic: Option<bool>,
        series_of: impl Fn(&P) -> Result<Vec<PushedSeries>, String>,
    ) {
        for (point, number) in points.iter().zip(of.first..) {
            let (start_ns, end_ns) = point.times();
            if end_ns == 0 {
                self.out.rejected.add(1, of.rejected("a point has no time"));
                continue;
            }
            let delta = delta_is_monotonic.map(|is_monotonic| DeltaWindow { start_ns, end_ns, is_monotonic });
            match series_of(point) {
                Ok(series) => self.out.series.extend(series.into_iter().map(|pushed| TranslatedSeries {
                    pushed,
                    point: u32::try_from(number).ok(),
                    delta,
                })),
                Err(reason) => self.out.rejected.add(1, of.rejected(&reason)),
            }
        }
    }
}

/// Whose points they are, and the number of the first in the request.
#[derive(Clone, Copy)]
struct PointsOf<'a> {
    metric: &'a str,
    first: u64,
}

impl PointsOf<'_> {
    fn rejected(self, reason: &str) -> String {
        format!("metric {:?}: {reason}", self.metric)
    }
}

/// A point with its times: start and end, in nanoseconds.
pub(super) trait Timed {
    /// Since when it counts, and when it was measured.
    fn times(&self) -> (u64, u64);
}

macro_rules! timed {
    ($($point:ident)*) => {
        $(impl Timed for super::message::$point<'_> {
            fn times(&self) -> (u64, u64) {
                (self.start_time_unix_nano, self.time_unix_nano)
            }
        })*
    };
}
timed!(NumberPoint HistogramPoint ExponentialPoint SummaryPoint);

/// Milliseconds, as samples have them.
pub(super) const fn moment(nanoseconds: u64) -> Timestamp {
    Timestamp((nanoseconds / 1_000_000) as i64)
}

/// Since when a counter counts; a start after the moment itself says nothing.
pub(super) fn since(point: &impl Timed) -> Option<Timestamp> {
    let (start, end) = point.times();
    (1..=end).contains(&start).then(|| moment(start))
}

/// The moments of all points of a metric, in nanoseconds.
fn times(metric: &Metric<'_>) -> Vec<u64> {
    fn all<P: Timed>(points: &[P]) -> Vec<u64> {
        points.iter().map(|point| point.times().1).collect()
    }
    match Data::of(metric) {
        None => Vec::new(),
        Some(Data::Gauge(gauge)) => all(&gauge.data_points),
        Some(Data::Sum(sum)) => all(&sum.data_points),
        Some(Data::Histogram(metric)) => all(&metric.data_points),
        Some(Data::Exponential(metric)) => all(&metric.data_points),
        Some(Data::Summary(metric)) => all(&metric.data_points),
    }
}

/// The one kind of data that a metric has.
enum Data<'m> {
    Gauge(&'m Gauge<'m>),
    Sum(&'m Sum<'m>),
    Histogram(&'m HistogramMetric<'m>),
    Exponential(&'m ExponentialMetric<'m>),
    Summary(&'m SummaryMetric<'m>),
}

impl<'m> Data<'m> {
    fn of(metric: &'m Metric<'m>) -> Option<Self> {
        let exponential = metric.exponential_histogram.as_ref();
        (metric.gauge.as_ref().map(Data::Gauge))
            .or(metric.sum.as_ref().map(Data::Sum))
            .or(metric.histogram.as_ref().map(Data::Histogram))
            .or(exponential.map(Data::Exponential))
            .or(metric.summary.as_ref().map(Data::Summary))
    }

    const fn temporality(&self) -> Option<Temporality> {
        match self {
            Self::Gauge(_) | Self::Summary(_) => None,
            Self::Sum(sum) => Some(sum.aggregation_temporality),
            Self::Histogram(metric) => Some(metric.aggregation_temporality),
            Self::Exponential(metric) => Some(metric.aggregation_temporality),
        }
    }

    const fn named_kind(&self) -> NamedKind {
        match self {
            Self::Gauge(_) => NamedKind::Gauge,
            Self::Sum(sum) if sum.is_monotonic => NamedKind::Counter,
            Self::Sum(_) | Self::Histogram(_) | Self::Exponential(_) | Self::Summary(_) => NamedKind::Other,
        }
    }

    const fn kind(&self) -> MetricKind {
        match self {
            Self::Gauge(_) => MetricKind::Gauge,
            Self::Sum(sum) if sum.is_monotonic => MetricKind::Counter,
            Self::Sum(_) => MetricKind::Gauge,
            Self::Histogram(_) | Self::Exponential(_) => MetricKind::Histogram,
            Self::Summary(_) => MetricKind::Summary,
        }
    }
}

/// What a series of one sample is.
pub(super) fn one_sample(labels: Labels, sample: crate::PushedSample) -> PushedSeries {
    PushedSeries { labels, samples: vec![sample], ..PushedSeries::default() }
}
