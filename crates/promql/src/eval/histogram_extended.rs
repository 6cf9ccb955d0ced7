//! `anchored` and `smoothed` over histograms: as for numbers, values on a window's edges come from samples outside it.

use bellwether_model::{CounterReset, Histogram, HistogramSample};

use super::histogram_rate::{added, subtracted};
use super::note::{Note, Notes};
use super::range_function::Context;
use crate::function::Function;
use crate::histogram::{divided, is_reset, scaled};
use crate::syntax::Edges;

/// `rate`, `increase` and `delta` of histograms that reach beyond the window by the lookback.
pub(super) fn over_extended_histograms(
    function: Function,
    samples: &[HistogramSample],
    context: &Context,
    edges: Edges,
    notes: &mut Notes,
) -> Option<Histogram> {
    let is_counter = matches!(function, Function::Rate | Function::Increase);
    let is_smoothed = edges == Edges::Smoothed;
    let end = samples.len().checked_sub(1)?;
    let first = samples[..end].partition_point(|s| s.at.0 <= context.start).saturating_sub(1);
    let last = if is_smoothed { samples[..end].partition_point(|s| s.at.0 < context.end) } else { end };
    if samples[last].at.0 <= context.start || samples[first].at.0 > context.end {
        return None;
    }
    let inside = &samples[first..=last];
    if inside.iter().any(|s| s.histogram.schema.is_custom() != inside[0].histogram.schema.is_custom()) {
        notes.add(Note::SchemasMixed);
        return None;
    }
    let is_gauge = |h: &Histogram| h.counter_reset == CounterReset::Gauge;
    notes.add_if(is_counter && inside.iter().any(|s| is_gauge(&s.histogram)), Note::NotCounter);
    let crosses_left = is_smoothed && samples[first].at.0 < context.start;
    let left = if crosses_left {
        interpolated(&samples[first], &samples[first + 1], context.start, is_counter, notes)?
    } else {
        Histogram::clone(&samples[first].histogram)
    };
    let right = if is_smoothed && last > 0 && samples[last].at.0 > context.end {
        interpolated(&samples[last - 1], &samples[last], context.end, is_counter, notes)?
    } else {
        Histogram::clone(&samples[last].histogram)
    };
    let are_gauges = is_gauge(&left) && is_gauge(&right);
    notes.add_if(!is_counter && !are_gauges, Note::NotGauge);
    let mut result = subtracted(&right, &left, notes)?;
    if is_counter {
        // Between the edges; what happened on the way to an edge is in the value there.
        let mut before = &left;
        let mut from = first + 1;
        if crosses_left && is_reset(&samples[from].histogram, &samples[first].histogram) {
            before = &samples[from].histogram;
            from += 1;
        }
        if from <= last {
            let between = samples[from..last].iter().map(|s| s.histogram.as_ref());
            let mut lost: Option<Histogram> = None;
            for now in between.chain([&right]) {
                if is_reset(now, before) {
                    lost = Some(match lost {
                        None => before.clone(),
                        Some(lost) => added(&lost, before, notes)?,
                    });
                }
                before = now;
            }
            if let Some(lost) = lost {
                result = added(&result, &lost, notes)?;
            }
        }
    }
    if function == Function::Rate {
        result = divided(&result, context.seconds());
    }
    Some(Histogram { counter_reset: CounterReset::Gauge, ..result })
}

/// The histogram on the line between two; across a counter's reset the line starts from nothing.
pub(super) fn interpolated(
    left: &HistogramSample,
    right: &HistogramSample,
    moment: i64,
    is_counter: bool,
    notes: &mut Notes,
) -> Option<Histogram> {
    if moment == left.at.0 {
        return Some(Histogram::clone(&left.histogram));
    }
    if moment == right.at.0 {
        return Some(Histogram::clone(&right.histogram));
    }
    let share = moment.saturating_sub(left.at.0) as f64 / right.at.0.saturating_sub(left.at.0) as f64;
    if is_counter && is_reset(&right.histogram, &left.histogram) {
        return Some(scaled(&right.histogram, share));
    }
    let way = subtracted(&right.histogram, &left.histogram, notes)?;
    added(&scaled(&way, share), &left.histogram, notes)
}
