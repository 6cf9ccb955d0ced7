//! Alerts and groups as Alertmanager's API lists them: only what fires, with what keeps it quiet at this moment.
//! Thousands are asked for at once, so that what nobody wants is left out before anything is worked out about it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Labels, Timestamp};

use crate::core::Known;
use crate::silence::silence_ends_soon_from;
use crate::tell::as_told;
use crate::{
    AlertCore, Notification, Reason, Route, Silence, SilenceId, SilenceState, Status, message, time_interval,
};

/// A firing alert.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedAlert {
    /// Identity.
    pub fingerprint: AlertFingerprint,
    /// The alert.
    pub alert: Alert,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// Silences that suppress it now.
    pub silenced_by: BTreeSet<SilenceId>,
    /// Alerts that inhibit it now.
    pub inhibited_by: BTreeSet<AlertFingerprint>,
}

/// A group with the firing alerts in it that are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedGroup {
    /// Its route.
    pub route: Arc<Route>,
    /// The labels its alerts share by `group_by`.
    pub labels: Labels,
    /// The labels its route gives to messages, as they would be rendered now; as written where that fails.
    pub route_labels: BTreeMap<String, String>,
    /// Time intervals that keep it quiet now.
    pub muted_by: Vec<String>,
    /// Its alerts, in no order that means anything.
    pub alerts: Vec<ListedAlert>,
}

/// Says which label sets are wanted.
pub type Wanted<'a> = &'a dyn Fn(&Labels) -> bool;

impl AlertCore {
    /// Firing alerts in order of their fingerprints.
    pub fn listed_alerts(&self, wanted: Wanted<'_>, now: Timestamp) -> Vec<ListedAlert> {
        self.alerts.values().filter_map(|known| self.listed(known, wanted, now)).collect()
    }

    /// Groups that have firing alerts.
    pub fn listed_groups(&self, wanted: Wanted<'_>, now: Timestamp) -> Vec<ListedGroup> {
        let listed = self.groups.values().map(|group| {
            let alerts = group.alerts.iter().filter_map(|fingerprint| self.alerts.get(fingerprint));
            ListedGroup {
                route: Arc::clone(&group.route),
                labels: group.labels.clone(),
                route_labels: BTreeMap::new(),
                muted_by: time_interval::muted_by(&group.route, &self.setup.config.time_intervals, now),
                alerts: alerts.filter_map(|known| self.listed(known, wanted, now)).collect(),
            }
        });
        let mut shown: Vec<_> = listed.filter(|group| !group.alerts.is_empty()).collect();
        shown.iter_mut().for_each(|group| group.route_labels = self.route_labels_now(group, now));
        shown
    }

    /// Alertmanager renders them with all alerts of the group, whichever are asked for.
    fn route_labels_now(&self, listed: &ListedGroup, now: Timestamp) -> BTreeMap<String, String> {
        let written = &listed.route.labels;
        let group = self.groups.get(&listed.route.group_id(&listed.labels));
        let Some(group) = group.filter(|_| written.values().any(|text| text.contains("{{"))) else {
            return written.clone();
        };
        let known = group.alerts.iter().filter_map(|fingerprint| self.alerts.get(fingerprint));
        let told = known.map(|known| match known.row.alert.is_resolved(now) {
            true => as_told(known, Status::Resolved),
            false => as_told(known, Status::Firing),
        });
        let mut alerts: Vec<_> = told.collect();
        alerts.sort_by(|a, b| (a.status, &a.alert.labels).cmp(&(b.status, &b.alert.labels)));
        let notification = Notification {
            reason: Reason::Repeat, // as if it were told again as it stands
            group: group.id.as_ref().clone(),
            group_labels: group.labels.clone(),
            receiver: group.route.receiver.clone(),
            alerts,
            route_labels: written.clone(),
            acked_by: None,
            unreached: None,
        };
        message::route_labels(&self.setup, &notification, now).unwrap_or_else(|_| written.clone())
    }

    /// Silences that end soon and hide something that fires, with how many alerts each hides.
    pub fn expiring_silences(&self, now: Timestamp) -> Vec<(&Silence, usize)> {
        let ends = |silence: &&Silence| {
            silence.state(now) == SilenceState::Active
                && silence_ends_soon_from(silence.starts_at, silence.ends_at) <= now
        };
        let firing = |silence: &Silence| {
            let alerts = self.alerts.values().map(|known| &known.row.alert);
            alerts.filter(|alert| !alert.is_resolved(now) && silence.suppresses(&alert.labels, now)).count()
        };
        let counted = self.silences.values().filter(ends).map(|silence| (silence, firing(silence)));
        counted.filter(|(_, hidden)| *hidden > 0).collect()
    }

    fn listed(&self, known: &Known, wanted: Wanted<'_>, now: Timestamp) -> Option<ListedAlert> {
        let alert = &known.row.alert;
        let is_listed = !alert.is_resolved(now) && wanted(&alert.labels);
        is_listed.then(|| ListedAlert {
            fingerprint: alert.fingerprint(),
            alert: alert.clone(),
            updated_at: known.row.updated_at,
            silenced_by: self.silenced_by(&alert.labels, now),
            inhibited_by: self.inhibited_by(&alert.labels, now),
        })
    }
}
