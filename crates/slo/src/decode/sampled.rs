//! Indicators that must be asked, from YAML: `threshold:` and `query:`, with PromQL's mistakes underlined where they
//! stand in the file.

use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Related, Spanned};
use bellwether_model::TimeDelta;
use bellwether_promql::ParseError;

use crate::indicator::{Ask, Comparison, Events, Finite, QueryEvents, ThresholdCheck};
use crate::recognise::recognise;
use crate::sampled::query::{SampledQuery, queries, slice};

/// A slice unless stated otherwise: four scrapes at the usual fifteen seconds, the fewest a rate says anything of.
pub(crate) const SLICE_DEFAULT: TimeDelta = TimeDelta::MINUTE;
/// The longest slice.
const SLICE_MAX: TimeDelta = TimeDelta::DAY;

impl Decode for ThresholdCheck {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let slice = slice_of(map.node("slice"), cx);
        let query = match map.node("query") {
            Some(node) => query(node, slice.unwrap_or(SLICE_DEFAULT), cx),
            None => map.required::<String>("query", cx),
        };
        let sign = map.node("op").map(|node| comparison(node, cx));
        let bound = map.node("bound").map(|node| number(node, cx));
        let below = map.node("below").map(|node| number(node, cx));
        let above = map.node("above").map(|node| number(node, cx));
        map.finish(cx);
        let (op, bound) = match (sign, bound, below, above) {
            (Some(op), Some(bound), None, None) => (op?, bound?),
            (None, None, Some(bound), None) => (Comparison::Less, bound?),
            (None, None, None, Some(bound)) => (Comparison::Greater, bound?),
            (None, None, None, None) => {
                let help = "write op: '<' and bound: 200, or in short below: 200 or above: 1000";
                cx.error_help(node.span, "the threshold has no bound", help);
                return None;
            }
            (Some(_), None, None, None) => {
                cx.error_help(node.span, "op has nothing to compare with", "write bound: and a number");
                return None;
            }
            (None, Some(_), None, None) => {
                cx.error_help(
                    node.span,
                    "bound does not say how to compare",
                    "write op: '<', '<=', '>' or '>='",
                );
                return None;
            }
            (_, _, _, _) => {
                let help = "keep op and bound together, or below alone, or above alone";
                cx.error_help(node.span, "the threshold has more than one bound", help);
                return None;
            }
        };
        Some(Self { query: query?, op, bound, slice: slice? })
    }
}

impl Decode for QueryEvents {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let slice = slice_of(map.node("slice"), cx);
        let window = slice.unwrap_or(SLICE_DEFAULT);
        let mut read =
            |field: &'static str, cx: &mut Cx<'_>| map.node(field).map(|node| query(node, window, cx));
        let (good, bad, total) = (read("good", cx), read("bad", cx), read("total", cx));
        let (good_ratio, bad_ratio) = (read("good_ratio", cx), read("bad_ratio", cx));
        map.finish(cx);
        let ask = match (good, bad, total, good_ratio, bad_ratio) {
            (Some(good), None, Some(total), None, None) => Ask::GoodTotal { good: good?, total: total? },
            (None, Some(bad), Some(total), None, None) => Ask::BadTotal { bad: bad?, total: total? },
            (None, None, None, Some(ratio), None) => Ask::GoodRatio(ratio?),
            (None, None, None, None, Some(ratio)) => Ask::BadRatio(ratio?),
            (Some(_), Some(_), _, None, None) => {
                let help =
                    "write total: with either good: or bad:; all events are good ones and bad ones together";
                cx.error_help(node.span, "good and bad are two answers to one question", help);
                return None;
            }
            (_, _, _, _, _) => {
                let help = "write good: or bad: with total:, or bad_ratio: alone, or good_ratio: alone";
                cx.error_help(node.span, "the queries do not say which events are good", help);
                return None;
            }
        };
        Some(Self { ask, slice: slice? })
    }
}

/// The length of a slice: one that divides a minute, or whole minutes, so that slices end where slots of the ledger do.
pub(crate) fn slice_of(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let Some(node) = node else { return Some(SLICE_DEFAULT) };
    let slice = TimeDelta::decode(node, cx)?;
    if !is_slice(slice) {
        let help = "write whole minutes up to a day, or seconds that divide a minute, such as 15s";
        cx.error_help(node.span, format!("time cannot be cut into slices of {slice}"), help);
        return None;
    }
    Some(slice)
}

/// Whether time can be cut into slices of a length.
pub(crate) fn is_slice(slice: TimeDelta) -> bool {
    let (ms, minute) = (slice.0, TimeDelta::MINUTE.0);
    (TimeDelta::SECOND..=SLICE_MAX).contains(&slice)
        && ms % 1000 == 0
        && (ms % minute == 0 || minute % ms == 0)
}

/// A query in a YAML scalar, read for windows of a length; every placeholder is written in one way afterwards.
fn query(node: &Node, window: TimeDelta, cx: &mut Cx<'_>) -> Option<String> {
    let Spanned { value: text, .. } = Spanned::<String>::decode(node, cx)?;
    match SampledQuery::read(&text, window) {
        Ok(_) => Some(SampledQuery::normal(&text)),
        Err(errors) => {
            report(errors, node, cx);
            None
        }
    }
}

/// Reports what is wrong with PromQL that stands in a YAML scalar.
pub(crate) fn report(errors: Vec<ParseError>, node: &Node, cx: &mut Cx<'_>) {
    let sources = cx.sources;
    for error in errors {
        let mut diagnostic =
            Diagnostic::error("promql", yaml::span_within(sources, node, error.span), error.message);
        diagnostic.help = error.help;
        let related = error.related.into_iter();
        diagnostic.related = related
            .map(|(part, message)| Related { span: yaml::span_within(sources, node, part), message })
            .collect();
        cx.push(diagnostic);
    }
}

fn comparison(node: &Node, cx: &mut Cx<'_>) -> Option<Comparison> {
    let signs = [Comparison::Less, Comparison::LessOrEqual, Comparison::Greater, Comparison::GreaterOrEqual];
    let text = scalar(node);
    let found = signs.into_iter().find(|op| op.as_str() == text.trim());
    if found.is_none() {
        cx.error_help(node.span, format!("{text:?} is no comparison"), "write '<', '<=', '>' or '>='");
    }
    found
}

fn number(node: &Node, cx: &mut Cx<'_>) -> Option<Finite> {
    let text = scalar(node);
    let found = text.trim().parse::<f64>().ok().and_then(Finite::new);
    if found.is_none() {
        let help = "write a number in the unit that the query gives, such as 0.2";
        cx.error_help(node.span, format!("{text:?} is not a number"), help);
    }
    found
}

fn scalar(node: &Node) -> &str {
    match &node.value {
        Value::Scalar(scalar) => &scalar.text,
        Value::Null | Value::Sequence(_) | Value::Mapping(_) => "",
    }
}

/// What to say of queries that were found to be counters.
const EXACT: &str = "the queries add up counters: events are credited exactly from those, not sampled";

/// The counters that queries add up, where they do and by the same labels; and that this is so.
pub(crate) fn exact(events: Option<Events>, group_by: Option<&[String]>) -> (Option<Events>, Option<String>) {
    let recognised = match &events {
        Some(Events::Query(query)) => recognise(query).filter(|found| Some(&*found.group_by) == group_by),
        Some(_) | None => None,
    };
    match recognised {
        Some(found) => (Some(found.events), Some(EXACT.to_owned())),
        None => (events, None),
    }
}

/// Refuses to split an indicator by a label that its queries aggregate away.
pub(crate) fn labels_are_kept(
    events: &Events,
    group_by: &[String],
    node: &Node,
    cx: &mut Cx<'_>,
) -> Option<()> {
    let window = slice(events).unwrap_or(SLICE_DEFAULT);
    for text in queries(events) {
        let Ok(query) = SampledQuery::read(text, window) else { return None };
        if let Some(label) = query.lost_label(group_by) {
            let help =
                format!("aggregate by ({}), so that each value has a sample of its own", group_by.join(", "));
            cx.error_help(
                node.span,
                format!("no series of {text:?} has the label {label} to split by"),
                help,
            );
            return None;
        }
    }
    Some(())
}
