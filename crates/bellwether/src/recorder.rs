//! Decisions on their way to the state database. What cannot be written waits here, in order, and is written as soon
//! as the database takes it again; until then nothing that is to be sent waits for it.

use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{TimeDelta, Timestamp};

use crate::alert_counts::AlertCounts;
use crate::clock;
use crate::health::{Health, Trouble};
use crate::state::{Decided, StateDb};

/// How long it is tried before it is trouble, however long a single attempt takes.
const RECORD_MAX: TimeDelta = TimeDelta(3 * TimeDelta::SECOND.0);
/// How long to wait between attempts before it is trouble.
const RECORD_AGAIN: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(500), Duration::from_secs(2)];
/// While there is trouble, it is tried this often.
const TRY_EVERY: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);
/// Records that may wait; beyond it the oldest are let go, and a restart knows less.
const WAITING_MAX: usize = 50_000;

/// Writes decisions down.
#[derive(Debug)]
pub struct Recorder {
    state: Arc<StateDb>,
    health: Arc<Health>,
    counts: Arc<AlertCounts>,
    waiting: Arc<Decided>,
    tried_at: Timestamp,
    /// Why the last attempt failed; empty without trouble.
    why: String,
    pauses: &'static [Duration],
}

impl Recorder {
    /// With nothing that waits.
    pub fn new(state: Arc<StateDb>, health: Arc<Health>) -> Self {
        let (tried_at, why) = (Timestamp::default(), String::new());
        let counts = Arc::default();
        Self { state, health, counts, waiting: Arc::default(), tried_at, why, pauses: &RECORD_AGAIN }
    }

    /// Counts of what is written down.
    pub fn counts(&self) -> Arc<AlertCounts> {
        self.counts.clone()
    }

    /// Whether everything is written down.
    pub fn is_well(&self) -> bool {
        self.why.is_empty()
    }

    /// Writes records down behind those that wait. Once that has failed for 3 s nobody is kept waiting any more:
    /// all are tried again now and then.
    pub async fn record(&mut self, decided: Decided) -> Result<(), String> {
        if decided.is_empty() {
            return Ok(());
        }
        self.counts.note(&decided.records);
        Arc::make_mut(&mut self.waiting).append(decided);
        if self.is_well() {
            let began = clock::now();
            for pause in self.pauses {
                if clock::now() - began >= RECORD_MAX {
                    break;
                }
                match self.try_all().await {
                    Ok(()) => return Ok(()),
                    Err(_) => tokio::time::sleep(*pause).await,
                }
            }
        } else if !self.is_due() {
            Arc::make_mut(&mut self.waiting).keep_latest(WAITING_MAX);
            return Err(self.why.clone());
        }
        let tried = self.try_all().await;
        self.note(tried)
    }

    /// Tries again what waits, if it is time to.
    pub async fn again(&mut self) {
        if !self.is_well() && self.is_due() {
            self.finish().await;
        }
    }

    /// Tries again what waits: there will be no other time.
    pub async fn finish(&mut self) {
        if !self.is_well() {
            let tried = self.try_all().await;
            let _ = self.note(tried);
        }
    }

    fn is_due(&self) -> bool {
        let since = clock::now() - self.tried_at;
        // Also when the clock was set back.
        since >= TRY_EVERY || since < TimeDelta::ZERO
    }

    /// On a task of its own, so that whoever waits for it can decide what comes next meanwhile.
    async fn try_all(&mut self) -> Result<(), String> {
        let (state, waiting) = (self.state.clone(), self.waiting.clone());
        let tried =
            tokio::spawn(async move { state.record_all(&waiting).await.map_err(|error| error.to_string()) });
        let tried = tried.await.unwrap_or_else(|error| Err(error.to_string()));
        self.tried_at = clock::now();
        if tried.is_ok() {
            self.waiting = Arc::default();
        }
        tried
    }

    fn note(&mut self, tried: Result<(), String>) -> Result<(), String> {
        match &tried {
            Ok(()) => {
                self.why.clear();
                self.health.clear(Trouble::State);
            }
            Err(why) => {
                self.why.clone_from(why);
                Arc::make_mut(&mut self.waiting).keep_latest(WAITING_MAX);
                self.health.report(
                    Trouble::State,
                    format!("decisions cannot be recorded, messages are sent all the same: {why}"),
                );
            }
        }
        tried
    }
}

#[cfg(test)]
mod tests {
    use bellwether_alerts::{AuditRow, Record};
    use sqlx::{Connection, SqliteConnection};

    use super::*;
    use crate::state::Location;

    fn audit(subject: &str) -> Decided {
        let [who, action, detail] = ["ann", "silence.set", "deploy"].map(str::to_owned);
        let row = AuditRow { at: Timestamp(0), who, action, subject: subject.to_owned(), detail };
        Decided { records: vec![Record::Audit(row)], ..Decided::default() }
    }

    #[tokio::test]
    async fn what_could_not_be_recorded_is_recorded_when_the_database_takes_it_again() {
        let file = std::env::temp_dir().join(format!("bellwether-recorder-{}.db", std::process::id()));
        let _ = std::fs::remove_file(&file);
        let state = Arc::new(StateDb::open(&Location::file(&file)).await.unwrap());
        let health = Arc::new(Health::default());
        let mut recorder = Recorder { pauses: &[], ..Recorder::new(state.clone(), health.clone()) };
        let mut other = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();

        recorder.record(audit("a")).await.unwrap();
        sqlx::query("ALTER TABLE audit RENAME TO away").execute(&mut other).await.unwrap();
        recorder.record(audit("b")).await.unwrap_err();
        assert!(health.has(Trouble::State));
        sqlx::query("ALTER TABLE away RENAME TO audit").execute(&mut other).await.unwrap();
        recorder.record(audit("c")).await.expect_err("nobody is kept waiting by another attempt so soon");
        recorder.tried_at = Timestamp::default();
        recorder.again().await;
        assert!(!health.has(Trouble::State) && recorder.is_well());
        let subjects = sqlx::query_scalar("SELECT subject FROM audit ORDER BY rowid");
        let subjects: Vec<String> = subjects.fetch_all(&mut other).await.unwrap();
        assert_eq!(subjects, ["a", "b", "c"]);
        // Whoever closes last takes the database's side files along.
        other.close().await.unwrap();
        state.close().await;
        std::fs::remove_file(&file).unwrap();
    }
}
