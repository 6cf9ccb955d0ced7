//! A burn-rate alert or a definition made for another goal or window than the one that is stated.

use bellwether_diag::{Severity, Span};
use bellwether_model::TimeDelta;

use crate::setup::amounts::{short_number, spoken};
use crate::setup::burn::same;
use crate::setup::goal::Goal;
use crate::{Area, Burn, BurnTier, Check, GoalSource, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "goal-window-mismatch",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "an alert or a definition for another goal or window than the stated one",
    why: "14.4 in one hour is two percent of a budget of 30 days, and sixty percent of one of a day: factors belong to a \
          window, and the number a share of errors is divided by belongs to a goal. Copied to another objective they \
          alert at something nobody agreed on. A day of the calendar is no rolling 24 hours either: its budget is full \
          again at midnight.",
    wrong: &[(
        "slo.md",
        "- **Reads SLO**: 99.9% over a rolling 30-day window.\n\n```yaml\n- alert: Burn\n  expr: sum(rate(e_total[1h])) / \
         sum(rate(r_total[1h])) > 14.4 * 0.01 and sum(rate(e_total[5m])) / sum(rate(r_total[5m])) > 14.4 * 0.01\n```\n",
    )],
    right: &[(
        "slo.md",
        "- **Reads SLO**: 99.9% over a rolling 30-day window.\n\n```yaml\n- alert: Burn\n  expr: sum(rate(e_total[1h])) / \
         sum(rate(r_total[1h])) > 14.4 * 0.001 and sum(rate(e_total[5m])) / sum(rate(r_total[5m])) > 14.4 * 0.001\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for burn in &setup.burns {
        for tier in &burn.tiers {
            of_tier(setup, burn, tier, report);
        }
    }
    calendars(setup, report);
    resets(setup, report);
    monthly_budgets(setup, report);
}

fn of_tier(setup: &Setup, burn: &Burn, tier: &BurnTier, report: &mut Report) {
    let rule = setup.rule_of(burn);
    let Some(query) = &rule.query else { return };
    let near: Vec<&Goal> = setup.goals_near(rule).filter(|goal| goal.threshold.is_none()).collect();
    let stated = tier.terms.iter().find_map(|term| Some((term.budget?, term.budget_span.clone()?)));
    let Some((budget, place)) = stated.filter(|_| !near.is_empty()) else { return };
    let place = query.span(&setup.sources, place);
    let Some(goal) = setup.goal_of(burn, tier) else {
        let mut goals: Vec<String> =
            near.iter().map(|goal| format!("{} for {}", short_number(goal.budget()), goal.text())).collect();
        goals.dedup();
        report
            .find(
                place,
                format!(
                    "{} is the budget of no goal that is stated: it would be {}",
                    short_number(budget),
                    goals.join(", ")
                ),
            )
            .help("divide by what the goal allows, 1 - goal");
        return;
    };
    // Of a goal over a month and one over a day, an alert at the usual factors of a month is for the former.
    let (Some(window), Some(long)) = (goal.window, tier.long().and_then(|term| term.window)) else { return };
    let factor = tier.factor();
    if is_of_month(factor, long)
        && window < TimeDelta::DAY * 15
        && near.iter().all(|other| other.window == goal.window)
    {
        let spent = factor * long.as_secs_f64() / window.as_secs_f64() * 100.0;
        report
            .find(
                place,
                format!(
                    "{} times over {} is made for a budget of 30 d: of {} it spends {} %",
                    short_number(factor),
                    spoken(long),
                    spoken(window),
                    short_number(spent.round())
                ),
            )
            .related(goal.span, "the goal")
            .help(format!("scale the windows and factors to {}", spoken(window)));
        return;
    }
    let longer =
        near.iter().find(|other| other.window.is_some_and(|length| length > window * 2) && !other.states_bad);
    if let Some(other) = longer.filter(|_| is_of_month(factor, long) || spends_too_much(factor, long, window))
    {
        let spent = factor * long.as_secs_f64() / window.as_secs_f64() * 100.0;
        let of =
            |goal: &Goal| format!("{} over {}", goal.text(), goal.window.map_or_else(String::new, spoken));
        report
            .find(
                place,
                format!(
                    "{} is the budget of {}, of which {} times over {} spends {} %; {} has a budget of {}",
                    short_number(budget),
                    of(goal),
                    short_number(factor),
                    spoken(long),
                    short_number(spent.round()),
                    of(other),
                    short_number(other.budget())
                ),
            )
            .related(goal.span, "the goal whose budget this is")
            .help(format!(
                "divide by {} for the latter, or take factors made for {}",
                short_number(other.budget()),
                spoken(window)
            ));
    }
}

/// Whether a factor and its window spend one of the usual shares of a month's budget: 2, 5 or 10 percent.
fn is_of_month(factor: f64, long: TimeDelta) -> bool {
    let share = factor * long.as_secs_f64() / (30.0 * 86_400.0);
    [0.02, 0.05, 0.1].iter().any(|usual| (share - usual).abs() < 0.002)
}

fn spends_too_much(factor: f64, long: TimeDelta, window: TimeDelta) -> bool {
    factor * long.as_secs_f64() > window.as_secs_f64()
}

/// JSON with a period of the calendar for what the text wants over a rolling window.
fn calendars(setup: &Setup, report: &mut Report) {
    for goal in setup.goals.iter().filter(|goal| goal.is_calendar && goal.source == GoalSource::Json) {
        let Some(name) = goal.name.as_deref().map(str::to_ascii_lowercase) else { continue };
        let document = |goal: &Goal| goal.section.map(|section| section.document);
        let stated = setup.goals.iter().find(|other| {
            let words = other.name.as_deref().map(str::to_ascii_lowercase);
            !other.is_calendar
                && document(other) == document(goal)
                && words.is_some_and(|words| words.len() > 3 && name.contains(&words))
        });
        if let (Some(other), Some(span)) = (stated, goal.window_span) {
            let rolling = other.window.map_or_else(
                || "a rolling window".to_owned(),
                |window| format!("a rolling window of {}", spoken(window)),
            );
            report
                .find(
                    span,
                    format!(
                        "a period of the calendar, where \"{}\" is stated over {rolling}",
                        other.name.as_deref().unwrap_or_default()
                    ),
                )
                .related(other.span, "the stated goal")
                .help(match other.window {
                    Some(window) => format!("write \"rollingPeriod\": \"{}s\"", window.as_secs_f64()),
                    None => "write a rollingPeriod".to_owned(),
                });
        }
    }
}

/// `the budget resets on the 1st`, where it is counted over a rolling window.
fn resets(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        let Some(window) = rolling_window(setup, index) else { continue };
        for line in &document.prose {
            let lower = line.text.to_ascii_lowercase();
            let calendar = [
                "1st of",
                "first of",
                "start of each month",
                "start of the month",
                "calendar month",
                "monday",
                "resets monthly",
                "resets weekly",
            ];
            if lower.contains("budget")
                && lower.contains("reset")
                && calendar.iter().any(|words| lower.contains(words))
            {
                let at = lower.find("reset").unwrap_or(0);
                let start = line.span.start as usize;
                report
                    .find(
                        Span::new(line.span.file, start + at..line.span.end as usize),
                        format!("a budget over a rolling window of {} is never reset: each day the oldest one leaves it", spoken(window)),
                    )
                    .help("say that it is rolling, or count over the calendar month");
            }
        }
    }
}

/// A column of monthly budgets for an objective that is judged over a day.
fn monthly_budgets(setup: &Setup, report: &mut Report) {
    for (index, document) in setup.documents.iter().enumerate() {
        for table in &document.tables {
            let is_monthly = |(text, _): &(String, Span)| {
                let lower = text.to_ascii_lowercase();
                lower.contains("month") && lower.contains("budget")
            };
            let Some(column) = table.header.iter().position(is_monthly) else { continue };
            for row in &table.rows {
                let (Some((name, _)), Some((_, span))) = (row.first(), row.get(column)) else { continue };
                let short = setup.goals.iter().find(|goal| {
                    let is_short = goal.window.is_some_and(|window| window < TimeDelta::DAY * 20);
                    is_short
                        && goal.section.is_some_and(|section| section.document == index)
                        && names_alike(goal.name.as_deref(), name)
                });
                if let Some(goal) = short {
                    let window = goal.window.map_or_else(String::new, spoken);
                    report
                        .find(
                            *span,
                            format!(
                                "a budget per month, and \"{}\" is judged over {window}",
                                goal.name.as_deref().unwrap_or_default()
                            ),
                        )
                        .severity(Severity::Note)
                        .related(goal.span, "the goal")
                        .help(format!("state the budget of {window}"));
                }
            }
        }
    }
}

/// Whether every word of one name is one of the other's.
fn names_alike(goal: Option<&str>, other: &str) -> bool {
    let words =
        |text: &str| text.to_ascii_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (Some(goal), other) = (goal.map(words), words(&crate::setup::goal::plain(other))) else {
        return false;
    };
    other.len() > 1 && other.iter().all(|word| goal.contains(word))
}

/// The rolling window a document counts over: of its goals, or in the names of its longest recordings.
fn rolling_window(setup: &Setup, index: usize) -> Option<TimeDelta> {
    let of_document = |goal: &&Goal| goal.section.is_some_and(|section| section.document == index);
    let goals: Vec<&Goal> = setup.goals.iter().filter(of_document).collect();
    if goals.iter().any(|goal| goal.is_calendar) {
        return None;
    }
    if let Some(longest) = goals.iter().filter_map(|goal| goal.window).max() {
        return Some(longest);
    }
    let mut names: Vec<String> = Vec::new();
    for rule in
        setup.rules.iter().filter(|rule| rule.section.is_some_and(|section| section.document == index))
    {
        let expr = rule.query.as_ref().and_then(|query| query.parsed.as_ref());
        names.extend(
            expr.into_iter()
                .flat_map(bellwether_promql::selectors)
                .filter_map(|selector| selector.name.clone()),
        );
        names.extend(
            rule.annotations
                .iter()
                .flat_map(|field| field.text().split([' ', '"', '\n', '(', ')']))
                .map(str::to_owned),
        );
    }
    let windows = names
        .iter()
        .filter(|name| name.contains(':'))
        .filter_map(|name| crate::setup::burn::window_in_name(name));
    windows.filter(|window| *window >= TimeDelta::DAY * 28 && !same(window.as_secs_f64(), 0.0)).max()
}
