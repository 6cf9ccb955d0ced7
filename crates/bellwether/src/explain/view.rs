//! Explanations as pages, API and command line see them.

use bellwether_alerts::{
    self as alerts, AlertCore, AttemptRow, DeliveryRow, Explanation, LedgerEntry, Receipt, Stage, Step,
    Taken, WhatIf,
};
use bellwether_model::{Labels, Timestamp};
use bellwether_web::view::{
    AlertView, AttemptView, DeliveryDetail, ExplanationView, RouteTaken, RouteView, RoutedView, WhyStep,
};

use crate::delivery_view;

/// All steps.
pub fn steps(steps: Vec<Step>) -> Vec<WhyStep> {
    steps.into_iter().map(step).collect()
}

/// Steps for lists: what did not stop the alert there is only worth a word where something was done.
pub fn short_steps(steps: Vec<Step>) -> Vec<WhyStep> {
    let worth = |step: &Step| !(step.passed && step.stage.is_quiet_when_passed());
    steps.into_iter().filter(worth).map(step).collect()
}

fn step(step: Step) -> WhyStep {
    WhyStep { stage: Stage::as_str(step.stage).to_owned(), text: step.text, passed: step.passed }
}

/// An explanation with what belongs to it.
pub fn explanation(
    said: Explanation,
    alert: Option<AlertView>,
    routed: RoutedView,
    ledger: &[LedgerEntry],
) -> ExplanationView {
    ExplanationView {
        verdict: said.verdict,
        notes: alert.as_ref().map(|alert| alert.notes.clone()).unwrap_or_default(),
        alert,
        steps: steps(said.steps),
        routed,
        deliveries: ledger.iter().map(|entry| delivery(&entry.row, &entry.attempts)).collect(),
        advice: said.advice,
    }
}

/// A message with its attempts and what it said.
pub fn delivery(row: &DeliveryRow, attempts: &[AttemptRow]) -> DeliveryDetail {
    let notified = row.delivery.notification.alerts.iter();
    DeliveryDetail {
        delivery: delivery_view::delivery(row),
        attempts: attempts.iter().map(attempt).collect(),
        parts: row.delivery.message.parts.iter().map(|part| part.content.text().to_owned()).collect(),
        alerts: notified.map(|notified| notified.alert.fingerprint().to_string()).collect(),
    }
}

fn attempt(row: &AttemptRow) -> AttemptView {
    AttemptView {
        attempt: row.attempt,
        at: row.at,
        reason: row.reason.to_string(),
        status: match &row.receipt {
            Receipt::Accepted { status, .. }
            | Receipt::AcceptedInPart { status, .. }
            | Receipt::Refused { status, .. } => Some(*status),
            Receipt::MailRefused { code, .. } => Some(*code),
            Receipt::Unreachable { .. } | Receipt::Unsendable { .. } => None,
        },
        accepted: row.receipt.is_taken(),
        detail: row.receipt.describe(),
    }
}

/// What routing would do with labels now, route by route.
pub fn routed(core: &AlertCore, labels: &Labels, now: Timestamp) -> RoutedView {
    routed_of(core, &core.what_if(labels, now), labels, now)
}

/// The same of what has been found out already.
pub fn routed_of(core: &AlertCore, what_if: &WhatIf, labels: &Labels, now: Timestamp) -> RoutedView {
    let routes = core.config().route.trace(labels);
    RoutedView {
        routes: routes.iter().map(route).collect(),
        receivers: what_if.receivers(),
        quiet: what_if.quiet(now),
    }
}

fn route(traced: &alerts::TracedRoute<'_>) -> RouteView {
    let matchers: Vec<String> = traced.route.matchers.iter().map(ToString::to_string).collect();
    RouteView {
        depth: traced.depth,
        matchers: match (traced.depth, matchers.is_empty()) {
            (0, true) => "default-route".to_owned(),
            (_, true) => "every alert".to_owned(),
            (_, false) => format!("{{{}}}", matchers.join(",")),
        },
        receiver: traced.route.receiver.clone(),
        group_by: match &traced.route.group_by {
            alerts::GroupBy::All => "...".to_owned(),
            alerts::GroupBy::Labels(names) => names.iter().cloned().collect::<Vec<_>>().join(", "),
        },
        taken: match traced.taken {
            Taken::Ends => RouteTaken::Ends,
            Taken::Passes => RouteTaken::Passes,
            Taken::No => RouteTaken::No,
            Taken::NotReached => RouteTaken::NotReached,
        },
        why: traced.why.to_string(),
    }
}
