//! An alert as it travels from whoever raised it to whoever routes it: Alertmanager's shape.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Labels, Timestamp};

/// Identity of an alert: the fingerprint of its labels, written as sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertFingerprint(pub u64);

impl fmt::Display for AlertFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Something that is or was wrong. Two alerts with equal labels are the same alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity, and what routing looks at. Includes `alertname`.
    pub labels: Labels,
    /// What people read.
    pub annotations: Labels,
    /// Since when it has been firing.
    pub starts_at: Timestamp,
    /// When it ends: in the past means resolved; in the future means "resolved unless heard of again by then";
    /// `None` means it fires until its source says otherwise.
    pub ends_at: Option<Timestamp>,
    /// Where its cause can be looked at.
    pub generator_url: String,
}

impl Alert {
    /// Identity of this alert.
    pub fn fingerprint(&self) -> AlertFingerprint {
        AlertFingerprint(self.labels.fingerprint())
    }

    /// Whether it is over at `now`.
    pub fn is_resolved(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end <= now)
    }

    /// The alert's name, or the empty text.
    pub fn name(&self) -> &str {
        self.labels.value_or_empty("alertname")
    }
}
