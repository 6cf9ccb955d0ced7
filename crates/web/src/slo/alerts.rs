//! What burns: each alert's windows against its threshold, and every window in use.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::{BudgetAlertStatus, BurnAlertState, BurnAlertStatus, Verdict, WindowStatus};
use maud::{Markup, html};

use super::Detail;
use crate::digits;
use crate::parts::{self, Tone};

impl Detail<'_> {
    pub(super) fn alerts(&self) -> Markup {
        html! {
            h2 { "Burn alerts" }
            @if self.stream.alerts.is_empty() {
                p.dim { "This objective has no burn alerts." }
            } @else {
                div.scroll { table.stack {
                    thead { tr { th scope="col" { "Alert" } th scope="col" { "State" } th scope="col" { "Long window" } th scope="col" { "Short window" } th scope="col" { "Fires above" } } }
                    tbody { @for alert in &self.stream.alerts { (self.alert_row(alert)) } }
                } }
            }
        }
    }

    fn alert_row(&self, alert: &BurnAlertStatus) -> Markup {
        html! {
            tr {
                th.w scope="row" { (alert.name) " " span.dim { (alert.severity) } (verdict(alert.verdict)) }
                td { (self.alert_state(alert.state, &alert.severity, alert.since)) }
                td data-k="Long window" { (burn_cell(alert.long, alert.burn_rate_long, alert.factor)) }
                td data-k="Short window" {
                    @if let Some(short) = alert.short { (burn_cell(short, alert.burn_rate_short, alert.factor)) }
                    @else { span.dim { "none" } }
                }
                td data-k="Fires above" { (digits::burn(alert.factor, &[])) }
            }
        }
    }

    /// Alerts on what is left of the budget, each against its threshold.
    pub(super) fn budget_alerts(&self) -> Markup {
        html! {
            @if !self.stream.budget_alerts.is_empty() {
                h2 { "Budget alerts" }
                div.scroll { table.stack {
                    thead { tr { th scope="col" { "Alert" } th scope="col" { "State" } th scope="col" { "Budget left" } th scope="col" { "Fires below" } } }
                    tbody { @for alert in &self.stream.budget_alerts { (self.budget_alert_row(alert)) } }
                } }
            }
        }
    }

    fn budget_alert_row(&self, alert: &BudgetAlertStatus) -> Markup {
        let tone = match alert.left_ratio {
            Some(left) if left < alert.left_below_ratio => Tone::of_severity(&alert.severity),
            Some(_) | None => Tone::Ok,
        };
        html! {
            tr {
                th.w scope="row" { (alert.name) " " span.dim { (alert.severity) } (verdict(alert.verdict)) }
                td { (self.alert_state(alert.state, &alert.severity, alert.since)) }
                td data-k="Budget left" {
                    @match alert.left_ratio {
                        Some(left) => { (digits::percent_short(left)) (parts::bar(left, Some(alert.left_below_ratio), tone)) }
                        None => { span.dim { "unknown" } }
                    }
                }
                td data-k="Fires below" { (alert.left_below_text) }
            }
        }
    }

    fn alert_state(&self, state: BurnAlertState, severity: &str, since: Option<Timestamp>) -> Markup {
        html! {
            @match state {
                BurnAlertState::Firing => (parts::tag(Tone::of_severity(severity), "firing")),
                BurnAlertState::Inactive => (parts::tag(Tone::Quiet, "inactive")),
            }
            @if let Some(since) = since { div.dim.small { "since " (parts::moment(since, self.now)) } }
        }
    }

    pub(super) fn windows(&self) -> Markup {
        html! {
            h2 { "Burn per window" }
            div.scroll { table.stack {
                thead { tr { th scope="col" { "Window" } th.n scope="col" { "Burn" } th.n scope="col" { "Bad" } th.n scope="col" { "All" } th.n scope="col" { "Good share" } th.n scope="col" { "Measured" } } }
                tbody { @for window in self.stream.burns.iter().chain([&self.stream.total]) { (self.window_row(window)) } }
            } }
        }
    }

    fn window_row(&self, window: &WindowStatus) -> Markup {
        html! {
            tr {
                th.w scope="row" { @if window.window == self.slo.period { "whole period" } @else { (window.window) } }
                td.n data-k="Burn" { (window.burn_rate.map_or("unknown".to_owned(), |r| digits::burn(r, &[1.0]))) }
                td.n data-k="Bad" { (digits::count(window.total - window.good)) }
                td.n data-k="All" { (digits::count(window.total)) }
                td.n data-k="Good share" { (window.sli_ratio.map_or("no events".to_owned(), |r| digits::percent(r, self.slo.goal_ratio.as_slice()))) }
                td.n data-k="Measured" { (digits::percent(window.measured_ratio, &[])) }
            }
        }
    }
}

/// A burn rate against its threshold: the bar's tick is where the alert fires.
fn burn_cell(window: TimeDelta, rate: Option<f64>, factor: f64) -> Markup {
    let Some(rate) = rate else { return html! { span.dim { "unknown over " (window) } } };
    let scale = (factor * 1.5).max(rate).max(f64::MIN_POSITIVE);
    let tone = if rate > factor { Tone::Bad } else { Tone::Ok };
    html! {
        (digits::burn(rate, &[factor])) " " span.dim { "over " (window) }
        (parts::bar(rate / scale, Some(factor / scale), tone))
    }
}

fn verdict(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Useful => html! {},
        Verdict::CannotFire => html! {
            div { (parts::tag(Tone::Warn, "cannot fire")) }
            div.dim.small { "its factor is at or above the highest possible burn rate" }
        },
        Verdict::FiresAfterExhaustion => html! {
            div { (parts::tag(Tone::Warn, "fires after exhaustion")) }
            div.dim.small { "by then the whole budget is gone" }
        },
    }
}
