//! What pages and the API show: plain structs that the shell fills in and that compute nothing.
//!
//! Budgets and burn rates are not here: they come as [`bellwether_slo::SloStatus`], from the one place that computes
//! them. Everything here can be read back from JSON, because the command line shows the same values.

use std::collections::BTreeMap;

use bellwether_alerts::silence_ends_soon_from;
use bellwether_model::{Labels, Matcher, TimeDelta, TimeRange, Timestamp};
use serde::{Deserialize, Serialize};

pub use crate::loud::LoudAlerts;
pub use crate::view_config::{ConfigFileView, ConfigView, FindingSeverity, FindingView};
pub use crate::view_dashboard::{
    Dashboard, Panel, PanelKind, PanelQuery, PanelThreshold, PanelTone, PanelUnit,
};
pub use crate::view_delivery::{AttemptView, DeliveryDetail, DeliveryFilter, DeliveryOutcome, DeliveryView};
pub use crate::view_import::{ImportBegun, ImportTaken};
pub use crate::view_listing::{ListedAlert, ListedGroup, ListedRoute, Wanted};
pub use crate::view_probe::{CheckVerdict, CheckView, PhaseView, ProbeView};
pub use crate::view_routing::{
    ActionDeed, ActionSubject, AlertStatistics, AuditView, DrillView, ExplanationView, IntegrationHealthView,
    NewAction, NoteView, ReceiverName, ReceiverStatistics, ReceiverView, RouteTaken, RouteView, RoutedView,
    RoutingConfigView, StatisticsView,
};
pub use crate::view_server::{MetricMetadata, ServerView, TargetMetadata};
pub use crate::view_write::{PushedView, RequestRefusal, WriteRefused, WriteVersion, Written};

/// The state of the process as a whole; the header of every page is made from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// Version of this program, e.g. `0.1.0`.
    pub version: String,
    /// Commit it was built from; may be empty.
    pub revision: String,
    /// When this process started.
    pub started_at: Timestamp,
    /// How often data is expected; the age of the data is judged against it.
    pub scrape_interval: TimeDelta,
    /// When the newest sample was taken; `None` before the first.
    pub data_at: Option<Timestamp>,
    /// Targets that answered last time.
    pub targets_up: usize,
    /// All targets.
    pub targets: usize,
    /// Series in the store.
    pub series: usize,
    /// Receivers that do not get their messages at present.
    pub receivers_failing: Vec<ReceiverFailing>,
    /// Whatever else keeps an alert from reaching someone, one sentence each: a reload that failed, a full disk.
    pub warnings: Vec<String>,
    /// Path of the configuration, as given; pages name it in hints. May be empty.
    pub config_path: String,
}

/// A receiver that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverFailing {
    /// Name of the receiver.
    pub receiver: String,
    /// When the first attempt of the present run of failures failed.
    pub since: Timestamp,
    /// What the last attempt answered.
    pub reason: String,
}

/// A copy of all data that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotView {
    /// The name of its folder.
    pub name: String,
    /// Where it lies on the server's machine.
    pub path: String,
    /// What is not in it, in words.
    pub missing: Option<String>,
}

/// One target of a scrape job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetView {
    /// Name of its job.
    pub job: String,
    /// Where it is scraped.
    pub url: String,
    /// Labels that its series carry, `job` and `instance` among them.
    pub labels: Labels,
    /// Labels before relabelling.
    pub discovered_labels: Labels,
    /// How it does.
    pub health: TargetHealth,
    /// When it was last scraped.
    pub last_scrape_at: Option<Timestamp>,
    /// How long the last scrape took.
    pub last_duration: Option<TimeDelta>,
    /// Samples the last scrape brought.
    pub last_samples: Option<u64>,
    /// Why the last scrape failed; empty when it did not.
    pub last_error: String,
    /// What was left out of the last scrape and why; empty when nothing was.
    #[serde(default)]
    pub note: String,
    /// How often it is scraped.
    pub interval: TimeDelta,
    /// How long a scrape may take.
    pub timeout: TimeDelta,
}

/// A scrape job, and what was found for it besides the targets that are scraped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ScrapePoolView {
    /// Name of the job.
    pub job: String,
    /// Targets that a rule dropped, as they were known before; not more than are to be remembered.
    pub dropped: Vec<Labels>,
    /// How many were dropped.
    pub dropped_count: u64,
    /// Where targets are found, unless they are written down.
    pub discoveries: Vec<DiscoveryView>,
}

/// A place where targets are found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoveryView {
    /// As Prometheus calls it: `file`, `http`, `dns`.
    pub kind: String,
    /// Targets it names, before relabelling.
    pub targets: u64,
    /// What of it could not be read the last time, and why.
    pub trouble: Vec<String>,
}

/// How a target does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetHealth {
    /// The last scrape failed.
    Down,
    /// It has not been scraped yet.
    Unknown,
    /// The last scrape worked.
    Up,
}

/// An alert, and everything known of why somebody was or was not told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertView {
    /// Identity: sixteen hexadecimal digits.
    pub fingerprint: String,
    /// Its labels, `alertname` among them.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Whether it is pending, firing or over.
    pub state: AlertState,
    /// Since when its condition has held.
    pub starts_at: Timestamp,
    /// When it ended or will end unless heard of again.
    pub ends_at: Option<Timestamp>,
    /// When it was last heard of.
    pub updated_at: Timestamp,
    /// The value that made it fire, if it has one.
    pub value: Option<f64>,
    /// Where its cause can be looked at; may be empty.
    pub generator_url: String,
    /// The objective it belongs to ([`bellwether_slo::SloStatus::id`]), if it is a burn-rate alert.
    pub slo_id: Option<String>,
    /// Receivers that its routes name.
    pub receivers: Vec<String>,
    /// Silences that hide it now.
    pub silenced_by: Vec<String>,
    /// Fingerprints of the alerts that inhibit it now.
    pub inhibited_by: Vec<String>,
    /// Names of the time intervals that mute it now.
    pub muted_by: Vec<String>,
    /// Who owns it, if somebody does.
    pub ack: Option<AckView>,
    /// Who ended it by hand, if somebody did.
    #[serde(default)]
    pub ended_by: Option<String>,
    /// What people wrote.
    #[serde(default)]
    pub notes: Vec<NoteView>,
    /// Whether people said that nothing was wrong; `None` when nobody said anything.
    #[serde(default)]
    pub false_positive: Option<bool>,
    /// The first step to take, as the runbook or an annotation says it; may be empty.
    pub next_step: String,
    /// Where the runbook is; may be empty.
    pub runbook_url: String,
    /// The decisions on the way from the rule to the person, in order.
    pub why: Vec<WhyStep>,
}

/// Whether an alert is pending, firing or over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// Its condition holds and nothing has happened since.
    Firing,
    /// Its condition holds, but not yet for long enough.
    Pending,
    /// Its condition no longer holds.
    Resolved,
}

/// Somebody owns an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AckView {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
    /// Until when; `None` means until it resolves.
    pub until: Option<Timestamp>,
    /// In their words; may be empty.
    #[serde(default)]
    pub note: String,
}

/// One decision on the way of an alert to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// Where: `rule`, `for`, `route`, `group`, `inhibit`, `silence`, `mute`, `deliver`.
    pub stage: String,
    /// What was decided, in words.
    pub text: String,
    /// Whether the alert went on from here.
    pub passed: bool,
}

/// Alerts that travel together to one receiver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertGroupView {
    /// Identity of the group.
    pub key: String,
    /// Who is told.
    pub receiver: String,
    /// The way through the tree of routes, e.g. `root / team="payments"`.
    pub route: String,
    /// The labels its alerts share by `group_by`.
    pub labels: Labels,
    /// Its alerts.
    pub alerts: Vec<AlertView>,
    /// When somebody was last told.
    pub notified_at: Option<Timestamp>,
    /// When the group will be looked at again.
    pub next_at: Option<Timestamp>,
    /// Who has all of it that fires and is told, in order of name: it is not repeated while they have it.
    #[serde(default)]
    pub acked_by: Vec<String>,
    /// When somebody is told again if nothing changes; `None` while nobody is.
    #[serde(default)]
    pub next_repeat_at: Option<Timestamp>,
}

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleGroupView {
    /// Its name.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// How often it is evaluated.
    pub interval: TimeDelta,
    /// Most series or alerts one rule may give; 0 means any number.
    pub limit: u64,
    /// When it was last evaluated.
    pub evaluated_at: Option<Timestamp>,
    /// How long that took, in seconds.
    pub evaluation_seconds: f64,
    /// Evaluations that were due and did not happen.
    pub evaluations_missed: u64,
    /// Its rules in order.
    pub rules: Vec<RuleView>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleView {
    /// The alert's or the recorded series' name.
    pub name: String,
    /// Its expression.
    pub query: String,
    /// Labels it adds.
    pub labels: Labels,
    /// Why the last evaluation failed; empty when it did not.
    pub last_error: String,
    /// When it was last evaluated.
    pub evaluated_at: Option<Timestamp>,
    /// How long that took, in seconds.
    pub evaluation_seconds: f64,
    /// What only an alerting rule has; `None` for a recording rule.
    pub alerting: Option<AlertingRuleView>,
}

/// What only an alerting rule has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertingRuleView {
    /// How long the condition has to hold.
    pub hold: TimeDelta,
    /// How long it keeps firing after the condition is gone.
    pub keep_firing_for: TimeDelta,
    /// Annotations as written.
    pub annotations: Labels,
    /// Its pending and firing alerts.
    pub alerts: Vec<RuleAlertView>,
}

/// A pending or firing alert of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleAlertView {
    /// Its labels.
    pub labels: Labels,
    /// Its annotations, rendered.
    pub annotations: Labels,
    /// Pending or firing.
    pub state: AlertState,
    /// Since when the condition has held.
    pub active_at: Timestamp,
    /// Value of the expression at the last evaluation.
    pub value: f64,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilenceView {
    /// Its identity, a UUID.
    pub id: String,
    /// What it hides: alerts that pass every matcher.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is said of it by name, such as a ticket.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Whether it hides anything now.
    pub state: SilenceState,
    /// How many alerts it hides now.
    pub hidden_alerts: usize,
}

impl SilenceView {
    /// Whether its end is near while it hides something that fires.
    pub fn ends_soon(&self, now: Timestamp) -> bool {
        self.state == SilenceState::Active
            && self.hidden_alerts > 0
            && silence_ends_soon_from(self.starts_at, self.ends_at) <= now
    }
}

/// Whether a silence hides anything now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SilenceState {
    /// It does.
    Active,
    /// It will.
    Pending,
    /// It no longer does.
    Expired,
}

/// A silence to be made, or changed when it has an `id`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSilence {
    /// The silence to change, if not a new one.
    pub id: Option<String>,
    /// What it hides; at least one matcher, and at least one that does not match the empty text.
    pub matchers: Vec<Matcher>,
    /// From when.
    pub starts_at: Timestamp,
    /// Until when; after `starts_at` and after now.
    pub ends_at: Timestamp,
    /// Who makes it.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// What else is said of it by name, such as a ticket.
    pub annotations: BTreeMap<String, String>,
}

/// Why a change was not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is not allowed to be so; answered with 400.
    Invalid(String),
    /// What it speaks of does not exist; answered with 404.
    NotFound(String),
    /// There is one already; answered with 409.
    Conflict(String),
    /// It could not be recorded; answered with 503.
    Unavailable(String),
}

impl Refused {
    /// What is wrong, in words.
    pub fn message(&self) -> &str {
        match self {
            Self::Invalid(message)
            | Self::NotFound(message)
            | Self::Conflict(message)
            | Self::Unavailable(message) => message,
        }
    }
}

/// Which history of which stream to read.
#[derive(Clone, Copy, Debug)]
pub struct HistoryRequest<'a> {
    /// The objective.
    pub slo_id: &'a str,
    /// Labels of the stream; empty for the stream of everything.
    pub stream: &'a Labels,
    /// First and last step end.
    pub range: TimeRange,
    /// Length of a step.
    pub step: TimeDelta,
}

/// How an objective is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefinitionView {
    /// In our own YAML.
    pub yaml: String,
    /// The rules that Prometheus would need for it; empty when it has none that could express it.
    pub rules: String,
    /// What those rules do not say, one sentence each.
    pub notes: Vec<String>,
}

/// The demonstration's switches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoView {
    /// What is simulated, in one sentence.
    pub title: String,
    /// The phases one can switch to.
    pub phases: Vec<DemoPhase>,
    /// Name of the present one.
    pub phase: String,
    /// Since when it has been the present one.
    pub since: Timestamp,
}

/// A state the simulated service can be put into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoPhase {
    /// Its name, unique, e.g. `chat-slow`.
    pub name: String,
    /// What a button says, e.g. `Chat turns slow`.
    pub title: String,
    /// What will be seen and when, in one sentence.
    pub expect: String,
}
