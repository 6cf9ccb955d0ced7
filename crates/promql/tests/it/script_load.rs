//! What `load` of a script knows beyond the notation of series: histograms with custom bounds made of classic ones, and
//! start times.

use std::collections::BTreeMap;

use bellwether_model::{Bucket, Histogram, Labels, Schema, TimeDelta, Timestamp};

use crate::memory::Entry;
use crate::script;

/// Classic histograms as native ones with custom bounds, at every moment any of their parts has a value.
pub(crate) fn classic_to_custom(classic: &[(Labels, Vec<Entry>)]) -> Vec<(Labels, Vec<Entry>)> {
    #[derive(Default)]
    struct Parts {
        /// Cumulative counts by their bounds, in their order.
        buckets: Vec<(f64, f64)>,
        count: Option<f64>,
        sum: f64,
    }
    let mut found: BTreeMap<Labels, BTreeMap<Timestamp, Parts>> = BTreeMap::new();
    for (labels, entries) in classic {
        let name = labels.value_or_empty("__name__");
        let suffix = ["_bucket", "_count", "_sum"].into_iter().find(|end| name.ends_with(end));
        let Some(suffix) = suffix else { continue };
        let bound = labels.value_or_empty("le").parse::<f64>().ok().filter(|bound| !bound.is_nan());
        if suffix == "_bucket" && bound.is_none() {
            continue;
        }
        let base = labels.without(&["le"]).with("__name__", name.strip_suffix(suffix).unwrap_or(name));
        for entry in entries {
            let Some(value) = entry.value.as_float() else { continue };
            let parts = found.entry(base.clone()).or_default().entry(entry.at).or_default();
            match (suffix, bound) {
                ("_bucket", Some(bound)) => parts.buckets.push((bound, value)),
                ("_count", _) => parts.count = Some(value),
                _ => parts.sum = value,
            }
        }
    }
    let convert = |(at, mut parts): (Timestamp, Parts)| {
        parts.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        parts.buckets.dedup_by_key(|bucket| bucket.0);
        let count = parts.count.or(parts.buckets.last().map(|b| b.1)).unwrap_or(0.0);
        if parts.buckets.last().is_none_or(|b| b.0 != f64::INFINITY) {
            parts.buckets.push((f64::INFINITY, count));
        }
        let mut before = 0.0;
        let mut positive = Vec::new();
        for (index, (_, cumulative)) in parts.buckets.iter().enumerate() {
            if *cumulative != before {
                positive.push(Bucket { index: index as i32, count: cumulative - before });
            }
            before = *cumulative;
        }
        let bounds = parts.buckets.iter().map(|b| b.0).filter(|bound| bound.is_finite());
        let custom_bounds = bounds.collect::<Vec<_>>().into();
        let empty = Histogram::empty(Schema::CUSTOM);
        let histogram = Histogram { count, sum: parts.sum, positive, custom_bounds, ..empty };
        histogram.validate().expect("a classic histogram of a script is one");
        Entry { at, value: histogram.into(), start: None }
    };
    found.into_iter().map(|(labels, at)| (labels, at.into_iter().map(convert).collect())).collect()
}

/// Reads `-30s-1mx2 _ 0`: how long before each sample its counter began to count.
pub(crate) fn start_offsets(text: &str) -> Vec<Option<TimeDelta>> {
    let mut out = Vec::new();
    for word in text.split_whitespace() {
        if let Some(times) = word.strip_prefix('_') {
            let times = times.strip_prefix('x').map_or(1, |n| n.parse().expect("a count follows x"));
            out.extend(std::iter::repeat_n(None, times));
            continue;
        }
        let (head, times) = word.rsplit_once('x').unwrap_or((word, "0"));
        let step_at = head[1..].rfind(['+', '-']).map(|n| n + 1);
        let (first, step) = step_at.map_or((head, "0s"), |at| head.split_at(at));
        let signed = |text: &str| {
            let size = script::duration(text.trim_start_matches(['+', '-']));
            if text.starts_with('-') { TimeDelta(-size.0) } else { size }
        };
        let (mut offset, step) = (signed(first), signed(step));
        for _ in 0..=times.parse::<usize>().expect("a count follows x") {
            out.push(Some(offset));
            offset = TimeDelta(offset.0 + step.0);
        }
    }
    out
}
