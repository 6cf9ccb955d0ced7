//! Quantiles and fractions of classic histograms: series whose `le` label says up to which value each of them counts.
//!
//! Inside a bucket observations are taken to be spread evenly; formulas are those of Prometheus.

use std::collections::HashMap;

use bellwether_model::Labels;

use super::aggregate::number;
use super::column::{ABSENT, Grid, Series, is_present, merge_if};
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::syntax::{Call, Expr};

/// Relative difference of neighbouring buckets that is only noise of floats.
const NOISE: f64 = 1e-12;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    bound: f64,
    count: f64,
}

/// The buckets of one histogram.
struct Histogram {
    labels: Labels,
    drop_name: bool,
    /// Bounds with the series that counts up to each.
    buckets: Vec<(f64, usize)>,
}

impl Evaluator<'_> {
    pub(super) fn classic_histogram(&mut self, call: &Call, grid: Grid) -> Result<Vec<Series>, EvalError> {
        let place = match call.function {
            Function::HistogramQuantile => 1,
            Function::HistogramFraction => 2,
            _ => 0,
        };
        let vector = &call.arguments[place];
        let mut label = None;
        let mut parameters = Vec::new();
        for argument in call.arguments.iter().filter(|a| !std::ptr::eq(*a, vector)) {
            if argument.result() == crate::syntax::Kind::Text {
                label = Some(self.text(argument, grid)?);
                continue;
            }
            let values = self.scalars(argument, grid)?;
            if call.function != Function::HistogramFraction {
                self.check_quantile(argument, &values);
            }
            parameters.push(values);
        }
        let series = self.vector(vector, grid)?;
        let histograms = self.histograms(vector, &series);
        let mut found = Vec::new();
        for histogram in &histograms {
            if call.function == Function::HistogramFraction {
                let (lower, upper) = (&parameters[0], &parameters[1]);
                let slot = |step: usize, buckets: Vec<Bucket>| fraction(lower[step], upper[step], buckets);
                found.push(self.over_steps(histogram, &series, grid, vector, slot)?);
                continue;
            }
            for q in &parameters {
                let mut one =
                    self.over_steps(histogram, &series, grid, vector, |step, b| quantile(q[step], b))?;
                if let Some(label) = &label {
                    one.labels = one.labels.with(label, &quantile_label(q[0]));
                }
                found.push(one);
            }
        }
        found.retain(|one| !one.is_blank());
        merge_if(!self.options.delayed_name_removal, found)
    }

    fn over_steps(
        &mut self,
        histogram: &Histogram,
        series: &[Series],
        grid: Grid,
        vector: &Expr,
        slot: impl Fn(usize, Vec<Bucket>) -> (f64, bool),
    ) -> Result<Series, EvalError> {
        self.check_cancelled()?;
        self.hold(grid.count as u64)?;
        let mut values = vec![ABSENT; grid.count];
        let mut was_forced = false;
        for (step, value) in values.iter_mut().enumerate() {
            let at_step = histogram.buckets.iter().map(|(bound, index)| (bound, series[*index].values[step]));
            let present = at_step.filter(|(_, count)| is_present(*count));
            let buckets: Vec<_> = present.map(|(bound, count)| Bucket { bound: *bound, count }).collect();
            if !buckets.is_empty() {
                let (result, is_forced) = slot(step, buckets);
                *value = result;
                was_forced |= is_forced;
            }
        }
        if was_forced {
            let name = histogram.labels.value_or_empty(bellwether_model::METRIC_NAME);
            let message = format!(
                "input to histogram_quantile needed to be fixed for monotonicity (see \
                 https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) \
                 for metric name {name:?}"
            );
            self.info(&vector.span, message);
        }
        let mut one = Series::new(histogram.labels.clone(), values);
        one.drop_name = histogram.drop_name;
        self.drop_name(&mut one);
        Ok(one)
    }

    fn histograms(&mut self, vector: &Expr, series: &[Series]) -> Vec<Histogram> {
        let mut places: HashMap<Labels, usize> = HashMap::new();
        let mut found: Vec<Histogram> = Vec::new();
        for (index, one) in series.iter().enumerate() {
            let le = one.labels.value_or_empty("le");
            let Some(bound) = go_float(le) else {
                let name = one.labels.value_or_empty(bellwether_model::METRIC_NAME);
                let message = format!(
                    "bucket label \"le\" is missing or has a malformed value of {le:?} for metric name {name:?}"
                );
                self.warn(&vector.span, message);
                continue;
            };
            let labels = one.labels.without(&["le"]);
            let place = *places.entry(labels.clone()).or_insert(found.len());
            if place == found.len() {
                found.push(Histogram { labels, drop_name: false, buckets: Vec::new() });
            }
            found[place].drop_name |= one.drop_name;
            found[place].buckets.push((bound, index));
        }
        for histogram in &mut found {
            histogram.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        found
    }
}

/// A quantile as OpenMetrics writes it: whole numbers keep a decimal.
fn quantile_label(q: f64) -> String {
    let text = number(q);
    if text.chars().all(|c| c.is_ascii_digit() || c == '-') { text + ".0" } else { text }
}

/// A bound as it is written in a label.
fn go_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Joins buckets of equal bounds and mends counts that fall; the flag says whether that was more than noise.
/// `None` where there is no bucket for everything, so that nothing can be said.
fn mended(buckets: Vec<Bucket>) -> Option<(Vec<Bucket>, bool)> {
    if buckets.last()?.bound != f64::INFINITY {
        return None;
    }
    let mut joined: Vec<Bucket> = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match joined.last_mut() {
            Some(last) if last.bound == bucket.bound => last.count += bucket.count,
            _ => joined.push(bucket),
        }
    }
    let mut was_forced = false;
    let mut before = joined[0].count;
    for bucket in &mut joined[1..] {
        if bucket.count == before {
            continue;
        }
        let is_noise = (bucket.count - before).abs() / (bucket.count.abs() + before.abs()) < NOISE;
        if is_noise || bucket.count < before {
            was_forced |= !is_noise;
            bucket.count = before;
        } else {
            before = bucket.count;
        }
    }
    Some((joined, was_forced))
}

fn quantile(q: f64, buckets: Vec<Bucket>) -> (f64, bool) {
    if q.is_nan() {
        return (f64::NAN, false);
    }
    if !(0.0..=1.0).contains(&q) {
        return (if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY }, false);
    }
    let Some((buckets, was_forced)) = mended(buckets) else { return (f64::NAN, false) };
    let last = buckets.len() - 1;
    let total = buckets[last].count;
    if last == 0 || total == 0.0 || total.is_nan() {
        return (f64::NAN, was_forced);
    }
    let rank = q * total;
    let index = buckets[..last].partition_point(|b| b.count < rank);
    if index == last {
        return (buckets[last - 1].bound, was_forced);
    }
    let end = buckets[index].bound;
    if index == 0 && end <= 0.0 {
        return (end, was_forced);
    }
    let below = if index == 0 { Bucket { bound: 0.0, count: 0.0 } } else { buckets[index - 1] };
    let share = (rank - below.count) / (buckets[index].count - below.count);
    (below.bound + (end - below.bound) * share, was_forced)
}

fn fraction(lower: f64, upper: f64, buckets: Vec<Bucket>) -> (f64, bool) {
    let Some((buckets, was_forced)) = mended(buckets) else { return (f64::NAN, false) };
    let total = buckets[buckets.len() - 1].count;
    if total == 0.0 || total.is_nan() || lower.is_nan() || upper.is_nan() {
        return (f64::NAN, was_forced);
    }
    if lower >= upper {
        return (0.0, was_forced);
    }
    // Observations at or below a value; those of a bucket without an end are not spread over it.
    let rank = |value: f64| {
        if value == f64::NEG_INFINITY {
            return 0.0;
        }
        let index = buckets.partition_point(|b| b.bound < value);
        let Some(bucket) = buckets.get(index) else { return total };
        if bucket.bound == value {
            return bucket.count;
        }
        let below = match index.checked_sub(1) {
            Some(before) => buckets[before],
            None if bucket.bound > 0.0 && bucket.bound.is_finite() => Bucket { bound: 0.0, count: 0.0 },
            // Below the first bound lies nothing that could be told apart: all of it is above `value`, or none.
            None => return if bucket.bound.is_finite() { bucket.count } else { 0.0 },
        };
        if bucket.bound == f64::INFINITY {
            return below.count;
        }
        let share = (value - below.bound) / (bucket.bound - below.bound);
        below.count + (bucket.count - below.count) * share.max(0.0)
    };
    ((rank(upper) - rank(lower)) / total, was_forced)
}
