//! Whether two answers are the same: to 1e-9 of each number, in the same order where the language defines one.

use std::collections::BTreeMap;
use std::fmt::Write;

use bellwether_promql::{AggregateOp, Expr, ExprKind, Function};
use serde_json::Value as Json;

use super::answer::{Answer, Found, Point, Row};
use super::ask::{Ask, When, seconds};

/// Numbers further apart than this, relative to the larger one, differ.
const RELATIVE_MAX: f64 = 1e-9;

/// In what two answers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aspect {
    /// One side refused.
    Refusal,
    /// Both refused, for different kinds of reason.
    RefusalKind,
    /// Scalar, string, vector, matrix.
    Kind,
    /// Which series there are.
    Series,
    /// At which moments.
    Moments,
    Values,
    /// Ours has a zero bucket with a negative count.
    ZeroBucket,
    Order,
    Warnings,
    Infos,
}

/// A difference, and how to show it.
#[derive(Clone, Debug)]
pub struct Difference {
    pub aspect: Aspect,
    pub detail: String,
}

/// The first difference between ours and theirs.
pub fn compare(ask: &Ask, ours: &Answer, theirs: &Answer) -> Option<Difference> {
    let differ = |aspect, detail| Some(Difference { aspect, detail });
    match (ours, theirs) {
        (Answer::Refused { kind: a, message: x }, Answer::Refused { kind: b, message: y }) => {
            (a != b).then(|| Difference {
                aspect: Aspect::RefusalKind,
                detail: format!("ours {a}: {x}\ntheirs {b}: {y}"),
            })
        }
        (Answer::Refused { kind, message }, Answer::Result(found)) => {
            differ(Aspect::Refusal, format!("ours refuses, {kind}: {message}\ntheirs {}", shown(&found.rows)))
        }
        (Answer::Result(found), Answer::Refused { kind, message }) => {
            differ(Aspect::Refusal, format!("ours {}\ntheirs refuses, {kind}: {message}", shown(&found.rows)))
        }
        (Answer::Result(ours), Answer::Result(theirs)) => results(ask, ours, theirs),
    }
}

fn results(ask: &Ask, ours: &Found, theirs: &Found) -> Option<Difference> {
    let differ = |aspect, detail| Some(Difference { aspect, detail });
    if ours.kind != theirs.kind {
        return differ(Aspect::Kind, format!("ours {}, theirs {}", ours.kind, theirs.kind));
    }
    let by_labels = |found: &Found| -> BTreeMap<_, Row> {
        found.rows.iter().map(|row| (row.labels.clone(), row.clone())).collect()
    };
    let (mine, other) = (by_labels(ours), by_labels(theirs));
    if mine.len() != ours.rows.len() || other.len() != theirs.rows.len() || !mine.keys().eq(other.keys()) {
        let detail = format!("ours {}\ntheirs {}", shown(&ours.rows), shown(&theirs.rows));
        return differ(Aspect::Series, detail);
    }
    for (labels, row) in &mine {
        let found = row_difference(row, &other[labels]);
        if found.is_some() {
            return found;
        }
    }
    if is_ordered(ask) && !same_order(&ours.rows, &theirs.rows) {
        let detail = format!("ours {}\ntheirs {}", shown(&ours.rows), shown(&theirs.rows));
        return differ(Aspect::Order, detail);
    }
    let remarks =
        [(Aspect::Warnings, &ours.warnings, &theirs.warnings), (Aspect::Infos, &ours.infos, &theirs.infos)];
    for (aspect, mine, other) in remarks {
        let sorted = |list: &[String]| {
            let mut list = list.to_vec();
            list.sort();
            list
        };
        if sorted(mine) != sorted(other) {
            return differ(aspect, format!("ours {mine:#?}\ntheirs {other:#?}"));
        }
    }
    None
}

fn row_difference(ours: &Row, theirs: &Row) -> Option<Difference> {
    let moments = |row: &Row| row.points.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    if moments(ours) != moments(theirs) {
        let both = [ours.clone(), theirs.clone()];
        return Some(Difference {
            aspect: Aspect::Moments,
            detail: format!("ours {}\ntheirs {}", shown(&both[..1]), shown(&both[1..])),
        });
    }
    let mut pairs = ours.points.iter().zip(&theirs.points);
    let ((at, a), (_, b)) = pairs.find(|((_, a), (_, b))| !is_same_point(a, b))?;
    let labels = labels_text(&ours.labels);
    let detail = format!("{labels} at {}\nours   {}\ntheirs {}", seconds(*at), point_text(a), point_text(b));
    let is_zero_bucket = is_same_point(&without_negative_zero_bucket(a), b);
    let aspect = if is_zero_bucket { Aspect::ZeroBucket } else { Aspect::Values };
    Some(Difference { aspect, detail })
}

/// A zero bucket is the one whose bounds are both inside.
fn without_negative_zero_bucket(point: &Point) -> Point {
    let Point::Histogram(histogram) = point else { return point.clone() };
    let mut histogram = histogram.clone();
    if let Some(buckets) = histogram["buckets"].as_array_mut() {
        let is_negative = |bucket: &Json| bucket[3].as_str().is_some_and(|count| count.starts_with('-'));
        buckets.retain(|bucket| bucket[0] != 3 || !is_negative(bucket));
    }
    if histogram["buckets"].as_array().is_some_and(Vec::is_empty) {
        histogram.as_object_mut().map(|object| object.remove("buckets"));
    }
    Point::Histogram(histogram)
}

fn is_same_point(ours: &Point, theirs: &Point) -> bool {
    match (ours, theirs) {
        (Point::Number(a), Point::Number(b)) => is_same_number(*a, *b),
        (Point::Text(a), Point::Text(b)) => a == b,
        (Point::Histogram(a), Point::Histogram(b)) => is_same_json(a, b),
        (Point::Number(_) | Point::Text(_) | Point::Histogram(_), _) => false,
    }
}

fn is_same_number(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= RELATIVE_MAX * a.abs().max(b.abs())
}

/// The same shape, and where texts are numbers the same numbers.
fn is_same_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same_json(a, b)))
        }
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_json(a, b))
        }
        (Json::String(a), Json::String(b)) => match (a.parse(), b.parse()) {
            (Ok(a), Ok(b)) => is_same_number(a, b),
            _ => a == b,
        },
        _ => a == b,
    }
}

/// Whether the order of an instant result means something.
fn is_ordered(ask: &Ask) -> bool {
    let When::At(_) = ask.when else { return false };
    bellwether_promql::parse(&ask.query).is_ok_and(|expr| orders(&expr))
}

fn orders(expr: &Expr) -> bool {
    match &expr.unwrapped().kind {
        ExprKind::Call(call) => matches!(
            call.function,
            Function::Sort | Function::SortDesc | Function::SortByLabel | Function::SortByLabelDesc
        ),
        ExprKind::Aggregate(aggregation) => {
            matches!(aggregation.op, AggregateOp::Topk | AggregateOp::Bottomk)
        }
        _ => false,
    }
}

/// Rows of equal value may stand in any order among themselves.
fn same_order(ours: &[Row], theirs: &[Row]) -> bool {
    ours.iter().zip(theirs).all(|(a, b)| {
        a.labels == b.labels || a.points.iter().zip(&b.points).all(|((_, a), (_, b))| is_same_point(a, b))
    })
}

/// Rows as text, the first few of them.
pub fn shown(rows: &[Row]) -> String {
    let mut text = format!("{} series", rows.len());
    for row in rows.iter().take(8) {
        let _ = write!(text, "\n    {}", labels_text(&row.labels));
        for (at, point) in row.points.iter().take(12) {
            let _ = write!(text, " {}@{}", point_text(point), seconds(*at));
        }
        if row.points.len() > 12 {
            let _ = write!(text, " … {} points", row.points.len());
        }
    }
    if rows.len() > 8 {
        text.push_str("\n    …");
    }
    text
}

fn labels_text(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn point_text(point: &Point) -> String {
    match point {
        Point::Number(value) => format!("{value:?}"),
        Point::Text(text) => format!("{text:?}"),
        Point::Histogram(json) => json.to_string(),
    }
}
