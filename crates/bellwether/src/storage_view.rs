//! What a store is made of, as JSON: for the API, and for `tsdb inspect`, which draws it.

use bellwether_tsdb::{Inspection, MetricFacts};
use serde_json::{Value, json};

/// The lists cut to so many entries; segments are all there.
pub fn view(seen: &Inspection, limit: usize) -> Value {
    let stats = &seen.stats;
    let metric =
        |m: &MetricFacts| json!({"name": m.name, "series": m.series, "samples": m.samples, "bytes": m.bytes});
    let mut by_bytes: Vec<&MetricFacts> = seen.metrics.iter().collect();
    by_bytes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let segments = seen.segments.iter().map(|segment| {
        json!({
            "name": segment.name, "from": segment.range.start.0, "to": segment.range.end.0,
            "series": segment.series, "series_new": segment.series_new, "samples": segment.samples,
            "bytes": segment.bytes,
        })
    });
    json!({
        "series": stats.series, "series_in_use": stats.series_in_use, "metrics": seen.metrics.len(),
        "head": {"samples": stats.head_samples, "bytes": stats.head_bytes},
        "log": {"files": stats.log_files, "bytes": stats.log_bytes},
        "segments": segments.collect::<Vec<_>>(),
        "segments_total": {
            "count": stats.segments, "samples": stats.segment_samples, "bytes": stats.segment_bytes,
        },
        "top_metrics_by_series": seen.metrics.iter().take(limit).map(metric).collect::<Vec<_>>(),
        "top_metrics_by_bytes": by_bytes.into_iter().take(limit).map(metric).collect::<Vec<_>>(),
        "top_labels": seen.labels.iter().take(limit).map(|l| {
            json!({"name": l.name, "values": l.values, "bytes": l.bytes})
        }).collect::<Vec<_>>(),
        "top_pairs": seen.pairs.iter().take(limit).map(|(name, value, series)| {
            json!({"name": name, "value": value, "series": series})
        }).collect::<Vec<_>>(),
        "quarantined": seen.quarantined.iter().map(|file| {
            let (from, to) = (file.range.map(|range| range.start.0), file.range.map(|range| range.end.0));
            json!({"name": file.name, "bytes": file.bytes, "from": from, "to": to, "samples": file.samples})
        }).collect::<Vec<_>>(),
    })
}
