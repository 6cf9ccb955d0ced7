//! `bellwether slo what-if`, `slo suggest`, `slo forecast`: what a running server reads from the past of objectives.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_web::digits::{count, percent};
use bellwether_web::url::encode;
use serde_json::Value;

use crate::cli::Format;
use crate::cli::slo::{Outlook, WhatIf};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Prints what another goal would have meant.
pub(super) async fn what_if(wish: WhatIf) -> Result<(), Failure> {
    let client = Client::new(&wish.remote.server)?;
    let (goal, last) = (wish.goal.to_string(), wish.last.to_string());
    let mut query = vec![("goal", goal.as_str())];
    match &wish.from {
        Some(from) => query.push(("from", from)),
        None => query.push(("last", &last)),
    }
    query.extend(wish.to.as_deref().map(|to| ("to", to)));
    let found = client.get(&path(&wish.slo, "what-if"), &query).await?;
    if wish.remote.format == Format::Json {
        print_json(&found);
        return Ok(());
    }
    say(&format!(
        "{}, had its goal been {goal}, {} to {}:",
        wish.slo,
        at(&found["begin"]),
        at(&found["end"])
    ));
    say(&format!(
        "  {} of {} events were good, {}",
        count(number(&found["good"])),
        count(number(&found["total"])),
        ratio(&found["sli_ratio"])
    ));
    say(&format!(
        "  {} of {} events of its budget were spent, {} left",
        count(number(&found["spent_events"])),
        count(number(&found["allowed_events"])),
        ratio(&found["left_ratio"])
    ));
    match found["exhausted_at"].as_i64() {
        Some(_) => say(&format!("  it would have been gone at {}", at(&found["exhausted_at"]))),
        None => say("  it would have lasted"),
    }
    say(&format!(
        "  its default alerts would have paged {}x and opened {} tickets",
        found["pages"], found["tickets"]
    ));
    for fired in list(&found["fired"]) {
        let until = if fired["until"].is_i64() { at(&fired["until"]) } else { "the end".to_owned() };
        say(&format!(
            "    {} ({}) from {} to {until}",
            text(&fired["alert"]),
            text(&fired["severity"]),
            at(&fired["from"])
        ));
    }
    notes(&found, "  ");
    Ok(())
}

/// Prints which goals the past supports.
pub(super) async fn suggest(wish: Outlook) -> Result<(), Failure> {
    let all = ask(&wish, "suggest").await?;
    if wish.remote.format == Format::Json {
        print_json(&merged(&all));
        return Ok(());
    }
    let columns =
        ["slo", "", "goal", "periods met", "least left", "may break", "pages/month", "tickets/month"];
    let mut rows = Rows::new(&columns);
    for (id, found) in &all {
        for (name, what) in
            [("present", "present"), ("achievable", "achievable"), ("aspirational", "aspirational")]
        {
            let outlook = &found[what];
            if outlook.is_null() {
                continue;
            }
            rows.push([
                id.clone(),
                name.to_owned(),
                text(&outlook["goal_text"]).to_owned(),
                format!("{} of {}", outlook["periods_met"], found["periods_seen"]),
                ratio(&outlook["left_ratio_min"]),
                chance(&outlook["breach_ratio"]),
                format!("{:.1}", number(&outlook["pages_per_month"])),
                format!("{:.1}", number(&outlook["tickets_per_month"])),
            ]);
        }
    }
    if !rows.is_empty() {
        rows.print();
    }
    for (id, found) in &all {
        let length =
            |name: &str| serde_json::from_value::<TimeDelta>(found[name].clone()).unwrap_or_default();
        say(&format!(
            "{id}: {} of history, {} pieces of {}",
            length("history"),
            found["blocks"],
            length("block")
        ));
        notes(found, "  ");
    }
    Ok(())
}

/// Prints when budgets will be gone.
pub(super) async fn forecast(wish: Outlook) -> Result<(), Failure> {
    let all = ask(&wish, "forecast").await?;
    if wish.remote.format == Format::Json {
        print_json(&merged(&all));
        return Ok(());
    }
    let columns =
        ["slo", "goal", "left", "looks to", "gone by then", "earliest", "likely", "latest", "left then"];
    let mut rows = Rows::new(&columns);
    for (id, found) in &all {
        let left = &found["left_at_end"];
        let left = match left.is_null() {
            true => "-".to_owned(),
            false => {
                format!("{} ({} to {})", ratio(&left["middle"]), ratio(&left["low"]), ratio(&left["high"]))
            }
        };
        rows.push([
            id.clone(),
            text(&found["goal_text"]).to_owned(),
            ratio(&found["left_ratio"]),
            at(&found["until"]),
            chance(&found["exhausted_probability"]),
            at(&found["earliest"]),
            at(&found["likely"]),
            at(&found["latest"]),
            left,
        ]);
    }
    if !rows.is_empty() {
        rows.print();
    }
    for (id, found) in all.iter().filter(|(_, found)| !list(&found["notes"]).is_empty()) {
        say(&format!("{id}:"));
        notes(found, "  ");
    }
    Ok(())
}

/// Asks about one objective, or about all that have a past and a goal.
async fn ask(wish: &Outlook, what: &str) -> Result<Vec<(String, Value)>, Failure> {
    let client = Client::new(&wish.remote.server)?;
    if let Some(id) = &wish.slo {
        return Ok(vec![(id.clone(), client.get(&path(id, what), &[]).await?)]);
    }
    let mut all = Vec::new();
    for slo in client.get_list("/api/bellwether/v1/slos").await? {
        let is_known = list(&slo["streams"]).first().is_some_and(|stream| stream["watermark"].is_i64());
        if is_known && slo["goal_ratio"].is_number() {
            let id = text(&slo["id"]).to_owned();
            let found = client.get(&path(&id, what), &[]).await?;
            all.push((id, found));
        }
    }
    if all.is_empty() {
        say("no objective has a past and a goal yet");
    }
    Ok(all)
}

fn merged(all: &[(String, Value)]) -> Value {
    let with_id = |(id, found): &(String, Value)| {
        let mut found = found.clone();
        found["id"] = Value::String(id.clone());
        found
    };
    Value::Array(all.iter().map(with_id).collect())
}

fn path(id: &str, what: &str) -> String {
    format!("/api/bellwether/v1/slos/{}/{what}", encode(id, "/"))
}

fn notes(found: &Value, indent: &str) {
    for note in list(&found["notes"]) {
        say(&format!("{indent}note: {}", text(note)));
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn ratio(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), |ratio| percent(ratio, &[]))
}

/// A share of futures drawn: none of them does not mean never.
fn chance(value: &Value) -> String {
    match value.as_f64() {
        None => "-".to_owned(),
        Some(0.0) => "hardly ever".to_owned(),
        Some(share) => format!("{:.0} %", (share * 100.0).max(1.0)),
    }
}

fn at(value: &Value) -> String {
    value.as_i64().map_or("-".to_owned(), |ms| {
        let whole = Timestamp::from_millis(ms).to_string();
        format!("{}Z", whole.split('.').next().unwrap_or_default())
    })
}
