//! What a checklist is made of: the server's answers as far as they are asked, and the notes.

use std::collections::BTreeMap;

use bellwether_model::TimeDelta;
use serde::Deserialize;

use super::Notes;

/// Everything that was read.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The participants' notes; nothing without `--notes`.
    pub notes: Option<Notes>,
    /// How the counters of requests grow.
    pub growth: Vec<Growth>,
    /// All objectives of the server.
    pub objectives: Vec<Objective>,
    /// Its dashboards, with what their panels show.
    pub dashboards: Vec<Dashboard>,
}

/// A counter of requests.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Its name.
    pub metric: &'static str,
    /// By how much it grew in the last two minutes; `None` without samples.
    pub increase: Option<f64>,
}

/// A page of panels.
#[derive(Clone, Debug)]
pub struct Dashboard {
    /// Its heading.
    pub title: String,
    /// Its panels in order.
    pub panels: Vec<Panel>,
}

/// A panel of it.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// Its queries, one after the other.
    pub queries: String,
    /// Whether any of them has a value now.
    pub has_data: bool,
}

/// An objective, as the server tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Objective {
    /// Identity.
    pub id: String,
    /// Its goal; `None` for a threshold without one.
    pub goal_ratio: Option<f64>,
    /// What one would like to reach next.
    pub aspirational_ratio: Option<f64>,
    /// Length of its period.
    pub period: TimeDelta,
    /// Its period as people read it.
    pub period_text: String,
    /// What it counts, as people read it.
    pub indicator_text: String,
    /// Which kind of indicator that is.
    pub kind: String,
    /// `file`, or `api` when it was made while the server ran.
    pub source: String,
    /// All of it first, then one per value of the labels that split it.
    pub streams: Vec<Stream>,
}

/// A stream of events of an objective.
#[derive(Clone, Debug, Deserialize)]
pub struct Stream {
    /// What tells it from the others; empty for everything.
    pub labels: BTreeMap<String, String>,
    /// Over the whole period.
    pub total: Burn,
    /// Over each window in use, short to long.
    pub burns: Vec<Burn>,
    /// Its burn-rate alerts.
    pub alerts: Vec<BurnAlert>,
}

/// How fast a budget is spent over a window.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Burn {
    /// The window.
    pub window: TimeDelta,
    /// The burn rate; `None` without measured time.
    pub burn_rate: Option<f64>,
}

/// A burn-rate alert.
#[derive(Clone, Debug, Deserialize)]
pub struct BurnAlert {
    /// Its name.
    pub name: String,
    /// It fires above this burn rate.
    pub factor: f64,
    /// `firing` or `inactive`.
    pub state: String,
    /// `cannot_fire` when no burn rate is so high.
    pub verdict: String,
}

impl Objective {
    /// The stream of everything.
    pub(super) fn all(&self) -> Option<&Stream> {
        self.streams.first()
    }

    /// Its alerts, each once.
    pub(super) fn alerts(&self) -> &[BurnAlert] {
        self.all().map_or(&[], |stream| &stream.alerts)
    }

    /// An alert of any of its streams that fires.
    pub(super) fn firing(&self) -> Option<&BurnAlert> {
        self.streams.iter().flat_map(|stream| &stream.alerts).find(|alert| alert.is_firing())
    }
}

impl Stream {
    /// The burn rate that moves first: over the shortest window in use.
    pub(super) fn latest_burn(&self) -> Burn {
        self.burns.first().copied().unwrap_or(self.total)
    }
}

impl BurnAlert {
    /// Whether it fires now.
    pub(super) fn is_firing(&self) -> bool {
        self.state == "firing"
    }

    /// Whether any burn rate is high enough for it.
    pub(super) fn can_fire(&self) -> bool {
        self.verdict != "cannot_fire"
    }
}

impl Burn {
    /// As `59.98 over 5m`.
    pub(super) fn text(&self) -> String {
        match self.burn_rate {
            Some(rate) => format!("{rate:.2} over {}", self.window),
            None => format!("not known over {}", self.window),
        }
    }

    /// Whether more is spent than the goal allows.
    pub(super) fn is_too_fast(&self) -> bool {
        self.burn_rate.is_some_and(|rate| rate > 1.0)
    }
}
