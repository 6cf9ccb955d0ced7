//! An alert that fires when nothing of the budget is left to save.

use bellwether_diag::Severity;
use bellwether_slo::{Verdict, burn_arithmetic, burn_verdict};

use super::period;
use crate::setup::amounts::{short_number, spoken};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "fires-after-exhausted",
    area: Area::Slo,
    severity: Severity::Error,
    title: "a burn-rate alert that needs more than the whole budget",
    why: "A burn rate of 6 over 7 days spends 6 x 7 = 42 days' worth of budget. Of a budget of 30 days nothing is left \
          long before the average of the 7 days reaches 6. The share spent when a pair fires is factor x long window / \
          period: keep it at a few percent for a page and around ten for a ticket.",
    wrong: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: SlowBurn\n    expr: a:burn_rate:14h > 6 and a:burn_rate:7d > 6\n",
    )],
    right: &[(
        "rules.yml",
        "groups:\n- name: g\n  rules:\n  - alert: SlowBurn\n    expr: a:burn_rate:6h > 1 and a:burn_rate:3d > 1\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for slo in &setup.slos {
        for alert in &slo.alerts {
            if let Some(span) =
                alert.span.filter(|_| burn_verdict(alert, slo) == Verdict::FiresAfterExhaustion)
            {
                report
                    .find(span, format!("{}: it is gone before this fires", burn_arithmetic(alert, slo)))
                    .help("take a lower factor or a shorter window");
            }
        }
    }
    for burn in &setup.burns {
        let Some(query) = &setup.rule_of(burn).query else { continue };
        for tier in &burn.tiers {
            let Some((term, long)) = tier.long().and_then(|term| Some((term, term.window?))) else {
                continue;
            };
            let period = period::of_tier(setup, burn, tier);
            let spent = term.factor * long.as_secs_f64() / period.length.as_secs_f64();
            if spent <= 1.0 + 1e-9 {
                continue;
            }
            let (factor, long) = (short_number(term.factor), spoken(long));
            report
                .find(
                    query.span(&setup.sources, term.bound_span.clone()),
                    format!(
                        "{factor} times over {long} is {} % of the budget of {}: it is gone before this fires",
                        short_number((spent * 100.0).round()),
                        period.text()
                    ),
                )
                .help(format!(
                    "take a factor of {} (10 % of the budget), or a shorter window",
                    short_number(((0.1 / spent * term.factor) * 100.0).round() / 100.0)
                ));
        }
    }
}
