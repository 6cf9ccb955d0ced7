//! The part of an objective's page about corrections: those there are, a form that makes one, and buttons that take
//! them back.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use axum::routing::post;
use axum::{Router, middleware};
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_slo::{Correction, CorrectionEvent, CorrectionKind, CorrectionState, Share, SloStatus};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use crate::api_corrections::corrections_of;
use crate::correction_wish::PostedCorrection;
use crate::parts::{self, Tone};
use crate::view::Refused;
use crate::{App, Shared, forms, guard, url};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/corrections", post(add))
        .route("/corrections/{id}/revoke", post(revoke))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

/// The corrections of an objective; `viewer` is what the person at this browser called themselves last time.
pub(crate) fn section(app: &dyn App, slo: &SloStatus, viewer: &str) -> Markup {
    let all = corrections_of(app, Some(&slo.id));
    let (revoked, in_force): (Vec<_>, Vec<_>) = all.iter().partition(|c| c.revoked.is_some());
    let now = app.now();
    html! {
        section #corrections aria-labelledby="corrections-title" {
            h2 #corrections-title { "Corrections" }
            @if in_force.is_empty() { p.dim { "Everything counts as it was measured." } }
            @else { div.cards { @for correction in &in_force { (card(correction, slo, viewer, now)) } } }
            details { summary { "Correct a stretch of time" } (new_form(slo, viewer, now)) }
            @if !revoked.is_empty() {
                details {
                    summary { (parts::plural(revoked.len(), "revoked correction")) }
                    div.cards { @for correction in &revoked { (card(correction, slo, viewer, now)) } }
                }
            }
        }
    }
}

const fn kind_text(kind: CorrectionKind) -> &'static str {
    match kind {
        CorrectionKind::Maintenance => "maintenance, taken out",
        CorrectionKind::MeasurementFault => "measurement fault, taken out",
        CorrectionKind::PlatformOutage => "platform outage, taken out",
        CorrectionKind::Credit => "credit, bad events forgiven",
    }
}

fn card(correction: &Correction, slo: &SloStatus, viewer: &str, now: Timestamp) -> Markup {
    let state = correction.state(now);
    let tone = match state {
        CorrectionState::Active => Tone::Warn,
        CorrectionState::Planned | CorrectionState::Past | CorrectionState::Revoked => Tone::Quiet,
    };
    html! {
        article id={ "c-" (correction.id) } class={ "card " (tone.class()) } {
            div.row {
                (parts::tag(tone, state.as_str()))
                b { (kind_text(correction.kind)) @if correction.share != Share::ALL { ", " (correction.share) } }
            }
            p {
                (parts::moment(correction.begin, now)) " to " (parts::moment(correction.end, now))
                @if !correction.labels.is_empty() { " " (parts::labels(&correction.labels)) }
            }
            p { (correction.reason) }
            p.dim.small {
                (correction.scope) ", by " (correction.author) ", approved by " (correction.approver)
                ", " (parts::relative(correction.created_at, now))
            }
            @match &correction.revoked {
                Some(revoked) => p.dim.small {
                    "revoked by " (revoked.by) " " (parts::relative(revoked.at, now)) ": " (revoked.reason)
                },
                None => form.acts method="post" action={ "/corrections/" (url::encode(&correction.id, "")) "/revoke" } {
                    input type="hidden" name="back" value=(slo.id);
                    input name="reason" required placeholder="why it is revoked" aria-label="Why it is revoked";
                    input name="by" value=(viewer) required placeholder="your name" autocomplete="name" aria-label="Your name";
                    button { "Revoke" }
                },
            }
        }
    }
}

fn new_form(slo: &SloStatus, viewer: &str, now: Timestamp) -> Markup {
    let minute =
        |at: Timestamp| at.floor_to(TimeDelta::MINUTE).to_string().chars().take(16).collect::<String>();
    html! {
        form.form method="post" action="/corrections" {
            input type="hidden" name="back" value=(slo.id);
            div.pair {
                label { "From (UTC)" input type="datetime-local" name="from" value=(minute(now - TimeDelta::HOUR)) required; }
                label { "To (UTC)" input type="datetime-local" name="to" value=(minute(now)) required; }
            }
            div.pair {
                label { "What happened" select name="kind" { @for kind in CorrectionKind::ALL { option value=(kind.as_str()) { (kind_text(kind)) } } } }
                label { "Share forgiven, of a credit" input name="share" placeholder="all of it"; }
            }
            @if !slo.service.is_empty() {
                label { "Of" select name="scope" {
                    option value="slo" { (slo.id) }
                    option value="service" { "all of " (slo.service) }
                } }
            }
            label { "Why" input name="reason" required placeholder="what happened, and a link"; }
            div.pair {
                label { "Your name" input name="by" value=(viewer) required autocomplete="name"; }
                label { "Approved by" input name="approver" required; }
            }
            div.acts { button.go { "Correct" } }
        }
    }
}

#[derive(Deserialize)]
struct AddForm {
    back: String,
    from: String,
    to: String,
    kind: String,
    #[serde(default)]
    share: String,
    #[serde(default)]
    scope: String,
    reason: String,
    by: String,
    approver: String,
}

async fn add(State(app): State<Shared>, Form(form): Form<AddForm>) -> Response {
    let (to, by) = (back_to(&form.back), form.by.trim().to_owned());
    let done = match posted(app.as_ref(), form).into_wish() {
        Ok(wish) => app.correct(CorrectionEvent::Add(wish)).await.map(|_| ()),
        Err(problems) => Err(Refused::Invalid(problems)),
    };
    forms::answer(&app, done, &to, &by)
}

fn posted(app: &dyn App, form: AddForm) -> PostedCorrection {
    let slos = app.slos();
    let service = parts::find_slo(&slos, &form.back).map(|slo| slo.service.clone()).unwrap_or_default();
    let (slo, service) = match form.scope.as_str() {
        "service" => (String::new(), service),
        _ => (form.back, String::new()),
    };
    PostedCorrection {
        slo,
        service,
        from: Value::String(form.from),
        to: Value::String(form.to),
        kind: form.kind,
        share: Value::String(form.share),
        reason: form.reason,
        author: form.by,
        approver: form.approver,
        ..PostedCorrection::default()
    }
}

#[derive(Deserialize)]
struct RevokeForm {
    back: String,
    reason: String,
    by: String,
}

async fn revoke(State(app): State<Shared>, Path(id): Path<String>, Form(form): Form<RevokeForm>) -> Response {
    let by = form.by.trim().to_owned();
    let event = CorrectionEvent::Revoke { id, by: form.by, reason: form.reason };
    let done = app.correct(event).await.map(|_| ());
    forms::answer(&app, done, &back_to(&form.back), &by)
}

/// The page of the objective: never an address that a form names.
fn back_to(slo_id: &str) -> String {
    format!("{}#corrections", parts::slo_href(slo_id))
}
