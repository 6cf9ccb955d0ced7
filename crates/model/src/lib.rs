//! The nouns every other crate shares: time, labels, samples, matchers, batches and alerts.
//!
//! Nothing here does I/O or reads a clock, and nothing here decides anything. [`SeriesSource`] is the one
//! trait: the store implements it and the PromQL evaluator reads through it, so that neither knows the other.

mod alert;
mod batch;
mod exemplar;
mod go_regex;
mod histogram;
mod histogram_buckets;
mod labels;
mod matcher;
mod plain_chunk;
mod sample;
mod source;
mod time;

pub use alert::{Alert, AlertFingerprint, FingerprintSyntaxError};
pub use batch::{Batch, Births, LogPosition, Origin, SeriesId};
pub use exemplar::Exemplar;
pub use go_regex::from_go as regex_from_go;
pub use histogram::{Bucket, CounterReset, Histogram, HistogramError, HistogramSample, Schema};
pub use histogram_buckets::BucketRange;
pub use labels::{LabelPairs, Labels, LabelsBuilder, METRIC_NAME, is_valid_legacy_name};
pub use matcher::{MatchOp, Matcher, MatcherError, REGEX_BYTES_MAX, matches_all, whole_value_regex};
pub use plain_chunk::PlainChunk;
pub use sample::{STALE_NAN, Sample, is_stale};
pub use source::{Chunk, ChunkKind, ChunkSummary, SeriesSource, SeriesView, SourceError, TimeRange};
pub use time::{DURATION_UNITS, DurationError, TimeDelta, Timestamp, civil_date};
