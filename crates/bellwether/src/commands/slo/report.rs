//! `bellwether slo report`: a budget over one period or any stretch, corrected and as measured, as known now or then.

use bellwether_model::TimeDelta;
use bellwether_web::digits::percent;
use bellwether_web::url::encode;
use serde_json::Value;

use super::correct::{kind, moment};
use crate::cli::Format;
use crate::cli::slo::Report;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, labels_text, print_json, say};

/// Prints the report of a running server.
pub(super) async fn run(wish: Report) -> Result<(), Failure> {
    let client = Client::new(&wish.remote.server)?;
    let path = format!("/api/bellwether/v1/slos/{}/report", encode(&wish.slo, "/"));
    let asked = [("at", &wish.at), ("from", &wish.from), ("to", &wish.to), ("known", &wish.known)];
    let query: Vec<(&str, &str)> =
        asked.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    let report = client.get(&path, &query).await?;
    if wish.remote.format == Format::Json {
        print_json(&report);
        return Ok(());
    }
    let Some(streams) = report["streams"].as_array() else { return Err(client.stranger(&path)) };
    let text = |name: &str| report[name].as_str().unwrap_or_default();
    let (begin, end) = (moment(&report["begin"]), moment(&report["end"]));
    say(&format!("{}, goal {}, {}: {begin} to {end}", text("id"), text("goal_text"), text("period_text")));
    if report["known"].is_i64() {
        say(&format!("with the corrections known at {}", moment(&report["known"])));
    }
    print_streams(streams);
    for correction in report["corrections"].as_array().into_iter().flatten() {
        let text = |name: &str| correction[name].as_str().unwrap_or_default();
        let (begin, end) = (moment(&correction["begin"]), moment(&correction["end"]));
        say(&format!(
            "corrected: {} from {begin} to {end}: {} ({}, approved by {})",
            kind(correction),
            text("reason"),
            text("author"),
            text("approver")
        ));
    }
    for note in report["notes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        say(&format!("note: {note}"));
    }
    Ok(())
}

fn print_streams(streams: &[Value]) {
    let columns = ["stream", "sli", "bad", "all", "budget left", "as measured", "watched", "taken out"];
    let mut rows = Rows::new(&columns);
    for stream in streams {
        let labels = labels_text(&stream["labels"]);
        let total = &stream["total"];
        let (good, all) =
            (total["good"].as_f64().unwrap_or_default(), total["total"].as_f64().unwrap_or_default());
        let length =
            |name: &str| serde_json::from_value::<TimeDelta>(stream[name].clone()).unwrap_or_default();
        rows.push([
            if labels == "{}" { "everything".to_owned() } else { labels },
            ratio(&total["sli_ratio"]),
            count(all - good),
            count(all),
            left(&stream["budget"]),
            left(&stream["budget_raw"]),
            length("watched").to_string(),
            length("taken_out").to_string(),
        ]);
    }
    rows.print();
}

fn count(events: f64) -> String {
    // Interpolated buckets have fractions; three digits of them are enough.
    ((events * 1000.0).round() / 1000.0).to_string()
}

fn ratio(value: &Value) -> String {
    value.as_f64().map_or("-".to_owned(), |ratio| percent(ratio, &[]))
}

/// What is left of the whole period's budget: of one of the calendar against what is expected of it.
pub(super) fn left(budget: &Value) -> String {
    match budget["expected"]["left_ratio"].is_f64() {
        true => ratio(&budget["expected"]["left_ratio"]),
        false => ratio(&budget["left_ratio"]),
    }
}
