//! Queries of other dialects as indicators of ours: counters where they are recognised, questions otherwise.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Diagnostic, Related};
use bellwether_model::TimeDelta;

use crate::decode::STREAMS_MAX_DEFAULT;
use crate::indicator::{Ask, Budgeting, Events, Indicator, QueryEvents, WINDOW_PLACEHOLDER};
use crate::recognise::{Recognised, recognise};
use crate::sampled::query::SampledQuery;

/// How often a query that is not recognised is asked: four scrapes at the usual fifteen seconds, the fewest a rate
/// says anything of.
const SLICE: TimeDelta = TimeDelta::MINUTE;

/// What queries count. `nodes` are where the queries stand, in their order: good or bad events before all of them;
/// what is wrong is reported there.
pub(crate) fn indicator(ask: &Ask, nodes: &[&Node], cx: &mut Cx<'_>) -> Option<Indicator> {
    let first = |text: &str, cx: &mut Cx<'_>| normal(text, nodes.first()?, cx);
    let last = |text: &str, cx: &mut Cx<'_>| normal(text, nodes.last()?, cx);
    let ask = match ask {
        Ask::GoodTotal { good, total } => {
            let (good, total) = (first(good, cx), last(total, cx));
            Ask::GoodTotal { good: good?, total: total? }
        }
        Ask::BadTotal { bad, total } => {
            let (bad, total) = (first(bad, cx), last(total, cx));
            Ask::BadTotal { bad: bad?, total: total? }
        }
        Ask::BadRatio(ratio) => Ask::BadRatio(first(ratio, cx)?),
        Ask::GoodRatio(ratio) => Ask::GoodRatio(first(ratio, cx)?),
    };
    let query = QueryEvents { ask, slice: SLICE };
    let Recognised { events, group_by } = recognise(&query)
        .unwrap_or_else(|| Recognised { events: Events::Query(query), group_by: Vec::new() });
    Some(Indicator { events, budgeting: Budgeting::Occurrences, group_by, streams_max: STREAMS_MAX_DEFAULT })
}

/// A query with its placeholders written in one way, once it has been read without mistakes.
fn normal(text: &str, node: &Node, cx: &mut Cx<'_>) -> Option<String> {
    let normal = SampledQuery::normal(text);
    if let Err(errors) = SampledQuery::read(text, SLICE) {
        let sources = cx.sources;
        for error in errors {
            let place = |part| yaml::span_within(sources, node, part);
            let related = error
                .related
                .iter()
                .map(|(part, message)| Related { span: place(part.clone()), message: message.clone() });
            let related = related.collect();
            let mut problem = Diagnostic::error("promql", place(error.span), error.message);
            (problem.help, problem.related) = (error.help, related);
            cx.push(problem);
        }
        return None;
    }
    if !normal.contains(WINDOW_PLACEHOLDER) {
        let message = "the query looks at no window";
        cx.error_help(node.span, message, format!("write {WINDOW_PLACEHOLDER} as its range"));
        return None;
    }
    Some(normal)
}
