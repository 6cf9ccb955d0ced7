//! A scenario that was played, as one page in one file: nothing is fetched, and no script runs.

pub mod view;

use bellwether_model::{TimeRange, Timestamp};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::view::{ChartView, LifeView, MessageView, RunView, ScenarioView, VerdictView};
use crate::svg::{Goal, Line, LineChart, Unit};
use crate::{assets, digits};

const CSS: &str = include_str!("../../assets/scenario.css");
/// Marks of the time axis.
const MARKS: i64 = 4;

/// The page.
pub fn page(scenario: &ScenarioView) -> String {
    let good = scenario.runs.iter().filter(|run| run.is_good).count();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (scenario.name) " · Bellwether scenario" }
                style { (PreEscaped(assets::CSS)) (PreEscaped(CSS)) }
            }
            body {
                main {
                    h1 { "Scenario " (scenario.name) }
                    p { (scenario.about) }
                    p.dim { (good) " of " (scenario.runs.len()) " runs as expected" }
                    nav.runs aria-label="Runs" {
                        @for (index, run) in scenario.runs.iter().enumerate() {
                            a.tag.ok[run.is_good].bad[!run.is_good] href={ "#run-" (index) } { (sign(run.is_good)) " " (run.name) }
                        }
                    }
                    @for (index, run) in scenario.runs.iter().enumerate() { (one(index, run)) }
                }
            }
        }
    };
    page.into_string()
}

const fn sign(is_good: bool) -> &'static str {
    if is_good { "✓" } else { "✕" }
}

fn one(index: usize, run: &RunView) -> Markup {
    let met = run.verdicts.iter().filter(|verdict| verdict.holds).count();
    html! {
        section.card.run.ok[run.is_good].bad[!run.is_good] id={ "run-" (index) } {
            h2 { (sign(run.is_good)) " " (run.name) }
            @if !run.about.is_empty() { p { (run.about) } }
            p.dim.small { (met) " of " (run.verdicts.len()) " as expected, " (digits::length(run.range.end - run.range.start)) " long" }
            @if !run.problems.is_empty() { pre.wrap { (run.problems) } }
            (lanes(run))
            @if !run.charts.is_empty() {
                div.charts { @for (place, chart) in run.charts.iter().enumerate() { (figure(index, place, chart, run)) } }
            }
            (verdicts(&run.verdicts))
            @if !run.entries.is_empty() {
                details open[!run.is_good] {
                    summary { "Timeline: " (run.entries.len()) @if run.entries.len() == 1 { " entry" } @else { " entries" } }
                    ol.rows { @for entry in &run.entries {
                        li.when { span.dim { (entry.moment) } b class=(entry.tone) { (entry.word) } span { (entry.text) } }
                    } }
                }
            }
            @if !run.messages.is_empty() {
                details {
                    summary { "Messages: " (run.messages.len()) }
                    @for message in &run.messages { (letter(message)) }
                }
            }
        }
    }
}

fn verdicts(all: &[VerdictView]) -> Markup {
    html! {
        ul.rows {
            @for verdict in all.iter().filter(|verdict| !verdict.holds) {
                li.bad { span.sign aria-hidden="true" { "✕" } "expected " (verdict.expected) "; got: " b { (verdict.got) } }
            }
            @for verdict in all.iter().filter(|verdict| verdict.holds) {
                li.ok {
                    span.sign aria-hidden="true" { "✓" } (verdict.expected)
                    @if !verdict.got.is_empty() { span.dim { " (" (verdict.got) ")" } }
                }
            }
        }
    }
}

fn letter(message: &MessageView) -> Markup {
    html! {
        div.remark {
            p { b { (message.title) } }
            p.dim.small {
                (message.moment) " to " (message.to) ", " (message.reason)
                @if let Some(why) = &message.refused { ", " b.bad { (why) } }
            }
            p.text.small { (message.text) }
        }
    }
}

/// Bars of faults and alerts, and dots for messages, all on one axis of time.
fn lanes(run: &RunView) -> Markup {
    let mut receivers: Vec<&str> = run.messages.iter().map(|message| message.to.as_str()).collect();
    receivers.sort_unstable();
    receivers.dedup();
    let mut names: Vec<&str> = Vec::new();
    for life in &run.alerts {
        if !names.contains(&life.name.as_str()) {
            names.push(&life.name);
        }
    }
    if run.faults.is_empty() && names.is_empty() && receivers.is_empty() {
        return html! {};
    }
    html! {
        div.lanes {
            @for fault in &run.faults {
                div.lane { span { (fault.name) } span.track { i.fault style=(place(run.range, fault.range)) {} } }
            }
            @for name in names {
                div.lane { span { (name) } span.track {
                    (bands(run))
                    @for life in run.alerts.iter().filter(|life| life.name == name) { (bar(run.range, life)) }
                } }
            }
            @for receiver in receivers {
                div.lane { span { (receiver) } span.track {
                    (bands(run))
                    @for message in run.messages.iter().filter(|message| message.to == receiver) { (dot(run.range, message)) }
                } }
            }
            div.lane.axis { span {} span.track { @for n in 0..=MARKS {
                @let at = (run.range.end - run.range.start).0 / MARKS * n;
                b style=(format!("left:{}%", 100 / MARKS * n)) { "+" (digits::length(bellwether_model::TimeDelta(at))) }
            } } }
        }
        p.lane-key {
            span { i.fault {} "fault" } span { i.pending {} "pending" } span { i.firing {} "firing" }
            span { i.told {} "told" } span { i.over {} "told that it is over" }
        }
    }
}

fn bands(run: &RunView) -> Markup {
    html! { @for fault in &run.faults { i.band style=(place(run.range, fault.range)) {} } }
}

fn bar(whole: TimeRange, life: &LifeView) -> Markup {
    html! {
        @if let Some(pending) = life.pending { i.pending style=(place(whole, pending)) title="pending" {} }
        @if let Some(firing) = life.firing { i.firing style=(place(whole, firing)) title="firing" {} }
    }
}

fn dot(whole: TimeRange, message: &MessageView) -> Markup {
    let left = share(whole, message.at);
    let title = format!("{} {}", message.moment, message.title);
    html! { i.msg.over[message.is_over].lost[message.refused.is_some()] style=(format!("left:{left:.2}%")) title=(title) {} }
}

/// Where a stretch of time lies on a track.
fn place(whole: TimeRange, part: TimeRange) -> String {
    let (from, to) = (share(whole, part.start), share(whole, part.end));
    format!("left:{from:.2}%;width:{:.2}%", (to - from).max(0.0))
}

fn share(whole: TimeRange, at: Timestamp) -> f64 {
    let span = (whole.end - whole.start).0.max(1) as f64;
    ((at - whole.start).0 as f64 / span * 100.0).clamp(0.0, 100.0)
}

fn figure(run: usize, index: usize, chart: &ChartView, of: &RunView) -> Markup {
    let drawing = LineChart {
        id: format!("run-{run}-chart-{index}"),
        title: chart.title.clone(),
        unit: if chart.is_ratio { Unit::Percent } else { Unit::Plain },
        range: of.range,
        lines: vec![Line { label: chart.title.clone(), points: chart.points.clone() }],
        levels: chart.level.iter().map(|(at, label)| Goal { at: *at, label: label.clone() }).collect(),
        include: chart.include,
        gaps: of.faults.iter().map(|fault| fault.range).collect(),
        marks: Vec::new(),
        step: None,
    };
    html! { figure { figcaption { (chart.title) } (drawing.draw()) } }
}
