//! Rates, differences, sums and means of histograms in a window, and rates of counters whose start times are known.
//!
//! A counter that is known to have started inside the window was zero then: nothing is extrapolated to the left of its
//! first sample, and one sample is enough for a rate.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram, HistogramSample, Timestamp};

use super::mixed_samples::{Entry, Window};
use super::note::{Note, Notes, Operation};
use super::range_function::Context;
use super::start_time::Counted;
use crate::function::Function;
use crate::histogram::{
    Combined, HistogramMean, HistogramSum, IncompatibleSchemas, difference, divided, is_reset, scaled, sum,
};
use crate::value::SampleValue;

/// `rate`, `increase` and `delta`.
pub(super) fn extrapolated_rate(
    function: Function,
    window: &Window<'_>,
    context: &Context,
    notes: &mut Notes,
) -> Option<SampleValue> {
    if window.is_mixed() {
        notes.add(Note::FloatsAndHistograms);
        return None;
    }
    let is_counter = function != Function::Delta;
    let seconds = if function == Function::Rate { context.seconds() } else { 1.0 };
    if window.histograms.is_empty() {
        return float_rate(window, context, is_counter, notes).map(|v| SampleValue::Float(v / seconds));
    }
    let stretched = histogram_rate(window, context, is_counter, notes)?;
    Some(scaled(&stretched.histogram, stretched.factor / seconds).into())
}

/// Where the samples of a window lie, and how far their difference is to be stretched.
struct Stretch {
    first: Counted,
    last: Timestamp,
    count: usize,
    is_counter: bool,
}

impl Stretch {
    /// Since when the counter counts, where that is inside the window and before its first sample.
    fn known_start(&self, context: &Context) -> Option<Timestamp> {
        self.first.start.filter(|start| self.is_counter && start.0 > context.start && *start < self.first.at)
    }

    /// `to_zero` is the share of the difference that the first value is: so far back the counter was zero.
    fn factor(&self, context: &Context, to_zero: Option<f64>) -> Option<f64> {
        let seconds = |from: i64, to: i64| to.saturating_sub(from) as f64 / 1000.0;
        let mut sampled = seconds(self.first.at.0, self.last.0);
        let distance = if self.count > 1 { sampled / (self.count - 1) as f64 } else { 0.0 };
        let limit = |to_edge: f64| if to_edge >= distance * 1.1 { distance / 2.0 } else { to_edge };
        let to_end = limit(seconds(self.last.0, context.end));
        let to_start = match self.known_start(context) {
            Some(start) => {
                sampled = seconds(start.0, self.last.0);
                0.0
            }
            None if self.count < 2 => return None,
            None => {
                let to_edge = limit(seconds(context.start, self.first.at.0));
                to_zero.map(|share| sampled * share).filter(|to_zero| *to_zero < to_edge).unwrap_or(to_edge)
            }
        };
        Some(if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled })
    }
}

fn float_rate(window: &Window<'_>, context: &Context, is_counter: bool, notes: &mut Notes) -> Option<f64> {
    let (first, last) = (window.floats.first()?, window.floats.last()?);
    let mut result = last.value - first.value;
    if is_counter {
        for (index, pair) in window.floats.windows(2).enumerate() {
            let (before, now) = (window.counted_float(index), window.counted_float(index + 1));
            notes.add_if(now.overlaps(&before), Note::StartTimesOverlap);
            if pair[1].value < pair[0].value || now.is_restart_after(&before) {
                result += pair[0].value;
            }
        }
    }
    let first_counted = window.counted_float(0);
    let stretch = Stretch { first: first_counted, last: last.at, count: window.floats.len(), is_counter };
    if stretch.known_start(context).is_some() {
        result += first.value;
    }
    let to_zero = (is_counter && result > 0.0 && first.value >= 0.0).then(|| first.value / result);
    stretch.factor(context, to_zero).map(|factor| result * factor)
}

struct Stretched {
    histogram: Histogram,
    factor: f64,
}

fn histogram_rate(
    window: &Window<'_>,
    context: &Context,
    is_counter: bool,
    notes: &mut Notes,
) -> Option<Stretched> {
    let (first, last) = (window.histograms.first()?, window.histograms.last()?);
    let stretch = Stretch {
        first: window.counted_histogram(0),
        last: last.at,
        count: window.histograms.len(),
        is_counter,
    };
    let mut result = None;
    if window.histograms.len() > 1 {
        let mut own = Notes::default();
        result = histogram_difference(window, is_counter, &mut own);
        notes.add_all(own);
        result.as_ref()?;
    }
    if stretch.known_start(context).is_some() {
        result = Some(match result {
            None => Histogram::clone(&first.histogram),
            Some(since_first) => added(&since_first, &first.histogram, notes)?,
        });
    }
    let histogram = result?;
    let share = first.histogram.count / histogram.count;
    let to_zero = (is_counter && histogram.count > 0.0 && first.histogram.count >= 0.0).then_some(share);
    let factor = stretch.factor(context, to_zero)?;
    Some(Stretched { histogram, factor })
}

/// The sum of two histograms, with what is to be said of it; none where they cannot be added.
pub(super) fn added(a: &Histogram, b: &Histogram, notes: &mut Notes) -> Option<Histogram> {
    combined(sum(a, b), Operation::Addition, notes)
}

/// The difference of two histograms, with what is to be said of it; none where there is none.
pub(super) fn subtracted(a: &Histogram, b: &Histogram, notes: &mut Notes) -> Option<Histogram> {
    combined(difference(a, b), Operation::Subtraction, notes)
}

fn combined(
    result: Result<Combined, IncompatibleSchemas>,
    operation: Operation,
    notes: &mut Notes,
) -> Option<Histogram> {
    match result {
        Ok(combined) => {
            notes.add_if(combined.bounds_reconciled, Note::BoundsReconciled(operation));
            Some(combined.histogram)
        }
        Err(IncompatibleSchemas) => {
            notes.add(Note::SchemasMixed);
            None
        }
    }
}

/// What was added to a histogram between the first sample and the last; counters that began anew are continued.
fn histogram_difference(window: &Window<'_>, is_counter: bool, notes: &mut Notes) -> Option<Histogram> {
    let samples = window.histograms;
    let histogram = |index: usize| samples[index].histogram.as_ref();
    let (first, second, last) = (histogram(0), histogram(1), histogram(samples.len() - 1));
    let is_gauge = |histogram: &Histogram| histogram.counter_reset == CounterReset::Gauge;
    let restarts =
        |index: usize| window.counted_histogram(index).is_restart_after(&window.counted_histogram(index - 1));
    // The first sample does not matter where the counter began anew right after it; neither do its buckets.
    let blank;
    let base = if is_counter && (restarts(1) || is_reset(second, first)) {
        let custom_bounds = Arc::clone(&second.custom_bounds);
        blank = Histogram { custom_bounds, ..Histogram::empty(second.schema) };
        &blank
    } else {
        first
    };
    notes.add_if(is_counter && (is_gauge(first) || is_gauge(last)), Note::NotCounter);
    let is_custom = base.schema.is_custom();
    if last.schema.is_custom() != is_custom {
        notes.add(Note::SchemasMixed);
        return None;
    }
    if is_counter && samples[1..].iter().any(|s| s.histogram.schema.is_custom() != is_custom) {
        // As in Prometheus, nothing else is said then.
        *notes = Notes::default();
        notes.add(Note::SchemasMixed);
        return None;
    }
    let mut coarsest = if base.schema.number() < last.schema.number() { base.schema } else { last.schema };
    if is_counter {
        notes.add_if(samples.iter().any(|s| is_gauge(&s.histogram)), Note::NotCounter);
        for sample in &samples[1..] {
            let schema = sample.histogram.schema;
            coarsest = if schema.number() < coarsest.number() { schema } else { coarsest };
        }
    } else {
        notes.add_if(!is_gauge(first) || !is_gauge(last), Note::NotGauge);
    }
    let mut total = HistogramSum::of(last);
    total.coarsen(coarsest);
    total.subtract(base).ok()?;
    let reconciled = total.take_bounds_reconciled();
    notes.add_if(reconciled, Note::BoundsReconciled(Operation::Subtraction));
    if is_counter {
        let mut before = base;
        for index in 1..samples.len() {
            let now = histogram(index);
            let overlaps = window.counted_histogram(index).overlaps(&window.counted_histogram(index - 1));
            notes.add_if(overlaps, Note::StartTimesOverlap);
            if restarts(index) || is_reset(now, before) {
                total.add(before).ok()?;
                let reconciled = total.take_bounds_reconciled();
                notes.add_if(reconciled, Note::BoundsReconciled(Operation::Addition));
            }
            before = now;
        }
    }
    Some(Histogram { counter_reset: CounterReset::Gauge, ..total.total().histogram })
}

/// `irate` and `idelta`: what the last two entries differ by.
pub(super) fn instant_difference(
    function: Function,
    window: &Window<'_>,
    notes: &mut Notes,
) -> Option<SampleValue> {
    let is_rate = function == Function::Irate;
    let entries = window.entries();
    let [.., (before, before_counted), (last, last_counted)] = entries.as_slice() else { return None };
    let ms = last.at().0.saturating_sub(before.at().0);
    if ms == 0 {
        return None;
    }
    let seconds = if is_rate { ms as f64 / 1000.0 } else { 1.0 };
    let restarted = is_rate && last_counted.is_restart_after(before_counted);
    match (before, last) {
        (Entry::Float(before), Entry::Float(last)) => {
            let is_reset = restarted || (is_rate && last.value < before.value);
            let difference = if is_reset { last.value } else { last.value - before.value };
            Some(SampleValue::Float(difference / seconds))
        }
        (Entry::Histogram(before), Entry::Histogram(last)) => {
            let (before, last) = (&before.histogram, &last.histogram);
            let is_gauge = |h: &Histogram| h.counter_reset == CounterReset::Gauge;
            notes.add_if(is_rate && (is_gauge(before) || is_gauge(last)), Note::NotCounter);
            let are_gauges = is_gauge(before) && is_gauge(last);
            notes.add_if(!is_rate && !are_gauges, Note::NotGauge);
            let is_reset = restarted || (is_rate && is_reset(last, before));
            let difference = if is_reset { Histogram::clone(last) } else { subtracted(last, before, notes)? };
            let difference = Histogram { counter_reset: CounterReset::Gauge, ..difference };
            Some(divided(&difference, seconds).into())
        }
        (Entry::Float(_), Entry::Histogram(_)) | (Entry::Histogram(_), Entry::Float(_)) => {
            notes.add(Note::FloatsAndHistograms);
            None
        }
    }
}

/// The sum or the mean of histograms.
pub(super) fn histograms_combined(
    samples: &[HistogramSample],
    is_mean: bool,
    notes: &mut Notes,
) -> Option<Histogram> {
    let histograms: Vec<&Histogram> = samples.iter().map(|sample| sample.histogram.as_ref()).collect();
    let mut own = Notes::default();
    let combined = aggregated(&histograms, is_mean, &mut own);
    if combined.is_some() {
        notes.add_all(own);
    } else {
        // What could be said of the samples before the odd one does not matter.
        notes.add(Note::SchemasMixed);
    }
    combined
}

/// The sum or the mean of histograms, with what is to be said of it; none where they do not go together.
pub(super) fn aggregated(histograms: &[&Histogram], is_mean: bool, notes: &mut Notes) -> Option<Histogram> {
    let (first, rest) = histograms.split_first()?;
    let reconciled = Note::BoundsReconciled(Operation::Aggregation);
    let combined = if is_mean {
        let mut mean = HistogramMean::of(first);
        let result = rest.iter().try_for_each(|histogram| mean.add(histogram));
        result.map_err(|_| mean.bounds_reconciled()).map(|()| mean.total())
    } else {
        let mut total = HistogramSum::of(first);
        let result = rest.iter().try_for_each(|histogram| total.add(histogram));
        result.map_err(|_| total.take_bounds_reconciled()).map(|()| total.total())
    };
    match combined {
        Ok(combined) => {
            let has = |hint: CounterReset| histograms.iter().any(|h| h.counter_reset == hint);
            let collide = has(CounterReset::Reset) && has(CounterReset::NotReset);
            notes.add_if(collide, Note::HintsCollide(Operation::Aggregation));
            notes.add_if(combined.bounds_reconciled, reconciled);
            Some(combined.histogram)
        }
        Err(bounds_reconciled) => {
            notes.add_if(bounds_reconciled, reconciled);
            notes.add(Note::SchemasMixed);
            None
        }
    }
}
