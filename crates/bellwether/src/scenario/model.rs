//! What a scenario file says: a world of simulated services, the configuration under test, and runs, each with its
//! faults and what must come of them.

use bellwether_alerts::Reason;
use bellwether_diag::Span;
use bellwether_diag::yaml::Node;
use bellwether_model::{Labels, Matcher, TimeDelta, Timestamp};
use bellwether_promql::Expr;

use super::definition::{ServiceDefinition, SetValue};
use super::quantity::Moment;
use super::real::Real;

/// A scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// What it shows, in a few sentences.
    pub about: String,
    /// When its runs start, by the calendar.
    pub start: Timestamp,
    /// How often targets are scraped; as configured if absent.
    pub step: Option<TimeDelta>,
    /// How often rules are evaluated; as configured, or like the step, if absent.
    pub evaluation: Option<TimeDelta>,
    /// What lies behind the start.
    pub history: History,
    /// The services.
    pub services: Vec<ServiceDefinition>,
    /// Its runs.
    pub runs: Vec<Run>,
    /// What is done with it on this machine, by the clock on the wall.
    pub real: Option<Real>,
}

impl Scenario {
    /// The first file with a configuration that a run names.
    pub fn config_file(&self) -> Option<&str> {
        self.runs.iter().find_map(|run| match &run.config {
            ConfigChoice::File(name, _) => Some(name.as_str()),
            ConfigChoice::Sections(_) => None,
        })
    }
}

/// What lies behind the start: the services as they are defined, without faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// How long.
    pub length: TimeDelta,
    /// Distance of its points while it is long ago.
    pub step: TimeDelta,
    /// How long before the start points are as close as scrapes.
    pub fine: TimeDelta,
    /// How long before the start rules are evaluated already.
    pub lead: TimeDelta,
}

/// One way the story can go.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name, unique in the scenario.
    pub name: String,
    /// Where that stands.
    pub span: Span,
    /// What it shows.
    pub about: String,
    /// The configuration under test.
    pub config: ConfigChoice,
    /// How long it lasts.
    pub length: TimeDelta,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What people and programs do.
    pub events: Vec<Event>,
    /// What must come of it.
    pub expect: Vec<Expectation>,
}

/// The configuration under test.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigChoice {
    /// A `bellwether.yml` beside the scenario.
    File(String, Span),
    /// Its text, made of the sections that name files beside the scenario.
    Sections(Box<Node>),
}

/// Something goes wrong for a while.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What people call it.
    pub name: String,
    /// From this moment on.
    pub at: Moment,
    /// Until this moment; to the end if absent.
    pub until: Option<Moment>,
    /// What it changes.
    pub change: FaultChange,
}

/// What a fault changes.
#[derive(Clone, Debug)]
pub enum FaultChange {
    /// Settings of services.
    Settings(Vec<Setting>),
    /// How a receiver answers.
    Receiver {
        /// The receiver's name, or one of its integrations such as `oncall/slack[0]`.
        name: String,
        /// What becomes of messages to it.
        answer: FaultyAnswer,
    },
}

/// How a receiver that fails answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultyAnswer {
    /// With this status.
    Status(u16),
    /// Not at all.
    Unreachable,
}

/// One setting of a service.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The service's name.
    pub service: String,
    /// What in it.
    pub path: String,
    /// The new value.
    pub value: SetValue,
    /// Where it stands.
    pub span: Span,
}

/// What people and programs do.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Moment,
    /// Where it stands.
    pub span: Span,
    /// What.
    pub action: Action,
}

/// What somebody does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Puts another configuration into force.
    Reload(ConfigChoice),
    /// Adds groups of rules to the configuration in force.
    AddRules(Node),
    /// Silences alerts.
    Silence {
        /// All must match.
        matchers: Vec<Matcher>,
        /// For how long.
        length: TimeDelta,
        /// Who.
        by: String,
        /// Why.
        comment: String,
    },
    /// Does something to alerts that fire.
    Handle {
        /// What.
        deed: HandDeed,
        /// To which.
        alert: Labels,
        /// Who.
        by: String,
        /// In their words.
        note: String,
    },
    /// Sends a body to Alertmanager's API.
    Post {
        /// The path.
        path: String,
        /// The body.
        body: String,
    },
}

/// What somebody does to an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandDeed {
    /// Takes it, for so long or until it is over.
    Acknowledge(Option<TimeDelta>),
    /// Gives it back.
    Unacknowledge,
    /// Ends it by hand.
    Resolve,
    /// Writes something down.
    Note,
}

/// Something that must come of a run.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// What.
    pub what: Expected,
}

/// When something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Not at all.
    Never,
    /// At this moment, within the tolerance.
    At(Moment),
}

/// What must come of a run.
#[derive(Clone, Debug)]
pub enum Expected {
    /// An alert's life.
    Alert {
        /// Labels it must have; its name among them.
        alert: Labels,
        /// Lives that ended before this moment do not count.
        after: Moment,
        /// When it is first seen and waits for its `for`.
        pending: Option<When>,
        /// When it fires.
        fires: Option<When>,
        /// When it is over.
        resolves: Option<When>,
    },
    /// An alert's state at a moment.
    State {
        /// Labels it must have.
        alert: Labels,
        /// When.
        at: Moment,
        /// What it is.
        is: AlertIs,
    },
    /// A message.
    Notified {
        /// The receiver's name, or one of its integrations such as `oncall/slack[0]`.
        receiver: String,
        /// When it arrives.
        at: Option<When>,
        /// How many messages there are between `from` and `until`.
        times: Option<usize>,
        /// Messages before this moment do not count.
        from: Moment,
        /// Messages after this moment do not count.
        until: Option<Moment>,
        /// Its whole title.
        title: Option<String>,
        /// What it must contain.
        contains: Vec<String>,
        /// Why it was sent.
        reason: Option<Reason>,
    },
    /// A number of an objective or of a query.
    Value {
        /// Which.
        of: Measured,
        /// When.
        at: Moment,
        /// What it is.
        is: Amount,
    },
    /// The configuration is refused.
    Refused {
        /// What the problems must say.
        contains: Vec<String>,
    },
}

/// The state of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertIs {
    /// Nothing.
    Inactive,
    /// Seen, but not for long enough.
    Pending,
    /// Firing.
    Firing,
    /// Firing, and kept quiet by a silence or another alert.
    Suppressed,
}

/// What is measured.
#[derive(Clone, Debug)]
pub enum Measured {
    /// What is left of an objective's budget, as a share of it.
    Budget {
        /// The objective.
        slo: String,
    },
    /// How much of an objective's budget was spent since a moment, as a share of it.
    Costs {
        /// The objective.
        slo: String,
        /// Since when.
        from: Moment,
    },
    /// An objective's burn rate.
    Burn {
        /// The objective.
        slo: String,
        /// Over which time.
        window: TimeDelta,
    },
    /// An objective's share of good events.
    Sli {
        /// The objective.
        slo: String,
        /// Over which time; over the period if absent.
        window: Option<TimeDelta>,
    },
    /// The only value of a query.
    Query {
        /// As it was written.
        text: String,
        /// What it means.
        expr: Box<Expr>,
    },
}

/// What a number must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Amount {
    /// There is none.
    Nothing,
    /// This, give or take.
    About {
        /// The number.
        value: f64,
        /// The largest difference.
        within: f64,
    },
}

impl AlertIs {
    /// The word of a scenario file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Suppressed => "suppressed",
        }
    }
}
