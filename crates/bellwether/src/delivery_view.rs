//! Messages on their way to people as pages and the API see them: what became of each, in a sentence.

use bellwether_alerts::{self as alerts, DeliveryRow, DeliveryStatus};
use bellwether_web::view::{DeliveryOutcome, DeliveryView};

/// One message and what became of it.
pub fn delivery(row: &DeliveryRow) -> DeliveryView {
    let delivery = &row.delivery;
    let count = |status| u32::try_from(delivery.notification.with_status(status).count()).unwrap_or(u32::MAX);
    let (outcome, detail, next_attempt_at) = match &row.status {
        DeliveryStatus::InFlight => (DeliveryOutcome::Pending, "on its way".to_owned(), None),
        DeliveryStatus::Waiting { until, last } => {
            let detail = last
                .as_ref()
                .map_or("the receiver asked to be left alone".to_owned(), |last| last.describe());
            (DeliveryOutcome::Retrying, detail, Some(*until))
        }
        DeliveryStatus::Delivered => {
            (DeliveryOutcome::Delivered, "accepted by the receiver".to_owned(), None)
        }
        DeliveryStatus::Failed { last } => (DeliveryOutcome::Failed, last.describe(), None),
        DeliveryStatus::Replaced { by } => {
            (DeliveryOutcome::Superseded, format!("a later message says it all: {by}"), None)
        }
        DeliveryStatus::Withdrawn { why } => {
            (DeliveryOutcome::Superseded, format!("nothing left to say: {why}"), None)
        }
    };
    DeliveryView {
        id: delivery.key.to_string(),
        decided_at: delivery.decided_at,
        receiver: delivery.integration.receiver.clone(),
        integration: delivery.integration.kind.as_str().to_owned(),
        group_labels: delivery.notification.group_labels.clone(),
        reason: delivery.notification.reason.as_str().to_owned(),
        why: delivery.notification.reason.explain().to_owned(),
        firing: count(alerts::Status::Firing),
        resolved: count(alerts::Status::Resolved),
        outcome,
        attempts: delivery.attempt,
        attempted_at: Some(row.updated_at),
        next_attempt_at,
        detail: delivery.message.template_error.clone().unwrap_or(detail),
    }
}
