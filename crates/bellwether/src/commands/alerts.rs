//! `bellwether alerts`: what is active now, who has it, and whether somebody hears of it. It fits a narrow terminal.

use bellwether_alerts::lasted;
use bellwether_model::Timestamp;
use bellwether_web::view::{AlertState, AlertView, Overview};
use serde_json::Value;

use crate::cli::{Alerts, Format};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{Rows, WIDTH, cut, print_json, say};

/// Prints the alerts of a running server.
pub async fn run(arguments: Alerts) -> Result<(), Failure> {
    let client = Client::new(&arguments.remote.server)?;
    let mut alerts: Vec<AlertView> = client.read("/api/bellwether/v1/alerts", &[]).await?;
    if let Some(severity) = &arguments.severity {
        alerts.retain(|alert| alert.labels.get("severity") == Some(severity));
    }
    match arguments.remote.format {
        Format::Json => print_json(&serde_json::to_value(&alerts).unwrap_or(Value::Null)),
        Format::Text => {
            let overview: Overview = client.read("/api/bellwether/v1/overview", &[]).await?;
            print(&mut alerts, &overview);
            say(&format!("\n{}/alerts", arguments.remote.server.trim_end_matches('/')));
        }
    }
    if arguments.check && alerts.iter().any(|alert| alert.state == AlertState::Firing && is_critical(alert)) {
        return Err(Failure::Unmet);
    }
    Ok(())
}

/// By the common words for what must wake somebody.
fn is_critical(alert: &AlertView) -> bool {
    matches!(alert.labels.value_or_empty("severity"), "critical" | "page" | "emergency")
}

fn print(alerts: &mut [AlertView], overview: &Overview) {
    for failing in &overview.receivers_failing {
        say(&cut(&format!("! {} does not get its messages: {}", failing.receiver, failing.reason), WIDTH));
    }
    for warning in &overview.warnings {
        say(&cut(&format!("! {warning}"), WIDTH));
    }
    if alerts.is_empty() {
        return say("no alert is active");
    }
    let count = |state| alerts.iter().filter(|alert| alert.state == state).count();
    let firing = count(AlertState::Firing);
    let critical =
        alerts.iter().filter(|alert| alert.state == AlertState::Firing && is_critical(alert)).count();
    say(&format!("{firing} firing, {critical} of them critical; {} pending", count(AlertState::Pending)));
    // What must wake somebody comes first, then what is oldest.
    alerts.sort_by_key(|alert| (alert.state, !is_critical(alert), alert.starts_at));
    let now = clock::now();
    let mut rows = Rows::new(&["alert", "severity", "state", "since", "who", "receivers"]);
    for alert in alerts.iter() {
        rows.push([
            cut(alert.labels.value_or_empty("alertname"), 26),
            cut(alert.labels.value_or_empty("severity"), 9),
            state(alert).to_owned(),
            since(alert, now),
            cut(alert.ack.as_ref().map_or("-", |ack| ack.by.as_str()), 8),
            cut(&alert.receivers.join(","), 11),
        ]);
    }
    let summaries = alerts.iter().map(|alert| {
        let summary = alert.annotations.value_or_empty("summary");
        (!summary.is_empty()).then(|| cut(&format!("  {summary}"), WIDTH))
    });
    rows.print_with(summaries.collect());
}

/// For how long; a sender may state a beginning that is still to come.
fn since(alert: &AlertView, now: Timestamp) -> String {
    if alert.starts_at > now { "-".to_owned() } else { lasted(now - alert.starts_at) }
}

const fn state(alert: &AlertView) -> &'static str {
    match alert.state {
        AlertState::Pending => "pending",
        AlertState::Resolved => "over",
        AlertState::Firing if alert.ended_by.is_some() => "ended",
        AlertState::Firing if !alert.silenced_by.is_empty() => "silenced",
        AlertState::Firing if !alert.inhibited_by.is_empty() => "inhibited",
        AlertState::Firing if !alert.muted_by.is_empty() => "muted",
        AlertState::Firing => "firing",
    }
}
