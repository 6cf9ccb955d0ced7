//! One alert on a card: how bad, since when, who has it, what to do next, and the buttons for that.

use maud::{Markup, html};

use super::{Frame, actions, href, name, since, state_word, summary, tone};
use crate::holder::{self, Holder};
use crate::view::{AlertState, AlertView};
use crate::{parts, url};

/// Silences and inhibiting alerts that are linked.
const LINKED: usize = 3;

pub(super) fn card(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let tone = tone(alert);
    html! {
        article id={ "a" (alert.fingerprint) } class={ "card " (tone.class()) } data-item {
            div.row {
                (parts::tag(tone, &parts::severity_of(alert).to_uppercase()))
                b { (state_word(alert)) }
                span.dim.small { (since(alert, frame.now)) }
            }
            h2.name { a href=(href(&alert.fingerprint)) { (name(alert)) } }
            @if let Some(text) = summary(alert) { p { (text) } }
            (parts::labels(&alert.labels.without(&["alertname", "severity", "alert"])))
            (holder::line(alert, frame.now))
            (stopped(alert))
            @if !alert.next_step.is_empty() { p.next { b { "Next: " } (alert.next_step) } }
            (buttons(alert, frame))
        }
    }
}

/// What keeps it from people, if anything does.
fn stopped(alert: &AlertView) -> Markup {
    // Who has it is said already.
    let stopped = alert.why.iter().find(|step| !step.passed && step.stage != "ack");
    html! {
        @if let Some(step) = stopped {
            p.who { b { span aria-hidden="true" { "✕ " } "stopped at " (step.stage) ": " } (step.text) }
        }
        (held_by(alert))
    }
}

/// The silences and alerts that hold it back, as links.
pub(super) fn held_by(alert: &AlertView) -> Markup {
    let silences = alert
        .silenced_by
        .iter()
        .take(LINKED)
        .map(|id| (format!("/silences#s-{}", url::encode(id, "")), "Its silence"));
    let inhibitors = alert.inhibited_by.iter().take(LINKED).map(|id| (href(id), "What inhibits it"));
    let links: Vec<_> = silences.chain(inhibitors).collect();
    html! {
        @if !links.is_empty() {
            p.who { @for (index, (to, what)) in links.iter().enumerate() { @if index > 0 { ", " } a href=(to) { (what) } } }
        }
    }
}

/// What can be done at once. The letters are those of the keyboard.
pub(super) fn buttons(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let fires = alert.state == AlertState::Firing;
    html! {
        div.acts {
            @if Holder::of(alert, frame.now).is_wanted() { (actions::ack_form(&[alert], frame.viewer, frame.back)) }
            @if let Some(href) = parts::safe_href(&alert.runbook_url) { a.btn href=(href) data-key="r" { "Runbook" } }
            @if fires || alert.state == AlertState::Pending {
                a.btn href={ "/silences?alert=" (alert.fingerprint) "#new" } data-key="s" { "Silence" }
            }
            @if frame.back != href(&alert.fingerprint) { a.btn href=(href(&alert.fingerprint)) { "Explain" } }
            @if let Some(id) = &alert.slo_id { a.btn href=(parts::slo_href(id)) { "Objective" } }
        }
    }
}
