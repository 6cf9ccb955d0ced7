//! An objective whose bad (or good) events are those of another job than all of its events.

use bellwether_diag::yaml::{self, Node, Value};
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{Expr, selectors};

use super::selector_drift::WHOSE;
use crate::{Form, Report, Setup};

/// Fields of the dialects that hold some events, and all of them.
const PARTS: [&str; 5] = ["error_query", "good_query", "errors", "bad", "good"];
const ALL: [&str; 2] = ["total_query", "total"];

pub(super) fn run(setup: &Setup, report: &mut Report) {
    let trees = setup.trees.iter().filter(|tree| matches!(tree.form, Form::Objectives | Form::Bellwether));
    trees.for_each(|tree| in_node(setup, &tree.node, report));
}

fn in_node(setup: &Setup, node: &Node, report: &mut Report) {
    match &node.value {
        Value::Mapping(entries) => {
            let of = |names: &[&str]| names.iter().find_map(|name| query(node.get(name)?));
            if let (Some(part), Some(all)) = (of(&PARTS), of(&ALL)) {
                compare(setup, &part, &all, report);
            }
            entries.iter().for_each(|(_, value)| in_node(setup, value, report));
        }
        Value::Sequence(items) => items.iter().for_each(|item| in_node(setup, item, report)),
        Value::Null | Value::Scalar(_) => {}
    }
}

/// A query as it is written, with its place: the text of a field, or of `metric` below it.
fn query(node: &Node) -> Option<(&Node, Expr)> {
    let node = node.get("metric").unwrap_or(node);
    let text = node.as_text()?;
    // What stands for the placeholder is as long, so that places stay right.
    let text = text.replace("{{.window}}", "000000005m");
    Some((node, bellwether_promql::parse(&text).ok()?))
}

fn compare(
    setup: &Setup,
    (part_node, part): &(&Node, Expr),
    (all_node, all): &(&Node, Expr),
    report: &mut Report,
) {
    let (parts, totals) = (selectors(part), selectors(all));
    let ([some], [every]) = (&parts[..], &totals[..]) else { return };
    if some.name.is_none() || some.name != every.name {
        return;
    }
    for (matcher, span) in every.matchers.iter().zip(&every.matcher_spans) {
        let other = some.matchers.iter().find(|other| other.name == matcher.name);
        let Some(other) =
            other.filter(|other| WHOSE.contains(&other.name.as_str()) && differ(matcher, other))
        else {
            continue;
        };
        report
            .find(
                yaml::span_within(&setup.sources, all_node, span.clone()),
                format!(
                    "all events are those of {0}=\"{1}\", and the counted ones of {0}=\"{2}\"",
                    matcher.name, matcher.value, other.value
                ),
            )
            .related(part_node.span, "the counted ones")
            .help(format!("ask both for the same {}", matcher.name));
    }
}

fn differ(a: &Matcher, b: &Matcher) -> bool {
    a.op == MatchOp::Equal && b.op == MatchOp::Equal && a.value != b.value
}
