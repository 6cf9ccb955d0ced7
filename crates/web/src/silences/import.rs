//! The form that takes many silences at once, and the page that says what came of it. An import by hand makes new
//! silences: the identities in it are not kept.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::page::{self, Nav};
use crate::silence_import::{self, Imported, Wishes};
use crate::{Shared, parts};

/// Largest form.
pub(super) const BYTES_MAX: usize = 4 << 20;
/// Most silences of one import.
const SILENCES_MAX: usize = 5000;
/// Problems that are named.
const NAMED: usize = 20;

pub(super) fn section(viewer: &str) -> Markup {
    html! {
        details #import {
            summary { "Import silences" }
            form.form method="post" action="/silences/import" {
                label { "JSON, as " code { "amtool silence query -o json" } " and the export write it" textarea name="json" rows="4" required spellcheck="false" data-drop {} }
                label { "Your name, where the JSON has none" input name="by" value=(viewer) autocomplete="name"; }
                div.acts { button { "Import" } }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ImportForm {
    json: String,
    #[serde(default)]
    by: String,
}

pub(super) async fn import(State(app): State<Shared>, Form(form): Form<ImportForm>) -> Response {
    let (made, problems) = match demand_list(&form.json) {
        Ok(list) => {
            let wishes = Wishes { known: &[], by: form.by.trim() };
            let made = silence_import::import(&app, &list, wishes).await;
            let problem = |(index, why): &(usize, String)| format!("silence {}: {why}", index + 1);
            let problems = made.refused.iter().map(problem).collect();
            (made, problems)
        }
        Err(why) => (Imported::default(), vec![why]),
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    page::respond_with(app.as_ref(), status, Nav::Silences, "Import", &outcome(&made, &problems))
}

fn demand_list(json: &str) -> Result<Vec<&RawValue>, String> {
    let list = silence_import::list(json.as_bytes())
        .map_err(|error| format!("this is no list of silences: {error}"))?;
    match list.len() {
        ..=SILENCES_MAX => Ok(list),
        many => Err(format!("{many} silences are more than {SILENCES_MAX} at once")),
    }
}

fn outcome(made: &Imported, problems: &[String]) -> Markup {
    html! {
        h1 { "Imported " (parts::plural(made.ids.len(), "silence")) }
        @if made.over > 0 { p { (parts::plural(made.over, "silence")) " left out: over already." } }
        @if !problems.is_empty() {
            div.note.bad role="alert" {
                b { "▲ " (parts::plural(problems.len(), "problem")) }
                ul { @for problem in problems.iter().take(NAMED) { li { (problem) } } }
            }
        }
        p { a.btn href="/silences" { "All silences" } }
    }
}
