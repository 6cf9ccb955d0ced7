//! Native histograms as protobuf bodies carry them: spans of buckets, and counts either as differences between whole
//! numbers or as floats. What Prometheus' store refuses is refused: such a histogram would be added up wrongly.

use bellwether_model::{Bucket, CounterReset, Histogram, HistogramError, Schema};

use super::wire::{Value, WireError, zigzag};

/// What of a `Histogram` message belongs to the native one. Kept from one metric to the next for its space.
#[derive(Debug, Default)]
pub(crate) struct NativeParts {
    pub(crate) count: u64,
    pub(crate) count_float: f64,
    pub(crate) sum: f64,
    schema: i64,
    zero_threshold: f64,
    zero_count: u64,
    zero_count_float: f64,
    positive: SideParts,
    negative: SideParts,
}

/// Buckets of positive or of negative values.
#[derive(Debug, Default)]
struct SideParts {
    spans: Vec<Span>,
    deltas: Vec<u64>,
    counts: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Span {
    offset: i32,
    length: u32,
}

/// Why a native histogram is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NativeError {
    /// Neither -4 to 8 nor the one of custom bounds.
    #[error("histogram schema {0} is none of -4 to 8")]
    Schema(i64),
    /// Spans ask for more or fewer buckets than there are.
    #[error("spans need {spans} buckets, but there are {buckets}")]
    SpanBucketMismatch {
        /// Buckets by the spans.
        spans: u64,
        /// Buckets there are.
        buckets: usize,
    },
    /// A span that goes back.
    #[error("span number {0} has a negative offset")]
    SpanOffset(usize),
    /// A bucket number that no histogram reaches.
    #[error("bucket numbers go beyond 32 bits")]
    IndexTooLarge,
    /// A count below zero.
    #[error("a bucket has a negative count")]
    NegativeBucket,
    /// Buckets and count do not agree.
    #[error("{buckets} observations found in buckets, but the count is {count}")]
    CountMismatch {
        /// Observations in buckets.
        buckets: u64,
        /// The count.
        count: u64,
    },
    /// Anything else that a histogram must be.
    #[error(transparent)]
    Malformed(#[from] HistogramError),
}

impl NativeParts {
    /// Forgets the last metric.
    pub(crate) fn clear(&mut self) {
        let side = |side: &mut SideParts| {
            side.spans.clear();
            side.deltas.clear();
            side.counts.clear();
        };
        side(&mut self.positive);
        side(&mut self.negative);
        let (positive, negative) = (std::mem::take(&mut self.positive), std::mem::take(&mut self.negative));
        *self = Self { positive, negative, ..Self::default() };
    }

    /// Takes in a field of a `Histogram` message; `false` if it belongs to the classic one.
    pub(crate) fn hear(&mut self, field: u32, value: Value<'_>) -> Result<bool, WireError> {
        match field {
            1 => self.count = value.number("sample_count")?,
            2 => self.sum = value.double("sample_sum")?,
            4 => self.count_float = value.double("sample_count_float")?,
            // A sint32 is its low 32 bits.
            5 => self.schema = i64::from(zigzag(value.number("schema")? & 0xffff_ffff) as i32),
            6 => self.zero_threshold = value.double("zero_threshold")?,
            7 => self.zero_count = value.number("zero_count")?,
            8 => self.zero_count_float = value.double("zero_count_float")?,
            9 => self.negative.spans.push(span(value, "negative_span")?),
            10 => value.numbers("negative_delta", &mut self.negative.deltas)?,
            11 => value.doubles("negative_count", &mut self.negative.counts)?,
            12 => self.positive.spans.push(span(value, "positive_span")?),
            13 => value.numbers("positive_delta", &mut self.positive.deltas)?,
            14 => value.doubles("positive_count", &mut self.positive.counts)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether the metric is a native histogram: one without observations says so with a span of no buckets.
    pub(crate) fn is_native(&self) -> bool {
        !self.positive.spans.is_empty()
            || !self.negative.spans.is_empty()
            || self.zero_threshold > 0.0
            || self.zero_count > 0
    }

    /// The count as classic series show it.
    pub(crate) fn classic_count(&self) -> f64 {
        if self.count_float == 0.0 { self.count as f64 } else { self.count_float }
    }

    /// The native histogram.
    pub(crate) fn histogram(&self, is_gauge: bool) -> Result<Histogram, NativeError> {
        let schema = i32::try_from(self.schema).ok().and_then(Schema::from_number);
        let schema = schema.ok_or(NativeError::Schema(self.schema))?;
        let is_float = self.count_float > 0.0 || self.zero_count_float > 0.0;
        let (positive, negative) = if is_float {
            (self.positive.floats()?, self.negative.floats()?)
        } else {
            (self.positive.wholes()?, self.negative.wholes()?)
        };
        if !is_float {
            self.check_count(&positive, &negative)?;
        }
        let histogram = Histogram {
            counter_reset: if is_gauge { CounterReset::Gauge } else { CounterReset::Unknown },
            zero_threshold: self.zero_threshold,
            zero_count: if is_float { self.zero_count_float } else { self.zero_count as f64 },
            count: if is_float { self.count_float } else { self.count as f64 },
            sum: self.sum,
            positive,
            negative,
            ..Histogram::empty(schema)
        };
        histogram.validate()?;
        Ok(histogram)
    }

    /// Whole counts must add up. Observations that are no number are in no bucket, and then the sum is none either.
    fn check_count(&self, positive: &[Bucket], negative: &[Bucket]) -> Result<(), NativeError> {
        let buckets = positive.iter().chain(negative).map(|bucket| bucket.count as u64);
        let buckets = buckets.fold(self.zero_count, u64::saturating_add);
        let fits = if self.sum.is_nan() { buckets <= self.count } else { buckets == self.count };
        if fits { Ok(()) } else { Err(NativeError::CountMismatch { buckets, count: self.count }) }
    }
}

impl SideParts {
    fn wholes(&self) -> Result<Vec<Bucket>, NativeError> {
        let mut count = 0i64;
        let counts = self.deltas.iter().map(|delta| {
            count = count
                .checked_add(zigzag(*delta))
                .filter(|count| *count >= 0)
                .ok_or(NativeError::NegativeBucket)?;
            Ok(count as f64)
        });
        self.buckets(counts, self.deltas.len())
    }

    fn floats(&self) -> Result<Vec<Bucket>, NativeError> {
        self.buckets(self.counts.iter().map(|count| Ok(*count)), self.counts.len())
    }

    /// Gives each count its bucket's number; empty buckets are left out.
    fn buckets(
        &self,
        mut counts: impl Iterator<Item = Result<f64, NativeError>>,
        buckets: usize,
    ) -> Result<Vec<Bucket>, NativeError> {
        let spans: u64 = self.spans.iter().map(|span| u64::from(span.length)).sum();
        if spans != buckets as u64 {
            return Err(NativeError::SpanBucketMismatch { spans, buckets });
        }
        let (mut found, mut index) = (Vec::with_capacity(buckets), 0i32);
        for (number, span) in self.spans.iter().enumerate() {
            if number > 0 && span.offset < 0 {
                return Err(NativeError::SpanOffset(number + 1));
            }
            index = index.checked_add(span.offset).ok_or(NativeError::IndexTooLarge)?;
            for _ in 0..span.length {
                let Some(count) = counts.next().transpose()? else { break };
                if count != 0.0 {
                    found.push(Bucket { index, count });
                }
                index = index.checked_add(1).ok_or(NativeError::IndexTooLarge)?;
            }
        }
        Ok(found)
    }
}

fn span(value: Value<'_>, name: &'static str) -> Result<Span, WireError> {
    let (mut fields, mut span) = (value.message(name)?, Span::default());
    while let Some((field, value)) = fields.next()? {
        match field {
            1 => span.offset = zigzag(value.number("offset")? & 0xffff_ffff) as i32,
            2 => span.length = value.number("length")? as u32,
            _ => {}
        }
    }
    Ok(span)
}
