//! Alerts, pending ones too, and for each of them why somebody was or was not told. The same alerts also as the
//! groups in which they travel, which is how Alertmanager shows them.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{AlertGroupView, AlertState, AlertView};
use crate::{Shared, digits, forms};

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    by: String,
    q: String,
    receiver: String,
}

/// What every row needs besides its alert.
struct Frame<'a> {
    now: Timestamp,
    viewer: &'a str,
}

pub(crate) async fn alerts(
    State(app): State<Shared>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
) -> Response {
    let viewer = forms::viewer(&headers);
    let frame = Frame { now: app.now(), viewer: &viewer };
    if ask.by == "group" {
        let main = html! { h1 { "Alertmanager: groups on their way" } (groups(&app.alert_groups(), &frame)) };
        return page::respond(app.as_ref(), Nav::Groups, "Alertmanager", &main);
    }
    let mut alerts = app.alerts();
    let total = alerts.len();
    alerts.retain(|alert| passes(alert, &ask.q) && is_for(alert, &ask.receiver));
    alerts.sort_by_key(|a| {
        (
            a.state,
            !parts::is_loud(a),
            Tone::of_severity(parts::severity_of(a)),
            a.starts_at,
            a.fingerprint.clone(),
        )
    });
    let main = html! {
        h1 { "Active Alerts" }
        @if total > 0 { (filter(&ask.q)) }
        @if alerts.is_empty() && total > 0 {
            (parts::empty("No alert matches", html! { a href="/alerts" { "Show all " (total) } }))
        } @else {
            (list(&alerts, &frame))
        }
    };
    page::respond(app.as_ref(), Nav::Alerts, "Alerts", &main)
}

/// Whether a receiver hears of an alert; messages link here with their receiver's name.
fn is_for(alert: &AlertView, receiver: &str) -> bool {
    receiver.is_empty() || alert.receivers.iter().any(|name| name == receiver)
}

fn passes(alert: &AlertView, q: &str) -> bool {
    let text = format!("{} {}", alert.labels, state_word(alert)).to_lowercase();
    q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn filter(q: &str) -> Markup {
    html! {
        form.filters method="get" action="/alerts" role="search" {
            label { "Filter" input type="search" name="q" value=(q) placeholder="name, label, silenced …"; }
            button { "Filter" }
        }
    }
}

fn list(alerts: &[AlertView], frame: &Frame<'_>) -> Markup {
    if alerts.is_empty() {
        return parts::empty(
            "No alert is firing or pending",
            html! { "To see one come and go, break a simulated service: " (parts::command("bellwether demo")) },
        );
    }
    html! { div.cards { @for alert in alerts { (card(alert, frame)) } } }
}

/// What an alert is doing, and what holds it back if anything does.
fn state_word(alert: &AlertView) -> &'static str {
    match alert.state {
        AlertState::Pending => "pending",
        AlertState::Resolved => "resolved",
        AlertState::Firing if !alert.silenced_by.is_empty() => "silenced",
        AlertState::Firing if !alert.inhibited_by.is_empty() => "inhibited",
        AlertState::Firing if !alert.muted_by.is_empty() => "muted",
        AlertState::Firing => "firing",
    }
}

fn tone(alert: &AlertView) -> Tone {
    match alert.state {
        AlertState::Resolved => Tone::Ok,
        AlertState::Firing if parts::is_loud(alert) => Tone::of_severity(parts::severity_of(alert)),
        AlertState::Firing | AlertState::Pending => Tone::Quiet,
    }
}

fn card(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let tone = tone(alert);
    let text = ["summary", "description", "message"].into_iter().find_map(|name| alert.annotations.get(name));
    html! {
        article id={ "a" (alert.fingerprint) } class={ "card " (tone.class()) } {
            div.row {
                (parts::tag(tone, &parts::severity_of(alert).to_uppercase()))
                b { (state_word(alert)) }
                span.dim.small { (since(alert, frame.now)) }
            }
            h3 {
                (alert.labels.value_or_empty("alertname"))
                @if let Some(which) = alert.labels.get("alert") { " · " (which) }
            }
            @if let Some(text) = text { p { (text) } }
            (parts::labels(&alert.labels.without(&["alertname", "severity"])))
            @if let Some(ack) = &alert.ack { p.small { b { (ack.by) } " has it since " (parts::moment(ack.at, frame.now)) } }
            @if !alert.next_step.is_empty() { p.next { b { "Next: " } (alert.next_step) } }
            (why(alert))
            (actions(alert, frame))
        }
    }
}

fn since(alert: &AlertView, now: Timestamp) -> Markup {
    html! {
        @match (alert.state, alert.ends_at) {
            (AlertState::Resolved, Some(end)) => { (parts::relative(end, now)) ", after " (digits::length(end - alert.starts_at)) }
            (AlertState::Resolved | AlertState::Firing | AlertState::Pending, _) => {
                "for " (digits::length(now - alert.starts_at)) ", since " (parts::moment(alert.starts_at, now))
            }
        }
    }
}

/// The decisions from the rule to the person, in order.
fn why(alert: &AlertView) -> Markup {
    if alert.why.is_empty() {
        return html! {};
    }
    let stopped = alert.why.iter().find(|step| !step.passed);
    html! {
        details id={ "w" (alert.fingerprint) } {
            summary { @if stopped.is_some() { "Why was nobody told?" } @else { "The way to a person, step by step" } }
            ol.why {
                @for step in &alert.why {
                    li { b { @if step.passed { span aria-hidden="true" { "✓ " } } @else { span aria-hidden="true" { "✕ " } "stopped: " } (step.stage) } " " (step.text) }
                }
            }
        }
    }
}

fn actions(alert: &AlertView, frame: &Frame<'_>) -> Markup {
    let is_open = alert.state == AlertState::Firing;
    html! {
        div.acts {
            @if is_open && alert.ack.is_none() { (forms::ack_form(alert, frame.viewer)) }
            @if let Some(href) = parts::safe_href(&alert.runbook_url) { a.btn href=(href) { "Runbook" } }
            @if let Some(id) = &alert.slo_id { a.btn href=(parts::slo_href(id)) { "Objective" } }
            @if let Some(href) = parts::safe_href(&alert.generator_url) { a.btn href=(href) { "Source" } }
            @if is_open { a.btn href={ "/silences?alert=" (alert.fingerprint) "#new" } { "Silence" } }
        }
    }
}

fn groups(groups: &[AlertGroupView], frame: &Frame<'_>) -> Markup {
    if groups.is_empty() {
        return parts::empty(
            "No group is on its way",
            html! { "Alerts travel in groups, as the routes of the configuration say; check them with " (parts::command("bellwether check alertmanager.yml")) },
        );
    }
    html! { @for group in groups { (group_section(group, frame)) } }
}

fn group_section(group: &AlertGroupView, frame: &Frame<'_>) -> Markup {
    let now = frame.now;
    html! {
        section.card aria-label={ "Group for " (group.receiver) } {
            div.row { b { (group.receiver) } (parts::labels(&group.labels)) }
            p.dim.small {
                "by route " code { (group.route) } " · "
                @match group.notified_at { Some(at) => { "told " (parts::relative(at, now)) }, None => "nobody told yet" }
                @if let Some(at) = group.next_at { " · looked at again " (parts::relative(at, now)) }
            }
            ul {
                @for alert in &group.alerts {
                    li {
                        a href={ "/alerts#a" (alert.fingerprint) } { (alert.labels.value_or_empty("alertname")) } " "
                        (parts::tag(tone(alert), state_word(alert))) " "
                        (parts::labels(&alert.labels.without(&["alertname"])))
                    }
                }
            }
        }
    }
}
