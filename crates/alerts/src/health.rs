//! How well each receiver can be reached. Whatever keeps an alert from reaching someone must be seen.

use bellwether_model::Timestamp;
use serde::Serialize;

use crate::{IntegrationId, Receipt};

/// In one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverState {
    /// Nothing has been sent yet.
    Unused,
    /// The last message was heard.
    Healthy,
    /// The last message was heard, but not by everyone who should hear it.
    Partial,
    /// The last attempt failed; others follow.
    Retrying,
    /// The last message was refused for good.
    Failing,
}

/// How well one integration can be reached.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReceiverHealth {
    /// Which.
    pub integration: IntegrationId,
    /// In one word.
    pub state: ReceiverState,
    /// When it last took a message.
    pub last_success_at: Option<Timestamp>,
    /// When it last failed to.
    pub last_failure_at: Option<Timestamp>,
    /// What the last failure was, in words.
    pub last_failure: Option<String>,
    /// Failed attempts since the last success.
    pub failures_in_row: u32,
    /// Messages that wait for another attempt.
    pub waiting_deliveries: usize,
    /// It asked to be left alone until then.
    pub limited_until: Option<Timestamp>,
    /// Why its template could not be rendered, while it cannot.
    pub template_error: Option<String>,
}

impl ReceiverHealth {
    pub(crate) fn new(integration: IntegrationId) -> Self {
        Self {
            integration,
            state: ReceiverState::Unused,
            last_success_at: None,
            last_failure_at: None,
            last_failure: None,
            failures_in_row: 0,
            waiting_deliveries: 0,
            limited_until: None,
            template_error: None,
        }
    }

    /// A message was taken; what the receipt leaves out counts as a failure that no attempt mends.
    pub(crate) fn succeeded(&mut self, receipt: &Receipt, now: Timestamp) {
        self.state = ReceiverState::Healthy;
        if let Receipt::AcceptedInPart { .. } = receipt {
            self.state = ReceiverState::Partial;
            (self.last_failure_at, self.last_failure) = (Some(now), Some(receipt.describe()));
        }
        self.last_success_at = Some(now);
        self.failures_in_row = 0;
        self.limited_until = None;
    }

    pub(crate) fn failed(&mut self, receipt: &Receipt, state: ReceiverState, now: Timestamp) {
        self.state = state;
        self.last_failure_at = Some(now);
        self.last_failure = Some(receipt.describe());
        self.failures_in_row = self.failures_in_row.saturating_add(1);
    }
}
