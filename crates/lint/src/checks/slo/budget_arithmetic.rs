//! Budgets that were calculated wrongly: in tables, in fields, in sentences, in queries.

use bellwether_diag::Severity;

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "budget-arithmetic",
    area: Area::Slo,
    severity: Severity::Warning,
    title: "an error budget that was calculated wrongly",
    why: "A budget is (1 - goal) x window: 0.1 % of 30 days are 43.2 minutes, of an hour 3.6 seconds. What is left of it is \
          1 - (bad / total) / (1 - goal), times 100 once for percent. Numbers that do not follow from the goal mislead \
          whoever plans by them.",
    wrong: &[(
        "slo.md",
        "| SLO | Target | Monthly budget | Hourly budget |\n|---|---|---|---|\n| Reads | 99.9% | 43.2 minutes | 2.4 seconds |\n",
    )],
    right: &[(
        "slo.md",
        "| SLO | Target | Monthly budget | Hourly budget |\n|---|---|---|---|\n| Reads | 99.9% | 43.2 minutes | 3.6 seconds |\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    super::budget_cells::run(setup, report);
    super::budget_queries::run(setup, report);
    super::budget_reports::run(setup, report);
}
