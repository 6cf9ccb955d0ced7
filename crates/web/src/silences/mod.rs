//! Silences: what they hide now, until when, who made them and why; the form that makes one, with what it would hide.

mod card;
mod change;
mod form;
mod import;
mod preview;

use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};
use maud::{Markup, html};

use crate::page::{self, Nav};
use crate::view::{AlertView, SilenceState, SilenceView};
use crate::{App, Shared, forms, guard, pager, parts, url};

/// Cards of a page.
const CARDS: usize = 40;

pub(crate) fn routes() -> Router<Shared> {
    let changes = Router::new()
        .route("/silences", post(change::add))
        .route("/silences/{id}/expire", post(change::expire))
        .route("/silences/{id}/extend", post(change::extend))
        .route("/silences/import", post(import::import).layer(DefaultBodyLimit::max(import::BYTES_MAX)))
        .route_layer(middleware::from_fn(guard::same_site_only));
    Router::new()
        .route("/silences", get(silences))
        .route("/silences/preview", get(preview::fragment))
        .merge(changes)
}

async fn silences(State(app): State<Shared>, Query(ask): Query<form::Ask>, headers: HeaderMap) -> Response {
    let main = main(app.as_ref(), &ask, &forms::viewer(&headers));
    page::respond(app.as_ref(), Nav::Silences, "Silences", &main)
}

fn main(app: &dyn App, ask: &form::Ask, viewer: &str) -> Markup {
    let (alerts, now) = (app.alerts(), app.now());
    let mut silences = app.silences();
    silences.sort_by_key(|s| (s.state, s.ends_at, s.id.clone()));
    let total = silences.len();
    silences.retain(|silence| ask.finds(silence));
    let (past, present): (Vec<_>, Vec<_>) = silences.iter().partition(|s| s.state == SilenceState::Expired);
    // Who came to make or change one sees the form first.
    let form_first = ask.is_filled();
    let seen = form::Seen { alerts: &alerts, silences: &silences, now };
    let form = form::section(&seen, ask, viewer);
    html! {
        h1 { "Silences" }
        @if form_first { (form) }
        @if total > 0 { (search(ask)) }
        @if present.is_empty() {
            @if ask.q.is_empty() {
                (parts::empty("Nothing is silenced", html! { "Make one below, or with " (parts::command("bellwether silence add alertname=Name --duration 2h --comment why")) }))
            } @else {
                (parts::empty("No silence matches", html! { a href="/silences" { "Show all" } }))
            }
        }
        (list(&present, &alerts, ask, now))
        @if !form_first { (form) }
        (import::section(viewer))
        @if !past.is_empty() {
            details #past {
                summary { (parts::plural(past.len(), "expired silence")) }
                div.cards { @for silence in past.iter().rev().take(CARDS) { (card::card(silence, &alerts, now)) } }
                @if past.len() > CARDS { p.dim { "The newest " (CARDS) "." } }
            }
        }
    }
}

fn list(
    present: &[&SilenceView],
    alerts: &[AlertView],
    ask: &form::Ask,
    now: bellwether_model::Timestamp,
) -> Markup {
    let pages = pager::Pages::of(&ask.page, present.len(), CARDS);
    html! {
        div.cards { @for silence in &present[pages.range()] { (card::card(silence, alerts, now)) } }
        (pages.links(|n| url::with_query("/silences", &[("q", &ask.q), ("page", &n)])))
    }
}

fn search(ask: &form::Ask) -> Markup {
    html! {
        form.filters method="get" action="/silences" role="search" {
            input.grow type="search" name="q" value=(ask.q) placeholder="author, reason, label …" aria-label="Search in silences";
            button { "Filter" }
            a.btn href="#new" { "New silence" }
            a.btn href="/api/v2/silences?expired=false" download="silences.json" { "Export" }
            a.btn href="#import" { "Import" }
        }
    }
}
