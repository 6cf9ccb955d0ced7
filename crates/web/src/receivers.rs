//! Receivers and how they do; and drills, which send marked test messages through the real path.

use axum::extract::{Form, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};
use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{DeliveryDetail, DeliveryOutcome, IntegrationHealthView, ReceiverView, Refused};
use crate::{Shared, deliveries, forms, guard, sent, url};

/// Results that one address carries.
const RESULTS_MAX: usize = 100;

pub(crate) fn routes() -> Router<Shared> {
    let changes = Router::new()
        .route("/receivers/drill", post(drill))
        .route_layer(middleware::from_fn(guard::same_site_only));
    Router::new().route("/receivers", get(receivers)).route("/receivers/drill", get(drilled)).merge(changes)
}

async fn receivers(State(app): State<Shared>, headers: HeaderMap) -> Response {
    let (all, now, viewer) = (app.receivers(), app.now(), forms::viewer(&headers));
    let main = html! {
        h1 { "Receivers" }
        (deliveries::tabs("/receivers"))
        @if all.is_empty() {
            (parts::empty("Nobody is told of anything", html! {
                "Receivers are written in the routing configuration; check it with " (parts::command("bellwether check alertmanager.yml"))
            }))
        } @else {
            p.dim.small { "A drill sends a test message, marked as one, through the real path, and shows what came back." }
            @if all.len() > 1 { (drill_form("", "Drill all", &viewer)) }
            div.cards { @for receiver in &all { (card(receiver, &viewer, now)) } }
        }
    };
    page::respond(app.as_ref(), Nav::Deliveries, "Receivers", &main)
}

fn card(receiver: &ReceiverView, viewer: &str, now: Timestamp) -> Markup {
    let is_failing = receiver.integrations.iter().any(|i| i.failing.is_some());
    let tone = if is_failing { Tone::Bad } else { Tone::Quiet };
    html! {
        article class={ "card " (tone.class()) } aria-label=(receiver.name) data-item {
            h2.name { a href={ "/deliveries?receiver=" (url::encode(&receiver.name, "")) } { (receiver.name) } }
            @if receiver.integrations.is_empty() { p.dim { "Has no address: whatever comes here is told to nobody." } }
            ul.rows { @for integration in &receiver.integrations { li { (health(integration, now)) } } }
            @if !receiver.integrations.is_empty() { (drill_form(&receiver.name, "Drill", viewer)) }
        }
    }
}

fn health(integration: &IntegrationHealthView, now: Timestamp) -> Markup {
    html! {
        @match (&integration.failing, integration.last_success_at) {
            (Some(_), _) => (parts::tag(Tone::Bad, "failing")),
            (None, Some(_)) => (parts::tag(Tone::Ok, "well")),
            (None, None) => (parts::tag(Tone::Quiet, "never used")),
        }
        " " b { (integration.name) }
        div.small {
            @if let Some(failing) = &integration.failing { "since " (parts::moment(failing.since, now)) ": " (failing.reason) ". " }
            @if let Some(at) = integration.last_success_at { "Last took a message " (parts::relative(at, now)) ". " }
            @if integration.waiting > 0 { b { (parts::plural(integration.waiting, "message")) " waiting. " } }
            @if !integration.send_resolved { span.dim { "Does not hear of the end." } }
        }
    }
}

fn drill_form(receiver: &str, word: &str, viewer: &str) -> Markup {
    html! {
        form.acts method="post" action="/receivers/drill" {
            input type="hidden" name="receiver" value=(receiver);
            @if viewer.is_empty() {
                input name="by" required placeholder="your name" autocomplete="name" aria-label="Your name";
                button { (word) }
            } @else { button name="by" value=(viewer) { (word) } }
        }
    }
}

#[derive(Deserialize)]
struct DrillForm {
    #[serde(default)]
    receiver: String,
    by: String,
}

/// Leads to a page of the results, so that looking at them again sends nothing.
async fn drill(State(app): State<Shared>, Form(form): Form<DrillForm>) -> Response {
    let by = form.by.trim().to_owned();
    let done = match by.is_empty() {
        true => Err(Refused::Invalid("say who drills: the name is empty".to_owned())),
        false => app.drill(Some(form.receiver).filter(|name| !name.is_empty()), by.clone()).await,
    };
    match done {
        Err(refused) => forms::answer(&app, Err(refused), "/receivers", &by),
        Ok(results) => {
            let pairs = results.iter().take(RESULTS_MAX).map(|result| match &result.delivery {
                Some(detail) => format!("id={}", url::encode(&detail.delivery.id, "")),
                None => format!("unanswered={}", url::encode(&result.integration, "")),
            });
            let to = format!("/receivers/drill?{}", pairs.collect::<Vec<_>>().join("&"));
            forms::answer(&app, Ok(()), &to, &by)
        }
    }
}

async fn drilled(State(app): State<Shared>, Query(pairs): Query<Vec<(String, String)>>) -> Response {
    let now = app.now();
    let mut results = Vec::new();
    for (_, id) in pairs.iter().filter(|(name, _)| name == "id").take(RESULTS_MAX) {
        results.push(app.delivery(id.clone()).await.map_err(|refused| refused.message().to_owned()));
    }
    let unanswered: Vec<_> = pairs.iter().filter(|(name, _)| name == "unanswered").map(|(_, i)| i).collect();
    let took = results.iter().flatten().filter(|d| d.delivery.outcome == DeliveryOutcome::Delivered).count();
    let main = html! {
        h1 { "Drill: " (took) " of " (parts::plural(results.len() + unanswered.len(), "test message")) " arrived" }
        (deliveries::tabs("/receivers"))
        @for result in &results {
            @match result {
                Ok(detail) => (drill_result(detail, now)),
                Err(reason) => p.note.bad role="alert" { "▲ " (reason) },
            }
        }
        @for integration in unanswered {
            p.note.bad role="alert" { "▲ " b { (integration) } " has not answered in time. " a href="/deliveries" { "The deliveries" } " show what becomes of it." }
        }
        p { a.btn href="/receivers" { "All receivers" } }
    };
    page::respond(app.as_ref(), Nav::Deliveries, "Drill", &main)
}

fn drill_result(detail: &DeliveryDetail, now: Timestamp) -> Markup {
    let (tone, _) = sent::tone(detail.delivery.outcome);
    html! {
        section class={ "card " (tone.class()) } aria-label={ "Drill of " (detail.delivery.receiver) } {
            (sent::summary(&detail.delivery, now))
            (sent::attempts(&detail.attempts, now))
            @for part in &detail.parts { details { summary { "What was sent" } pre.wrap { (part) } } }
        }
    }
}
