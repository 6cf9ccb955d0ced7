//! `bellwether slo correct add|list|revoke`: stretches of time that are judged otherwise than they were measured.

use bellwether_model::Timestamp;
use bellwether_web::url::encode;
use serde_json::{Map, Value, json};

use crate::cli::slo::{Correct, CorrectAdd, CorrectList, CorrectRevoke};
use crate::cli::{Format, Remote};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, labels_text, print_json, say};

const PATH: &str = "/api/bellwether/v1/corrections";

/// Runs one of the three.
pub(super) async fn run(command: Correct) -> Result<(), Failure> {
    match command {
        Correct::Add(arguments) => add(arguments).await,
        Correct::List(arguments) => list(arguments).await,
        Correct::Revoke(arguments) => revoke(arguments).await,
    }
}

async fn add(wish: CorrectAdd) -> Result<(), Failure> {
    let labels = labels(&wish.labels)?;
    let mut body = json!({
        "labels": labels,
        "from": wish.from,
        "to": wish.to,
        "kind": wish.kind,
        "reason": wish.reason,
        "author": wish.author,
        "approver": wish.approver,
    });
    for (name, value) in [("slo", wish.slo), ("service", wish.service), ("share", wish.share)] {
        if let Some(value) = value {
            body[name] = Value::String(value);
        }
    }
    say_one(&wish.remote, &Client::new(&wish.remote.server)?.post(PATH, &body).await?);
    Ok(())
}

async fn revoke(wish: CorrectRevoke) -> Result<(), Failure> {
    let path = format!("{PATH}/{}/revoke", encode(&wish.id, ""));
    let body = json!({ "by": wish.by, "reason": wish.reason });
    say_one(&wish.remote, &Client::new(&wish.remote.server)?.post(&path, &body).await?);
    Ok(())
}

/// Its identifier, for scripts; all of it where that is asked for.
fn say_one(remote: &Remote, correction: &Value) {
    match remote.format {
        Format::Json => print_json(correction),
        Format::Text => say(correction["id"].as_str().unwrap_or_default()),
    }
}

/// Reads `name=value`.
fn labels(texts: &[String]) -> Result<Map<String, Value>, Failure> {
    let read = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            Ok((name.to_owned(), Value::String(value.trim_matches('"').to_owned())))
        }
        Some(_) | None => Err(Failure::wrong(format!("--label {text:?} is not a label; write name=value"))),
    };
    texts.iter().map(read).collect()
}

async fn list(wish: CorrectList) -> Result<(), Failure> {
    let client = Client::new(&wish.remote.server)?;
    let mut query = Vec::new();
    query.extend(wish.slo.as_deref().map(|slo| ("slo", slo)));
    query.extend(wish.all.then_some(("all", "true")));
    let Value::Array(corrections) = client.get(PATH, &query).await? else {
        return Err(client.stranger(PATH));
    };
    if wish.remote.format == Format::Json {
        print_json(&Value::Array(corrections));
        return Ok(());
    }
    let columns = ["id", "state", "of", "from", "to", "kind", "by", "approved by", "reason"];
    let mut rows = Rows::new(&columns);
    corrections.iter().for_each(|correction| rows.push(row(correction)));
    if rows.is_empty() {
        say("no corrections; everything counts as it was measured");
    } else {
        rows.print();
    }
    Ok(())
}

fn row(correction: &Value) -> Vec<String> {
    let text = |name: &str| correction[name].as_str().unwrap_or_default().to_owned();
    let of = match correction["service"].as_str() {
        Some(service) => format!("all of {service}"),
        None => text("slo"),
    };
    let labels = labels_text(&correction["labels"]);
    vec![
        text("id"),
        text("state"),
        if labels == "{}" { of } else { format!("{of} {labels}") },
        moment(&correction["begin"]),
        moment(&correction["end"]),
        kind(correction),
        text("author"),
        text("approver"),
        text("reason"),
    ]
}

/// `credit 50%`; the share is said where it is not all.
pub(super) fn kind(correction: &Value) -> String {
    let kind = correction["kind"].as_str().unwrap_or_default().to_owned();
    match correction["share"].as_f64() {
        Some(share) if share < 1.0 => format!("{kind} {}", bellwether_web::digits::percent(share, &[])),
        Some(_) | None => kind,
    }
}

/// A moment of the API as a clock time; corrections and reports have whole minutes.
pub(super) fn moment(value: &Value) -> String {
    value
        .as_i64()
        .map_or("-".to_owned(), |ms| Timestamp::from_millis(ms).to_string().replace(":00.000Z", "Z"))
}
