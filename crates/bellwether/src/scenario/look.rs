//! What is looked at in the middle of a run because something is expected of it: numbers of objectives, values of queries,
//! states of alerts.

use bellwether_alerts::AlertState as Told;
use bellwether_model::Labels;
use bellwether_promql::{EvalOptions, Value, eval_instant};
use bellwether_slo::SloEngine;

use super::model::{AlertIs, Expected, Measured, Run};
use super::quantity::Moment;
use super::world::World;

/// One look, and what was seen.
#[derive(Clone, Debug)]
pub struct Look {
    /// Whose it is: the place of an expectation.
    pub of: usize,
    /// When.
    pub at: Moment,
    what: Wanted,
    /// What was seen; nothing before it was looked.
    pub seen: Option<Glimpse>,
}

#[derive(Clone, Debug)]
enum Wanted {
    Number(Measured),
    State(Labels),
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Glimpse {
    /// A number.
    Number(f64),
    /// No number, and why.
    Nothing(String),
    /// The state of an alert.
    State(AlertIs),
}

/// The looks that the expectations of a run need.
pub fn looks_of(run: &Run) -> Vec<Look> {
    let mut looks = Vec::new();
    for (of, one) in run.expect.iter().enumerate() {
        let mut look = |at: Moment, what: Wanted| looks.push(Look { of, at, what, seen: None });
        match &one.what {
            Expected::Value { of: measured, at, .. } => {
                if let Measured::Costs { slo, from } = measured {
                    look(*from, Wanted::Number(Measured::Budget { slo: slo.clone() }));
                    look(*at, Wanted::Number(Measured::Budget { slo: slo.clone() }));
                } else {
                    look(*at, Wanted::Number(measured.clone()));
                }
            }
            Expected::State { alert, at, .. } => look(*at, Wanted::State(alert.clone())),
            Expected::Alert { .. } | Expected::Notified { .. } | Expected::Refused { .. } => {}
        }
    }
    looks
}

impl Look {
    /// Looks.
    pub fn take(&mut self, world: &World) {
        self.seen = Some(match &self.what {
            Wanted::Number(measured) => match measure(world, measured) {
                Ok(number) => Glimpse::Number(number),
                Err(why) => Glimpse::Nothing(why),
            },
            Wanted::State(alert) => Glimpse::State(state(world, alert)),
        });
    }
}

fn state(world: &World, alert: &Labels) -> AlertIs {
    let life = world.story.lives.iter().rev().find(|life| life.ended.is_none() && life.has(alert));
    match life {
        None => AlertIs::Inactive,
        Some(life) if life.fired.is_none() => AlertIs::Pending,
        Some(life) => {
            let views = world.pipeline().alerts.alerts(world.now());
            let quiet = views.iter().any(|view| {
                view.alert.labels == life.labels
                    && (view.status.state == Told::Suppressed
                        || !view.status.silenced_by.is_empty()
                        || !view.status.inhibited_by.is_empty())
            });
            if quiet { AlertIs::Suppressed } else { AlertIs::Firing }
        }
    }
}

fn measure(world: &World, measured: &Measured) -> Result<f64, String> {
    let slo = &world.pipeline().slo;
    match measured {
        Measured::Budget { slo: id } | Measured::Costs { slo: id, .. } => {
            let status =
                slo.status(world.now()).into_iter().find(|status| is_it(&status.id, &status.name, id));
            let status = status.ok_or_else(|| no_objective(slo, id))?;
            let budget = status.streams.first().and_then(|stream| stream.budget);
            budget.map(|budget| budget.left_of_period_ratio()).ok_or_else(|| "nothing is measured".to_owned())
        }
        Measured::Burn { slo: id, window } => {
            let id = full_id(slo, id)?;
            let status = slo.window(&id, *window).ok_or_else(|| "nothing is measured".to_owned())?;
            status.burn_rate.ok_or_else(|| "nothing is measured".to_owned())
        }
        Measured::Sli { slo: id, window } => {
            let id = full_id(slo, id)?;
            let period = || slo.slo(&id).map(|slo| slo.period.reach());
            let window = window.or_else(period).unwrap_or_default();
            let status = slo.window(&id, window).ok_or_else(|| "nothing is measured".to_owned())?;
            status.sli_ratio.ok_or_else(|| "there were no events".to_owned())
        }
        Measured::Query { expr, .. } => {
            let evaluated = eval_instant(expr, world.now(), world.memory(), &EvalOptions::default());
            only_value(evaluated.map_err(|error| error.to_string())?.value)
        }
    }
}

/// The only number of an answer.
fn only_value(value: Value) -> Result<f64, String> {
    match value {
        Value::Scalar(sample) => Ok(sample.value),
        Value::Vector(all) => match all.as_slice() {
            [] => Err("no series".to_owned()),
            [one] => one.value.as_float().ok_or_else(|| "a histogram".to_owned()),
            many => Err(format!("{} series, not one", many.len())),
        },
        Value::String(_) | Value::Matrix(_) => Err("not a number".to_owned()),
    }
}

fn is_it(id: &str, name: &str, asked: &str) -> bool {
    id == asked || name == asked
}

/// The identity of an objective, which may be named without its service.
fn full_id(engine: &SloEngine, asked: &str) -> Result<String, String> {
    if engine.slo(asked).is_some() {
        return Ok(asked.to_owned());
    }
    let found = engine.ids().find(|id| id.rsplit('/').next() == Some(asked));
    found.map(str::to_owned).ok_or_else(|| no_objective(engine, asked))
}

fn no_objective(engine: &SloEngine, asked: &str) -> String {
    let ids: Vec<&str> = engine.ids().collect();
    format!("there is no objective {asked:?}; there are {}", ids.join(", "))
}
