//! The workshop's challenges as checklists: what was read of notes and of a running server in, what is met and what is
//! missing out. Nothing is asked here, so that every state of a participant can be tried in a table.
//!
//! What only people can judge, such as whether an explanation convinces, is not in a list: a tick must mean something.

mod alerting;
mod notes;
mod paper;
mod seen;
mod watched;

use serde::Serialize;

pub use notes::{Journey, Notes, WrittenObjective};
pub use seen::{Burn, BurnAlert, Dashboard, Growth, Objective, Panel, Seen, Stream};

/// One of the seven challenges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// What users do.
    FirstDay,
    /// Why not 100 %, and who else is concerned.
    Others,
    /// Objectives with their four parts.
    OnPaper,
    /// What is measured, and goals that can be kept.
    Dashboards,
    /// Objectives that are watched.
    Watched,
    /// Burn-rate alerts.
    Alerts,
    /// What measurements at the server cannot see.
    BlindSpot,
}

impl Challenge {
    /// The challenge of a number from 1 to 7.
    pub const fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::FirstDay,
            2 => Self::Others,
            3 => Self::OnPaper,
            4 => Self::Dashboards,
            5 => Self::Watched,
            6 => Self::Alerts,
            7 => Self::BlindSpot,
            _ => return None,
        })
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::FirstDay => "the first day",
            Self::Others => "the others",
            Self::OnPaper => "objectives on paper",
            Self::Dashboards => "dashboards",
            Self::Watched => "objectives that are watched",
            Self::Alerts => "alerts",
            Self::BlindSpot => "all is green, and nothing works",
        }
    }
}

/// A criterion, and whether it is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// What is asked for.
    pub criterion: String,
    /// Whether it is so.
    pub met: bool,
    /// What was found, or what is missing.
    pub detail: String,
    /// What to do next; nothing when it is met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Item {
    fn met(criterion: impl Into<String>, found: impl Into<String>) -> Self {
        Self { criterion: criterion.into(), met: true, detail: found.into(), next: None }
    }

    fn missing(criterion: impl Into<String>, detail: impl Into<String>, next: impl Into<String>) -> Self {
        Self { criterion: criterion.into(), met: false, detail: detail.into(), next: Some(next.into()) }
    }
}

/// What of a challenge is met.
pub fn checklist(challenge: Challenge, seen: &Seen) -> Vec<Item> {
    match challenge {
        Challenge::FirstDay => paper::first_day(seen),
        Challenge::Others => paper::others(seen),
        Challenge::OnPaper => paper::on_paper(seen),
        Challenge::Dashboards => paper::dashboards(seen),
        Challenge::Watched => watched::watched(seen),
        Challenge::Alerts => alerting::alerts(seen),
        Challenge::BlindSpot => alerting::blind_spot(seen),
    }
}
