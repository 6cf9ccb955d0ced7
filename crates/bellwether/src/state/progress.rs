//! Where a message stands, apart from what it says: what it says is large and never changes, so it is written once.

use std::collections::BTreeSet;

use bellwether_alerts::{Delivery, DeliveryRow, DeliveryStatus, Reason, Thread};
use bellwether_model::{AlertFingerprint, Timestamp};
use serde::{Deserialize, Serialize};

/// What changes of a message while it is on its way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Progress {
    reason: Reason,
    attempt: u32,
    parts_accepted: usize,
    thread: Thread,
    status: DeliveryStatus,
    updated_at: Timestamp,
    untold: BTreeSet<AlertFingerprint>,
    tried_since: Timestamp,
    failures: u32,
}

impl Progress {
    /// Of a row as it now is.
    pub(super) fn of(row: &DeliveryRow) -> Self {
        // Every field is named, so that a new one is not forgotten here.
        let DeliveryRow { delivery, status, updated_at, untold, tried_since, failures } = row;
        let Delivery {
            key: _,
            integration: _,
            reason,
            attempt,
            decided_at: _,
            notification: _,
            message: _,
            parts_accepted,
            thread,
        } = delivery;
        Self {
            reason: *reason,
            attempt: *attempt,
            parts_accepted: *parts_accepted,
            thread: thread.clone(),
            status: status.clone(),
            updated_at: *updated_at,
            untold: untold.clone(),
            tried_since: *tried_since,
            failures: *failures,
        }
    }

    /// A row that was written down earlier, as it stands by now.
    pub(super) fn apply(self, row: &mut DeliveryRow) {
        let Self {
            reason,
            attempt,
            parts_accepted,
            thread,
            status,
            updated_at,
            untold,
            tried_since,
            failures,
        } = self;
        row.delivery.reason = reason;
        row.delivery.attempt = attempt;
        row.delivery.parts_accepted = parts_accepted;
        row.delivery.thread = thread;
        row.status = status;
        row.updated_at = updated_at;
        row.untold = untold;
        row.tried_since = tried_since;
        row.failures = failures;
    }
}
