//! What the burn-rate alerts of a setup mean, as `lint` prints it.

use bellwether_lint::{Meaning, Setup, meanings};
use bellwether_slo::ExplainedAlert;
use serde_json::json;

use crate::cli::lint::LintFormat;
use crate::commands::slo::alerts::print_alerts;
use crate::output::{print_json, say};

/// More different ones than this are left to `--meanings`: below findings they would hide the findings.
const BESIDE_FINDINGS_MAX: usize = 8;

/// All of them, as tables or as a list.
pub(super) fn print(setup: &Setup, format: LintFormat) {
    let all = meanings(setup);
    match format {
        LintFormat::Text if all.is_empty() => say("there is no burn-rate alert whose goal is known"),
        LintFormat::Text => tables(&all),
        LintFormat::Json | LintFormat::Github | LintFormat::Sarif => {
            print_json(&all.iter().map(as_json).collect());
        }
    }
}

/// Those that there is room for below findings.
pub(super) fn print_some(setup: &Setup) {
    let all = meanings(setup);
    match all.len() {
        0 => {}
        1..=BESIDE_FINDINGS_MAX => {
            say("\nWhat the burn-rate alerts mean:");
            tables(&all);
        }
        number => say(&format!("--meanings says what the burn-rate alerts mean, {number} different ones")),
    }
}

fn as_json(meaning: &Meaning) -> serde_json::Value {
    json!({
        "alerts": meaning.alerts,
        "goal": meaning.goal,
        "period": meaning.period,
        "period_assumed": meaning.is_period_assumed,
        "severity": meaning.explained.severity,
        "condition": meaning.explained.condition,
        "verdict": meaning.explained.verdict,
        "arithmetic": meaning.explained.arithmetic,
        "troubles": meaning.explained.troubles,
    })
}

/// A table for each goal.
fn tables(all: &[Meaning]) {
    let mut told: Vec<(&str, &str, bool)> = Vec::new();
    for meaning in all {
        let goal = (meaning.goal.as_str(), meaning.period.as_str(), meaning.is_period_assumed);
        if told.contains(&goal) {
            continue;
        }
        told.push(goal);
        let (goal, period, is_assumed) = goal;
        let assumed = if is_assumed { ", which is assumed" } else { "" };
        say(&format!("\n{goal} over {period}{assumed}"));
        let same = all.iter().filter(|other| {
            (other.goal.as_str(), other.period.as_str(), other.is_period_assumed)
                == (goal, period, is_assumed)
        });
        let named: Vec<ExplainedAlert> = same
            .map(|meaning| ExplainedAlert { name: names(meaning), ..meaning.explained.clone() })
            .collect();
        print_alerts(&named);
    }
}

fn names(meaning: &Meaning) -> String {
    let first = meaning.alerts.iter().next().cloned().unwrap_or_default();
    match meaning.alerts.len() {
        0 | 1 => first,
        number => format!("{first} and {} more", number - 1),
    }
}
