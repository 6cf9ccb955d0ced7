//! All that is known of one alert: what its rule found, what routing made of it, and what the ledger holds. Of rules
//! and objectives this crate knows only what it is told here.

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Labels, TimeDelta, Timestamp, matches_all};
use serde::Serialize;

use crate::group::Group;
use crate::{
    AlertCore, AlertView, AttemptRow, DeliveryRow, EpisodeRow, GroupId, InhibitRule, IntegrationId,
    PendingView, ReceiverHealth, Route, Silence, Verdict, mute_end,
};

/// All that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// The rule or objective that would raise it, if one of ours does.
    pub rule: Option<RuleFacts>,
    /// What routing knows; `None` when it knows no such alert now.
    pub alert: Option<AlertFacts>,
    /// Its messages, the newest first.
    pub ledger: Vec<LedgerEntry>,
    /// A life of it that is over, where routing knows none that goes on.
    pub life: Option<LifeFacts>,
    /// Lives of all alerts of its name that are over, the latest first.
    pub episodes: Vec<EpisodeRow>,
    /// How soon somebody should take an alert of its severity.
    pub ack_deadline: Option<TimeDelta>,
    /// Targets that do not answer now.
    pub targets_down: Vec<TargetFacts>,
    /// Alertmanagers that take nothing now.
    pub members_failing: Vec<MemberFacts>,
    /// Whatever else keeps alerts from people, one sentence each.
    pub troubles: Vec<String>,
}

/// What a rule or an objective says of an alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RuleFacts {
    /// Where it stands: `rule group web in alerts.yml`, `objective shop/checkout`.
    pub place: String,
    /// Whether it is an objective, which measures all the time, and no rule with a query of its own.
    pub is_objective: bool,
    /// Its query or condition as people read it.
    pub condition: String,
    /// When it was last evaluated.
    pub evaluated_at: Option<Timestamp>,
    /// How often that happens.
    pub interval: TimeDelta,
    /// Evaluations that were due and did not happen.
    pub missed: u64,
    /// Why the last evaluation failed.
    pub error: Option<String>,
    /// How long the condition must hold.
    pub hold: TimeDelta,
    /// How long it goes on after the condition is gone.
    pub keep_firing: TimeDelta,
    /// What the alert does by it.
    pub state: RuleState,
    /// The value that the query gave.
    pub value: Option<f64>,
    /// What is compared with what; all must be so for the condition to hold.
    pub measured: Vec<Measured>,
    /// Selectors of the query that match no series.
    pub absent: Vec<String>,
}

/// What a rule says that an alert does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleState {
    /// Its condition does not hold.
    #[default]
    Inactive,
    /// It holds, but not for long enough.
    Pending {
        /// Since when.
        since: Timestamp,
    },
    /// It fires.
    Firing {
        /// Since when its condition has held.
        since: Timestamp,
        /// Since when it has fired, if that is known.
        fired_at: Option<Timestamp>,
        /// Whether the condition is gone and only `keep_firing_for` holds it.
        kept: bool,
    },
}

/// Something that is compared with a bound.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// What, as people read it.
    pub what: String,
    /// Its value now: of several series the one closest to the bound. `None` without any.
    pub value: Option<f64>,
    /// How it must compare: `>`, `>=`, `<`, `<=`, `==`, `!=`.
    pub op: &'static str,
    /// With what.
    pub bound: f64,
    /// What it was lately.
    pub past: Option<RulePast>,
}

/// What a value was lately.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RulePast {
    /// Over how long.
    pub over: TimeDelta,
    /// The least.
    pub lowest: f64,
    /// The most.
    pub highest: f64,
}

/// A target that does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TargetFacts {
    /// Its job.
    pub job: String,
    /// Its address.
    pub url: String,
    /// Why.
    pub error: String,
}

/// An Alertmanager that takes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberFacts {
    /// Its address without secrets.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub error: String,
}

/// A message and its attempts.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// The message.
    pub row: DeliveryRow,
    /// Its attempts, the first first.
    pub attempts: Vec<AttemptRow>,
}

/// A life of an alert that is over.
#[derive(Clone, Debug, PartialEq)]
pub struct LifeFacts {
    /// The life.
    pub row: EpisodeRow,
    /// Silences that covered its beginning, of those that are still known.
    pub silences: Vec<Silence>,
    /// How long the groups of its routes wait before they are first looked at, as they are configured now.
    pub group_wait: Option<TimeDelta>,
}

/// What routing knows of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertFacts {
    /// The alert.
    pub view: AlertView,
    /// Its groups.
    pub ways: Vec<Way>,
    /// Silences that hide it now.
    pub silences: Vec<Silence>,
    /// Alerts that inhibit it now.
    pub inhibitors: Vec<Inhibited>,
}

/// An alert that keeps another quiet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inhibited {
    /// Its labels.
    pub labels: Labels,
    /// By which rule; `None` when it is built in.
    pub rule: Option<String>,
}

/// One group of an alert, and who hears of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// The group.
    pub group: GroupId,
    /// The route it comes from.
    pub route: String,
    /// The labels it shares.
    pub labels: Labels,
    /// How many alerts it has, this one included.
    pub alerts: usize,
    /// Who is told.
    pub receiver: String,
    /// Timers of the route.
    pub group_wait: TimeDelta,
    /// How often the group is looked at.
    pub group_interval: TimeDelta,
    /// After how long an unchanged group is told again.
    pub repeat_interval: TimeDelta,
    /// Whether it has been looked at.
    pub flushed: bool,
    /// When it is looked at next.
    pub next_flush: Timestamp,
    /// Time intervals that mute it now.
    pub muted_by: Vec<String>,
    /// Until when they do; `None` when that is not known or not asked for.
    pub muted_until: Option<Timestamp>,
    /// Who is told, integration by integration.
    pub hearings: Vec<Hearing>,
}

/// What one integration has heard of an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Hearing {
    /// Which.
    pub integration: IntegrationId,
    /// Whether it believes that the alert fires.
    pub knows: bool,
    /// When it was last told something of the group.
    pub told_at: Option<Timestamp>,
    /// What the last look decided, and when.
    pub verdict: Option<(Timestamp, Verdict)>,
    /// What is on its way.
    pub pending: Option<PendingView>,
    /// Whether it stands in for the receiver of the route, which is not reached.
    pub stands_in: bool,
    /// How well it can be reached.
    pub health: Option<ReceiverHealth>,
}

impl AlertCore {
    /// What can still be said here of a life that is over.
    pub fn life_facts(&self, row: EpisodeRow) -> LifeFacts {
        let labels = &row.alert.labels;
        let begun = row.alert.starts_at;
        LifeFacts {
            silences: self.silences.values().filter(|s| s.suppresses(labels, begun)).cloned().collect(),
            group_wait: self.setup.config.route.matching(labels).iter().map(|route| route.group_wait).min(),
            row,
        }
    }

    /// What is known here of an alert, as the list of alerts shows it.
    pub fn alert_facts(&self, view: AlertView, now: Timestamp) -> AlertFacts {
        let labels = &view.alert.labels;
        let ways = view.groups.iter().filter_map(|id| self.groups.get(id));
        AlertFacts {
            ways: ways.map(|group| self.way(group, view.fingerprint, now)).collect(),
            silences: view
                .status
                .silenced_by
                .iter()
                .filter_map(|id| self.silences.get(id).cloned())
                .collect(),
            inhibitors: (view.status.inhibited_by.iter())
                .filter_map(|f| self.alerts.get(f))
                .map(|known| self.inhibited(labels, &known.row.alert))
                .collect(),
            view,
        }
    }

    /// The same, with until when its routes are muted.
    pub fn alert_facts_with_mutes(&self, view: AlertView, now: Timestamp) -> AlertFacts {
        let mut facts = self.alert_facts(view, now);
        for way in facts.ways.iter_mut().filter(|way| !way.muted_by.is_empty()) {
            let group = self.groups.get(&way.group);
            way.muted_until = group.and_then(|group| {
                mute_end::muted_until(&group.route, &self.setup.config.time_intervals, now)
            });
        }
        facts
    }

    /// The group that labels would join on a route: the one that is there, or a new one.
    pub(super) fn way_to_be(&self, route: &Arc<Route>, labels: &Labels, now: Timestamp) -> Way {
        let shared = route.group_labels(labels);
        let fingerprint = AlertFingerprint(labels.fingerprint());
        let mut way = match self.groups.get(&route.group_id(&shared)) {
            Some(group) => self.way(group, fingerprint, now),
            None => {
                let first = now.saturating_add(route.group_wait);
                self.way(&Group::new(Arc::clone(route), shared, first), fingerprint, now)
            }
        };
        way.muted_until = mute_end::muted_until(route, &self.setup.config.time_intervals, now);
        way
    }

    pub(super) fn inhibited(&self, target: &Labels, source: &Alert) -> Inhibited {
        let rule = self.setup.config.inhibit_rules.iter().find(|rule| applies(rule, target, &source.labels));
        Inhibited { labels: source.labels.clone(), rule: rule.map(rule_text) }
    }

    fn way(&self, group: &Group, alert: AlertFingerprint, now: Timestamp) -> Way {
        let receiver = self.setup.config.receivers.get(&group.route.receiver);
        let mut ids = receiver.map(|receiver| receiver.integration_ids()).unwrap_or_default();
        // Who stands in for a receiver that is not reached has a place in the group as well.
        let guests = group.told.keys().chain(group.pending.keys());
        let guests: BTreeSet<&IntegrationId> =
            guests.filter(|id| id.receiver != group.route.receiver).collect();
        ids.extend(guests.into_iter().cloned());
        Way {
            group: group.id.as_ref().clone(),
            route: group.route.id.clone(),
            labels: group.labels.clone(),
            alerts: group.alerts.len(),
            receiver: group.route.receiver.clone(),
            group_wait: group.route.group_wait,
            group_interval: group.route.group_interval,
            repeat_interval: group.route.repeat_interval,
            flushed: group.flushed,
            next_flush: group.next_flush,
            muted_by: crate::time_interval::muted_by(&group.route, &self.setup.config.time_intervals, now),
            muted_until: None,
            hearings: ids.into_iter().map(|id| self.hearing(group, id, alert)).collect(),
        }
    }

    fn hearing(&self, group: &Group, integration: IntegrationId, alert: AlertFingerprint) -> Hearing {
        let told = group.told.get(&integration);
        let knows = told.is_some_and(|told| told.firing.contains(&alert));
        let pending = group.pending.get(&integration).filter(|p| knows || p.untold.contains(&alert));
        Hearing {
            knows,
            told_at: told.map(|told| told.at),
            verdict: group.verdicts.get(&integration).cloned(),
            pending: pending.map(crate::view::pending_view),
            stands_in: integration.receiver != group.route.receiver,
            health: self.health.get(&integration).cloned(),
            integration,
        }
    }
}

fn applies(rule: &InhibitRule, target: &Labels, source: &Labels) -> bool {
    matches_all(&rule.source, source)
        && matches_all(&rule.target, target)
        && rule.equal.iter().all(|name| source.value_or_empty(name) == target.value_or_empty(name))
}

/// `severity="critical" inhibits severity="warning" with equal team`.
fn rule_text(rule: &InhibitRule) -> String {
    let matchers =
        |all: &[bellwether_model::Matcher]| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut text = format!("{} inhibits {}", matchers(&rule.source), matchers(&rule.target));
    if !rule.equal.is_empty() {
        text += &format!(" with equal {}", rule.equal.join(", "));
    }
    text
}
