//! What `check` and `lint` say of an objective's alerts, with the arithmetic.

use bellwether_diag::Diagnostic;

use crate::burn_alert::{BurnAlert, arithmetic, short_number, verdict};
use crate::definition::Slo;
use crate::status::Verdict;

/// What `check` and `lint` say of an objective's alerts: an error for each that cannot help, with the arithmetic.
pub fn examine(slo: &Slo) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some(goal) = slo.goal else { return found };
    for alert in &slo.alerts {
        let reason = arithmetic(alert, goal, &slo.period);
        let (id, what, help) = match verdict(alert, goal, &slo.period) {
            Verdict::Useful => {
                found.extend(fires_while_met(slo, alert));
                continue;
            }
            Verdict::CannotFire => {
                let max = short_number(goal.burn_rate_max());
                ("slo-alert-cannot-fire", "can never fire", format!("write a factor below {max}"))
            }
            Verdict::FiresAfterExhaustion => {
                let most = short_number(slo.period.length().0 as f64 / alert.long.0 as f64);
                (
                    "slo-alert-too-late",
                    "fires after the budget is gone",
                    format!("write a factor of at most {most}, or a shorter window"),
                )
            }
        };
        let message = format!("alert {:?} of {:?} {what}: {reason}", alert.name, slo.id());
        found.push(Diagnostic::error(id, alert.span.or(slo.span), message).with_help(help));
    }
    found
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
