//! Housekeeping of the store: closed hours become segments, those of a day become one, what is older than the
//! retention goes.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{SeriesId, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::{Present, Store};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::clock;
use crate::health::{Health, Trouble};
use crate::pipeline::{Outcome, Pipeline};
use crate::reload::Reloader;
use crate::request::{Change, Request};
use crate::retention_clock::RetentionClock;
use crate::state::StateDb;

/// How often it is looked whether there is something to do.
const LOOK_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// How often it is looked whether so much has arrived that it cannot wait for that.
const GLANCE_EVERY: TimeDelta = TimeDelta(2 * TimeDelta::SECOND.0);
/// How often log files are removed that have become needless.
const TRIM_EVERY: TimeDelta = TimeDelta::MINUTE;
/// What may be appended in between.
const APPENDED_BYTES_MAX: u64 = 64 << 20;
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
    requests: mpsc::Sender<Request>,
    mut stop: watch::Receiver<bool>,
) {
    let (mut looked, mut appended) = (clock::now(), store.appended_bytes());
    let mut trimmed = looked;
    let (began, mut retention_clock) = (Instant::now(), RetentionClock::new(looked, store.newest()));
    let mut tidied_in = None;
    let mut let_go_at = None;
    loop {
        tokio::select! {
            _ = stop.changed() => return,
            () = clock::sleep_until(clock::now() + GLANCE_EVERY) => {}
        }
        let now = clock::now();
        let retention = reloader.current().retention;
        let believed = retention_clock.look(now, began.elapsed());
        let ahead = store.set_present(Present { now, oldest: believed.now - retention });
        tell_of_clock(&health, believed.ahead, ahead);
        let is_look_due = now < looked || now - looked >= LOOK_EVERY;
        if now < trimmed || now - trimmed >= TRIM_EVERY {
            trimmed = now;
            trim_log(store.clone()).await;
        }
        if !is_look_due && store.appended_bytes() - appended < APPENDED_BYTES_MAX {
            continue;
        }
        appended = store.appended_bytes();
        let mut work = Work { seal: seal_due(store.unsealed(), now, is_look_due), tidy: None };
        if is_look_due {
            looked = now;
            let config = reloader.current();
            let bytes_max = config.storage.retention_bytes;
            let is_too_big = bytes_max.is_some_and(|bytes_max| takes_more_than(&store, bytes_max));
            if work.seal.is_some() || is_too_big || tidied_in != Some(now.floor_to(SEGMENT)) {
                work.tidy = Some(Tidy { now, oldest: believed.now - retention, retention, bytes_max });
            }
        }
        let working = store.clone();
        match tokio::task::spawn_blocking(move || work.run(&working)).await {
            // A seal in between says nothing of what failed when all was tidied.
            Ok(Ok(())) if work.tidy.is_none() => {}
            Ok(Ok(())) => {
                health.clear(Trouble::Segments);
                tidied_in = Some(now.floor_to(SEGMENT));
            }
            Ok(Err(why)) => {
                tidied_in = None;
                health.report(Trouble::Segments, why);
            }
            Err(error) => {
                tidied_in = None;
                health.report(Trouble::Segments, format!("old samples are not tidied: {error}"));
            }
        }
        // Once after the start too: what was forgotten shortly before the end of the last process counts.
        if work.tidy.is_some() && let_go_at != Some(store.forgettings()) {
            let_go_at = Some(store.forgettings());
            let_go(store.clone(), &requests).await;
        }
        if work.tidy.is_some()
            && let Err(error) = state.prune(believed.now - RECORDS_KEPT).await
        {
            warn!(%error, "old records could not be removed");
        }
    }
}

/// What objectives remember of series that the store has forgotten goes too.
async fn let_go(store: Arc<Store>, requests: &mpsc::Sender<Request>) {
    let change = Change(Box::new(move |pipeline: &mut Pipeline, _| {
        let remembered = pipeline.slo.remembered_series();
        let gone: BTreeSet<SeriesId> = store.forgotten_of(remembered.into_iter()).into_iter().collect();
        let done = pipeline.slo.let_go(&gone);
        if done.series + done.targets > 0 {
            info!(series = done.series, targets = done.targets, "objectives let go of what is gone for good");
        }
        Outcome::default()
    }));
    let (done, settled) = oneshot::channel();
    if requests.send(Request::Change(change, done)).await.is_ok() {
        let _ = settled.await;
    }
}

/// `ahead` is how far the clock has jumped, `latest` the newest sample that was measured while it was ahead.
fn tell_of_clock(health: &Health, ahead: Option<TimeDelta>, latest: Option<Timestamp>) {
    let jumped = ahead.map(|ahead| {
        format!(
            "the clock is {ahead} ahead of what it was, or this was off for as long: nothing is deleted for its age until \
             that has been so for a day; correct the clock if it is wrong"
        )
    });
    let measured = latest.map(|latest| {
        format!(
            "samples up to {latest} were measured while the clock was ahead; what comes at its right time is stored beside \
             them, and when that time comes both are shown"
        )
    });
    let sentences: Vec<String> = jumped.into_iter().chain(measured).collect();
    match sentences.is_empty() {
        true => health.clear(Trouble::ClockAhead),
        false => health.report(Trouble::ClockAhead, sentences.join(". ")),
    }
}

/// The ledger's checkpoint comes some time after a seal: only then are files of the log needed by nobody.
async fn trim_log(store: Arc<Store>) {
    match tokio::task::spawn_blocking(move || store.trim_log()).await {
        Ok(Ok(_)) => {}
        // The next seal tries again, and reports what stops it.
        Ok(Err(error)) => warn!(%error, "files of the log that nobody needs could not be removed"),
        Err(error) => warn!(%error, "files of the log are not looked at"),
    }
}

/// Up to where the head is to be sealed: at least two hours stay in it, counted from the clock, or in between, when
/// very much arrives, from the newest sample: a sender may be catching up on a month.
fn seal_due(unsealed: Option<TimeRange>, now: Timestamp, is_look_due: bool) -> Option<Timestamp> {
    let range = unsealed?;
    let newest = if is_look_due { now } else { range.end.min(now) };
    let before = newest.floor_to(SEGMENT) - SEGMENT;
    (range.start < before).then_some(before)
}

/// What is to be done at one time.
#[derive(Clone, Copy)]
struct Work {
    seal: Option<Timestamp>,
    tidy: Option<Tidy>,
}

#[derive(Clone, Copy)]
struct Tidy {
    now: Timestamp,
    /// What is older goes.
    oldest: Timestamp,
    retention: TimeDelta,
    bytes_max: Option<u64>,
}

impl Work {
    /// What fails is tried again at the next look. Dropping old samples comes even then: it makes room.
    fn run(self, store: &Store) -> Result<(), String> {
        let sealed = self.seal.map_or(Ok(()), |before| seal(store, before));
        let Some(Tidy { now, oldest, retention, bytes_max }) = self.tidy else { return sealed };
        let dropped = store
            .enforce_retention(oldest)
            .map_err(|error| format!("samples beyond the retention cannot be removed: {error}"));
        let fitted = bytes_max.map_or(Ok(()), |bytes_max| fit(store, bytes_max));
        let forgotten = forget(store);
        sealed.and(dropped.map(|_| ())).and(fitted).and(forgotten)?;
        compact(store, now.floor_to(SEGMENT) - SEGMENT, retention)
    }
}

fn takes_more_than(store: &Store, bytes_max: u64) -> bool {
    let stats = store.stats();
    stats.log_bytes + stats.segment_bytes > bytes_max
}

/// Lets go of series of which nothing is left.
fn forget(store: &Store) -> Result<(), String> {
    let report =
        store.forget().map_err(|error| format!("series of the past cannot be forgotten: {error}"))?;
    if report.forgotten > 0 {
        info!(series = report.forgotten, "forgotten, since nothing of them is left");
    }
    Ok(())
}

/// Drops the oldest segments while there is more than there may be.
fn fit(store: &Store, bytes_max: u64) -> Result<(), String> {
    let report = store
        .enforce_size(bytes_max)
        .map_err(|error| format!("samples beyond the size of the retention cannot be removed: {error}"))?;
    if report.segments > 0 {
        info!(segments = report.segments, bytes = report.bytes, "dropped, since there may be less");
    }
    Ok(())
}

fn seal(store: &Store, before: Timestamp) -> Result<(), String> {
    let report = store.seal(before).map_err(|error| {
        format!("no segment can be written, samples stay in memory and in the log: {error}")
    })?;
    info!(series = report.series, samples = report.samples, "segment written");
    Ok(())
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

    #[test]
    fn samples_of_the_past_are_sealed_by_their_own_time_and_others_by_the_clock() {
        let hour = |hour: f64| Timestamp((hour * TimeDelta::HOUR.0 as f64) as i64);
        for (unsealed, now, is_look_due, expected) in [
            (None, 100.5, true, None),
            (Some((98.0, 100.5)), 100.5, true, None),
            (Some((98.0, 100.5)), 100.5, false, None),
            (Some((97.9, 100.5)), 100.5, true, Some(98.0)),
            // Nothing has come for long: the clock seals what is left.
            (Some((97.9, 98.1)), 104.5, false, None),
            (Some((97.9, 98.1)), 104.5, true, Some(102.0)),
            // A month comes in a flood; its newest hours stay, since more of them may be on the way.
            (Some((10.0, 60.5)), 800.0, false, Some(58.0)),
            // A clock in the future seals nothing of now.
            (Some((98.0, 9000.0)), 100.5, false, None),
        ] {
            let range = unsealed.map(|(start, end)| TimeRange::new(hour(start), hour(end)));
            let due = seal_due(range, hour(now), is_look_due);
            assert_eq!(due, expected.map(hour), "{unsealed:?} at {now}, {is_look_due}");
        }
    }
}
