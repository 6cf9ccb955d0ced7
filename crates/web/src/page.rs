//! The frame around every page: navigation, what is firing, how old the data is, which receiver does not hear us.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bellwether_model::Timestamp;
use maud::{DOCTYPE, Markup, html};

use crate::view::{LoudAlerts, Overview};
use crate::{App, assets, digits, parts, url};

/// The pages of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nav {
    Now,
    Slos,
    Alerts,
    Groups,
    Silences,
    Deliveries,
    Targets,
    Config,
    Dashboards,
    Explore,
    /// A page that is not in the navigation.
    None,
}

/// Address and name of each page, in the order of the navigation.
pub(crate) const PAGES: [(Nav, &str, &str); 10] = [
    (Nav::Now, "/", "Now"),
    (Nav::Slos, "/slos", "Objectives"),
    (Nav::Alerts, "/alerts", "Active Alerts"),
    (Nav::Groups, "/alerts?by=group", "Alertmanager"),
    (Nav::Silences, "/silences", "Silences"),
    (Nav::Deliveries, "/deliveries", "Deliveries"),
    (Nav::Targets, "/targets", "Targets"),
    (Nav::Config, "/config", "Config"),
    (Nav::Dashboards, "/dashboards", "Dashboards"),
    (Nav::Explore, "/explore", "Explore"),
];

/// A whole page as an answer.
pub(crate) fn respond(app: &dyn App, nav: Nav, title: &str, main: &Markup) -> Response {
    respond_with(app, StatusCode::OK, nav, title, main)
}

/// A whole page with a status of its own.
pub(crate) fn respond_with(
    app: &dyn App,
    status: StatusCode,
    nav: Nav,
    title: &str,
    main: &Markup,
) -> Response {
    let overview = app.overview();
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · Bellwether" }
                link rel="stylesheet" href=(assets::css_href());
                link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Cpath d='M3 12c1-1 1-3 1-5a4 4 0 0 1 8 0c0 2 0 4 1 5zM6 13h4a2 2 0 0 1-4 0' fill='%232c9c5e'/%3E%3C/svg%3E";
                script src=(assets::js_href()) defer {}
                script src=(assets::keys_js_href()) defer {}
            }
            body {
                a.skip href="#main" { "Skip to content" }
                (top(app, &overview, nav))
                main #main { (main) }
                footer { (footer(&overview)) }
            }
        }
    };
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.into_string()).into_response()
}

fn top(app: &dyn App, overview: &Overview, nav: Nav) -> Markup {
    let now = app.now();
    html! {
        header.top {
            div.bar {
                div.row {
                    a.brand href="/" { "Bellwether" }
                    (alert_indicator(app.loud_alerts()))
                    (data_age(overview, now))
                }
                nav aria-label="Pages" {
                    @for (page, href, name) in PAGES {
                        a href=(href) aria-current=[(page == nav).then_some("page")] { (name) }
                    }
                }
                @for failing in &overview.receivers_failing {
                    p.note.bad role="alert" {
                        "▲ " b { (failing.receiver) " failing since " (parts::moment(failing.since, now)) } " "
                        (failing.reason) " " a href={ "/deliveries?receiver=" (url::encode(&failing.receiver, "")) } { "Deliveries" }
                    }
                }
                @for warning in &overview.warnings { p.note.bad role="alert" { "▲ " (warning) } }
            }
        }
    }
}

/// Red and pulsing until somebody has every critical alert, else amber, else quiet.
fn alert_indicator(loud: LoudAlerts) -> Markup {
    let is_open = loud.critical_wanted > 0;
    let (class, icon, text) = match (loud.critical, loud.total) {
        (0, 0) => ("tag", "✓", "no alerts".to_owned()),
        (0, n) => ("tag warn", "◆", parts::plural(n, "active alert")),
        (n, _) => {
            (if is_open { "tag bad pulse" } else { "tag bad" }, "▲", parts::plural(n, "critical alert"))
        }
    };
    html! { a class=(class) href="/alerts" { span aria-hidden="true" { (icon) } (text) } }
}

/// Green without freshness is a lie: amber after two missed intervals, red after five.
fn data_age(overview: &Overview, now: Timestamp) -> Markup {
    let Some(at) = overview.data_at else {
        return html! { span.tag.warn { "no data yet" } };
    };
    let age = now - at;
    let every = overview.scrape_interval;
    html! {
        span class={ "tag age " (age_class(age.0, every.0)) } data-at=(at.0) data-every=(every.0.max(1)) data-now=(now.0) {
            span { "data " b { (digits::length(age)) } " old" }
        }
    }
}

fn age_class(age_ms: i64, interval_ms: i64) -> &'static str {
    match age_ms / interval_ms.max(1) {
        ..2 => "",
        2..5 => "warn",
        5.. => "bad",
    }
}

fn footer(overview: &Overview) -> Markup {
    html! {
        "Bellwether " (overview.version)
        @if !overview.revision.is_empty() { " (" (overview.revision) ")" }
        " · " (overview.targets_up) " of " (parts::plural(overview.targets, "target")) " up · "
        (digits::count(overview.series as f64)) " series · scraped every " (digits::length(overview.scrape_interval))
    }
}

/// A page for an address that is none.
pub(crate) fn not_found(app: &dyn App, what: &str) -> Response {
    let main = html! {
        h1 { "There is no such page" }
        p { (what) }
        p { "These pages exist:" }
        ul { @for (_, href, name) in PAGES { li { a href=(href) { (name) } " " span.dim { (href) } } } }
    };
    respond_with(app, StatusCode::NOT_FOUND, Nav::None, "Not found", &main)
}

/// A page that says why something was not done, and the way back.
pub(crate) fn refused(app: &dyn App, status: StatusCode, message: &str, back: &str) -> Response {
    let main = html! {
        h1 { "That was not done" }
        p.note.bad role="alert" { (message) }
        p { a.btn href=(back) { "Back" } }
    };
    respond_with(app, status, Nav::None, "Not done", &main)
}
