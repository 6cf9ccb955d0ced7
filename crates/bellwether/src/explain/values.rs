//! What a rule's query sees now: the value that is compared with a bound, how it was lately, and the selectors that
//! match nothing. Asked of the same evaluator as the rules themselves, with little time.

use std::time::{Duration, Instant};

use bellwether_alerts::{Measured, RulePast};
use bellwether_model::{Labels, METRIC_NAME, TimeDelta, Timestamp};
use bellwether_promql::{
    Binary, BinaryOp, EvalOptions, Expr, ExprKind, Function, Interrupt, Limits, RangeSpec, Value, parse,
};

use crate::source::evaluator::Evaluator;

/// Somebody waits for the answer.
const TIME_MAX: Duration = Duration::from_secs(2);
const SAMPLES_MAX: u64 = 5_000_000;
/// How far back is looked, and in what steps.
const PAST: TimeDelta = TimeDelta::HOUR;
const STEP: TimeDelta = TimeDelta::MINUTE;
/// Comparisons and selectors of one query that are looked at.
const PARTS_MAX: usize = 8;

/// What a query sees.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sees {
    /// What is compared with what.
    pub measured: Vec<Measured>,
    /// Selectors that match no series.
    pub absent: Vec<String>,
}

/// Looks at what a query sees. Only for threads that may wait.
pub(super) fn look(evaluator: &Evaluator, query: &str, labels: Option<&Labels>, now: Timestamp) -> Sees {
    let Ok(expr) = parse(query) else { return Sees::default() };
    let look = Look { evaluator, query, now, end: Instant::now() + TIME_MAX };
    let mut comparisons = Vec::new();
    comparisons_of(&expr, &mut comparisons);
    let mut selectors = Vec::new();
    selectors_of(&expr, &mut selectors);
    let parts = comparisons.into_iter().take(PARTS_MAX);
    let measured = parts.map(|comparison| look.measured(&comparison, labels)).collect();
    let absent = selectors.into_iter().take(PARTS_MAX).filter(|selector| look.is_absent(selector));
    Sees { measured, absent: absent.map(|selector| look.text(selector).to_owned()).collect() }
}

/// A side of a comparison, and the number on the other.
struct Comparison<'a> {
    side: &'a Expr,
    op: &'static str,
    bound: f64,
}

/// All comparisons with numbers that must hold together.
fn comparisons_of<'a>(expr: &'a Expr, found: &mut Vec<Comparison<'a>>) {
    let ExprKind::Binary(binary) = &expr.unwrapped().kind else { return };
    if binary.op == BinaryOp::And {
        comparisons_of(&binary.left, found);
        comparisons_of(&binary.right, found);
        return;
    }
    found.extend(comparison(binary));
}

fn comparison(binary: &Binary) -> Option<Comparison<'_>> {
    let (op, turned) = match binary.op {
        BinaryOp::Greater => (">", "<"),
        BinaryOp::GreaterOrEqual => (">=", "<="),
        BinaryOp::Less => ("<", ">"),
        BinaryOp::LessOrEqual => ("<=", ">="),
        BinaryOp::Equal => ("==", "=="),
        BinaryOp::NotEqual => ("!=", "!="),
        _ => return None,
    };
    match (number(&binary.left), number(&binary.right)) {
        (None, Some(bound)) => Some(Comparison { side: &binary.left, op, bound }),
        (Some(bound), None) => Some(Comparison { side: &binary.right, op: turned, bound }),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn number(expr: &Expr) -> Option<f64> {
    match &expr.unwrapped().kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Unary { is_negative, operand } => {
            number(operand).map(|value| if *is_negative { -value } else { value })
        }
        _ => None,
    }
}

/// Selectors without whose series the query gives nothing; what stands under `absent`, or behind `or` and `unless`,
/// may be missing.
fn selectors_of<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match &expr.kind {
        ExprKind::Selector(_) | ExprKind::Range(_) => found.push(expr),
        ExprKind::Call(call) if matches!(call.function, Function::Absent | Function::AbsentOverTime) => {}
        ExprKind::Binary(binary) if binary.op == BinaryOp::Or => {}
        ExprKind::Binary(binary) if binary.op == BinaryOp::Unless => selectors_of(&binary.left, found),
        _ => expr.for_each_child(|child| selectors_of(child, found)),
    }
}

struct Look<'a> {
    evaluator: &'a Evaluator,
    query: &'a str,
    now: Timestamp,
    end: Instant,
}

impl Look<'_> {
    fn text(&self, expr: &Expr) -> &str {
        self.query.get(expr.span.clone()).unwrap_or_default()
    }

    fn value(&self, text: &str, range: Option<RangeSpec>) -> Option<Value> {
        let expr = parse(text).ok()?;
        let interrupt = || (Instant::now() > self.end).then_some(Interrupt::TimedOut);
        let options = EvalOptions {
            limits: Limits { samples: SAMPLES_MAX, ..Limits::default() },
            interrupt: Some(&interrupt),
            ..EvalOptions::default()
        };
        match range {
            None => self.evaluator.instant(text, &expr, self.now, &options).ok(),
            Some(range) => self.evaluator.range(text, &expr, range, &options).ok(),
        }
    }

    fn is_absent(&self, selector: &Expr) -> bool {
        let text = self.text(selector);
        let asked = match &selector.kind {
            ExprKind::Range(_) => format!("count(present_over_time({text}))"),
            _ => format!("count({text})"),
        };
        matches!(self.value(&asked, None), Some(Value::Vector(series)) if series.is_empty())
    }

    fn measured(&self, comparison: &Comparison<'_>, labels: Option<&Labels>) -> Measured {
        let text = self.text(comparison.side);
        let Comparison { op, bound, .. } = *comparison;
        let mut values = Vec::new();
        match self.value(text, None) {
            Some(Value::Vector(series)) => {
                values.extend(series.into_iter().filter_map(|one| Some((one.labels, one.value.as_float()?))));
            }
            Some(Value::Scalar(sample)) => values.push((Labels::empty(), sample.value)),
            Some(Value::String(_) | Value::Matrix(_)) | None => {}
        }
        let own = values.iter().find(|(of, _)| labels.is_some_and(|labels| is_of(of, labels)));
        let chosen = match own {
            Some((of, value)) => Some((of.clone(), *value)),
            None => values.into_iter().min_by(|a, b| away(op, bound, a.1).total_cmp(&away(op, bound, b.1))),
        };
        Measured {
            what: text.split_whitespace().collect::<Vec<_>>().join(" "),
            value: chosen.as_ref().map(|(_, value)| *value),
            op,
            bound,
            past: self.past(text, chosen.as_ref().map(|(of, _)| of)),
        }
    }

    /// Of the series that is shown, or of all.
    fn past(&self, text: &str, of: Option<&Labels>) -> Option<RulePast> {
        let range = RangeSpec { start: self.now - PAST, end: self.now, step: STEP };
        let Some(Value::Matrix(series)) = self.value(text, Some(range)) else { return None };
        let shown = series.iter().filter(|one| of.is_none_or(|of| one.labels == *of));
        let values: Vec<f64> =
            shown.flat_map(|one| &one.points).map(|point| point.value).filter(|v| v.is_finite()).collect();
        let lowest = values.iter().copied().reduce(f64::min)?;
        let highest = values.iter().copied().reduce(f64::max)?;
        Some(RulePast { over: PAST, lowest, highest })
    }
}

/// Whether a series is the one that an alert came from.
fn is_of(series: &Labels, alert: &Labels) -> bool {
    series.iter().filter(|(name, _)| *name != METRIC_NAME).all(|(name, value)| alert.get(name) == Some(value))
}

/// How far a value is from making the comparison true; negative once it is.
fn away(op: &str, bound: f64, value: f64) -> f64 {
    match op {
        ">" | ">=" => bound - value,
        "<" | "<=" => value - bound,
        "==" => (value - bound).abs(),
        _ => -(value - bound).abs(),
    }
}
