//! Which labels the results of a query can have: what an aggregation drops, nobody can group, route or write by.

use std::collections::BTreeSet;

use bellwether_promql::{AggregateOp, Aggregation, Binary, BinaryOp, Call, Expr, ExprKind, Function};

/// Labels of results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelsLeft {
    /// These at most.
    Only(BTreeSet<String>),
    /// Any but these.
    AllBut(BTreeSet<String>),
}

impl LabelsLeft {
    /// None at all.
    pub const fn none() -> Self {
        Self::Only(BTreeSet::new())
    }

    /// Any.
    pub const fn any() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// Whether results can have a label.
    pub fn may_have(&self, label: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(label),
            Self::AllBut(names) => !names.contains(label),
        }
    }

    /// Those of these names only.
    fn kept(self, names: BTreeSet<String>) -> Self {
        Self::Only(names.into_iter().filter(|name| self.may_have(name)).collect())
    }

    fn without(self, names: impl IntoIterator<Item = String>) -> Self {
        match self {
            Self::Only(mut left) => {
                for name in names {
                    left.remove(&name);
                }
                Self::Only(left)
            }
            Self::AllBut(mut gone) => {
                gone.extend(names);
                Self::AllBut(gone)
            }
        }
    }

    fn with(self, names: impl IntoIterator<Item = String>) -> Self {
        match self {
            Self::Only(mut left) => {
                left.extend(names);
                Self::Only(left)
            }
            Self::AllBut(mut gone) => {
                for name in names {
                    gone.remove(&name);
                }
                Self::AllBut(gone)
            }
        }
    }

    /// Those that either can have.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut a), Self::Only(b)) => {
                a.extend(b);
                Self::Only(a)
            }
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a.intersection(&b).cloned().collect()),
            (Self::AllBut(gone), Self::Only(left)) | (Self::Only(left), Self::AllBut(gone)) => {
                Self::AllBut(gone.into_iter().filter(|name| !left.contains(name)).collect())
            }
        }
    }
}

/// Labels that the results of a query can have.
pub fn labels_left(expr: &Expr) -> LabelsLeft {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Text(_) => LabelsLeft::none(),
        ExprKind::Selector(_) | ExprKind::Range(_) => LabelsLeft::any(),
        ExprKind::Subquery(subquery) => labels_left(&subquery.inner),
        ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => labels_left(inner),
        ExprKind::Binary(binary) => of_binary(binary),
        ExprKind::Aggregate(aggregation) => of_aggregation(aggregation),
        ExprKind::Call(call) => of_call(call),
    }
}

fn of_aggregation(aggregation: &Aggregation) -> LabelsLeft {
    let inner = labels_left(&aggregation.inner);
    let picks = matches!(
        aggregation.op,
        AggregateOp::Topk | AggregateOp::Bottomk | AggregateOp::Limitk | AggregateOp::LimitRatio
    );
    let left = match &aggregation.grouping {
        _ if picks => inner,
        Some(grouping) if grouping.is_without => inner.without(grouping.names.iter().cloned()),
        Some(grouping) => inner.kept(grouping.names.iter().cloned().collect()),
        None => LabelsLeft::none(),
    };
    match (&aggregation.op, aggregation.parameter.as_ref().map(|parameter| &parameter.kind)) {
        (AggregateOp::CountValues, Some(ExprKind::Text(name))) => left.with([name.clone()]),
        _ => left,
    }
}

fn of_binary(binary: &Binary) -> LabelsLeft {
    let (left, right) = (labels_left(&binary.left), labels_left(&binary.right));
    match binary.op {
        BinaryOp::Or => return left.or(right),
        BinaryOp::And | BinaryOp::Unless => return left,
        _ => {}
    }
    let is_scalar = |expr: &Expr| expr.result() == bellwether_promql::Kind::Scalar;
    match (is_scalar(&binary.left), is_scalar(&binary.right)) {
        (true, _) => return right,
        (false, true) => return left,
        (false, false) => {}
    }
    match (&binary.matching.group, &binary.matching.labels) {
        (Some(group), _) => {
            let many = if group.is_left { left } else { right };
            many.with(group.include.iter().cloned())
        }
        (None, Some(labels)) if labels.is_on => left.kept(labels.names.iter().cloned().collect()),
        (None, Some(labels)) => left.without(labels.names.iter().cloned()),
        (None, None) => left,
    }
}

fn of_call(call: &Call) -> LabelsLeft {
    let text = |index: usize| match call.arguments.get(index).map(|argument| &argument.kind) {
        Some(ExprKind::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let of = |index: usize| call.arguments.get(index).map_or_else(LabelsLeft::none, labels_left);
    match call.function {
        Function::Vector | Function::Time | Function::Scalar | Function::Pi => LabelsLeft::none(),
        // An absent series has the labels its selector asks for by equality.
        Function::Absent | Function::AbsentOverTime => LabelsLeft::any(),
        Function::HistogramQuantile => of(1).without(["le".to_owned()]),
        Function::LabelReplace | Function::LabelJoin => of(0).with(text(1)),
        _ => call
            .arguments
            .iter()
            .find(|it| it.result() != bellwether_promql::Kind::Scalar)
            .map_or_else(LabelsLeft::none, labels_left),
    }
}
