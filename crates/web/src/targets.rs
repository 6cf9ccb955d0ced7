//! Whether data arrives at all: every target, the failing ones first, with what the last scrape said.

use axum::extract::State;
use axum::response::Response;
use bellwether_model::Timestamp;
use maud::{Markup, html};

use crate::page::{self, Nav};
use crate::parts::{self, Tone};
use crate::view::{ScrapePoolView, TargetHealth, TargetView};
use crate::{Shared, digits, targets_probed, targets_pushed};

pub(crate) async fn targets(State(app): State<Shared>) -> Response {
    let mut targets = app.targets();
    targets.sort_by(|a, b| (a.health, &a.job, &a.url).cmp(&(b.health, &b.job, &b.url)));
    let up = targets.iter().filter(|t| t.health == TargetHealth::Up).count();
    let (probes, pushed) = (app.probes(), app.pushed());
    let main = html! {
        @if targets.is_empty() && !(probes.is_empty() && pushed.is_empty()) {
            // Probes alone are enough to watch something, and so is what others push.
            h1 { "Targets" }
        } @else if targets.is_empty() {
            h1 { "Targets" }
            (parts::empty("Nothing is scraped", html! {
                "Add a scrape job to the configuration, check it with " (parts::command("bellwether check bellwether.yml")) ", then reload. Or let others push to this address, by remote write or OpenTelemetry."
            }))
        } @else {
            h1 { (up) " of " (parts::plural(targets.len(), "target")) " up" }
            (table(&targets, app.now()))
        }
        (pools_section(&app.scrape_pools()))
        @if !pushed.is_empty() { (targets_pushed::section(&pushed, app.now())) }
        @if !probes.is_empty() { (targets_probed::section(&probes, app.now())) }
    };
    page::respond(app.as_ref(), Nav::Targets, "Targets", &main)
}

/// Where targets are found, what cannot be read of it, and what rules dropped; nothing where all is written down.
fn pools_section(pools: &[ScrapePoolView]) -> Markup {
    let found: Vec<&ScrapePoolView> =
        pools.iter().filter(|pool| !pool.discoveries.is_empty() || pool.dropped_count > 0).collect();
    html! {
        @if !found.is_empty() {
            h2 { "Discovery" }
            div.scroll { table.stack {
                thead { tr { th scope="col" { "Job" } th scope="col" { "Found" } th scope="col" { "Dropped" } } }
                tbody { @for pool in found { (pool_row(pool)) } }
            } }
        }
    }
}

/// Dropped targets that the page shows; the API has all of them.
const DROPPED_SHOWN_MAX: usize = 20;

fn pool_row(pool: &ScrapePoolView) -> Markup {
    html! {
        tr {
            th scope="row" { (pool.job) }
            td.w data-k="Found" {
                @for place in &pool.discoveries {
                    div { (digits::count(place.targets as f64)) " by " (place.kind) }
                    @for why in &place.trouble { p.note.bad { (why) } }
                }
            }
            td.w data-k="Dropped" {
                (digits::count(pool.dropped_count as f64))
                @for labels in pool.dropped.iter().take(DROPPED_SHOWN_MAX) { div { (parts::labels(labels)) } }
                @if pool.dropped_count > DROPPED_SHOWN_MAX as u64 {
                    div.dim { "all of them: " code { "/api/v1/targets?state=dropped" } }
                }
            }
        }
    }
}

fn table(targets: &[TargetView], now: Timestamp) -> Markup {
    html! {
        div.scroll { table.stack {
            thead { tr { th scope="col" { "Target" } th scope="col" { "State" } th scope="col" { "Last scrape" } th scope="col" { "Took" } th scope="col" { "Samples" } } }
            tbody { @for target in targets { (row(target, now)) } }
        } }
    }
}

fn row(target: &TargetView, now: Timestamp) -> Markup {
    let (tone, word) = match target.health {
        TargetHealth::Up => (Tone::Ok, "up"),
        TargetHealth::Down => (Tone::Bad, "down"),
        TargetHealth::Unknown => (Tone::Quiet, "not yet scraped"),
    };
    html! {
        tr {
            th.w scope="row" {
                (target.job) " "
                @if let Some(href) = parts::safe_href(&target.url) { a.mono href=(href) { (target.url) } } @else { code { (target.url) } }
                div { (parts::labels(&target.labels.without(&["job"]))) }
                @if !target.last_error.is_empty() { p.note.bad { (target.last_error) } }
                @if !target.note.is_empty() { p.note { (target.note) } }
            }
            td { (parts::tag(tone, word)) }
            td data-k="Last scrape" {
                @match target.last_scrape_at { Some(at) => (parts::relative(at, now)), None => { span.dim { "never" } } }
                div.dim.small { "every " (target.interval) }
            }
            td.t data-k="Took" { @match target.last_duration { Some(d) => { (d.0) " ms" }, None => { span.dim { "unknown" } } } }
            td data-k="Samples" { @match target.last_samples { Some(n) => (digits::count(n as f64)), None => { span.dim { "unknown" } } } }
        }
    }
}
