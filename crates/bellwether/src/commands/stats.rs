//! `bellwether stats`: how well alerts and receivers serve.

use bellwether_alerts::lasted;
use bellwether_model::TimeDelta;
use bellwether_web::view::{AlertStatistics, ReceiverStatistics, StatisticsView};

use crate::cli::Format;
use crate::cli::alerts::Stats;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Asks a running server and prints two tables.
pub async fn run(arguments: Stats) -> Result<(), Failure> {
    let client = Client::new(&arguments.remote.server)?;
    let path = "/api/bellwether/v1/statistics";
    let since = arguments.since.to_string();
    let query = [("since", since.as_str())];
    if arguments.remote.format == Format::Json {
        print_json(&client.get(path, &query).await?);
        return Ok(());
    }
    let statistics: StatisticsView = client.read(path, &query).await?;
    if statistics.alerts.is_empty() {
        say(&format!("no alert fired in the last {since}"));
    } else {
        alerts(&statistics.alerts);
    }
    if !statistics.receivers.is_empty() {
        say("");
        receivers(&statistics.receivers);
    }
    Ok(())
}

fn alerts(all: &[AlertStatistics]) {
    let mut rows =
        Rows::new(&["severity", "fired", "a day", "false", "taken", "in time", "over", "ignored", "alert"]);
    for alert in all {
        let share =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{:.0}%", ratio * 100.0));
        rows.push([
            alert.severity.clone(),
            alert.fired.to_string(),
            format!("{:.1}", alert.fired_per_day),
            share(alert.false_positive_ratio),
            length(alert.ack_p50),
            share(alert.ack_in_time_ratio),
            length(alert.resolve_p50),
            alert.never_acted_on.to_string(),
            alert.alertname.clone(),
        ]);
    }
    rows.print_narrow();
}

fn receivers(all: &[ReceiverStatistics]) {
    let mut rows = Rows::new(&["delivered", "failed", "failed tries", "p50", "p99", "integration"]);
    for receiver in all {
        rows.push([
            receiver.delivered.to_string(),
            receiver.failed.to_string(),
            receiver.attempts_failed.to_string(),
            length(receiver.latency_p50),
            length(receiver.latency_p99),
            receiver.integration.clone(),
        ]);
    }
    rows.print_narrow();
}

fn length(length: Option<TimeDelta>) -> String {
    match length {
        None => "-".to_owned(),
        Some(length) if length.0 < 1000 => format!("{}ms", length.0.max(0)),
        Some(length) => lasted(length),
    }
}
