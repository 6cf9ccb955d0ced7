//! Flags of `slo calc`.

use bellwether_model::TimeDelta;
use bellwether_slo::Goal;
use clap::Args;

use crate::cli::Format;

/// Flags of `slo calc`.
#[derive(Args, Debug)]
pub struct Calc {
    /// The goal, such as 99.9% or 0.999
    #[arg(value_parser = goal)]
    pub goal: Goal,
    /// Its rolling period
    #[arg(long, value_name = "DURATION", default_value = "30d", value_parser = positive)]
    pub window: TimeDelta,
    /// Events per second, for budgets in events
    #[arg(long, value_name = "N", value_parser = number)]
    pub rate: Option<f64>,
    /// What an outage of everything leaves of the budget
    #[arg(long, value_name = "DURATION")]
    pub outage: Option<TimeDelta>,
    /// How fast a share of bad events burns, such as 20% or 0.2
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub errors: Option<f64>,
    /// A burn rate of interest beside the usual ones; may be given more than once
    #[arg(long, value_name = "N", value_parser = number)]
    pub burn: Vec<f64>,
    /// What a service it needs promises; may be given more than once
    #[arg(long, value_name = "GOAL", value_parser = goal)]
    pub needs: Vec<Goal>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// A goal, or what is wrong with it and what to write instead.
pub(super) fn goal(text: &str) -> Result<Goal, String> {
    Goal::parse(text).map_err(|error| match error.help {
        Some(help) => format!("{}; {help}", error.message),
        None => error.message,
    })
}

fn positive(text: &str) -> Result<TimeDelta, String> {
    match text.parse::<TimeDelta>() {
        Ok(TimeDelta::ZERO) => Err("write more than nothing, such as 30d".to_owned()),
        Ok(length) => Ok(length),
        Err(error) => Err(error.to_string()),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let found = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    found.ok_or_else(|| "write a number above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    let found = number.trim().parse::<f64>().ok().map(|number| number / unit);
    found
        .filter(|share| (0.0..=1.0).contains(share) && *share > 0.0)
        .ok_or_else(|| "write a share such as 20% or 0.2".to_owned())
}
