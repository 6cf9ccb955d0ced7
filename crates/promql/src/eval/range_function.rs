//! What functions over ranges calculate from the samples of one window.
//!
//! Formulas are those of Prometheus 3: rates are extrapolated to the window's edges by at most half the mean distance
//! of samples where the edge is further away than 1.1 of it, and counters never to below zero.

use bellwether_model::Sample;

use crate::function::Function;
use crate::kahan::Kahan;

/// One window.
pub(super) struct Context {
    /// Its open edge.
    pub(super) start: i64,
    /// Its closed edge.
    pub(super) end: i64,
    /// The step it is evaluated for.
    pub(super) now: i64,
    /// Scalar arguments in their order.
    pub(super) parameters: [f64; 2],
}

/// Calculates from the samples of a window; `None` where the function has no value.
pub(super) fn over_samples(function: Function, samples: &[Sample], context: &Context) -> Option<f64> {
    let (first, last) = (samples.first()?, samples.last()?);
    let values = || samples.iter().map(|s| s.value);
    let pairs = || samples.windows(2).map(|w| (w[0].value, w[1].value));
    let edges = Outermost { first: *first, last: *last, count: samples.len() };
    let count = |n: usize| n as f64;
    Some(match function {
        Function::Rate => edges.rate(counter_increase(samples), context)?,
        Function::Increase => edges.extrapolated(counter_increase(samples), context, true)?,
        Function::Delta => edges.extrapolated(last.value - first.value, context, false)?,
        Function::Irate => instant_difference(samples, true)?,
        Function::Idelta => instant_difference(samples, false)?,
        Function::SumOverTime => sum(values()),
        Function::AvgOverTime => mean(values()),
        Function::MinOverTime => extreme(values(), |new, old| new < old),
        Function::MaxOverTime => extreme(values(), |new, old| new > old),
        Function::TsOfMinOverTime => extreme_time(samples, |new, old| new <= old),
        Function::TsOfMaxOverTime => extreme_time(samples, |new, old| new >= old),
        Function::CountOverTime => count(samples.len()),
        Function::LastOverTime => last.value,
        Function::FirstOverTime => first.value,
        Function::PresentOverTime => 1.0,
        Function::TsOfFirstOverTime => first.at.as_secs_f64(),
        Function::TsOfLastOverTime => last.at.as_secs_f64(),
        Function::Resets => count(pairs().filter(|(a, b)| b < a).count()),
        Function::Changes => count(pairs().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count()),
        Function::StdvarOverTime => variance(values()),
        Function::StddevOverTime => variance(values()).sqrt(),
        Function::MadOverTime => median_deviation(samples),
        Function::QuantileOverTime => quantile(context.parameters[0], &mut values().collect::<Vec<_>>()),
        Function::Deriv => linear_regression(samples, first.at.0)?.slope,
        Function::PredictLinear => {
            let line = linear_regression(samples, context.now)?;
            line.slope * context.parameters[0] + line.intercept
        }
        Function::DoubleExponentialSmoothing => double_exponential_smoothing(samples, context.parameters)?,
        _ => return None,
    })
}

impl Context {
    /// How long it is.
    pub(super) fn seconds(&self) -> f64 {
        self.end.saturating_sub(self.start) as f64 / 1000.0
    }
}

/// The outermost samples of a window.
pub(super) struct Outermost {
    pub(super) first: Sample,
    pub(super) last: Sample,
    /// All samples, these among them.
    pub(super) count: usize,
}

impl Outermost {
    /// A difference between the outermost samples, stretched to the window.
    pub(super) fn extrapolated(&self, difference: f64, context: &Context, is_counter: bool) -> Option<f64> {
        Some(difference * self.stretch(difference, context, is_counter)?)
    }

    /// The same per second. Divided in Prometheus' order, or `topk` breaks ties between equal rates differently.
    pub(super) fn rate(&self, increase: f64, context: &Context) -> Option<f64> {
        Some(increase * (self.stretch(increase, context, true)? / context.seconds()))
    }

    fn stretch(&self, difference: f64, context: &Context, is_counter: bool) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        let sampled = self.last.at.0.saturating_sub(self.first.at.0) as f64 / 1000.0;
        let mean_distance = sampled / (self.count - 1) as f64;
        let limit = |to_edge: f64| if to_edge >= mean_distance * 1.1 { mean_distance / 2.0 } else { to_edge };
        let mut to_start = limit(self.first.at.0.saturating_sub(context.start) as f64 / 1000.0);
        let to_end = limit(context.end.saturating_sub(self.last.at.0) as f64 / 1000.0);
        if is_counter && difference > 0.0 && self.first.value >= 0.0 {
            let to_zero = sampled * (self.first.value / difference);
            to_start = if to_zero < to_start { to_zero } else { to_start };
        }
        Some((sampled + to_start + to_end) / sampled)
    }
}

fn counter_increase(samples: &[Sample]) -> f64 {
    let mut result = samples[samples.len() - 1].value - samples[0].value;
    for pair in samples.windows(2) {
        if pair[1].value < pair[0].value {
            result += pair[0].value;
        }
    }
    result
}

fn instant_difference(samples: &[Sample], is_rate: bool) -> Option<f64> {
    let [.., before, last] = samples else { return None };
    let ms = last.at.0.saturating_sub(before.at.0);
    if ms == 0 {
        return None;
    }
    let is_reset = is_rate && last.value < before.value;
    let difference = if is_reset { last.value } else { last.value - before.value };
    Some(if is_rate { difference / (ms as f64 / 1000.0) } else { difference })
}

fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let mut kahan = Kahan::default();
    values.for_each(|v| kahan.add(v));
    kahan.total()
}

/// A mean that changes to an incremental one where the sum would overflow.
#[derive(Clone, Copy, Default)]
pub(super) struct Mean {
    kahan: Kahan,
    count: f64,
    is_incremental: bool,
}

impl Mean {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if !self.is_incremental {
            let mut next = self.kahan;
            next.add(value);
            if self.count == 1.0 || !next.sum.is_infinite() {
                self.kahan = next;
                return;
            }
            self.is_incremental = true;
            self.kahan.sum /= self.count - 1.0;
            self.kahan.lost /= self.count - 1.0;
        }
        let share = (self.count - 1.0) / self.count;
        self.kahan = Kahan { sum: self.kahan.sum * share, lost: self.kahan.lost * share };
        self.kahan.add(value / self.count);
    }

    pub(super) fn total(self) -> f64 {
        if self.is_incremental {
            return self.kahan.sum + self.kahan.lost;
        }
        self.kahan.sum / self.count + self.kahan.lost / self.count
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let mut mean = Mean::default();
    values.for_each(|v| mean.add(v));
    mean.total()
}

/// Welford's variance over the whole population.
#[derive(Clone, Copy, Default)]
pub(super) struct Variance {
    count: f64,
    mean: Kahan,
    squares: Kahan,
}

impl Variance {
    pub(super) fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - (self.mean.sum + self.mean.lost);
        self.mean.add(delta / self.count);
        self.squares.add(delta * (value - (self.mean.sum + self.mean.lost)));
    }

    pub(super) fn total(self) -> f64 {
        (self.squares.sum + self.squares.lost) / self.count
    }
}

fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let mut variance = Variance::default();
    values.for_each(|v| variance.add(v));
    variance.total()
}

fn extreme(values: impl Iterator<Item = f64>, wins: fn(f64, f64) -> bool) -> f64 {
    values.fold(f64::NAN, |old, new| if wins(new, old) || old.is_nan() { new } else { old })
}

fn extreme_time(samples: &[Sample], wins: fn(f64, f64) -> bool) -> f64 {
    let mut found = samples[0];
    for sample in samples {
        if wins(sample.value, found.value) || found.value.is_nan() {
            found = *sample;
        }
    }
    found.at.as_secs_f64()
}

/// The quantile of values, interpolated between neighbours; NaN sorts first. The values end up sorted.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(b)));
    let last = values.len() - 1;
    let rank = q * last as f64;
    let lower = rank.floor() as usize;
    let upper = last.min(lower + 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

fn median_deviation(samples: &[Sample]) -> f64 {
    let mut values: Vec<f64> = samples.iter().map(|s| s.value).collect();
    if values.iter().any(|v| v.is_nan()) {
        return f64::NAN;
    }
    let median = quantile(0.5, &mut values);
    let mut deviations: Vec<f64> = values.iter().map(|v| (v - median).abs()).collect();
    quantile(0.5, &mut deviations)
}

struct Line {
    slope: f64,
    intercept: f64,
}

/// Least squares; the intercept is the value at `origin`.
fn linear_regression(samples: &[Sample], origin: i64) -> Option<Line> {
    if samples.len() < 2 {
        return None;
    }
    let first = samples[0].value;
    if samples.iter().all(|s| s.value == first) {
        let is_infinite = first.is_infinite();
        let flat = Line { slope: 0.0, intercept: first };
        return Some(if is_infinite { Line { slope: f64::NAN, intercept: f64::NAN } } else { flat });
    }
    let [mut x_sum, mut y_sum, mut xy_sum, mut xx_sum] = [Kahan::default(); 4];
    for sample in samples {
        let x = sample.at.0.saturating_sub(origin) as f64 / 1000.0;
        x_sum.add(x);
        y_sum.add(sample.value);
        xy_sum.add(x * sample.value);
        xx_sum.add(x * x);
    }
    let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|k| k.sum + k.lost);
    let n = samples.len() as f64;
    let slope = (xy - x * y / n) / (xx - x * x / n);
    Some(Line { slope, intercept: y / n - slope * x / n })
}

fn double_exponential_smoothing(samples: &[Sample], [smoothing, trend]: [f64; 2]) -> Option<f64> {
    if samples.len() < 2 {
        return None;
    }
    let (mut before, mut level) = (0.0, samples[0].value);
    let mut slope = samples[1].value - samples[0].value;
    for (index, sample) in samples.iter().enumerate().skip(1) {
        if index > 1 {
            slope = trend * (level - before) + (1.0 - trend) * slope;
        }
        let next = smoothing * sample.value + (1.0 - smoothing) * (level + slope);
        (before, level) = (level, next);
    }
    Some(level)
}
