//! Reads series that have native histograms for instant selectors: at every step the latest entry, number or histogram.

use bellwether_model::{ChunkKind, SeriesView};

use super::EvalError;
use super::column::{ABSENT, Grid, Series};
use super::cost::Cost;
use super::mixed_window::{Entry, MixedSamples};
use super::select::Take;
use crate::value::SampleValue;

/// Whether any chunk of a series holds histograms.
pub(super) fn has_histograms(view: &SeriesView) -> bool {
    view.chunks.iter().any(|chunk| chunk.kind() == ChunkKind::Histograms)
}

/// The latest entry at every moment that is not older than the lookback; a staleness marker hides what is before it.
pub(super) fn column(
    view: SeriesView,
    grid: Grid,
    lookback: i64,
    take: Take,
    cost: &Cost<'_>,
) -> Result<Series, EvalError> {
    let samples = MixedSamples::with_markers(&view.chunks, cost)?;
    let mut series = Series::new(view.labels, vec![ABSENT; grid.count]);
    let mut entries = samples.entries().peekable();
    let mut latest: Option<Entry<'_>> = None;
    for (step, now) in grid.times().enumerate() {
        while let Some(entry) = entries.next_if(|entry| entry.at().0 <= now) {
            latest = Some(entry);
        }
        let fresh = latest.filter(|e| e.at().0 > now.saturating_sub(lookback) && !e.is_stale());
        let Some(entry) = fresh else { continue };
        let value = match take {
            Take::Value => entry.value(),
            Take::Time => SampleValue::Float(entry.at().as_secs_f64()),
        };
        series.put(step, Some(value));
    }
    Ok(series)
}
