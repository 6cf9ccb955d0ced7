//! What alerts ask, taken apart for the checks of this area: comparisons with numbers, and what a measured value is.

use bellwether_promql::{BinaryOp, Call, Expr, ExprKind, Function, VectorSelector, selectors};

use crate::checks::shape::turned;

/// A comparison of something measured with a number, the measured side on the left.
pub(crate) struct Comparison<'a> {
    /// How they are compared.
    pub(crate) op: BinaryOp,
    /// What is measured.
    pub(crate) measured: &'a Expr,
    /// With what it is compared.
    pub(crate) threshold: f64,
    /// The whole comparison.
    pub(crate) expr: &'a Expr,
    /// Whether the alert depends on nothing else: no `and`, `or`, `unless` around it.
    pub(crate) is_alone: bool,
}

impl Comparison<'_> {
    /// Whether it asks for a value below something.
    pub(crate) fn is_below(&self) -> bool {
        matches!(self.op, BinaryOp::Less | BinaryOp::LessOrEqual)
    }

    /// Whether it asks for a value above something.
    pub(crate) fn is_above(&self) -> bool {
        matches!(self.op, BinaryOp::Greater | BinaryOp::GreaterOrEqual)
    }

    /// Whether it asks for nothing at all: `== 0`, `<= 0`, and `< 1` of what is counted.
    pub(crate) fn is_zero(&self) -> bool {
        match self.op {
            BinaryOp::Equal | BinaryOp::LessOrEqual => self.threshold == 0.0,
            BinaryOp::Less => self.threshold == 1.0,
            _ => false,
        }
    }
}

/// The comparisons with numbers that decide whether an alert fires.
pub(crate) fn comparisons(expr: &Expr) -> Vec<Comparison<'_>> {
    let mut found = Vec::new();
    collect(expr, true, &mut found);
    found
}

fn collect<'a>(expr: &'a Expr, is_alone: bool, found: &mut Vec<Comparison<'a>>) {
    match &expr.kind {
        ExprKind::Paren(inner) => collect(inner, is_alone, found),
        ExprKind::Aggregate(aggregation) => collect(&aggregation.inner, is_alone, found),
        ExprKind::Binary(binary) if binary.op.is_set() => {
            collect(&binary.left, false, found);
            if binary.op != BinaryOp::Unless {
                collect(&binary.right, false, found);
            }
        }
        ExprKind::Binary(binary) if binary.op.is_comparison() => {
            match (constant(&binary.left), constant(&binary.right)) {
                (None, Some(threshold)) => {
                    let (op, measured) = (binary.op, &binary.left);
                    found.push(Comparison { op, measured, threshold, expr, is_alone });
                }
                (Some(threshold), None) => {
                    let (op, measured) = (turned(binary.op), &binary.right);
                    found.push(Comparison { op, measured, threshold, expr, is_alone });
                }
                (None, None) | (Some(_), Some(_)) => {}
            }
        }
        _ => {}
    }
}

/// The value of an expression that is the same whatever is stored.
pub(crate) fn constant(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Paren(inner) => constant(inner),
        ExprKind::Unary { is_negative, operand } => {
            Some(if *is_negative { -constant(operand)? } else { constant(operand)? })
        }
        ExprKind::Call(Call { function: Function::Vector, arguments, .. }) => constant(arguments.first()?),
        ExprKind::Binary(binary) => {
            let (left, right) = (constant(&binary.left)?, constant(&binary.right)?);
            match binary.op {
                BinaryOp::Add => Some(left + right),
                BinaryOp::Subtract => Some(left - right),
                BinaryOp::Multiply => Some(left * right),
                BinaryOp::Divide => Some(left / right),
                _ => None,
            }
        }
        _ => None,
    }
}

/// A metric as it is, without anything computed; parentheses and an aggregation over series do not count.
pub(crate) fn raw_metric(expr: &Expr) -> Option<&VectorSelector> {
    match &expr.kind {
        ExprKind::Selector(selector) => Some(selector),
        ExprKind::Paren(inner) => raw_metric(inner),
        ExprKind::Aggregate(aggregation) if aggregation.parameter.is_none() => raw_metric(&aggregation.inner),
        _ => None,
    }
}

/// `rate` or `increase` of one metric, parentheses and an aggregation around it not counted.
pub(crate) fn counted(expr: &Expr) -> Option<(&Call, &VectorSelector)> {
    match &expr.kind {
        ExprKind::Paren(inner) => counted(inner),
        ExprKind::Aggregate(aggregation) if aggregation.parameter.is_none() => counted(&aggregation.inner),
        ExprKind::Call(call)
            if matches!(call.function, Function::Rate | Function::Irate | Function::Increase) =>
        {
            match &call.arguments.first()?.kind {
                ExprKind::Range(range) => Some((call, &range.selector)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a function is called anywhere in an expression.
pub(crate) fn calls(expr: &Expr, wanted: &[Function]) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        found |= matches!(&node.kind, ExprKind::Call(call) if wanted.contains(&call.function));
    });
    found
}

/// Whether an expression gives a result because something is not there.
pub(crate) fn notices_absence(expr: &Expr) -> bool {
    let mut found = calls(expr, &[Function::Absent, Function::AbsentOverTime]);
    expr.walk(&mut |node| {
        found |= matches!(&node.kind, ExprKind::Binary(binary) if binary.op == BinaryOp::Unless);
    });
    found
}

/// The parts of a metric's name, in lower case: `app_active_connections` has three.
pub(crate) fn parts(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(['_', ':', '.', '-']).filter(|part| !part.is_empty()).map(str::to_ascii_lowercase)
}

/// Whether a metric's name has one of some words, also in the plural.
pub(crate) fn speaks_of(name: &str, words: &[&str]) -> bool {
    parts(name).any(|part| {
        let one = part.strip_suffix('s').unwrap_or(&part);
        words.iter().any(|word| *word == part || *word == one)
    })
}

/// The names of all metrics of an expression.
pub(crate) fn metrics(expr: &Expr) -> Vec<&str> {
    selectors(expr).into_iter().filter_map(|selector| selector.name.as_deref()).collect()
}

/// A number as people write it.
pub(crate) fn shown(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
