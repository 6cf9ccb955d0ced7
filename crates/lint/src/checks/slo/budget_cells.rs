//! Budgets in tables, fields and sentences, held against the goal beside them.

use bellwether_diag::Span;
use bellwether_model::TimeDelta;

use crate::setup::amounts::{durations, percentages, short_number, spoken};
use crate::setup::goal::share_of;
use crate::{Aim, Report, Setup};

/// Words for periods, with the shortest and longest length each can have in seconds.
const PERIODS: &[(&str, f64, f64)] = &[
    ("hour", 3600.0, 3600.0),
    ("day", 86_400.0, 86_400.0),
    ("dai", 86_400.0, 86_400.0),
    ("week", 604_800.0, 604_800.0),
    ("month", 28.0 * 86_400.0, 31.0 * 86_400.0),
    ("quarter", 90.0 * 86_400.0, 92.0 * 86_400.0),
    ("year", 360.0 * 86_400.0, 366.0 * 86_400.0),
];

pub(super) fn run(setup: &Setup, report: &mut Report) {
    tables(setup, report);
    fields(setup, report);
    sentences(setup, report);
}

fn tables(setup: &Setup, report: &mut Report) {
    for table in setup.documents.iter().flat_map(|document| &document.tables) {
        let lower = |index: usize| table.header[index].0.to_ascii_lowercase();
        let goals = ["target", "objective", "goal", "availability", "slo"];
        let share_at =
            (0..table.header.len()).filter(|index| goals.iter().any(|word| lower(*index).contains(word)));
        let budgets: Vec<(usize, (f64, f64))> = (0..table.header.len())
            .filter(|index| lower(*index).contains("budget") || lower(*index).contains("downtime"))
            .filter_map(|index| Some((index, period_of(&lower(index))?)))
            .collect();
        let columns: Vec<usize> =
            share_at.filter(|index| budgets.iter().all(|(other, _)| other != index)).collect();
        for row in &table.rows {
            let percent = |index: &usize| percentages(&row.get(*index)?.0).first().map(|it| it.value);
            let Some(stated) = columns.iter().find_map(percent) else { continue };
            let share = share_of(if stated < 50.0 { stated } else { 100.0 - stated });
            if share <= 0.0 {
                continue;
            }
            for (index, period) in &budgets {
                let Some((text, span)) = row.get(*index) else { continue };
                let Some(said) = durations(text).first().map(|it| it.value) else { continue };
                hold(report, *span, said, share, *period);
            }
        }
    }
}

/// `error_budget: "0.1% (43.2 minutes/month)"`
fn fields(setup: &Setup, report: &mut Report) {
    for described in &setup.described {
        let (Some((text, span)), Aim::Good(good)) = (&described.budget, described.aim) else { continue };
        if let Some(percent) = percentages(text).first()
            && (share_of(percent.value) - (1.0 - good)).abs() > 1e-7
            && percent.value < 50.0
        {
            let right = short_number((1.0 - good) * 100.0);
            report
                .find(
                    *span,
                    format!(
                        "{} % is not what a target of {} leaves: that is {right} %",
                        short_number(percent.value),
                        described.target
                    ),
                )
                .help(format!("write {right}%"));
        } else if let (Some(said), Some(period)) =
            (durations(text).first(), period_of(&text.to_ascii_lowercase()))
        {
            hold(report, *span, said.value, 1.0 - good, period);
        }
    }
}

/// `a 99% goal gives a 1% error budget (about 7.3 hours per month)`
fn sentences(setup: &Setup, report: &mut Report) {
    for line in setup.documents.iter().flat_map(|document| &document.prose) {
        let lower = line.text.to_ascii_lowercase();
        if !lower.contains("budget") || line.text.starts_with('|') {
            continue;
        }
        let all = percentages(&line.text);
        let mut goals = all.iter().filter(|percent| percent.value > 50.0 && percent.value < 100.0);
        let (Some(goal), None) = (goals.next(), goals.next()) else { continue };
        for said in durations(&line.text) {
            let after = &lower[said.range.end..];
            let near: String = after.chars().take(14).collect();
            let is_per =
                ["per ", "a ", "each ", "/", "every "].iter().any(|word| near.trim_start().starts_with(word));
            let Some(period) = period_of(&near).filter(|_| is_per) else { continue };
            let start = line.span.start as usize;
            let span = Span::new(line.span.file, start + said.range.start..start + said.range.end);
            hold(report, span, said.value, share_of(100.0 - goal.value), period);
        }
    }
}

fn period_of(text: &str) -> Option<(f64, f64)> {
    let found = PERIODS.iter().filter_map(|(word, least, most)| Some((text.find(word)?, (*least, *most))));
    found.min_by_key(|(at, _)| *at).map(|(_, period)| period)
}

/// Rounding to two digits is fine.
fn hold(report: &mut Report, span: Span, said: TimeDelta, share: f64, (least, most): (f64, f64)) {
    let seconds = said.as_secs_f64();
    if seconds >= share * least * 0.97 && seconds <= share * most * 1.03 {
        return;
    }
    let period = if least < most && least < 40.0 * 86_400.0 { 30.0 * 86_400.0 } else { most };
    let right = TimeDelta::from_secs_f64((share * period * 1000.0).round() / 1000.0);
    let (of, right) = (spoken(TimeDelta::from_secs_f64(period)), spoken(right));
    report
        .find(span, format!("{} % of {of} are {right}, not {}", short_number(share * 100.0), spoken(said)))
        .help(format!("write {right}"));
}
