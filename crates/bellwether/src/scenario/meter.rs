//! What one process has counted of one metric.
//!
//! Dealt by quota, a count is the nearest whole number to what is expected of it, at any moment: what is expected is
//! kept exactly, in billionths of billionths of an event, and nothing is ever drawn.

use bellwether_ingest::{ExpositionWriter, MetricKind, bound_text};
use bellwether_model::{Labels, TimeDelta};

use super::definition::{MetricBehaviour, MetricDefinition, Mixture};
use super::draw;
use super::quantity::{Rate, WHOLE};

/// One event in the unit in which expectations are kept.
const EVENT: i128 = WHOLE * WHOLE;

/// A number that grows: what is expected of it, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Count {
    expected: i128,
    value: u64,
}

impl Count {
    /// Expects more, and counts to the nearest whole number; gives how many more there are.
    fn deal(&mut self, more: i128) -> u64 {
        self.expected += more;
        let due = u64::try_from((self.expected + EVENT / 2) / EVENT).unwrap_or(u64::MAX);
        let dealt = due.saturating_sub(self.value);
        self.value += dealt;
        dealt
    }

    /// So many were drawn; whoever goes on dealing goes on from here.
    fn add(&mut self, drawn: u64) {
        self.value += drawn;
        self.expected = i128::from(self.value) * EVENT;
    }
}

/// The series of one label set.
#[derive(Clone, Debug, Default, PartialEq)]
struct Series {
    total: Count,
    /// At or below each bound; of histograms only.
    buckets: Vec<Count>,
    sum: f64,
}

/// What is the same for every stretch of time until a setting changes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// The labels of each part, and its share of all events in billionths.
    pub parts: Vec<(Labels, i128)>,
    /// The share of observations at or below each bound, in billionths.
    below: Vec<i128>,
    mean: f64,
}

impl Shape {
    /// Of a metric as it is set now.
    pub(super) fn of(metric: &MetricDefinition) -> Self {
        let (below, mean) = match &metric.kind {
            MetricBehaviour::Histogram { bounds, values, .. } => {
                (bounds.iter().map(|bound| at_or_below(values, *bound)).collect(), mean(values))
            }
            MetricBehaviour::Counter { .. } | MetricBehaviour::Gauge { .. } => (Vec::new(), 0.0),
        };
        Self { parts: metric.parts(), below, mean }
    }
}

/// What one process has counted of one metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Meter {
    series: Vec<Series>,
    /// All events, which are dealt also where their outcome is drawn.
    all: Count,
    /// Each part's events in the last stretch of time.
    fresh: Vec<u64>,
}

/// How many events a stretch of time brings to a metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Influx {
    /// At this rate.
    pub rate: Rate,
    /// This share of them, in billionths.
    pub share: i128,
    /// So many were drawn already.
    pub drawn: Option<u64>,
}

impl Meter {
    /// Nothing counted yet.
    pub(super) fn new(shape: &Shape) -> Self {
        let (parts, buckets) = (shape.parts.len(), shape.below.len());
        let series = Series { buckets: vec![Count::default(); buckets], ..Series::default() };
        Self { series: vec![series; parts], all: Count::default(), fresh: vec![0; parts] }
    }

    /// Events of the last stretch of time in these parts.
    pub(super) fn fresh_in(&self, parts: &[usize]) -> u64 {
        parts.iter().filter_map(|part| self.fresh.get(*part)).sum()
    }

    /// Counts a stretch of time by quota.
    pub(super) fn deal(&mut self, shape: &Shape, influx: Influx, length: TimeDelta) {
        for ((_, share), (series, fresh)) in
            shape.parts.iter().zip(self.series.iter_mut().zip(&mut self.fresh))
        {
            let share = influx.share * share / WHOLE;
            *fresh = series.total.deal(influx.rate.over(share, length));
            for (bucket, below) in series.buckets.iter_mut().zip(&shape.below) {
                bucket.deal(influx.rate.over(share * below / WHOLE, length));
            }
            series.sum += shape.mean * *fresh as f64;
        }
    }

    /// Counts a stretch of time whose events go this or that way by chance.
    pub(super) fn draw(&mut self, shape: &Shape, influx: Influx, length: TimeDelta, rng: &mut fastrand::Rng) {
        let n = match influx.drawn {
            Some(n) => n,
            None => self.all.deal(influx.rate.over(influx.share, length)),
        };
        self.fresh = draw::spread(rng, n, shape.parts.iter().map(|(_, share)| *share));
        for (series, fresh) in self.series.iter_mut().zip(&self.fresh) {
            series.total.add(*fresh);
            let lower = std::iter::once(0).chain(shape.below.iter().copied());
            let each = shape.below.iter().zip(lower).map(|(upper, lower)| upper - lower);
            let rest = WHOLE - shape.below.last().copied().unwrap_or(0);
            let drawn = draw::spread(rng, *fresh, each.chain([rest]));
            let mut below = 0;
            for (bucket, count) in series.buckets.iter_mut().zip(drawn) {
                below += count;
                bucket.add(below);
            }
            series.sum += shape.mean * *fresh as f64;
        }
    }

    /// Writes what a scrape finds.
    pub(super) fn expose(&self, metric: &MetricDefinition, shape: &Shape, writer: &mut ExpositionWriter) {
        let name = metric.name.as_str();
        match &metric.kind {
            MetricBehaviour::Gauge { label, values } => {
                writer.family(name, MetricKind::Gauge, &metric.help);
                for (of, value) in values {
                    let labels = match label.is_empty() {
                        true => metric.labels.clone(),
                        false => metric.labels.with(label, of),
                    };
                    writer.sample(name, &labels.iter().collect::<Vec<_>>(), *value);
                }
            }
            MetricBehaviour::Counter { continuous, .. } => {
                writer.family(name, MetricKind::Counter, &metric.help);
                for ((labels, _), series) in shape.parts.iter().zip(&self.series) {
                    let value = match continuous {
                        true => series.total.expected as f64 / EVENT as f64,
                        false => series.total.value as f64,
                    };
                    writer.sample(name, &labels.iter().collect::<Vec<_>>(), value);
                }
            }
            MetricBehaviour::Histogram { bounds, .. } => {
                writer.family(name, MetricKind::Histogram, &metric.help);
                let (bucket, sum, count) =
                    (format!("{name}_bucket"), format!("{name}_sum"), format!("{name}_count"));
                for ((labels, _), series) in shape.parts.iter().zip(&self.series) {
                    let labels: Vec<(&str, &str)> = labels.iter().collect();
                    let total = series.total.value;
                    let below = series.buckets.iter().map(|bucket| bucket.value.min(total));
                    for (bound, count) in
                        bounds.iter().copied().chain([f64::INFINITY]).zip(below.chain([total]))
                    {
                        let bound = bound_text(bound);
                        let mut with_bound = labels.clone();
                        with_bound.push(("le", &bound));
                        writer.sample(&bucket, &with_bound, count as f64);
                    }
                    writer.sample(&sum, &labels, series.sum);
                    writer.sample(&count, &labels, total as f64);
                }
            }
        }
    }
}

/// The share of observations at or below a bound, in billionths.
fn at_or_below(values: &Mixture, bound: f64) -> i128 {
    values.all().map(|(sizes, share)| share * sizes.at_or_below(bound) / WHOLE).sum()
}

fn mean(values: &Mixture) -> f64 {
    values.all().map(|(sizes, share)| sizes.mean() * share as f64 / WHOLE as f64).sum()
}
