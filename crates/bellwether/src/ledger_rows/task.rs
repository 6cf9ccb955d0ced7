//! The task that keeps the rows of objectives: every minute it stores what became final, twice a day or so it makes a
//! segment of them, and drops what is older than they are kept. What decides never waits for it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::RETENTION_OF_COUNTS;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::info;

use super::LedgerRows;
use super::writer::RowsWriter;
use crate::clock;
use crate::health::{Health, Trouble};
use crate::reload::Reloader;
use crate::retention_clock::RetentionClock;

/// How often it is looked for rows that became final.
const LOOK_EVERY: TimeDelta = TimeDelta::MINUTE;
/// Pause between two steps where there is much to write, so that others get at the processor and the disk.
const PAUSE: Duration = Duration::from_millis(50);
/// A segment is made at least so often, in any case long before the log is a burden at the next start ...
const SEGMENT_EVERY: TimeDelta = TimeDelta::DAY;
/// ... and when so many rows lie in memory.
const HEAD_SAMPLES_MAX: u64 = 2_000_000;
/// Segments of so long a time become one: forty of them are asked for rows of 400 days.
const COMPACTED_TOGETHER: TimeDelta = TimeDelta(10 * TimeDelta::DAY.0);

/// Runs until told to stop.
pub async fn run(
    rows: LedgerRows,
    reloader: Arc<Reloader>,
    health: Arc<Health>,
    mut stop: watch::Receiver<bool>,
) {
    let mut retention_clock = RetentionClock::new(clock::now(), rows.store().newest());
    let (began, mut keeper) = (Instant::now(), Keeper { rows, writer: None, tidied: None });
    loop {
        let retention = reloader.current().storage.ledger_retention.unwrap_or(RETENTION_OF_COUNTS);
        let now = clock::now();
        let oldest = retention_clock.look(now, began.elapsed()).now - retention;
        let working = tokio::task::spawn_blocking(move || {
            let done = keeper.step(now, oldest);
            (keeper, done)
        });
        let done = match working.await {
            Ok((back, done)) => {
                keeper = back;
                done
            }
            Err(error) => {
                health.report(Trouble::LedgerRows, format!("rows of objectives are not written: {error}"));
                return;
            }
        };
        let pause = match done {
            Ok(has_more) => {
                health.clear(Trouble::LedgerRows);
                if has_more { PAUSE } else { (now.ceil_to(LOOK_EVERY) - now).to_std() + PAUSE }
            }
            Err(why) => {
                health.report(Trouble::LedgerRows, why);
                LOOK_EVERY.to_std()
            }
        };
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Keeps the rows.
pub struct Keeper {
    /// The rows.
    pub rows: LedgerRows,
    /// Made with the first step.
    pub writer: Option<RowsWriter>,
    /// When a segment was made last.
    pub tidied: Option<Timestamp>,
}

impl Keeper {
    /// Stores some of what is final; whether there is more.
    pub fn step(&mut self, now: Timestamp, oldest: Timestamp) -> Result<bool, String> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => none.insert(RowsWriter::new(self.rows.store.clone(), now)?),
        };
        let pipeline = &self.rows.pipeline;
        let unknown = writer.unknown(&pipeline.read().unwrap_or_else(PoisonError::into_inner).slo);
        for labels in unknown {
            writer.learn(labels)?;
        }
        let step = writer.gather(&pipeline.read().unwrap_or_else(PoisonError::into_inner).slo, now);
        let has_more = step.has_more;
        writer.write(step)?;
        self.rows.publish(writer.courses());
        self.tidy(now, oldest)?;
        Ok(has_more)
    }

    fn tidy(&mut self, now: Timestamp, oldest: Timestamp) -> Result<(), String> {
        let store = &self.rows.store;
        let is_due =
            self.tidied.is_none_or(|tidied| !(TimeDelta::ZERO..SEGMENT_EVERY).contains(&(now - tidied)));
        let is_full = store.stats().head_samples >= HEAD_SAMPLES_MAX;
        if !is_due && !is_full {
            return Ok(());
        }
        // Whatever was started lately has a short log: a segment for each start would be too many.
        if is_full || self.tidied.is_some() {
            let sealed = store.seal(now + SEGMENT_EVERY);
            let report =
                sealed.map_err(|error| format!("no segment of objectives' rows can be written: {error}"))?;
            info!(series = report.series, rows = report.samples, "segment of objectives' rows written");
        }
        let dropped = store.enforce_retention(oldest);
        dropped.map_err(|error| format!("rows beyond the retention cannot be removed: {error}"))?;
        let together = |error| format!("segments of objectives' rows cannot be put together: {error}");
        while store.compact(now, COMPACTED_TOGETHER).map_err(together)?.segments > 0 {}
        self.tidied = Some(now);
        Ok(())
    }
}
