//! The tree a query is parsed into. Every node carries its place in the text, because the linter and the error
//! messages point at it.

use bellwether_model::{Matcher, Timestamp};

use crate::function::Function;
pub use crate::kind::Kind;
pub use crate::operator::{AggregateOp, BinaryOp};
pub use crate::span::Span;
pub use crate::syntax_duration::{DurationExpr, DurationKind, QueryTimes};

/// An expression with its place in the text.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// Levels of the tree below and including this node; bounded by the parser, so that recursion over it is safe.
    height: u32,
}

/// The kinds of expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A number; durations such as `5m` are numbers of seconds.
    Number {
        /// Its value.
        value: f64,
        /// Whether it was written as a duration.
        is_duration: bool,
    },
    /// A text in quotes.
    Text(String),
    /// `name{label="value"} offset 5m @ 0`
    Selector(Box<VectorSelector>),
    /// `selector[5m]`
    Range(Box<RangeSelector>),
    /// `expression[1h:1m]`
    Subquery(Box<Subquery>),
    /// `(expression)`
    Paren(Box<Expr>),
    /// `-expression` or `+expression`
    Unary {
        /// Whether it is a minus.
        is_negative: bool,
        /// What the sign stands before.
        operand: Box<Expr>,
    },
    /// `left op right`
    Binary(Box<Binary>),
    /// `sum by (label) (expression)`
    Aggregate(Box<Aggregation>),
    /// `function(arguments)`
    Call(Call),
}

impl Expr {
    /// A node over its children.
    pub(crate) fn new(kind: ExprKind, span: Span) -> Self {
        let mut below = 0;
        kind.for_each_child(|child| below = below.max(child.height));
        Self { kind, span, height: below + 1 }
    }

    /// Levels of the tree below and including this node.
    pub(crate) fn height(&self) -> u32 {
        self.height
    }

    /// Whether it stands for something that could not be read, as nothing does that could: no duration is no number.
    pub(crate) fn is_stand_in(&self) -> bool {
        match &self.kind {
            ExprKind::Number { value, is_duration } => *is_duration && value.is_nan(),
            ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => inner.is_stand_in(),
            ExprKind::Binary(binary) => binary.left.is_stand_in() || binary.right.is_stand_in(),
            ExprKind::Text(_)
            | ExprKind::Selector(_)
            | ExprKind::Range(_)
            | ExprKind::Subquery(_)
            | ExprKind::Aggregate(_)
            | ExprKind::Call(_) => false,
        }
    }

    /// What it evaluates to.
    pub fn result(&self) -> Kind {
        match &self.kind {
            ExprKind::Number { .. } => Kind::Scalar,
            ExprKind::Text(_) => Kind::Text,
            ExprKind::Selector(_) | ExprKind::Aggregate(_) => Kind::Vector,
            ExprKind::Range(_) | ExprKind::Subquery(_) => Kind::Range,
            ExprKind::Paren(inner) | ExprKind::Unary { operand: inner, .. } => inner.result(),
            ExprKind::Binary(binary) => match (binary.left.result(), binary.right.result()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
            ExprKind::Call(call) => call.function.spec().returns,
        }
    }

    /// Calls `visit` with each direct child, in the order of the text.
    pub fn for_each_child<'a>(&'a self, visit: impl FnMut(&'a Expr)) {
        self.kind.for_each_child(visit);
    }

    /// Calls `visit` with this node and everything below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        self.for_each_child(|child| child.walk(visit));
    }

    /// The expression without parentheses around it.
    pub fn unwrapped(&self) -> &Self {
        let mut inner = self;
        while let ExprKind::Paren(next) = &inner.kind {
            inner = next;
        }
        inner
    }
}

impl ExprKind {
    fn for_each_child<'a>(&'a self, mut visit: impl FnMut(&'a Expr)) {
        match self {
            Self::Number { .. } | Self::Text(_) | Self::Selector(_) | Self::Range(_) => {}
            Self::Subquery(subquery) => visit(&subquery.inner),
            Self::Paren(inner) | Self::Unary { operand: inner, .. } => visit(inner),
            Self::Binary(binary) => {
                visit(&binary.left);
                visit(&binary.right);
            }
            Self::Aggregate(aggregation) => {
                aggregation.parameter.iter().for_each(&mut visit);
                visit(&aggregation.inner);
            }
            Self::Call(call) => call.arguments.iter().for_each(visit),
        }
    }
}

/// All selectors of an expression, those under a range included, in the order of the text.
pub fn selectors(expr: &Expr) -> Vec<&VectorSelector> {
    let mut found = Vec::new();
    expr.walk(&mut |node| match &node.kind {
        ExprKind::Selector(selector) => found.push(&**selector),
        ExprKind::Range(range) => found.push(&range.selector),
        ExprKind::Number { .. }
        | ExprKind::Text(_)
        | ExprKind::Subquery(_)
        | ExprKind::Paren(_)
        | ExprKind::Unary { .. }
        | ExprKind::Binary(_)
        | ExprKind::Aggregate(_)
        | ExprKind::Call(_) => {}
    });
    found
}

/// Which series, and when.
#[derive(Clone, Debug)]
pub struct VectorSelector {
    /// The metric's name where one is stated by equality; `matchers` holds it too.
    pub name: Option<String>,
    /// Whether the name is written before the braces; it is the first of `matchers` then.
    pub is_name_bare: bool,
    /// All conditions, the one on the name included.
    pub matchers: Vec<Matcher>,
    /// Where each of `matchers` is written.
    pub matcher_spans: Vec<Span>,
    /// How it is moved in time.
    pub shift: Shift,
    /// How values at the edges are found.
    pub edges: Edges,
    /// Where it stands, modifiers included.
    pub span: Span,
}

/// How values at the edges of a range (or the one moment of an instant selector) are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edges {
    /// Samples as they lie.
    #[default]
    Plain,
    /// `anchored`: the last sample before the range counts as lying on its edge.
    Anchored,
    /// `smoothed`: values at the edges are interpolated between neighbours.
    Smoothed,
}

/// `offset` and `@`.
#[derive(Clone, Debug, Default)]
pub struct Shift {
    /// How far back to look.
    pub offset: Option<DurationExpr>,
    /// The one moment to look at.
    pub at: Option<At>,
}

/// What stands after `@`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// A moment.
    Time(Timestamp),
    /// `start()`: the first step of the query.
    Start,
    /// `end()`: the last step of the query.
    End,
}

/// `selector[range]`
#[derive(Clone, Debug)]
pub struct RangeSelector {
    /// Which series.
    pub selector: VectorSelector,
    /// How much of them.
    pub range: DurationExpr,
}

/// `expression[range:step]`
#[derive(Clone, Debug)]
pub struct Subquery {
    /// What is evaluated at every step.
    pub inner: Box<Expr>,
    /// Over which range.
    pub range: DurationExpr,
    /// How far apart; the default interval when absent.
    pub step: Option<DurationExpr>,
    /// How it is moved in time.
    pub shift: Shift,
}

/// `left op right`
#[derive(Clone, Debug)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// Left operand.
    pub left: Expr,
    /// Right operand.
    pub right: Expr,
    /// `bool`: a comparison gives 0 or 1 instead of filtering.
    pub is_bool: bool,
    /// How the series of two vectors find each other.
    pub matching: Matching,
}

/// How the series of two vectors find each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matching {
    /// `on` or `ignoring` with their labels; all labels when absent.
    pub labels: Option<MatchLabels>,
    /// Whether one side may have several partners.
    pub group: Option<MatchGroup>,
    /// `fill_left`: the value of a left partner that is missing.
    pub fill_left: Option<f64>,
    /// `fill_right`: the value of a right partner that is missing.
    pub fill_right: Option<f64>,
}

/// `on (labels)` or `ignoring (labels)`
#[derive(Clone, Debug, PartialEq)]
pub struct MatchLabels {
    /// Whether it is `on`.
    pub is_on: bool,
    /// The labels.
    pub names: Vec<String>,
}

/// `group_left (labels)` or `group_right (labels)`
#[derive(Clone, Debug, PartialEq)]
pub struct MatchGroup {
    /// Whether the left side is the one with several series.
    pub is_left: bool,
    /// Labels taken over from the other side.
    pub include: Vec<String>,
}

/// `sum by (labels) (parameter, expression)`
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// What is calculated per group.
    pub op: AggregateOp,
    /// Where the operator's name stands.
    pub op_span: Span,
    /// The parameter of `topk`, `quantile` and their like.
    pub parameter: Option<Expr>,
    /// What is grouped.
    pub inner: Expr,
    /// By which labels; one group when absent.
    pub grouping: Option<Grouping>,
}

/// `by (labels)` or `without (labels)`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// Whether it is `without`.
    pub is_without: bool,
    /// The labels.
    pub names: Vec<String>,
}

/// `function(arguments)`
#[derive(Clone, Debug)]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// Where its name stands.
    pub name_span: Span,
    /// Its arguments.
    pub arguments: Vec<Expr>,
}
