//! One entry of a series, a number or a histogram, and what is remembered of the last one.

use std::sync::Arc;

use bellwether_model::{Histogram, HistogramSample, Sample, Timestamp};

use crate::histogram_row::fingerprint;

/// What was measured, and since when it counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) at: Timestamp,
    pub(crate) value: EntryValue<'a>,
    pub(crate) since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EntryValue<'a> {
    Float(f64),
    Histogram(&'a Arc<Histogram>),
}

/// The last entry of a series.
#[derive(Clone, Debug)]
pub(crate) enum Last {
    Float(Sample),
    Histogram(HistogramSample),
    /// A histogram that lies in a segment.
    Fingerprint(Timestamp, u32),
}

impl Last {
    pub(crate) fn at(&self) -> Timestamp {
        match self {
            Self::Float(sample) => sample.at,
            Self::Histogram(sample) => sample.at,
            Self::Fingerprint(at, _) => *at,
        }
    }

    /// Whether the same was measured, bit by bit.
    pub(crate) fn has_bits_of(&self, value: EntryValue<'_>) -> bool {
        match (self, value) {
            (Self::Float(last), EntryValue::Float(value)) => last.value.to_bits() == value.to_bits(),
            (Self::Histogram(last), EntryValue::Histogram(value)) => {
                Arc::ptr_eq(&last.histogram, value) || fingerprint(&last.histogram) == fingerprint(value)
            }
            (Self::Fingerprint(_, last), EntryValue::Histogram(value)) => *last == fingerprint(value),
            (Self::Float(_), EntryValue::Histogram(_))
            | (Self::Histogram(_) | Self::Fingerprint(..), EntryValue::Float(_)) => false,
        }
    }
}

/// Whether two values are the same, bit by bit.
pub(crate) fn is_same(a: EntryValue<'_>, b: EntryValue<'_>) -> bool {
    match (a, b) {
        (EntryValue::Float(a), EntryValue::Float(b)) => a.to_bits() == b.to_bits(),
        (EntryValue::Histogram(a), EntryValue::Histogram(b)) => {
            Arc::ptr_eq(a, b) || fingerprint(a) == fingerprint(b)
        }
        (EntryValue::Float(_), EntryValue::Histogram(_))
        | (EntryValue::Histogram(_), EntryValue::Float(_)) => false,
    }
}
