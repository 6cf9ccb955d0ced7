//! `bellwether tsdb inspect`: what a store is made of, on one screen.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::Timestamp;
use bellwether_tsdb::{LookingDisk, Options, Store};
use serde_json::Value;

use crate::cli::Format;
use crate::cli::tsdb::{Inspect, Tsdb};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};
use crate::storage_view;

const PATH: &str = "/api/bellwether/v1/storage";
/// Segments that are listed: the newest.
const SEGMENTS_SHOWN: usize = 12;
/// Longer names and values are cut in tables, so that these stay within a terminal.
const NAME_MAX: usize = 40;

/// Runs a command of `tsdb`.
pub async fn run(command: Tsdb) -> Result<(), Failure> {
    let Tsdb::Inspect(arguments) = command;
    let seen = match arguments.place.contains("://") {
        true => {
            let limit = arguments.limit.to_string();
            Client::new(&arguments.place)?.get(PATH, &[("limit", &limit)]).await?
        }
        false => look(&arguments)?,
    };
    match arguments.json || arguments.format == Format::Json {
        true => print_json(&seen),
        false => draw(&seen),
    }
    Ok(())
}

/// Looks at a folder; nothing in it is changed.
fn look(arguments: &Inspect) -> Result<Value, Failure> {
    let folder = store_of(Path::new(&arguments.place))?;
    let opened = Store::open(&folder, Options::default(), Arc::new(LookingDisk));
    let (store, recovery) = opened.map_err(|error| Failure::failed(error.to_string()))?;
    let inspection = store.inspect().map_err(|error| Failure::failed(error.to_string()))?;
    let mut seen = storage_view::view(&inspection, arguments.limit);
    let damaged = recovery.quarantined.iter().map(|file| {
        let name = file.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        serde_json::json!({"name": name, "reason": file.reason})
    });
    seen["damaged"] = damaged.collect();
    seen["damaged_bytes"] = recovery.damaged_bytes.into();
    seen["torn_bytes"] = recovery.torn_bytes.into();
    Ok(seen)
}

/// The store of a data directory, or the store itself.
fn store_of(place: &Path) -> Result<PathBuf, Failure> {
    let inside = place.join("metrics");
    let has_files = |folder: &Path| {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        names.into_iter().any(|name| {
            let name = name.to_string_lossy().into_owned();
            name.starts_with("log-") || name.starts_with("segment-") || name == "series.bws"
        })
    };
    [inside, place.to_owned()].into_iter().find(|folder| has_files(folder)).ok_or_else(|| {
        Failure::wrong(format!("there is no store in {}; name a data directory, or a URL", place.display()))
    })
}

fn draw(seen: &Value) {
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let total = &seen["segments_total"];
    let per_sample = number(&total["bytes"]) as f64 / number(&total["samples"]).max(1) as f64;
    say(&format!(
        "{} series of {} metrics, {} in use",
        grouped(number(&seen["series"])),
        grouped(number(&seen["metrics"])),
        grouped(number(&seen["series_in_use"]))
    ));
    say(&format!(
        "segments {:>4}   {:>9}   {} samples, {per_sample:.2} bytes each",
        number(&total["count"]),
        bytes(number(&total["bytes"])),
        grouped(number(&total["samples"]))
    ));
    say(&format!(
        "log      {:>4}   {:>9}",
        number(&seen["log"]["files"]),
        bytes(number(&seen["log"]["bytes"]))
    ));
    say(&format!(
        "head            {:>9}   {} samples",
        bytes(number(&seen["head"]["bytes"])),
        grouped(number(&seen["head"]["samples"]))
    ));
    draw_segments(seen);
    let metrics = |title: &str, name: &str| {
        let mut rows = Rows::new(&[title, "series", "samples", "bytes"]);
        for metric in list(&seen[name]) {
            let [series, samples] = ["series", "samples"].map(|name| grouped(number(&metric[name])));
            rows.push([shortened(&metric["name"]), series, samples, bytes(number(&metric["bytes"]))]);
        }
        print_apart(rows);
    };
    metrics("most series", "top_metrics_by_series");
    metrics("most bytes", "top_metrics_by_bytes");
    let mut rows = Rows::new(&["label", "values", "bytes of values"]);
    for label in list(&seen["top_labels"]) {
        rows.push([
            shortened(&label["name"]),
            grouped(number(&label["values"])),
            bytes(number(&label["bytes"])),
        ]);
    }
    print_apart(rows);
    let mut rows = Rows::new(&["label and value", "series"]);
    for pair in list(&seen["top_pairs"]) {
        let text = format!("{}={}", text(&pair["name"]), text(&pair["value"]));
        rows.push([shortened(&Value::from(text)), grouped(number(&pair["series"]))]);
    }
    print_apart(rows);
    draw_damage(seen);
}

fn draw_segments(seen: &Value) {
    let all = list(&seen["segments"]);
    let shown = &all[all.len().saturating_sub(SEGMENTS_SHOWN)..];
    let mut rows = Rows::new(&["from", "to", "series", "new", "samples", "bytes", "b/sample"]);
    for segment in shown {
        let number = |name: &str| segment[name].as_u64().unwrap_or(0);
        let per_sample = number("bytes") as f64 / number("samples").max(1) as f64;
        rows.push([
            minute(&segment["from"]),
            minute(&segment["to"]),
            grouped(number("series")),
            grouped(number("series_new")),
            grouped(number("samples")),
            bytes(number("bytes")),
            format!("{per_sample:.2}"),
        ]);
    }
    print_apart(rows);
    if all.len() > shown.len() {
        say(&format!("and {} older segments (--json has all)", all.len() - shown.len()));
    }
}

fn draw_damage(seen: &Value) {
    for file in list(&seen["quarantined"]) {
        let size = bytes(file["bytes"].as_u64().unwrap_or(0));
        say(&format!("\nset aside as damaged: {} ({size})", text(&file["name"])));
    }
    for file in list(&seen["damaged"]) {
        say(&format!("\ndamaged: {}: {}; a start sets it aside", text(&file["name"]), text(&file["reason"])));
    }
    if let Some(damaged @ 1..) = seen["damaged_bytes"].as_u64() {
        say(&format!("\ndamaged: {} of the log or of the series", bytes(damaged)));
    }
}

fn print_apart(rows: Rows) {
    if !rows.is_empty() {
        say("");
        rows.print();
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn shortened(value: &Value) -> String {
    let whole = text(value);
    match whole.chars().count() > NAME_MAX {
        true => whole.chars().take(NAME_MAX - 1).chain(['…']).collect(),
        false => whole.to_owned(),
    }
}

/// To the minute: `2026-11-21 18:00`.
fn minute(value: &Value) -> String {
    let at = Timestamp(value.as_i64().unwrap_or(0)).to_string();
    at.get(..16).map_or_else(|| at.clone(), |text| text.replace('T', " "))
}

/// In thousands: `12 345 678`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{number} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_readable() {
        let numbers: Vec<String> = [0, 999, 1000, 1234567].into_iter().map(grouped).collect();
        assert_eq!(numbers, ["0", "999", "1 000", "1 234 567"]);
        let sizes: Vec<String> = [0, 1023, 1536, 3 << 30].into_iter().map(bytes).collect();
        assert_eq!(sizes, ["0 B", "1023 B", "1.5 KiB", "3.0 GiB"]);
    }
}
