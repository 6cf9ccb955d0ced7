//! What many decisions leave to be written down, as few statements: of each row only the last word, and of a message
//! that is written down already only where it stands.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_alerts::{
    AlertRow, AttemptRow, AuditRow, DeliveryKey, DeliveryRow, EpisodeRow, GroupId, GroupRow, IntegrationId,
    Record, Silence, SilenceId, ToldRow,
};
use bellwether_model::AlertFingerprint;
use bellwether_rules::RuleChange;
use bellwether_slo::Correction;
use serde::Serialize;

use super::key::key;
use super::progress::Progress;
use super::table::{
    ALERTS, ALERTS_GONE, ATTEMPTS, AUDIT, CORRECTIONS, DELIVERIES, DELIVERIES_PROGRESS, DELIVERY_ALERTS,
    EPISODES, GROUPS, GROUPS_GONE, RULE_CHANGES, Rows, SILENCES, SILENCES_GONE, TOLD, TOLD_GONE, Table,
    Value, Write,
};
use super::{Decided, StateError};

/// The last word on every row that decisions speak of; `None` where it goes.
#[derive(Debug, Default)]
pub(super) struct Batch<'a> {
    alerts: BTreeMap<AlertFingerprint, Option<&'a AlertRow>>,
    silences: BTreeMap<&'a SilenceId, Option<&'a Silence>>,
    groups: BTreeMap<&'a GroupId, Option<&'a GroupRow>>,
    told: BTreeMap<(&'a GroupId, &'a IntegrationId), &'a ToldRow>,
    /// What was told of these groups goes before anything is written.
    told_gone: BTreeSet<&'a GroupId>,
    deliveries: BTreeMap<&'a DeliveryKey, &'a DeliveryRow>,
    attempts: BTreeMap<(&'a DeliveryKey, u32, i64), &'a AttemptRow>,
    episodes: BTreeMap<(AlertFingerprint, i64), &'a EpisodeRow>,
    audit: BTreeMap<(i64, &'a str, &'a str), &'a AuditRow>,
    rules: BTreeMap<(&'a str, &'a str, usize), &'a RuleChange>,
    corrections: BTreeMap<&'a str, &'a Correction>,
}

impl<'a> Batch<'a> {
    pub(super) fn of(decided: &'a Decided) -> Self {
        let mut batch = Self::default();
        for record in &decided.records {
            batch.add(record);
        }
        let rules = decided.rules.iter();
        batch.rules = rules.map(|c| ((c.group.file.as_str(), c.group.name.as_str(), c.place), c)).collect();
        batch.corrections = decided.corrections.iter().map(|c| (c.id.as_str(), c)).collect();
        batch
    }

    fn add(&mut self, record: &'a Record) {
        match record {
            Record::Alert(row) => _ = self.alerts.insert(row.alert.fingerprint(), Some(row)),
            Record::AlertGone(fingerprint) => _ = self.alerts.insert(*fingerprint, None),
            Record::Silence(silence) => _ = self.silences.insert(&silence.id, Some(silence)),
            Record::SilenceGone(id) => _ = self.silences.insert(id, None),
            Record::Group(row) => _ = self.groups.insert(&row.id, Some(row)),
            Record::GroupGone(id) => {
                self.groups.insert(id, None);
                self.told.retain(|(group, _), _| *group != id);
                self.told_gone.insert(id);
            }
            Record::Told(row) => _ = self.told.insert((&row.group, &row.integration), row),
            Record::Delivery(row) => _ = self.deliveries.insert(&row.delivery.key, row),
            Record::Attempt(row) => {
                _ = self.attempts.insert((&row.delivery, row.attempt, row.at.0), row);
            }
            Record::Episode(row) => {
                _ = self.episodes.insert((row.alert.fingerprint(), row.alert.starts_at.0), row);
            }
            Record::Audit(row) => _ = self.audit.insert((row.at.0, &row.action, &row.subject), row),
        }
    }

    /// Messages that are open after this, and those that are not.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = (&'a DeliveryKey, bool)> {
        self.deliveries.iter().map(|(key, row)| (*key, row.status.is_open()))
    }

    /// As statements, those that remove first. `written` names messages whose bodies are there.
    pub(super) fn writes(
        &self,
        epoch: i64,
        written: &BTreeSet<DeliveryKey>,
    ) -> Result<Vec<Write>, StateError> {
        let mut out = Statements::default();
        self.write_removals(&mut out);
        self.write_routing(epoch, &mut out)?;
        self.write_deliveries(epoch, written, &mut out)?;
        self.write_history(epoch, &mut out)?;
        Ok(out.0)
    }

    fn write_removals(&self, out: &mut Statements) {
        let mut alerts = Rows::new(&ALERTS_GONE);
        for (fingerprint, _) in self.alerts.iter().filter(|(_, row)| row.is_none()) {
            alerts.push([fingerprint.to_string().into()]);
        }
        let mut silences = Rows::new(&SILENCES_GONE);
        for (id, _) in self.silences.iter().filter(|(_, row)| row.is_none()) {
            silences.push([key(&id.0).into()]);
        }
        let mut groups = Rows::new(&GROUPS_GONE);
        for (id, _) in self.groups.iter().filter(|(_, row)| row.is_none()) {
            groups.push([key(&id.0).into()]);
        }
        let mut told = Rows::new(&TOLD_GONE);
        self.told_gone.iter().for_each(|id| told.push([key(&id.0).into()]));
        [alerts, silences, groups, told].into_iter().for_each(|rows| out.add(rows, Write::Delete));
    }

    fn write_routing(&self, epoch: i64, out: &mut Statements) -> Result<(), StateError> {
        let mut alerts = Rows::new(&ALERTS);
        for (fingerprint, row) in self.alerts.iter().filter_map(|(f, row)| Some((f, (*row)?))) {
            let body = json(&ALERTS, row)?;
            alerts.push([fingerprint.to_string().into(), epoch.into(), row.updated_at.0.into(), body]);
        }
        let mut silences = Rows::new(&SILENCES);
        for silence in self.silences.values().flatten() {
            let body = json(&SILENCES, silence)?;
            silences.push([key(&silence.id.0).into(), epoch.into(), silence.ends_at.0.into(), body]);
        }
        let mut groups = Rows::new(&GROUPS);
        for row in self.groups.values().flatten() {
            groups.push([key(&row.id.0).into(), epoch.into(), row.next_flush.0.into(), json(&GROUPS, row)?]);
        }
        let mut told = Rows::new(&TOLD);
        for row in self.told.values() {
            let integration = key(&row.integration.to_string()).into();
            let body = json(&TOLD, row)?;
            told.push([key(&row.group.0).into(), integration, epoch.into(), row.at.0.into(), body]);
        }
        [alerts, silences, groups, told].into_iter().for_each(|rows| out.add(rows, Write::Put));
        Ok(())
    }

    fn write_deliveries(
        &self,
        epoch: i64,
        written: &BTreeSet<DeliveryKey>,
        out: &mut Statements,
    ) -> Result<(), StateError> {
        let (mut whole, mut progress) = (Rows::new(&DELIVERIES), Rows::new(&DELIVERIES_PROGRESS));
        let mut spoken_of = Rows::new(&DELIVERY_ALERTS);
        for row in self.deliveries.values() {
            let delivery = &row.delivery;
            let name = || Value::from(delivery.key.0.clone());
            let (status, is_open) = (row.status.as_str().to_owned(), i64::from(row.status.is_open()));
            if written.contains(&delivery.key) {
                let body = json(&DELIVERIES_PROGRESS, &Progress::of(row))?;
                let (status, updated_at) = (status.into(), row.updated_at.0.into());
                progress.push([name(), epoch.into(), status, is_open.into(), updated_at, body]);
                continue;
            }
            whole.push([
                name(),
                epoch.into(),
                key(&delivery.notification.group.0).into(),
                key(&delivery.integration.receiver).into(),
                key(&delivery.integration.to_string()).into(),
                status.into(),
                is_open.into(),
                delivery.decided_at.0.into(),
                row.updated_at.0.into(),
                json(&DELIVERIES, row)?,
                Value::Null,
            ]);
            let alerts: BTreeSet<_> =
                delivery.notification.alerts.iter().map(|told| told.alert.fingerprint()).collect();
            for fingerprint in alerts {
                spoken_of.push([fingerprint.to_string().into(), delivery.decided_at.0.into(), name()]);
            }
        }
        out.add(whole, Write::Put);
        out.add(progress, Write::Update);
        out.add(spoken_of, Write::Put);
        Ok(())
    }

    fn write_history(&self, epoch: i64, out: &mut Statements) -> Result<(), StateError> {
        let mut attempts = Rows::new(&ATTEMPTS);
        for ((delivery, attempt, at), row) in &self.attempts {
            let number = i64::from(*attempt).into();
            let body = json(&ATTEMPTS, row)?;
            attempts.push([delivery.0.clone().into(), number, (*at).into(), epoch.into(), body]);
        }
        let mut episodes = Rows::new(&EPISODES);
        for ((fingerprint, starts_at), row) in &self.episodes {
            let ends_at = row.alert.ends_at.map_or(i64::MAX, |end| end.0).into();
            let body = json(&EPISODES, row)?;
            episodes.push([fingerprint.to_string().into(), (*starts_at).into(), ends_at, epoch.into(), body]);
        }
        let mut audit = Rows::new(&AUDIT);
        for row in self.audit.values() {
            audit.push([
                row.at.0.into(),
                key(&row.action).into(),
                key(&row.subject).into(),
                row.who.clone().into(),
                row.detail.clone().into(),
                epoch.into(),
            ]);
        }
        let mut rules = Rows::new(&RULE_CHANGES);
        for ((file, group, place), change) in &self.rules {
            let place = i64::try_from(*place).unwrap_or(i64::MAX).into();
            let body = json(&RULE_CHANGES, change)?;
            rules.push([key(file).into(), key(group).into(), place, epoch.into(), body]);
        }
        let mut corrections = Rows::new(&CORRECTIONS);
        for correction in self.corrections.values() {
            corrections.push([
                key(&correction.id).into(),
                epoch.into(),
                correction.begin.0.into(),
                correction.end.0.into(),
                correction.created_at.0.into(),
                json(&CORRECTIONS, correction)?,
            ]);
        }
        for rows in [attempts, episodes, audit, rules, corrections] {
            out.add(rows, Write::Put);
        }
        Ok(())
    }
}

/// Statements of one transaction; those without rows are left out.
#[derive(Default)]
struct Statements(Vec<Write>);

impl Statements {
    fn add(&mut self, rows: Rows, write: impl FnOnce(Rows) -> Write) {
        if !rows.values.is_empty() {
            self.0.push(write(rows));
        }
    }
}

/// A row's body. Rows are plain data; that they serialize is tested.
pub(super) fn json<T: Serialize>(table: &'static Table, row: &T) -> Result<Value, StateError> {
    match serde_json::to_string(row) {
        Ok(body) => Ok(Value::Text(body)),
        Err(error) => {
            Err(StateError::Row { table: table.name, key: String::new(), reason: error.to_string() })
        }
    }
}
