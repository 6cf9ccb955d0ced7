//! OTLP metrics to series: a request from protobuf or JSON, its names and attributes as Prometheus' OTLP receiver makes
//! labels of them, its points as samples and native histograms, and sums of what changed as counters.
//!
//! [`decode_protobuf`] or [`decode_json`] reads, [`translate`] makes series, and [`DeltaStreams`] makes totals of
//! series whose points only say what changed. A point that cannot be translated is rejected with its reason, as the
//! protocol's partial success wants it; the others are taken.
//!
//! Sources: the protocol's `metrics.proto` and its JSON mapping; OpenTelemetry's compatibility rules for Prometheus.

mod answer;
mod attribute_value;
mod base64;
mod decode;
mod delta;
mod delta_histogram;
mod exponential;
mod histogram;
mod json;
mod labels;
pub mod message;
mod name;
mod points;
mod rejected;
mod settings;
mod target_info;
mod translate;
mod unit;
mod wire;

pub use answer::{Encoding, StatusCode, failure, success};
pub use decode::decode_protobuf;
pub use delta::{Advance, DeltaLimits, DeltaRefusal, DeltaStreams, LastStored, StoredTotal, Total};
pub use json::decode_json;
pub use rejected::Rejected;
pub use settings::{OtlpSettings, Promoted, TranslationStrategy};
pub use translate::{DeltaWindow, Translated, TranslatedSeries, translate};

/// Why a body is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It breaks the encoding.
    #[error("the body is not an OTLP request in protobuf: {0}")]
    Malformed(&'static str),
    /// It breaks the encoding, in JSON.
    #[error("the body is not an OTLP request in JSON: {0}")]
    Json(String),
    /// Values of attributes hold each other.
    #[error("the value of an attribute is nested deeper than {max}")]
    TooDeep {
        /// The bound.
        max: usize,
    },
    /// It is made of so many parts that they take too much memory.
    #[error("the parts of the body take more than {} MiB of memory; send less at once", bytes_max >> 20)]
    TooManyParts {
        /// The bound.
        bytes_max: usize,
    },
}
