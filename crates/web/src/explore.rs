//! Ask the stored series anything: the query with its mistakes underlined, the answer as a graph and as a table.
//! Everything is in the address.

use axum::extract::{Query, State};
use axum::response::Response;
use bellwether_model::{Sample, TimeDelta, TimeRange, Timestamp};
use bellwether_promql::{Evaluated, ParseError, RangeSeries, RangeSpec, SampleValue, Value};
use maud::{Markup, html};
use serde::Deserialize;

use crate::api_error::ApiError;
use crate::page::{self, Nav};
use crate::queries::{Ask as Question, QueryError, When};
use crate::svg::{self, Line, LineChart, Unit};
use crate::{Shared, api_json, api_params, parts};

/// Rows shown of a long answer.
const ROWS_MAX: usize = 500;
/// Points of a graph.
const POINTS: i64 = 120;

const RANGES: [&str; 6] = ["5m", "1h", "6h", "24h", "7d", "30d"];

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    expr: String,
    range: String,
    /// The moment of the table and the end of the graph; empty for now.
    at: String,
}

pub(crate) async fn explore(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let answer = if ask.expr.trim().is_empty() { hint() } else { answer(&app, &ask).await };
    let main = html! {
        h1 { "Explore" }
        (form(&ask))
        (answer)
    };
    page::respond(app.as_ref(), Nav::Explore, "Explore", &main)
}

fn form(ask: &Ask) -> Markup {
    let range = if ask.range.is_empty() { "1h" } else { &ask.range };
    html! {
        form.form method="get" action="/explore" {
            label { "PromQL" textarea name="expr" rows="2" spellcheck="false" autocapitalize="off" autocomplete="off" { (ask.expr) } }
            div.acts {
                label { "Graph over" select name="range" { @for r in RANGES { option value=(r) selected[r == range] { (r) } } } }
                @if !ask.at.is_empty() { input type="hidden" name="at" value=(ask.at); }
                button.go { "Run" }
            }
        }
    }
}

fn hint() -> Markup {
    html! {
        p.dim { "Try one of these:" }
        ul {
            @for example in ["up", "sum by (job) (up)", "topk(5, count by (__name__) ({__name__=~\".+\"}))"] {
                li { a.mono href={ "/explore?expr=" (crate::url::encode(example, "")) } { (example) } }
            }
        }
    }
}

async fn answer(app: &Shared, ask: &Ask) -> Markup {
    let at = match ask.at.as_str() {
        "" => app.now(),
        text => match api_params::time(text) {
            Some(at) => at,
            None => {
                return html! { p.note.bad role="alert" { "▲ " (text) " is not a time; write RFC 3339 or seconds since 1970" } };
            }
        },
    };
    let length =
        ask.range.parse::<TimeDelta>().unwrap_or(TimeDelta::HOUR).0.clamp(60_000, 366 * TimeDelta::DAY.0);
    let step = TimeDelta((length / POINTS).max(1000) / 1000 * 1000);
    let range = RangeSpec { start: (at - TimeDelta(length)).ceil_to(step), end: at.floor_to(step), step };
    let run = |when| app.queries().run(app.source(), Question::new(ask.expr.clone(), when));
    match run(When::At(at)).await {
        Err(QueryError::Syntax(errors)) => html! { @for error in &errors { (underlined(&ask.expr, error)) } },
        Err(error) => html! { p.note.bad role="alert" { "▲ " (ApiError::of_query(error, &ask.expr)) } },
        Ok(now) => {
            let now = now.evaluated;
            let over = run(When::Over(range)).await.ok().map(|over| over.evaluated);
            html! {
                (notes(&now, &ask.expr))
                @if let Some(Value::Matrix(series)) = over.map(|o| o.value) { (graph(&ask.expr, series, range)) }
                (table(&now.value, app.now()))
            }
        }
    }
}

/// The query with the mistake underlined, what is wrong with it, and what to write instead.
fn underlined(text: &str, error: &ParseError) -> Markup {
    let boundary = |n: usize| (0..=n.min(text.len())).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
    let (start, end) = (boundary(error.span.start), boundary(error.span.end.max(error.span.start)));
    let (before, rest) = text.split_at(start);
    let (wrong, after) = rest.split_at(end - start);
    html! {
        div.note.bad role="alert" {
            p { "▲ " (error.message) }
            pre { (before) mark { @if wrong.trim().is_empty() { " ␣" } @else { (wrong) } } (after) }
            @if let Some(help) = &error.help { p { (help) } }
        }
    }
}

fn notes(evaluated: &Evaluated, text: &str) -> Markup {
    html! {
        @for note in &evaluated.warnings { p.note.warn { "◆ " (note.with_position(text)) } }
        @for note in &evaluated.infos { p.note { (note.with_position(text)) } }
    }
}

/// Points further apart than a step are not joined.
fn line(series: RangeSeries, range: RangeSpec) -> Line {
    let mut points = Vec::with_capacity(series.points.len());
    let mut previous: Option<Timestamp> = None;
    for Sample { at, value } in series.points {
        if let Some(before) = previous.filter(|before| (at - *before) > range.step) {
            points.push((before + range.step, None));
        }
        points.push((at, Some(value)));
        previous = Some(at);
    }
    Line { label: series.labels.to_string(), points }
}

fn graph(title: &str, series: Vec<RangeSeries>, range: RangeSpec) -> Markup {
    if series.is_empty() {
        return html! {};
    }
    let total = series.len();
    let lines: Vec<Line> = series.into_iter().take(svg::LINES_MAX).map(|s| line(s, range)).collect();
    let chart = LineChart {
        id: "graph",
        title: title.to_owned(),
        unit: Unit::Plain,
        range: TimeRange::new(range.start, range.end),
        lines,
        goal: None,
        include: None,
        gaps: Vec::new(),
    };
    html! {
        figure.wide {
            figcaption.mono { (title) }
            (chart.draw())
            (svg::legend(&chart.lines))
            @if total > svg::LINES_MAX { p.dim.small { "The first " (svg::LINES_MAX) " of " (total) " series are drawn." } }
        }
    }
}

fn table(value: &Value, now: Timestamp) -> Markup {
    let rows: Vec<(String, String)> = match value {
        Value::Scalar(sample) => vec![("scalar".to_owned(), exact(sample.value))],
        Value::String(text) => vec![("string".to_owned(), text.clone())],
        Value::Vector(series) => series.iter().map(|s| (s.labels.to_string(), shown(&s.value))).collect(),
        Value::Matrix(series) => series.iter().map(|s| (s.labels.to_string(), window(s, now))).collect(),
    };
    if rows.is_empty() {
        return parts::empty(
            "No series has a value at this moment",
            html! {
                "See what there is: " a.mono href="/explore?expr=count+by+(__name__)+({__name__%3D~%22.%2B%22})" { "count by (__name__) (…)" }
            },
        );
    }
    html! {
        h2 { (parts::plural(rows.len(), "result")) }
        div.scroll { table {
            thead { tr { th scope="col" { "Series" } th.n scope="col" { "Value" } } }
            tbody { @for (series, value) in rows.iter().take(ROWS_MAX) { tr { td.mono { (series) } td.n.mono { (value) } } } }
        } }
        @if rows.len() > ROWS_MAX { p.dim { "The first " (ROWS_MAX) " of " (rows.len()) "." } }
    }
}

fn exact(value: f64) -> String {
    let mut text = String::new();
    api_json::number(&mut text, value);
    text
}

fn shown(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(value) => exact(*value),
        SampleValue::Histogram(histogram) => histogram.to_string(),
    }
}

/// A range vector's samples, the newest few.
fn window(series: &RangeSeries, now: Timestamp) -> String {
    let newest = |count: usize| count.saturating_sub(5);
    let floats = series.points[newest(series.points.len())..].iter().map(|s| (s.at, exact(s.value)));
    let histograms = series.histograms[newest(series.histograms.len())..].iter();
    let mut both: Vec<_> = floats.chain(histograms.map(|s| (s.at, s.histogram.to_string()))).collect();
    both.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let texts: Vec<_> =
        both.iter().take(5).map(|(at, v)| format!("{v} @ {}", parts::utc(*at, now))).collect();
    let count = series.points.len() + series.histograms.len();
    format!("{count} samples: {}", texts.join(", "))
}
