//! How many alerts are told, kept quiet, taken, and taken by nobody though somebody should have: numbers for metrics,
//! without a view of every alert.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, Timestamp};

use crate::core::Known;
use crate::group::Group;
use crate::{AckDeadlines, AlertCore, AlertRow, GroupId, SilenceState, time_interval};

/// Of the alerts that fire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlertsNow {
    /// Told.
    pub active: usize,
    /// Kept quiet by a silence, another alert or a time interval.
    pub suppressed: usize,
    /// Not looked at yet.
    pub unprocessed: usize,
    /// Taken by somebody.
    pub acknowledged: usize,
    /// Somebody was told, and nobody took it within the deadline of its severity.
    pub overdue: usize,
    /// No receiver has taken a message of it.
    pub untold: usize,
}

impl AlertCore {
    /// Alerts that fire, counted.
    pub fn alert_counts(&self, deadlines: &AckDeadlines, now: Timestamp) -> AlertsNow {
        let muted = self.muted_groups(now);
        let mut counts = AlertsNow::default();
        for known in self.alerts.values().filter(|known| !known.row.alert.is_resolved(now)) {
            self.count(known, &muted, deadlines, now, &mut counts);
        }
        counts
    }

    /// Alerts that fire and that nothing keeps quiet, each with whether somebody has it, in order of fingerprint.
    pub fn loud_alerts(&self, now: Timestamp) -> impl Iterator<Item = (&Alert, bool)> {
        let muted = self.muted_groups(now);
        let firing = self.alerts.values().filter(move |known| !known.row.alert.is_resolved(now));
        let loud = firing.filter(move |known| !self.is_quiet(known, &muted, now));
        loud.map(move |known| {
            let ack = known.row.handled.ack.as_ref();
            (&known.row.alert, ack.is_some_and(|ack| ack.holds(now)))
        })
    }

    fn muted_groups(&self, now: Timestamp) -> BTreeSet<&GroupId> {
        let intervals = &self.setup.config.time_intervals;
        let is_muted = |group: &&Group| !time_interval::muted_by(&group.route, intervals, now).is_empty();
        self.groups.values().filter(is_muted).map(|group| &*group.id).collect()
    }

    fn is_quiet(&self, known: &Known, muted: &BTreeSet<&GroupId>, now: Timestamp) -> bool {
        let labels = &known.row.alert.labels;
        self.silences.values().any(|silence| silence.suppresses(labels, now))
            || known.groups.iter().any(|group| muted.contains(group.as_ref()))
            || !self.inhibited_by(labels, now).is_empty()
    }

    fn count(
        &self,
        known: &Known,
        muted: &BTreeSet<&GroupId>,
        deadlines: &AckDeadlines,
        now: Timestamp,
        counts: &mut AlertsNow,
    ) {
        let alert = &known.row.alert;
        let is_looked_at =
            known.groups.iter().any(|id| self.groups.get(id).is_some_and(|group| group.flushed));
        match (self.is_quiet(known, muted, now), is_looked_at) {
            (true, _) => counts.suppressed += 1,
            (false, true) => counts.active += 1,
            (false, false) => counts.unprocessed += 1,
        }
        let handled = &known.row.handled;
        counts.acknowledged += usize::from(handled.ack.as_ref().is_some_and(|ack| ack.holds(now)));
        counts.untold += usize::from(known.row.told_at.is_none());
        let deadline = deadlines.of(alert.labels.value_or_empty("severity"));
        let is_late = deadline.is_some_and(|deadline| alert.starts_at.saturating_add(deadline) < now);
        let is_overdue = is_late && known.row.told_at.is_some() && handled.first_ack_at.is_none();
        counts.overdue += usize::from(is_overdue);
    }

    /// Silences by where they are in their life.
    pub fn silence_counts(&self, now: Timestamp) -> BTreeMap<SilenceState, usize> {
        let mut counts = BTreeMap::new();
        for silence in self.silences.values() {
            *counts.entry(silence.state(now)).or_default() += 1;
        }
        counts
    }

    /// How many groups there are.
    pub fn group_count(&self) -> usize {
        self.groups.len()
    }

    /// Alerts whose life has not been written down as an episode yet, in order of fingerprint.
    pub fn lives(&self, now: Timestamp) -> impl Iterator<Item = &AlertRow> {
        self.alerts.values().filter(move |known| !known.is_written_down(now)).map(|known| &known.row)
    }
}
