//! Reads series that have native histograms for instant selectors: at every step the latest entry, number or histogram.
//! Start times are read here too.

use bellwether_model::{ChunkKind, CounterReset, Histogram, SeriesView, TimeRange, Timestamp};

use super::column::{ABSENT, Grid, Series};
use super::extended::interpolated as interpolated_float;
use super::histogram_extended::interpolated;
use super::look::{Looked, Take};
use super::mixed_samples::{Entry, MixedSamples};
use super::note::{Note, Notes};
use super::start_time::Counted;
use super::{EvalError, Evaluator};
use crate::syntax::{Span, VectorSelector};
use crate::value::SampleValue;

/// Whether any chunk of a series holds histograms.
pub(super) fn has_histograms(view: &SeriesView) -> bool {
    view.chunks.iter().any(|chunk| chunk.kind() == ChunkKind::Histograms)
}

impl Evaluator<'_> {
    /// The latest entry at every moment that is not older than the lookback.
    pub(super) fn latest_mixed(
        &mut self,
        view: SeriesView,
        grid: Grid,
        take: Take,
    ) -> Result<Series, EvalError> {
        let labels = view.labels.clone();
        self.latest_as(view, grid, |(entry, _)| match (take, entry) {
            (Take::Value, _) => Ok(entry.value()),
            (Take::Time, _) | (Take::TimeOfNumber, Entry::Float(_)) => {
                Ok(SampleValue::Float(entry.at().as_secs_f64()))
            }
            (Take::TimeOfNumber, Entry::Histogram(_)) => Err(EvalError::Matching(format!(
                "this should be an info metric, with float samples: {labels}"
            ))),
        })
    }

    /// For `start_timestamp()`: since when the latest entry counts, in seconds; 0 where nobody knows.
    pub(super) fn start_times(
        &mut self,
        selector: &VectorSelector,
        grid: Grid,
    ) -> Result<Vec<Series>, EvalError> {
        let first = self.shifted(&selector.shift, grid.start)?;
        let is_fixed = selector.shift.at.is_some();
        let looked = if is_fixed { Grid::one(first) } else { Grid { start: first, ..grid } };
        let oldest = Timestamp(first.saturating_sub(self.options.lookback.0).saturating_add(1));
        let views =
            self.source.select(&selector.matchers, TimeRange::new(oldest, Timestamp(looked.last())))?;
        let mut found = Vec::with_capacity(views.len());
        for view in views {
            self.check_cancelled()?;
            self.hold(grid.count as u64)?;
            let seconds = |(_, counted): (Entry<'_>, Counted)| {
                Ok(SampleValue::Float(counted.start.map_or(0.0, |start| start.as_secs_f64())))
            };
            let series = self.latest_as(view, looked, seconds)?;
            if !series.is_blank() {
                found.push(if is_fixed { series.widened(grid.count) } else { series });
            }
        }
        Ok(found)
    }

    fn latest_as(
        &mut self,
        view: SeriesView,
        grid: Grid,
        value: impl Fn((Entry<'_>, Counted)) -> Result<SampleValue, EvalError>,
    ) -> Result<Series, EvalError> {
        let lookback = self.options.lookback.0;
        let mut samples = MixedSamples::with_markers(&view.chunks, &self.cost)?;
        self.keep_statistics(&mut samples, grid.start.saturating_sub(lookback));
        let entries = samples.whole().entries();
        let mut series = Series::new(view.labels, vec![ABSENT; grid.count]);
        let mut next = 0;
        for (step, now) in grid.times().enumerate() {
            next += entries[next..].iter().take_while(|(entry, _)| entry.at().0 <= now).count();
            let Some(latest) = next.checked_sub(1).map(|latest| entries[latest]) else { continue };
            // A staleness marker hides what is before it.
            if latest.0.at().0 > now.saturating_sub(lookback) && !latest.0.is_stale() {
                series.put(step, Some(value(latest)?));
            }
        }
        self.hold_histograms(&series)?;
        Ok(series)
    }

    /// `smoothed`: between two entries the value on the line from one to the other.
    pub(super) fn smoothed_mixed(
        &mut self,
        view: SeriesView,
        Looked { grid, is_fixed }: Looked,
        span: &Span,
    ) -> Result<Series, EvalError> {
        let lookback = self.options.lookback.0;
        let samples = MixedSamples::of(&view.chunks, &self.cost)?;
        let mut series = Series::new(view.labels, vec![ABSENT; grid.count]);
        let mut notes = Notes::default();
        for step in 0..grid.count {
            let moment = if is_fixed { grid.start } else { grid.time(step) };
            let window = samples.window(moment.saturating_sub(lookback), moment.saturating_add(lookback));
            if window.is_mixed() {
                notes.add(Note::FloatsAndHistograms);
                continue;
            }
            let entries: Vec<_> = window.entries().into_iter().map(|(entry, _)| entry).collect();
            series.put(step, smoothed(&entries, moment, &mut notes));
        }
        let name = series.labels.metric_name().unwrap_or("").to_owned();
        self.note_all(&notes, &name, span);
        self.hold_histograms(&series)?;
        Ok(series)
    }
}

fn smoothed(entries: &[Entry<'_>], moment: i64, notes: &mut Notes) -> Option<SampleValue> {
    let after = entries.partition_point(|entry| entry.at().0 < moment);
    let right = entries.get(after);
    if let Some(exact) = right.filter(|entry| entry.at().0 == moment) {
        return Some(exact.value());
    }
    match (&entries[after.checked_sub(1)?], right) {
        (Entry::Float(left), Some(Entry::Float(right))) => {
            Some(SampleValue::Float(interpolated_float(*left, *right, moment, false)))
        }
        (Entry::Histogram(left), Some(Entry::Histogram(right))) => {
            if left.histogram.schema.is_custom() != right.histogram.schema.is_custom() {
                notes.add(Note::SchemasMixed);
                return None;
            }
            let is_gauge = |h: &Histogram| h.counter_reset == CounterReset::Gauge;
            let is_counter = !(is_gauge(&left.histogram) && is_gauge(&right.histogram));
            interpolated(left, right, moment, is_counter, notes).map(SampleValue::from)
        }
        (Entry::Float(left), None) => Some(SampleValue::Float(left.value)),
        // What a histogram says of the one before it says nothing of its repetition.
        (Entry::Histogram(left), None) => {
            let repeated = Histogram::clone(&left.histogram);
            Some(Histogram { counter_reset: CounterReset::Unknown, ..repeated }.into())
        }
        (Entry::Float(_), Some(Entry::Histogram(_))) | (Entry::Histogram(_), Some(Entry::Float(_))) => None,
    }
}
