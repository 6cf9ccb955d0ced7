//! Since when the counters of a body have been counting. OpenMetrics says it in a line of its own (`requests_created`)
//! that stands near the values it is about, mostly behind them; protobuf says it with each value.

use std::collections::HashMap;
use std::hash::Hasher;

use bellwether_ingest::{MetricKind, created_base, created_moment, decode_series};
use bellwether_model::{METRIC_NAME, Timestamp};

/// The bit of a group by which a `_created` line differs from the values it is about.
const CREATED_LINE: u32 = 1;

/// What the series of one metric share with the line that says since when they count; 0 for those that have no such
/// line. That line's own group has its lowest bit set.
pub fn group_of(series: &str, kind: MetricKind) -> u32 {
    let (suffixes, bound): (&[&str], &str) = match kind {
        MetricKind::Counter => (&["_total"], ""),
        MetricKind::Histogram => (&["_bucket", "_sum", "_count"], "le"),
        MetricKind::Summary => (&["_sum", "_count"], "quantile"),
        MetricKind::Gauge
        | MetricKind::GaugeHistogram
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Untyped => return 0,
    };
    let Ok(labels) = decode_series(series) else { return 0 };
    let name = labels.get(METRIC_NAME).unwrap_or_default();
    let created = created_base(name, kind);
    let base =
        created.or_else(|| suffixes.iter().find_map(|suffix| name.strip_suffix(suffix))).unwrap_or(name);
    // No secret is needed: a target that makes its own groups collide harms its own start times.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(base.as_bytes());
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME && *name != bound) {
        for part in [name, value] {
            hasher.write(&[0xff]);
            hasher.write(part.as_bytes());
        }
    }
    let group = (hasher.finish() as u32 & !CREATED_LINE).max(2);
    if created.is_some() { group | CREATED_LINE } else { group }
}

/// Whether a group is that of a line that says since when.
pub const fn is_created(group: u32) -> bool {
    group & CREATED_LINE != 0
}

/// Start times of a body's values.
#[derive(Debug, Default)]
pub struct StartTimes {
    samples: Vec<(u32, Timestamp)>,
    histograms: Vec<(u32, Timestamp)>,
    /// Values of the metric at hand whose line has not come yet: group and place.
    waiting: Vec<(u32, u32)>,
    /// Lines that did not stand behind their values.
    apart: Vec<(u32, Timestamp)>,
}

impl StartTimes {
    /// A sample that says itself since when.
    pub fn sample(&mut self, place: u32, since: Timestamp) {
        self.samples.push((place, since));
    }

    /// The same of a histogram.
    pub fn histogram(&mut self, place: u32, since: Timestamp) {
        self.histograms.push((place, since));
    }

    /// A sample of a group, which is either a value or the line about it.
    pub fn line(&mut self, group: u32, place: u32, value: f64) {
        if !is_created(group) {
            self.waiting.push((group, place));
            return;
        }
        let Some(since) = created_moment(value) else { return };
        let group = group & !CREATED_LINE;
        let behind = self.waiting.iter().rev().take_while(|(other, _)| *other == group).count();
        if behind == 0 {
            self.apart.push((group, since));
            return;
        }
        let places = self.waiting.drain(self.waiting.len() - behind..);
        self.samples.extend(places.map(|(_, place)| (place, since)));
    }

    /// The metric is over: lines that stood apart from their values find them now.
    pub fn end_family(&mut self) {
        if !self.apart.is_empty() {
            let apart: HashMap<u32, Timestamp> = self.apart.drain(..).collect();
            let found = |(group, place): &(u32, u32)| apart.get(group).map(|since| (*place, *since));
            self.samples.extend(self.waiting.iter().filter_map(found));
        }
        self.waiting.clear();
    }

    /// All of them by their places in a batch, where histograms stand behind so many samples.
    pub fn by_place(mut self, samples: usize) -> Vec<(u32, Timestamp)> {
        self.end_family();
        let mut all = self.samples;
        if !all.is_sorted_by_key(|(place, _)| *place) {
            all.sort_unstable_by_key(|(place, _)| *place);
        }
        all.extend(self.histograms.into_iter().map(|(place, since)| (place + samples as u32, since)));
        all
    }
}
