//! What a question asks for, read from its tree: whether what a meant difference speaks of is in it at all.

use bellwether_promql::{AggregateOp, Aggregation, BinaryOp, Expr, ExprKind, Function, parse, selectors};

use super::ask::{Ask, When};
use super::compare::{Aspect, Difference};

/// A query that can be read, and whether it is asked for over a range.
pub struct Question {
    expr: Expr,
    is_range: bool,
}

impl Question {
    pub fn of(ask: &Ask) -> Option<Self> {
        let expr = parse(&ask.query).ok()?;
        Some(Self { expr, is_range: matches!(ask.when, When::Over { .. }) })
    }

    fn has(&self, mut predicate: impl FnMut(&ExprKind) -> bool) -> bool {
        let mut found = false;
        self.expr.walk(&mut |node| found |= predicate(&node.kind));
        found
    }

    fn has_aggregation(&self, predicate: impl Fn(&Aggregation) -> bool) -> bool {
        self.has(|kind| matches!(kind, ExprKind::Aggregate(aggregation) if predicate(aggregation)))
    }

    fn has_operator(&self, predicate: impl Fn(BinaryOp) -> bool) -> bool {
        self.has(|kind| matches!(kind, ExprKind::Binary(binary) if predicate(binary.op)))
    }

    /// Whether one of these functions is called anywhere.
    pub fn calls(&self, functions: &[Function]) -> bool {
        self.has(|kind| matches!(kind, ExprKind::Call(call) if functions.contains(&call.function)))
    }

    /// Whether it is nothing but a call of one of these functions.
    pub fn is_call(&self, functions: &[Function]) -> bool {
        matches!(&self.expr.unwrapped().kind, ExprKind::Call(call) if functions.contains(&call.function))
    }

    pub fn aggregates(&self, operators: &[AggregateOp]) -> bool {
        self.has_aggregation(|aggregation| operators.contains(&aggregation.op))
    }

    pub fn has_comparison(&self) -> bool {
        self.has_operator(BinaryOp::is_comparison)
    }

    /// Whether something is divided by what it is much larger than, and only the rest is kept.
    pub fn has_remainder(&self) -> bool {
        let is_angle_calculated = |kind: &ExprKind| {
            let ExprKind::Call(call) = kind else { return false };
            matches!(call.function, Function::Sin | Function::Cos | Function::Tan)
                && call.arguments.first().is_some_and(is_calculated)
        };
        self.has_operator(|op| op == BinaryOp::Modulo) || self.has(is_angle_calculated)
    }

    pub fn has_minus_sign(&self) -> bool {
        self.has(|kind| matches!(kind, ExprKind::Unary { is_negative: true, .. }))
    }

    /// Whether series are picked rather than folded.
    pub fn has_pick(&self) -> bool {
        self.has_aggregation(|aggregation| is_pick(aggregation.op))
    }

    /// `timestamp(x @ 0 offset 5m)`
    pub fn has_timestamp_of_shifted_moment(&self) -> bool {
        self.has(|kind| {
            let ExprKind::Call(call) = kind else { return false };
            call.function == Function::Timestamp
                && call.arguments.first().is_some_and(|argument| {
                    let ExprKind::Selector(selector) = &argument.unwrapped().kind else { return false };
                    selector.shift.at.is_some() && selector.shift.offset.is_some()
                })
        })
    }

    /// `topk(scalar(x), y @ 0)`
    pub fn has_parameter_over_fixed_vector(&self) -> bool {
        self.has_aggregation(|aggregation| {
            let found = selectors(&aggregation.inner);
            let is_fixed = !found.is_empty() && found.iter().all(|selector| selector.shift.at.is_some());
            let may_change = aggregation.parameter.as_ref().is_some_and(|parameter| {
                !matches!(parameter.unwrapped().kind, ExprKind::Number { .. } | ExprKind::Text(_))
            });
            is_fixed && may_change
        })
    }

    /// Whether it matters in which order an operator or a function hands its series on.
    pub fn picks_from_calculated_series(&self) -> bool {
        let is_over_steps = self.is_range || self.has(|kind| matches!(kind, ExprKind::Subquery(_)));
        self.has_aggregation(|aggregation| {
            is_pick(aggregation.op)
                && is_calculated(&aggregation.inner)
                // What these hand on has no order even at one moment.
                && (is_over_steps || self.aggregates(&[AggregateOp::CountValues, AggregateOp::LimitRatio]))
        })
    }

    pub fn counts_calculated_values(&self) -> bool {
        self.has_aggregation(|aggregation| {
            aggregation.op == AggregateOp::CountValues && is_calculated(&aggregation.inner)
        })
    }

    /// Whether small differences of what it calculates with can become large.
    pub fn is_sensitive(&self) -> bool {
        const FUNCTIONS: [Function; 9] = [
            Function::Sin,
            Function::Cos,
            Function::Tan,
            Function::Exp,
            Function::StddevOverTime,
            Function::StdvarOverTime,
            Function::Deriv,
            Function::PredictLinear,
            Function::DoubleExponentialSmoothing,
        ];
        self.calls(&FUNCTIONS)
            || self.aggregates(&[AggregateOp::Stddev, AggregateOp::Stdvar])
            || self.has_operator(|op| matches!(op, BinaryOp::Subtract | BinaryOp::Power))
    }
}

fn is_pick(op: AggregateOp) -> bool {
    matches!(op, AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio)
}

fn is_calculated(expr: &Expr) -> bool {
    !matches!(expr.unwrapped().kind, ExprKind::Selector(_))
}

/// The two numbers that differ, where that is what differs.
pub fn numbers(difference: &Difference) -> Option<(f64, f64)> {
    if difference.aspect != Aspect::Values {
        return None;
    }
    let mut lines = difference.detail.lines().rev();
    let theirs = lines.next()?.strip_prefix("theirs ")?;
    let ours = lines.next()?.strip_prefix("ours   ")?;
    Some((ours.parse().ok()?, theirs.parse().ok()?))
}
