//! Changes made from a page: plain forms that work without a script. Each answers by sending the browser back to
//! where its effect is seen, so that reloading a page never repeats a change.

use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Router, middleware};
use bellwether_model::TimeDelta;
use maud::{Markup, html};
use serde::Deserialize;

use crate::view::{AlertView, NewAction, NewSilence, Refused};
use crate::{Shared, guard, matcher_text, page, url};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/alerts/{fingerprint}/ack", post(acknowledge))
        .route("/silences", post(add_silence))
        .route("/silences/{id}/expire", post(expire_silence))
        .route("/demo/phase", post(set_phase))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

/// Remembers what somebody called themselves, so that the next form is filled in. It grants nothing.
const VIEWER_COOKIE: &str = "bellwether_name";
const NAME_CHARS_MAX: usize = 80;

/// What the person at this browser called themselves last time; may be empty.
pub(crate) fn viewer(headers: &HeaderMap) -> String {
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ours = cookies.split(';').find_map(|pair| pair.trim().strip_prefix(VIEWER_COOKIE)?.strip_prefix('='));
    url::decode(ours.unwrap_or_default()).chars().take(NAME_CHARS_MAX).collect()
}

fn see_other(to: &str, name: &str) -> Response {
    let name: String = name.chars().take(NAME_CHARS_MAX).collect();
    let name = url::encode(&name, "");
    let cookie = format!("{VIEWER_COOKIE}={name}; Path=/; Max-Age=31536000; SameSite=Strict; HttpOnly");
    let mut response = Redirect::to(to).into_response();
    if let (false, Ok(value)) = (name.is_empty(), cookie.parse()) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

/// Status of a refusal.
pub(crate) const fn status_of(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Invalid(_) => StatusCode::BAD_REQUEST,
        Refused::NotFound(_) => StatusCode::NOT_FOUND,
        Refused::Conflict(_) => StatusCode::CONFLICT,
        Refused::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

pub(crate) fn answer(app: &Shared, done: Result<(), Refused>, to: &str, name: &str) -> Response {
    match done {
        Ok(()) => see_other(to, name),
        Err(refused) => page::refused(app.as_ref(), status_of(&refused), refused.message(), to),
    }
}

/// A button that takes an alert: one tap for whoever has given a name before.
pub(crate) fn ack_form(alert: &AlertView, viewer: &str) -> Markup {
    html! {
        form id={ "ack-" (alert.fingerprint) } method="post" action={ "/alerts/" (alert.fingerprint) "/ack" } {
            @if viewer.is_empty() {
                input name="by" required placeholder="your name" autocomplete="name" aria-label="Your name";
                button.go { "Ack" }
            } @else {
                button.go name="by" value=(viewer) { "Ack as " (viewer) }
            }
        }
    }
}

#[derive(Deserialize)]
struct AckForm {
    by: String,
}

async fn acknowledge(
    State(app): State<Shared>,
    Path(fingerprint): Path<String>,
    Form(form): Form<AckForm>,
) -> Response {
    let by = form.by.trim().to_owned();
    let done = match by.is_empty() {
        true => Err(Refused::Invalid("say who takes it: the name is empty".to_owned())),
        false => app.act(NewAction::take(fingerprint, by.clone())).await.map(|_| ()),
    };
    answer(&app, done, "/", &by)
}

#[derive(Deserialize)]
struct SilenceForm {
    matchers: String,
    r#for: String,
    by: String,
    comment: String,
}

async fn add_silence(State(app): State<Shared>, Form(form): Form<SilenceForm>) -> Response {
    let done = match silence_of(&app, &form) {
        Ok(silence) => app.add_silence(silence).await.map(|_| ()),
        Err(reason) => Err(Refused::Invalid(reason)),
    };
    answer(&app, done, "/silences", form.by.trim())
}

fn silence_of(app: &Shared, form: &SilenceForm) -> Result<NewSilence, String> {
    let matchers = matcher_text::read(&form.matchers)?;
    let length: TimeDelta = form.r#for.parse().map_err(|error| format!("length: {error}"))?;
    let (created_by, comment) = (form.by.trim().to_owned(), form.comment.trim().to_owned());
    if created_by.is_empty() {
        return Err("say who silences: the name is empty".to_owned());
    }
    if comment.is_empty() {
        return Err("say why: the reason is empty".to_owned());
    }
    let starts_at = app.now();
    let ends_at = starts_at.saturating_add(length);
    Ok(NewSilence { id: None, matchers, starts_at, ends_at, created_by, comment })
}

async fn expire_silence(State(app): State<Shared>, Path(id): Path<String>) -> Response {
    let done = app.expire_silence(id).await;
    answer(&app, done, "/silences", "")
}

#[derive(Deserialize)]
struct PhaseForm {
    phase: String,
}

async fn set_phase(State(app): State<Shared>, Form(form): Form<PhaseForm>) -> Response {
    let done = match app.demo() {
        None => Err(Refused::NotFound("this is not a demonstration".to_owned())),
        Some(demo) => demo.set_phase(form.phase).await,
    };
    answer(&app, done, "/", "")
}
