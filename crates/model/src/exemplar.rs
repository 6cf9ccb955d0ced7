//! An exemplar: one event that a counter or a bucket counted, with what names it elsewhere, mostly a trace.

use crate::{Labels, Timestamp};

/// One event among many that were counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Exemplar {
    /// What names the event, such as `trace_id`.
    pub labels: Labels,
    /// What was measured of it.
    pub value: f64,
    /// When it happened, if that was said.
    pub at: Option<Timestamp>,
}
