//! `bellwether deliveries`: what was sent to whom, why, and what came back.

use bellwether_alerts::clock as clock_text;
use bellwether_web::url::encode;
use bellwether_web::view::{DeliveryDetail, DeliveryView};

use super::{alert_meant, explain};
use crate::cli::Format;
use crate::cli::alerts::{Deliveries, Status};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say, say_wrapped};

const PATH: &str = "/api/bellwether/v1/deliveries";
/// So much of an ID tells messages apart, and can be given instead of it.
const ID_SHOWN: usize = 8;
/// Messages among which the beginning of an ID is looked for.
const SEARCHED: &str = "10000";

/// Lists messages, or shows one.
pub async fn run(arguments: Deliveries) -> Result<(), Failure> {
    let client = Client::new(&arguments.remote.server)?;
    match &arguments.id {
        Some(id) => show(&client, id, arguments.remote.format).await,
        None => list(&client, &arguments).await,
    }
}

async fn list(client: &Client, arguments: &Deliveries) -> Result<(), Failure> {
    let mut query = vec![("limit", arguments.limit.to_string())];
    query.extend(arguments.receiver.clone().map(|receiver| ("receiver", receiver)));
    query.extend(arguments.status.map(|status| ("outcome", status.as_str().to_owned())));
    query.extend(arguments.since.map(|since| ("since", since.to_string())));
    if let Some(alert) = &arguments.alert {
        query.push(("alert", alert_meant::fingerprint(client, alert).await?));
    }
    let pairs: Vec<(&str, &str)> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
    if arguments.remote.format == Format::Json {
        print_json(&client.get(PATH, &pairs).await?);
        return Ok(());
    }
    let deliveries: Vec<DeliveryView> = client.read(PATH, &pairs).await?;
    let now = clock::now();
    let mut rows = Rows::new(&["when", "status", "reason", "alerts", "tries", "id", "to"]);
    for delivery in &deliveries {
        rows.push([
            clock_text(delivery.decided_at, now),
            Status::of(delivery.outcome).as_str().to_owned(),
            delivery.reason.clone(),
            format!("{}+{}", delivery.firing, delivery.resolved),
            delivery.attempts.to_string(),
            delivery.id.chars().take(ID_SHOWN).collect(),
            format!("{}/{}", delivery.receiver, delivery.integration),
        ]);
    }
    if rows.is_empty() {
        say("no messages")
    } else {
        rows.print_narrow()
    }
    Ok(())
}

async fn show(client: &Client, id: &str, format: Format) -> Result<(), Failure> {
    let id = whole_id(client, id).await?;
    let path = format!("{PATH}/{}", encode(&id, ""));
    if format == Format::Json {
        print_json(&client.get(&path, &[]).await?);
        return Ok(());
    }
    let detail: DeliveryDetail = client.read(&path, &[]).await?;
    say(&format!("{id} about {}", detail.delivery.group_labels));
    explain::message(&detail);
    for (number, part) in detail.parts.iter().enumerate() {
        say(&format!("\nsent, part {} of {}", number + 1, detail.parts.len()));
        say_wrapped("  ", part);
    }
    if !detail.alerts.is_empty() {
        say(&format!("\nalerts: {}", detail.alerts.join(" ")));
    }
    Ok(())
}

async fn whole_id(client: &Client, id: &str) -> Result<String, Failure> {
    if id.len() >= 32 {
        return Ok(id.to_owned());
    }
    let deliveries: Vec<DeliveryView> = client.read(PATH, &[("limit", SEARCHED)]).await?;
    let found: Vec<&str> = deliveries
        .iter()
        .map(|delivery| delivery.id.as_str())
        .filter(|known| known.starts_with(id))
        .collect();
    match found.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Failure::wrong(format!(
            "no message of the newest {SEARCHED} has an ID that begins with {id:?}"
        ))),
        several => Err(Failure::wrong(format!(
            "{id:?} could be {} messages; write more of the ID:\n  {}",
            several.len(),
            several.join("\n  ")
        ))),
    }
}
