//! `bellwether alerts`: what is active now, and whether somebody hears of it.

use serde_json::Value;

use crate::cli::{Alerts, Format};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Prints the alerts of a running server.
pub async fn run(arguments: Alerts) -> Result<(), Failure> {
    let alerts = Client::new(&arguments.remote.server)?.get_list("/api/v2/alerts").await?;
    if arguments.remote.format == Format::Json {
        print_json(&Value::Array(alerts));
        return Ok(());
    }
    let mut rows = Rows::new(&["alert", "severity", "state", "since", "receivers", "summary"]);
    for alert in &alerts {
        let label = |name: &str| text(&alert["labels"][name]);
        let receivers: Vec<String> = alert["receivers"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|receiver| text(&receiver["name"]))
            .collect();
        rows.push([
            label("alertname"),
            label("severity"),
            text(&alert["status"]["state"]),
            text(&alert["startsAt"]),
            receivers.join(", "),
            text(&alert["annotations"]["summary"]),
        ]);
    }
    if rows.is_empty() {
        say("no alert is active")
    } else {
        rows.print()
    }
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
