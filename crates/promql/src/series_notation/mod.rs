//! The notation in which test scripts and unit tests of rules write series: labels, then values at equal distances.
//!
//! ```
//! use bellwether_promql::{SampleValue, series_notation};
//!
//! let (labels, values) = series_notation::series(r#"http_requests{job="api"} 0+10x2 _ 5 stale"#).unwrap();
//! assert_eq!(labels.to_string(), r#"http_requests{job="api"}"#);
//! let numbers: Vec<_> = values.iter().map(|v| v.value.as_ref().and_then(SampleValue::as_float)).collect();
//! assert_eq!(numbers[..5], [Some(0.0), Some(10.0), Some(20.0), None, Some(5.0)]);
//!
//! let error = series_notation::values("1 2x").unwrap_err();
//! assert_eq!(error.to_string(), "expected a whole number of repetitions after \"x\"");
//! assert_eq!(error.span, 4..4);
//! ```
//!
//! `1x3` is four times the same value, `1+2x3` is `1 3 5 7`, `_` leaves a moment out and `_x3` three of them, `stale`
//! marks the series as gone. Histograms stand in double braces: `{{schema:0 sum:5 count:4 buckets:[1 2 1]}}`, and are
//! repeated and added to as numbers are: `{{sum:1}}+{{sum:2}}x3`.

mod cursor;
mod histogram;
mod value;

use bellwether_model::{Labels, METRIC_NAME, MatchOp};

use crate::parse::parse_selector;
use crate::parse_error::ParseError;
use crate::value::SampleValue;
use cursor::Cursor;

pub use histogram::write_histogram;

/// What a series has at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesValue {
    /// Its value; none where the moment is left out. The staleness marker is a number.
    pub value: Option<SampleValue>,
    /// Whether the text says how a histogram relates to the one before it, so that whoever compares compares that too.
    pub states_counter_reset: bool,
}

/// Reads labels, such as `up{job="api"}` or `{}`.
pub fn labels(text: &str) -> Result<Labels, ParseError> {
    let trimmed = text.trim();
    let start = text.len() - text.trim_start().len();
    if trimmed.is_empty() {
        return Err(
            ParseError::new(start..start, "a series is missing").with_help("write {} for one without labels")
        );
    }
    if let Some(error) = junk_after(text, start + labels_end(trimmed)) {
        return Err(error);
    }
    read_labels(text, start..start + trimmed.len())
}

/// Reads values, such as `0+10x5 _ stale`.
pub fn values(text: &str) -> Result<Vec<SeriesValue>, ParseError> {
    value::read_values(&mut Cursor::new(text, 0))
}

/// Reads a series with its values, such as `up{job="api"} 1 1 0`. Labels may hold blanks, and so may histograms.
pub fn series(text: &str) -> Result<(Labels, Vec<SeriesValue>), ParseError> {
    let start = text.len() - text.trim_start().len();
    let end = start + labels_end(&text[start..]);
    if end == start {
        return Err(
            ParseError::new(start..start, "a series is missing").with_help("write {} for one without labels")
        );
    }
    let labels = read_labels(text, start..end)?;
    Ok((labels, value::read_values(&mut Cursor::new(text, end))?))
}

fn junk_after(text: &str, end: usize) -> Option<ParseError> {
    let rest = &text[end..];
    let junk = end + rest.len() - rest.trim_start().len();
    let is_all = text[junk..].is_empty();
    (!is_all).then(|| ParseError::new(junk..text.trim_end().len(), "unexpected text after the series"))
}

fn read_labels(text: &str, place: std::ops::Range<usize>) -> Result<Labels, ParseError> {
    let shift = |mut error: ParseError| {
        error.span = error.span.start + place.start..error.span.end + place.start;
        error
    };
    let selector = parse_selector(&text[place.clone()]).map_err(shift)?;
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(selector.matchers.len());
    for (matcher, span) in selector.matchers.iter().zip(&selector.matcher_spans) {
        let refuse = |message: String| Err(shift(ParseError::new(span.clone(), message)));
        if matcher.op != MatchOp::Equal {
            return refuse(format!("a series has labels, not conditions; write {}=\"…\"", matcher.name));
        }
        if pairs.iter().any(|(name, _)| *name == matcher.name) {
            let what = if matcher.name == METRIC_NAME { "the metric's name" } else { "a label" };
            return refuse(format!("{what} is stated twice: {:?}", matcher.name));
        }
        pairs.push((matcher.name.clone(), matcher.value.clone()));
    }
    Ok(Labels::from_pairs(pairs))
}

/// Where labels end: after the brace that closes them, or before the first blank where there are no braces.
fn labels_end(text: &str) -> usize {
    let name_end = text.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(text.len());
    let rest = text[name_end..].trim_start();
    if !rest.starts_with('{') || rest.starts_with("{{") {
        return name_end;
    }
    let open = text.len() - rest.len();
    let mut quote = None;
    let mut is_escaped = false;
    for (index, c) in rest.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(open) if c == '\\' && open != '`' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if matches!(c, '"' | '\'' | '`') => quote = Some(c),
            None if c == '}' => return open + index + 1,
            None => {}
        }
    }
    text.len()
}
