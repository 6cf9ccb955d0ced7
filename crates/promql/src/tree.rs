//! A query as a tree of JSON, in the shape Prometheus gives it at `/api/v1/parse_query`, which its page draws.
//!
//! What Prometheus' tree does not hold is left out here too, except comments: a node that some speak of lists them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::comment::{Place, subject};
use crate::kind::Kind;
use crate::parse::parse_with_comments;
use crate::parse_error::ParseError;
use crate::print::decimal;
use crate::syntax::{
    Aggregation, At, Binary, BinaryOp, Call, DurationExpr, DurationKind, Edges, Expr, ExprKind, Shift,
    Subquery, VectorSelector,
};

/// The tree of a query's text. A node that comments speak of has `comments`, each with its `text` and its `place`:
/// `before`, `inside` or `after` the node.
pub fn parse_query(text: &str) -> Result<Value, Vec<ParseError>> {
    let (expr, comments) = parse_with_comments(text)?;
    let mut tree = Tree { comments: BTreeMap::new() };
    for comment in &comments {
        let (node, place) = subject(&expr, comment);
        let place = match place {
            Place::Before => "before",
            Place::Inside => "inside",
            Place::After => "after",
        };
        let list = tree.comments.entry(key(node)).or_default();
        list.push(json!({"text": comment.text, "place": place}));
    }
    Ok(tree.node(&expr))
}

/// The tree of an expression.
pub fn tree(expr: &Expr) -> Value {
    Tree { comments: BTreeMap::new() }.node(expr)
}

/// Tells nodes apart: those of one place differ in height.
type Key = (usize, usize, u32);

fn key(expr: &Expr) -> Key {
    (expr.span.start, expr.span.end, expr.height())
}

struct Tree {
    comments: BTreeMap<Key, Vec<Value>>,
}

impl Tree {
    fn node(&self, expr: &Expr) -> Value {
        let mut node = match &expr.kind {
            ExprKind::Number { value, .. } => json!({"type": "numberLiteral", "val": decimal(*value)}),
            ExprKind::Text(text) => json!({"type": "stringLiteral", "val": text}),
            ExprKind::Selector(found) => selector("vectorSelector", found),
            ExprKind::Range(range) => {
                let mut node = selector("matrixSelector", &range.selector);
                length(&mut node, "range", Some(&range.range));
                node
            }
            ExprKind::Subquery(found) => self.subquery(found),
            ExprKind::Paren(inner) => json!({"type": "parenExpr", "expr": self.node(inner)}),
            ExprKind::Unary { is_negative, operand } => {
                let op = if *is_negative { "-" } else { "+" };
                json!({"type": "unaryExpr", "op": op, "expr": self.node(operand)})
            }
            ExprKind::Binary(found) => self.binary(found),
            ExprKind::Aggregate(found) => self.aggregation(found),
            ExprKind::Call(found) => self.call(found),
        };
        if let Some(comments) = self.comments.get(&key(expr)) {
            node["comments"] = json!(comments);
        }
        node
    }

    fn subquery(&self, found: &Subquery) -> Value {
        let mut node = json!({"type": "subquery", "expr": self.node(&found.inner)});
        length(&mut node, "range", Some(&found.range));
        length(&mut node, "step", found.step.as_ref());
        shift(&mut node, &found.shift);
        node
    }

    fn binary(&self, found: &Binary) -> Value {
        let is_between_vectors = [&found.left, &found.right].iter().all(|side| side.result() == Kind::Vector);
        json!({
            "type": "binaryExpr",
            "op": found.op.as_str(),
            "lhs": self.node(&found.left),
            "rhs": self.node(&found.right),
            "matching": is_between_vectors.then(|| matching(found)),
            "bool": found.is_bool,
        })
    }

    fn aggregation(&self, found: &Aggregation) -> Value {
        json!({
            "type": "aggregation",
            "op": found.op.as_str(),
            "expr": self.node(&found.inner),
            "param": found.parameter.as_ref().map(|parameter| self.node(parameter)),
            "grouping": found.grouping.as_ref().map_or(&[][..], |grouping| &grouping.names),
            "without": found.grouping.as_ref().is_some_and(|grouping| grouping.is_without),
        })
    }

    fn call(&self, found: &Call) -> Value {
        let spec = found.function.spec();
        // How many arguments there may be beyond the fewest; -1 where there is no bound.
        let variadic = spec.arguments_max.map_or(-1, |most| most as i64 - spec.arguments_min as i64);
        json!({
            "type": "call",
            "func": {
                "name": spec.name,
                "argTypes": spec.arguments.iter().map(|kind| wire(*kind)).collect::<Vec<_>>(),
                "variadic": variadic,
                "returnType": wire(spec.returns),
            },
            "args": found.arguments.iter().map(|argument| self.node(argument)).collect::<Vec<_>>(),
        })
    }
}

fn selector(kind: &str, found: &VectorSelector) -> Value {
    let (mut matchers, mut name) = (found.matchers.iter().collect::<Vec<_>>(), "");
    if found.is_name_bare {
        // A name before the braces comes last.
        matchers.rotate_left(1);
        name = found.name.as_deref().unwrap_or_default();
    }
    let matcher =
        |m: &&bellwether_model::Matcher| json!({"name": m.name, "type": m.op.as_str(), "value": m.value});
    let mut node = json!({
        "type": kind,
        "name": name,
        "matchers": matchers.iter().map(matcher).collect::<Vec<_>>(),
        "anchored": found.edges == Edges::Anchored,
        "smoothed": found.edges == Edges::Smoothed,
    });
    shift(&mut node, &found.shift);
    node
}

fn shift(node: &mut Value, shift: &Shift) {
    let (timestamp, start_or_end) = match shift.at {
        None => (Value::Null, Value::Null),
        Some(At::Time(at)) => (json!(at.0), Value::Null),
        Some(At::Start) => (Value::Null, json!("start")),
        Some(At::End) => (Value::Null, json!("end")),
    };
    node["timestamp"] = timestamp;
    node["startOrEnd"] = start_or_end;
    length(node, "offset", shift.offset.as_ref());
}

/// A plain length goes in as milliseconds under its key; one that is calculated as a tree beside it.
fn length(node: &mut Value, key: &str, duration: Option<&DurationExpr>) {
    let plain = |kind: &DurationKind| matches!(kind, DurationKind::Literal(_) | DurationKind::Seconds(_));
    let is_plain = |duration: &DurationExpr| match &duration.kind {
        DurationKind::Negative(inner) => plain(&inner.kind),
        kind => plain(kind),
    };
    let constant = duration.filter(|d| is_plain(d)).and_then(DurationExpr::constant);
    node[key] = json!(constant.map_or(0, |delta| delta.0));
    node[format!("{key}Expr")] = match (duration, constant) {
        (Some(duration), None) => duration_tree(duration),
        (_, Some(_)) | (None, None) => Value::Null,
    };
}

fn duration_tree(duration: &DurationExpr) -> Value {
    let literal = |value: f64, is_duration: bool| json!({"type": "numberLiteral", "val": decimal(value), "duration": is_duration});
    let node = |op: &str, left: Option<&DurationExpr>, right: Option<&DurationExpr>| {
        json!({
            "type": "durationExpr",
            "op": op,
            "lhs": left.map(duration_tree),
            "rhs": right.map(duration_tree),
            "wrapped": false,
        })
    };
    match &duration.kind {
        DurationKind::Literal(delta) => literal(delta.as_secs_f64(), true),
        DurationKind::Seconds(seconds) => literal(*seconds, false),
        DurationKind::Step => node("step", None, None),
        DurationKind::Range => node("range", None, None),
        DurationKind::Min(pair) => node("min_of", Some(&pair.0), Some(&pair.1)),
        DurationKind::Max(pair) => node("max_of", Some(&pair.0), Some(&pair.1)),
        DurationKind::Negative(inner) => match &inner.kind {
            DurationKind::Literal(delta) => literal(-delta.as_secs_f64(), true),
            DurationKind::Seconds(seconds) => literal(-seconds, false),
            DurationKind::Step
            | DurationKind::Range
            | DurationKind::Min(_)
            | DurationKind::Max(_)
            | DurationKind::Negative(_)
            | DurationKind::Binary(..)
            | DurationKind::Paren(_) => node(BinaryOp::Subtract.as_str(), None, Some(inner)),
        },
        DurationKind::Binary(op, pair) => node(op.as_str(), Some(&pair.0), Some(&pair.1)),
        DurationKind::Paren(inner) => {
            let mut inner = duration_tree(inner);
            inner["wrapped"] = json!(true);
            inner
        }
    }
}

fn matching(binary: &Binary) -> Value {
    let found = &binary.matching;
    let card = match &found.group {
        _ if binary.op.is_set() => "many-to-many",
        None => "one-to-one",
        Some(group) if group.is_left => "many-to-one",
        Some(_) => "one-to-many",
    };
    json!({
        "card": card,
        "labels": found.labels.as_ref().map_or(&[][..], |labels| &labels.names),
        "on": found.labels.as_ref().is_some_and(|labels| labels.is_on),
        "include": found.group.as_ref().map_or(&[][..], |group| &group.include),
        "fillValues": {"lhs": found.fill_left.map(plain_number), "rhs": found.fill_right.map(plain_number)},
    })
}

/// Whole numbers are written as such.
fn plain_number(value: f64) -> Value {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT_MAX { json!(value as i64) } else { json!(value) }
}

const fn wire(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "scalar",
        Kind::Text => "string",
        Kind::Vector => "vector",
        Kind::Range => "matrix",
    }
}
