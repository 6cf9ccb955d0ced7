//! Housekeeping of the store: closed hours become segments, those of a day become one, what is older than the
//! retention goes.

use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_tsdb::Store;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock;
use crate::health::{Health, Trouble};
use crate::reload::Reloader;
use crate::state::StateDb;

/// How often it is looked whether there is something to do.
const LOOK_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// Samples stay in the head for this long at least; segments are cut at multiples of it.
const SEGMENT: TimeDelta = TimeDelta(2 * TimeDelta::HOUR.0);
/// How long records of notifications are kept.
const RECORDS_KEPT: TimeDelta = TimeDelta(400 * TimeDelta::DAY.0);

/// Runs until told to stop.
pub async fn run(
    store: Arc<Store>,
    state: Arc<StateDb>,
    reloader: Arc<Reloader>,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
) {
    let mut sealed_before = None;
    loop {
        let now = clock::now();
        tokio::select! {
            _ = stop.changed() => return,
            () = clock::sleep_until(now + LOOK_EVERY) => {}
        }
        let now = clock::now();
        let before = now.floor_to(SEGMENT) - SEGMENT;
        if sealed_before != Some(before) {
            let (sealing, retention) = (store.clone(), reloader.current().retention);
            let oldest = now - retention;
            let tidied = tokio::task::spawn_blocking(move || {
                tidy(&sealing, before, oldest)?;
                compact(&sealing, before, retention)
            });
            match tidied.await {
                Ok(Ok(())) => {
                    health.clear(Trouble::Segments);
                    sealed_before = Some(before);
                }
                Ok(Err(why)) => health.report(Trouble::Segments, why),
                Err(error) => {
                    health.report(Trouble::Segments, format!("old samples are not tidied: {error}"))
                }
            }
            if let Err(error) = state.prune(now - RECORDS_KEPT).await {
                warn!(%error, "old records could not be removed");
            }
        }
    }
}

/// What is compacted together: a tenth of the retention, so that it can be enforced, and a day at most.
fn compaction_span(retention: TimeDelta) -> TimeDelta {
    let fits = |hours: &&i64| TimeDelta::HOUR.0 * **hours <= retention.0 / 10;
    TimeDelta(TimeDelta::HOUR.0 * [24, 12, 8, 4].iter().find(fits).unwrap_or(&2))
}

/// Makes few segments of many, one after the other.
fn compact(store: &Store, over: Timestamp, retention: TimeDelta) -> Result<(), String> {
    loop {
        let report = store.compact(over, compaction_span(retention));
        let report = report
            .map_err(|error| format!("segments cannot be put together, they stay as they are: {error}"))?;
        if report.segments == 0 {
            return Ok(());
        }
        let (segments, samples) = (report.segments, report.samples);
        info!(segments, samples, bytes = report.bytes, before = report.bytes_before, "segments put together");
    }
}

/// What fails is tried again at the next look. Dropping old samples comes even then: it makes room.
fn tidy(store: &Store, before: Timestamp, oldest: Timestamp) -> Result<(), String> {
    let sealed = store.seal(before);
    let dropped = store.enforce_retention(oldest);
    match sealed {
        Ok(report) => info!(series = report.series, samples = report.samples, "segment written"),
        Err(error) => {
            return Err(format!("no segment can be written, samples stay in memory and in the log: {error}"));
        }
    }
    dropped.map(|_| ()).map_err(|error| format!("samples beyond the retention cannot be removed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compacted_together_is_small_beside_the_retention() {
        for (retention_hours, span_hours) in
            [(1, 2), (24, 2), (48, 4), (100, 8), (10 * 24, 24), (365 * 24, 24)]
        {
            let hours = |hours: i64| TimeDelta(hours * TimeDelta::HOUR.0);
            assert_eq!(compaction_span(hours(retention_hours)), hours(span_hours), "{retention_hours}");
        }
    }
}
