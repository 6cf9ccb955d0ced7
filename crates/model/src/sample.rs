//! One measured value, and the one special value among them: the staleness marker.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// The bits of the NaN that marks a series as gone. Chosen by Prometheus; every store of the field agrees on it.
pub const STALE_NAN: f64 = f64::from_bits(0x7ff0_0000_0000_0002);

/// Whether a value is the staleness marker. An ordinary NaN is a value like any other.
pub fn is_stale(value: f64) -> bool {
    value.to_bits() == STALE_NAN.to_bits()
}

/// A value at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: f64,
}

impl Sample {
    /// A value at a moment.
    pub const fn new(at: Timestamp, value: f64) -> Self {
        Self { at, value }
    }

    /// Whether this sample marks its series as gone.
    pub fn is_stale(&self) -> bool {
        is_stale(self.value)
    }
}
