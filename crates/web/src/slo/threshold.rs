//! A threshold without a goal: it has no events, no budget and nothing that burns, only a value that keeps its bound.

use bellwether_slo::{BurnAlertState, ThresholdAlertStatus, ThresholdStatus};
use maud::{Markup, html};

use super::Detail;
use crate::parts::{self, Tone};
use crate::{digits, slos};

impl Detail<'_> {
    /// In place of budget, charts and burn rates.
    pub(super) fn threshold(&self, threshold: &ThresholdStatus) -> Markup {
        let tone = match threshold.passes {
            Some(true) => Tone::Ok,
            Some(false) => Tone::Bad,
            None => Tone::Warn,
        };
        html! {
            section.card aria-label="Summary" {
                dl.facts.wide {
                    div { dt { "Over " (self.slo.period_text) } dd {
                        b class=(tone.class()) { (slos::threshold_value(threshold)) }
                        "asked for " (slos::threshold_bound(threshold))
                    } }
                    div { dt { "Since" } dd {
                        @if let Some(since) = threshold.failing_since {
                            b.bad { (digits::length(self.now - since)) } "missed since " (parts::moment(since, self.now))
                        } @else if threshold.passes == Some(true) { b.ok { "met" } }
                        @else { b { "unknown" } "no value yet" }
                    } }
                    div { dt { "Asked" } dd {
                        @match threshold.at {
                            Some(at) => { b { (parts::relative(at, self.now)) } (parts::moment(at, self.now)) }
                            None => { b { "never" } }
                        }
                    } }
                    div { dt { "Budget" } dd { b { "not applicable" } "a threshold without a goal is met or not" } }
                    (self.owner())
                }
            }
            (self.threshold_alerts(&threshold.alerts))
        }
    }

    fn threshold_alerts(&self, alerts: &[ThresholdAlertStatus]) -> Markup {
        let row = |alert: &ThresholdAlertStatus| {
            let tone = match alert.state {
                BurnAlertState::Firing => Tone::of_severity(&alert.severity),
                BurnAlertState::Inactive => Tone::Quiet,
            };
            let word = if alert.state == BurnAlertState::Firing { "firing" } else { "inactive" };
            html! { tr {
                th.w scope="row" { (alert.name) " " span.dim { (alert.severity) } }
                td { (parts::tag(tone, word)) @if let Some(since) = alert.since { div.dim.small { "since " (parts::moment(since, self.now)) } } }
                td data-k="Fires after" { (alert.hold) }
            } }
        };
        html! {
            @if !alerts.is_empty() {
                h2 { "Alerts" }
                div.scroll { table.stack {
                    thead { tr { th scope="col" { "Alert" } th scope="col" { "State" } th scope="col" { "Fires after" } } }
                    tbody { @for alert in alerts { (row(alert)) } }
                } }
            }
        }
    }
}
