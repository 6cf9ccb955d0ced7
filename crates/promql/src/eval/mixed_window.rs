//! Windows that slide over series that have native histograms, perhaps among numbers.

use std::sync::Arc;

use bellwether_model::{HistogramSample, Labels};

use super::column::{ABSENT, Grid, Series};
use super::cost::Held;
use super::extended::over_extended;
use super::histogram_extended::over_extended_histograms;
use super::histogram_rate::{extrapolated_rate, histograms_combined, instant_difference};
use super::mixed_samples::{Entry, MixedSamples, Window};
use super::note::{Note, Notes};
use super::range_function::{self, Context};
use super::start_time::Counted;
use super::windows::Windows;
use super::{EvalError, Evaluator};
use crate::function::Function;
use crate::histogram::{is_reset, is_same};
use crate::syntax::{Edges, Span};
use crate::value::SampleValue;

/// A series with histograms or start times, and the windows to look at it through.
pub(super) struct MixedRow<'a> {
    pub(super) labels: Labels,
    pub(super) samples: MixedSamples,
    pub(super) windows: Windows,
    pub(super) parameters: &'a [Vec<f64>],
    /// Where the range stands in the query.
    pub(super) span: &'a Span,
}

impl Evaluator<'_> {
    /// Calculates a function over windows of a series that has histograms or start times.
    pub(super) fn slide_mixed(
        &mut self,
        function: Function,
        mut row: MixedRow<'_>,
        grid: Grid,
    ) -> Result<Series, EvalError> {
        if grid.count > 1 && compares_neighbours(function) {
            row.samples.state_resets();
        }
        let mut notes = Notes::default();
        let name = row.labels.metric_name().unwrap_or("").to_owned();
        let mut series = Series::new(row.labels, vec![ABSENT; grid.count]);
        for step in 0..grid.count {
            let context = row.windows.context(step, grid, row.parameters);
            let (after, through) = row.windows.reach(step);
            let window = row.samples.window(after, through);
            // Histograms of a series are about as large as its first one.
            let buckets = window.histograms.first().map_or(0, |s| s.histogram.positive.len());
            self.cost.spend((window.floats.len() + window.histograms.len() * (1 + buckets)) as u64)?;
            let value = match row.windows.edges {
                Edges::Plain => over_mixed(function, &window, &context, &mut notes),
                Edges::Anchored | Edges::Smoothed => {
                    over_extended_mixed(function, &window, &context, row.windows.edges, &mut notes)
                }
            };
            series.put(step, value);
        }
        self.note_all(&notes, &name, row.span);
        self.hold_histograms(&series)?;
        Ok(series)
    }

    /// Counts the histograms of a series, whose size only they know.
    pub(super) fn hold_histograms(&mut self, series: &Series) -> Result<(), EvalError> {
        let bytes = series.histogram_bytes() as u64;
        self.cost.settle(self.cost.held(), Held { samples: 0, bytes })
    }
}

/// Whether a function asks of neighbours whether the later one began anew, and of nothing else they say.
fn compares_neighbours(function: Function) -> bool {
    matches!(function, Function::Rate | Function::Increase | Function::Irate | Function::Resets)
}

fn over_mixed(
    function: Function,
    window: &Window<'_>,
    context: &Context,
    notes: &mut Notes,
) -> Option<SampleValue> {
    let (floats, histograms) = (window.floats, window.histograms);
    let number = |value: f64| Some(SampleValue::Float(value));
    let first_is_float = match (floats.first(), histograms.first()) {
        (Some(float), Some(histogram)) => float.at < histogram.at,
        (float, _) => float.is_some(),
    };
    let last_is_float = match (floats.last(), histograms.last()) {
        (Some(float), Some(histogram)) => float.at > histogram.at,
        (float, _) => float.is_some(),
    };
    let shown = |h: &HistogramSample| SampleValue::Histogram(Arc::clone(&h.histogram));
    match function {
        Function::Rate | Function::Increase | Function::Delta => {
            extrapolated_rate(function, window, context, notes)
        }
        Function::Irate | Function::Idelta => instant_difference(function, window, notes),
        Function::SumOverTime | Function::AvgOverTime if !histograms.is_empty() => {
            if window.is_mixed() {
                notes.add(Note::FloatsAndHistograms);
                return None;
            }
            let is_mean = function == Function::AvgOverTime;
            histograms_combined(histograms, is_mean, notes).map(SampleValue::from)
        }
        Function::CountOverTime if !histograms.is_empty() => number((floats.len() + histograms.len()) as f64),
        Function::PresentOverTime if !histograms.is_empty() => number(1.0),
        Function::FirstOverTime if !first_is_float => histograms.first().map(shown),
        Function::LastOverTime if !last_is_float => histograms.last().map(shown),
        Function::TsOfFirstOverTime if !first_is_float => number(histograms.first()?.at.as_secs_f64()),
        Function::TsOfLastOverTime if !last_is_float => number(histograms.last()?.at.as_secs_f64()),
        Function::Resets => number(resets(&window.entries())?),
        Function::Changes => number(changes(&window.entries())?),
        _ => {
            let reads_any_kind = matches!(
                function,
                Function::FirstOverTime
                    | Function::LastOverTime
                    | Function::TsOfFirstOverTime
                    | Function::TsOfLastOverTime
            );
            notes.add_if(window.is_mixed() && !reads_any_kind, Note::HistogramsIgnored);
            range_function::over_samples(function, floats, context).map(SampleValue::Float)
        }
    }
}

fn over_extended_mixed(
    function: Function,
    window: &Window<'_>,
    context: &Context,
    edges: Edges,
    notes: &mut Notes,
) -> Option<SampleValue> {
    match function {
        Function::Resets | Function::Changes => {
            let entries = window.entries();
            let inside = entries.partition_point(|(entry, _)| entry.at().0 <= context.start);
            // Without anything inside the window there is nothing to compare with what is before it.
            let from_edge = if inside < entries.len() { &entries[inside.saturating_sub(1)..] } else { &[] };
            let count = if function == Function::Resets { resets(from_edge) } else { changes(from_edge) };
            count.map(SampleValue::Float)
        }
        _ if window.is_mixed() => {
            notes.add(Note::FloatsAndHistograms);
            None
        }
        _ if window.histograms.is_empty() => {
            over_extended(function, window.floats, context, edges).map(SampleValue::Float)
        }
        _ => over_extended_histograms(function, window.histograms, context, edges, notes)
            .map(SampleValue::from),
    }
}

fn resets(entries: &[(Entry<'_>, Counted)]) -> Option<f64> {
    let is_reset = |before: &(Entry<'_>, Counted), now: &(Entry<'_>, Counted)| match (&before.0, &now.0) {
        (Entry::Float(a), Entry::Float(b)) => b.value < a.value || now.1.is_restart_after(&before.1),
        (Entry::Histogram(a), Entry::Histogram(b)) => {
            now.1.is_restart_after(&before.1) || is_reset(&b.histogram, &a.histogram)
        }
        (Entry::Float(_), Entry::Histogram(_)) | (Entry::Histogram(_), Entry::Float(_)) => true,
    };
    entries.first()?;
    Some(entries.windows(2).filter(|pair| is_reset(&pair[0], &pair[1])).count() as f64)
}

fn changes(entries: &[(Entry<'_>, Counted)]) -> Option<f64> {
    let is_change = |before: &Entry<'_>, now: &Entry<'_>| match (before, now) {
        (Entry::Float(a), Entry::Float(b)) => a.value != b.value && !(a.value.is_nan() && b.value.is_nan()),
        (Entry::Histogram(a), Entry::Histogram(b)) => !is_same(&a.histogram, &b.histogram),
        (Entry::Float(_), Entry::Histogram(_)) | (Entry::Histogram(_), Entry::Float(_)) => true,
    };
    entries.first()?;
    Some(entries.windows(2).filter(|pair| is_change(&pair[0].0, &pair[1].0)).count() as f64)
}
