//! A native histogram of Prometheus, whose buckets are counted along spans, as one of ours, whose buckets have numbers.

use bellwether_model::{Bucket, CounterReset};

use super::damage::Problem;

/// No histogram has more buckets on a side.
const BUCKETS_MAX: u64 = 65_536;

/// Neighbouring buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Buckets between the span before and this one; of the first one its number.
    pub offset: i32,
    /// How many buckets.
    pub length: u32,
}

/// The number of each bucket of some spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets(Vec<i32>);

impl Buckets {
    /// The numbers that spans stand for.
    pub fn of(spans: &[Span]) -> Result<Self, Problem> {
        let total: u64 = spans.iter().map(|span| u64::from(span.length)).sum();
        if total > BUCKETS_MAX {
            return Err(Problem::Nonsense("a histogram has more than 65536 buckets"));
        }
        let mut numbers = Vec::with_capacity(total as usize);
        let mut next = 0i32;
        for (place, span) in spans.iter().enumerate() {
            if place > 0 && span.offset < 0 {
                return Err(Problem::Nonsense("spans of a histogram go backwards"));
            }
            let end = next.checked_add(span.offset).and_then(|start| {
                let end = start.checked_add(i32::try_from(span.length).ok()?)?;
                numbers.extend(start..end);
                Some(end)
            });
            next = end.ok_or(Problem::Nonsense("a bucket's number is too large"))?;
        }
        Ok(Self(numbers))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Buckets with their counts; those without observations are not kept.
pub fn buckets(numbers: &Buckets, counts: impl Iterator<Item = f64>) -> Vec<Bucket> {
    let bucket = |(index, count): (&i32, f64)| Bucket { index: *index, count };
    numbers.0.iter().zip(counts).map(bucket).filter(|bucket| bucket.count != 0.0).collect()
}

/// Running totals of counts that are written as differences from the bucket before.
pub(crate) fn running(counts: impl Iterator<Item = i64>) -> impl Iterator<Item = f64> {
    counts.scan(0i64, |total, count| {
        *total = total.wrapping_add(count);
        Some(*total as f64)
    })
}

/// What a log's byte says; what is unknown says nothing.
pub(crate) const fn counter_reset(byte: u8) -> CounterReset {
    match byte {
        1 => CounterReset::Reset,
        2 => CounterReset::NotReset,
        3 => CounterReset::Gauge,
        _ => CounterReset::Unknown,
    }
}
