//! Brings histograms to common buckets: a coarser schema, a wider zero bucket, fewer custom bounds.

use std::sync::Arc;

use bellwether_model::{Bucket, Schema};

use crate::kahan::Kahan;

/// The count of one bucket while it is summed up.
#[derive(Clone, Copy, Debug)]
pub(super) struct SumBucket {
    pub(super) index: i32,
    pub(super) count: Kahan,
}

pub(super) fn sum_buckets(buckets: &[Bucket]) -> Vec<SumBucket> {
    buckets.iter().map(|b| SumBucket { index: b.index, count: Kahan::of(b.count) }).collect()
}

/// The bucket of a coarser schema that a bucket falls into: each level of it joins two neighbours.
fn coarser_index(index: i32, levels: u32) -> i32 {
    (index.saturating_sub(1) >> levels) + 1
}

/// Joins buckets so that they fit a coarser exponential schema.
pub(super) fn coarsen(buckets: &mut Vec<SumBucket>, from: Schema, to: Schema) {
    let levels = from.number().saturating_sub(to.number()).max(0) as u32;
    if levels > 0 {
        join(buckets, |index| coarser_index(index, levels));
    }
}

/// The bounds that two custom histograms share.
pub(super) fn shared_bounds(a: &[f64], b: &[f64]) -> Arc<[f64]> {
    let is_shared = |bound: &f64| b.get(b.partition_point(|other| other < bound)) == Some(bound);
    a.iter().copied().filter(is_shared).collect()
}

/// Joins custom buckets so that they fit some of their bounds.
pub(super) fn keep_bounds(buckets: &mut Vec<SumBucket>, from: &[f64], kept: &[f64]) {
    let place = |index: i32| match usize::try_from(index).ok().and_then(|index| from.get(index)) {
        Some(bound) => kept.partition_point(|k| k < bound) as i32,
        None => kept.len() as i32,
    };
    join(buckets, place);
}

/// Gives buckets new numbers, which must not change their order, and joins those that get the same one.
fn join(buckets: &mut Vec<SumBucket>, place: impl Fn(i32) -> i32) {
    buckets.iter_mut().for_each(|bucket| bucket.index = place(bucket.index));
    buckets.dedup_by(|later, kept| {
        let is_same = later.index == kept.index;
        if is_same {
            kept.count.add_sum(later.count);
        }
        is_same
    });
}

/// Adds buckets to others of the same layout.
pub(super) fn add_buckets(target: &mut Vec<SumBucket>, added: &[SumBucket]) {
    let mut place = 0;
    for bucket in added {
        place += target[place..].partition_point(|t| t.index < bucket.index);
        match target.get_mut(place) {
            Some(found) if found.index == bucket.index => found.count.add_sum(bucket.count),
            _ => target.insert(place, *bucket),
        }
    }
}
