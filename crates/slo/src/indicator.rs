//! What is counted of an objective: which events there are, which of them are good, and what they are split by.

use std::cmp::Ordering;

use bellwether_model::{Matcher, TimeDelta};

use crate::goal::Goal;
use crate::selector::Selector;

/// What is counted: good and all events, and the labels whose values get a stream of their own.
/// Two objectives with equal indicators share one history.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Indicator {
    /// Where the events come from.
    pub events: Events,
    /// What is counted as one event.
    pub budgeting: Budgeting,
    /// Labels to split by, sorted; empty for one stream only.
    pub group_by: Vec<String>,
    /// Most streams that splitting may make.
    pub streams_max: u32,
}

/// What counts as one event: OpenSLO's `budgetingMethod`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Budgeting {
    /// Every event is one.
    #[default]
    Occurrences,
    /// Every slice of time is one: good if at least `target` of its events are. A measured slice without events is
    /// good.
    Timeslices {
        /// Length of a slice; whole minutes, or a divisor of one.
        slice: TimeDelta,
        /// The share of a slice's events that must be good.
        target: Goal,
    },
    /// Every slice of time is one, and as good as the share of its good events. A slice without events is none.
    RatioTimeslices {
        /// Length of a slice.
        slice: TimeDelta,
    },
}

/// Where events come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Events {
    /// Two of good, bad and all events, each a sum of counters.
    Ratio(Ratio),
    /// Observations of a histogram at or below a threshold.
    Latency(Latency),
    /// Attempts of one of our own probes, by its name.
    Probe(String),
    /// Slices of time in which a value keeps a bound.
    Threshold(ThresholdCheck),
    /// What queries say that cannot be credited from counters.
    Query(QueryEvents),
    /// Other objectives, as parts of a journey.
    Composite(Composite),
}

/// A PromQL value compared with a bound. With a goal, every slice of time is judged once; without one, the value over
/// the whole period is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThresholdCheck {
    /// The expression; [`WINDOW_PLACEHOLDER`] in it stands for the slice, or for the period when there is no goal.
    pub query: String,
    /// How the value must compare with the bound to be good.
    pub op: Comparison,
    /// The bound, in the value's own unit.
    pub bound: Finite,
    /// Length of a slice.
    pub slice: TimeDelta,
}

/// How a value compares with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// As PromQL writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether a value keeps the bound; NaN keeps none.
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Less => value < bound,
            Self::LessOrEqual => value <= bound,
            Self::Greater => value > bound,
            Self::GreaterOrEqual => value >= bound,
        }
    }
}

/// What stands for the length of a window in queries of indicators, as in Sloth's specifications.
pub const WINDOW_PLACEHOLDER: &str = "{{.window}}";

/// Events as PromQL gives them, asked once per slice and marked as sampled. Shapes that can be credited from counters
/// become a [`Ratio`] or a [`Latency`] instead.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct QueryEvents {
    /// What is asked.
    pub ask: Ask,
    /// Length of a slice.
    pub slice: TimeDelta,
}

/// What queries say of a window. Rates per second count as events once multiplied by the slice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// Good and all events per second.
    GoodTotal {
        /// Good ones.
        good: String,
        /// All of them.
        total: String,
    },
    /// Bad and all events per second.
    BadTotal {
        /// Bad ones.
        bad: String,
        /// All of them.
        total: String,
    },
    /// The share of bad events; every slice weighs the same.
    BadRatio(String),
    /// The share of good events; every slice weighs the same.
    GoodRatio(String),
}

/// Objectives that make up a journey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Composite {
    /// How its members make one.
    pub combination: Combination,
    /// Its members, in the order written.
    pub members: Vec<Member>,
}

/// How several objectives make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Combination {
    /// The mean of its members, by weight.
    Weighted,
    /// Every step must work: the product of its members.
    Serial,
    /// As good as its worst member.
    CriticalMember,
}

impl Combination {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weighted => "weighted",
            Self::Serial => "serial",
            Self::CriticalMember => "critical-member",
        }
    }
}

/// One part of a journey.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// Identity of the objective.
    pub slo: String,
    /// Its weight among the others, positive.
    pub weight: Finite,
}

/// A finite number that has an order, so that indicators can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Finite(f64);

impl Finite {
    /// A number; `None` unless finite. There is one zero.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}
impl PartialEq for Finite {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Finite {}
impl PartialOrd for Finite {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Finite {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Two of three counters; the third follows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ratio {
    /// Good and all.
    GoodTotal {
        /// Counters of good events.
        good: Vec<Selector>,
        /// Counters of all events.
        total: Vec<Selector>,
    },
    /// Good and bad.
    GoodBad {
        /// Counters of good events.
        good: Vec<Selector>,
        /// Counters of bad events.
        bad: Vec<Selector>,
    },
    /// Bad and all.
    BadTotal {
        /// Counters of bad events.
        bad: Vec<Selector>,
        /// Counters of all events.
        total: Vec<Selector>,
    },
}

/// A histogram and the bound of what is good.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Latency {
    /// The histogram's base name with its matchers; `_bucket` and `_count` are added.
    pub histogram: Selector,
    /// Events at or below it are good; in the histogram's own unit.
    pub threshold: Threshold,
}

/// A positive finite number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Threshold(Finite);

impl Threshold {
    /// A threshold; `None` unless finite and positive.
    pub fn new(value: f64) -> Option<Self> {
        Finite::new(value).filter(|value| value.get() > 0.0).map(Self)
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0.get()
    }
}

/// The counters that every probe keeps of itself, so that its attempts are credited like any other events.
pub fn probe_ratio(probe: &str) -> Ratio {
    let counter =
        |name: &str| Selector { name: Some(name.to_owned()), matchers: vec![Matcher::equal("probe", probe)] };
    Ratio::BadTotal { bad: vec![counter(PROBE_FAILURES)], total: vec![counter(PROBE_ATTEMPTS)] }
}

/// How often a probe was tried.
pub const PROBE_ATTEMPTS: &str = "bellwether_probe_attempts_total";
/// How often it did not find what it expects.
pub const PROBE_FAILURES: &str = "bellwether_probe_failures_total";

impl Indicator {
    /// Identity of the history: equal keys count the same events into the same streams.
    pub fn key(&self) -> String {
        let by = if self.group_by.is_empty() {
            String::new()
        } else {
            format!(" by {}", self.group_by.join(", "))
        };
        format!("{}{by}", self.text())
    }

    /// The same, one event at a time: what a judgement by slices of time is made of.
    pub fn by_event(&self) -> Self {
        Self { budgeting: Budgeting::Occurrences, ..self.clone() }
    }

    /// This one, after what it is made of.
    pub(crate) fn with_base(&self) -> Vec<Self> {
        match self.budgeting {
            Budgeting::Occurrences => vec![self.clone()],
            Budgeting::Timeslices { .. } | Budgeting::RatioTimeslices { .. } => {
                vec![self.by_event(), self.clone()]
            }
        }
    }

    /// What is counted, as people read it.
    pub fn text(&self) -> String {
        let events = self.events.text();
        match self.budgeting {
            Budgeting::Occurrences => events,
            Budgeting::Timeslices { slice, target } => {
                format!("slices of {slice} in which at least {target} are good: {events}")
            }
            Budgeting::RatioTimeslices { slice } => format!("mean over slices of {slice}: {events}"),
        }
    }

    /// Every selector that must be known to the store, for back-filling and for matching births.
    pub fn selectors(&self) -> Vec<Selector> {
        self.events.selectors()
    }
}

impl Events {
    /// The word that a definition begins with.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Ratio(_) => "ratio",
            Self::Latency(_) => "latency",
            Self::Probe(_) => "probe",
            Self::Threshold(_) => "threshold",
            Self::Query(_) => "query",
            Self::Composite(_) => "composite",
        }
    }

    /// What is counted, as people read it.
    pub fn text(&self) -> String {
        let sum = |selectors: &[Selector]| {
            selectors.iter().map(Selector::to_string).collect::<Vec<_>>().join(" + ")
        };
        match self {
            Self::Ratio(Ratio::GoodTotal { good, total }) => {
                format!("good {} of all {}", sum(good), sum(total))
            }
            Self::Ratio(Ratio::GoodBad { good, bad }) => {
                format!("good {} against bad {}", sum(good), sum(bad))
            }
            Self::Ratio(Ratio::BadTotal { bad, total }) => {
                format!("bad {} of all {}", sum(bad), sum(total))
            }
            Self::Latency(latency) => {
                format!("events at or below {} in {}", latency.threshold.get(), latency.histogram)
            }
            Self::Probe(name) => format!("attempts of probe {name}"),
            Self::Threshold(check) => {
                format!(
                    "slices of {} in which {} {} {}",
                    check.slice,
                    check.query,
                    check.op.as_str(),
                    check.bound.get()
                )
            }
            Self::Query(events) => match &events.ask {
                Ask::GoodTotal { good, total } => format!("sampled: good {good} of all {total}"),
                Ask::BadTotal { bad, total } => format!("sampled: bad {bad} of all {total}"),
                Ask::BadRatio(ratio) => format!("sampled: share of bad {ratio}"),
                Ask::GoodRatio(ratio) => format!("sampled: share of good {ratio}"),
            },
            Self::Composite(composite) => {
                let members = composite.members.iter().map(|member| match member.weight.get() {
                    1.0 => member.slo.clone(),
                    weight => format!("{weight} x {}", member.slo),
                });
                format!("{} of {}", composite.combination.as_str(), members.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Every selector that must be known to the store, for back-filling and for matching births.
    pub fn selectors(&self) -> Vec<Selector> {
        match self {
            Self::Ratio(ratio) => ratio.selectors(),
            Self::Latency(latency) => {
                let base = latency.histogram.name.as_deref().unwrap_or_default();
                ["_bucket", "_count", ""]
                    .map(|suffix| latency.histogram.with_name(format!("{base}{suffix}")))
                    .to_vec()
            }
            Self::Probe(name) => probe_ratio(name).selectors(),
            Self::Threshold(_) | Self::Query(_) | Self::Composite(_) => Vec::new(),
        }
    }
}

impl Ratio {
    /// Every counter it adds up.
    pub fn selectors(&self) -> Vec<Selector> {
        let (Self::GoodTotal { good: a, total: b }
        | Self::GoodBad { good: a, bad: b }
        | Self::BadTotal { bad: a, total: b }) = self;
        a.iter().chain(b).cloned().collect()
    }
}
