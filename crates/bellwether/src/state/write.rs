//! Writing: all records of many decisions in one transaction.

use std::sync::PoisonError;

use bellwether_alerts::Record;
use bellwether_rules::EngineSnapshot;

use super::batch::{Batch, json};
use super::table::{RULE_CHANGES, Rows, SNAPSHOTS, Write};
use super::{Decided, StateDb, StateError};

impl StateDb {
    /// Commits all records, or none. When this returns they are on disk.
    pub async fn record(&self, records: &[Record]) -> Result<(), StateError> {
        self.record_all(&Decided { records: records.to_vec(), ..Decided::default() }).await
    }

    /// The same with what rules must not forget, and corrections. Nobody else may record at the same time.
    pub async fn record_all(&self, decided: &Decided) -> Result<(), StateError> {
        if decided.is_empty() {
            return Ok(());
        }
        let batch = Batch::of(decided);
        let writes = {
            let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            batch.writes(self.epoch, &written)?
        };
        self.db.commit("record", self.epoch, writes).await?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, is_open) in batch.deliveries() {
            match is_open {
                true => _ = written.insert(key.clone()),
                false => _ = written.remove(key),
            }
        }
        Ok(())
    }

    /// Keeps what all rules remember, in place of what was recorded of them so far.
    pub async fn save_rules(&self, rules: &EngineSnapshot) -> Result<(), StateError> {
        let mut snapshot = Rows::new(&SNAPSHOTS);
        snapshot.push(["rules".to_owned().into(), self.epoch.into(), json(&SNAPSHOTS, rules)?]);
        let writes = vec![Write::Put(snapshot), Write::Clear(&RULE_CHANGES)];
        self.db.commit("save the rules", self.epoch, writes).await
    }
}
