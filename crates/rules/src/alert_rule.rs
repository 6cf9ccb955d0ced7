//! The life of the alerts of one rule: inactive, pending, firing, resolved.
//!
//! As Prometheus does it, with two differences that the rule of "no guess" asks for. `for` and `keep_firing_for`
//! advance only over time that was evaluated: an evaluation accounts for at most one interval, whether the
//! evaluations before it were late, failed, or did not happen because the process was down. And an evaluation that
//! fails keeps firing alerts alive, because not knowing is not the same as being well.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Alert, Labels, METRIC_NAME, Sample, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

/// How long a resolved alert is remembered and its end repeated, so that whoever missed it hears of it.
pub const RESOLVED_RETENTION: TimeDelta = TimeDelta::from_secs(15 * 60);

/// An alert lives this many times the longer of interval and resend delay unless it is heard of again.
const LIFETIME_FACTOR: i64 = 4;

/// Where an alert is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// It was there and is over.
    Inactive,
    /// It is there, but not yet for as long as the rule's `for` asks.
    Pending,
    /// It is there, and people are told.
    Firing,
}

impl AlertState {
    /// As the label `alertstate` and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// One alert of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActiveAlert {
    /// Its identity.
    pub labels: Labels,
    /// What people read, as of the last evaluation that saw it.
    pub annotations: Labels,
    /// Where it is in its life.
    pub state: AlertState,
    /// The query's value, as of the last evaluation that saw it.
    #[serde(with = "crate::float_text")]
    pub value: f64,
    /// When it was first seen.
    pub active_at: Timestamp,
    /// For how long it has been seen without a break, counting evaluated time only.
    pub held: TimeDelta,
    /// When it began to fire.
    pub fired_at: Option<Timestamp>,
    /// When it ended.
    pub resolved_at: Option<Timestamp>,
    /// For how long it has been gone while `keep_firing_for` holds it, counting evaluated time only.
    pub gone: Option<TimeDelta>,
    /// When it was last handed on.
    pub sent_at: Option<Timestamp>,
}

/// What an evaluation found, before it is compared with what was known.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) labels: Labels,
    pub(crate) annotations: Labels,
    pub(crate) value: f64,
}

/// The alerts of one rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct AlertBook {
    /// Invariant: each alert under its own labels.
    pub(crate) alerts: BTreeMap<Labels, ActiveAlert>,
}

/// What decides the life of a rule's alerts besides what was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AlertTimes {
    /// The moment of this evaluation.
    pub(crate) at: Timestamp,
    /// How much time it accounts for.
    pub(crate) covered: TimeDelta,
    /// The rule's `for`.
    pub(crate) hold: TimeDelta,
    /// The rule's `keep_firing_for`.
    pub(crate) keep_firing: TimeDelta,
}

/// When alerts are repeated, and until when they are good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendTimes {
    pub(crate) now: Timestamp,
    /// The moment of the evaluation.
    pub(crate) at: Timestamp,
    pub(crate) interval: TimeDelta,
    pub(crate) resend: TimeDelta,
}

impl AlertBook {
    /// Takes in what an evaluation found; gives whether anything changed that a restart must know. Nothing changes if
    /// it fails, which it does when two results become one alert or when there are more than `limit`.
    pub(crate) fn update(
        &mut self,
        found: Vec<Candidate>,
        times: AlertTimes,
        limit: Option<usize>,
    ) -> Result<bool, String> {
        let present: BTreeSet<Labels> = found.iter().map(|candidate| candidate.labels.clone()).collect();
        if present.len() < found.len() {
            return Err("two results become the same alert after the rule's labels are applied".to_owned());
        }
        let kept =
            self.alerts.values().filter(|alert| !present.contains(&alert.labels) && alert.stays(times));
        let count = present.len() + kept.count();
        if let Some(limit) = limit.filter(|limit| count > *limit) {
            return Err(format!("{count} alerts are more than the group's limit of {limit}"));
        }
        let mut is_changed = false;
        self.alerts.retain(|labels, alert| {
            if present.contains(labels) {
                return true;
            }
            let before = (alert.state, alert.gone);
            let stays = alert.miss(times);
            is_changed |= !stays || before != (alert.state, alert.gone);
            stays
        });
        for candidate in found {
            is_changed |= self.see(candidate, times);
        }
        Ok(is_changed)
    }

    /// Takes in one result; gives whether anything changed besides what the next evaluation finds anew.
    fn see(&mut self, found: Candidate, times: AlertTimes) -> bool {
        let known = self.alerts.get_mut(&found.labels).filter(|alert| alert.state != AlertState::Inactive);
        match known {
            Some(alert) => {
                alert.value = found.value;
                alert.annotations = found.annotations;
                // The time of a pending alert and of one that was gone runs.
                let is_changed = alert.state == AlertState::Pending || alert.gone.is_some();
                alert.gone = None;
                alert.held = TimeDelta(alert.held.0.saturating_add(times.covered.0));
                alert.fire_if_held(times);
                is_changed
            }
            None => {
                let mut alert = ActiveAlert::new(found, times.at);
                alert.fire_if_held(times);
                self.alerts.insert(alert.labels.clone(), alert);
                true
            }
        }
    }

    /// The series that tell of the alerts: `ALERTS` and `ALERTS_FOR_STATE`.
    pub(crate) fn samples(&self, at: Timestamp, evaluated_at: Timestamp) -> Vec<(Labels, Sample)> {
        let live = self.alerts.values().filter(|alert| alert.state != AlertState::Inactive);
        live.flat_map(|alert| alert.samples(at, evaluated_at)).collect()
    }

    /// Whether an alert is to be handed on now.
    pub(crate) fn has_due(&self, times: SendTimes) -> bool {
        self.alerts.values().any(|alert| alert.is_due(times))
    }

    /// The alerts to hand on now, and remembers that they were.
    pub(crate) fn take_due(&mut self, times: SendTimes, generator_url: &str) -> Vec<Alert> {
        let due = self.alerts.values_mut().filter(|alert| alert.is_due(times));
        due.map(|alert| {
            alert.sent_at = Some(times.at);
            alert.to_alert(times, generator_url)
        })
        .collect()
    }

    /// The state of the rule: that of its most advanced alert.
    pub(crate) fn state(&self) -> AlertState {
        self.alerts.values().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive)
    }
}

impl ActiveAlert {
    fn new(found: Candidate, at: Timestamp) -> Self {
        Self {
            labels: found.labels,
            annotations: found.annotations,
            state: AlertState::Pending,
            value: found.value,
            active_at: at,
            held: TimeDelta::ZERO,
            fired_at: None,
            resolved_at: None,
            gone: None,
            sent_at: None,
        }
    }

    fn fire_if_held(&mut self, times: AlertTimes) {
        if self.state == AlertState::Pending && self.held >= times.hold {
            self.state = AlertState::Firing;
            self.fired_at = Some(times.at);
        }
    }

    /// How long it will have been gone after an evaluation that does not see it.
    fn gone_after(&self, times: AlertTimes) -> TimeDelta {
        self.gone.map_or(TimeDelta::ZERO, |gone| TimeDelta(gone.0.saturating_add(times.covered.0)))
    }

    /// Whether it goes on firing although this evaluation does not see it.
    fn stays(&self, times: AlertTimes) -> bool {
        self.state == AlertState::Firing && self.gone_after(times) < times.keep_firing
    }

    /// Takes in that an evaluation did not see it; `false` when it is to be forgotten.
    fn miss(&mut self, times: AlertTimes) -> bool {
        if self.stays(times) {
            self.gone = Some(self.gone_after(times));
            return true;
        }
        match self.state {
            AlertState::Pending => false,
            AlertState::Firing => {
                self.state = AlertState::Inactive;
                self.resolved_at = Some(times.at);
                true
            }
            AlertState::Inactive => self
                .resolved_at
                .is_some_and(|resolved| times.at <= resolved.saturating_add(RESOLVED_RETENTION)),
        }
    }

    fn samples(&self, at: Timestamp, evaluated_at: Timestamp) -> [(Labels, Sample); 2] {
        let alerts = self.labels.with(METRIC_NAME, "ALERTS").with("alertstate", self.state.as_str());
        let for_state = self.labels.with(METRIC_NAME, "ALERTS_FOR_STATE");
        // Prometheus reads this series back after a restart as "pending since"; unevaluated time is taken out
        // of it there as well.
        let since = match self.state {
            AlertState::Pending => evaluated_at.saturating_add(-self.held),
            AlertState::Firing | AlertState::Inactive => self.active_at,
        };
        let since_s = since.as_millis().div_euclid(1000) as f64;
        [(alerts, Sample::new(at, 1.0)), (for_state, Sample::new(at, since_s))]
    }

    fn is_due(&self, times: SendTimes) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(sent_at) = self.sent_at else { return true };
        let ended_since = self.resolved_at.is_some_and(|resolved| resolved > sent_at);
        ended_since || sent_at.saturating_add(times.resend) <= times.at
    }

    fn to_alert(&self, times: SendTimes, generator_url: &str) -> Alert {
        let lifetime = TimeDelta(times.interval.max(times.resend).0.saturating_mul(LIFETIME_FACTOR));
        Alert {
            labels: self.labels.clone(),
            annotations: self.annotations.clone(),
            starts_at: self.fired_at.unwrap_or(self.active_at),
            ends_at: Some(self.resolved_at.unwrap_or(times.now.saturating_add(lifetime))),
            generator_url: generator_url.to_owned(),
        }
    }
}
