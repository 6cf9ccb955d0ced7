//! What an expression is as a sum of counters: which counters, each with what factor, grouped by what.
//!
//! Only shapes that mean the same for every possible input are read; anything else is `None`. PromQL that merely looks
//! like a sum of counters (a range that is not the window, series matched one by one, an offset) is none.

use bellwether_model::{METRIC_NAME, MatchOp, TimeDelta};
use bellwether_promql::{
    AggregateOp, Aggregation, Binary, BinaryOp, DurationKind, Edges, Expr, ExprKind, Function, Matching,
    RangeSelector,
};

use crate::selector::Selector;

/// Counters of one expression that are looked at; more are never written by people.
const TERMS_MAX: usize = 64;

/// A number, a sum of counters, or a share of one sum in another.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// A number; as a vector it has no labels.
    Number { value: f64, is_vector: bool },
    /// Counters over the window.
    Sum(Sum),
    /// One sum divided by another.
    Share(Share),
}

/// A sum of counters, each over the window.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    /// Counters with their factors: no counter twice, no factor zero.
    pub(crate) terms: Vec<(Selector, f64)>,
    /// Whether per second or over the whole window; `None` for a sum of nothing.
    pub(crate) per: Option<Per>,
    /// The labels that remain, sorted.
    pub(crate) group_by: Vec<String>,
}

/// What a counter's growth is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Per {
    /// `rate`
    Second,
    /// `increase`
    Window,
}

/// One sum in another, and what stands for it where there is none.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub(crate) part: Sum,
    pub(crate) whole: Sum,
    pub(crate) fallback: Option<f64>,
}

impl Sum {
    fn scaled(mut self, factor: f64) -> Self {
        self.terms.iter_mut().for_each(|(_, own)| *own *= factor);
        self.terms.retain(|(_, own)| *own != 0.0);
        self
    }

    /// This and the other, the other times `factor`; `None` when they do not go together.
    pub(crate) fn plus(&self, other: &Self, factor: f64) -> Option<Self> {
        if self.group_by != other.group_by || !go_together(self.per, other.per) {
            return None;
        }
        let mut sum = Self { per: self.per.or(other.per), ..self.clone() };
        for (selector, own) in &other.terms {
            match sum.terms.iter_mut().find(|(known, _)| known == selector) {
                Some((_, known)) => *known += own * factor,
                None => sum.terms.push((selector.clone(), own * factor)),
            }
        }
        sum.terms.retain(|(_, own)| *own != 0.0);
        (sum.terms.len() <= TERMS_MAX).then_some(sum)
    }

    fn is_zero(&self) -> bool {
        self.terms.is_empty()
    }

    fn is_positive(&self) -> bool {
        self.terms.iter().all(|(_, factor)| *factor > 0.0)
    }
}

/// Rates go with rates.
pub(crate) fn go_together(a: Option<Per>, b: Option<Per>) -> bool {
    a.is_none() || b.is_none() || a == b
}

impl Form {
    fn is_zero(&self) -> bool {
        match self {
            Self::Number { value, .. } => *value == 0.0,
            Self::Sum(sum) => sum.is_zero(),
            Self::Share(_) => false,
        }
    }
}

/// Reads an expression whose window is `window`.
pub(crate) fn form(expr: &Expr, window: TimeDelta) -> Option<Form> {
    match &expr.kind {
        ExprKind::Paren(inner) => form(inner, window),
        ExprKind::Number { value, .. } => {
            value.is_finite().then_some(Form::Number { value: *value, is_vector: false })
        }
        ExprKind::Unary { is_negative, operand } => {
            times(form(operand, window)?, if *is_negative { -1.0 } else { 1.0 })
        }
        ExprKind::Aggregate(aggregation) => sum(aggregation, window).map(Form::Sum),
        ExprKind::Binary(binary) => operation(binary, window),
        ExprKind::Call(call) if call.function == Function::Vector => {
            match form(call.arguments.first()?, window)? {
                Form::Number { value, is_vector: false } => Some(Form::Number { value, is_vector: true }),
                Form::Number { .. } | Form::Sum(_) | Form::Share(_) => None,
            }
        }
        ExprKind::Call(_)
        | ExprKind::Text(_)
        | ExprKind::Selector(_)
        | ExprKind::Range(_)
        | ExprKind::Subquery(_) => None,
    }
}

fn sum(aggregation: &Aggregation, window: TimeDelta) -> Option<Sum> {
    if aggregation.op != AggregateOp::Sum || aggregation.parameter.is_some() {
        return None;
    }
    let mut group_by = match &aggregation.grouping {
        None => Vec::new(),
        Some(grouping) if grouping.is_without => return None,
        Some(grouping) => grouping.names.clone(),
    };
    group_by.sort();
    group_by.dedup();
    if let Some((selector, per)) = growth(&aggregation.inner, window) {
        return Some(Sum { terms: vec![(selector, 1.0)], per: Some(per), group_by });
    }
    match form(&aggregation.inner, window)? {
        // What has been summed up may be summed up further.
        Form::Sum(inner) if group_by.iter().all(|name| inner.group_by.contains(name)) => {
            Some(Sum { group_by, ..inner })
        }
        Form::Sum(_) | Form::Number { .. } | Form::Share(_) => None,
    }
}

/// `rate(counter[window])` or `increase(counter[window])`.
fn growth(expr: &Expr, window: TimeDelta) -> Option<(Selector, Per)> {
    let ExprKind::Call(call) = &expr.unwrapped().kind else { return None };
    let per = match call.function {
        Function::Rate => Per::Second,
        Function::Increase => Per::Window,
        _ => return None, // There are some eighty functions, and these two are what counters are read with.
    };
    let [argument] = &call.arguments[..] else { return None };
    let ExprKind::Range(range) = &argument.unwrapped().kind else { return None };
    Some((counter(range, window)?, per))
}

fn counter(range: &RangeSelector, window: TimeDelta) -> Option<Selector> {
    let DurationKind::Literal(length) = range.range.kind else { return None };
    let selector = &range.selector;
    let is_plain =
        selector.shift.offset.is_none() && selector.shift.at.is_none() && selector.edges == Edges::Plain;
    if length != window || !is_plain {
        return None;
    }
    let is_name = |name: &str, op: MatchOp| name == METRIC_NAME && op == MatchOp::Equal;
    let names = selector.matchers.iter().filter(|m| is_name(&m.name, m.op)).count();
    let mut matchers: Vec<_> =
        selector.matchers.iter().filter(|m| !is_name(&m.name, m.op)).cloned().collect();
    matchers.sort();
    matchers.dedup();
    (names <= 1).then(|| Selector { name: selector.name.clone(), matchers })
}

fn operation(binary: &Binary, window: TimeDelta) -> Option<Form> {
    let (left, right) = (form(&binary.left, window)?, form(&binary.right, window)?);
    if binary.is_bool || !keeps_groups(&binary.matching, &left, &right) {
        return None;
    }
    match binary.op {
        BinaryOp::Add => added(left, right, 1.0),
        BinaryOp::Subtract => added(left, right, -1.0),
        BinaryOp::Multiply => match (left, right) {
            (Form::Number { value, is_vector }, other) | (other, Form::Number { value, is_vector }) => {
                number_goes_with(is_vector, &other).then(|| times(other, value))?
            }
            (Form::Sum(_) | Form::Share(_), Form::Sum(_) | Form::Share(_)) => None,
        },
        BinaryOp::Divide => divided(left, right),
        BinaryOp::Or if right.is_zero() => Some(match left {
            Form::Share(share) => Form::Share(Share { fallback: Some(0.0), ..share }),
            Form::Number { .. } | Form::Sum(_) => left,
        }),
        BinaryOp::Or => match (left, right) {
            (Form::Share(share), Form::Number { value, .. }) => {
                Some(Form::Share(Share { fallback: Some(value), ..share }))
            }
            (Form::Number { .. } | Form::Sum(_), _) | (_, Form::Sum(_) | Form::Share(_)) => None,
        },
        // Where nothing happened there is nothing to count.
        BinaryOp::Greater | BinaryOp::NotEqual => match left {
            Form::Sum(sum) if sum.is_positive() && right.is_zero() => Some(Form::Sum(sum)),
            Form::Sum(_) | Form::Number { .. } | Form::Share(_) => None,
        },
        BinaryOp::Modulo
        | BinaryOp::Power
        | BinaryOp::Atan2
        | BinaryOp::Equal
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::GreaterOrEqual
        | BinaryOp::And
        | BinaryOp::Unless
        | BinaryOp::TrimUpper
        | BinaryOp::TrimLower => None,
    }
}

/// Whether every group finds its own partner, as it does without any `on` or `ignoring`.
fn keeps_groups(matching: &Matching, left: &Form, right: &Form) -> bool {
    if matching.fill_left.is_some() || matching.fill_right.is_some() {
        return false;
    }
    let groups = |form: &Form| match form {
        Form::Number { .. } => None,
        Form::Sum(sum) => Some(sum.group_by.clone()),
        Form::Share(share) => Some(share.whole.group_by.clone()),
    };
    let Some(names) = groups(left).or_else(|| groups(right)) else { return true };
    if matching.group.as_ref().is_some_and(|group| !names.is_empty() || !group.include.is_empty()) {
        return false;
    }
    match &matching.labels {
        None => true,
        Some(labels) if labels.is_on => names.is_empty() || names.iter().all(|n| labels.names.contains(n)),
        Some(labels) => names.iter().all(|name| !labels.names.contains(name)),
    }
}

/// A vector without labels finds no group.
fn number_goes_with(is_vector: bool, other: &Form) -> bool {
    match other {
        Form::Number { .. } => true,
        Form::Sum(sum) => !is_vector || sum.group_by.is_empty(),
        Form::Share(share) => !is_vector || share.whole.group_by.is_empty(),
    }
}

fn times(form: Form, factor: f64) -> Option<Form> {
    if !factor.is_finite() {
        return None;
    }
    match form {
        Form::Number { value, is_vector } => {
            let value = value * factor;
            value.is_finite().then_some(Form::Number { value, is_vector })
        }
        Form::Sum(sum) => Some(Form::Sum(sum.scaled(factor))),
        Form::Share(share) if share.fallback.is_none() => {
            Some(Form::Share(Share { part: share.part.scaled(factor), ..share }))
        }
        Form::Share(_) => None,
    }
}

fn added(left: Form, right: Form, factor: f64) -> Option<Form> {
    match (left, right) {
        (Form::Sum(left), Form::Sum(right)) => left.plus(&right, factor).map(Form::Sum),
        (Form::Number { value: a, is_vector }, Form::Number { value: b, is_vector: also_vector }) => {
            Some(Form::Number { value: a + b * factor, is_vector: is_vector || also_vector })
        }
        // One minus a share is the share of the others.
        (Form::Number { value: 1.0, is_vector }, Form::Share(share)) if factor < 0.0 => {
            let share = Form::Share(share);
            if !number_goes_with(is_vector, &share) {
                return None;
            }
            let Form::Share(share) = share else { return None };
            let part = share.whole.plus(&share.part, -1.0)?;
            Some(Form::Share(Share { part, fallback: share.fallback.map(|value| 1.0 - value), ..share }))
        }
        (Form::Sum(sum), zero) if zero.is_zero() => Some(Form::Sum(sum)),
        (Form::Number { .. } | Form::Sum(_) | Form::Share(_), _) => None,
    }
}

fn divided(left: Form, right: Form) -> Option<Form> {
    match (left, right) {
        (left, Form::Number { value, is_vector }) if number_goes_with(is_vector, &left) && value != 0.0 => {
            times(left, 1.0 / value)
        }
        (Form::Sum(part), Form::Sum(whole))
            if part.group_by == whole.group_by && go_together(part.per, whole.per) && !whole.is_zero() =>
        {
            Some(Form::Share(Share { part, whole, fallback: None }))
        }
        (Form::Number { .. } | Form::Sum(_) | Form::Share(_), _) => None,
    }
}
