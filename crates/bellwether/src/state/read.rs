//! Reading: everything a restart needs, and what people look up.

use std::sync::PoisonError;

use bellwether_alerts::{AttemptRow, AuditRow, DeliveryKey, DeliveryRow, EpisodeRow, Restored};
use bellwether_model::{AlertFingerprint, Timestamp};
use bellwether_rules::{EngineSnapshot, RuleChange};
use bellwether_slo::Correction;
use serde::de::DeserializeOwned;

use super::key::key;
use super::progress::Progress;
use super::table::Value;
use super::{StateDb, StateError};

/// Which messages to list; a field that is `None` does not narrow the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// This one.
    pub key: Option<DeliveryKey>,
    /// Of this receiver.
    pub receiver: Option<String>,
    /// Of this group.
    pub group: Option<String>,
    /// That spoke of this alert.
    pub alert: Option<AlertFingerprint>,
    /// With this status, as [`bellwether_alerts::DeliveryStatus::as_str`] writes it.
    pub status: Option<String>,
    /// Decided at this moment or later.
    pub since: Option<Timestamp>,
    /// Behind this one in the list: the last of the page before, with the moment it was decided at.
    pub after: Option<(Timestamp, DeliveryKey)>,
}

/// A message as it was written down first, and where it stands by now.
type DeliveryText = (String, String, Option<String>);

impl StateDb {
    /// Everything the alerts core needs to go on.
    pub async fn restore(&self) -> Result<Restored, StateError> {
        let open = "SELECT delivery_key, body, progress FROM deliveries WHERE is_open = 1 \
                    ORDER BY decided_at, delivery_key";
        let restored = Restored {
            alerts: self.rows("alerts", "SELECT fingerprint, body FROM alerts ORDER BY fingerprint").await?,
            silences: self.rows("silences", "SELECT id, body FROM silences ORDER BY id").await?,
            groups: self.rows("alert_groups", "SELECT id, body FROM alert_groups ORDER BY id").await?,
            told: self.rows("told", "SELECT group_id, body FROM told ORDER BY group_id, integration").await?,
            deliveries: deliveries(self.db.fetch("restore", open, Vec::new()).await?)?,
        };
        let open = restored.deliveries.iter().map(|row| row.delivery.key.clone());
        self.written.lock().unwrap_or_else(PoisonError::into_inner).extend(open);
        Ok(restored)
    }

    /// Messages, the latest first.
    pub async fn deliveries(
        &self,
        query: &DeliveryQuery,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        let (statement, values) = select(query, limit);
        deliveries(self.db.fetch("list deliveries", statement, values).await?)
    }

    /// One message.
    pub async fn delivery(&self, key: &DeliveryKey) -> Result<Option<DeliveryRow>, StateError> {
        let query = DeliveryQuery { key: Some(key.clone()), ..DeliveryQuery::default() };
        Ok(self.deliveries(&query, 1).await?.pop())
    }

    /// Messages that spoke of an alert, the latest first.
    pub async fn deliveries_of_alert(
        &self,
        fingerprint: AlertFingerprint,
        limit: usize,
    ) -> Result<Vec<DeliveryRow>, StateError> {
        let query = DeliveryQuery { alert: Some(fingerprint), ..DeliveryQuery::default() };
        self.deliveries(&query, limit).await
    }

    /// The attempts at one message, the first first.
    pub async fn attempts(&self, delivery: &DeliveryKey) -> Result<Vec<AttemptRow>, StateError> {
        let statement =
            "SELECT delivery_key, body FROM attempts WHERE delivery_key = $1 ORDER BY at, attempt";
        let values = vec![delivery.0.clone().into()];
        decode("attempts", self.db.fetch("list attempts", statement, values).await?)
    }

    /// Lives of alerts that ended at this moment or later, the first to end first.
    pub async fn episodes(&self, since: Timestamp) -> Result<Vec<EpisodeRow>, StateError> {
        let statement =
            "SELECT fingerprint, body FROM episodes WHERE ends_at >= $1 ORDER BY ends_at, fingerprint";
        decode("episodes", self.db.fetch("list past alerts", statement, vec![since.0.into()]).await?)
    }

    /// What people did, the latest first.
    pub async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StateError> {
        let statement =
            "SELECT at, who, action, subject, detail FROM audit ORDER BY at DESC, action, subject LIMIT $1";
        let values = vec![most(limit)];
        let rows: Vec<(i64, String, String, String, String)> =
            self.db.fetch("list the audit log", statement, values).await?;
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
        decode(table, self.db.fetch("restore", statement, Vec::new()).await?)
    }
}

/// Only conditions that are asked for stand in the statement, so that the one that narrows most finds its index.
fn select(query: &DeliveryQuery, limit: usize) -> (String, Vec<Value>) {
    let DeliveryQuery { key: delivery, receiver, group, alert, status, since, after } = query;
    let mut from = "deliveries d";
    let (mut conditions, mut values) = (Vec::new(), Vec::new());
    let mut must = |condition: &str, asked: Vec<Value>| {
        let mut condition = condition.to_owned();
        for value in asked {
            values.push(value);
            condition = condition.replacen('?', &format!("${}", values.len()), 1);
        }
        conditions.push(condition);
    };
    // The index of alerts is in the order of time itself.
    let mut at = "d.decided_at";
    if let Some(alert) = alert {
        (from, at) =
            ("delivery_alerts a JOIN deliveries d ON d.delivery_key = a.delivery_key", "a.decided_at");
        must("a.fingerprint = ?", vec![alert.to_string().into()]);
    }
    if let Some(delivery) = delivery {
        must("d.delivery_key = ?", vec![delivery.0.clone().into()]);
    }
    if let Some(receiver) = receiver {
        must("d.receiver = ?", vec![key(receiver).into()]);
    }
    if let Some(group) = group {
        must("d.group_id = ?", vec![key(group).into()]);
    }
    if let Some(status) = status {
        must("d.status = ?", vec![status.clone().into()]);
    }
    if let Some(since) = since {
        must(&format!("{at} >= ?"), vec![since.0.into()]);
    }
    if let Some((decided_at, delivery)) = after {
        // Rows of one moment are in the order of their keys, the others in reverse order of time.
        let later = format!("{at} <= ? AND ({at} < ? OR d.delivery_key > ?)");
        must(&later, vec![decided_at.0.into(), decided_at.0.into(), delivery.0.clone().into()]);
    }
    values.push(most(limit));
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!("WHERE {}", conditions.join(" AND ")),
    };
    let statement = format!(
        "SELECT d.delivery_key, d.body, d.progress FROM {from} {conditions} \
         ORDER BY {at} DESC, d.delivery_key LIMIT ${}",
        values.len()
    );
    (statement, values)
}

fn most(limit: usize) -> Value {
    i64::try_from(limit).unwrap_or(i64::MAX).into()
}

fn deliveries(rows: Vec<DeliveryText>) -> Result<Vec<DeliveryRow>, StateError> {
    let row = |(key, body, progress): DeliveryText| {
        let wrong = |error: serde_json::Error| StateError::Row {
            table: "deliveries",
            key: key.clone(),
            reason: error.to_string(),
        };
        let mut row: DeliveryRow = serde_json::from_str(&body).map_err(wrong)?;
        if let Some(progress) = progress {
            serde_json::from_str::<Progress>(&progress).map_err(wrong)?.apply(&mut row);
        }
        Ok(row)
    };
    rows.into_iter().map(row).collect()
}

pub(super) fn decode<T: DeserializeOwned>(
    table: &'static str,
    rows: Vec<(String, String)>,
) -> Result<Vec<T>, StateError> {
    let row = |(key, body): (String, String)| {
        serde_json::from_str(&body).map_err(|error| StateError::Row { table, key, reason: error.to_string() })
    };
    rows.into_iter().map(row).collect()
}
