//! Whether two expressions mean the same although they are written differently: places, parentheses, the order of
//! conditions and of labels do not count, and numbers may differ by the noise of writing them in decimals.
//!
//! Generated rules are compared with this; commuting operands or other algebra is not tried.

use crate::syntax::{
    Aggregation, Binary, DurationExpr, Expr, ExprKind, Grouping, MatchGroup, MatchLabels, QueryTimes, Shift,
    VectorSelector,
};

/// Relative difference of numbers that counts as none.
const NUMBER_TOLERANCE: f64 = 1e-9;

impl Expr {
    /// Whether both mean the same.
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let pairs =
            |a: &[Self], b: &[Self]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_equivalent(b));
        match (&self.unwrapped().kind, &other.unwrapped().kind) {
            (ExprKind::Number { value: a, .. }, ExprKind::Number { value: b, .. }) => is_same_number(*a, *b),
            (ExprKind::Text(a), ExprKind::Text(b)) => a == b,
            (ExprKind::Selector(a), ExprKind::Selector(b)) => selectors_are(a, b),
            (ExprKind::Range(a), ExprKind::Range(b)) => {
                selectors_are(&a.selector, &b.selector) && durations_are(&a.range, &b.range)
            }
            (ExprKind::Subquery(a), ExprKind::Subquery(b)) => {
                a.inner.is_equivalent(&b.inner)
                    && durations_are(&a.range, &b.range)
                    && both(a.step.as_ref(), b.step.as_ref(), durations_are)
                    && shifts_are(&a.shift, &b.shift)
            }
            (
                ExprKind::Unary { is_negative: a_negative, operand: a },
                ExprKind::Unary { is_negative: b_negative, operand: b },
            ) => a_negative == b_negative && a.is_equivalent(b),
            (ExprKind::Binary(a), ExprKind::Binary(b)) => operators_are(a, b),
            (ExprKind::Aggregate(a), ExprKind::Aggregate(b)) => {
                a.op == b.op
                    && both(a.parameter.as_ref(), b.parameter.as_ref(), Self::is_equivalent)
                    && both(stated_grouping(a), stated_grouping(b), groupings_are)
                    && a.inner.is_equivalent(&b.inner)
            }
            (ExprKind::Call(a), ExprKind::Call(b)) => {
                a.function == b.function && pairs(&a.arguments, &b.arguments)
            }
            _ => false,
        }
    }
}

fn both<T>(a: Option<&T>, b: Option<&T>, are: impl Fn(&T, &T) -> bool) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => are(a, b),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn is_same_number(a: f64, b: f64) -> bool {
    let is_close = (a - b).abs() <= NUMBER_TOLERANCE * a.abs().max(b.abs());
    a == b || is_close || (a.is_nan() && b.is_nan())
}

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut items: Vec<_> = items.iter().collect();
    items.sort();
    items
}

fn selectors_are(a: &VectorSelector, b: &VectorSelector) -> bool {
    sorted(&a.matchers) == sorted(&b.matchers) && a.edges == b.edges && shifts_are(&a.shift, &b.shift)
}

fn shifts_are(a: &Shift, b: &Shift) -> bool {
    a.at == b.at && both(a.offset.as_ref(), b.offset.as_ref(), durations_are)
}

fn durations_are(a: &DurationExpr, b: &DurationExpr) -> bool {
    match (a.constant(), b.constant()) {
        (Some(a), Some(b)) => a == b,
        (None, None) => {
            // Of lengths that depend on the query only the form can be compared.
            let times = QueryTimes::default();
            a.to_string() == b.to_string() && is_same_number(a.seconds(times), b.seconds(times))
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn operators_are(a: &Binary, b: &Binary) -> bool {
    let labels =
        |a: &MatchLabels, b: &MatchLabels| a.is_on == b.is_on && sorted(&a.names) == sorted(&b.names);
    let group =
        |a: &MatchGroup, b: &MatchGroup| a.is_left == b.is_left && sorted(&a.include) == sorted(&b.include);
    let fill = |a: &f64, b: &f64| is_same_number(*a, *b);
    a.op == b.op
        && a.is_bool == b.is_bool
        && both(stated_labels(a), stated_labels(b), labels)
        && both(a.matching.group.as_ref(), b.matching.group.as_ref(), group)
        && both(a.matching.fill_left.as_ref(), b.matching.fill_left.as_ref(), fill)
        && both(a.matching.fill_right.as_ref(), b.matching.fill_right.as_ref(), fill)
        && a.left.is_equivalent(&b.left)
        && a.right.is_equivalent(&b.right)
}

/// `by ()` is what an aggregation does anyway.
fn stated_grouping(aggregation: &Aggregation) -> Option<&Grouping> {
    aggregation.grouping.as_ref().filter(|g| g.is_without || !g.names.is_empty())
}

/// `ignoring ()` is what an operator does anyway.
fn stated_labels(binary: &Binary) -> Option<&MatchLabels> {
    binary.matching.labels.as_ref().filter(|l| l.is_on || !l.names.is_empty())
}

fn groupings_are(a: &Grouping, b: &Grouping) -> bool {
    a.is_without == b.is_without && sorted(&a.names) == sorted(&b.names)
}
