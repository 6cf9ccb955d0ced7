//! One objective in full: where its indicator stands against the goal, how the budget went, what burns in which
//! window, what the alerts can do at all, and what the definition says.

mod alerts;
mod charts;
mod definition;
mod outlook;
mod streams;
mod threshold;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bellwether_model::{TimeDelta, TimeRange, Timestamp};
use bellwether_slo::{Correction, Fired, Forecast, HistoryPoint, SloStatus, StreamStatus, Suggestion};
use maud::{Markup, html};
use serde::Deserialize;

use crate::api_corrections::corrections_of;
use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{DefinitionView, HistoryRequest};
use crate::{App, Shared, corrections, digits, forms, slos, url};

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

/// How finely a range is searched for alerts that fired: about a minute of a day.
const MARK_STEPS: i64 = 1500;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ask {
    range: String,
    stream: String,
    /// `yes` when the outlook is wanted.
    outlook: String,
}

pub(crate) async fn slo(
    State(app): State<Shared>,
    Path(id): Path<String>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
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
        Some(stream) => Detail::new(app.as_ref(), &slos, (slo, stream), &ask).main(),
        None => {
            html! { h1 { (slo.id) } (parts::empty("Nothing of it has ever been measured", html! { (slo.indicator_text) })) }
        }
    };
    let corrections = corrections::section(app.as_ref(), slo, &forms::viewer(&headers));
    page::respond(app.as_ref(), Nav::Slos, &slo.id, &html! { (main) (corrections) })
}

/// What is computed only for whoever asks.
struct Outlook {
    forecast: Option<Forecast>,
    suggestion: Option<Suggestion>,
}

struct Detail<'a> {
    outlook: Option<Outlook>,
    definition: Option<DefinitionView>,
    all: &'a [SloStatus],
    slo: &'a SloStatus,
    stream: &'a StreamStatus,
    range_name: &'static str,
    range: TimeRange,
    step: TimeDelta,
    history: Vec<HistoryPoint>,
    fired: Vec<Fired>,
    /// Those that lie in the range and were not taken back.
    corrections: Vec<Arc<Correction>>,
    now: Timestamp,
}

impl<'a> Detail<'a> {
    fn new(
        app: &dyn App,
        all: &'a [SloStatus],
        (slo, stream): (&'a SloStatus, &'a StreamStatus),
        ask: &Ask,
    ) -> Self {
        let fitting = RANGES.iter().find(|(_, length)| *length >= slo.period).unwrap_or(&RANGES[4]);
        let (range_name, length) = *RANGES.iter().find(|(name, _)| *name == ask.range).unwrap_or(fitting);
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
        let fired = app.slo_fired(request(range, TimeDelta(length.0 / MARK_STEPS)));
        let mut corrections = corrections_of(app, Some(&slo.id));
        corrections.retain(|c| c.revoked.is_none() && c.begin < range.end && c.end > range.start);
        let outlook = (ask.outlook == "yes").then(|| Outlook {
            forecast: app.slo_forecast(&slo.id),
            suggestion: app.slo_suggestion(&slo.id),
        });
        let definition = app.slo_definition(&slo.id);
        Self {
            outlook,
            definition,
            corrections,
            all,
            slo,
            stream,
            range_name,
            range,
            step,
            history,
            fired,
            now: app.now(),
        }
    }

    fn main(&self) -> Markup {
        let (tone, word) = slos::state(self.slo);
        html! {
            div.row {
                (parts::tag(tone, word))
                @if !self.slo.criticality.is_empty() { (parts::tag(Tone::Quiet, &format!("{} criticality", self.slo.criticality))) }
                @if !self.slo.service.is_empty() { span.dim { (self.slo.service) } }
            }
            h1 { @if self.slo.display_name.is_empty() { (self.slo.name) } @else { (self.slo.display_name) } }
            @if !self.slo.description.is_empty() { p { (self.slo.description) } }
            @if let Some(threshold) = &self.slo.threshold { (self.threshold(threshold)) }
            @else { (self.of_goal()) }
            (self.definition())
        }
    }

    /// Everything that follows from a goal.
    fn of_goal(&self) -> Markup {
        html! {
            (self.summary())
            (self.targets())
            (self.range_tabs())
            (self.charts())
            (self.streams())
            (self.members())
            (self.alerts())
            (self.budget_alerts())
            (self.windows())
            (self.outlook())
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
                    (self.owner())
                }
            }
        }
    }

    fn owner(&self) -> Markup {
        html! {
            div { dt { "Owner" } dd {
                b { @if self.slo.owner.is_empty() { "none set" } @else { (self.slo.owner) } }
                @if let Some(href) = parts::safe_href(&self.slo.runbook) { a href=(href) { "Runbook" } }
                @else if !self.slo.runbook.is_empty() { (self.slo.runbook) }
                @else { "no runbook" }
            } }
        }
    }

    /// What has been promised beside what one would like to reach next.
    fn targets(&self) -> Markup {
        let Some(aspirational) = self.stream.aspirational else { return html! {} };
        // A period of the calendar is not over: as long as its budget lasts nothing is met, and nothing is missed.
        let is_open = self.stream.budget.is_some_and(|budget| budget.expected.is_some());
        let met = |is_met: Option<bool>| match is_met {
            Some(true) if is_open => parts::tag(Tone::Ok, "within budget"),
            Some(true) => parts::tag(Tone::Ok, "met"),
            Some(false) => parts::tag(Tone::Bad, "missed"),
            None => parts::tag(Tone::Quiet, "no events yet"),
        };
        let left = self.stream.budget.map(|budget| budget.left_of_period_ratio());
        let rows = [
            ("Goal", &self.slo.goal_text, left.map(|left| left >= 0.0), left),
            ("Aspirational", &self.slo.aspirational_text, aspirational.is_met, aspirational.left_ratio),
        ];
        html! {
            h2 { "Targets" }
            div.scroll { table.stack {
                thead { tr { th scope="col" { "Target" } th.n scope="col" { "Asks for" } th scope="col" { "Over " (self.slo.period_text) } th.n scope="col" { "Budget left" } } }
                tbody { @for (name, text, is_met, left) in rows { tr {
                    th.w scope="row" { (name) }
                    td.n data-k="Asks for" { (text) }
                    td data-k={ "Over " (self.slo.period_text) } { (met(is_met)) }
                    td.n data-k="Budget left" { (left.map_or("unknown".to_owned(), digits::percent_short)) }
                } } }
            } }
        }
    }

    fn budget(&self) -> Markup {
        let Some(budget) = &self.stream.budget else {
            return html! { b { "unknown" } "nothing counted yet" };
        };
        html! {
            b class=(parts::budget_tone(budget.left_of_period_ratio()).class()) { (parts::budget_text(budget)) }
            @match &budget.expected {
                None => { (digits::count(budget.spent_events)) " bad of " (digits::count(budget.allowed_events)) " allowed" }
                Some(expected) => {
                    (digits::count(budget.spent_events)) " bad of about " (digits::count(expected.allowed_events.round()))
                    " allowed by " (parts::moment(expected.ends_at, self.now))
                }
            }
            @if let Some(raw) = &self.stream.budget_raw { ", " (parts::budget_text(raw)) " as measured" }
            (parts::budget_bar(Some(budget)))
        }
    }

    fn ends(&self) -> Markup {
        let gone = self.stream.budget.is_some_and(|b| b.left_of_period_ratio() <= 0.0);
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
            } @else if self.stream.budget.is_none() { b { "unknown" } "nothing counted yet" }
            @else { b { "not in sight" } "at the present rate" }
        }
    }

    /// What the numbers rest on: how much of the period was watched, and up to when.
    fn coverage(&self) -> Markup {
        let watched = self.stream.period.as_ref().map_or("", |period| &period.watched_text);
        html! {
            b { (digits::percent(self.stream.total.measured_ratio, &[])) }
            @if !watched.is_empty() { "watched " (watched) }
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
        budget_left_of_period_ratio: last.budget_left_of_period_ratio,
    })
}

fn step_for(length: TimeDelta) -> TimeDelta {
    let seconds = length.0 / 1000;
    let long_enough = |step: &&i64| seconds / **step <= POINTS_MAX;
    TimeDelta::from_secs(STEPS_SECONDS.iter().find(long_enough).copied().unwrap_or(86_400))
}
