//! `bellwether slo calc`: what a goal means, before anything is measured.

use bellwether_model::TimeDelta;
use bellwether_slo::{BurnRateMeaning, Calculation, GoalMeaning, Period, calculate};
use bellwether_web::digits::percent;
use serde_json::json;

use crate::cli::Format;
use crate::cli::slo::Calc;
use crate::output::{Rows, print_json, say};

/// Computes and prints.
pub(super) fn run(wish: &Calc) {
    let period = Period::Rolling(wish.window);
    let meaning = calculate(&Calculation {
        goal: wish.goal,
        period: &period,
        events_per_second: wish.rate,
        outage: wish.outage,
        bad_ratio: wish.errors,
        burn_rates: &wish.burn,
        needs: &wish.needs,
    });
    match wish.format {
        Format::Json => print_json(&json!(meaning)),
        Format::Text => print(&meaning, wish.rate.is_some()),
    }
}

fn print(meaning: &GoalMeaning, has_events: bool) {
    say(&format!(
        "{} over {}: {} of all events may be bad; no burn rate is above {}",
        meaning.goal_text,
        meaning.period_text,
        share(meaning.allowed_ratio),
        plain(meaning.burn_rate_max)
    ));
    say("");
    budgets(meaning, has_events);
    burns(meaning);
    alerts(meaning);
    if let Some(outage) = &meaning.outage {
        say(&format!("an outage of {} leaves {} of the budget", outage.outage, share(outage.left_ratio)));
    }
    if let Some(burn) = &meaning.bad_ratio {
        say(&format!(
            "{} bad events burn at {}: the budget is gone after {}",
            share(burn.bad_ratio),
            plain(burn.burn_rate),
            seconds_text(burn.lasts_seconds)
        ));
    }
    needs(meaning);
}

fn budgets(meaning: &GoalMeaning, has_events: bool) {
    let mut columns = vec!["in a", "of", "all may be down for"];
    columns.extend(has_events.then_some("or bad events"));
    let mut rows = Rows::new(&columns);
    for budget in &meaning.budgets {
        let mut cells = vec![budget.span.clone(), hours_or(budget.length), seconds_text(budget.down_seconds)];
        cells.extend(budget.bad_events.map(bellwether_web::digits::count));
        rows.push(cells);
    }
    rows.print();
    say("");
}

/// A length in days or hours: a month of 730 h is no month of 30 d.
fn hours_or(length: TimeDelta) -> String {
    match length.0 % TimeDelta::DAY.0 {
        0 => length.to_string(),
        _ => format!("{} h", plain(length.as_secs_f64() / 3600.0)),
    }
}

fn burns(meaning: &GoalMeaning) {
    let mut rows = Rows::new(&["burn rate", "bad events", "budget gone after", "spent in an hour"]);
    for BurnRateMeaning { burn_rate, bad_ratio, lasts_seconds, spent_per_hour_ratio } in &meaning.burns {
        let is_possible = *bad_ratio <= 1.0;
        rows.push([
            format!("{}x", plain(*burn_rate)),
            if is_possible { share(*bad_ratio) } else { "cannot be reached".to_owned() },
            if is_possible { seconds_text(*lasts_seconds) } else { "-".to_owned() },
            if is_possible { share(*spent_per_hour_ratio) } else { "-".to_owned() },
        ]);
    }
    rows.print();
    say("");
}

fn alerts(meaning: &GoalMeaning) {
    let columns =
        ["default alert", "severity", "windows", "fires above", "spent by then", "outage noticed after"];
    let mut rows = Rows::new(&columns);
    for alert in &meaning.alerts {
        let short = alert.short.map(|short| format!(" and {short}")).unwrap_or_default();
        rows.push([
            alert.name.clone(),
            alert.severity.clone(),
            format!("{}{short}", alert.long),
            format!("{}x", plain(alert.factor)),
            share(alert.spent_ratio),
            seconds_text(alert.outage_noticed_seconds),
        ]);
    }
    if !rows.is_empty() {
        rows.print();
        say("");
    }
}

fn needs(meaning: &GoalMeaning) {
    let Some(needs) = &meaning.needs else { return };
    let verdict = |keeps: bool| if keeps { "enough" } else { "not enough" };
    say(&format!(
        "needs {}: all of them give {} ({}), any one of them {} ({})",
        needs.needs.join(", "),
        share(needs.serial_ratio),
        verdict(needs.serial_keeps_goal),
        share(needs.parallel_ratio),
        verdict(needs.parallel_keeps_goal)
    ));
    say(&format!(
        "for the goal each of {} equal ones has to give {}",
        needs.needs.len(),
        share(needs.each_ratio)
    ));
}

fn share(ratio: f64) -> String {
    percent(ratio, &[])
}

/// Up to four digits after the point, none that say nothing.
fn plain(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Three digits in the largest unit that leaves at least one before the point; hours with their minutes.
pub(super) fn seconds_text(seconds: f64) -> String {
    let digits = |value: f64| {
        let decimals = 2usize.saturating_sub(value.abs().max(1.0).log10().floor() as usize);
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    match seconds {
        s if s < 1.0 => format!("{} ms", digits(s * 1000.0)),
        s if s < 60.0 => format!("{} s", digits(s)),
        s if s < 3600.0 => format!("{} min", digits(s / 60.0)),
        s if s < 48.0 * 3600.0 => format!("{} h ({} min)", digits(s / 3600.0), digits(s / 60.0)),
        s => format!("{} d", digits(s / 86_400.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_people_say_them() {
        for (seconds, expected) in [
            (0.36, "360 ms"),
            (3.6, "3.6 s"),
            (43.2, "43.2 s"),
            (86.4, "1.44 min"),
            (43.2 * 60.0, "43.2 min"),
            (432.0 * 60.0, "7.2 h (432 min)"),
            (7.3 * 3600.0, "7.3 h (438 min)"),
            (6000.0, "1.67 h (100 min)"),
            (30.0 * 86_400.0, "30 d"),
        ] {
            assert_eq!(seconds_text(seconds), expected);
        }
    }
}
