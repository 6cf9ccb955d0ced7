//! A query as a tree in JSON, in the words of Prometheus' `parse_query`; every node says in addition where it stands
//! (`start` and `end` in bytes), for whoever wants to point at it.

use bellwether_model::{Matcher, TimeDelta};
use bellwether_promql::{
    At, Binary, Call, DurationExpr, DurationKind, Edges, Expr, ExprKind, Kind, Shift, Span, VectorSelector,
};
use serde_json::{Value as Json, json};

use crate::api_json;

/// The whole tree. The parser bounds its height.
pub(super) fn tree(expr: &Expr) -> Json {
    let mut node = match &expr.kind {
        ExprKind::Number { value, .. } => json!({ "type": "numberLiteral", "val": digits(*value) }),
        ExprKind::Text(text) => json!({ "type": "stringLiteral", "val": text }),
        ExprKind::Selector(vector) => selector("vectorSelector", vector),
        ExprKind::Range(range) => {
            let mut node = selector("matrixSelector", &range.selector);
            node["range"] = milliseconds(Some(&range.range));
            node["rangeExpr"] = calculated(Some(&range.range));
            node
        }
        ExprKind::Subquery(subquery) => {
            let mut node = json!({
                "type": "subquery", "expr": tree(&subquery.inner),
                "range": milliseconds(Some(&subquery.range)), "rangeExpr": calculated(Some(&subquery.range)),
                "step": milliseconds(subquery.step.as_ref()), "stepExpr": calculated(subquery.step.as_ref()),
            });
            place_in_time(&mut node, &subquery.shift);
            node
        }
        ExprKind::Paren(inner) => json!({ "type": "parenExpr", "expr": tree(inner) }),
        ExprKind::Unary { is_negative, operand } => {
            json!({ "type": "unaryExpr", "op": if *is_negative { "-" } else { "+" }, "expr": tree(operand) })
        }
        ExprKind::Binary(operation) => binary(operation),
        ExprKind::Aggregate(aggregation) => {
            let (names, is_without) = match &aggregation.grouping {
                Some(grouping) => (grouping.names.as_slice(), grouping.is_without),
                None => (&[][..], false),
            };
            json!({
                "type": "aggregation", "op": aggregation.op.as_str(), "expr": tree(&aggregation.inner),
                "param": aggregation.parameter.as_ref().map(tree), "grouping": names, "without": is_without,
            })
        }
        ExprKind::Call(call) => function_call(call),
    };
    mark(&mut node, &expr.span);
    node
}

fn mark(node: &mut Json, span: &Span) {
    node["start"] = json!(span.start);
    node["end"] = json!(span.end);
}

fn selector(kind: &str, vector: &VectorSelector) -> Json {
    let matchers: Vec<Json> = vector.matchers.iter().map(matcher).collect();
    let mut node = json!({
        "type": kind, "name": vector.name.as_deref().unwrap_or_default(), "matchers": matchers,
        "anchored": vector.edges == Edges::Anchored, "smoothed": vector.edges == Edges::Smoothed,
    });
    place_in_time(&mut node, &vector.shift);
    node
}

fn matcher(matcher: &Matcher) -> Json {
    json!({ "name": matcher.name, "type": matcher.op.as_str(), "value": matcher.value })
}

/// `offset` and `@`.
fn place_in_time(node: &mut Json, shift: &Shift) {
    node["offset"] = milliseconds(shift.offset.as_ref());
    node["offsetExpr"] = calculated(shift.offset.as_ref());
    (node["timestamp"], node["startOrEnd"]) = match shift.at {
        None => (Json::Null, Json::Null),
        Some(At::Time(at)) => (json!(at.as_millis()), Json::Null),
        Some(At::Start) => (Json::Null, json!("start")),
        Some(At::End) => (Json::Null, json!("end")),
    };
}

fn binary(operation: &Binary) -> Json {
    let is_between_vectors =
        operation.left.result() == Kind::Vector && operation.right.result() == Kind::Vector;
    json!({
        "type": "binaryExpr", "op": operation.op.as_str(), "bool": operation.is_bool,
        "lhs": tree(&operation.left), "rhs": tree(&operation.right),
        "matching": is_between_vectors.then(|| matching(operation)),
    })
}

fn matching(operation: &Binary) -> Json {
    let matching = &operation.matching;
    let card = match &matching.group {
        _ if operation.op.is_set() => "many-to-many",
        None => "one-to-one",
        Some(group) if group.is_left => "many-to-one",
        Some(_) => "one-to-many",
    };
    let (names, is_on) = match &matching.labels {
        Some(labels) => (labels.names.as_slice(), labels.is_on),
        None => (&[][..], false),
    };
    let include = matching.group.as_ref().map_or(&[][..], |group| group.include.as_slice());
    json!({
        "card": card, "labels": names, "on": is_on, "include": include,
        "fillValues": { "lhs": matching.fill_left, "rhs": matching.fill_right },
    })
}

fn function_call(call: &Call) -> Json {
    let spec = call.function.spec();
    // How many arguments may be left out; -1 when there is no bound on them.
    let variadic = spec
        .arguments_max
        .map_or(-1, |most| i64::try_from(most.saturating_sub(spec.arguments_min)).unwrap_or(i64::MAX));
    let kinds: Vec<&str> = spec.arguments.iter().map(|kind| word(*kind)).collect();
    let arguments: Vec<Json> = call.arguments.iter().map(tree).collect();
    json!({
        "type": "call", "args": arguments,
        "func": { "name": spec.name, "argTypes": kinds, "variadic": variadic, "returnType": word(spec.returns) },
    })
}

/// Kinds of value as this tree calls them.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "scalar",
        Kind::Text => "string",
        Kind::Vector => "vector",
        Kind::Range => "matrix",
    }
}

/// A length in milliseconds; 0 where there is none or where it depends on the query it will stand in.
fn milliseconds(length: Option<&DurationExpr>) -> Json {
    json!(length.and_then(DurationExpr::constant).unwrap_or(TimeDelta::ZERO).as_millis())
}

/// How a length is calculated, unless it is simply written down.
fn calculated(length: Option<&DurationExpr>) -> Json {
    match length.map(|length| (length, &length.kind)) {
        None | Some((_, DurationKind::Literal(_) | DurationKind::Seconds(_))) => Json::Null,
        Some((_, DurationKind::Negative(inner)))
            if matches!(inner.kind, DurationKind::Literal(_) | DurationKind::Seconds(_)) =>
        {
            Json::Null
        }
        Some((length, _)) => duration(length, false),
    }
}

fn duration(length: &DurationExpr, is_wrapped: bool) -> Json {
    let operation = |op: &str, left: Json, right: Json| json!({ "type": "durationExpr", "op": op, "lhs": left, "rhs": right, "wrapped": is_wrapped });
    let literal = |value: f64, is_duration: bool| json!({ "type": "numberLiteral", "val": digits(value), "duration": is_duration });
    let mut node = match &length.kind {
        DurationKind::Literal(delta) => literal(delta.as_secs_f64(), true),
        DurationKind::Seconds(seconds) => literal(*seconds, false),
        DurationKind::Step => operation("step", Json::Null, Json::Null),
        DurationKind::Range => operation("range", Json::Null, Json::Null),
        DurationKind::Min(pair) => operation("min_of", duration(&pair.0, false), duration(&pair.1, false)),
        DurationKind::Max(pair) => operation("max_of", duration(&pair.0, false), duration(&pair.1, false)),
        DurationKind::Negative(inner) => operation("-", Json::Null, duration(inner, false)),
        DurationKind::Binary(op, pair) => {
            operation(op.as_str(), duration(&pair.0, false), duration(&pair.1, false))
        }
        DurationKind::Paren(inner) => return duration(inner, true),
    };
    mark(&mut node, &length.span);
    node
}

/// All digits, never an exponent.
fn digits(value: f64) -> String {
    if value.is_finite() {
        return value.to_string();
    }
    let mut text = String::new();
    api_json::number(&mut text, value);
    text
}
