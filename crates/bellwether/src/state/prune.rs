//! Forgetting what is older than anybody looks back, a little at a time: between two steps decisions are written down.

use bellwether_alerts::DeliveryRow;
use bellwether_model::Timestamp;

use super::table::{
    ATTEMPTS_GONE, AUDIT_GONE, DELIVERIES_GONE, DELIVERY_ALERTS, EPISODES_GONE, Rows, Table, Value, Write,
};
use super::{StateDb, StateError};

/// Rows that go in one transaction.
const STEP: usize = 200;

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Messages that were over, with the attempts at them.
    pub deliveries: u64,
    /// Lives of alerts.
    pub episodes: u64,
    /// What people did.
    pub audit: u64,
}

impl StateDb {
    /// Forgets messages that were over, attempts, lives of alerts and audit rows from before a moment. Open messages
    /// stay.
    pub async fn prune(&self, before: Timestamp) -> Result<Pruned, StateError> {
        let mut pruned = Pruned::default();
        while let removed @ 1.. = self.prune_deliveries(before).await? {
            pruned.deliveries += removed;
        }
        while let removed @ 1.. = self.prune_episodes(before).await? {
            pruned.episodes += removed;
        }
        while let removed @ 1.. = self.prune_audit(before).await? {
            pruned.audit += removed;
        }
        Ok(pruned)
    }

    async fn prune_deliveries(&self, before: Timestamp) -> Result<u64, StateError> {
        let oldest = "SELECT delivery_key, decided_at, body FROM deliveries WHERE decided_at < $1 AND is_open = 0 \
                      ORDER BY decided_at LIMIT 200";
        let rows: Vec<(String, i64, String)> = self.db.fetch("prune", oldest, vec![before.0.into()]).await?;
        let [mut keys, mut attempts, mut alerts] =
            [&DELIVERIES_GONE, &ATTEMPTS_GONE, &DELIVERY_ALERTS].map(Rows::new);
        for (key, decided_at, body) in &rows {
            keys.push([key.clone().into()]);
            attempts.push([key.clone().into()]);
            // What cannot be read says of no alert; its index entries lead nowhere and are passed over.
            let row = serde_json::from_str::<DeliveryRow>(body);
            for told in row.iter().flat_map(|row| &row.delivery.notification.alerts) {
                let fingerprint = told.alert.fingerprint().to_string();
                alerts.push([fingerprint.into(), (*decided_at).into(), key.clone().into()]);
            }
        }
        let writes: Vec<_> = [keys, attempts, alerts]
            .into_iter()
            .filter(|rows| !rows.values.is_empty())
            .map(Write::Delete)
            .collect();
        self.remove(rows.len(), writes).await
    }

    async fn prune_episodes(&self, before: Timestamp) -> Result<u64, StateError> {
        let oldest =
            "SELECT fingerprint, starts_at FROM episodes WHERE ends_at < $1 ORDER BY ends_at LIMIT 200";
        let rows: Vec<(String, i64)> = self.db.fetch("prune", oldest, vec![before.0.into()]).await?;
        let keys = rows.into_iter().map(|(fingerprint, at)| [fingerprint.into(), at.into()]);
        self.remove_rows(&EPISODES_GONE, keys).await
    }

    async fn prune_audit(&self, before: Timestamp) -> Result<u64, StateError> {
        let oldest = "SELECT at, action, subject FROM audit WHERE at < $1 ORDER BY at LIMIT 200";
        let rows: Vec<(i64, String, String)> = self.db.fetch("prune", oldest, vec![before.0.into()]).await?;
        let keys = rows.into_iter().map(|(at, action, subject)| [at.into(), action.into(), subject.into()]);
        self.remove_rows(&AUDIT_GONE, keys).await
    }

    async fn remove_rows<const N: usize>(
        &self,
        table: &'static Table,
        keys: impl Iterator<Item = [Value; N]>,
    ) -> Result<u64, StateError> {
        let mut rows = Rows::new(table);
        keys.for_each(|key| rows.push(key));
        self.remove(rows.values.len() / N, vec![Write::Delete(rows)]).await
    }

    async fn remove(&self, count: usize, writes: Vec<Write>) -> Result<u64, StateError> {
        debug_assert!(count <= STEP, "{count} rows at once");
        if count > 0 {
            self.db.commit("prune", self.epoch, writes).await?;
        }
        Ok(count as u64)
    }
}
