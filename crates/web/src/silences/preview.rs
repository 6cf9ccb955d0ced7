//! What a silence would hide if it were made now; also as a fragment that the form asks for while somebody types.

use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bellwether_model::Timestamp;
use maud::{Markup, html};
use serde::Deserialize;

use crate::view::{AlertState, AlertView};
use crate::{Shared, alerts, digits, matcher_text, parts};

/// Alerts that are named.
const NAMED: usize = 10;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    matchers: String,
}

pub(super) async fn fragment(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    let is_empty = ask.matchers.trim().is_empty();
    let alerts = if is_empty { Vec::new() } else { app.alerts() };
    (headers, of(&ask.matchers, &alerts, app.now()).into_string()).into_response()
}

/// Nothing for no matchers; what is wrong with them if something is.
pub(super) fn of(text: &str, alerts: &[AlertView], now: Timestamp) -> Markup {
    if text.trim().is_empty() {
        return html! {};
    }
    let matchers = match matcher_text::read(text) {
        Ok(matchers) => matchers,
        Err(reason) => return html! { p.note.bad role="alert" { "▲ " (reason) } },
    };
    if matchers.iter().all(bellwether_model::Matcher::matches_empty) {
        return html! { p.note.bad role="alert" { "▲ This would hide everything: at least one matcher has to ask for something that is there." } };
    }
    let is_open = |state: AlertState| matches!(state, AlertState::Firing | AlertState::Pending);
    let is_hidden = |a: &&AlertView| is_open(a.state) && bellwether_model::matches_all(&matchers, &a.labels);
    let hidden: Vec<_> = alerts.iter().filter(is_hidden).collect();
    html! {
        div class=(if hidden.is_empty() { "note warn" } else { "note" }) {
            b { "Would hide " (parts::plural(hidden.len(), "alert")) " now" }
            @if hidden.is_empty() { ": nothing that fires or is pending matches." }
            @else {
                ul.rows {
                    @for alert in hidden.iter().take(NAMED) {
                        li {
                            a href=(alerts::href(&alert.fingerprint)) { (alert.labels.value_or_empty("alertname")) } " "
                            span.dim { "for " (digits::length(now - alert.starts_at)) } " "
                            (parts::labels(&alert.labels.without(&["alertname"])))
                        }
                    }
                    @if hidden.len() > NAMED { li.dim { "and " (hidden.len() - NAMED) " more" } }
                }
            }
        }
    }
}
