//! What panels ask, and the answers.

use bellwether_model::{Sample, TimeDelta, TimeRange, Timestamp};
use bellwether_promql::{Evaluated, RangeSpec, Value};
use tokio::task::JoinSet;

use crate::api_error::ApiError;
use crate::parts::Tone;
use crate::queries::{Ask, When};
use crate::svg::Mark;
use crate::view::{Dashboard, Panel, PanelKind};
use crate::{App, Shared};

/// Points of a line; finer than a drawing can show is not asked.
const POINTS: i64 = 240;
/// Columns of a heat map.
const COLUMNS: i64 = 60;
/// Queries of one page that are asked; a page beyond that is no page for people.
const QUERIES_MAX: usize = 200;
/// Alerts that are drawn over lines; more would hide them.
const FIRED_MAX: usize = 6;
/// Shorter ranges of a rate hold too few scrapes.
const SCRAPES_OF_A_RATE: i64 = 4;

/// What part of the past is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    /// From when to when, and how far apart the points of lines are.
    pub(super) range: RangeSpec,
    /// How often targets are scraped.
    scrape_interval: TimeDelta,
}

/// The answer to one query, or why there is none.
pub(crate) type Answer = Result<Evaluated, String>;

impl Shown {
    pub(super) fn of(app: &dyn App, length: TimeDelta) -> Self {
        let scrape_interval = app.overview().scrape_interval.max(TimeDelta::SECOND);
        // Steps are whole multiples of the scrape interval, and stand on the grid, so that a page does not tremble.
        let step = grid(TimeDelta(length.0 / POINTS), scrape_interval);
        let end = app.now().floor_to(scrape_interval);
        let range = RangeSpec { start: (end - length).ceil_to(step), end, step };
        Self { range, scrape_interval }
    }

    /// With wider steps, for a drawing that has fewer columns.
    fn coarse(self) -> RangeSpec {
        let length = self.range.end - self.range.start;
        let step = grid(TimeDelta(length.0 / COLUMNS), self.scrape_interval);
        RangeSpec { start: self.range.start.ceil_to(step), end: self.range.end, step }
    }

    /// The query with lengths of time for the names that stand for them.
    fn text(&self, expr: &str, step: TimeDelta) -> String {
        let rate = TimeDelta(step.0.max(self.scrape_interval.0 * SCRAPES_OF_A_RATE));
        let length = self.range.end - self.range.start;
        [("__rate_interval", rate), ("__interval", step), ("__range", length)].into_iter().fold(
            expr.to_owned(),
            |text, (name, length)| {
                text.replace(&format!("${{{name}}}"), &length.to_string())
                    .replace(&format!("${name}"), &length.to_string())
            },
        )
    }
}

fn grid(step: TimeDelta, unit: TimeDelta) -> TimeDelta {
    TimeDelta(step.0.max(1).div_euclid(unit.0).max(1) * unit.0)
}

/// Asks everything that a page needs at once; for each panel the answers to its queries, in their order.
pub(super) async fn answer_all(app: &Shared, dashboard: &Dashboard, shown: Shown) -> Vec<Vec<Answer>> {
    let mut asked = JoinSet::new();
    let mut answers: Vec<Vec<Answer>> = Vec::new();
    let mut count = 0;
    for (at, panel) in dashboard.panels.iter().enumerate() {
        answers.push(Vec::new());
        for (index, query) in panel.queries.iter().enumerate() {
            count += 1;
            let refused = format!("a page asks at most {QUERIES_MAX} queries");
            answers[at].push(Err(refused));
            if count > QUERIES_MAX {
                continue;
            }
            let (app, ask) = (app.clone(), question(panel, &query.expr, shown));
            asked.spawn(async move {
                let text = ask.text.clone();
                let answered = app.queries().run(app.source(), ask).await;
                let answer = answered.map(|answered| answered.evaluated);
                (at, index, answer.map_err(|error| ApiError::of_query(error, &text).to_string()))
            });
        }
    }
    while let Some(done) = asked.join_next().await {
        if let Ok((at, index, answer)) = done {
            answers[at][index] = answer;
        }
    }
    answers
}

/// When which alerts fired, for drawing them over the lines: what people look for in a picture is what they were called
/// for.
pub(super) async fn fired(app: &Shared, shown: Shown) -> Vec<Mark> {
    let query = r#"max by (alertname, severity) (ALERTS{alertstate="firing"})"#;
    let answered = app.queries().run(app.source(), Ask::new(query, When::Over(shown.range))).await;
    let Ok(Evaluated { value: Value::Matrix(series), .. }) = answered.map(|answered| answered.evaluated)
    else {
        return Vec::new();
    };
    let mut marks = Vec::new();
    for (row, one) in series.iter().enumerate().take(FIRED_MAX) {
        let tone = Tone::of_severity(one.labels.get("severity").unwrap_or_default());
        let name = one.labels.get("alertname").unwrap_or_default();
        for (start, end) in stretches(&one.points, shown.range.step) {
            let label = format!("{name} fired from {start} to {end}");
            marks.push(Mark { range: TimeRange::new(start, end), label, class: tone.class(), row });
        }
    }
    marks
}

/// Points that follow one another, as stretches of time.
fn stretches(points: &[Sample], step: TimeDelta) -> Vec<(Timestamp, Timestamp)> {
    let mut found: Vec<(Timestamp, Timestamp)> = Vec::new();
    for point in points {
        match found.last_mut().filter(|(_, end)| point.at - *end <= step) {
            Some((_, end)) => *end = point.at,
            None => found.push((point.at, point.at)),
        }
    }
    found
}

fn question(panel: &Panel, expr: &str, shown: Shown) -> Ask {
    match panel.kind {
        PanelKind::Line | PanelKind::Stat => {
            Ask::new(shown.text(expr, shown.range.step), When::Over(shown.range))
        }
        PanelKind::Heatmap => {
            let range = shown.coarse();
            Ask::new(shown.text(expr, range.step), When::Over(range))
        }
        PanelKind::Gauge | PanelKind::Table => {
            Ask::new(shown.text(expr, shown.range.step), When::At(shown.range.end))
        }
    }
}
