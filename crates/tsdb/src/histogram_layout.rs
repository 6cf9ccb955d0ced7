//! What neighbouring histograms have in common: how bounds follow from bucket numbers, and which buckets there are.
//!
//! A layout may have more buckets than a histogram that is written with it; those have a count of 0. So it only ever
//! grows while a series goes on, and counts of neighbours stand at the same place.

use std::sync::Arc;

use bellwether_model::{Bucket, CounterReset, Histogram, Schema};

use crate::codec::{Reader, put_float, put_varint, put_zigzag};

/// Buckets of one histogram, and bounds of one, that are taken at most.
pub(crate) const BUCKETS_MAX: usize = 1 << 16;

/// Invariant: both lists of bucket numbers go up.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    schema: Schema,
    zero_threshold: f64,
    custom_bounds: Arc<[f64]>,
    positive: Vec<i32>,
    negative: Vec<i32>,
}

impl Default for Layout {
    fn default() -> Self {
        Self::of(&Histogram::stale())
    }
}

impl Layout {
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let numbers = |buckets: &[Bucket]| buckets.iter().map(|bucket| bucket.index).collect();
        Self {
            schema: histogram.schema,
            zero_threshold: histogram.zero_threshold,
            custom_bounds: Arc::clone(&histogram.custom_bounds),
            positive: numbers(&histogram.positive),
            negative: numbers(&histogram.negative),
        }
    }

    /// Counts of one histogram: the zero bucket's, then those of all buckets.
    pub(crate) fn slots(&self) -> usize {
        1 + self.positive.len() + self.negative.len()
    }

    /// Whether a bucket of the same number has the same bounds in both.
    pub(crate) fn measures_like(&self, histogram: &Histogram) -> bool {
        self.has_bounds(histogram.schema, histogram.zero_threshold, &histogram.custom_bounds)
    }

    fn has_bounds(&self, schema: Schema, zero_threshold: f64, custom_bounds: &Arc<[f64]>) -> bool {
        let bits = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
        let same_list = |a: &[f64], b: &[f64]| a.len() == b.len() && a.iter().zip(b).all(bits);
        self.schema == schema
            && self.zero_threshold.to_bits() == zero_threshold.to_bits()
            && (Arc::ptr_eq(&self.custom_bounds, custom_bounds)
                || same_list(&self.custom_bounds, custom_bounds))
    }

    /// Whether a histogram can be written with this layout.
    pub(crate) fn covers(&self, histogram: &Histogram) -> bool {
        self.measures_like(histogram)
            && is_subset(&histogram.positive, &self.positive)
            && is_subset(&histogram.negative, &self.negative)
    }

    /// A layout for a histogram, with the buckets of this one too where they mean the same.
    pub(crate) fn widened(&self, histogram: &Histogram) -> Self {
        let mut wide = Self::of(histogram);
        if self.measures_like(histogram) {
            wide.positive = union(&self.positive, &wide.positive);
            wide.negative = union(&self.negative, &wide.negative);
        }
        wide
    }

    /// A histogram's counts, at the places of this layout, which covers it.
    pub(crate) fn counts(&self, histogram: &Histogram, out: &mut Vec<f64>) {
        out.clear();
        out.push(histogram.zero_count);
        place(&self.positive, &histogram.positive, out);
        place(&self.negative, &histogram.negative, out);
    }

    /// Counts of another layout at the places of this one; `None` when the buckets are not the same.
    pub(crate) fn counts_from(&self, other: &Self, counts: &[f64]) -> Option<Vec<f64>> {
        if !self.has_bounds(other.schema, other.zero_threshold, &other.custom_bounds) {
            return None;
        }
        let before = other.histogram(CounterReset::Unknown, counts, 0.0, 0.0);
        let mut placed = Vec::with_capacity(self.slots());
        self.counts(&before, &mut placed);
        Some(placed)
    }

    /// The histogram that has these counts; as many as there are slots.
    pub(crate) fn histogram(&self, reset: CounterReset, counts: &[f64], count: f64, sum: f64) -> Histogram {
        let (zero_count, rest) = counts.split_first().map_or((0.0, counts), |(zero, rest)| (*zero, rest));
        let (positive, negative) = rest.split_at(self.positive.len().min(rest.len()));
        Histogram {
            counter_reset: reset,
            schema: self.schema,
            zero_threshold: self.zero_threshold,
            zero_count,
            count,
            sum,
            positive: filled(&self.positive, positive),
            negative: filled(&self.negative, negative),
            custom_bounds: Arc::clone(&self.custom_bounds),
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_zigzag(out, i64::from(self.schema.number()));
        put_float(out, self.zero_threshold);
        put_varint(out, self.custom_bounds.len() as u64);
        self.custom_bounds.iter().for_each(|bound| put_float(out, *bound));
        for numbers in [&self.positive, &self.negative] {
            put_varint(out, numbers.len() as u64);
            let mut next = 0i64;
            for number in numbers {
                put_zigzag(out, i64::from(*number) - next);
                next = i64::from(*number) + 1;
            }
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let schema = Schema::from_number(reader.zigzag()?.try_into().ok()?)?;
        let zero_threshold = reader.float()?;
        let count = read_count(reader)?;
        let bounds: Option<Vec<f64>> = (0..count).map(|_| reader.float()).collect();
        let (custom_bounds, positive) = (Arc::from(bounds?), read_numbers(reader)?);
        Some(Self { schema, zero_threshold, custom_bounds, positive, negative: read_numbers(reader)? })
    }
}

/// Each of what is counted takes a byte at least, so a wild count ends here and not in the allocator.
fn read_count(reader: &mut Reader<'_>) -> Option<usize> {
    reader.varint_usize().filter(|count| *count <= BUCKETS_MAX && *count <= reader.rest().len())
}

fn read_numbers(reader: &mut Reader<'_>) -> Option<Vec<i32>> {
    let count = read_count(reader)?;
    let mut numbers: Vec<i32> = Vec::with_capacity(count);
    let mut next = 0i64;
    for _ in 0..count {
        let number = i32::try_from(next.checked_add(reader.zigzag()?)?).ok()?;
        if numbers.last().is_some_and(|last| *last >= number) {
            return None;
        }
        numbers.push(number);
        next = i64::from(number) + 1;
    }
    Some(numbers)
}

fn is_subset(buckets: &[Bucket], numbers: &[i32]) -> bool {
    let mut rest = numbers.iter();
    buckets.len() <= numbers.len() && buckets.iter().all(|bucket| rest.any(|number| *number == bucket.index))
}

fn union(a: &[i32], b: &[i32]) -> Vec<i32> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// Counts in the order of the numbers; 0 where there is no bucket.
fn place(numbers: &[i32], buckets: &[Bucket], out: &mut Vec<f64>) {
    let mut rest = buckets.iter().peekable();
    for number in numbers {
        while rest.next_if(|bucket| bucket.index < *number).is_some() {}
        out.push(rest.next_if(|bucket| bucket.index == *number).map_or(0.0, |bucket| bucket.count));
    }
}

fn filled(numbers: &[i32], counts: &[f64]) -> Vec<Bucket> {
    let buckets = numbers.iter().zip(counts).map(|(index, count)| Bucket { index: *index, count: *count });
    buckets.filter(|bucket| bucket.count != 0.0).collect()
}
