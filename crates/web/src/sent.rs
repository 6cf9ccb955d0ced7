//! A message that was sent, as other pages show it: in one line, with how it went and every attempt.

use bellwether_alerts::Reason;
use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::parts::{self, Tone};
use crate::view::{AttemptView, DeliveryOutcome, DeliveryView};
use crate::{digits, url};

/// Where a message's page is.
pub(crate) fn href(id: &str) -> String {
    format!("/deliveries/{}", url::encode(id, ""))
}

/// How it went, as a word.
pub(crate) const fn tone(outcome: DeliveryOutcome) -> (Tone, &'static str) {
    match outcome {
        DeliveryOutcome::Pending => (Tone::Quiet, "pending"),
        DeliveryOutcome::Retrying => (Tone::Warn, "retrying"),
        DeliveryOutcome::Delivered => (Tone::Ok, "delivered"),
        DeliveryOutcome::Failed => (Tone::Bad, "failed"),
        DeliveryOutcome::Superseded => (Tone::Quiet, "superseded"),
    }
}

/// Why it was sent, in words of people; a word that is not known as it is.
pub(crate) fn reason(word: &str) -> &str {
    match Reason::of_word(word) {
        Some(reason) => reason.in_words(),
        None => word,
    }
}

/// A message in one line, where it is one of several things on a page.
pub(crate) fn summary(row: &DeliveryView, now: Timestamp) -> Markup {
    let (tone, word) = tone(row.outcome);
    html! {
        p.sent {
            (parts::tag(tone, word)) " "
            a href=(href(&row.id)) { (row.receiver) "/" (row.integration) } " "
            (parts::moment(row.decided_at, now)) ", " (row.why)
            @if !row.detail.is_empty() { span.dim { ": " (row.detail) } }
        }
    }
}

/// Every attempt with what the receiver answered.
pub(crate) fn attempts(attempts: &[AttemptView], now: Timestamp) -> Markup {
    html! {
        @if !attempts.is_empty() {
            ol.rows.attempts { @for attempt in attempts {
                li class=(if attempt.accepted { "ok" } else { "bad" }) {
                    span.sign aria-hidden="true" { @if attempt.accepted { "✓" } @else { "✕" } }
                    "Attempt " (attempt.attempt) ": "
                    b { @match attempt.status { Some(status) => (status), None => "no status" } }
                    @if attempt.accepted { " accepted, " } @else { " not accepted, " }
                    (parts::moment(attempt.at, now)) ", " (digits::length(now - attempt.at)) " ago"
                    div.small { (attempt.detail) @if !attempt.reason.is_empty() { span.dim { " (" (reason(&attempt.reason)) ")" } } }
                }
            } }
        }
    }
}
