//! Why somebody was or was not told of an alert: one sentence, the decisions on the way from the rule to the person,
//! and what to do next. A pure function of [`Facts`], so that page, API and command line say the same words.
//!
//! Nothing is guessed: what is not among the facts is not said.

mod advice;
mod facts;
mod hearing;
mod steps;
mod verdict;
mod what_if;
mod words;

use bellwether_model::Timestamp;
use serde::Serialize;

pub use facts::{
    AlertFacts, Facts, Hearing, Inhibited, LedgerEntry, LifeFacts, Measured, MemberFacts, RuleFacts,
    RulePast, RuleState, TargetFacts, Way,
};
pub use what_if::WhatIf;
pub use words::{clock, lasted, listed};

/// One decision on the way of an alert to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Where.
    pub stage: Stage,
    /// Whether the alert went on from here.
    pub passed: bool,
    /// What was decided, in words.
    pub text: String,
}

/// Where something is decided, in the order in which an alert passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Does the condition hold?
    Rule,
    /// Has it held for long enough?
    For,
    /// Who is told?
    Route,
    /// With what, and when?
    Group,
    /// Does another alert say it all?
    Inhibit,
    /// Did somebody ask for silence?
    Silence,
    /// Is it the time of day for it?
    Mute,
    /// Does somebody have it?
    Ack,
    /// Did it arrive?
    Deliver,
}

impl Stage {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::For => "for",
            Self::Route => "route",
            Self::Group => "group",
            Self::Inhibit => "inhibit",
            Self::Silence => "silence",
            Self::Mute => "mute",
            Self::Ack => "ack",
            Self::Deliver => "deliver",
        }
    }

    /// Whether it is only worth a word in a list when it stops something.
    pub const fn is_quiet_when_passed(self) -> bool {
        match self {
            Self::Inhibit | Self::Silence | Self::Mute | Self::Ack => true,
            Self::Rule | Self::For | Self::Route | Self::Group | Self::Deliver => false,
        }
    }
}

/// Why somebody was or was not told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// In one sentence.
    pub verdict: String,
    /// What each stage decided, in order.
    pub steps: Vec<Step>,
    /// What to look at or do next, one sentence each.
    pub advice: Vec<String>,
}

/// Explains.
pub fn explain(facts: &Facts, now: Timestamp) -> Explanation {
    Explanation {
        verdict: verdict::verdict(facts, now),
        steps: steps::steps(facts, now),
        advice: advice::advice(facts, now),
    }
}

/// Only what routing decided, for lists of many alerts.
pub fn explain_routing(alert: &AlertFacts, now: Timestamp) -> Vec<Step> {
    steps::of_routing(alert, now)
}

/// Only the decisions.
pub fn explain_steps(facts: &Facts, now: Timestamp) -> Vec<Step> {
    steps::steps(facts, now)
}
