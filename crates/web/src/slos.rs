//! All objectives in one table. Filter and order are in the address, so that a view can be sent to somebody.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::response::Response;
use bellwether_model::Timestamp;
use bellwether_slo::{BurnAlertState, Measurement, SloStatus, StreamStatus, ThresholdStatus};
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::{Shared, digits, url};

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    q: String,
    sort: String,
}

/// By what the table is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Name,
    Sli,
    Burn,
    Left,
    Ends,
}

impl Sort {
    fn from_text(text: &str) -> Self {
        match text {
            "name" => Self::Name,
            "sli" => Self::Sli,
            "left" => Self::Left,
            "ends" => Self::Ends,
            // What burns now comes before what burnt last week.
            _ => Self::Burn,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Sli => "sli",
            Self::Burn => "burn",
            Self::Left => "left",
            Self::Ends => "ends",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Name => "Objective",
            Self::Sli => "Now / goal",
            Self::Burn => "Burn",
            Self::Left => "Budget left",
            Self::Ends => "Ends",
        }
    }
}

pub(crate) async fn slos(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let slos = app.slos();
    let sort = Sort::from_text(&ask.sort);
    let mut shown: Vec<_> = slos.iter().filter(|slo| passes(slo, &ask.q)).collect();
    shown.sort_by(|a, b| order(sort, a, b).then_with(|| a.id.cmp(&b.id)));
    let main = html! {
        h1 { "Objectives" }
        @if slos.is_empty() {
            (parts::empty("There are no objectives", html! {
                "Write one under " code { "slos:" } " in the configuration, check it with "
                (parts::command("bellwether check bellwether.yml")) ", then reload."
            }))
        } @else {
            (counts(&slos))
            (filters(&ask))
            @if shown.is_empty() {
                (parts::empty("No objective matches", html! { a href="/slos" { "Show all " (slos.len()) } }))
            } @else {
                (table(&shown, sort, &ask.q, app.now()))
            }
        }
    };
    page::respond(app.as_ref(), Nav::Slos, "Objectives", &main)
}

/// Every word has to occur somewhere in what the objective says of itself.
fn passes(slo: &SloStatus, q: &str) -> bool {
    let text = [
        &slo.id,
        &slo.display_name,
        &slo.owner,
        &slo.description,
        &slo.criticality,
        &slo.period_text,
        &slo.dialect,
        state(slo).1,
    ];
    let text = text.join(" ").to_lowercase();
    q.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

fn first(slo: &SloStatus) -> Option<&StreamStatus> {
    slo.streams.first()
}

/// The burn over the shortest window.
fn burn(slo: &SloStatus) -> Option<f64> {
    first(slo)?.burns.first()?.burn_rate
}

/// Worst first, and what is not known last.
fn order(sort: Sort, a: &SloStatus, b: &SloStatus) -> Ordering {
    let left = |slo: &SloStatus| {
        first(slo).and_then(|s| s.budget).map_or(f64::INFINITY, |b| b.left_of_period_ratio())
    };
    let sli = |slo: &SloStatus| first(slo).and_then(|s| s.total.sli_ratio).unwrap_or(f64::INFINITY);
    let ends = |slo: &SloStatus| first(slo).and_then(|s| s.exhaustion).map_or(Timestamp::MAX, |e| e.earliest);
    match sort {
        Sort::Name => a.id.cmp(&b.id),
        Sort::Sli => sli(a).total_cmp(&sli(b)),
        Sort::Burn => burn(b).unwrap_or(-1.0).total_cmp(&burn(a).unwrap_or(-1.0)),
        Sort::Left => left(a).total_cmp(&left(b)),
        Sort::Ends => ends(a).cmp(&ends(b)),
    }
}

/// How many are in which state; each leads to those.
fn counts(slos: &[SloStatus]) -> Markup {
    let mut counts: BTreeMap<(Tone, &str), usize> = BTreeMap::new();
    for slo in slos {
        *counts.entry(state(slo)).or_default() += 1;
    }
    html! {
        p.row {
            span.dim { (parts::plural(slos.len(), "objective")) }
            @for ((tone, word), count) in counts {
                a.plain href={ "/slos?q=" (url::encode(word, "")) } { (parts::tag(tone, &format!("{count} {word}"))) }
            }
        }
    }
}

fn filters(ask: &Ask) -> Markup {
    html! {
        form.filters method="get" action="/slos" role="search" {
            label { "Filter" input type="search" name="q" value=(ask.q) placeholder="name, team, burning …"; }
            input type="hidden" name="sort" value=(Sort::from_text(&ask.sort).as_str());
            button { "Filter" }
        }
    }
}

fn table(slos: &[&SloStatus], sort: Sort, q: &str, now: Timestamp) -> Markup {
    html! {
        div.scroll {
            table.stack {
                thead { tr {
                    (heading(Sort::Name, sort, q))
                    th scope="col" { "State" }
                    (heading(Sort::Sli, sort, q)) (heading(Sort::Left, sort, q))
                    (heading(Sort::Burn, sort, q)) (heading(Sort::Ends, sort, q))
                    th scope="col" { "Owner" }
                } }
                tbody { @for slo in slos { (row(slo, now)) } }
            }
        }
    }
}

fn heading(column: Sort, present: Sort, q: &str) -> Markup {
    let query = if q.is_empty() { String::new() } else { format!("&q={}", url::encode(q, "")) };
    let direction = if matches!(column, Sort::Burn) { "descending" } else { "ascending" };
    html! {
        th scope="col" aria-sort=[(column == present).then_some(direction)] {
            a href={ "/slos?sort=" (column.as_str()) (query) } {
                (column.title()) @if column == present { span aria-hidden="true" { " ↓" } }
            }
        }
    }
}

/// Whether an alert on what is left of a budget fires.
fn is_low(slo: &SloStatus) -> bool {
    let alerts = slo.streams.iter().flat_map(|stream| &stream.budget_alerts);
    alerts.into_iter().any(|alert| alert.state == BurnAlertState::Firing)
}

/// An objective's state in one word.
pub(crate) fn state(slo: &SloStatus) -> (Tone, &'static str) {
    if let Some(threshold) = &slo.threshold {
        return match threshold.passes {
            Some(true) => (Tone::Ok, "met"),
            Some(false) => (Tone::Bad, "missed"),
            None => (Tone::Warn, "not measured"),
        };
    }
    let Some(stream) = first(slo) else { return (Tone::Warn, "not measured") };
    let spent = stream.budget.is_some_and(|b| b.left_of_period_ratio() <= 0.0);
    match stream.measurement {
        Measurement::Unmeasured | Measurement::Unknown => (Tone::Warn, "not measured"),
        Measurement::Complete | Measurement::Partial if slo.streams.iter().any(parts::is_burning) => {
            (Tone::Bad, "burning")
        }
        Measurement::Complete | Measurement::Partial if spent => (Tone::Bad, "budget gone"),
        Measurement::Complete | Measurement::Partial if is_low(slo) => (Tone::Warn, "budget low"),
        Measurement::Partial => (Tone::Quiet, "partly measured"),
        // Faster than it comes back, but not fast enough for any alert.
        Measurement::Complete if stream.exhaustion.is_some() => (Tone::Quiet, "spending"),
        Measurement::Complete => (Tone::Ok, "healthy"),
    }
}

fn row(slo: &SloStatus, now: Timestamp) -> Markup {
    let (tone, word) = state(slo);
    let stream = first(slo);
    let budget = stream.and_then(|s| s.budget);
    html! {
        tr {
            th.w scope="row" {
                a href=(parts::slo_href(&slo.id)) { (slo.id) }
                @if !slo.display_name.is_empty() { div.small { (slo.display_name) } }
                @if !slo.description.is_empty() { div.dim.small { (slo.description) } }
            }
            td { (parts::tag(tone, word)) }
            td data-k="Now / goal" {
                @match &slo.threshold {
                    Some(threshold) => { (threshold_value(threshold)) " " span.dim { "asked for " (threshold_bound(threshold)) } }
                    None => { (sli_text(slo, stream)) " " span.dim { "of " (slo.goal_text) } }
                }
            }
            td data-k="Budget left" {
                @match &budget {
                    Some(budget) => { (parts::budget_text(budget)) (parts::budget_bar(Some(budget))) }
                    None if slo.threshold.is_some() => { span.dim { "not applicable" } }
                    None => { span.dim { "unknown" } }
                }
            }
            td data-k="Burn" {
                @match burn(slo) {
                    Some(rate) => { (digits::burn(rate, &[1.0])) " " span.dim { (shortest_window(stream)) } }
                    None if slo.threshold.is_some() => { span.dim { "not applicable" } }
                    None => { span.dim { "unknown" } }
                }
            }
            td data-k="Ends" {
                @if slo.threshold.is_some() { span.dim { "not applicable" } } @else { (ends(stream, now)) }
            }
            td data-k="Owner" {
                @if slo.owner.is_empty() { span.dim { "none" } } @else { (slo.owner) }
                @if !slo.criticality.is_empty() { div.dim.small { (slo.criticality) " criticality" } }
            }
        }
    }
}

/// The value of a threshold without a goal.
pub(crate) fn threshold_value(threshold: &ThresholdStatus) -> String {
    threshold.value.map_or("no value".to_owned(), digits::value)
}

/// What it asks of the value.
pub(crate) fn threshold_bound(threshold: &ThresholdStatus) -> String {
    format!("{} {}", threshold.op, digits::value(threshold.bound))
}

/// The share of good events over the period.
pub(crate) fn sli_text(slo: &SloStatus, stream: Option<&StreamStatus>) -> String {
    let ratio = stream.and_then(|s| s.total.sli_ratio);
    ratio.map_or("no events".to_owned(), |ratio| digits::percent(ratio, slo.goal_ratio.as_slice()))
}

fn shortest_window(stream: Option<&StreamStatus>) -> String {
    stream.and_then(|s| s.burns.first()).map(|w| format!("over {}", w.window)).unwrap_or_default()
}

fn ends(stream: Option<&StreamStatus>, now: Timestamp) -> Markup {
    let gone = stream.and_then(|s| s.budget).is_some_and(|b| b.left_of_period_ratio() <= 0.0);
    let end = stream.and_then(|s| s.exhaustion);
    html! {
        @if gone { b.bad { "gone" } }
        @else if let Some(end) = end { (parts::relative(end.earliest, now)) }
        @else if stream.is_none_or(|s| s.budget.is_none()) { span.dim { "unknown" } }
        @else { span.dim { "not in sight" } }
    }
}
