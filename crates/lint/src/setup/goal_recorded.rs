//! Goals in recordings, as generators of rules leave them: `slo:objective:ratio` beside `slo:time_period:days`. Rules are
//! often all that is left of an objective.

use std::collections::BTreeMap;

use bellwether_model::TimeDelta;
use bellwether_promql::{ExprKind, Function};

use super::Setup;
use super::burn::constant;
use super::goal::{Goal, GoalSource};
use super::rule::Rule;

/// How a generator names what it records.
pub(crate) struct Recorded {
    pub(crate) goal: &'static str,
    pub(crate) budget: &'static str,
    window: &'static str,
    /// How long one of the window's units is.
    unit: TimeDelta,
    /// The label that names the objective.
    pub(crate) label: &'static str,
}

pub(crate) const RECORDED: &[Recorded] = &[
    Recorded {
        goal: "slo:objective:ratio",
        budget: "slo:error_budget:ratio",
        window: "slo:time_period:days",
        unit: TimeDelta::DAY,
        label: "sloth_slo",
    },
    Recorded {
        goal: "pyrra_objective",
        budget: "",
        window: "pyrra_window",
        unit: TimeDelta::SECOND,
        label: "slo",
    },
];

impl Setup {
    pub(super) fn recorded_goals(&self) -> Vec<Goal> {
        let mut found = Vec::new();
        for names in RECORDED {
            let windows: BTreeMap<_, _> =
                self.recordings(names.window).map(|rule| (rule.label_texts(), number(rule))).collect();
            for rule in self.recordings(names.goal) {
                let name = rule.label(names.label).map(|field| field.text().to_owned());
                let window = windows.get(&rule.label_texts()).copied().flatten();
                let (Some(share), Some(query)) = (number(rule), &rule.query) else { continue };
                found.push(Goal {
                    name,
                    share: super::goal::share_of(share * 100.0),
                    window: window.map(|units| TimeDelta::from_secs_f64(units * names.unit.as_secs_f64())),
                    span: query.whole(&self.sources),
                    source: GoalSource::Recorded,
                    section: rule.section,
                    states_bad: false,
                    is_calendar: false,
                    window_span: None,
                    threshold: None,
                });
            }
        }
        found
    }
}

/// What `vector(0.999)` records.
pub(crate) fn number(rule: &Rule) -> Option<f64> {
    let expr = rule.query.as_ref()?.parsed.as_ref()?;
    match &expr.unwrapped().kind {
        ExprKind::Call(call) if call.function == Function::Vector => constant(call.arguments.first()?),
        _ => constant(expr),
    }
}
