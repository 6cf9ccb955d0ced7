//! `anchored` and `smoothed`: values at a window's edges come from samples outside it, so nothing is extrapolated.
//!
//! Anchored, the last sample before the window stands on its left edge. Smoothed, values on both edges are
//! interpolated between the samples around them; across a counter's reset the line starts from zero.

use bellwether_model::Sample;

use super::range_function::Context;
use crate::function::Function;
use crate::syntax::Edges;

/// Calculates from samples that reach beyond the window by the lookback, on the left, and smoothed on the right too.
pub(super) fn over_extended(
    function: Function,
    samples: &[Sample],
    context: &Context,
    edges: Edges,
) -> Option<f64> {
    let before = samples.partition_point(|s| s.at.0 <= context.start);
    let through = samples.partition_point(|s| s.at.0 <= context.end);
    let first = before.saturating_sub(1);
    let is_smoothed = edges == Edges::Smoothed;
    let last = if is_smoothed {
        samples.partition_point(|s| s.at.0 < context.end).min(samples.len().checked_sub(1)?)
    } else {
        through.checked_sub(1)?
    };
    if samples[last].at.0 <= context.start || samples[first].at.0 > context.end {
        return None;
    }
    let values = || samples[first..=last].windows(2).map(|pair| (pair[0].value, pair[1].value));
    match function {
        Function::Changes => {
            let is_change = |(a, b): &(f64, f64)| a != b && !(a.is_nan() && b.is_nan());
            return Some(values().filter(is_change).count() as f64);
        }
        Function::Resets => return Some(values().filter(|(a, b)| b < a).count() as f64),
        _ => {}
    }
    let is_counter = matches!(function, Function::Rate | Function::Increase);
    let at_edge = |index: usize, moment: i64| {
        let (left, right) = (samples[index], samples.get(index + 1));
        match right {
            Some(right) if is_smoothed && left.at.0 < moment && right.at.0 > moment => {
                interpolated(left, *right, moment, is_counter)
            }
            _ => left.value,
        }
    };
    let left = at_edge(first, context.start);
    // The last sample at or after the right edge is the far end of the line that crosses it.
    let crosses = is_smoothed && last > 0 && samples[last].at.0 > context.end;
    let right = if crosses { at_edge(last - 1, context.end) } else { samples[last].value };
    let mut result = right - left;
    if is_counter {
        let inside = samples[before..through].iter().filter(|s| s.at.0 < context.end).map(|s| s.value);
        let mut previous = left;
        for value in inside.chain([right]) {
            if value < previous {
                result += previous;
            }
            previous = value;
        }
    }
    let seconds = context.end.saturating_sub(context.start) as f64 / 1000.0;
    Some(if function == Function::Rate { result / seconds } else { result })
}

/// The value on the line between two samples.
pub(super) fn interpolated(left: Sample, right: Sample, moment: i64, is_counter: bool) -> f64 {
    let start = if is_counter && right.value < left.value { 0.0 } else { left.value };
    let share = moment.saturating_sub(left.at.0) as f64 / right.at.0.saturating_sub(left.at.0) as f64;
    start + (right.value - start) * share
}
