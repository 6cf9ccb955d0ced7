//! Shapes of queries that several checks ask for: a value held against a bound, a share of one count in another.

use std::ops::Range;

use bellwether_promql::{Binary, BinaryOp, Expr, ExprKind, Function, VectorSelector, selectors};

use crate::setup::burn::constant;

/// A value held against a constant.
pub(crate) struct Comparison<'a> {
    pub(crate) value: &'a Expr,
    /// As if the value stood on the left.
    pub(crate) op: BinaryOp,
    pub(crate) bound: f64,
    /// From the operator to the bound, or from the bound to the operator.
    pub(crate) span: Range<usize>,
    pub(crate) is_bool: bool,
}

/// The comparison a query consists of, if it is one.
pub(crate) fn comparison(expr: &Expr) -> Option<Comparison<'_>> {
    let ExprKind::Binary(binary) = &expr.unwrapped().kind else { return None };
    if !binary.op.is_comparison() {
        return None;
    }
    if let Some(bound) = constant(&binary.right) {
        let span = binary.op_span.start..binary.right.span.end;
        return Some(Comparison {
            value: binary.left.unwrapped(),
            op: binary.op,
            bound,
            span,
            is_bool: binary.is_bool,
        });
    }
    let bound = constant(&binary.left)?;
    let span = binary.left.span.start..binary.op_span.end;
    Some(Comparison {
        value: binary.right.unwrapped(),
        op: turned(binary.op),
        bound,
        span,
        is_bool: binary.is_bool,
    })
}

/// Comparisons anywhere in a condition: below `and`, `or`, `unless` too.
pub(crate) fn comparisons(expr: &Expr) -> Vec<Comparison<'_>> {
    let expr = expr.unwrapped();
    if let ExprKind::Binary(binary) = &expr.kind
        && binary.op.is_set()
    {
        let mut found = comparisons(&binary.left);
        found.extend(comparisons(&binary.right));
        return found;
    }
    comparison(expr).into_iter().collect()
}

/// The comparison with its sides exchanged.
pub(crate) fn turned(op: BinaryOp) -> BinaryOp {
    match op {
        BinaryOp::Less => BinaryOp::Greater,
        BinaryOp::LessOrEqual => BinaryOp::GreaterOrEqual,
        BinaryOp::Greater => BinaryOp::Less,
        BinaryOp::GreaterOrEqual => BinaryOp::LessOrEqual,
        other => other,
    }
}

/// Whether small values make it true.
pub(crate) fn is_below(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Less | BinaryOp::LessOrEqual)
}

/// One count in another, with what is done to it around.
pub(crate) struct Share<'a> {
    /// The division.
    pub(crate) division: &'a Binary,
    /// What it is multiplied by in all.
    pub(crate) scale: f64,
    /// Whether it is taken from one or a hundred: the share of the others.
    pub(crate) is_rest: bool,
}

/// The share a value is made of, if it is.
pub(crate) fn share(expr: &Expr) -> Option<Share<'_>> {
    let expr = expr.unwrapped();
    if let ExprKind::Aggregate(aggregation) = &expr.kind {
        return share(&aggregation.inner);
    }
    let ExprKind::Binary(binary) = &expr.kind else { return None };
    match (binary.op, constant(&binary.left), constant(&binary.right)) {
        (BinaryOp::Divide, None, None) => {
            let is_of_series = |side: &Expr| !selectors(side).is_empty();
            let holds = is_of_series(&binary.left) && is_of_series(&binary.right);
            // `a * 100 / b` says the same as `a / b * 100`.
            let (_, scale) = scaled(&binary.left);
            holds.then_some(Share { division: binary, scale, is_rest: false })
        }
        (BinaryOp::Multiply, None, Some(by)) => {
            share(&binary.left).map(|it| Share { scale: it.scale * by, ..it })
        }
        (BinaryOp::Multiply, Some(by), None) => {
            share(&binary.right).map(|it| Share { scale: it.scale * by, ..it })
        }
        (BinaryOp::Divide, None, Some(by)) => {
            share(&binary.left).map(|it| Share { scale: it.scale / by, ..it })
        }
        (BinaryOp::Subtract, Some(whole), None) if whole == 1.0 || whole == 100.0 => {
            share(&binary.right).map(|it| Share { is_rest: !it.is_rest, ..it })
        }
        _ => None,
    }
}

/// What is multiplied by a constant, and the constant.
fn scaled(expr: &Expr) -> (&Expr, f64) {
    let mut expr = expr.unwrapped();
    while let ExprKind::Aggregate(aggregation) = &expr.kind {
        expr = aggregation.inner.unwrapped();
    }
    if let ExprKind::Binary(binary) = &expr.kind
        && binary.op == BinaryOp::Multiply
    {
        match (constant(&binary.left), constant(&binary.right)) {
            (None, Some(by)) => return (&binary.left, by),
            (Some(by), None) => return (&binary.right, by),
            _ => {}
        }
    }
    (expr, 1.0)
}

/// Whether the left side selects a part of what the right one does: the same metric over the same time with more
/// conditions.
pub(crate) fn is_part(division: &Binary) -> bool {
    let (left, right) = (selectors(&division.left), selectors(&division.right));
    let ([part], [all]) = (&left[..], &right[..]) else { return false };
    let times = |side: &Expr| -> Vec<_> {
        range_calls(side).iter().map(|(function, range, _)| (*function, range.range.constant())).collect()
    };
    let (of_part, of_all) = (conditions(part), conditions(all));
    part.name.is_some()
        && part.name == all.name
        && of_part.len() > of_all.len()
        && of_all.iter().all(|condition| of_part.contains(condition))
        && times(&division.left) == times(&division.right)
}

/// Names of the metrics an expression selects by name, sorted, each once.
pub(crate) fn metric_names(expr: &Expr) -> Vec<&str> {
    let mut names: Vec<&str> =
        selectors(expr).iter().filter_map(|selector| selector.name.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Calls of a range function on a selector: the function, the selector, the whole call.
pub(crate) fn range_calls(expr: &Expr) -> Vec<(Function, &bellwether_promql::RangeSelector, &Expr)> {
    let mut found = Vec::new();
    expr.walk(&mut |node| {
        let ExprKind::Call(call) = &node.kind else { return };
        for argument in &call.arguments {
            if let ExprKind::Range(range) = &argument.unwrapped().kind {
                found.push((call.function, &**range, node));
            }
        }
    });
    found
}

/// The conditions of a selector besides the metric's name, as text, sorted.
pub(crate) fn conditions(selector: &VectorSelector) -> Vec<String> {
    let others = selector.matchers.iter().filter(|matcher| matcher.name != "__name__");
    let mut texts: Vec<String> = others
        .map(|matcher| format!("{}{}\"{}\"", matcher.name, matcher.op.as_str(), matcher.value))
        .collect();
    texts.sort();
    texts
}
