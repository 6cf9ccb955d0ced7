//! Objectives described in fields of the author's own: `target: 99.9%`, `measurement_period: 30d (rolling)`. No program
//! reads them, but people build queries and alerts by them.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Sources, Span, yaml};
use bellwether_model::TimeDelta;

use super::amounts::{durations, percentages};
use super::goal::{Goal, GoalSource, share_of};
use super::{SectionId, Tree};

/// An objective in fields of the author's own.
#[derive(Clone, Debug)]
pub struct Described {
    /// What it is called.
    pub name: Option<String>,
    /// `target`, as written.
    pub target: String,
    /// Where that stands.
    pub target_span: Span,
    /// What is measured, in words or as a query.
    pub sli: String,
    /// Over how long.
    pub window: Option<TimeDelta>,
    /// What is said of its budget, and where.
    pub budget: Option<(String, Span)>,
    /// What the target comes to.
    pub aim: Aim,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}

/// What a target asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// A share of what must be good, 0 to 1.
    Good(f64),
    /// The highest share of what may be bad, 0 to 1.
    BadAtMost(f64),
    /// A quantile or another value against a bound: there is no budget.
    Value,
}

const NAMES: [&str; 4] = ["slo_name", "name", "slo", "title"];
const TARGETS: [&str; 3] = ["target", "objective", "goal"];
const WINDOWS: [&str; 6] =
    ["measurement_period", "period", "window", "time_window", "timeWindow", "rolling_window"];

impl Described {
    pub(super) fn read(tree: &Tree, sources: &Sources) -> Option<Self> {
        let field = |names: &[&str]| {
            let found =
                names.iter().find_map(|name| tree.node.get(name).filter(|node| node.as_text().is_some()));
            found.and_then(|node| Some((node.as_text()?.to_owned(), node)))
        };
        let (target, node) = field(&TARGETS)?;
        let whole = |text: &str, node: &Node| yaml::span_within(sources, node, 0..text.len());
        let window = field(&WINDOWS).and_then(|(text, _)| durations(&text).first().map(|found| found.value));
        Some(Self {
            name: field(&NAMES).map(|(name, _)| name),
            target_span: whole(&target, node),
            sli: field(&["sli", "indicator", "description"]).map(|(text, _)| text).unwrap_or_default(),
            window,
            budget: field(&["error_budget", "budget"]).map(|(text, node)| (text.clone(), whole(&text, node))),
            aim: aim_of(&target),
            target,
            section: tree.section,
        })
    }

    /// The goal it states, if its target is a share.
    pub(super) fn goal(&self) -> Option<Goal> {
        let (share, is_bad) = match self.aim {
            Aim::Good(share) => (share, false),
            Aim::BadAtMost(share) => (1.0 - share, true),
            Aim::Value => return None,
        };
        Some(Goal {
            name: self.name.clone(),
            share,
            window: self.window,
            span: self.target_span,
            source: GoalSource::Described,
            section: self.section,
            states_bad: is_bad,
            is_calendar: false,
            window_span: None,
            threshold: None,
        })
    }
}

/// `99.9%` is a share of good ones, `< 1%` of bad ones; `p95 < 200ms` and `> 1000 RPS` are values.
fn aim_of(target: &str) -> Aim {
    let percent = percentages(target);
    let Some(first) = percent.first() else {
        return match target.trim().parse::<f64>() {
            Ok(share) if share > 0.5 && share < 1.0 => Aim::Good(share),
            Ok(percent) if percent > 50.0 && percent < 100.0 => Aim::Good(share_of(percent)),
            _ => Aim::Value,
        };
    };
    let before = target[..first.range.start].trim();
    let is_below = before.ends_with(['<', '≤']) || before.ends_with("<=") || before.ends_with("below");
    if is_below && first.value < 50.0 {
        Aim::BadAtMost(share_of(first.value))
    } else {
        Aim::Good(share_of(first.value))
    }
}
