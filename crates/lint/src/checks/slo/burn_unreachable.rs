//! A burn rate that cannot be reached even if everything fails.

use bellwether_diag::{Severity, Span};

use bellwether_slo::{Verdict, burn_verdict};

use crate::setup::amounts::{factors, short_number};
use crate::setup::goal::Goal;
use crate::{Area, Check, Markdown, Prose, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "burn-unreachable",
    area: Area::Slo,
    severity: Severity::Error,
    title: "a burn rate that no outage reaches",
    why: "When everything fails, a budget burns 1 / (1 - goal) times faster than allowed: 1000 times for 99.9 %, ten \
          times for 90 %, 3.33 times for 70 %. An alert on more than that can never fire. Of a low goal take a lower \
          factor.",
    wrong: &[(
        "slo.md",
        "- **Search SLO**: 90% of searches find something over a rolling 30-day window.\n\n```yaml\n- alert: Burn\n  expr: \
         sum(rate(misses_total[1h])) / sum(rate(searches_total[1h])) > 14.4 * 0.1\n```\n",
    )],
    right: &[(
        "slo.md",
        "- **Search SLO**: 90% of searches find something over a rolling 30-day window.\n\n```yaml\n- alert: Burn\n  expr: \
         sum(rate(misses_total[1h])) / sum(rate(searches_total[1h])) > 5 * 0.1\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for burn in &setup.burns {
        let Some(query) = &setup.rule_of(burn).query else { continue };
        for tier in &burn.tiers {
            let budget = tier.budget().or_else(|| setup.goal_of(burn, tier).map(Goal::budget));
            let Some(budget) = budget.filter(|budget| *budget > 0.0) else { continue };
            let unreachable = tier.terms.iter().find(|term| term.factor * budget >= 1.0 - 1e-9);
            if let Some(term) = unreachable {
                let goal = format!("{} %", short_number((1.0 - budget) * 100.0));
                explain(
                    report,
                    query.span(&setup.sources, term.bound_span.clone()),
                    term.factor,
                    &goal,
                    1.0 / budget,
                );
            }
        }
    }
    for slo in &setup.slos {
        for alert in &slo.alerts {
            let (Some(goal), Some(span)) = (slo.goal, alert.span) else { continue };
            if burn_verdict(alert, slo) == Verdict::CannotFire
                && alert.factor.as_f64() >= goal.burn_rate_max()
            {
                explain(report, span, alert.factor.as_f64(), &goal.to_string(), goal.burn_rate_max());
            }
        }
    }
    for (index, document) in setup.documents.iter().enumerate() {
        for line in &document.prose {
            in_sentence(setup, document, index, line, report);
        }
    }
}

/// A factor that a document tells people to alert on.
fn in_sentence(setup: &Setup, document: &Markdown, index: usize, line: &Prose, report: &mut Report) {
    let lower = line.text.to_ascii_lowercase();
    if !lower.contains("burn")
        || !lower.contains("alert")
        || lower.contains("e.g.")
        || line.text.starts_with('|')
    {
        return;
    }
    let around = document.prose.iter().filter(|other| other.section == line.section);
    let text: String = around.map(|other| other.text.to_ascii_lowercase() + "\n").collect();
    let named = |goal: &&Goal| {
        let of_document = goal.section.is_some_and(|section| section.document == index);
        let name = goal.name.as_deref().map(str::to_ascii_lowercase);
        of_document && name.is_some_and(|name| name.len() > 3 && text.contains(&name))
    };
    let goals: Vec<&Goal> = setup.goals.iter().filter(named).collect();
    let Some(lowest) = goals.iter().min_by(|a, b| a.share.total_cmp(&b.share)) else { return };
    for factor in factors(&line.text) {
        if factor.value * lowest.budget() >= 1.0 - 1e-9 {
            let start = line.span.start as usize;
            let span = Span::new(line.span.file, start + factor.range.start..start + factor.range.end);
            let of = lowest.name.as_deref().unwrap_or_default();
            let goal = format!("{} of \"{of}\"", lowest.text());
            explain(report, span, factor.value, &goal, lowest.burn_rate_max());
        }
    }
}

fn explain(report: &mut Report, span: Span, factor: f64, goal: &str, max: f64) {
    let (factor, max) = (short_number(factor), short_number((max * 100.0).round() / 100.0));
    report
        .find(span, format!("a burn rate of {factor} cannot be reached: a goal of {goal} allows {max} at most, when everything fails"))
        .help(format!("take a factor well below {max}"));
}
