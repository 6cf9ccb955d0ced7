//! The native histogram of both messages, whose fields have the same numbers.

use std::sync::Arc;

use bellwether_model::{CounterReset, Histogram, HistogramSample, STALE_NAN, Schema, Timestamp};

use super::{RemoteWriteError, bytes};
use crate::prometheus_block::{Buckets, Span, buckets};
use crate::protobuf::wire::{Fields, zigzag};

/// One side of a histogram: where its buckets are, and what is in them, either way of writing it.
#[derive(Default)]
struct Side {
    spans: Vec<Span>,
    deltas: Vec<u64>,
    counts: Vec<f64>,
}

/// Reads a histogram and since when it counts; `None` if it is none.
pub(crate) fn read(message: &[u8]) -> Result<Option<(HistogramSample, Option<Timestamp>)>, RemoteWriteError> {
    let (mut negative, mut positive, mut bounds) = (Side::default(), Side::default(), Vec::new());
    let (mut count, mut zero_count, mut is_whole) = (0.0, 0.0, true);
    let (mut sum, mut zero_threshold, mut schema, mut hint) = (0.0, 0.0, 0, 0);
    let (mut at, mut since) = (0, 0);
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => (count, is_whole) = (value.number("count_int")? as f64, true),
            2 => (count, is_whole) = (value.double("count_float")?, false),
            3 => sum = value.double("sum")?,
            4 => schema = zigzag(value.number("schema")?),
            5 => zero_threshold = value.double("zero_threshold")?,
            6 => zero_count = value.number("zero_count_int")? as f64,
            7 => zero_count = value.double("zero_count_float")?,
            8 => negative.spans.push(span(bytes(value)?)?),
            9 => value.numbers("negative_deltas", &mut negative.deltas)?,
            10 => value.doubles("negative_counts", &mut negative.counts)?,
            11 => positive.spans.push(span(bytes(value)?)?),
            12 => value.numbers("positive_deltas", &mut positive.deltas)?,
            13 => value.doubles("positive_counts", &mut positive.counts)?,
            14 => hint = value.number("reset_hint")?,
            15 => at = value.number("timestamp")? as i64,
            16 => value.doubles("custom_values", &mut bounds)?,
            17 => since = value.number("start_timestamp")? as i64,
            _ => {}
        }
    }
    let since = (since != 0).then_some(Timestamp(since));
    let stale = || (HistogramSample::new(Timestamp(at), Arc::new(Histogram::stale())), since);
    if sum.to_bits() == STALE_NAN.to_bits() {
        return Ok(Some(stale()));
    }
    let schema = i32::try_from(schema).ok().and_then(Schema::from_number);
    let sides = (negative.buckets(is_whole), positive.buckets(is_whole));
    let (Some(schema), (Some(negative), Some(positive))) = (schema, sides) else { return Ok(None) };
    let counter_reset = match hint {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    };
    let custom_bounds = Arc::from(bounds);
    let histogram = Histogram {
        counter_reset,
        schema,
        zero_threshold,
        zero_count,
        count,
        sum,
        positive,
        negative,
        custom_bounds,
    };
    let is_sound = histogram.validate().is_ok() && (!is_whole || histogram.adds_up());
    Ok(is_sound.then(|| (HistogramSample::new(Timestamp(at), Arc::new(histogram)), since)))
}

impl Side {
    /// `None` when spans and counts do not fit together.
    fn buckets(&self, is_whole: bool) -> Option<Vec<bellwether_model::Bucket>> {
        let numbers = Buckets::of(&self.spans).ok()?;
        if is_whole {
            let running = self.deltas.iter().scan(0i64, |total, delta| {
                *total = total.wrapping_add(zigzag(*delta));
                Some(*total as f64)
            });
            (numbers.len() == self.deltas.len()).then(|| buckets(&numbers, running))
        } else {
            (numbers.len() == self.counts.len()).then(|| buckets(&numbers, self.counts.iter().copied()))
        }
    }
}

fn span(message: &[u8]) -> Result<Span, RemoteWriteError> {
    let (mut offset, mut length) = (0, 0);
    let mut fields = Fields::new(message);
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => offset = zigzag(value.number("offset")?),
            2 => length = value.number("length")?,
            _ => {}
        }
    }
    // What does not fit a span is more than any histogram has.
    let offset = i32::try_from(offset).unwrap_or(i32::MAX);
    Ok(Span { offset, length: u32::try_from(length).unwrap_or(u32::MAX) })
}
