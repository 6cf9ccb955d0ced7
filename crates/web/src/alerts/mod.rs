//! Alerts: as a list, in the groups in which they travel, one by one with why somebody was or was not told, and what
//! people do with them.

mod actions;
mod card;
mod detail;
mod explanation;
mod filter;
mod group;
mod list;
mod routing;

use axum::routing::{get, post};
use axum::{Router, middleware};
use bellwether_model::Timestamp;
use maud::{Markup, html};

pub(crate) use actions::ack_form;

use crate::parts::{self, Tone};
use crate::view::{AlertState, AlertView};
use crate::{Shared, digits, guard, url};

pub(crate) fn routes() -> Router<Shared> {
    let changes = Router::new()
        .route("/alerts/{fingerprint}/{deed}", post(actions::on_alert))
        .route("/groups/{deed}", post(actions::on_group))
        .route_layer(middleware::from_fn(guard::same_site_only));
    Router::new()
        .route("/alerts", get(list::alerts))
        .route("/alerts/{what}", get(detail::detail))
        .route("/groups", get(group::group))
        .route("/routing", get(routing::routing))
        .merge(changes)
}

/// What every card needs besides its alert.
struct Frame<'a> {
    now: Timestamp,
    viewer: &'a str,
    /// Where a form leads back to.
    back: &'a str,
}

/// An alert as a card of another page.
pub(crate) fn card_at(alert: &AlertView, viewer: &str, back: &str, now: Timestamp) -> Markup {
    card::card(alert, &Frame { now, viewer, back })
}

/// Where an alert's page is.
pub(crate) fn href(fingerprint: &str) -> String {
    format!("/alerts/{}", url::encode(fingerprint, ""))
}

/// Where a group's page is.
pub(crate) fn group_href(key: &str) -> String {
    format!("/groups?key={}", url::encode(key, ""))
}

/// What an alert is called: its name, and which of an objective's alerts it is.
fn name(alert: &AlertView) -> String {
    let name = alert.labels.value_or_empty("alertname");
    alert.labels.get("alert").map_or_else(|| name.to_owned(), |which| format!("{name} · {which}"))
}

/// The sentence that people wrote for it.
fn summary(alert: &AlertView) -> Option<&str> {
    ["summary", "description", "message"].into_iter().find_map(|name| alert.annotations.get(name))
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
