//! Writing: all records of one decision in one transaction.

use bellwether_alerts::{
    AlertRow, AttemptRow, AuditRow, DeliveryRow, EpisodeRow, GroupRow, Record, Silence, ToldRow,
};
use bellwether_model::Timestamp;
use bellwether_rules::{EngineSnapshot, RuleChange};
use bellwether_slo::Correction;
use serde::Serialize;
use sqlx::pool::PoolConnection;
use sqlx::{Connection, Sqlite, SqliteConnection};

use super::{Decided, StateDb, StateError};

/// How many rows were removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Messages that were over.
    pub deliveries: u64,
    /// Attempts at them.
    pub attempts: u64,
    /// What people did.
    pub audit: u64,
}

impl StateDb {
    /// Commits all records, or none. When this returns they are on disk.
    pub async fn record(&self, records: &[Record]) -> Result<(), StateError> {
        self.record_all(&Decided { records: records.to_vec(), ..Decided::default() }).await
    }

    /// The same with what rules must not forget, and corrections.
    pub async fn record_all(&self, decided: &Decided) -> Result<(), StateError> {
        if decided.is_empty() {
            return Ok(());
        }
        let failed = StateError::statement("record");
        let mut connection = self.pool.acquire().await.map_err(&failed)?;
        let committed = commit(&mut connection, decided, self.epoch).await;
        give_back(connection, committed).await.map_err(failed)
    }

    /// Keeps what all rules remember, in place of what was recorded of them so far.
    pub async fn save_rules(&self, rules: &EngineSnapshot) -> Result<(), StateError> {
        let failed = StateError::statement("save the rules");
        let mut connection = self.pool.acquire().await.map_err(&failed)?;
        let saved = replace_rules(&mut connection, rules, self.epoch).await;
        give_back(connection, saved).await.map_err(failed)
    }

    /// Forgets messages that were over, attempts and audit rows from before a moment. Open messages stay.
    pub async fn prune(&self, before: Timestamp) -> Result<Pruned, StateError> {
        let failed = StateError::statement("prune");
        let mut tx = self.pool.begin().await.map_err(&failed)?;
        let deliveries =
            sqlx::query("DELETE FROM deliveries WHERE is_open = 0 AND updated_at < $1").bind(before.0);
        let deliveries = deliveries.execute(&mut *tx).await.map_err(&failed)?.rows_affected();
        let attempts = sqlx::query(
            "DELETE FROM attempts WHERE at < $1 AND delivery_key NOT IN (SELECT delivery_key FROM deliveries)",
        );
        let attempts = attempts.bind(before.0).execute(&mut *tx).await.map_err(&failed)?.rows_affected();
        let audit = sqlx::query("DELETE FROM audit WHERE at < $1").bind(before.0);
        let audit = audit.execute(&mut *tx).await.map_err(&failed)?.rows_affected();
        tx.commit().await.map_err(&failed)?;
        Ok(Pruned { deliveries, attempts, audit })
    }
}

/// A connection on which something failed is not used again: what a full disk leaves of a transaction holds the
/// lock of the file, and nobody else could write until the program ends.
async fn give_back<T>(
    connection: PoolConnection<Sqlite>,
    done: Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    if done.is_err() {
        let _ = connection.close().await;
    }
    done
}

async fn commit(connection: &mut SqliteConnection, decided: &Decided, epoch: i64) -> Result<(), sqlx::Error> {
    let mut tx = connection.begin().await?;
    for record in &decided.records {
        write(&mut tx, record, epoch).await?;
    }
    for change in &decided.rules {
        write_rule_change(&mut tx, change, epoch).await?;
    }
    for correction in &decided.corrections {
        write_correction(&mut tx, correction, epoch).await?;
    }
    tx.commit().await
}

async fn replace_rules(
    connection: &mut SqliteConnection,
    rules: &EngineSnapshot,
    epoch: i64,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO snapshots (name, epoch, body) VALUES ('rules', $1, $2) \
         ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, body = excluded.body";
    let mut tx = connection.begin().await?;
    sqlx::query(statement).bind(epoch).bind(json(rules)?).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM rule_changes").execute(&mut *tx).await?;
    tx.commit().await
}

async fn write(tx: &mut SqliteConnection, record: &Record, epoch: i64) -> Result<(), sqlx::Error> {
    match record {
        Record::Alert(row) => write_alert(tx, row, epoch).await,
        Record::AlertGone(fingerprint) => {
            delete(tx, "DELETE FROM alerts WHERE fingerprint = $1", &fingerprint.to_string()).await
        }
        Record::Silence(silence) => write_silence(tx, silence, epoch).await,
        Record::SilenceGone(id) => delete(tx, "DELETE FROM silences WHERE id = $1", &id.0).await,
        Record::Group(row) => write_group(tx, row, epoch).await,
        Record::GroupGone(id) => {
            delete(tx, "DELETE FROM told WHERE group_id = $1", &id.0).await?;
            delete(tx, "DELETE FROM alert_groups WHERE id = $1", &id.0).await
        }
        Record::Told(row) => write_told(tx, row, epoch).await,
        Record::Delivery(row) => write_delivery(tx, row, epoch).await,
        Record::Attempt(row) => write_attempt(tx, row, epoch).await,
        Record::Episode(row) => write_episode(tx, row, epoch).await,
        Record::Audit(row) => write_audit(tx, row, epoch).await,
    }
}

/// A row's body. Rows are plain data; that they serialize is tested.
fn json<T: Serialize>(row: &T) -> Result<String, sqlx::Error> {
    serde_json::to_string(row).map_err(|error| sqlx::Error::Encode(Box::new(error)))
}

async fn delete(tx: &mut SqliteConnection, statement: &'static str, key: &str) -> Result<(), sqlx::Error> {
    sqlx::query(statement).bind(key).execute(&mut *tx).await.map(|_| ())
}

async fn write_alert(tx: &mut SqliteConnection, row: &AlertRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO alerts (fingerprint, epoch, updated_at, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (fingerprint) DO UPDATE SET epoch = excluded.epoch, updated_at = excluded.updated_at, \
         body = excluded.body";
    let query = sqlx::query(statement).bind(row.alert.fingerprint().to_string()).bind(epoch);
    query.bind(row.updated_at.0).bind(json(row)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_silence(tx: &mut SqliteConnection, silence: &Silence, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO silences (id, epoch, ends_at, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, ends_at = excluded.ends_at, body = excluded.body";
    let query = sqlx::query(statement).bind(&silence.id.0).bind(epoch);
    query.bind(silence.ends_at.0).bind(json(silence)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_group(tx: &mut SqliteConnection, row: &GroupRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO alert_groups (id, epoch, next_flush, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, next_flush = excluded.next_flush, body = excluded.body";
    let query = sqlx::query(statement).bind(&row.id.0).bind(epoch);
    query.bind(row.next_flush.0).bind(json(row)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_told(tx: &mut SqliteConnection, row: &ToldRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO told (group_id, integration, epoch, at, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (group_id, integration) DO UPDATE SET epoch = excluded.epoch, at = excluded.at, \
         body = excluded.body";
    let query = sqlx::query(statement).bind(&row.group.0).bind(row.integration.to_string()).bind(epoch);
    query.bind(row.at.0).bind(json(row)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_delivery(tx: &mut SqliteConnection, row: &DeliveryRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO deliveries (delivery_key, epoch, group_id, receiver, integration, status, is_open, \
         decided_at, updated_at, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (delivery_key) DO UPDATE SET epoch = excluded.epoch, status = excluded.status, \
         is_open = excluded.is_open, decided_at = excluded.decided_at, updated_at = excluded.updated_at, \
         body = excluded.body";
    let delivery = &row.delivery;
    let query = sqlx::query(statement)
        .bind(&delivery.key.0)
        .bind(epoch)
        .bind(&delivery.notification.group.0)
        .bind(&delivery.integration.receiver)
        .bind(delivery.integration.to_string())
        .bind(row.status.as_str())
        .bind(i64::from(row.status.is_open()))
        .bind(delivery.decided_at.0)
        .bind(row.updated_at.0)
        .bind(json(row)?);
    query.execute(&mut *tx).await?;
    for told in &delivery.notification.alerts {
        let statement = "INSERT INTO delivery_alerts (fingerprint, decided_at, delivery_key) VALUES ($1, $2, $3) \
             ON CONFLICT (fingerprint, decided_at, delivery_key) DO NOTHING";
        let query = sqlx::query(statement).bind(told.alert.fingerprint().to_string());
        query.bind(delivery.decided_at.0).bind(&delivery.key.0).execute(&mut *tx).await?;
    }
    Ok(())
}

async fn write_rule_change(
    tx: &mut SqliteConnection,
    change: &RuleChange,
    epoch: i64,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO rule_changes (rule_file, rule_group, place, epoch, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (rule_file, rule_group, place) DO UPDATE SET epoch = excluded.epoch, body = excluded.body";
    let place = i64::try_from(change.place).unwrap_or(i64::MAX);
    let query = sqlx::query(statement).bind(&change.group.file).bind(&change.group.name).bind(place);
    query.bind(epoch).bind(json(change)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_attempt(tx: &mut SqliteConnection, row: &AttemptRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO attempts (delivery_key, attempt, at, epoch, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (delivery_key, attempt, at) DO UPDATE SET epoch = excluded.epoch, body = excluded.body";
    let query = sqlx::query(statement).bind(&row.delivery.0).bind(i64::from(row.attempt)).bind(row.at.0);
    query.bind(epoch).bind(json(row)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_correction(
    tx: &mut SqliteConnection,
    correction: &Correction,
    epoch: i64,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO corrections (id, epoch, begins_at, ends_at, created_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, body = excluded.body";
    let query = sqlx::query(statement).bind(&correction.id).bind(epoch);
    let query = query.bind(correction.begin.0).bind(correction.end.0).bind(correction.created_at.0);
    query.bind(json(correction)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_episode(tx: &mut SqliteConnection, row: &EpisodeRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO episodes (fingerprint, starts_at, ends_at, epoch, body) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (fingerprint, starts_at) DO UPDATE SET ends_at = excluded.ends_at, epoch = excluded.epoch, \
         body = excluded.body";
    let alert = &row.alert;
    let query = sqlx::query(statement).bind(alert.fingerprint().to_string()).bind(alert.starts_at.0);
    let ends_at = alert.ends_at.map_or(i64::MAX, |end| end.0);
    query.bind(ends_at).bind(epoch).bind(json(row)?).execute(&mut *tx).await.map(|_| ())
}

async fn write_audit(tx: &mut SqliteConnection, row: &AuditRow, epoch: i64) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO audit (at, who, action, subject, detail, epoch) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (at, action, subject) DO UPDATE SET who = excluded.who, detail = excluded.detail, \
         epoch = excluded.epoch";
    let query = sqlx::query(statement).bind(row.at.0).bind(&row.who).bind(&row.action).bind(&row.subject);
    query.bind(&row.detail).bind(epoch).execute(&mut *tx).await.map(|_| ())
}
