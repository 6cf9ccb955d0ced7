//! `bellwether ack|unack|resolve|note|mark`: what people do with alerts.

use bellwether_web::view::{ActionDeed, ActionSubject, NewAction};

use super::alert_meant;
use crate::cli::alerts::{Ack, Handle, Mark, Note, Subject};
use crate::cli::{Format, Remote};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{print_json, say};

/// Takes an alert.
pub async fn ack(arguments: Ack) -> Result<(), Failure> {
    let until = match arguments.length {
        Some(length) if length.0 <= 0 => {
            return Err(Failure::wrong(format!("--for {length} is over already; write it like 2h")));
        }
        length => length.map(|length| clock::now() + length),
    };
    let deed = ActionDeed::Acknowledge { until };
    act(&arguments.remote, &arguments.subject, deed, arguments.note).await
}

/// Gives an alert back.
pub async fn unack(arguments: Handle) -> Result<(), Failure> {
    act(&arguments.remote, &arguments.subject, ActionDeed::Unacknowledge, arguments.note).await
}

/// Ends an alert by hand.
pub async fn resolve(arguments: Handle) -> Result<(), Failure> {
    act(&arguments.remote, &arguments.subject, ActionDeed::Resolve, arguments.note).await
}

/// Writes something down.
pub async fn note(arguments: Note) -> Result<(), Failure> {
    let subject = Subject { alert: Some(arguments.alert), group: None, author: arguments.author };
    act(&arguments.remote, &subject, ActionDeed::Note, arguments.text).await
}

/// Says whether an alert was right.
pub async fn mark(arguments: Mark) -> Result<(), Failure> {
    let deed = if arguments.false_positive { ActionDeed::FalsePositive } else { ActionDeed::Real };
    act(&arguments.remote, &arguments.subject, deed, String::new()).await
}

async fn act(remote: &Remote, subject: &Subject, deed: ActionDeed, note: String) -> Result<(), Failure> {
    let client = Client::new(&remote.server)?;
    let subject_meant = match (&subject.alert, &subject.group) {
        // Something can be said of what is over as well.
        (Some(alert), _)
            if matches!(deed, ActionDeed::Note | ActionDeed::FalsePositive | ActionDeed::Real) =>
        {
            ActionSubject::Alert(alert_meant::fingerprint(&client, alert).await?)
        }
        (Some(alert), _) => ActionSubject::Alert(alert_meant::alert(&client, alert).await?.fingerprint),
        (None, Some(group)) => alert_meant::group(&client, group).await?,
        (None, None) => return Err(Failure::wrong("say which alert or which --group")),
    };
    let action = NewAction { subject: subject_meant, deed, by: subject.author.clone(), note };
    let path = "/api/bellwether/v1/actions";
    let body = serde_json::to_value(&action).map_err(|error| Failure::failed(error.to_string()))?;
    let answer = client.post(path, &body).await?;
    let Some(alerts) = answer.as_array() else { return Err(client.stranger(path)) };
    match remote.format {
        Format::Json => print_json(&answer),
        Format::Text if alerts.is_empty() && deed == ActionDeed::Unacknowledge => say("nobody had it"),
        Format::Text => {
            for alert in alerts {
                say(&format!("{} {}", done(deed), alert.as_str().unwrap_or_default()));
            }
        }
    }
    Ok(())
}

const fn done(deed: ActionDeed) -> &'static str {
    match deed {
        ActionDeed::Acknowledge { .. } => "acknowledged",
        ActionDeed::Unacknowledge => "given back",
        ActionDeed::Resolve => "ended",
        ActionDeed::Note => "noted",
        ActionDeed::FalsePositive => "marked as false",
        ActionDeed::Real => "marked as real",
    }
}
