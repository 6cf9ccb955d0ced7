//! Writes one healthy day into the store before the demonstration starts, so that budgets mean something at once.

use bellwether_ingest::{MetricKind, with_bound_spelled};
use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::Store;
use indicatif::ProgressBar;

use crate::workshop::{CallRates, History, HistoryPlan, MovieGuru, Phase, Sampler};

/// How far back the past reaches.
pub const LENGTH: TimeDelta = TimeDelta::DAY;
/// Between its points.
const STEP: TimeDelta = TimeDelta(15 * TimeDelta::SECOND.0);

/// Whose past, and when it ends.
pub struct Past<'a> {
    /// Labels of the target that will be scraped: the past must carry the same.
    pub target: &'a Labels,
    /// Users whose calls it is made of.
    pub users: u32,
    /// When the present begins.
    pub now: Timestamp,
}

/// Writes it and hands on the service that has lived through it.
pub fn write(store: &Store, past: &Past<'_>, bar: &ProgressBar) -> Result<(MovieGuru, Sampler), String> {
    let end = past.now.floor_to(STEP) - STEP;
    let range = TimeRange::new(end - LENGTH, end);
    let plan =
        HistoryPlan { phase: Phase::demo_start(), rates: CallRates::of_users(past.users), range, step: STEP };
    let mut history = History::new(plan, Sampler::random(crate::entropy::seed()));
    bar.set_length((LENGTH.0 / STEP.0) as u64);
    let mut ids: Vec<SeriesId> = Vec::new();
    for (at, snapshot) in history.by_ref() {
        if ids.is_empty() {
            ids = series_ids(store, &snapshot, past.target)?;
        }
        let samples =
            ids.iter().zip(&snapshot).map(|(id, (_, value))| (*id, Sample::new(at, *value))).collect();
        let batch = Batch::floats(Origin::Backfill, at, samples);
        store.append(&batch).map_err(|error| error.to_string())?;
        bar.inc(1);
    }
    store.sync().map_err(|error| error.to_string())?;
    bar.finish_and_clear();
    Ok(history.into_present())
}

fn series_ids(store: &Store, snapshot: &[(Labels, f64)], target: &Labels) -> Result<Vec<SeriesId>, String> {
    // As the scraper will store them: only histograms have `le`, and its bounds have one spelling.
    let with_target = |labels: &Labels| {
        with_bound_spelled(Labels::from_pairs(labels.iter().chain(target.iter())), MetricKind::Histogram)
    };
    snapshot
        .iter()
        .map(|(labels, _)| store.series(&with_target(labels)).map_err(|error| error.to_string()))
        .collect()
}
