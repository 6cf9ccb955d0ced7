//! A group: the alerts that travel together, who is told of them and when next. Messages link here.

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Frame, actions, card, group_href, href, name, state_word, tone};
use crate::page::{self, Nav};
use crate::view::{AlertGroupView, AlertView};
use crate::{App, Shared, forms, holder, pager, parts, url};

/// Alerts of a group that a list of groups names.
const NAMED: usize = 8;
/// Cards of a page.
const CARDS: usize = 30;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    key: String,
    page: String,
}

pub(super) async fn group(State(app): State<Shared>, Query(ask): Query<Ask>, headers: HeaderMap) -> Response {
    let groups: Vec<_> = app.alert_groups().into_iter().filter(|group| group.key == ask.key).collect();
    let viewer = forms::viewer(&headers);
    let back = group_href(&ask.key);
    let frame = Frame { now: app.now(), viewer: &viewer, back: &back };
    if groups.is_empty() {
        return gone(app.as_ref(), &ask.key);
    }
    let main = html! {
        h1 { @for group in groups.iter().take(1) { "Group for " (group.receiver) " " (parts::labels(&group.labels)) } }
        @for group in &groups { (whole(group, &ask, &frame)) }
    };
    page::respond(app.as_ref(), Nav::Groups, "Group", &main)
}

fn gone(app: &dyn App, key: &str) -> Response {
    let main = html! {
        h1 { "This group is over" }
        (parts::empty("Nothing of it fires any more", html! {
            p { code { (key) } }
            a href={ "/deliveries?group=" (url::encode(key, "")) } { "What was sent for it" } ", "
            a href="/alerts?by=group" { "the groups there are" }
        }))
    };
    page::respond_with(app, StatusCode::NOT_FOUND, Nav::Groups, "Group", &main)
}

fn whole(group: &AlertGroupView, ask: &Ask, frame: &Frame<'_>) -> Markup {
    let pages = pager::Pages::of(&ask.page, group.alerts.len(), CARDS);
    html! {
        section.card aria-label={ "For " (group.receiver) } { (head(group, frame)) }
        div.cards { @for alert in &group.alerts[pages.range()] { (card::card(alert, frame)) } }
        (pages.links(|n| url::with_query("/groups", &[("key", &group.key), ("page", &n)])))
    }
}

/// Who is told, by which route, when last and when next, and what can be done to all of it.
fn head(group: &AlertGroupView, frame: &Frame<'_>) -> Markup {
    let now = frame.now;
    html! {
        div.row { h2.name { a href=(group_href(&group.key)) { (group.receiver) } } (parts::labels(&group.labels)) }
        p.dim.small {
            (parts::plural(group.alerts.len(), "alert")) ", by route " code { (group.route) } " · "
            @match group.notified_at { Some(at) => { "told " (parts::relative(at, now)) }, None => "nobody told yet" }
            @if let Some(at) = group.next_at { " · looked at again " (parts::relative(at, now)) }
            @if let Some(at) = group.next_repeat_at { " · repeated " (parts::relative(at, now)) }
            @if !group.acked_by.is_empty() { " · not repeated while " (group.acked_by.join(", ")) " has it" }
        }
        @if let Some(since) = group.alerts.iter().filter_map(|a| holder::wanted_since(a, now)).min() {
            p.who { b.bad { "UNACKED " (crate::digits::length_coarse(now - since)) } }
        }
        div.acts {
            (actions::ack_group_form(&group.key, &group.alerts, frame))
            @if !group.labels.is_empty() {
                a.btn data-key="s" href={ "/silences?matchers=" (url::encode(&matchers_of(group), "")) "#new" } { "Silence" }
            }
            a.btn href={ "/deliveries?group=" (url::encode(&group.key, "")) } { "Deliveries" }
        }
    }
}

/// What a silence for all of the group would match.
fn matchers_of(group: &AlertGroupView) -> String {
    let lines = group.labels.iter().map(|(name, value)| crate::matcher_text::write_equal(name, value));
    lines.collect::<Vec<_>>().join("\n")
}

/// A group in the list of groups, with those of its alerts that the filter leaves. What its buttons do is done to all.
pub(super) fn section(group: &AlertGroupView, shown: &[AlertView], frame: &Frame<'_>) -> Markup {
    let more = group.alerts.len() - shown.len().min(NAMED);
    html! {
        section.card aria-label={ "Group for " (group.receiver) } data-item {
            (head(group, frame))
            ul.rows { @for alert in shown.iter().take(NAMED) { (row(alert, group, frame)) } }
            @if more > 0 { p { a href=(group_href(&group.key)) { "and " (more) " more" } } }
        }
    }
}

/// Without the labels that all of the group share.
fn row(alert: &AlertView, group: &AlertGroupView, frame: &Frame<'_>) -> Markup {
    let shared = group.labels.iter().map(|(name, _)| name);
    let known: Vec<&str> = shared.chain(["alertname", "alert", "severity"]).collect();
    html! {
        li {
            (parts::tag(tone(alert), state_word(alert))) " "
            a href=(href(&alert.fingerprint)) { (name(alert)) } " "
            (parts::labels(&alert.labels.without(&known)))
            (holder::line(alert, frame.now))
        }
    }
}
