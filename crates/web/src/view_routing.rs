//! Routing as pages and the API show it: what people do with alerts, why somebody was or was not told, how well
//! receivers and alerts serve.

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

use crate::view::{AlertView, ReceiverFailing, WhyStep};
use crate::view_delivery::DeliveryDetail;

/// What somebody does to an alert or to all of a group that fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAction {
    /// To what.
    pub subject: ActionSubject,
    /// What.
    pub deed: ActionDeed,
    /// Who.
    pub by: String,
    /// In their words; may be empty, except for a note.
    #[serde(default)]
    pub note: String,
}

impl NewAction {
    /// Somebody takes an alert until it is over.
    pub fn take(fingerprint: String, by: String) -> Self {
        let deed = ActionDeed::Acknowledge { until: None };
        Self { subject: ActionSubject::Alert(fingerprint), deed, by, note: String::new() }
    }
}

/// To what somebody does something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionSubject {
    /// An alert, by its fingerprint.
    Alert(String),
    /// A group, by its key.
    Group(String),
}

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionDeed {
    /// Takes it, until then or until it is over.
    Acknowledge {
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Gives it back.
    Unacknowledge,
    /// Ends it by hand: it fires again only after its condition has cleared.
    Resolve,
    /// Writes something down.
    Note,
    /// Says that nothing was wrong.
    FalsePositive,
    /// Says that something was wrong.
    Real,
}

/// What somebody wrote about an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteView {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

/// One route, and whether labels take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteView {
    /// How deep it lies below the root, which is 0.
    pub depth: usize,
    /// Its matchers as they are written; `default-route` for the root.
    pub matchers: String,
    /// Its receiver.
    pub receiver: String,
    /// How it makes groups.
    pub group_by: String,
    /// Whether the labels end here, pass through to a route below, or do not match.
    pub taken: RouteTaken,
    /// Why, in words: the first matcher that does not match, or that an earlier route took it without `continue`.
    pub why: String,
}

/// What becomes of labels at a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RouteTaken {
    /// They end here: its receiver hears of them.
    Ends,
    /// They go on to a route below it.
    Passes,
    /// They do not match.
    No,
    /// An earlier route took them.
    NotReached,
}

/// What routing would do with labels now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoutedView {
    /// Every route, in the order in which they are asked.
    pub routes: Vec<RouteView>,
    /// Who would hear of it.
    pub receivers: Vec<String>,
    /// What would keep it quiet now, one sentence each.
    pub quiet: Vec<String>,
}

/// All that is known of why somebody was or was not told of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplanationView {
    /// In one sentence, e.g. `oncall was told at 03:04:10, 31 s after it fired`.
    pub verdict: String,
    /// The alert, if routing or a rule knows it.
    pub alert: Option<AlertView>,
    /// What each stage decided, in order: rule, for, route, group, inhibit, silence, mute, ack, deliver.
    pub steps: Vec<WhyStep>,
    /// The routes, those not taken included.
    pub routed: RoutedView,
    /// Its messages, the newest first, with every attempt.
    pub deliveries: Vec<DeliveryDetail>,
    /// What people wrote.
    pub notes: Vec<NoteView>,
    /// What to look at or do next, one sentence each.
    pub advice: Vec<String>,
}

/// A receiver and how it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiverView {
    /// Its name.
    pub name: String,
    /// Its integrations.
    pub integrations: Vec<IntegrationHealthView>,
}

/// One way in which a receiver is told, and how it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IntegrationHealthView {
    /// Its name: `slack[0]`.
    pub name: String,
    /// Whether people hear of the end.
    pub send_resolved: bool,
    /// When it last took a message.
    pub last_success_at: Option<Timestamp>,
    /// Since when it fails, if it does.
    pub failing: Option<ReceiverFailing>,
    /// Messages that wait for another attempt.
    pub waiting: usize,
}

/// A test message and what came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DrillView {
    /// The receiver's integration: `oncall/slack[0]`.
    pub integration: String,
    /// What became of it; `None` when no answer came in time.
    pub delivery: Option<DeliveryDetail>,
}

/// Alertmanager's own state, as its API and `amtool config show` ask for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoutingConfigView {
    /// The configuration without its secrets.
    pub text: String,
    /// The receivers, in the order of the file.
    pub receivers: Vec<ReceiverName>,
    /// After how long an alert that nobody repeats is over.
    pub resolve_timeout: TimeDelta,
}

/// What somebody changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// When.
    pub at: Timestamp,
    /// Who, as they called themselves.
    pub who: String,
    /// What, as a verb: `silence.set`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// In words; may be empty.
    pub detail: String,
}

/// A receiver as the configuration names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverName {
    /// Its name.
    pub name: String,
    /// Its labels; `name` is one of them.
    pub labels: Labels,
}

/// How alerts of one name served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlertStatistics {
    /// Its name.
    pub alertname: String,
    /// Its severity, as labelled.
    pub severity: String,
    /// How often it fired.
    pub fired: u64,
    /// How often a day.
    pub fired_per_day: f64,
    /// How often people said that nothing was wrong.
    pub false_positives: u64,
    /// Share of those that were marked one way or the other; `None` when none were.
    pub false_positive_ratio: Option<f64>,
    /// Median time until somebody took it, of those that were taken.
    pub ack_p50: Option<TimeDelta>,
    /// How soon somebody should have.
    pub ack_deadline: Option<TimeDelta>,
    /// Share of those told that were taken within the deadline.
    pub ack_in_time_ratio: Option<f64>,
    /// Median time from firing to the end.
    pub resolve_p50: Option<TimeDelta>,
    /// How many ended without anybody taking, ending or noting anything.
    pub never_acted_on: u64,
}

/// How a receiver served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReceiverStatistics {
    /// Its integration: `oncall/slack[0]`.
    pub integration: String,
    /// Messages that it took.
    pub delivered: u64,
    /// Messages that it never took.
    pub failed: u64,
    /// Attempts that failed.
    pub attempts_failed: u64,
    /// Median time from the decision to the receipt.
    pub latency_p50: Option<TimeDelta>,
    /// What 99 of 100 stay within.
    pub latency_p99: Option<TimeDelta>,
}

/// How alerts and receivers served over some time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StatisticsView {
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// By name of the alert, the most frequent first.
    pub alerts: Vec<AlertStatistics>,
    /// By integration.
    pub receivers: Vec<ReceiverStatistics>,
}
