//! Many silences at once, in the JSON that `amtool silence query -o json` and our export write. As amtool does, an
//! import makes new silences: the ids in it are not kept, and what is over is left out.

use axum::extract::{Form, State};
use axum::response::Response;
use bellwether_model::{MatchOp, Matcher, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::view::NewSilence;
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Posted {
    matchers: Vec<PostedMatcher>,
    starts_at: String,
    ends_at: String,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    comment: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedMatcher {
    name: String,
    value: String,
    #[serde(default)]
    is_regex: bool,
    #[serde(default = "yes")]
    is_equal: bool,
}

const fn yes() -> bool {
    true
}

pub(super) async fn import(State(app): State<Shared>, Form(form): Form<ImportForm>) -> Response {
    let now = app.now();
    let (mut made, mut over, mut problems) = (0, 0, Vec::new());
    match serde_json::from_str::<Vec<Posted>>(&form.json) {
        Err(error) => problems.push(format!("this is no list of silences: {error}")),
        Ok(all) if all.len() > SILENCES_MAX => {
            problems.push(format!("{} silences are more than {SILENCES_MAX} at once", all.len()));
        }
        Ok(all) => {
            for (index, posted) in all.into_iter().enumerate() {
                let done = match new_silence(posted, form.by.trim(), now) {
                    Ok(None) => {
                        over += 1;
                        continue;
                    }
                    Ok(Some(silence)) => app.add_silence(silence).await.map_err(|r| r.message().to_owned()),
                    Err(reason) => Err(reason),
                };
                match done {
                    Ok(_) => made += 1,
                    Err(reason) => problems.push(format!("silence {}: {reason}", index + 1)),
                }
            }
        }
    }
    let main = html! {
        h1 { "Imported " (parts::plural(made, "silence")) }
        @if over > 0 { p { (parts::plural(over, "silence")) " left out: over already." } }
        @if !problems.is_empty() {
            div.note.bad role="alert" {
                b { "▲ " (parts::plural(problems.len(), "problem")) }
                ul { @for problem in problems.iter().take(NAMED) { li { (problem) } } }
            }
        }
        p { a.btn href="/silences" { "All silences" } }
    };
    let status =
        if problems.is_empty() { axum::http::StatusCode::OK } else { axum::http::StatusCode::BAD_REQUEST };
    page::respond_with(app.as_ref(), status, Nav::Silences, "Import", &main)
}

/// `None` for one that is over.
fn new_silence(posted: Posted, by: &str, now: Timestamp) -> Result<Option<NewSilence>, String> {
    let ends_at = moment("endsAt", &posted.ends_at)?;
    if ends_at <= now {
        return Ok(None);
    }
    let starts_at = moment("startsAt", &posted.starts_at)?;
    let matchers = posted.matchers.into_iter().map(matcher).collect::<Result<Vec<_>, _>>()?;
    let created_by = if posted.created_by.trim().is_empty() { by.to_owned() } else { posted.created_by };
    Ok(Some(NewSilence { id: None, matchers, starts_at, ends_at, created_by, comment: posted.comment }))
}

fn matcher(posted: PostedMatcher) -> Result<Matcher, String> {
    let op = match (posted.is_equal, posted.is_regex) {
        (true, false) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (false, true) => MatchOp::NotRegex,
    };
    Matcher::new(op, posted.name, posted.value).map_err(|error| error.to_string())
}

fn moment(name: &str, text: &str) -> Result<Timestamp, String> {
    let at: jiff::Timestamp =
        text.parse().map_err(|_| format!("{name} {text:?} is no moment; write 2026-11-21T03:04:00Z"))?;
    Ok(Timestamp(at.as_millisecond()))
}
