//! One query, and how it becomes a question about any window.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostic};
use bellwether_model::TimeDelta;
use bellwether_promql::{DurationKind, Expr, ExprKind, ParseError};

use crate::indicator::WINDOW_PLACEHOLDER;
use crate::sampled::query::SampledQuery;

/// A query in PromQL, and where it is written.
pub(super) struct Query {
    pub(super) text: String,
    pub(super) node: Node,
}

impl Query {
    /// Refuses what is no PromQL; every placeholder is written in one way afterwards.
    pub(super) fn check(self, cx: &mut Cx<'_>) -> Option<Self> {
        match SampledQuery::read(&self.text, TimeDelta::MINUTE) {
            Ok(_) => Some(Self { text: SampledQuery::normal(&self.text), node: self.node }),
            Err(errors) => {
                errors.into_iter().for_each(|error| report(error, &self.node, cx));
                None
            }
        }
    }
}

fn report(error: ParseError, node: &Node, cx: &mut Cx<'_>) {
    let span = yaml::span_within(cx.sources, node, error.span);
    let problem = Diagnostic { help: error.help, ..Diagnostic::error("promql", span, error.message) };
    cx.push(problem);
}

/// A query as a question about any window.
pub(super) struct Windowed {
    /// Its text, with [`WINDOW_PLACEHOLDER`].
    pub(super) text: String,
    /// The length of the windows it was written with, if it named any.
    pub(super) length: Option<TimeDelta>,
}

/// Makes a question about any window of a query: one that names the window is one already, in one with windows of a
/// single length that length is the window's, and counters as they are grow over the window. `None` for any other.
pub(super) fn windowed(text: &str, is_counter: bool) -> Option<Windowed> {
    if SampledQuery::has_placeholder(text) {
        return Some(Windowed { text: text.to_owned(), length: None });
    }
    let parsed = SampledQuery::read(text, TimeDelta::MINUTE).ok()?.parsed;
    let found = Places::of(&parsed)?;
    let mut out = text.to_owned();
    match (found.counters.as_slice(), found.lengths.as_slice()) {
        ([], [(first, _), ..]) if found.lengths.iter().all(|(length, _)| length == first) => {
            for (_, place) in found.lengths.iter().rev() {
                out.replace_range(place.clone(), WINDOW_PLACEHOLDER);
            }
            Some(Windowed { text: out, length: Some(*first) })
        }
        ([_, ..], []) if is_counter => {
            for place in found.counters.iter().rev() {
                out.insert_str(place.end, &format!("[{WINDOW_PLACEHOLDER}])"));
                out.insert_str(place.start, "increase(");
            }
            Some(Windowed { text: out, length: None })
        }
        (_, _) => None,
    }
}

/// Where series and lengths of windows stand, in the order of the text.
#[derive(Default)]
struct Places {
    counters: Vec<std::ops::Range<usize>>,
    lengths: Vec<(TimeDelta, std::ops::Range<usize>)>,
}

impl Places {
    fn of(expr: &Expr) -> Option<Self> {
        let (mut found, mut is_plain) = (Self::default(), true);
        expr.walk(&mut |node| match &node.kind {
            ExprKind::Selector(_) => found.counters.push(node.span.clone()),
            ExprKind::Range(range) => match range.range.kind {
                DurationKind::Literal(length) => found.lengths.push((length, range.range.span.clone())),
                _ => is_plain = false,
            },
            ExprKind::Subquery(_) => is_plain = false,
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Paren(_)
            | ExprKind::Unary { .. }
            | ExprKind::Binary(_)
            | ExprKind::Aggregate(_)
            | ExprKind::Call(_) => {}
        });
        is_plain.then_some(found)
    }
}
