//! What routing would do with labels now, without sending anything: which routes take them, who hears, what would keep
//! them quiet.

use axum::extract::{Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::explanation;
use crate::page::{self, Nav};
use crate::{App, Shared, routing_text};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    labels: String,
}

pub(super) async fn routing(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let main = html! {
        h1 { "What would happen to these labels now?" }
        form.form method="get" action="/routing" {
            label {
                "Labels, one a line"
                textarea name="labels" rows=(ask.labels.lines().count().clamp(3, 10)) required placeholder="alertname=\"DiskFull\"\nseverity=\"critical\"" { (ask.labels) }
            }
            div.acts { button.go { "Ask" } span.dim.small { "Nothing is sent." } }
        }
        (answer(app.as_ref(), &ask.labels))
    };
    page::respond(app.as_ref(), Nav::Groups, "Try labels", &main)
}

fn answer(app: &dyn App, text: &str) -> Markup {
    if text.trim().is_empty() {
        return html! { p.dim { "The same on the command line: " code { "bellwether routes test --config alertmanager.yml severity=critical" } } };
    }
    match routing_text::read(text) {
        Err(reason) => html! { p.note.bad role="alert" { "▲ " (reason) } },
        Ok(labels) => html! { section aria-label="Answer" { (explanation::routed(&app.routed(&labels))) } },
    }
}
