//! One objective in full: where its indicator stands against the goal, how the budget went, what burns in which
//! window, what the alerts can do at all, and what the definition says.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use bellwether_model::{TimeDelta, TimeRange, Timestamp};
use bellwether_slo::{
    BurnAlertState, BurnAlertStatus, HistoryPoint, SloStatus, StreamStatus, Verdict, WindowStatus,
};
use maud::{Markup, html};
use serde::Deserialize;

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::svg::{Goal, Line, LineChart, Unit};
use crate::view::HistoryRequest;
use crate::{App, Shared, digits, slos, url};

/// The ranges one can look at; any other goes to the first that is long enough for the objective's period.
const RANGES: [(&str, TimeDelta); 5] = [
    ("1h", TimeDelta::HOUR),
    ("6h", TimeDelta(6 * TimeDelta::HOUR.0)),
    ("24h", TimeDelta::DAY),
    ("7d", TimeDelta(7 * TimeDelta::DAY.0)),
    ("30d", TimeDelta(30 * TimeDelta::DAY.0)),
];

/// Steps of a chart, all multiples of the ledger's slots (15 s for six hours, a minute beyond).
const STEPS_SECONDS: [i64; 13] = [15, 30, 60, 120, 180, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400];

/// About as many points as a phone has room for.
const POINTS_MAX: i64 = 125;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    range: String,
    stream: String,
}

pub(crate) async fn slo(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
) -> Response {
    let slos = app.slos();
    let Some(slo) = parts::find_slo(&slos, &id) else {
        let known: Vec<_> = slos.iter().map(|slo| slo.id.as_str()).take(20).collect();
        return page::not_found(
            app.as_ref(),
            &format!(
                "No objective is called {id:?}. There is {}.",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            ),
        );
    };
    let wanted = slo.streams.iter().find(|s| !ask.stream.is_empty() && s.labels.to_string() == ask.stream);
    let main = match wanted.or(slo.streams.first()) {
        Some(stream) => Detail::new(app.as_ref(), slo, stream, &ask.range).main(),
        None => {
            html! { h1 { (slo.id) } (parts::empty("Nothing of it has ever been measured", html! { (slo.indicator_text) })) }
        }
    };
    page::respond(app.as_ref(), Nav::Slos, &slo.id, &main)
}

struct Detail<'a> {
    slo: &'a SloStatus,
    stream: &'a StreamStatus,
    range_name: &'static str,
    range: TimeRange,
    step: TimeDelta,
    history: Vec<HistoryPoint>,
    now: Timestamp,
}

impl<'a> Detail<'a> {
    fn new(app: &dyn App, slo: &'a SloStatus, stream: &'a StreamStatus, wanted: &str) -> Self {
        let fitting = RANGES.iter().find(|(_, length)| *length >= slo.period).unwrap_or(&RANGES[4]);
        let (range_name, length) = *RANGES.iter().find(|(name, _)| *name == wanted).unwrap_or(fitting);
        let step = step_for(length);
        let known_until = stream.watermark.unwrap_or(app.now());
        let end = known_until.floor_to(step);
        let request = |range, step| HistoryRequest { slo_id: &slo.id, stream: &stream.labels, range, step };
        let mut history = app.slo_history(request(TimeRange::new(end - length, end), step));
        // What happens now must not wait for its step to end: that takes 15 minutes on a chart of a day.
        let fine_step = step_for(known_until - end);
        if known_until - end >= fine_step {
            let begun = TimeRange::new(end + fine_step, known_until);
            history.extend(so_far(&app.slo_history(request(begun, fine_step))));
        }
        let end = history.last().map_or(end, |point| point.at.max(end));
        let range = TimeRange::new(end - length, end);
        Self { slo, stream, range_name, range, step, history, now: app.now() }
    }

    fn main(&self) -> Markup {
        let (tone, word) = slos::state(self.slo);
        html! {
            div.row { (parts::tag(tone, word)) @if !self.slo.service.is_empty() { span.dim { (self.slo.service) } } }
            h1 { (self.slo.name) }
            @if !self.slo.description.is_empty() { p { (self.slo.description) } }
            (self.summary())
            @if self.slo.streams.len() > 1 { (self.streams()) }
            (self.range_tabs())
            (self.charts())
            (self.alerts())
            (self.windows())
            (self.definition())
        }
    }

    fn summary(&self) -> Markup {
        let stream = self.stream;
        html! {
            section.card aria-label="Summary" {
                dl.facts.wide {
                    div { dt { "Now, goal " (self.slo.goal_text) } dd {
                        b { (stream.total.sli_ratio.map_or("no events".to_owned(), |r| digits::percent(r, self.slo.goal_ratio.as_slice()))) }
                        (digits::count(stream.total.good)) " good of " (digits::count(stream.total.total))
                    } }
                    div { dt { "Budget left" } dd { (self.budget()) } }
                    div { dt { "Budget ends" } dd { (self.ends()) } }
                    div { dt { "Measured" } dd { (self.coverage()) } }
                    div { dt { "Owner" } dd {
                        b { @if self.slo.owner.is_empty() { "none set" } @else { (self.slo.owner) } }
                        @if let Some(href) = parts::safe_href(&self.slo.runbook) { a href=(href) { "Runbook" } }
                        @else if !self.slo.runbook.is_empty() { (self.slo.runbook) }
                        @else { "no runbook" }
                    } }
                }
            }
        }
    }

    fn budget(&self) -> Markup {
        let Some(budget) = &self.stream.budget else {
            return html! { b { "unknown" } "nothing counted yet" };
        };
        html! {
            b class=(parts::budget_tone(budget.left_ratio).class()) { (parts::budget_text(budget)) }
            (digits::count(budget.spent_events)) " bad of " (digits::count(budget.allowed_events)) " allowed"
            (parts::budget_bar(Some(budget)))
        }
    }

    fn ends(&self) -> Markup {
        let gone = self.stream.budget.is_some_and(|b| b.left_ratio <= 0.0);
        html! {
            @if gone { b.bad { "gone" } "every error now is beyond the goal" }
            @else if let Some(end) = self.stream.exhaustion {
                b { (parts::relative(end.earliest, self.now)) }
                (parts::moment(end.earliest, self.now))
                @match end.latest {
                    Some(latest) if parts::utc(latest, self.now) == parts::utc(end.earliest, self.now) => {}
                    Some(latest) => { " to " (parts::moment(latest, self.now)) }
                    None => { " or never" }
                }
            } @else { b { "not in sight" } "at the present rate" }
        }
    }

    /// What the numbers rest on: how much of the period was watched, and up to when.
    fn coverage(&self) -> Markup {
        let young = self.stream.watched < self.slo.period;
        html! {
            b { (digits::percent(self.stream.total.measured_ratio, &[])) }
            @if young { "watched " (digits::length(self.stream.watched)) " of " (digits::length(self.slo.period)) }
            @else { "of " (self.slo.period_text) }
            @if let Some(at) = self.stream.watermark { ", known up to " (parts::moment(at, self.now)) }
        }
    }

    fn href(&self, range: &str, stream: &StreamStatus) -> String {
        let labels = stream.labels.to_string();
        let stream = if stream.labels.is_empty() {
            String::new()
        } else {
            format!("&stream={}", url::encode(&labels, ""))
        };
        format!("{}?range={range}{stream}", parts::slo_href(&self.slo.id))
    }

    fn range_tabs(&self) -> Markup {
        html! {
            h2 { "History" }
            nav.tabs aria-label="Range" {
                @for (name, _) in RANGES {
                    a href=(self.href(name, self.stream)) aria-current=[(name == self.range_name).then_some("true")] { (name) }
                }
            }
        }
    }

    fn streams(&self) -> Markup {
        html! {
            h2 { "Streams" }
            div.scroll { table {
                thead { tr { th scope="col" { "Stream" } th.n scope="col" { "Now" } th.n scope="col" { "Budget left" } th scope="col" { "State" } } }
                tbody { @for stream in &self.slo.streams {
                    tr aria-current=[(stream.labels == self.stream.labels).then_some("true")] {
                        th scope="row" {
                            a href=(self.href(self.range_name, stream)) {
                                @if stream.labels.is_empty() { "everything" } @else { (parts::labels(&stream.labels)) }
                            }
                        }
                        td.n { (stream.total.sli_ratio.map_or("no events".to_owned(), |r| digits::percent(r, self.slo.goal_ratio.as_slice()))) }
                        td.n { (stream.budget.as_ref().map_or("unknown".to_owned(), parts::budget_text)) }
                        td { @if parts::is_burning(stream) { (parts::tag(Tone::Bad, "burning")) } @else { (parts::tag(Tone::Ok, "quiet")) } }
                    }
                } }
            } }
        }
    }

    fn charts(&self) -> Markup {
        if self.history.is_empty() {
            return parts::empty(
                "No history in this range",
                html! { "It fills as data arrives; look at a shorter range." },
            );
        }
        let gaps = self.gaps();
        let series = |pick: fn(&HistoryPoint) -> Option<f64>| -> Vec<_> {
            self.history.iter().map(|p| (p.at, pick(p))).collect()
        };
        let sli = LineChart {
            id: "sli".to_owned(),
            title: format!("Good events per {}, goal {}", digits::length(self.step), self.slo.goal_text),
            unit: Unit::Percent,
            range: self.range,
            lines: vec![Line {
                label: "good".to_owned(),
                points: series(|p| (p.total > 0.0).then(|| p.good / p.total)),
            }],
            goal: self.slo.goal_ratio.map(|at| Goal { at, label: format!("goal {}", self.slo.goal_text) }),
            include: Some(1.0),
            gaps: gaps.clone(),
            step: None,
        };
        let burndown = LineChart {
            id: "budget".to_owned(),
            title: format!("Budget left of {}", self.slo.period_text),
            unit: Unit::Percent,
            range: self.range,
            lines: vec![Line { label: "left".to_owned(), points: series(|p| p.budget_left_ratio) }],
            goal: Some(Goal { at: 0.0, label: "gone".to_owned() }),
            include: Some(1.0),
            gaps,
            step: None,
        };
        html! {
            div.charts {
                @for chart in [&sli, &burndown] { figure { figcaption { (chart.title) } (chart.draw()) } }
            }
            (self.table_twin())
        }
    }

    /// Steps of which less than all was measured.
    fn gaps(&self) -> Vec<TimeRange> {
        let mut gaps: Vec<TimeRange> = Vec::new();
        for (index, point) in self.history.iter().enumerate().filter(|(_, p)| p.measured_ratio < 0.999) {
            // The last step may have only begun.
            let before = index.checked_sub(1).map_or(Timestamp::MIN, |before| self.history[before].at);
            let start = before.max(point.at - self.step);
            match gaps.last_mut() {
                Some(last) if last.end >= start => last.end = point.at,
                Some(_) | None => gaps.push(TimeRange::new(start, point.at)),
            }
        }
        gaps
    }

    fn table_twin(&self) -> Markup {
        html! {
            details #table {
                summary { "The same as a table" }
                div.scroll { table {
                    thead { tr { th scope="col" { "Until (UTC)" } th.n scope="col" { "Good" } th.n scope="col" { "All" } th.n scope="col" { "Good share" } th.n scope="col" { "Measured" } th.n scope="col" { "Budget left" } } }
                    tbody { @for point in self.history.iter().rev() { tr {
                        td.t { (parts::utc(point.at, self.now)) }
                        td.n { (digits::count(point.good)) } td.n { (digits::count(point.total)) }
                        td.n { @if point.total > 0.0 { (digits::percent(point.good / point.total, self.slo.goal_ratio.as_slice())) } @else { "no events" } }
                        td.n { (digits::percent(point.measured_ratio, &[])) }
                        td.n { (point.budget_left_ratio.map_or("unknown".to_owned(), digits::percent_short)) }
                    } } }
                } }
            }
        }
    }

    fn alerts(&self) -> Markup {
        html! {
            h2 { "Burn alerts" }
            @if self.stream.alerts.is_empty() {
                p.dim { "This objective has no burn alerts." }
            } @else {
                div.scroll { table.stack {
                    thead { tr { th scope="col" { "Alert" } th scope="col" { "State" } th scope="col" { "Long window" } th scope="col" { "Short window" } th scope="col" { "Fires above" } } }
                    tbody { @for alert in &self.stream.alerts { (self.alert_row(alert)) } }
                } }
            }
        }
    }

    fn alert_row(&self, alert: &BurnAlertStatus) -> Markup {
        html! {
            tr {
                th.w scope="row" { (alert.name) " " span.dim { (alert.severity) } (verdict(alert.verdict)) }
                td {
                    @match alert.state {
                        BurnAlertState::Firing => (parts::tag(Tone::of_severity(&alert.severity), "firing")),
                        BurnAlertState::Inactive => (parts::tag(Tone::Quiet, "inactive")),
                    }
                    @if let Some(since) = alert.since { div.dim.small { "since " (parts::moment(since, self.now)) } }
                }
                td data-k="Long window" { (burn_cell(alert.long, alert.burn_rate_long, alert.factor)) }
                td data-k="Short window" {
                    @if let Some(short) = alert.short { (burn_cell(short, alert.burn_rate_short, alert.factor)) }
                    @else { span.dim { "none" } }
                }
                td data-k="Fires above" { (digits::burn(alert.factor, &[])) }
            }
        }
    }

    fn windows(&self) -> Markup {
        html! {
            h2 { "Burn per window" }
            div.scroll { table {
                thead { tr { th scope="col" { "Window" } th.n scope="col" { "Burn" } th.n scope="col" { "Bad" } th.n scope="col" { "All" } th.n scope="col" { "Good share" } th.n scope="col" { "Measured" } } }
                tbody { @for window in self.stream.burns.iter().chain([&self.stream.total]) { (self.window_row(window)) } }
            } }
        }
    }

    fn window_row(&self, window: &WindowStatus) -> Markup {
        html! {
            tr {
                th scope="row" { @if window.window == self.slo.period { "whole period" } @else { (window.window) } }
                td.n { (window.burn_rate.map_or("unknown".to_owned(), |r| digits::burn(r, &[1.0]))) }
                td.n { (digits::count(window.total - window.good)) }
                td.n { (digits::count(window.total)) }
                td.n { (window.sli_ratio.map_or("no events".to_owned(), |r| digits::percent(r, self.slo.goal_ratio.as_slice()))) }
                td.n { (digits::percent(window.measured_ratio, &[])) }
            }
        }
    }

    fn definition(&self) -> Markup {
        html! {
            h2 { "Definition" }
            section.card aria-label="Definition" {
                p { b { (self.slo.goal_text) } " over " b { (self.slo.period_text) } " of" }
                p { code { (self.slo.indicator_text) } }
                @for note in &self.slo.notes { p.note.warn { "◆ " (note) } }
                p.small { a href={ "/api/bellwether/v1/slos/" (url::encode(&self.slo.id, "/")) } { "As JSON" } }
            }
        }
    }
}

/// A burn rate against its threshold: the bar's tick is where the alert fires.
fn burn_cell(window: TimeDelta, rate: Option<f64>, factor: f64) -> Markup {
    let Some(rate) = rate else { return html! { span.dim { "unknown over " (window) } } };
    let scale = (factor * 1.5).max(rate).max(f64::MIN_POSITIVE);
    let tone = if rate > factor { Tone::Bad } else { Tone::Ok };
    html! {
        (digits::burn(rate, &[factor])) " " span.dim { "over " (window) }
        (parts::bar(rate / scale, Some(factor / scale), tone))
    }
}

fn verdict(verdict: Verdict) -> Markup {
    match verdict {
        Verdict::Useful => html! {},
        Verdict::CannotFire => html! {
            div { (parts::tag(Tone::Warn, "cannot fire")) }
            div.dim.small { "its factor is at or above the highest possible burn rate" }
        },
        Verdict::FiresAfterExhaustion => html! {
            div { (parts::tag(Tone::Warn, "fires after exhaustion")) }
            div.dim.small { "by then the whole budget is gone" }
        },
    }
}

/// The step that has not ended, put together from finer ones.
fn so_far(fine: &[HistoryPoint]) -> Option<HistoryPoint> {
    let last = fine.last()?;
    let sum = |pick: fn(&HistoryPoint) -> f64| fine.iter().map(pick).sum::<f64>();
    Some(HistoryPoint {
        at: last.at,
        good: sum(|p| p.good),
        total: sum(|p| p.total),
        measured_ratio: sum(|p| p.measured_ratio) / fine.len() as f64,
        budget_left_ratio: last.budget_left_ratio,
    })
}

fn step_for(length: TimeDelta) -> TimeDelta {
    let seconds = length.0 / 1000;
    let long_enough = |step: &&i64| seconds / **step <= POINTS_MAX;
    TimeDelta::from_secs(STEPS_SECONDS.iter().find(long_enough).copied().unwrap_or(86_400))
}
