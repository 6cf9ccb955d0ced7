//! Series in a test file: labels and values in the notation of promtool's tests, read in the YAML they stand in.

use bellwether_diag::Cx;
use bellwether_diag::yaml::Node;
use bellwether_model::{Labels, is_stale};
use bellwether_promql::series_notation::{self, SeriesValue};
use bellwether_promql::{ParseError, SampleValue};

use crate::query_text;

/// Labels such as `up{job="api"}`; nothing at all has none.
pub(crate) fn labels(node: &Node, cx: &mut Cx<'_>) -> Option<Labels> {
    let text = text_of(node, cx)?;
    if text.trim().is_empty() {
        return Some(Labels::empty());
    }
    reported(series_notation::labels(&text), node, cx)
}

/// Values such as `0+10x5 _ stale`, one per interval; `None` where one is left out.
pub(crate) fn values(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<Option<SampleValue>>> {
    let values = reported(series_notation::values(&text_of(node, cx)?), node, cx)?;
    Some(values.into_iter().map(|value| value.value).collect())
}

/// One histogram such as `{{sum:3 count:2 buckets:[2]}}`.
pub(crate) fn histogram(node: &Node, cx: &mut Cx<'_>) -> Option<SampleValue> {
    let values = reported(series_notation::values(&text_of(node, cx)?), node, cx)?;
    match values.as_slice() {
        [SeriesValue { value: Some(value @ SampleValue::Histogram(_)), .. }] => Some(value.clone()),
        _ => {
            let help = "write it as {{sum:3 count:2 buckets:[2]}}; numbers go under value";
            cx.error_help(node.span, "expected one native histogram", help);
            None
        }
    }
}

/// A value as it is written in a test file.
pub(crate) fn text(value: &SampleValue) -> String {
    match value {
        SampleValue::Float(value) if is_stale(*value) => "stale".to_owned(),
        SampleValue::Float(value) if *value == f64::INFINITY => "+Inf".to_owned(),
        SampleValue::Float(value) if *value == f64::NEG_INFINITY => "-Inf".to_owned(),
        SampleValue::Float(value) => value.to_string(),
        SampleValue::Histogram(histogram) => series_notation::write_histogram(histogram),
    }
}

fn text_of(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
    bellwether_diag::scalar(node, "text", cx).map(|scalar| scalar.text.clone())
}

fn reported<T>(read: Result<T, ParseError>, node: &Node, cx: &mut Cx<'_>) -> Option<T> {
    read.map_err(|error| query_text::report(vec![error], node, cx)).ok()
}
