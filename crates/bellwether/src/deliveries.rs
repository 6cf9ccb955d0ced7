//! What people look up of messages, how receivers do, and test messages: asked of the state database and the core.

use std::time::Duration;

use bellwether_alerts::{self as alerts, DeliveryKey, DeliveryRow, DrillWish, ReceiverHealth, ReceiverState};
use bellwether_model::{AlertFingerprint, Timestamp};
use bellwether_web::view::{
    DeliveryDetail, DeliveryFilter, DeliveryOutcome, DeliveryView, DrillView, IntegrationHealthView,
    ReceiverFailing, ReceiverView, Refused,
};
use tokio::time::Instant;

use crate::delivery_view;
use crate::entropy;
use crate::explain::view;
use crate::pages::{Pages, other_answer};
use crate::pipeline::Pipeline;
use crate::state::{DeliveryQuery, StateError};

/// How long a drill waits for receivers; whoever asked for it waits no longer than 30 s.
const DRILL_MAX: Duration = Duration::from_secs(25);
const DRILL_LOOK: Duration = Duration::from_millis(100);

fn unavailable(error: StateError) -> Refused {
    Refused::Unavailable(error.to_string())
}

/// Messages that pass a filter, the newest first.
pub async fn list(pages: &Pages, filter: DeliveryFilter) -> Result<Vec<DeliveryView>, String> {
    let alert = filter.alert.as_ref().map(|text| text.parse::<AlertFingerprint>()).transpose();
    let alert =
        alert.map_err(|error| format!("{} is no fingerprint: {error}", filter.alert.unwrap_or_default()))?;
    let before =
        filter.before.map(|before| (Timestamp(before.0.saturating_sub(1)), DeliveryKey(String::new())));
    let query = DeliveryQuery {
        receiver: filter.receiver,
        group: filter.group,
        alert,
        status: filter.outcome.and_then(status_of).map(str::to_owned),
        since: filter.since,
        after: before,
        ..DeliveryQuery::default()
    };
    // What is superseded has two statuses; more is read than shown so that the rest does not empty the page.
    let is_one = query.status.is_some() || filter.outcome.is_none();
    let limit = if is_one { filter.limit } else { filter.limit.saturating_mul(20) };
    let rows = pages.state.deliveries(&query, limit).await.map_err(|error| error.to_string())?;
    let views = rows.iter().map(delivery_view::delivery);
    let wanted = |view: &DeliveryView| filter.outcome.is_none_or(|outcome| view.outcome == outcome);
    Ok(views.filter(wanted).take(filter.limit).collect())
}

/// The one status that an outcome stands for, if it is one.
const fn status_of(outcome: DeliveryOutcome) -> Option<&'static str> {
    match outcome {
        DeliveryOutcome::Pending => Some("in_flight"),
        DeliveryOutcome::Retrying => Some("waiting"),
        DeliveryOutcome::Delivered => Some("delivered"),
        DeliveryOutcome::Failed => Some("failed"),
        DeliveryOutcome::Superseded => None,
    }
}

/// One message with all its attempts.
pub async fn detail(pages: &Pages, id: String) -> Result<DeliveryDetail, Refused> {
    let key = DeliveryKey(id);
    match row(pages, &key).await? {
        Some(detail) => Ok(detail.1),
        None => Err(Refused::NotFound(format!("no message is called {key}"))),
    }
}

async fn row(pages: &Pages, key: &DeliveryKey) -> Result<Option<(DeliveryRow, DeliveryDetail)>, Refused> {
    let Some(row) = pages.state.delivery(key).await.map_err(unavailable)? else { return Ok(None) };
    let attempts = pages.state.attempts(key).await.map_err(unavailable)?;
    let detail = view::delivery(&row, &attempts);
    Ok(Some((row, detail)))
}

/// All receivers and how they do.
pub fn receivers(pipeline: &Pipeline) -> Vec<ReceiverView> {
    let health = pipeline.alerts.receiver_health();
    let config = pipeline.alerts.config();
    let integration = |integration: &alerts::Integration| {
        let known = health.iter().find(|health| health.integration == integration.id);
        IntegrationHealthView {
            name: format!("{}[{}]", integration.id.kind.as_str(), integration.id.index),
            send_resolved: integration.send_resolved,
            last_success_at: known.and_then(|health| health.last_success_at),
            failing: known.and_then(failing),
            waiting: known.map_or(0, |health| health.waiting_deliveries),
        }
    };
    let receivers = config.receivers.values().map(|receiver| ReceiverView {
        name: receiver.name.clone(),
        integrations: receiver.integrations.iter().map(integration).collect(),
    });
    receivers.collect()
}

/// Since when and why a receiver takes nothing, or not for everyone, if that is so.
pub fn failing(health: &ReceiverHealth) -> Option<ReceiverFailing> {
    let is_failing = match health.state {
        ReceiverState::Partial | ReceiverState::Retrying | ReceiverState::Failing => true,
        ReceiverState::Unused | ReceiverState::Healthy => false,
    };
    is_failing.then(|| ReceiverFailing {
        receiver: health.integration.to_string(),
        since: health.last_failure_at.unwrap_or_default(),
        reason: health.last_failure.clone().unwrap_or_default(),
    })
}

/// Sends test messages the way real ones go and waits for what comes back.
pub async fn drill(pages: &Pages, receiver: Option<String>, by: String) -> Result<Vec<DrillView>, Refused> {
    if by.trim().is_empty() {
        return Err(Refused::Invalid("say who you are".to_owned()));
    }
    let id = entropy::uuid();
    let wish = DrillWish { receiver: receiver.clone(), id, by };
    let alerts::Answer::Drilled(keys) = pages.ask(alerts::Event::Drill(wish)).await? else {
        return Err(other_answer());
    };
    if keys.is_empty() {
        let known = pages.read(|pipeline| {
            let receivers = pipeline.alerts.config().receivers.values();
            let told = receivers.filter(|receiver| !receiver.integrations.is_empty());
            told.map(|receiver| receiver.name.clone()).collect::<Vec<_>>()
        });
        let known = if known.is_empty() { "none can be told".to_owned() } else { alerts::listed(&known) };
        return Err(Refused::NotFound(match receiver {
            Some(name) => format!("no receiver {name:?} with an integration; there is {known}"),
            None => "no receiver has an integration, so that nobody can be told".to_owned(),
        }));
    }
    let end = Instant::now() + DRILL_MAX;
    let mut drilled = Vec::with_capacity(keys.len());
    for key in keys {
        drilled.push(answered(pages, &key, end).await?);
    }
    Ok(drilled)
}

/// What became of the first attempt at a test message. Whether a second one helps, the ledger will show.
async fn answered(pages: &Pages, key: &DeliveryKey, end: Instant) -> Result<DrillView, Refused> {
    loop {
        let found = row(pages, key).await?;
        let over =
            found.as_ref().is_some_and(|(row, detail)| !row.status.is_open() || !detail.attempts.is_empty());
        if over || Instant::now() >= end {
            let integration = found
                .as_ref()
                .map_or_else(|| key.to_string(), |(row, _)| row.delivery.integration.to_string());
            return Ok(DrillView { integration, delivery: found.filter(|_| over).map(|(_, detail)| detail) });
        }
        tokio::time::sleep(DRILL_LOOK).await;
    }
}
