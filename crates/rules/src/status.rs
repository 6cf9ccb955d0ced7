//! What people and programs see of the engine: groups, rules, their health, and the alerts they hold.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::Serialize;

use crate::group::Group;
use crate::rule_state::RuleState;
use crate::{ActiveAlert, AlertState, Health, RuleKind};

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupStatus {
    /// The rule file it is in.
    pub file: String,
    /// Its name.
    pub name: String,
    /// How often it is evaluated.
    pub interval: TimeDelta,
    /// How far back its queries look.
    pub query_offset: TimeDelta,
    /// How many series or alerts a rule may produce.
    pub limit: Option<usize>,
    /// How many evaluations it had.
    pub evaluations: u64,
    /// How many it missed because it was still busy or was woken late.
    pub missed: u64,
    /// The moment of its last evaluation.
    pub evaluated_at: Option<Timestamp>,
    /// How long that took from first query to last effect.
    pub duration: TimeDelta,
    /// The next moment it is to be evaluated at.
    pub due: Timestamp,
    /// Whether it is waiting for a query.
    pub running: bool,
    /// Its rules in order.
    pub rules: Vec<RuleStatus>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleStatus {
    /// The metric it records or the alert it raises.
    pub name: String,
    /// Its query as it was written.
    pub expr: String,
    /// Its labels with the group's, as templates.
    pub labels: BTreeMap<String, String>,
    /// How its last evaluation went.
    pub health: Health,
    /// Why it failed.
    pub last_error: Option<String>,
    /// Which template failed, though the evaluation worked.
    pub template_error: Option<String>,
    /// Its last evaluation.
    pub evaluated_at: Option<Timestamp>,
    /// How long its queries took.
    pub duration: TimeDelta,
    /// What it has beyond that as an alerting rule; `None` for a recording one.
    pub alerting: Option<AlertingStatus>,
}

/// What only alerting rules have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertingStatus {
    /// The state of its most advanced alert.
    pub state: AlertState,
    /// Its `for`.
    pub hold: TimeDelta,
    /// Its `keep_firing_for`.
    pub keep_firing: TimeDelta,
    /// Its annotations as templates.
    pub annotations: BTreeMap<String, String>,
    /// Its alerts that are pending or firing.
    pub alerts: Vec<AlertStatus>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertStatus {
    /// Its identity.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when it has been seen.
    pub active_at: Timestamp,
    /// Since when it has been firing.
    pub fired_at: Option<Timestamp>,
    /// Whether it is gone and only `keep_firing_for` holds it.
    pub kept_firing: bool,
    /// The query's value.
    #[serde(with = "crate::float_text")]
    pub value: f64,
}

impl GroupStatus {
    pub(crate) fn of(group: &Group) -> Self {
        Self {
            file: group.key.file.clone(),
            name: group.key.name.clone(),
            interval: group.interval,
            query_offset: group.query_offset,
            limit: group.limit,
            evaluations: group.evaluations,
            missed: group.missed,
            evaluated_at: group.evaluated_at,
            duration: group.duration,
            due: group.due,
            running: group.run.is_some(),
            rules: group.rules.iter().map(RuleStatus::of).collect(),
        }
    }
}

impl RuleStatus {
    fn of(state: &RuleState) -> Self {
        let memory = &state.memory;
        Self {
            name: state.rule.name.value.clone(),
            expr: state.query.text.clone(),
            labels: state.labels.clone(),
            health: memory.health,
            last_error: memory.last_error.clone(),
            template_error: memory.template_error.clone(),
            evaluated_at: memory.evaluated_at,
            duration: memory.duration,
            alerting: AlertingStatus::of(state),
        }
    }
}

impl AlertingStatus {
    fn of(state: &RuleState) -> Option<Self> {
        let RuleKind::Alert { hold, keep_firing, annotations } = &state.rule.kind else { return None };
        let book = &state.memory.book;
        let live = book.alerts.values().filter(|alert| alert.state != AlertState::Inactive);
        Some(Self {
            state: book.state(),
            hold: *hold,
            keep_firing: *keep_firing,
            annotations: annotations.clone(),
            alerts: live.map(AlertStatus::of).collect(),
        })
    }
}

impl AlertStatus {
    fn of(alert: &ActiveAlert) -> Self {
        Self {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            state: alert.state,
            active_at: alert.active_at,
            fired_at: alert.fired_at,
            kept_firing: alert.gone.is_some(),
            value: alert.value,
        }
    }
}
