//! What metrics there are: names, label values and counts so far, from a scrape's body or from a Prometheus' answer.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_ingest::{Entry, Limits, MetricKind, ScanError, decode_series, scan};
use serde_json::Value;

/// More series than these are not looked at: what a service is about shows in the first ones.
const SERIES_MAX: usize = 50_000;

/// A series and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its labels, the name not among them.
    pub labels: BTreeMap<String, String>,
    /// What it stands at.
    pub value: f64,
}

/// What was seen, by the metric's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    series: BTreeMap<String, Vec<Series>>,
    kinds: BTreeMap<String, MetricKind>,
    count: usize,
}

impl Seen {
    /// From the body of a scrape.
    pub fn in_body(body: &[u8]) -> Result<Self, ScanError> {
        let mut seen = Self::default();
        let limits = Limits { last_line_may_be_open: true, ..Limits::default() };
        scan(body, &limits, &mut |entry| match entry {
            Entry::Sample(sample) => {
                let labels = decode_series(sample.series).map(|labels| labels.labels());
                let labels = labels.map_or_else(
                    |_| BTreeMap::new(),
                    |labels| labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
                );
                seen.add(sample.name(), labels, sample.value);
            }
            Entry::Type { name, kind } => drop(seen.kinds.insert(name.to_owned(), kind)),
            Entry::Histogram(_) | Entry::Help { .. } | Entry::Unit { .. } => {}
        })?;
        Ok(seen)
    }

    /// From the answer to an instant query; what is no vector holds nothing.
    pub fn in_answer(answer: &Value) -> Self {
        let mut seen = Self::default();
        for found in answer["data"]["result"].as_array().into_iter().flatten() {
            let value = found["value"][1].as_str().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN);
            let labels = found["metric"].as_object().into_iter().flatten();
            let labels: BTreeMap<String, String> =
                labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
            let name = labels.get("__name__").cloned().unwrap_or_default();
            seen.add(&name, labels, value);
        }
        seen
    }

    fn add(&mut self, name: &str, mut labels: BTreeMap<String, String>, value: f64) {
        labels.remove("__name__");
        if self.count < SERIES_MAX && !name.is_empty() {
            self.count += 1;
            self.series.entry(name.to_owned()).or_default().push(Series { labels, value });
        }
    }

    /// How many series.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.series.keys().map(String::as_str)
    }

    /// The series of a metric.
    pub fn series(&self, name: &str) -> &[Series] {
        self.series.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a metric only grows, by what is said of it or by its name.
    pub fn is_counter(&self, name: &str) -> bool {
        match self.kinds.get(name) {
            Some(kind) => *kind == MetricKind::Counter,
            None => name.ends_with("_total"),
        }
    }

    /// Values of a label of a metric.
    pub fn values(&self, name: &str, label: &str) -> BTreeSet<&str> {
        self.series(name).iter().filter_map(|series| series.labels.get(label)).map(String::as_str).collect()
    }

    /// The sum of all series of a metric that a condition holds for.
    pub fn sum(&self, name: &str, holds: impl Fn(&Series) -> bool) -> f64 {
        self.series(name)
            .iter()
            .filter(|series| series.value.is_finite() && holds(series))
            .map(|series| series.value)
            .sum()
    }
}
