//! Bytes to samples: the formats of a scrape's body, and the labels a target puts on what it exposes.
//!
//! [`scan`] reads a scrape's body in one pass and hands out entries that borrow from it. The bytes of a series as
//! they stand in the body (`name{a="b"}`) are meant as the key of the scraper's cache, since a target repeats them
//! from scrape to scrape: labels are decoded ([`decode_series`]) only when a series is new. OpenMetrics
//! ([`scan_openmetrics`]) and protobuf ([`scan_protobuf`]) hand out the same entries.
//!
//! [`relabel`] is what Prometheus does to the labels of targets, series and alerts.
//!
//! What this crate is *not*: it fetches nothing and stores nothing.

mod bound_label;
mod checks;
mod entry;
mod exposition;
mod openmetrics;
pub mod otlp;
pub mod prometheus_block;
mod protobuf;
mod pushed;
mod pushed_labels;
pub mod relabel;
pub mod remote_read;
pub mod remote_write;
mod scan;
mod scan_error;
mod series;
mod target_group;
mod target_labels;
mod value;

pub use bound_label::with_bound_spelled;
pub use checks::Limits;
pub use entry::{
    EachEntry, Entry, MetricKind, ScanSummary, ScrapeSink, ScrapedExemplar, ScrapedHistogram, ScrapedSample,
    WrittenLabels,
};
pub use exposition::{ExpositionWriter, Histogram, bound_text};
pub use openmetrics::{created_base, created_moment, scan_openmetrics};
pub use protobuf::{
    HistogramChoice, NativeError, ProtobufError, ProtobufProblem, scan_protobuf, series_text,
};
pub use pushed::{PushedHistogram, PushedMetadata, PushedSample, PushedSeries};
pub use pushed_labels::{PushedLabelProblem, pushed_labels};
pub use scan::{help_text, scan, scan_into};
pub use scan_error::{Problem, ScanError};
pub use series::{SeriesLabels, decode_series};
pub use target_group::{ADDRESS, TargetGroup, WrittenGroup};
pub use target_labels::{LabelConflict, target_labels};
