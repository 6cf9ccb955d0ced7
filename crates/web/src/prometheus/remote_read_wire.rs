//! The messages of Prometheus' remote read protocol, field by field as its protocol numbers them.

use bellwether_model::{Bucket, CounterReset, HistogramSample, Labels, MatchOp, Matcher, Sample, Schema};

/// What a client asks for.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) queries: Vec<Query>,
    /// Kinds of answers, the one it likes best first: 0 samples, 1 frames of chunks.
    #[prost(int32, repeated, tag = "2")]
    pub(super) accepted: Vec<i32>,
}

/// Series of one selector in one range, both ends included.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Query {
    #[prost(int64, tag = "1")]
    pub(super) start_ms: i64,
    #[prost(int64, tag = "2")]
    pub(super) end_ms: i64,
    #[prost(message, repeated, tag = "3")]
    pub(super) matchers: Vec<LabelMatcher>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct LabelMatcher {
    /// 0 `=`, 1 `!=`, 2 `=~`, 3 `!~`.
    #[prost(int32, tag = "1")]
    pub(super) op: i32,
    #[prost(string, tag = "2")]
    pub(super) name: String,
    #[prost(string, tag = "3")]
    pub(super) value: String,
}

impl LabelMatcher {
    /// As our own matcher; the error says what is wrong.
    pub(super) fn read(&self) -> Result<Matcher, String> {
        let op = match self.op {
            0 => MatchOp::Equal,
            1 => MatchOp::NotEqual,
            2 => MatchOp::Regex,
            3 => MatchOp::NotRegex,
            other => return Err(format!("there is no matcher of type {other}")),
        };
        Matcher::new(op, self.name.as_str(), self.value.as_str()).map_err(|error| error.to_string())
    }
}

/// The answer: one result per query.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) results: Vec<QueryResult>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    pub(super) series: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<WireSample>,
    #[prost(message, repeated, tag = "4")]
    pub(super) histograms: Vec<WireHistogram>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

/// All labels of a set, in its order.
pub(super) fn write_labels(labels: &Labels) -> Vec<Label> {
    labels.iter().map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect()
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct WireSample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    #[prost(int64, tag = "2")]
    pub(super) at_ms: i64,
}

impl From<&Sample> for WireSample {
    fn from(sample: &Sample) -> Self {
        Self { value: sample.value, at_ms: sample.at.as_millis() }
    }
}

/// A native histogram with counts as floating-point numbers, which every histogram can be written with.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct WireHistogram {
    #[prost(double, optional, tag = "2")]
    count: Option<f64>,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(double, tag = "5")]
    zero_threshold: f64,
    #[prost(double, optional, tag = "7")]
    zero_count: Option<f64>,
    #[prost(message, repeated, tag = "8")]
    negative_spans: Vec<BucketSpan>,
    #[prost(double, repeated, tag = "10")]
    negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<BucketSpan>,
    #[prost(double, repeated, tag = "13")]
    positive_counts: Vec<f64>,
    /// 0 unknown, 1 reset, 2 no reset, 3 gauge.
    #[prost(int32, tag = "14")]
    reset_hint: i32,
    #[prost(int64, tag = "15")]
    at_ms: i64,
    #[prost(double, repeated, tag = "16")]
    custom_bounds: Vec<f64>,
}

/// Neighbouring buckets: how far after the end of the span before, and how many.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct BucketSpan {
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

impl From<&HistogramSample> for WireHistogram {
    fn from(sample: &HistogramSample) -> Self {
        let histogram = &sample.histogram;
        let (negative_spans, negative_counts) = spans(&histogram.negative);
        let (positive_spans, positive_counts) = spans(&histogram.positive);
        Self {
            count: Some(histogram.count),
            sum: histogram.sum,
            schema: Schema::number(histogram.schema),
            zero_threshold: histogram.zero_threshold,
            zero_count: Some(histogram.zero_count),
            negative_spans,
            negative_counts,
            positive_spans,
            positive_counts,
            reset_hint: match histogram.counter_reset {
                CounterReset::Unknown => 0,
                CounterReset::Reset => 1,
                CounterReset::NotReset => 2,
                CounterReset::Gauge => 3,
            },
            at_ms: sample.at.as_millis(),
            custom_bounds: histogram.custom_bounds.to_vec(),
        }
    }
}

fn spans(buckets: &[Bucket]) -> (Vec<BucketSpan>, Vec<f64>) {
    let mut spans: Vec<BucketSpan> = Vec::new();
    let mut next = 0;
    for bucket in buckets {
        match spans.last_mut() {
            Some(span) if bucket.index == next => span.length += 1,
            Some(_) | None => spans.push(BucketSpan { offset: bucket.index.wrapping_sub(next), length: 1 }),
        }
        next = bucket.index.wrapping_add(1);
    }
    (spans, buckets.iter().map(|bucket| bucket.count).collect())
}
