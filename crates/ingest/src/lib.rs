//! Bytes to samples: the text exposition format, read and written, and the labels a target puts on what it exposes.
//!
//! [`scan`] reads a scrape's body in one pass and hands out entries that borrow from it. The bytes of a series as
//! they stand in the body (`name{a="b"}`) are meant as the key of the scraper's cache, since a target repeats them
//! from scrape to scrape: labels are decoded ([`decode_series`]) only when a series is new.
//!
//! [`relabel`] is what Prometheus does to the labels of targets, series and alerts.
//!
//! What this crate is *not*: it fetches nothing, stores nothing, and knows no other exposition format yet.

mod bound_label;
mod exposition;
pub mod otlp;
pub mod prometheus_block;
mod pushed;
mod pushed_labels;
pub mod relabel;
mod scan;
mod scan_error;
mod series;
mod target_labels;
mod value;

pub use bound_label::with_bound_spelled;
pub use exposition::{ExpositionWriter, Histogram, bound_text};
pub use pushed::{PushedHistogram, PushedMetadata, PushedSample, PushedSeries};
pub use pushed_labels::{PushedLabelProblem, pushed_labels};
pub use scan::{Entry, Limits, MetricKind, ScanSummary, ScrapedSample, help_text, scan};
pub use scan_error::{Problem, ScanError};
pub use series::{SeriesLabels, decode_series};
pub use target_labels::{LabelConflict, target_labels};
