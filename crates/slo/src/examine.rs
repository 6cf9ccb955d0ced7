//! What `check` and `lint` say of an objective's alerts, with the arithmetic.

use bellwether_diag::Diagnostic;

use crate::alert::verdict::{
    budget_arithmetic, budget_verdict, burn_arithmetic, burn_verdict, short_number, slice,
};
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::definition::Slo;
use crate::status::Verdict;

/// What `check` and `lint` say of an objective's alerts: an error for each that cannot help, with the arithmetic.
pub fn examine(slo: &Slo) -> Vec<Diagnostic> {
    let burns = slo.alerts.iter().flat_map(|alert| examine_burn(slo, alert));
    let budgets = slo.budget_alerts.iter().flat_map(|alert| examine_budget(slo, alert));
    burns.chain(budgets).chain(unused_severities(slo)).collect()
}

fn examine_burn(slo: &Slo, alert: &BurnAlert) -> Option<Diagnostic> {
    let (id, what, help) = match burn_verdict(alert, slo) {
        Verdict::Useful => return fires_while_met(slo, alert),
        Verdict::CannotFire => ("slo-alert-cannot-fire", "can never fire", remedy(slo, alert)),
        Verdict::FiresAfterExhaustion => {
            let most = short_number(slo.period.length().0 as f64 / alert.long.0 as f64);
            let help = format!("write a factor of at most {most}, or a shorter window");
            ("slo-alert-too-late", "fires after the budget is gone", help)
        }
    };
    let message = format!("alert {:?} of {:?} {what}: {}", alert.name, slo.id(), burn_arithmetic(alert, slo));
    Some(Diagnostic::error(id, alert.span.or(slo.span), message).with_help(help))
}

/// What to write instead of an alert that can never fire.
fn remedy(slo: &Slo, alert: &BurnAlert) -> String {
    let shortest = alert.short.unwrap_or(alert.long);
    match (slo.goal, slice(slo)) {
        (None, _) => "give the objective a goal, or leave its alerts out".to_owned(),
        (Some(_), Some(slice)) if shortest < slice => {
            format!("write windows of at least {slice}, or a shorter slice")
        }
        (Some(goal), _) => format!("write a factor below {}", short_number(goal.burn_rate_max())),
    }
}

fn examine_budget(slo: &Slo, alert: &BudgetAlert) -> Option<Diagnostic> {
    let (id, what, help) = match budget_verdict(alert, slo) {
        Verdict::Useful => return None,
        Verdict::CannotFire => {
            ("slo-alert-cannot-fire", "can never fire", "give the objective a goal, or leave its alerts out")
        }
        Verdict::FiresAfterExhaustion => (
            "slo-alert-too-late",
            "fires after the budget is gone",
            "write a larger share, shorter slices, or 0% for an alert on exhaustion",
        ),
    };
    let message =
        format!("alert {:?} of {:?} {what}: {}", alert.name, slo.id(), budget_arithmetic(alert, slo));
    Some(Diagnostic::error(id, alert.span.or(slo.span), message).with_help(help))
}

/// Labels for a severity that no alert has reach nobody.
fn unused_severities(slo: &Slo) -> Vec<Diagnostic> {
    let used = slo.alert_severities();
    let stated = slo.severity_labels.keys().chain(slo.severity_annotations.keys());
    let mut unused: Vec<&String> = stated.filter(|severity| !used.contains(severity.as_str())).collect();
    unused.sort();
    unused.dedup();
    unused
        .into_iter()
        .map(|severity| {
            let message = format!("no alert of {:?} has severity {severity:?}", slo.id());
            let help = match used.is_empty() {
                true => "the objective has no alerts".to_owned(),
                false => format!("its alerts have {}", used.iter().copied().collect::<Vec<_>>().join(", ")),
            };
            Diagnostic::warning("slo-severity-unused", slo.span, message).with_help(help)
        })
        .collect()
}

/// Below this a factor is no rounding of 1, as the slowest default pair's 0.933 at 28 days is.
const FACTOR_DOUBTFUL: f64 = 0.9;

/// A budget that is spent more slowly than it comes back is no reason to call anyone. The default pairs of short
/// periods get there too: 10 % of seven days in one day is a burn rate of 0.7.
fn fires_while_met(slo: &Slo, alert: &BurnAlert) -> Option<Diagnostic> {
    let factor = alert.factor.as_f64();
    (factor < FACTOR_DOUBTFUL).then(|| {
        let message = format!(
            "alert {:?} of {:?} fires at a burn rate of {}, while the goal is being met",
            alert.name,
            slo.id(),
            short_number(factor)
        );
        let help = "write alerts: with factors of at least 1, or a longer window for the objective";
        Diagnostic::warning("slo-alert-goal-met", alert.span.or(slo.span), message).with_help(help)
    })
}
