//! What all changes made from a page share: plain forms that work without a script. Each answers by sending the browser
//! back to where its effect is seen, so that reloading a page never repeats a change.

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use axum::{Router, middleware};
use serde::Deserialize;

use crate::view::Refused;
use crate::{Shared, guard, page, url};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/demo/phase", post(set_phase))
        .route_layer(middleware::from_fn(guard::same_site_only))
}

/// Remembers what somebody called themselves, so that the next form is filled in. It grants nothing.
const VIEWER_COOKIE: &str = "bellwether_name";
/// Longest name that is taken and remembered.
pub(crate) const NAME_CHARS_MAX: usize = 80;

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

/// An address of this site, for a form that says where it leads back to; anything else leads to the first page.
pub(crate) fn local(back: &str) -> String {
    let here = back.starts_with('/') && !back.starts_with("//");
    let plain = back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if here && plain { back.to_owned() } else { "/".to_owned() }
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
