//! The answer to a query: remarks, graph, table.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use bellwether_model::{Labels, TimeDelta, TimeRange, Timestamp};
use bellwether_promql::{
    Annotation, Evaluated, Kind, ParseError, RangeSeries, RangeSpec, SampleValue, Value,
};
use maud::{Markup, html};

use super::address::{Ask, Tab};
use super::exemplars::{self, Exemplars, OfSeries};
use crate::api_error::ApiError;
use crate::queries::{Ask as Question, QueryError, When};
use crate::svg::{self, Line, LineChart, Unit};
use crate::{Shared, api_json, digits, parts};

/// Rows shown of a long answer.
const ROWS_MAX: usize = 500;
/// Samples shown of a range vector.
const SAMPLES_MAX: usize = 5;

/// What came of a query.
pub(super) struct Outcome {
    /// Why it cannot be read, which is shown where it stands.
    pub(super) errors: Vec<ParseError>,
    /// Everything below it.
    pub(super) shown: Markup,
}

pub(super) async fn of(app: &Shared, ask: &Ask, index: usize, expr: &str) -> Outcome {
    let nothing = |errors| Outcome { errors, shown: html! {} };
    if expr.is_empty() {
        return nothing(Vec::new());
    }
    let parsed = match bellwether_promql::parse(expr) {
        Ok(parsed) => parsed,
        Err(errors) => return Outcome { shown: further(expr, &errors), errors },
    };
    let (now, range) = (app.now(), ask.range_spec(app.now()));
    let missing = Mutex::new(BTreeSet::new());
    let run = async |when| {
        let answered = app.queries().run(app.source(), Question::new(expr, when)).await;
        answered.map(|answered| {
            missing.lock().unwrap_or_else(PoisonError::into_inner).extend(answered.missing);
            answered.evaluated
        })
    };
    let has_graph = matches!(parsed.result(), Kind::Scalar | Kind::Vector);
    let over = match ask.tab {
        Tab::Both | Tab::Graph if has_graph => Some(run(When::Over(range)).await),
        Tab::Both | Tab::Graph | Tab::Table => None,
    };
    let events = match &over {
        Some(Ok(_)) => exemplars::of(app, &parsed, TimeRange::new(range.start, range.end)).await,
        Some(Err(_)) | None => Vec::new(),
    };
    let at = match ask.tab {
        Tab::Both | Tab::Table => Some(run(When::At(ask.end(now))).await),
        Tab::Graph => None,
    };
    let remarks = merged([over.as_ref(), at.as_ref()].into_iter().flatten().filter_map(|r| r.as_ref().ok()));
    let is_told = matches!(&over, Some(Err(_)));
    let shown = html! {
        (notes(&remarks, expr))
        @for sentence in missing.into_inner().unwrap_or_else(PoisonError::into_inner) {
            p.note.bad role="alert" { "▲ " (sentence) }
        }
        @match over {
            Some(Ok(Evaluated { value: Value::Matrix(series), .. })) => (graph(index, expr, series, range, events, now)),
            Some(Ok(_)) => {},
            Some(Err(error)) => (refusal(error, expr)),
            None if ask.tab == Tab::Graph => { p.note { "A " (parsed.result().as_str()) " has no graph; its samples are in the table." } },
            None => {},
        }
        @match at {
            Some(Ok(evaluated)) => (table(&evaluated.value, now)),
            // The same reason need not be read twice.
            Some(Err(error)) if !is_told => (refusal(error, expr)),
            Some(Err(_)) | None => {},
        }
    };
    Outcome { errors: Vec::new(), shown }
}

/// Mistakes after the first, which alone is underlined in place.
fn further(expr: &str, errors: &[ParseError]) -> Markup {
    html! {
        @for error in errors.iter().skip(1) {
            div.note.bad {
                p { "▲ " (error.message) }
                pre { (super::underlined(expr, error)) }
                @if let Some(help) = &error.help { p { (help) } }
            }
        }
    }
}

fn refusal(error: QueryError, expr: &str) -> Markup {
    html! { p.note.bad role="alert" { "▲ " (ApiError::of_query(error, expr)) } }
}

/// Warnings and infos, each once.
fn merged<'a>(answers: impl Iterator<Item = &'a Evaluated>) -> (Vec<Annotation>, Vec<Annotation>) {
    let (mut warnings, mut infos) = (Vec::<Annotation>::new(), Vec::<Annotation>::new());
    for answer in answers {
        for (into, from) in [(&mut warnings, &answer.warnings), (&mut infos, &answer.infos)] {
            for note in from {
                if !into.contains(note) {
                    into.push(note.clone());
                }
            }
        }
    }
    (warnings, infos)
}

fn notes((warnings, infos): &(Vec<Annotation>, Vec<Annotation>), text: &str) -> Markup {
    html! {
        @for note in warnings { p.note.warn { "◆ Warning: " (note.with_position(text)) } }
        @for note in infos { p.note { "○ Note: " (note.with_position(text)) } }
    }
}

fn line(series: &RangeSeries, step: TimeDelta) -> Line {
    Line::through(series.labels.to_string(), series.points.iter().map(|point| (point.at, point.value)), step)
}

fn graph(
    index: usize,
    title: &str,
    series: Vec<RangeSeries>,
    range: RangeSpec,
    events: Vec<OfSeries>,
    now: Timestamp,
) -> Markup {
    let histograms = series.iter().filter(|s| !s.histograms.is_empty()).count();
    let series: Vec<RangeSeries> = series.into_iter().filter(|s| !s.points.is_empty()).collect();
    let total = series.len();
    let lines: Vec<Line> = series.iter().take(svg::LINES_MAX).map(|s| line(s, range.step)).collect();
    let names: Vec<Labels> = series.iter().take(svg::LINES_MAX).map(|s| s.labels.clone()).collect();
    let shown = TimeRange::new(range.start, range.end);
    let events = Exemplars::on(events, &lines, &names, shown);
    let chart = LineChart {
        id: format!("graph{index}"),
        title: title.to_owned(),
        unit: Unit::Plain,
        range: shown,
        lines,
        levels: Vec::new(),
        include: None,
        gaps: Vec::new(),
        marks: Vec::new(),
        step: Some(range.step),
    };
    html! {
        @if histograms > 0 {
            p.note { "○ Note: " (parts::plural(histograms, "series")) " of native histograms cannot be drawn as a line; ask for histogram_quantile(0.99, …), histogram_avg(…) or histogram_count(…)." }
        }
        @if total > 0 {
            @let keys = if events.dots.is_empty() { "Graph; arrow keys read its values" } else { "Graph; arrow keys read its values, with Shift its exemplars" };
            figure.plot tabindex="0" aria-label=(keys) {
                (chart.draw_with(&events.dots))
                p.read role="status" {}
                (legend(index, &chart.lines))
                (events.table(now))
                @if total > svg::LINES_MAX {
                    p.dim.small { "The first " (svg::LINES_MAX) " of " (total) " series are drawn. Ask for fewer: " code { "topk(" (svg::LINES_MAX) ", …)" } }
                }
            }
        } @else if histograms == 0 {
            p.note { "○ No series has a value in this range." }
        }
    }
}

/// Names of the lines, each with its last value; taking a tick away takes the line away.
fn legend(index: usize, lines: &[Line]) -> Markup {
    html! {
        ul.keys {
            @for (number, line) in lines.iter().enumerate() {
                li {
                    label for={ "k" (index) "-" (number) } {
                        input id={ "k" (index) "-" (number) } type="checkbox" checked data-line=(number) autocomplete="off";
                        (svg::swatch(number))
                        span.mono { (line.label) }
                        @if let Some(value) = line.points.iter().rev().find_map(|(_, value)| *value) {
                            span.last { (digits::value(value)) }
                        }
                    }
                }
            }
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
            tbody { @for (series, value) in rows.iter().take(ROWS_MAX) { tr { td.mono { (series) } td.v.mono { (value) } } } }
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
    let newest = |count: usize| count.saturating_sub(SAMPLES_MAX);
    let floats = series.points[newest(series.points.len())..].iter().map(|s| (s.at, exact(s.value)));
    let histograms = series.histograms[newest(series.histograms.len())..].iter();
    let mut both: Vec<_> = floats.chain(histograms.map(|s| (s.at, s.histogram.to_string()))).collect();
    both.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let texts: Vec<_> =
        both.iter().take(SAMPLES_MAX).map(|(at, v)| format!("{v} @ {}", parts::utc(*at, now))).collect();
    let count = series.points.len() + series.histograms.len();
    format!("{count} samples: {}", texts.join(", "))
}
