//! How alerts and receivers served: which alerts cry wolf, which nobody takes in time, which receivers are slow. Range
//! and order are in the address; every bar stands beside its number.

use std::cmp::Ordering;

use axum::extract::{Query, State};
use axum::response::Response;
use bellwether_model::{TimeDelta, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{AlertStatistics, ReceiverStatistics, StatisticsView};
use crate::{Shared, deliveries, digits, url};

/// Rows of a table; the API has all.
const ROWS: usize = 100;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    within: String,
    sort: String,
    receivers: String,
}

const RANGES: [(&str, &str); 5] =
    [("1d", "a day"), ("7d", "a week"), ("", "30 days"), ("90d", "90 days"), ("400d", "400 days")];
const USUAL: TimeDelta = TimeDelta(30 * TimeDelta::DAY.0);

impl Ask {
    fn within(&self) -> TimeDelta {
        let known = RANGES.iter().any(|(text, _)| *text == self.within);
        self.within.parse().ok().filter(|_| known).unwrap_or(USUAL)
    }

    fn href(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut ask = self.clone();
        change(&mut ask);
        let fields = [("within", &ask.within), ("sort", &ask.sort), ("receivers", &ask.receivers)];
        url::with_query("/statistics", &fields)
    }
}

/// A column that a table can be ordered by: its word in the address, its title, and which row comes first.
struct Column<T> {
    word: &'static str,
    title: &'static str,
    order: fn(&T, &T) -> Ordering,
}

/// The largest first; what is unknown last.
fn falling<K: PartialOrd>(a: Option<K>, b: Option<K>) -> Ordering {
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}

const ALERTS: [Column<AlertStatistics>; 7] = [
    Column { word: "name", title: "Alert", order: |a, b| a.alertname.cmp(&b.alertname) },
    Column { word: "fired", title: "Fired", order: |a, b| b.fired.cmp(&a.fired) },
    Column {
        word: "false",
        title: "False positives",
        order: |a, b| {
            falling(a.false_positive_ratio, b.false_positive_ratio)
                .then(b.false_positives.cmp(&a.false_positives))
        },
    },
    Column { word: "ack", title: "Time to ack", order: |a, b| falling(a.ack_p50, b.ack_p50) },
    Column {
        word: "late",
        title: "In time",
        order: |a, b| {
            falling(a.ack_in_time_ratio.map(|ratio| -ratio), b.ack_in_time_ratio.map(|ratio| -ratio))
        },
    },
    Column { word: "resolve", title: "Time to resolve", order: |a, b| falling(a.resolve_p50, b.resolve_p50) },
    Column { word: "never", title: "Never acted on", order: |a, b| b.never_acted_on.cmp(&a.never_acted_on) },
];

const RECEIVERS: [Column<ReceiverStatistics>; 6] = [
    Column { word: "name", title: "Receiver", order: |a, b| a.integration.cmp(&b.integration) },
    Column { word: "delivered", title: "Delivered", order: |a, b| b.delivered.cmp(&a.delivered) },
    Column { word: "failed", title: "Never delivered", order: |a, b| b.failed.cmp(&a.failed) },
    Column {
        word: "attempts",
        title: "Attempts failed",
        order: |a, b| b.attempts_failed.cmp(&a.attempts_failed),
    },
    Column { word: "p50", title: "Median latency", order: |a, b| falling(a.latency_p50, b.latency_p50) },
    Column { word: "p99", title: "99% within", order: |a, b| falling(a.latency_p99, b.latency_p99) },
];

pub(crate) async fn statistics(State(app): State<Shared>, Query(ask): Query<Ask>) -> Response {
    let now = app.now();
    let answer = app.statistics(now - ask.within()).await;
    let main = html! {
        h1 { "Statistics" }
        (deliveries::tabs("/statistics"))
        div.tabs role="group" aria-label="Range" {
            @for (word, name) in RANGES {
                a href=(ask.href(|a| a.within = word.to_owned())) aria-current=[(a_range(&ask) == word).then_some("true")] { (name) }
            }
        }
        @match answer {
            Err(reason) => p.note.bad role="alert" { "▲ The statistics cannot be read: " (reason) },
            Ok(view) => (tables(&ask, view, now)),
        }
    };
    page::respond(app.as_ref(), Nav::Deliveries, "Statistics", &main)
}

/// The word of the range that is shown.
fn a_range(ask: &Ask) -> &str {
    RANGES.iter().find(|(word, _)| *word == ask.within).map_or("", |(word, _)| word)
}

fn tables(ask: &Ask, mut view: StatisticsView, now: Timestamp) -> Markup {
    let by = |word: &str| ALERTS.iter().find(|c| c.word == word).unwrap_or(&ALERTS[1]);
    let receivers_by = |word: &str| RECEIVERS.iter().find(|c| c.word == word).unwrap_or(&RECEIVERS[1]);
    let (column, receivers) = (by(&ask.sort), receivers_by(&ask.receivers));
    view.alerts.sort_by(|a, b| (column.order)(a, b).then_with(|| a.alertname.cmp(&b.alertname)));
    view.receivers.sort_by(|a, b| (receivers.order)(a, b).then_with(|| a.integration.cmp(&b.integration)));
    html! {
        @if view.alerts.is_empty() && view.receivers.is_empty() {
            (parts::empty("Nothing to count yet", html! {
                "An alert is counted once it is over. To send test messages: " (parts::command("bellwether drill --all"))
                ". The same figures on the command line: " (parts::command("bellwether stats"))
            }))
        } @else {
            p.dim.small { "From " (parts::moment(view.since, now)) " to " (parts::moment(view.until, now)) ". An alert is counted when it is over." }
            h2 #alerts { "Alerts" }
            @if view.alerts.is_empty() { p.dim { "None was over in this time." } } @else { (alert_table(ask, &view.alerts, column.word)) }
            h2 #receivers { "Receivers" }
            @if view.receivers.is_empty() { p.dim { "Nothing was sent in this time." } } @else { (receiver_table(ask, &view.receivers, receivers.word)) }
        }
    }
}

/// The same as the headings, for screens on which a table has none.
fn orders<T>(columns: &[Column<T>], chosen: &str, href: impl Fn(&'static str) -> String) -> Markup {
    html! {
        details.narrow {
            summary { "Order" }
            div.tabs { @for column in columns { a href=(href(column.word)) aria-current=[(column.word == chosen).then_some("true")] { (column.title) } } }
        }
    }
}

/// Headings that order the table.
fn head<T>(columns: &[Column<T>], chosen: &str, href: impl Fn(&'static str) -> String) -> Markup {
    html! {
        thead { tr { @for (index, column) in columns.iter().enumerate() {
            @let sorted = if index == 0 { "ascending" } else { "descending" };
            th.n[index > 0] scope="col" aria-sort=[(column.word == chosen).then_some(sorted)] { a href=(href(column.word)) { (column.title) } }
        } } }
    }
}

fn alert_table(ask: &Ask, rows: &[AlertStatistics], chosen: &str) -> Markup {
    let most = rows.iter().map(|row| row.fired).max().unwrap_or(1).max(1);
    let href = |word: &str| ask.href(|a| a.sort = word.to_owned());
    html! {
        (orders(&ALERTS, chosen, href))
        div.scroll { table.stack {
            (head(&ALERTS, chosen, href))
            tbody { @for row in rows.iter().take(ROWS) { (alert_row(row, most)) } }
        } }
        @if rows.len() > ROWS { p.dim { "The first " (ROWS) " of " (rows.len()) "." } }
    }
}

fn alert_row(row: &AlertStatistics, most: u64) -> Markup {
    let share = |part: u64| part as f64 / row.fired.max(1) as f64;
    html! {
        tr {
            th.w scope="row" {
                a href={ "/alerts/" (url::encode(&row.alertname, "")) } { (row.alertname) }
                @if !row.severity.is_empty() { " " (parts::tag(Tone::of_severity(&row.severity), &row.severity)) }
            }
            td.n data-k="Fired" { (digits::count(row.fired as f64)) div.dim.small { (per_day(row.fired_per_day)) " a day" }
                (parts::bar(row.fired as f64 / most as f64, None, Tone::Quiet)) }
            td.n data-k="False positives" {
                @match row.false_positive_ratio {
                    Some(ratio) => { (digits::percent_short(ratio)) div.dim.small { (row.false_positives) " marked" } (parts::bar(ratio, None, worse(ratio))) }
                    None => span.dim { "none marked" },
                }
            }
            td.n data-k="Time to ack" {
                (length(row.ack_p50, "never acked"))
                @if let Some(deadline) = row.ack_deadline { div.dim.small { "asked for " (digits::length(deadline)) } (ack_bar(row.ack_p50, deadline)) }
            }
            td.n data-k="In time" {
                @match row.ack_in_time_ratio {
                    Some(ratio) => { (digits::percent_short(ratio)) (parts::bar(ratio, None, worse(1.0 - ratio))) }
                    None => span.dim { "no deadline" },
                }
            }
            td.n data-k="Time to resolve" { (length(row.resolve_p50, "unknown")) }
            td.n data-k="Never acted on" { (digits::count(row.never_acted_on as f64)) div.dim.small { (digits::percent_short(share(row.never_acted_on))) }
                (parts::bar(share(row.never_acted_on), None, worse(share(row.never_acted_on)))) }
        }
    }
}

/// Two digits of what is rare, one decimal of what is not.
fn per_day(rate: f64) -> String {
    if rate >= 1.0 { digits::count(rate) } else { digits::value((rate * 100.0).round() / 100.0) }
}

/// How long it took, with a tick at the deadline.
fn ack_bar(took: Option<TimeDelta>, deadline: TimeDelta) -> Markup {
    let Some(took) = took else { return html! {} };
    let whole = took.max(deadline).0.max(1) as f64;
    let tone = if took > deadline { Tone::Bad } else { Tone::Ok };
    parts::bar(took.0 as f64 / whole, Some(deadline.0 as f64 / whole), tone)
}

/// The larger a share of what should not be, the louder.
fn worse(share: f64) -> Tone {
    match share {
        x if x >= 0.5 => Tone::Bad,
        x if x >= 0.2 => Tone::Warn,
        _ => Tone::Ok,
    }
}

fn length(length: Option<TimeDelta>, otherwise: &str) -> Markup {
    match length {
        Some(length) if length < TimeDelta::SECOND => html! { (length.0) "\u{a0}ms" },
        Some(length) => html! { (digits::length(length)) },
        None => html! { span.dim { (otherwise) } },
    }
}

fn receiver_table(ask: &Ask, rows: &[ReceiverStatistics], chosen: &str) -> Markup {
    let most = rows.iter().filter_map(|row| row.latency_p99).max().unwrap_or(TimeDelta(1)).0.max(1) as f64;
    let bar = |length: Option<TimeDelta>| match length {
        Some(length) => parts::bar(length.0 as f64 / most, None, Tone::Quiet),
        None => html! {},
    };
    let href = |word: &str| format!("{}#receivers", ask.href(|a| a.receivers = word.to_owned()));
    html! {
        (orders(&RECEIVERS, chosen, href))
        div.scroll { table.stack {
            (head(&RECEIVERS, chosen, href))
            tbody { @for row in rows.iter().take(ROWS) {
                tr {
                    th.w scope="row" { (row.integration) }
                    td.n data-k="Delivered" { (digits::count(row.delivered as f64)) }
                    td.n data-k="Never delivered" class=(if row.failed > 0 { "bad" } else { "" }) { (digits::count(row.failed as f64)) }
                    td.n data-k="Attempts failed" { (digits::count(row.attempts_failed as f64)) }
                    td.n data-k="Median latency" { (length(row.latency_p50, "none yet")) (bar(row.latency_p50)) }
                    td.n data-k="99% within" { (length(row.latency_p99, "none yet")) (bar(row.latency_p99)) }
                }
            } }
        } }
    }
}
