//! Why somebody was or was not told, drawn: the steps from the rule to the person, the routes taken and not taken, every
//! attempt with its status, and what people wrote.

use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::parts::{self, Tone};
use crate::view::{
    AlertView, DeliveryDetail, ExplanationView, NoteView, RouteTaken, RouteView, RoutedView, WhyStep,
};
use crate::{digits, sent};

/// Messages that are drawn; the ledger has the others.
const DELIVERIES: usize = 10;
/// Deepest indentation of a route.
const DEPTH_MAX: usize = 8;

/// What is known of an alert that has no explanation of its own: the decisions it carries.
pub(super) fn of_alert(alert: &AlertView) -> ExplanationView {
    let stopped = alert.why.iter().find(|step| !step.passed);
    let verdict = match stopped {
        Some(step) => format!("stopped at {}: {}", step.stage, step.text),
        None => alert.why.last().map(|step| step.text.clone()).unwrap_or_default(),
    };
    ExplanationView {
        verdict,
        alert: Some(alert.clone()),
        steps: alert.why.clone(),
        routed: RoutedView::default(),
        deliveries: Vec::new(),
        notes: alert.notes.clone(),
        advice: Vec::new(),
    }
}

/// The verdict, and what to look at next.
pub(super) fn verdict(explanation: &ExplanationView) -> Markup {
    let (class, sign) = match told(&explanation.steps) {
        Told::All => ("verdict", "✓ "),
        Told::Some => ("verdict partly", "◆ "),
        Told::None => ("verdict stopped", "✕ "),
    };
    html! {
        @if !explanation.verdict.is_empty() { p class=(class) { span aria-hidden="true" { (sign) } (explanation.verdict) } }
        @if !explanation.advice.is_empty() {
            ul.advice { @for line in &explanation.advice { li { (advice(line)) } } }
        }
    }
}

/// How far it came.
enum Told {
    All,
    /// One receiver was told, and another was not.
    Some,
    None,
}

/// What was said decides, not what kept it from being said again.
fn told(steps: &[WhyStep]) -> Told {
    let sends = |passed: bool| steps.iter().any(|step| step.stage == "deliver" && step.passed == passed);
    match (sends(true), sends(false)) {
        (true, true) => Told::Some,
        (true, false) => Told::All,
        (false, _) if steps.iter().all(|step| step.passed) => Told::All,
        (false, _) => Told::None,
    }
}

/// An advice that ends in a command shows it as one.
fn advice(line: &str) -> Markup {
    match line.split_once(": bellwether ") {
        Some((text, command)) => html! { (text) ": " code { "bellwether " (command) } },
        None => html! { (line) },
    }
}

/// Everything below the verdict that is not about people.
pub(super) fn sections(explanation: &ExplanationView, now: Timestamp) -> Markup {
    html! {
        @if !explanation.steps.is_empty() {
            section aria-labelledby="why-title" {
                h2 #why-title { "From the rule to a person" }
                (steps(&explanation.steps))
            }
        }
        @if !explanation.routed.routes.is_empty() || !explanation.routed.receivers.is_empty() {
            section aria-labelledby="route-title" {
                h2 #route-title { "Routes" }
                (routed(&explanation.routed))
            }
        }
        @if !explanation.deliveries.is_empty() {
            section aria-labelledby="sent-title" {
                h2 #sent-title { "What was sent" }
                (sent(&explanation.deliveries, now))
            }
        }
    }
}

fn steps(steps: &[WhyStep]) -> Markup {
    html! {
        ol.pipeline {
            @for step in steps {
                li class=(tone(step).class()) {
                    span.sign aria-hidden="true" { @if step.passed { "✓" } @else { "✕" } }
                    b { (step.stage) @if !step.passed { ": stopped" } }
                    span { (step.text) }
                }
            }
        }
    }
}

/// What somebody stopped on purpose is not drawn like what went wrong.
fn tone(step: &WhyStep) -> Tone {
    match (step.passed, step.stage.as_str()) {
        (true, _) => Tone::Ok,
        (false, "inhibit" | "silence" | "mute" | "ack" | "for" | "group") => Tone::Warn,
        (false, _) => Tone::Bad,
    }
}

/// The routes in the order in which they are asked, who hears, and what would keep it quiet.
pub(super) fn routed(routed: &RoutedView) -> Markup {
    html! {
        p {
            @if routed.receivers.is_empty() { b.warn { "No receiver hears of it." } }
            @else { "Goes to " @for (index, name) in routed.receivers.iter().enumerate() { @if index > 0 { ", " } b { (name) } } "." }
        }
        @for reason in &routed.quiet { p.note.warn { "◆ " (reason) } }
        @if !routed.routes.is_empty() { ol.routes { @for route in &routed.routes { (route_line(route)) } } }
    }
}

fn route_line(route: &RouteView) -> Markup {
    let (class, sign, word) = match route.taken {
        RouteTaken::Ends => ("ends", "✓", "ends here"),
        RouteTaken::Passes => ("passes", "↓", "passes"),
        RouteTaken::No => ("no", "✕", "does not match"),
        RouteTaken::NotReached => ("no", "–", "not asked"),
    };
    html! {
        li class={ (class) " r" (route.depth.min(DEPTH_MAX)) } {
            span.sign aria-hidden="true" { (sign) }
            code { (route.matchers) } " → " b { (route.receiver) } " "
            span.dim.small { (word) @if !route.why.is_empty() { ": " (route.why) } @if !route.group_by.is_empty() { " · by " (route.group_by) } }
        }
    }
}

fn sent(messages: &[DeliveryDetail], now: Timestamp) -> Markup {
    html! {
        @for message in messages.iter().take(DELIVERIES) {
            (sent::summary(&message.delivery, now))
            (sent::attempts(&message.attempts, now))
        }
        @if messages.len() > DELIVERIES { p.dim { "The newest " (DELIVERIES) " of " (messages.len()) "." } }
    }
}

/// What people wrote and did, the newest first.
pub(super) fn people(alert: Option<&AlertView>, notes: &[NoteView], now: Timestamp) -> Markup {
    let judged = alert.and_then(|alert| alert.false_positive);
    html! {
        @if !notes.is_empty() || judged.is_some() {
            section aria-labelledby="notes-title" {
                h2 #notes-title { "Notes" }
                @match judged {
                    Some(true) => p { b { "Marked as a false positive." } },
                    Some(false) => p { b { "Marked as real." } },
                    None => {},
                }
                @for note in notes.iter().rev() {
                    blockquote.remark {
                        p.text { (note.text) }
                        footer.dim.small { (note.by) ", " (parts::moment(note.at, now)) ", " (digits::length(now - note.at)) " ago" }
                    }
                }
            }
        }
    }
}
