//! `bellwether drill RECEIVER|--all`: a marked test message takes the way of a real one; a table says what came back.

use bellwether_alerts::lasted;
use bellwether_model::TimeDelta;
use bellwether_web::view::DrillView;
use serde_json::json;

use crate::cli::Format;
use crate::cli::alerts::Drill;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say_wrapped};

/// Sends, waits and tells.
pub async fn run(arguments: Drill) -> Result<(), Failure> {
    let client = Client::new(&arguments.remote.server)?;
    let path = "/api/bellwether/v1/drills";
    let answer =
        client.post(path, &json!({ "receiver": arguments.receiver, "by": arguments.author })).await?;
    let drilled: Vec<DrillView> =
        serde_json::from_value(answer.clone()).map_err(|_| client.stranger(path))?;
    match arguments.remote.format {
        Format::Json => print_json(&answer),
        Format::Text => print(&drilled),
    }
    let is_accepted = |drill: &DrillView| attempt_of(drill).is_some_and(|attempt| attempt.accepted);
    if drilled.iter().all(is_accepted) { Ok(()) } else { Err(Failure::Unmet) }
}

fn attempt_of(drill: &DrillView) -> Option<&bellwether_web::view::AttemptView> {
    drill.delivery.as_ref()?.attempts.last()
}

fn print(drilled: &[DrillView]) {
    let mut rows = Rows::new(&["integration", "accepted", "status", "took"]);
    for drill in drilled {
        let attempt = attempt_of(drill);
        let took = attempt.zip(drill.delivery.as_ref()).map(|(attempt, detail)| {
            took(TimeDelta(attempt.at.0.saturating_sub(detail.delivery.decided_at.0)))
        });
        rows.push([
            drill.integration.clone(),
            match attempt {
                Some(attempt) if attempt.accepted => "yes".to_owned(),
                Some(_) => "no".to_owned(),
                None => "no answer".to_owned(),
            },
            attempt.and_then(|attempt| attempt.status).map_or("-".to_owned(), |status| status.to_string()),
            took.unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    rows.print();
    for drill in drilled {
        let detail =
            attempt_of(drill).map_or("it has not answered in time", |attempt| attempt.detail.as_str());
        say_wrapped(&format!("{}: ", drill.integration), detail);
    }
}

fn took(length: TimeDelta) -> String {
    if length.0 < 1000 { format!("{} ms", length.0.max(0)) } else { lasted(length) }
}
