//! Dashboards: pages of panels that a file describes. All queries of a page are asked at once; a panel whose query
//! fails says why, and the others are drawn.

mod ask;
mod heat;
mod panel;
mod unit;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use bellwether_model::{TimeDelta, TimeRange};
use maud::{Markup, html};

use crate::page::{self, Nav};
use crate::view::Dashboard;
use crate::{Shared, parts, url};
use ask::Shown;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/dashboards", get(list))
        .route("/dashboards/{name}", get(show))
        .route("/api/bellwether/v1/dashboards", get(list_json))
}

/// Lengths of time that one press chooses.
const RANGES: [&str; 6] = ["15m", "1h", "6h", "24h", "7d", "30d"];
/// Longer than any retention that is kept in memory to draw.
const RANGE_MAX: TimeDelta = TimeDelta(400 * TimeDelta::DAY.0);

async fn list_json(State(app): State<Shared>) -> Json<Vec<Dashboard>> {
    Json(app.dashboards().to_vec())
}

async fn list(State(app): State<Shared>) -> Response {
    let dashboards = app.dashboards();
    let main = html! {
        h1 { "Dashboards" }
        @if dashboards.is_empty() {
            (parts::empty("No dashboards are configured", html! {
                "Name files of panels, or dashboards exported from Grafana, in " code { "bellwether.yml" } ": "
                code { "dashboards: ['dashboards/*.yml']" }
            }))
        }
        div.cards {
            @for dashboard in dashboards.iter() {
                section.card {
                    h2.name { a href={ "/dashboards/" (dashboard.name) } { (dashboard.title) } }
                    @if let Some(about) = &dashboard.about { p { (about) } }
                    p.dim { (parts::plural(dashboard.panels.len(), "panel")) }
                }
            }
        }
    };
    page::respond(app.as_ref(), Nav::Dashboards, "Dashboards", &main)
}

async fn show(State(app): State<Shared>, Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let dashboards = app.dashboards();
    let Some(dashboard) = dashboards.iter().find(|dashboard| dashboard.name == name) else {
        let main =
            html! { h1 { "No dashboard is called " (name) } p { a href="/dashboards" { "All dashboards" } } };
        return page::respond_with(app.as_ref(), StatusCode::NOT_FOUND, Nav::Dashboards, "Not found", &main);
    };
    let pairs = url::pairs(&query.unwrap_or_default());
    let asked = pairs.iter().find(|(name, _)| name == "range").map(|(_, text)| text.as_str());
    let length = match asked.map(str::parse::<TimeDelta>) {
        None => dashboard.range,
        Some(Ok(length)) if length > TimeDelta::ZERO && length <= RANGE_MAX => length,
        Some(_) => {
            let text = format!("range is no length of time up to {RANGE_MAX}; write one such as 6h");
            return (StatusCode::BAD_REQUEST, text).into_response();
        }
    };
    let shown = Shown::of(app.as_ref(), length);
    let (panels, fired) = tokio::join!(ask::answer_all(&app, dashboard, shown), ask::fired(&app, shown));
    let main = html! {
        h1 { (dashboard.title) }
        @if let Some(about) = &dashboard.about { p.dim { (about) } }
        @if !dashboard.left_out.is_empty() {
            details.note { summary { "◆ " (parts::plural(dashboard.left_out.len(), "thing")) " of its file could not be taken over" }
                ul { @for sentence in &dashboard.left_out { li { (sentence) } } } }
        }
        (ranges(length))
        div.panels {
            @for (index, (panel, answers)) in dashboard.panels.iter().zip(panels).enumerate() {
                (panel::draw(index, panel, answers, &fired, shown))
            }
        }
    };
    page::respond(app.as_ref(), Nav::Dashboards, &dashboard.title, &main)
}

fn ranges(length: TimeDelta) -> Markup {
    html! {
        nav.acts aria-label="Range" {
            @for range in RANGES {
                @let is_chosen = range.parse::<TimeDelta>().is_ok_and(|it| it == length);
                a.btn href={ "?range=" (range) } aria-current=[is_chosen.then_some("true")] { (range) }
            }
        }
    }
}

/// What part of the past a page shows.
impl Shown {
    pub(super) fn time_range(&self) -> TimeRange {
        TimeRange::new(self.range.start, self.range.end)
    }
}
