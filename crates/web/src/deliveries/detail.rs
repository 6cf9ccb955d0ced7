//! One message: why it was sent, every attempt, and what was sent part by part. Secrets are not in it: senders add them.

use axum::extract::{Path, State};
use axum::response::Response;
use bellwether_model::Timestamp;
use maud::{Markup, html};

use super::tabs;
use crate::page::{self, Nav};
use crate::sent::{attempts, reason, tone};
use crate::view::{AlertView, DeliveryDetail, DeliveryView};
use crate::{App, Shared, alerts, forms, parts};

/// Alerts that are linked.
const LINKED: usize = 100;

pub(super) async fn detail(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    match app.delivery(id).await {
        Err(refused) => {
            page::refused(app.as_ref(), forms::status_of(&refused), refused.message(), "/deliveries")
        }
        Ok(detail) => page::respond(app.as_ref(), Nav::Deliveries, "Delivery", &whole(&detail, app.as_ref())),
    }
}

fn whole(detail: &DeliveryDetail, app: &dyn App) -> Markup {
    let (row, now) = (&detail.delivery, app.now());
    html! {
        h1 { "Message to " (row.receiver) }
        (tabs("/deliveries"))
        (head(row, now))
        section aria-labelledby="attempts-title" {
            h2 #attempts-title { "Attempts" }
            @if detail.attempts.is_empty() { p.dim { "None yet." } } @else { (attempts(&detail.attempts, now)) }
        }
        (parts_sent(&detail.parts))
        (alerts_in(&detail.alerts, &app.alerts()))
    }
}

/// The alerts that the message speaks of, by name as long as they are known.
fn alerts_in(fingerprints: &[String], known: &[AlertView]) -> Markup {
    html! {
        @if !fingerprints.is_empty() {
            section aria-labelledby="alerts-title" {
                h2 #alerts-title { (parts::plural(fingerprints.len(), "alert")) " in it" }
                ul.rows { @for fingerprint in fingerprints.iter().take(LINKED) {
                    li {
                        @match known.iter().find(|a| a.fingerprint == *fingerprint) {
                            Some(alert) => {
                                a href=(alerts::href(fingerprint)) { (alert.labels.value_or_empty("alertname")) } " "
                                (parts::labels(&alert.labels.without(&["alertname"])))
                            }
                            None => a href=(alerts::href(fingerprint)) { code { (fingerprint) } },
                        }
                    }
                } }
                @if fingerprints.len() > LINKED { p.dim { "and " (fingerprints.len() - LINKED) " more" } }
            }
        }
    }
}

fn head(row: &DeliveryView, now: Timestamp) -> Markup {
    let (tone, word) = tone(row.outcome);
    html! {
        section class={ "card " (tone.class()) } aria-label="The message" {
            div.row { (parts::tag(tone, word)) b { (row.integration) } (parts::labels(&row.group_labels)) }
            p { (row.why) @if !row.detail.is_empty() { ": " b { (row.detail) } } }
            dl.about {
                div { dt { "Decided" } dd { (parts::moment(row.decided_at, now)) ", " (parts::relative(row.decided_at, now)) } }
                div { dt { "Reason" } dd { (reason(&row.reason)) } }
                div { dt { "Says" } dd { (row.firing) " firing, " (row.resolved) " resolved" } }
                @if let Some(at) = row.next_attempt_at { div { dt { "Tried again" } dd { (parts::relative(at, now)) ", at " (parts::moment(at, now)) } } }
                div { dt { "Key" } dd { code { (row.id) } } }
            }
        }
    }
}

/// Every part as it was sent, the first one open.
fn parts_sent(sent: &[String]) -> Markup {
    html! {
        @if !sent.is_empty() {
            section aria-labelledby="parts-title" {
                h2 #parts-title { "What was sent" }
                @for (index, part) in sent.iter().enumerate() {
                    details open[index == 0] { summary { "Part " (index + 1) " of " (sent.len()) } pre.wrap { (laid_out(part)) } }
                }
                p.dim.small { "Addresses, keys and passwords are added when it is sent and are nowhere recorded." }
            }
        }
    }
}

/// JSON on lines of its own; anything else as it is.
fn laid_out(part: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(part).ok();
    json.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| part.to_owned())
}
