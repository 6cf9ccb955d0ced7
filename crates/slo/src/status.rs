//! What is known of an objective right now: the one place where budgets, burn rates and times left are put into
//! words for the outside. Pages, the API, the CLI and alert annotations all show these values and compute none.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::Serialize;

use crate::correction::CorrectionKind;

/// An objective and the state of each of its streams.
#[derive(Clone, Debug, Serialize)]
pub struct SloStatus {
    /// Unique identity: `service/name`, or just the name without a service.
    pub id: String,
    /// Name as written.
    pub name: String,
    /// What people call it; empty when the name says enough.
    pub display_name: String,
    /// The service it speaks of; may be empty.
    pub service: String,
    /// One sentence for people; may be empty.
    pub description: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// What missing it means: `low`, `medium`, `high`, `critical`; may be empty.
    pub criticality: String,
    /// Whom to reach, by how.
    pub contacts: BTreeMap<String, String>,
    /// Where to look further, by what it is called.
    pub links: BTreeMap<String, String>,
    /// Where the runbook is; may be empty.
    pub runbook: String,
    /// The goal as a number, e.g. `0.999`; `None` for a threshold that is met or not, without a budget.
    pub goal_ratio: Option<f64>,
    /// The goal as people read it, e.g. `99.9%`, or `no goal`.
    pub goal_text: String,
    /// What one would like to reach next, if stated.
    pub aspirational_ratio: Option<f64>,
    /// The same as people read it; may be empty.
    pub aspirational_text: String,
    /// The dialect it was written in, e.g. `openslo`.
    pub dialect: String,
    /// Where it was written, e.g. `slos/checkout.yml:3`; may be empty.
    pub origin: String,
    /// Where it comes from: `file`, or `api` when it was made while the server ran.
    pub source: String,
    /// The period as people read it, e.g. `rolling 28d`.
    pub period_text: String,
    /// Length of the period at the moment of the status.
    pub period: TimeDelta,
    /// What is counted, as people read it, e.g. `requests at or below 5000 in chat_latency_milliseconds`.
    pub indicator_text: String,
    /// Which kind of indicator it is: `ratio`, `latency`, `probe`, `threshold`, `query`, `composite`.
    pub kind: &'static str,
    /// The objectives it is made of, in the order written; empty unless it is a composite.
    pub members: Vec<MemberStatus>,
    /// What has to be said about the definition: thresholds that cannot fire, an interpolated bucket, ….
    pub notes: Vec<String>,
    /// Of a threshold without a goal: the value over the period, and whether it keeps its bound. There is no budget.
    pub threshold: Option<ThresholdStatus>,
    /// The stream of everything first; then one per value of `group_by`, in label order.
    pub streams: Vec<StreamStatus>,
}

/// A threshold without a goal: it is met over the period, or it is not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThresholdStatus {
    /// The value over the whole period, of several the worst; `None` while there is none.
    pub value: Option<f64>,
    /// How it must compare with the bound: `<`, `<=`, `>` or `>=`.
    pub op: &'static str,
    /// The bound.
    pub bound: f64,
    /// Whether the value keeps the bound; `None` without a value.
    pub passes: Option<bool>,
    /// Since when it has not.
    pub failing_since: Option<Timestamp>,
    /// The moment of the value.
    pub at: Option<Timestamp>,
    /// Its alerts.
    pub alerts: Vec<ThresholdAlertStatus>,
}

/// One alert of a threshold without a goal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThresholdAlertStatus {
    /// Its name, unique within the objective.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// How long the value must have failed before it fires.
    pub hold: TimeDelta,
    /// What it is doing.
    pub state: BurnAlertState,
    /// Since when it has been in that state.
    pub since: Option<Timestamp>,
}

/// One part of a journey.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemberStatus {
    /// Identity of the objective.
    pub slo: String,
    /// Its weight among the others.
    pub weight: f64,
}

/// One stream of events: the whole objective, or one value of its `group_by` labels.
#[derive(Clone, Debug, Serialize)]
pub struct StreamStatus {
    /// The `group_by` labels; empty for the stream of everything.
    pub labels: Labels,
    /// Whether the numbers below can be relied on.
    pub measurement: Measurement,
    /// The time up to which the stream is known.
    pub watermark: Option<Timestamp>,
    /// The whole period.
    pub total: WindowStatus,
    /// How much of the period has been watched at all; less than the period on a young installation.
    pub watched: TimeDelta,
    /// From when to when the period lasts, and what is known of it; `None` before anything is.
    pub period: Option<PeriodStatus>,
    /// What is left to spend, corrected. `None` while nothing was measured or no event was seen.
    pub budget: Option<BudgetStatus>,
    /// The same as it was measured, where corrections change it.
    pub budget_raw: Option<BudgetStatus>,
    /// The corrections that touch the period, in order of their begin.
    pub corrections: Vec<CorrectionMark>,
    /// How the objective stands against what one would like to reach next, if that is stated.
    pub aspirational: Option<TargetStatus>,
    /// Burn rate of every window in use, short to long.
    pub burns: Vec<WindowStatus>,
    /// When the budget will be gone at the present rate; `None` when it is not being spent.
    pub exhaustion: Option<Exhaustion>,
    /// The burn-rate alerts of this stream.
    pub alerts: Vec<BurnAlertStatus>,
    /// Its alerts on what is left of the budget.
    pub budget_alerts: Vec<BudgetAlertStatus>,
}

/// Whether a stream is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    /// All of its targets are measured.
    Complete,
    /// Some of its targets are not; the budget has bounds.
    Partial,
    /// Nothing of it has been measured for some intervals; its alerts keep their state.
    Unmeasured,
    /// Nothing of it has ever been measured.
    Unknown,
}

/// Events of one window that ends at the stream's watermark.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WindowStatus {
    /// Length of the window.
    pub window: TimeDelta,
    /// Good events.
    pub good: f64,
    /// All events.
    pub total: f64,
    /// `good / total`; `None` without events.
    pub sli_ratio: Option<f64>,
    /// Share of errors divided by the share allowed; `None` without measured time, 0 without events.
    pub burn_rate: Option<f64>,
    /// Fraction of the window's time that was measured, 0 to 1.
    pub measured_ratio: f64,
}

/// The error budget of the period, in events. Formulas: semantics, sections 1 (bounds) and 3.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BudgetStatus {
    /// Bad events that the goal allows among those seen.
    pub allowed_events: f64,
    /// Bad events seen.
    pub spent_events: f64,
    /// `1 − spent / allowed`; negative once overspent.
    pub left_ratio: f64,
    /// Worst case over the time not measured; equals `left_ratio` with complete coverage.
    pub left_ratio_low: f64,
    /// Best case over the time not measured.
    pub left_ratio_high: f64,
    /// Against what is expected of all of the period; `None` for a rolling one, which is always whole.
    pub expected: Option<ExpectedBudget>,
}

impl BudgetStatus {
    /// What is left of the budget of the whole period: of one of the calendar against what is expected of it.
    pub fn left_of_period_ratio(&self) -> f64 {
        self.expected.map_or(self.left_ratio, |expected| expected.left_ratio)
    }

    /// The same in the worst and in the best case over the time not measured.
    pub fn left_of_period_bounds(&self) -> (f64, f64) {
        match &self.expected {
            Some(expected) => (expected.left_ratio_low, expected.left_ratio_high),
            None => (self.left_ratio_low, self.left_ratio_high),
        }
    }
}

/// The budget of a period of the calendar against the events expected of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ExpectedBudget {
    /// Events seen, and those expected of the rest.
    pub total_events: f64,
    /// Bad ones that the goal allows among them.
    pub allowed_events: f64,
    /// `1 − spent / allowed`.
    pub left_ratio: f64,
    /// Worst case over the time not measured.
    pub left_ratio_low: f64,
    /// Best case over the time not measured.
    pub left_ratio_high: f64,
    /// When the period ends and its budget is new.
    pub ends_at: Timestamp,
    /// What is expected rests on this.
    pub basis: ExpectationBasis,
}

/// What the events expected of the rest of a period rest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpectationBasis {
    /// The mean rate of the period before, nearly all of which was measured.
    PreviousPeriod,
    /// The mean rate of what was seen of this one.
    MeanRate,
}

/// The period that is judged, at the moment of a status.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeriodStatus {
    /// When it began.
    pub begin: Timestamp,
    /// When it ends: of a rolling one the moment up to which the stream is known.
    pub end: Timestamp,
    /// How much of it has passed, without what corrections take out.
    pub passed: TimeDelta,
    /// How much corrections take out of what has passed.
    pub taken_out: TimeDelta,
    /// How much of what has passed was watched, e.g. `3d of 30d`; empty when that is all of it.
    pub watched_text: String,
}

/// A correction that touches a period, as charts mark it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorrectionMark {
    /// Identity.
    pub id: String,
    /// What happened.
    pub kind: CorrectionKind,
    /// Its first minute begins here.
    pub begin: Timestamp,
    /// Its last minute ends here.
    pub end: Timestamp,
}

/// How an objective stands against a goal other than its own.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TargetStatus {
    /// Whether the period reaches it, as its budget is judged; `None` while no event was seen.
    pub is_met: Option<bool>,
    /// Share of the budget that this goal would have left.
    pub left_ratio: Option<f64>,
}

/// When the budget runs out, as a range: the faster of the short and the long window gives the early end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Exhaustion {
    /// At the faster of the two rates.
    pub earliest: Timestamp,
    /// At the slower of the two; `None` when at that rate it never does.
    pub latest: Option<Timestamp>,
}

/// One burn-rate alert of a stream.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BurnAlertStatus {
    /// Its name, unique within the objective, e.g. `fast-burn`.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// The long window.
    pub long: TimeDelta,
    /// The short window that makes it stop quickly, if there is one.
    pub short: Option<TimeDelta>,
    /// It fires when the burn rate of every window is strictly greater than this.
    pub factor: f64,
    /// Burn rate of the long window.
    pub burn_rate_long: Option<f64>,
    /// Burn rate of the short window.
    pub burn_rate_short: Option<f64>,
    /// What it is doing.
    pub state: BurnAlertState,
    /// Since when it has been in that state.
    pub since: Option<Timestamp>,
    /// What it can do at all.
    pub verdict: Verdict,
}

/// One alert of a stream on what is left of its budget.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BudgetAlertStatus {
    /// Its name, unique within the objective, e.g. `budget-low`.
    pub name: String,
    /// `page`, `ticket` or what the user wrote.
    pub severity: String,
    /// It fires while strictly less than this share of the budget is left.
    pub left_below_ratio: f64,
    /// The same as people read it, e.g. `20%`.
    pub left_below_text: String,
    /// What is left.
    pub left_ratio: Option<f64>,
    /// What it is doing.
    pub state: BurnAlertState,
    /// Since when it has been in that state.
    pub since: Option<Timestamp>,
    /// What it can do at all.
    pub verdict: Verdict,
}

/// What an alert of an objective is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BurnAlertState {
    /// Nothing.
    Inactive,
    /// Firing.
    Firing,
}

/// What arithmetic says of an alert before it ever runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can fire while there is budget left.
    Useful,
    /// Its factor is at or above the highest possible burn rate, 1 / (1 − goal).
    CannotFire,
    /// By the time it fires, all of the budget is gone.
    FiresAfterExhaustion,
}

/// A point of an objective's history, for charts: the events of one step that ends at `at`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HistoryPoint {
    /// End of the step.
    pub at: Timestamp,
    /// Good events in the step.
    pub good: f64,
    /// All events in the step.
    pub total: f64,
    /// Fraction of the step that was measured.
    pub measured_ratio: f64,
    /// Budget left of the period that ends here, if known.
    pub budget_left_ratio: Option<f64>,
    /// In a period of the calendar: what is left here of the budget of all of it, if nothing more goes bad. Against
    /// the events of the period where it is over, and those expected of it where it is not.
    pub budget_left_of_period_ratio: Option<f64>,
}

impl HistoryPoint {
    /// What is left here of the budget of the whole period.
    pub fn left_of_period_ratio(&self) -> Option<f64> {
        self.budget_left_of_period_ratio.or(self.budget_left_ratio)
    }
}
