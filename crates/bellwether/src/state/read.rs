//! Reading: everything a restart needs, and what people look up.

use bellwether_alerts::{AttemptRow, AuditRow, DeliveryKey, DeliveryRow, EpisodeRow, Restored};
use bellwether_model::{AlertFingerprint, Timestamp};
use bellwether_rules::{EngineSnapshot, RuleChange};
use bellwether_slo::Correction;
use serde::de::DeserializeOwned;

use super::{StateDb, StateError};

/// Which messages to list; a field that is `None` does not narrow the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Of this receiver.
    pub receiver: Option<String>,
    /// Of this group.
    pub group: Option<String>,
    /// With this status, as [`bellwether_alerts::DeliveryStatus::as_str`] writes it.
    pub status: Option<String>,
    /// Decided at this moment or later.
    pub since: Option<Timestamp>,
}

impl StateDb {
    /// Everything the alerts core needs to go on.
    pub async fn restore(&self) -> Result<Restored, StateError> {
        Ok(Restored {
            alerts: self.rows("alerts", "SELECT fingerprint, body FROM alerts ORDER BY fingerprint").await?,
            silences: self.rows("silences", "SELECT id, body FROM silences ORDER BY id").await?,
            groups: self.rows("alert_groups", "SELECT id, body FROM alert_groups ORDER BY id").await?,
            told: self.rows("told", "SELECT group_id, body FROM told ORDER BY group_id, integration").await?,
            deliveries: self
                .rows(
                    "deliveries",
                    "SELECT delivery_key, body FROM deliveries WHERE is_open = 1 ORDER BY decided_at, delivery_key",
                )
                .await?,
        })
    }

    /// Messages, the latest first.
    pub async fn deliveries(
        &self,
        query: &DeliveryQuery,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        let statement = "SELECT delivery_key, body FROM deliveries \
             WHERE (CAST($1 AS TEXT) IS NULL OR receiver = $1) AND (CAST($2 AS TEXT) IS NULL OR group_id = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR status = $3) AND decided_at >= $4 \
             ORDER BY decided_at DESC, delivery_key LIMIT $5";
        let rows: Vec<(String, String)> = sqlx::query_as(statement)
            .bind(&query.receiver)
            .bind(&query.group)
            .bind(&query.status)
            .bind(query.since.unwrap_or(Timestamp::MIN).0)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(StateError::statement("list deliveries"))?;
        decode("deliveries", rows)
    }

    /// Messages that spoke of an alert, the latest first.
    pub async fn deliveries_of_alert(
        &self,
        fingerprint: AlertFingerprint,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        let statement = "SELECT d.delivery_key, d.body FROM delivery_alerts a \
             JOIN deliveries d ON d.delivery_key = a.delivery_key \
             WHERE a.fingerprint = $1 ORDER BY a.decided_at DESC, a.delivery_key LIMIT $2";
        let rows: Vec<(String, String)> = sqlx::query_as(statement)
            .bind(fingerprint.to_string())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(StateError::statement("list deliveries of an alert"))?;
        decode("deliveries", rows)
    }

    /// The attempts at one message, the first first.
    pub async fn attempts(&self, delivery: &DeliveryKey) -> Result<Vec<AttemptRow>, StateError> {
        let statement =
            "SELECT delivery_key, body FROM attempts WHERE delivery_key = $1 ORDER BY at, attempt";
        let query = sqlx::query_as(statement).bind(&delivery.0).fetch_all(&self.pool);
        decode("attempts", query.await.map_err(StateError::statement("list attempts"))?)
    }

    /// Lives of alerts that ended at this moment or later, the first to end first.
    pub async fn episodes(&self, since: Timestamp) -> Result<Vec<EpisodeRow>, StateError> {
        let statement =
            "SELECT fingerprint, body FROM episodes WHERE ends_at >= $1 ORDER BY ends_at, fingerprint";
        let query = sqlx::query_as(statement).bind(since.0).fetch_all(&self.pool);
        decode("episodes", query.await.map_err(StateError::statement("list past alerts"))?)
    }

    /// What people did, the latest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StateError> {
        let statement =
            "SELECT at, who, action, subject, detail FROM audit ORDER BY at DESC, action, subject LIMIT $1";
        let rows: Vec<(i64, String, String, String, String)> = sqlx::query_as(statement)
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(StateError::statement("list the audit log"))?;
        let row =
            |(at, who, action, subject, detail)| AuditRow { at: Timestamp(at), who, action, subject, detail };
        Ok(rows.into_iter().map(row).collect())
    }

    /// What all rules remember, with what was recorded of single ones since; `None` before the first save.
    pub async fn rules(&self) -> Result<Option<EngineSnapshot>, StateError> {
        let whole = "SELECT name, body FROM snapshots WHERE name = 'rules'";
        let saved: Option<EngineSnapshot> = self.rows("snapshots", whole).await?.pop();
        let since = "SELECT rule_group, body FROM rule_changes ORDER BY rule_file, rule_group, place";
        let changes: Vec<RuleChange> = self.rows("rule_changes", since).await?;
        let is_empty = saved.is_none() && changes.is_empty();
        let mut rules = saved.unwrap_or_default();
        rules.apply(changes);
        Ok((!is_empty).then_some(rules))
    }

    /// All corrections, revoked ones included.
    pub async fn corrections(&self) -> Result<Vec<Correction>, StateError> {
        self.rows("corrections", "SELECT id, body FROM corrections ORDER BY id").await
    }

    async fn rows<T: DeserializeOwned>(
        &self,
        table: &'static str,
        statement: &'static str,
    ) -> Result<Vec<T>, StateError> {
        let rows = sqlx::query_as(statement).fetch_all(&self.pool).await;
        decode(table, rows.map_err(StateError::statement("restore"))?)
    }
}

fn decode<T: DeserializeOwned>(
    table: &'static str,
    rows: Vec<(String, String)>,
) -> Result<Vec<T>, StateError> {
    let row = |(key, body): (String, String)| {
        serde_json::from_str(&body).map_err(|error| StateError::Row { table, key, reason: error.to_string() })
    };
    rows.into_iter().map(row).collect()
}
