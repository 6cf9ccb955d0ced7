//! A query of an indicator: its placeholder filled in, read, and its mistakes pointed at in the text as it was written.

use std::ops::Range;

use bellwether_model::TimeDelta;
use bellwether_promql::{AggregateOp, Call, Expr, ExprKind, Kind, ParseError};

use crate::indicator::{Ask, Events, WINDOW_PLACEHOLDER};

/// A query ready to be asked of windows of one length.
#[derive(Clone, Debug)]
pub struct SampledQuery {
    /// Its text, with the window filled in.
    pub text: String,
    /// The same, parsed.
    pub parsed: Expr,
}

impl PartialEq for SampledQuery {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl SampledQuery {
    /// Reads a query in which `{{.window}}` stands for a window. It must give a vector or a number; the places of
    /// what is wrong are places in `text`.
    pub fn read(text: &str, window: TimeDelta) -> Result<Self, Vec<ParseError>> {
        if text.trim().is_empty() {
            return Err(vec![mistake(
                0..text.len(),
                "the query is empty",
                "write a query such as sum(queue_length)",
            )]);
        }
        let filled = Filled::new(text, window)?;
        let parsed = bellwether_promql::parse(&filled.text)
            .map_err(|errors| errors.into_iter().map(|error| filled.as_written(error)).collect::<Vec<_>>())?;
        match parsed.result() {
            Kind::Vector | Kind::Scalar => Ok(Self { text: filled.text, parsed }),
            kind @ (Kind::Range | Kind::Text) => {
                let message = format!("the query gives a {}, which cannot be judged", kind.as_str());
                let help =
                    "wrap it so that it gives an instant vector, such as rate(...) or avg_over_time(...)";
                Err(vec![mistake(0..text.len(), message, help)])
            }
        }
    }

    /// Whether a text names the window.
    pub fn has_placeholder(text: &str) -> bool {
        text.contains(WINDOW_PLACEHOLDER)
    }

    /// The same with every placeholder written in one way, so that equal queries have equal texts.
    pub fn normal(text: &str) -> String {
        let mut normal = text.trim().to_owned();
        for place in placeholders(text.trim()).unwrap_or_default().into_iter().rev() {
            normal.replace_range(place, WINDOW_PLACEHOLDER);
        }
        normal
    }

    /// A label that none of the query's series can carry: it is aggregated away.
    pub fn lost_label<'a>(&self, labels: &'a [String]) -> Option<&'a str> {
        labels.iter().map(String::as_str).find(|label| loses(&self.parsed, label))
    }
}

/// The queries of an indicator that is asked; none for others.
pub(crate) fn queries(events: &Events) -> Vec<&str> {
    match events {
        Events::Threshold(check) => vec![&check.query],
        Events::Query(query) => match &query.ask {
            Ask::GoodTotal { good, total } => vec![good, total],
            Ask::BadTotal { bad, total } => vec![bad, total],
            Ask::BadRatio(ratio) | Ask::GoodRatio(ratio) => vec![ratio],
        },
        Events::Ratio(_) | Events::Latency(_) | Events::Probe(_) | Events::Composite(_) => Vec::new(),
    }
}

/// The slice of an indicator that is asked.
pub(crate) fn slice(events: &Events) -> Option<TimeDelta> {
    match events {
        Events::Threshold(check) => Some(check.slice),
        Events::Query(query) => Some(query.slice),
        Events::Ratio(_) | Events::Latency(_) | Events::Probe(_) | Events::Composite(_) => None,
    }
}

fn mistake(span: Range<usize>, message: impl Into<String>, help: impl Into<String>) -> ParseError {
    ParseError { span, message: message.into(), help: Some(help.into()), related: Vec::new() }
}

/// Where the window is named. Only the window can be filled in.
fn placeholders(text: &str) -> Result<Vec<Range<usize>>, ParseError> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = text[at..].find("{{").map(|found| at + found) {
        let end = text[start..].find("}}").map_or(text.len(), |found| start + found + 2);
        let inner = text[start..end].trim_start_matches('{').trim_end_matches('}');
        if inner.trim() != ".window" {
            let help = format!("write {WINDOW_PLACEHOLDER} for the length of the window");
            return Err(mistake(start..end, "only the window can be filled in here", help));
        }
        found.push(start..end);
        at = end;
    }
    Ok(found)
}

/// A text with its placeholders filled in, and the way back.
struct Filled<'a> {
    written: &'a str,
    text: String,
    /// Places of the placeholders in the text as written.
    places: Vec<Range<usize>>,
    window_len: usize,
}

impl<'a> Filled<'a> {
    fn new(written: &'a str, window: TimeDelta) -> Result<Self, Vec<ParseError>> {
        let places = placeholders(written).map_err(|error| vec![error])?;
        let window = window.to_string();
        let (mut text, mut at) = (String::new(), 0);
        for place in &places {
            text.push_str(&written[at..place.start]);
            text.push_str(&window);
            at = place.end;
        }
        text.push_str(&written[at..]);
        Ok(Self { written, text, places, window_len: window.len() })
    }

    fn as_written(&self, mut error: ParseError) -> ParseError {
        error.span = self.place(&error.span);
        error.related.iter_mut().for_each(|(span, _)| *span = self.place(span));
        error
    }

    fn place(&self, span: &Range<usize>) -> Range<usize> {
        let start = self.offset(span.start).0;
        start..self.offset(span.end).1.max(start)
    }

    /// Where a byte of the filled text stands in the text as written, as the start and as the end of a range: inside a
    /// placeholder they differ.
    fn offset(&self, filled: usize) -> (usize, usize) {
        let mut shift = 0_isize; // written minus filled, so far
        for place in &self.places {
            let start = (place.start as isize - shift) as usize;
            let end = start + self.window_len;
            if filled <= start {
                break;
            }
            if filled < end {
                return (place.start, place.end);
            }
            shift += place.len() as isize - self.window_len as isize;
        }
        let written = ((filled as isize + shift).max(0) as usize).min(self.written.len());
        (written, written)
    }
}

/// Whether no series that an expression gives can carry a label.
fn loses(expr: &Expr, label: &str) -> bool {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) => true,
        ExprKind::Selector(_) | ExprKind::Range(_) => false,
        ExprKind::Subquery(subquery) => loses(&subquery.inner, label),
        ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => loses(inner, label),
        ExprKind::Binary(binary) => {
            let (left, right) = (&binary.left, &binary.right);
            let is_named = |names: &[String]| names.iter().any(|name| name == label);
            match (left.result(), right.result()) {
                (Kind::Vector, Kind::Vector) => {
                    let drops = binary.matching.labels.as_ref().is_some_and(|labels| {
                        binary.matching.group.is_none()
                            && !binary.op.is_set()
                            && labels.is_on != is_named(&labels.names)
                    });
                    drops || loses(left, label) && loses(right, label)
                }
                (Kind::Vector, _) => loses(left, label),
                (_, Kind::Vector) => loses(right, label),
                (_, _) => true,
            }
        }
        ExprKind::Aggregate(aggregation) => {
            if matches!(
                aggregation.op,
                AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
            ) {
                return loses(&aggregation.inner, label);
            }
            let made = matches!(&aggregation.parameter, Some(Expr { kind: ExprKind::Text(text), .. }) if text == label);
            let named = |names: &[String]| names.iter().any(|name| name == label);
            let is_dropped = match &aggregation.grouping {
                None => true,
                Some(grouping) => grouping.is_without == named(&grouping.names),
            };
            !made && (is_dropped || loses(&aggregation.inner, label))
        }
        ExprKind::Call(call) => call_loses(call, label),
    }
}

/// A call carries the labels of its vector, and those that `label_replace` and its like write.
fn call_loses(call: &Call, label: &str) -> bool {
    let writes = |argument: &Expr| matches!(&argument.kind, ExprKind::Text(text) if text == label);
    let reads = |argument: &&Expr| matches!(argument.result(), Kind::Vector | Kind::Range);
    match call.arguments.iter().find(reads) {
        Some(_) if call.arguments.iter().any(writes) => false,
        Some(_) if call.function.spec().name.starts_with("absent") => false,
        Some(vector) if call.function.spec().returns == Kind::Vector => loses(vector, label),
        Some(_) | None => true,
    }
}
