//! Ask the stored series anything: queries with their mistakes underlined where they stand, answers as graph and table.
//! Everything is in the address, and everything works without a script; scripts complete, check and show values.

mod address;
mod complete;
mod exemplars;
mod result;

use axum::extract::{RawQuery, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Json, Router};
use bellwether_promql::ParseError;
use maud::{Markup, html};
use serde_json::json;

use crate::api_error::{ApiError, Position};
use crate::api_params::Params;
use crate::page::{self, Nav};
use crate::{Shared, assets, url};
use address::{Ask, Tab};

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/explore", get(explore))
        .route("/graph", get(graph))
        .route("/query", get(graph))
        .route("/api/bellwether/v1/check_query", get(check_query).post(check_query))
        .route("/api/bellwether/v1/complete", get(complete::complete).post(complete::complete))
}

/// Lengths of time that one press chooses.
const RANGES: [&str; 7] = ["5m", "15m", "1h", "6h", "24h", "7d", "30d"];

/// Addresses of Prometheus' own page, in links that people kept and in alerts.
async fn graph(RawQuery(query): RawQuery) -> Redirect {
    let ask = Ask::of_prometheus(&url::pairs(&query.unwrap_or_default()));
    Redirect::to(&ask.href())
}

/// What is wrong with a query, all of it. Unlike Prometheus' `parse_query` an answer is no error: somebody is typing.
async fn check_query(request: Request) -> Result<Response, ApiError> {
    let params = Params::of(request).await?;
    let text = params.get("query").unwrap_or_default();
    let problems = bellwether_promql::parse(text).err().unwrap_or_default();
    let problems: Vec<_> = problems
        .iter()
        .map(|error| {
            let Position { line, column, length } = Position::of(text, &error.span);
            json!({ "line": line, "column": column, "length": length, "message": error.message, "help": error.help })
        })
        .collect();
    Ok(Json(json!({ "problems": problems })).into_response())
}

async fn explore(State(app): State<Shared>, RawQuery(query): RawQuery) -> Response {
    let pairs = url::pairs(&query.unwrap_or_default());
    let mut ask = Ask::of(&pairs);
    // A button that changes something leads to the address of what it makes.
    if let Some((_, action)) = pairs.iter().find(|(name, _)| name == "do") {
        ask.act(action, app.now());
        return Redirect::to(&ask.href()).into_response();
    }
    let main = html! {
        link rel="stylesheet" href=(assets::explore_css_href());
        script src=(assets::explore_js_href()) defer {}
        h1 { "Explore" }
        form #ask method="get" action="/explore" data-still {
            @for (index, expr) in ask.exprs.iter().enumerate() { (panel(&app, &ask, index, expr).await) }
        }
        @if ask.is_empty() { (hint()) }
    };
    page::respond(app.as_ref(), Nav::Explore, "Explore", &main)
}

/// One query and its answer.
async fn panel(app: &Shared, ask: &Ask, index: usize, expr: &str) -> Markup {
    let outcome = result::of(app, ask, index, expr).await;
    let name = if ask.exprs.len() > 1 { format!("PromQL {}", index + 1) } else { "PromQL".to_owned() };
    html! {
        section.panel {
            label for={ "expr" (index) } { (name) }
            (editor(index, expr, outcome.errors.first()))
            p.say #{ "say" (index) } role="status" { @if let Some(error) = outcome.errors.first() { (sentence(error)) } }
            div.acts {
                @if index == 0 { button.go { "Run" } }
                button name="do" value={ "format:" (index) } { "Format" }
                @if ask.exprs.len() > 1 { button name="do" value={ "remove:" (index) } { "Remove" } }
                @if index + 1 == ask.exprs.len() { button name="do" value="add" { "Add a query" } }
            }
            @if index == 0 { (controls(ask, app)) }
            (outcome.shown)
        }
    }
}

/// The text lies over a copy of itself, in which the mistake is underlined.
fn editor(index: usize, expr: &str, error: Option<&ParseError>) -> Markup {
    let rows = expr.lines().count().clamp(1, 20);
    html! {
        div.editor {
            pre.under aria-hidden="true" { @if let Some(error) = error { (underlined(expr, error)) } @else { (expr) } "\n" }
            textarea id={ "expr" (index) } name="expr" rows=(rows) spellcheck="false" autocapitalize="off"
                autocomplete="off" autocorrect="off" aria-describedby={ "say" (index) } aria-invalid=[error.map(|_| "true")]
                placeholder="rate(http_requests_total[5m])" { "\n" (expr) }
        }
    }
}

fn underlined(text: &str, error: &ParseError) -> Markup {
    let boundary = |n: usize| (0..=n.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
    let (start, end) = (boundary(error.span.start), boundary(error.span.end.max(error.span.start)));
    let (before, rest) = text.split_at(start);
    let (wrong, after) = rest.split_at(end - start);
    html! { (before) mark { @if wrong.trim().is_empty() { (wrong) "\u{a0}" } @else { (wrong) } } (after) }
}

/// What is wrong, and what to write instead.
fn sentence(error: &ParseError) -> Markup {
    html! { b.bad { "▲ " (error.message) } @if let Some(help) = &error.help { "; " (help) } }
}

fn controls(ask: &Ask, app: &Shared) -> Markup {
    let (range, step) = (ask.range(), ask.step());
    html! {
        div.time role="group" aria-label="Time" {
            div.tabs {
                @for tab in Tab::ALL {
                    button name="do" value={ "tab:" (tab.word()) } aria-pressed=(tab == ask.tab) { (tab.title()) }
                }
            }
            div.tabs {
                button name="do" value="earlier" aria-label="Earlier" { "◀" }
                button name="do" value="now" aria-pressed=(ask.end_text.is_empty()) { "Now" }
                button name="do" value="later" aria-label="Later" disabled[ask.end_text.is_empty()] { "▶" }
            }
            div.tabs {
                @for shortcut in RANGES {
                    button name="do" value={ "range:" (shortcut) } aria-pressed=(shortcut.parse() == Ok(range)) { (shortcut) }
                }
            }
            details open[!ask.end_text.is_empty() || !ask.step_text.is_empty()] {
                summary { (ask.span_text(app.now())) }
                div.fields {
                    label { "Length" input name="range" value=(ask.range_text) placeholder=(range) autocapitalize="off"; }
                    label { "End" input name="end" value=(ask.end_text) placeholder="now" autocapitalize="off"; }
                    label { "Step" input name="step" value=(ask.step_text) placeholder={ "auto: " (step) } autocapitalize="off"; }
                }
            }
            input type="hidden" name="tab" value=(ask.tab.word());
        }
        @for problem in ask.problems() { p.note.bad role="alert" { "▲ " (problem) } }
    }
}

fn hint() -> Markup {
    html! {
        p.dim { "Try one of these:" }
        ul {
            @for example in ["up", "sum by (job) (up)", "topk(5, count by (__name__) ({__name__=~\".+\"}))"] {
                li { a.mono href={ "/explore?expr=" (url::encode(example, "")) } { (example) } }
            }
        }
    }
}
