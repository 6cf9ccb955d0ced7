//! Writes the text exposition format: our own `/metrics`, and every simulated service of the scenarios.

use std::fmt::Write as _;

use bellwether_model::is_valid_legacy_name;

use crate::MetricKind;

/// A body under construction. Families are written one after the other: [`Self::family`], then its samples.
#[derive(Clone, Debug, Default)]
pub struct ExpositionWriter {
    text: String,
}

impl ExpositionWriter {
    /// The `Content-Type` of the body.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Starts a metric: what it is and what it means.
    pub fn family(&mut self, name: &str, kind: MetricKind, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        for (word, text) in [("HELP", help.as_str()), ("TYPE", kind.as_str())] {
            let _ = write!(self.text, "# {word} ");
            self.name(name, true);
            let _ = writeln!(self.text, " {text}");
        }
    }

    /// One value of a series. `name` is the family's, or one derived from it such as `_sum`.
    pub fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let is_bare = is_valid_legacy_name(name, true);
        if is_bare {
            self.text.push_str(name);
        }
        if !is_bare || !labels.is_empty() {
            self.text.push('{');
            if !is_bare {
                self.quoted(name);
            }
            for (index, (label, value)) in labels.iter().enumerate() {
                if index > 0 || !is_bare {
                    self.text.push(',');
                }
                self.name(label, false);
                self.text.push('=');
                self.quoted(value);
            }
            self.text.push('}');
        }
        self.text.push(' ');
        self.number(value);
        self.text.push('\n');
    }

    /// All series of a classic histogram: buckets, sum and count.
    pub fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        for (bound, count) in histogram.cumulative() {
            let bound = bound_text(bound);
            let mut with_bound = labels.to_vec();
            with_bound.push(("le", &bound));
            self.sample(&bucket, &with_bound, count as f64);
        }
        self.sample(&format!("{name}_sum"), labels, histogram.sum());
        self.sample(&format!("{name}_count"), labels, histogram.count() as f64);
    }

    /// The finished body.
    pub fn finish(self) -> String {
        self.text
    }

    fn name(&mut self, name: &str, is_metric: bool) {
        if is_valid_legacy_name(name, is_metric) { self.text.push_str(name) } else { self.quoted(name) }
    }

    fn quoted(&mut self, value: &str) {
        self.text.push('"');
        for c in value.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
        self.text.push('"');
    }

    fn number(&mut self, value: f64) {
        // Far from 1, plain digits would be hundreds of zeros.
        let is_plain = value == 0.0 || (1e-6..1e17).contains(&value.abs());
        let _ = match value {
            _ if value.is_nan() => write!(self.text, "NaN"),
            f64::INFINITY => write!(self.text, "+Inf"),
            f64::NEG_INFINITY => write!(self.text, "-Inf"),
            _ if is_plain => write!(self.text, "{value}"),
            _ => write!(self.text, "{value:e}"),
        };
    }
}

/// A bucket's bound as its `le` label writes it: `0.05`, `5000`, `+Inf`.
pub fn bound_text(bound: f64) -> String {
    if bound == f64::INFINITY { "+Inf".to_owned() } else { bound.to_string() }
}

/// Counts of observations by size, with fixed bounds.
///
/// Invariant: `bounds` ascend, are finite, and `counts` has one entry more than they (the last is beyond them all).
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// An empty one. Panics if the bounds do not ascend, which is a bug of the caller.
    pub fn new(bounds: &'static [f64]) -> Self {
        assert!(bounds.windows(2).all(|two| two[0] < two[1]), "histogram bounds must ascend");
        assert!(bounds.iter().all(|bound| bound.is_finite()), "the infinite bound is implied");
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Counts one observation; a bound includes itself.
    pub fn observe(&mut self, value: f64) {
        let bucket = self.bounds.iter().position(|bound| value <= *bound).unwrap_or(self.bounds.len());
        self.counts[bucket] += 1;
        self.sum += value;
    }

    /// Bounds and how many observations were at or below each, ending with `+Inf`.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        bounds.zip(&self.counts).scan(0, |total, (bound, count)| {
            *total += count;
            Some((bound, *total))
        })
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of all observations.
    pub fn sum(&self) -> f64 {
        self.sum
    }
}
