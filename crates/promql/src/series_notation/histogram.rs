//! Histograms in double braces: reading them, and writing them so that they read back.

use bellwether_model::{Bucket, CounterReset, Histogram, Schema};

use super::cursor::Cursor;
use crate::parse_error::ParseError;

/// A histogram as it was written.
pub(super) struct Literal {
    pub(super) histogram: Histogram,
    pub(super) states_counter_reset: bool,
}

/// What a histogram may state.
const KEYS: [&str; 11] = [
    "schema",
    "sum",
    "count",
    "z_bucket",
    "z_bucket_w",
    "custom_values",
    "counter_reset_hint",
    "offset",
    "buckets",
    "n_offset",
    "n_buckets",
];

const HINTS: [(&str, CounterReset); 4] = [
    ("unknown", CounterReset::Unknown),
    ("reset", CounterReset::Reset),
    ("not_reset", CounterReset::NotReset),
    ("gauge", CounterReset::Gauge),
];

#[derive(Default)]
struct Stated {
    keys: Vec<String>,
    schema: i32,
    sum: f64,
    count: f64,
    zero_count: f64,
    zero_threshold: f64,
    custom_bounds: Vec<f64>,
    hint: CounterReset,
    offset: i32,
    buckets: Vec<f64>,
    negative_offset: i32,
    negative_buckets: Vec<f64>,
}

/// Reads from `{{` to `}}`.
pub(super) fn read_histogram(cursor: &mut Cursor<'_>) -> Result<Literal, ParseError> {
    let start = cursor.at;
    cursor.take("{{");
    let mut stated = Stated::default();
    loop {
        cursor.skip_blanks();
        if cursor.take("}}") {
            let built = stated.build();
            let states_counter_reset = stated.keys.iter().any(|key| key == "counter_reset_hint");
            return match built {
                Ok(histogram) => Ok(Literal { histogram, states_counter_reset }),
                Err(message) => Err(ParseError::new(start..cursor.at, message)),
            };
        }
        if cursor.is_at_end() {
            let error = ParseError::new(start..start + 2, "the histogram is not closed");
            return Err(error.with_help("close it with }}"));
        }
        stated.read_item(cursor)?;
    }
}

impl Stated {
    fn read_item(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        let start = cursor.at;
        let key = cursor.word();
        let place = start..cursor.at;
        if !KEYS.contains(&key) {
            cursor.at = start;
            let error = cursor.error(format!("a histogram has nothing called {key:?}"));
            let close = bellwether_diag::suggest(key, KEYS);
            let help = close.map_or_else(
                || format!("it has {}", KEYS.join(", ")),
                |close| format!("did you mean {close:?}?"),
            );
            return Err(error.with_help(help));
        }
        if self.keys.iter().any(|known| known == key) {
            return Err(ParseError::new(place, format!("{key} is stated twice")));
        }
        if !cursor.take(":") {
            let error = cursor.error(format!("expected a colon after {key}"));
            return Err(error.with_help(format!("write {key}:… without blanks")));
        }
        match key {
            "schema" => self.schema = cursor.integer()?,
            "sum" => self.sum = cursor.signed_number()?,
            "count" => self.count = cursor.signed_number()?,
            "z_bucket" => self.zero_count = cursor.signed_number()?,
            "z_bucket_w" => self.zero_threshold = cursor.signed_number()?,
            "custom_values" => self.custom_bounds = list(cursor)?,
            "counter_reset_hint" => self.hint = hint(cursor)?,
            "offset" => self.offset = cursor.integer()?,
            "buckets" => self.buckets = list(cursor)?,
            "n_offset" => self.negative_offset = cursor.integer()?,
            _ => self.negative_buckets = list(cursor)?,
        }
        self.keys.push(key.to_owned());
        let is_apart = cursor.rest().starts_with(char::is_whitespace) || cursor.rest().starts_with("}}");
        if !is_apart && !cursor.is_at_end() {
            return Err(cursor.error(format!("expected a blank or }}}} after {key}")));
        }
        Ok(())
    }

    fn build(&self) -> Result<Histogram, String> {
        let schema = Schema::from_number(self.schema).ok_or_else(|| {
            format!("schema {} is not known; write -4 to 8, or -53 for custom bounds", self.schema)
        })?;
        let buckets = |offset: i32, counts: &[f64]| -> Result<Vec<Bucket>, String> {
            let mut buckets = Vec::new();
            for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count != 0.0) {
                let index = i32::try_from(place).ok().and_then(|place| offset.checked_add(place));
                let index = index.ok_or("a bucket's number is too large")?;
                buckets.push(Bucket { index, count: *count });
            }
            Ok(buckets)
        };
        let histogram = Histogram {
            counter_reset: self.hint,
            schema,
            zero_threshold: self.zero_threshold,
            zero_count: self.zero_count,
            count: self.count,
            sum: self.sum,
            positive: buckets(self.offset, &self.buckets)?,
            negative: buckets(self.negative_offset, &self.negative_buckets)?,
            custom_bounds: self.custom_bounds.as_slice().into(),
        };
        self.check_custom(&histogram)?;
        Ok(histogram)
    }

    fn check_custom(&self, histogram: &Histogram) -> Result<(), String> {
        let bounds = &histogram.custom_bounds;
        if !histogram.schema.is_custom() {
            let is_plain = bounds.is_empty();
            return if is_plain { Ok(()) } else { Err("custom_values need schema:-53".to_owned()) };
        }
        if !bounds.is_sorted_by(|a, b| a < b) {
            return Err("custom_values do not go up".to_owned());
        }
        let is_bounded = |b: &Bucket| usize::try_from(b.index).is_ok_and(|index| index <= bounds.len());
        if !histogram.positive.iter().all(is_bounded) {
            let message =
                format!("{} custom_values bound at most {} buckets", bounds.len(), bounds.len() + 1);
            return Err(message);
        }
        Ok(())
    }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<f64>, ParseError> {
    if !cursor.take("[") {
        return Err(cursor.error("expected a list").with_help("write numbers in brackets, such as [1 2 3]"));
    }
    let mut numbers = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.take("]") {
            return Ok(numbers);
        }
        numbers.push(cursor.signed_number().map_err(|error| error.with_help("lists end with ]"))?);
    }
}

fn hint(cursor: &mut Cursor<'_>) -> Result<CounterReset, ParseError> {
    let start = cursor.at;
    let word = cursor.word();
    let found = HINTS.iter().find(|(name, _)| *name == word).map(|(_, hint)| *hint);
    found.ok_or_else(|| {
        let message = format!("{word:?} is no counter reset hint");
        ParseError::new(start..cursor.at, message).with_help("write unknown, reset, not_reset or gauge")
    })
}

/// Writes a histogram so that it reads back, what is 0 or unknown left out.
///
/// ```
/// use bellwether_promql::{SampleValue, series_notation};
///
/// let text = "{{schema:1 count:6 sum:7.5 z_bucket:1 z_bucket_w:0.001 offset:-1 buckets:[2 0 3]}}";
/// let values = series_notation::values(text).unwrap();
/// let histogram = values[0].value.as_ref().and_then(SampleValue::as_histogram).unwrap();
/// assert_eq!(series_notation::write_histogram(histogram), text);
/// ```
pub fn write_histogram(histogram: &Histogram) -> String {
    let mut parts = Vec::new();
    let mut part = |key: &str, value: f64| {
        if value != 0.0 {
            parts.push(format!("{key}:{}", number(value)));
        }
    };
    part("schema", f64::from(histogram.schema.number()));
    part("count", histogram.count);
    part("sum", histogram.sum);
    part("z_bucket", histogram.zero_count);
    part("z_bucket_w", histogram.zero_threshold);
    if histogram.schema.is_custom() {
        parts.push(format!("custom_values:{}", numbers(&histogram.custom_bounds)));
    }
    let hint = HINTS.iter().find(|(_, hint)| *hint == histogram.counter_reset);
    if let Some((name, _)) = hint.filter(|(_, hint)| *hint != CounterReset::Unknown) {
        parts.push(format!("counter_reset_hint:{name}"));
    }
    for (prefix, buckets) in [("", &histogram.positive), ("n_", &histogram.negative)] {
        let Some(first) = buckets.first() else { continue };
        if first.index != 0 {
            parts.push(format!("{prefix}offset:{}", first.index));
        }
        parts.push(format!("{prefix}buckets:{}", run_of_buckets(buckets)));
    }
    format!("{{{{{}}}}}", parts.join(" "))
}

/// Counts from the first bucket to the last, with zeros between them; gaps that no reader wants to see are cut short.
fn run_of_buckets(buckets: &[Bucket]) -> String {
    let mut texts = Vec::new();
    let mut next = buckets.first().map_or(0, |bucket| i64::from(bucket.index));
    for bucket in buckets {
        let gap = i64::from(bucket.index) - next;
        if gap > GAP_MAX {
            texts.push(format!("…{gap} empty…"));
        } else {
            texts.extend((0..gap).map(|_| "0".to_owned()));
        }
        texts.push(number(bucket.count));
        next = i64::from(bucket.index) + 1;
    }
    format!("[{}]", texts.join(" "))
}

/// Empty buckets that are written out.
const GAP_MAX: i64 = 1000;

fn numbers(values: &[f64]) -> String {
    format!("[{}]", values.iter().map(|v| number(*v)).collect::<Vec<_>>().join(" "))
}

fn number(value: f64) -> String {
    match value {
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}
