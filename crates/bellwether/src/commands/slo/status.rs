//! `bellwether slo status`: what is left of every budget and how fast it goes.

use bellwether_model::{TimeDelta, Timestamp};
use serde_json::Value;

use crate::cli::Format;
use crate::cli::slo::Status;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Prints the objectives of a running server.
pub(super) async fn run(Status { remote }: Status) -> Result<(), Failure> {
    let slos = Client::new(&remote.server)?.get_list("/api/bellwether/v1/slos").await?;
    if remote.format == Format::Json {
        print_json(&Value::Array(slos));
        return Ok(());
    }
    let mut rows =
        Rows::new(&["slo", "goal", "period", "sli", "budget left", "burn", "ends", "alerts", "data"]);
    for slo in &slos {
        for stream in slo["streams"].as_array().into_iter().flatten() {
            rows.push(row(slo, stream));
        }
    }
    if rows.is_empty() {
        say("no objectives; write one under slos: in bellwether.yml");
    } else {
        rows.print();
    }
    Ok(())
}

fn row(slo: &Value, stream: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = crate::output::labels_text(&stream["labels"]);
    let name = if labels == "{}" { text(&slo["id"]) } else { format!("{} {labels}", text(&slo["id"])) };
    let percent = |value: &Value| {
        value.as_f64().map_or("-".to_owned(), |ratio| bellwether_web::digits::percent(ratio, &[]))
    };
    let firing: Vec<String> = [&stream["alerts"], &stream["budget_alerts"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter(|alert| alert["state"] == "firing")
        .map(|alert| text(&alert["name"]))
        .collect();
    vec![
        name,
        text(&slo["goal_text"]),
        text(&slo["period_text"]),
        percent(&stream["total"]["sli_ratio"]),
        budget_left(stream),
        burns(stream),
        moment(&stream["exhaustion"]["earliest"]),
        if firing.is_empty() { "-".to_owned() } else { format!("FIRING {}", firing.join(", ")) },
        text(&stream["measurement"]),
    ]
}

/// What is left, and what would be without corrections where they change it.
fn budget_left(stream: &Value) -> String {
    let (left, raw) = (super::report::left(&stream["budget"]), super::report::left(&stream["budget_raw"]));
    if stream["budget_raw"].is_null() { left } else { format!("{left} ({raw} as measured)") }
}

/// The shortest and the longest window, as `5m 59.98x, 1d 1.2x`.
fn burns(stream: &Value) -> String {
    let windows = stream["burns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<String> = windows
        .iter()
        .take(1)
        .chain(windows.last().filter(|_| windows.len() > 1))
        .filter_map(|window| {
            let length: TimeDelta = serde_json::from_value(window["window"].clone()).ok()?;
            Some(format!("{length} {:.2}x", window["burn_rate"].as_f64()?))
        })
        .collect();
    if shown.is_empty() { "-".to_owned() } else { shown.join(", ") }
}

fn moment(value: &Value) -> String {
    value.as_i64().map_or("-".to_owned(), |ms| Timestamp::from_millis(ms).to_string())
}
