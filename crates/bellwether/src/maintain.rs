//! Housekeeping of the store: closed hours become segments, what is older than the retention goes.

use std::sync::Arc;

use bellwether_model::TimeDelta;
use bellwether_tsdb::Store;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::clock;
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
            let (sealing, oldest) = (store.clone(), now - reloader.current().retention);
            let work = tokio::task::spawn_blocking(move || {
                match sealing.seal(before) {
                    Ok(report) => info!(series = report.series, samples = report.samples, "segment written"),
                    Err(error) => {
                        warn!(%error, "no segment could be written; samples stay in the head and the log")
                    }
                }
                if let Err(error) = sealing.enforce_retention(oldest) {
                    warn!(%error, "old segments could not be removed");
                }
            });
            let _ = work.await;
            sealed_before = Some(before);
            if let Err(error) = state.prune(now - RECORDS_KEPT).await {
                warn!(%error, "old records could not be removed");
            }
        }
    }
}
