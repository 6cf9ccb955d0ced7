//! `bellwether workshop check N`: what of a challenge is met, going by notes and a running server.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::workshop_check::WorkshopCheck;
use crate::client::Client;
use crate::dashboard::with_lengths;
use crate::failure::Failure;
use crate::output::{print_json, say};
use crate::workshop_check::{Challenge, Dashboard, Growth, Item, Notes, Panel, Seen, checklist};

/// Counters of Movie Guru's requests.
const REQUESTS: [&str; 5] = [
    "movieguru_login_attempts_total",
    "movieguru_startup_attempts_total",
    "movieguru_chat_calls_total",
    "movieguru_prefGet_attempts_total",
    "movieguru_prefUpdate_attempts_total",
];

/// Notes are a few pages; what is larger is another file.
const NOTES_BYTES_MAX: u64 = 4 << 20;

/// A dashboard as the server tells it.
#[derive(Deserialize)]
struct Page {
    title: String,
    panels: Vec<PagePanel>,
}

#[derive(Deserialize)]
struct PagePanel {
    title: String,
    queries: Vec<PageQuery>,
}

#[derive(Deserialize)]
struct PageQuery {
    expr: String,
}

/// Reads, decides, prints; fails when something is missing.
pub async fn run(arguments: WorkshopCheck) -> Result<(), Failure> {
    let challenge = Challenge::of(arguments.challenge).ok_or_else(|| {
        Failure::wrong(format!("there is no challenge {}; write 1 to 7", arguments.challenge))
    })?;
    let notes = arguments.notes.as_deref().map(read_notes).transpose()?;
    let seen = read(&Client::new(&arguments.remote.server)?, challenge, notes).await?;
    let items = checklist(challenge, &seen);
    match arguments.remote.format {
        Format::Json => print_json(&json!(items)),
        Format::Text => print_text(arguments.challenge, challenge, &items),
    }
    if items.iter().all(|item| item.met) { Ok(()) } else { Err(Failure::Unmet) }
}

fn read_notes(path: &Path) -> Result<Notes, Failure> {
    let wrong = |why: String| Failure::wrong(format!("cannot read {}: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if length > NOTES_BYTES_MAX {
        return Err(wrong(format!("it is larger than {} MiB; is it the right file?", NOTES_BYTES_MAX >> 20)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    Ok(Notes::read(&text))
}

/// Asks the server for what the challenge is about.
async fn read(client: &Client, challenge: Challenge, notes: Option<Notes>) -> Result<Seen, Failure> {
    let objectives = client.read("/api/bellwether/v1/slos", &[]).await?;
    let mut seen = Seen { notes, objectives, ..Seen::default() };
    match challenge {
        Challenge::FirstDay => {
            for metric in REQUESTS {
                let values = ask(client, &format!("sum(increase({metric}[2m]))")).await?;
                seen.growth.push(Growth { metric, increase: values.first().copied() });
            }
        }
        Challenge::Dashboards => {
            let pages: Vec<Page> = client.read("/api/bellwether/v1/dashboards", &[]).await?;
            for page in pages {
                seen.dashboards.push(dashboard(client, page).await?);
            }
        }
        Challenge::Others
        | Challenge::OnPaper
        | Challenge::Watched
        | Challenge::Alerts
        | Challenge::BlindSpot => {}
    }
    Ok(seen)
}

async fn dashboard(client: &Client, page: Page) -> Result<Dashboard, Failure> {
    let mut panels = Vec::new();
    for panel in page.panels {
        let mut has_data = false;
        for query in &panel.queries {
            has_data = has_data || !ask(client, &with_lengths(&query.expr)).await?.is_empty();
        }
        let queries: Vec<String> = panel.queries.into_iter().map(|query| query.expr).collect();
        panels.push(Panel { title: panel.title, queries: queries.join("\n"), has_data });
    }
    Ok(Dashboard { title: page.title, panels })
}

/// The values that a query has now; those that are no numbers are left out. A query that the server refuses has none.
async fn ask(client: &Client, query: &str) -> Result<Vec<f64>, Failure> {
    let answer = match client.get("/api/v1/query", &[("query", query)]).await {
        Ok(answer) => answer,
        Err(Failure::Wrong(_)) => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let result = answer["data"]["result"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value = |series: &Value| series["value"][1].as_str()?.parse::<f64>().ok();
    Ok(result.iter().filter_map(value).filter(|value| !value.is_nan()).collect())
}

fn print_text(number: u8, challenge: Challenge, items: &[Item]) {
    say(&format!("challenge {number}: {}", challenge.title()));
    for item in items {
        let mark = if item.met { '✓' } else { '✗' };
        say(&format!("  {mark} {}: {}", item.criterion, item.detail));
        if let Some(next) = &item.next {
            say(&format!("      next: {next}"));
        }
    }
    let met = items.iter().filter(|item| item.met).count();
    say(&format!("{met} of {} are met", items.len()));
}
