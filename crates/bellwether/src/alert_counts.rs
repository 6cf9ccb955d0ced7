//! What happened to alerts and messages since this process started, counted where decisions are written down, for the
//! metrics: nothing that was decided can be missing here.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bellwether_alerts::{AttemptRow, DeliveryRow, DeliveryStatus, IntegrationId, Receipt, Record};
use bellwether_model::{Alert, Timestamp};

/// Upper ends of the buckets of the time from a decision to its receipt, in seconds: from a webhook next door to a
/// receiver that was away for an hour.
pub const LATENCY_BUCKETS: [f64; 13] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0];

/// Counts of one integration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IntegrationCounts {
    /// Messages that it took.
    pub delivered: u64,
    /// Messages that it never took, by what it answered: `client`, `server`, `unreachable`, `unsendable`.
    pub failed: BTreeMap<&'static str, u64>,
    /// Messages that a later one replaced, or that were taken back.
    pub superseded: u64,
    /// Attempts that it took.
    pub attempts_accepted: u64,
    /// Attempts that it took, but not for everyone.
    pub attempts_in_part: u64,
    /// Attempts that it did not take.
    pub attempts_failed: u64,
    /// Messages by how long the receipt took: one count per bucket, and one beyond all.
    pub latency: [u64; LATENCY_BUCKETS.len() + 1],
    /// The sum of those times, in seconds.
    pub latency_sum_seconds: f64,
}

/// Counts of everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counted {
    /// By integration.
    pub integrations: BTreeMap<IntegrationId, IntegrationCounts>,
    /// What people did, by verb: `acknowledge`, `resolve`.
    pub actions: BTreeMap<String, u64>,
    /// Lives of alerts that are over.
    pub episodes: u64,
    /// Alerts that arrived over the API firing.
    pub received_firing: u64,
    /// Alerts that arrived over the API resolved.
    pub received_resolved: u64,
}

/// Counts what is recorded.
#[derive(Debug, Default)]
pub struct AlertCounts(Mutex<Counted>);

impl AlertCounts {
    /// All counts.
    pub fn counted(&self) -> Counted {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts what is about to be written down.
    pub fn note(&self, records: &[Record]) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts: BTreeMap<&str, &AttemptRow> = BTreeMap::new();
        for record in records {
            match record {
                Record::Attempt(row) => _ = attempts.insert(&row.delivery.0, row),
                Record::Delivery(row) => {
                    // An attempt that is over is followed by where its message stands then.
                    let attempt = attempts.remove(row.delivery.key.0.as_str());
                    let integration = row.delivery.integration.clone();
                    counted.integrations.entry(integration).or_default().message(row, attempt);
                }
                Record::Episode(_) => counted.episodes += 1,
                Record::Audit(row) => {
                    if let Some(verb) = row.action.strip_prefix("alert.") {
                        *counted.actions.entry(verb.to_owned()).or_default() += 1;
                    }
                }
                Record::Alert(_)
                | Record::AlertGone(_)
                | Record::Silence(_)
                | Record::SilenceGone(_)
                | Record::Group(_)
                | Record::GroupGone(_)
                | Record::Told(_) => {}
            }
        }
    }

    /// Counts alerts that arrive over the API.
    pub fn received(&self, alerts: &[Alert], now: Timestamp) {
        let resolved = alerts.iter().filter(|alert| alert.is_resolved(now)).count() as u64;
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.received_resolved += resolved;
        counted.received_firing += alerts.len() as u64 - resolved;
    }
}

impl IntegrationCounts {
    fn message(&mut self, row: &DeliveryRow, attempt: Option<&AttemptRow>) {
        match attempt.map(|attempt| &attempt.receipt) {
            Some(Receipt::Accepted { .. }) => self.attempts_accepted += 1,
            Some(Receipt::AcceptedInPart { .. }) => self.attempts_in_part += 1,
            Some(
                Receipt::Refused { .. }
                | Receipt::MailRefused { .. }
                | Receipt::Unreachable { .. }
                | Receipt::Unsendable { .. },
            ) => self.attempts_failed += 1,
            None => {}
        }
        match &row.status {
            DeliveryStatus::Delivered => {
                self.delivered += 1;
                let took =
                    (row.updated_at.0.saturating_sub(row.delivery.decided_at.0)).max(0) as f64 / 1000.0;
                let bucket = LATENCY_BUCKETS.iter().position(|end| took <= *end);
                self.latency[bucket.unwrap_or(LATENCY_BUCKETS.len())] += 1;
                self.latency_sum_seconds += took;
            }
            DeliveryStatus::Failed { last } => *self.failed.entry(reason(last)).or_default() += 1,
            DeliveryStatus::Replaced { .. } | DeliveryStatus::Withdrawn { .. } => self.superseded += 1,
            DeliveryStatus::InFlight | DeliveryStatus::Waiting { .. } => {}
        }
    }

    /// Messages that it never took.
    pub fn failed_total(&self) -> u64 {
        self.failed.values().sum()
    }
}

/// Whose fault it is, as far as the answer says.
const fn reason(receipt: &Receipt) -> &'static str {
    match receipt {
        Receipt::Refused { status: 400..=499, .. } | Receipt::MailRefused { code: 500..=599, .. } => "client",
        Receipt::Accepted { .. }
        | Receipt::AcceptedInPart { .. }
        | Receipt::Refused { .. }
        | Receipt::MailRefused { .. } => "server",
        Receipt::Unreachable { .. } => "unreachable",
        Receipt::Unsendable { .. } => "unsendable",
    }
}
