//! What an OTLP request for metrics holds, as `opentelemetry.proto.collector.metrics.v1` lays it out. The names are the
//! protocol's; fields that nothing here uses are left out. JSON is read into the same types.

use std::borrow::Cow;

use serde::Deserialize;

use super::json::{bytes_hex, double, doubles, or_default, signed, temporality, unsigned, unsigneds};

/// A request: metrics, by the resource that has them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Request<'a> {
    /// One entry per resource.
    #[serde(deserialize_with = "or_default")]
    pub resource_metrics: Vec<ResourceMetrics<'a>>,
}

/// Metrics of one resource.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResourceMetrics<'a> {
    /// Who has them.
    #[serde(deserialize_with = "or_default")]
    pub resource: Resource<'a>,
    /// By the library that measured.
    #[serde(deserialize_with = "or_default")]
    pub scope_metrics: Vec<ScopeMetrics<'a>>,
}

/// A process, a host, or what else has metrics.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resource<'a> {
    /// What it is.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
}

/// Metrics of one instrumentation library.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeMetrics<'a> {
    /// The library.
    #[serde(deserialize_with = "or_default")]
    pub scope: Scope<'a>,
    /// Its metrics.
    #[serde(deserialize_with = "or_default")]
    pub metrics: Vec<Metric<'a>>,
    /// Where the meaning of its names is written down.
    #[serde(deserialize_with = "or_default")]
    pub schema_url: Cow<'a, str>,
}

/// An instrumentation library.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Scope<'a> {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub name: Cow<'a, str>,
    /// Its version.
    #[serde(deserialize_with = "or_default")]
    pub version: Cow<'a, str>,
    /// What else is said of it.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
}

/// One metric with its points; exactly one of the kinds is there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric<'a> {
    /// Its name, such as `http.server.request.duration`.
    #[serde(deserialize_with = "or_default")]
    pub name: Cow<'a, str>,
    /// What it means.
    #[serde(deserialize_with = "or_default")]
    pub description: Cow<'a, str>,
    /// What it is measured in, by UCUM: `s`, `By`, `{request}`.
    #[serde(deserialize_with = "or_default")]
    pub unit: Cow<'a, str>,
    /// A value that goes up and down.
    pub gauge: Option<Gauge<'a>>,
    /// A sum.
    pub sum: Option<Sum<'a>>,
    /// A histogram with listed bounds.
    pub histogram: Option<HistogramMetric<'a>>,
    /// A histogram whose bounds follow from a scale.
    pub exponential_histogram: Option<ExponentialMetric<'a>>,
    /// Quantiles.
    pub summary: Option<SummaryMetric<'a>>,
}

/// Points of a value that goes up and down.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gauge<'a> {
    /// The points.
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<NumberPoint<'a>>,
}

/// Points of a sum.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sum<'a> {
    /// The points.
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<NumberPoint<'a>>,
    /// Since when each point counts.
    #[serde(deserialize_with = "temporality")]
    pub aggregation_temporality: Temporality,
    /// Whether it never goes down.
    #[serde(deserialize_with = "or_default")]
    pub is_monotonic: bool,
}

/// Since when a point counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporality {
    /// Not said, or a value that this program does not know.
    #[default]
    Unspecified,
    /// Since the point before it.
    Delta,
    /// Since a fixed start.
    Cumulative,
}

impl Temporality {
    /// As the protocol numbers it.
    pub const fn from_number(number: u64) -> Self {
        match number {
            1 => Self::Delta,
            2 => Self::Cumulative,
            _ => Self::Unspecified,
        }
    }
}

/// A number at a moment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NumberPoint<'a> {
    /// What tells it from other points of the metric.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
    /// Since when it counts, in nanoseconds since 1970; 0 says nothing.
    #[serde(deserialize_with = "unsigned")]
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since 1970.
    #[serde(deserialize_with = "unsigned")]
    pub time_unix_nano: u64,
    /// The number.
    #[serde(deserialize_with = "double")]
    pub as_double: Option<f64>,
    /// Or a whole one.
    #[serde(deserialize_with = "signed")]
    pub as_int: Option<i64>,
    /// Events among those that were counted.
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<ExemplarPoint<'a>>,
    /// Bit 0: there is no value.
    #[serde(deserialize_with = "unsigned")]
    pub flags: u64,
}

/// Histograms with listed bounds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistogramMetric<'a> {
    /// The points.
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<HistogramPoint<'a>>,
    /// Since when each point counts.
    #[serde(deserialize_with = "temporality")]
    pub aggregation_temporality: Temporality,
}

/// A histogram with listed bounds at a moment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistogramPoint<'a> {
    /// What tells it from other points of the metric.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
    /// Since when it counts, in nanoseconds since 1970; 0 says nothing.
    #[serde(deserialize_with = "unsigned")]
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since 1970.
    #[serde(deserialize_with = "unsigned")]
    pub time_unix_nano: u64,
    /// All observations.
    #[serde(deserialize_with = "unsigned")]
    pub count: u64,
    /// Their sum, unless observations can be negative.
    #[serde(deserialize_with = "double")]
    pub sum: Option<f64>,
    /// Observations per bucket, one more than there are bounds.
    #[serde(deserialize_with = "unsigneds")]
    pub bucket_counts: Vec<u64>,
    /// Upper bounds, the infinite one left out.
    #[serde(deserialize_with = "doubles")]
    pub explicit_bounds: Vec<f64>,
    /// Events among those that were counted.
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<ExemplarPoint<'a>>,
    /// Bit 0: there is no value.
    #[serde(deserialize_with = "unsigned")]
    pub flags: u64,
}

/// Histograms whose bounds follow from a scale.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialMetric<'a> {
    /// The points.
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<ExponentialPoint<'a>>,
    /// Since when each point counts.
    #[serde(deserialize_with = "temporality")]
    pub aggregation_temporality: Temporality,
}

/// A histogram whose bounds follow from a scale, at a moment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExponentialPoint<'a> {
    /// What tells it from other points of the metric.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
    /// Since when it counts, in nanoseconds since 1970; 0 says nothing.
    #[serde(deserialize_with = "unsigned")]
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since 1970.
    #[serde(deserialize_with = "unsigned")]
    pub time_unix_nano: u64,
    /// All observations.
    #[serde(deserialize_with = "unsigned")]
    pub count: u64,
    /// Their sum, unless observations can be negative.
    #[serde(deserialize_with = "double")]
    pub sum: Option<f64>,
    /// Each bucket reaches to 2^(2^-scale) of its lower bound.
    #[serde(deserialize_with = "or_default")]
    pub scale: i32,
    /// Observations in the zero bucket.
    #[serde(deserialize_with = "unsigned")]
    pub zero_count: u64,
    /// Buckets of positive observations.
    #[serde(deserialize_with = "or_default")]
    pub positive: Buckets,
    /// Buckets of negative observations.
    #[serde(deserialize_with = "or_default")]
    pub negative: Buckets,
    /// How far from zero the zero bucket reaches; 0 says nothing.
    #[serde(deserialize_with = "double")]
    pub zero_threshold: Option<f64>,
    /// Events among those that were counted.
    #[serde(deserialize_with = "or_default")]
    pub exemplars: Vec<ExemplarPoint<'a>>,
    /// Bit 0: there is no value.
    #[serde(deserialize_with = "unsigned")]
    pub flags: u64,
}

/// Buckets one after the other.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buckets {
    /// The number of the first; bucket 0 begins above 1.
    #[serde(deserialize_with = "or_default")]
    pub offset: i32,
    /// Observations in each.
    #[serde(deserialize_with = "unsigneds")]
    pub bucket_counts: Vec<u64>,
}

/// Quantiles.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SummaryMetric<'a> {
    /// The points.
    #[serde(deserialize_with = "or_default")]
    pub data_points: Vec<SummaryPoint<'a>>,
}

/// Quantiles at a moment.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SummaryPoint<'a> {
    /// What tells it from other points of the metric.
    #[serde(deserialize_with = "or_default")]
    pub attributes: Vec<KeyValue<'a>>,
    /// Since when it counts, in nanoseconds since 1970; 0 says nothing.
    #[serde(deserialize_with = "unsigned")]
    pub start_time_unix_nano: u64,
    /// When it was measured, in nanoseconds since 1970.
    #[serde(deserialize_with = "unsigned")]
    pub time_unix_nano: u64,
    /// All observations.
    #[serde(deserialize_with = "unsigned")]
    pub count: u64,
    /// Their sum.
    #[serde(deserialize_with = "double")]
    pub sum: Option<f64>,
    /// The quantiles.
    #[serde(deserialize_with = "or_default")]
    pub quantile_values: Vec<QuantileValue>,
    /// Bit 0: there is no value.
    #[serde(deserialize_with = "unsigned")]
    pub flags: u64,
}

/// One quantile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QuantileValue {
    /// Which, 0 to 1.
    #[serde(deserialize_with = "double")]
    pub quantile: Option<f64>,
    /// Its value.
    #[serde(deserialize_with = "double")]
    pub value: Option<f64>,
}

/// An event among those that were counted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ExemplarPoint<'a> {
    /// Attributes of the event that the point does not have.
    #[serde(deserialize_with = "or_default")]
    pub filtered_attributes: Vec<KeyValue<'a>>,
    /// When it happened, in nanoseconds since 1970.
    #[serde(deserialize_with = "unsigned")]
    pub time_unix_nano: u64,
    /// What was measured of it.
    #[serde(deserialize_with = "double")]
    pub as_double: Option<f64>,
    /// Or a whole number.
    #[serde(deserialize_with = "signed")]
    pub as_int: Option<i64>,
    /// The span in which it happened, 8 bytes.
    #[serde(deserialize_with = "bytes_hex")]
    pub span_id: Cow<'a, [u8]>,
    /// The trace in which it happened, 16 bytes.
    #[serde(deserialize_with = "bytes_hex")]
    pub trace_id: Cow<'a, [u8]>,
}

/// An attribute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct KeyValue<'a> {
    /// Its name.
    #[serde(deserialize_with = "or_default")]
    pub key: Cow<'a, str>,
    /// Its value.
    #[serde(deserialize_with = "or_default")]
    pub value: AnyValue<'a>,
}

/// What an attribute can hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum AnyValue<'a> {
    /// Nothing.
    #[default]
    Empty,
    /// A text.
    Text(Cow<'a, str>),
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Double(f64),
    /// Values in their order.
    List(Vec<AnyValue<'a>>),
    /// Values with names.
    Map(Vec<KeyValue<'a>>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
}
