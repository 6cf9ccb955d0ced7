//! Letting go of what is over: an alert leaves a group when everybody who heard of it knows, and is forgotten when it
//! has left the last. What remains of it is its episode.

use std::collections::BTreeSet;

use bellwether_model::{Alert, AlertFingerprint, Timestamp};

use crate::core::Known;
use crate::outbox::Outbox;
use crate::{AlertCore, AlertRow, EpisodeRow, GroupId, Record};

impl AlertCore {
    /// Lets go of alerts that are over and known to be, and of a group that has none left.
    pub(crate) fn sweep(&mut self, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let alerts = &self.alerts;
        let is_over = |f: &AlertFingerprint| alerts.get(f).is_none_or(|k| k.row.alert.is_resolved(now));
        let leaving: Vec<_> =
            group.alerts.iter().copied().filter(|f| is_over(f) && group.is_settled(*f)).collect();
        for fingerprint in &leaving {
            group.alerts.remove(fingerprint);
        }
        if group.alerts.is_empty() && group.pending.is_empty() {
            self.groups.remove(id);
            out.record(Record::GroupGone(id.clone()));
        } else if !leaving.is_empty() {
            out.touch(id);
        }
        for fingerprint in leaving {
            self.leave(fingerprint, id, now, out);
        }
    }

    fn leave(&mut self, fingerprint: AlertFingerprint, id: &GroupId, now: Timestamp, out: &mut Outbox) {
        let Some(known) = self.alerts.get_mut(&fingerprint) else { return };
        known.groups.retain(|group| **group != *id);
        let (is_homeless, is_kept) =
            (known.groups.is_empty(), known.told_at_kept && known.row.end_is_known());
        if is_homeless {
            self.let_go(fingerprint, now, out);
        } else if !is_kept {
            // The group's own rows, which may have held this, are going.
            known.row.ended = true;
            self.keep(fingerprint, out);
        }
    }

    /// An alert that is over and in no group is forgotten, unless it has to be remembered that it was ended by hand.
    pub(crate) fn let_go(&mut self, fingerprint: AlertFingerprint, now: Timestamp, out: &mut Outbox) {
        let Some(known) = self.alerts.get(&fingerprint) else { return };
        out.record(self.episode(&known.row, now));
        if known.row.held.as_ref().is_some_and(|held| held.lasts(now)) {
            return;
        }
        self.inhibitor.remove(fingerprint, &known.row.alert.labels);
        self.alerts.remove(&fingerprint);
        out.record(Record::AlertGone(fingerprint));
    }

    /// What remains of a life that is over.
    pub(crate) fn episode(&self, row: &AlertRow, now: Timestamp) -> Record {
        let routes = self.setup.config.route.matching(&row.alert.labels);
        let receivers: BTreeSet<String> = routes.iter().map(|route| route.receiver.clone()).collect();
        Record::Episode(Box::new(EpisodeRow {
            alert: Alert {
                ends_at: Some(row.alert.ends_at.map_or(now, |end| end.min(now))),
                ..row.alert.clone()
            },
            receivers,
            told_at: row.told_at,
            handled: row.handled.clone(),
        }))
    }
}

impl Known {
    /// Whether its life is over and an episode holds it: what was ended by hand is kept on until its condition clears.
    pub(crate) fn is_written_down(&self, now: Timestamp) -> bool {
        self.groups.is_empty() && self.row.alert.is_resolved(now)
    }
}

impl AlertRow {
    /// Whether its end is a fact: its source said so, or it was seen to come. Otherwise it is what the source foresaw.
    pub(crate) fn end_is_known(&self) -> bool {
        self.ended || self.alert.ends_at.is_some_and(|end| end <= self.updated_at)
    }
}
