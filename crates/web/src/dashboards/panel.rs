//! One panel: a number, a scale, lines, a table, a heat map. Every drawing has its values as text beside or below it.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_promql::{Annotation, Evaluated, RangeSeries, SampleValue, Value};
use maud::{Markup, html};

use super::ask::{Answer, Shown};
use super::heat::Heat;
use super::unit;
use crate::svg::{self, Goal, Line, LineChart, Mark, Unit};
use crate::url;
use crate::view::{Panel, PanelKind, PanelQuery, PanelTone, PanelUnit};

/// An older value is not what things are like now; as old as PromQL takes a sample to hold.
const STALE: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// Rows of a table.
const ROWS_MAX: usize = 50;

/// A series of any of a panel's queries, with its name.
struct Named {
    name: String,
    labels: Labels,
    points: Vec<(Timestamp, f64)>,
}

pub(super) fn draw(
    index: usize,
    panel: &Panel,
    answers: Vec<Answer>,
    fired: &[Mark],
    shown: Shown,
) -> Markup {
    let mut problems = Vec::new();
    let mut warnings: Vec<String> = Vec::new();
    let mut series = Vec::new();
    let mut buckets = Vec::new();
    for (query, answer) in panel.queries.iter().zip(answers) {
        match answer {
            Err(sentence) => problems.push(sentence),
            Ok(Evaluated { value, warnings: said, .. }) => {
                warnings.extend(said.iter().map(|note: &Annotation| note.with_position(&query.expr)));
                match value {
                    Value::Matrix(found) if panel.kind == PanelKind::Heatmap => buckets.extend(found),
                    value => series.extend(named(query, value, shown)),
                }
            }
        }
    }
    let id = format!("p{index}");
    html! {
        section class={ "panel w" (panel.width) } aria-labelledby={ (id) "-h" } {
            h2 #{ (id) "-h" } { a.plain href=(explore_href(panel, shown)) { (panel.title) } }
            @for problem in &problems { p.note.bad role="alert" { "▲ " (problem) } }
            @for warning in &warnings { p.note.warn { "◆ " (warning) } }
            @match panel.kind {
                PanelKind::Stat => (stat(panel, &series, &id, shown)),
                PanelKind::Gauge => (gauges(panel, &series)),
                PanelKind::Line => (lines(panel, series, &id, fired, shown)),
                PanelKind::Table => (table(panel, &series)),
                PanelKind::Heatmap => (heat(panel, &buckets, &id, shown)),
            }
            @if let Some(about) = &panel.about { p.dim.small { (about) } }
        }
    }
}

/// The page where the same queries can be asked further.
fn explore_href(panel: &Panel, shown: Shown) -> String {
    let exprs = panel.queries.iter().map(|query| format!("expr={}", url::encode(&query.expr, "")));
    let range = shown.range.end - shown.range.start;
    format!("/explore?{}&range={range}", exprs.collect::<Vec<_>>().join("&"))
}

fn named(query: &PanelQuery, value: Value, shown: Shown) -> Vec<Named> {
    let name = |labels: &Labels| match &query.legend {
        Some(legend) => filled(legend, labels),
        None => labels.to_string(),
    };
    let one = |labels: Labels, points| Named { name: name(&labels), labels, points };
    let float = |value: SampleValue| match value {
        SampleValue::Float(value) => Some(value),
        SampleValue::Histogram(_) => None,
    };
    match value {
        Value::Scalar(sample) => vec![one(Labels::empty(), vec![(sample.at, sample.value)])],
        Value::String(_) => Vec::new(),
        Value::Vector(found) => found
            .into_iter()
            .filter_map(|series| Some(one(series.labels, vec![(shown.range.end, float(series.value)?)])))
            .collect(),
        Value::Matrix(found) => found
            .into_iter()
            .map(|series: RangeSeries| {
                one(series.labels, series.points.iter().map(|point| (point.at, point.value)).collect())
            })
            .collect(),
    }
}

/// A legend with labels' values in the places of their names.
fn filled(legend: &str, labels: &Labels) -> String {
    let (mut text, mut rest) = (String::new(), legend);
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((name, behind)) = after.split_once("}}") else {
            text.push_str("{{");
            rest = after;
            break;
        };
        text.push_str(labels.get(name.trim()).unwrap_or_default());
        rest = behind;
    }
    text + rest
}

fn nothing() -> Markup {
    html! { p.dim { "No series has a value here." } }
}

fn tone(panel: &Panel, value: f64) -> &'static str {
    let holds = panel.thresholds.iter().rev().find(|threshold| value >= threshold.from);
    match holds.map(|threshold| threshold.tone) {
        Some(PanelTone::Bad) => "bad",
        Some(PanelTone::Warn) => "warn",
        Some(PanelTone::Ok) => "ok",
        None => "",
    }
}

/// Words for the colour, since colour alone says nothing to some.
fn word(tone: &str) -> &'static str {
    match tone {
        "bad" => "▲ ",
        "warn" => "◆ ",
        "ok" => "✓ ",
        _ => "",
    }
}

fn newest(series: &Named, shown: Shown) -> Option<f64> {
    let recent = shown.range.end - shown.range.step.max(STALE);
    series.points.last().filter(|(at, _)| *at >= recent).map(|(_, value)| *value)
}

fn stat(panel: &Panel, series: &[Named], id: &str, shown: Shown) -> Markup {
    if series.is_empty() {
        return nothing();
    }
    html! {
        @for (number, one) in series.iter().take(svg::LINES_MAX).enumerate() {
            @let value = newest(one, shown);
            @let tone = value.map_or("", |value| tone(panel, value));
            p.stat {
                @if series.len() > 1 || panel.queries.len() > 1 { span.dim { (one.name) " " } }
                b class=(tone) {
                    @match value { Some(value) => { (word(tone)) (unit::text(value, panel.unit)) }, None => "no value now" }
                }
            }
            @if number == 0 && one.points.len() > 2 { (spark(one, id, shown, panel)) }
        }
    }
}

/// The past of a number, without axes.
fn spark(series: &Named, id: &str, shown: Shown, panel: &Panel) -> Markup {
    let range = shown.time_range();
    let finite = || series.points.iter().filter(|(_, value)| value.is_finite());
    let low = finite().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let high = finite().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
    let span = (range.end.0 - range.start.0).max(1) as f64;
    let place = |(at, value): &(Timestamp, f64)| {
        let x = (at.0 - range.start.0) as f64 / span * 360.0;
        let y = if high > low { 36.0 - (value - low) / (high - low) * 32.0 } else { 20.0 };
        format!("{:.1} {:.1}", x, y)
    };
    let path = finite().map(place).collect::<Vec<_>>().join("L");
    let title =
        format!("{}, from {} to {}", panel.title, unit::text(low, panel.unit), unit::text(high, panel.unit));
    html! {
        svg.chart.spark viewBox="0 0 360 40" preserveAspectRatio="none" role="img" aria-labelledby={ (id) "-s" } {
            title #{ (id) "-s" } { (title) }
            @if !path.is_empty() { path.s0 d={ "M" (path) } {} }
        }
    }
}

fn gauges(panel: &Panel, series: &[Named]) -> Markup {
    if series.is_empty() {
        return nothing();
    }
    html! {
        div.gauges { @for one in series.iter().take(svg::LINES_MAX) {
            @if let Some((_, value)) = one.points.last() { (gauge(panel, one, *value)) }
        } }
    }
}

/// A half circle, filled as far as the value reaches.
fn gauge(panel: &Panel, series: &Named, value: f64) -> Markup {
    let low = panel.min.unwrap_or(0.0);
    let usual = match panel.unit {
        PanelUnit::Percent => 100.0,
        PanelUnit::Ratio => 1.0,
        _ => value.abs().max(f64::MIN_POSITIVE) * 1.25,
    };
    let high = panel.max.unwrap_or(usual);
    let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
    // The arc's length is half the circumference of a circle of radius 40.
    let whole = std::f64::consts::PI * 40.0;
    let tone = tone(panel, value);
    html! {
        figure.gauge {
            svg.chart viewBox="0 0 100 58" aria-hidden="true" {
                path.track d="M10 52A40 40 0 0 1 90 52" {}
                path class={ "fill " (tone) } d="M10 52A40 40 0 0 1 90 52" stroke-dasharray={ (format!("{:.1}", share * whole)) " 999" } {}
            }
            figcaption {
                b class=(tone) { (word(tone)) (unit::text(value, panel.unit)) }
                span.dim.small { " of " (unit::text(low, panel.unit)) " to " (unit::text(high, panel.unit)) }
                @if !series.name.is_empty() && series.name != "{}" { br; span.small { (series.name) } }
            }
        }
    }
}

fn lines(panel: &Panel, series: Vec<Named>, id: &str, fired: &[Mark], shown: Shown) -> Markup {
    if series.is_empty() {
        return nothing();
    }
    let total = series.len();
    let last = |one: &Named| newest(one, shown);
    let legend: Vec<(String, Option<f64>)> =
        series.iter().take(svg::LINES_MAX).map(|one| (one.name.clone(), last(one))).collect();
    let chart = LineChart {
        id: id.to_owned(),
        title: panel.title.clone(),
        unit: if panel.unit == PanelUnit::Ratio { Unit::Percent } else { Unit::Plain },
        range: shown.time_range(),
        lines: series
            .into_iter()
            .take(svg::LINES_MAX)
            .map(|one| Line::through(one.name, one.points, shown.range.step))
            .collect(),
        levels: panel.levels.iter().map(|(at, label)| Goal { at: *at, label: label.clone() }).collect(),
        include: panel.min.or(panel.max),
        gaps: Vec::new(),
        marks: fired.to_vec(),
        step: Some(shown.range.step),
    };
    html! {
        figure.plot tabindex="0" aria-label={ (panel.title) "; arrow keys read its values" } {
            (chart.draw())
            p.read role="status" {}
            ul.legend { @for (number, (name, value)) in legend.iter().enumerate() {
                li { (svg::swatch(number)) (name) " " b { (value.map_or_else(|| "–".to_owned(), |value| unit::text(value, panel.unit))) } }
            } }
            @if !fired.is_empty() { p.dim.small { "Alerts that fired: " (fired_names(fired)) } }
            @if total > svg::LINES_MAX { p.dim.small { "The first " (svg::LINES_MAX) " of " (total) " series." } }
        }
    }
}

/// The bars at the upper edge in words: each alert once, with how often.
fn fired_names(fired: &[Mark]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for mark in fired {
        *counts.entry(mark.label.split(" fired from").next().unwrap_or_default()).or_default() += 1;
    }
    let name = |(name, count): (&str, usize)| {
        if count > 1 { format!("{name} ({count} times)") } else { name.to_owned() }
    };
    counts.into_iter().map(name).collect::<Vec<_>>().join(", ")
}

fn table(panel: &Panel, series: &[Named]) -> Markup {
    if series.is_empty() {
        return nothing();
    }
    let mut rows: Vec<(&Named, f64)> =
        series.iter().filter_map(|one| Some((one, one.points.last()?.1))).collect();
    rows.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    let has_legend = panel.queries.iter().all(|query| query.legend.is_some());
    let mut names: Vec<String> = Vec::new();
    for (one, _) in &rows {
        for (name, _) in one.labels.iter().filter(|_| !has_legend) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    html! {
        div.scroll { table {
            thead { tr {
                @if has_legend { th scope="col" { "Series" } }
                @for name in &names { th scope="col" { (name) } }
                th.n scope="col" { "Value" }
            } }
            tbody { @for (one, value) in rows.iter().take(ROWS_MAX) {
                @let tone = tone(panel, *value);
                tr {
                    @if has_legend { td { (one.name) } }
                    @for name in &names { td.mono { (one.labels.get(name).unwrap_or_default()) } }
                    td.n class=(tone) { (word(tone)) (unit::text(*value, panel.unit)) }
                }
            } }
        } }
        @if rows.len() > ROWS_MAX { p.dim.small { "The first " (ROWS_MAX) " of " (rows.len()) "." } }
    }
}

fn heat(panel: &Panel, buckets: &[RangeSeries], id: &str, shown: Shown) -> Markup {
    let Some(heat) = Heat::of(buckets) else {
        return html! { p.dim { "No series with the label " code { "le" } " has a value here." } };
    };
    html! {
        figure.plot { (heat.draw(&format!("{id}-t"), &panel.title, shown, panel.unit)) }
        details { summary.small { "The newest column as numbers" }
            table { tbody { @for (bound, count) in heat.newest(panel.unit) {
                tr { th scope="row" { (bound) } td.n { (crate::digits::value(count)) } }
            } } }
        }
    }
}
