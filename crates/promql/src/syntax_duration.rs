//! Durations as part of the tree: literals, and what is calculated from the query's own step and range.

use bellwether_model::TimeDelta;

use crate::operator::BinaryOp;
use crate::span::Span;

/// A duration that may be calculated from the query's own step and range.
#[derive(Clone, Debug)]
pub struct DurationExpr {
    /// What it is.
    pub kind: DurationKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of duration.
#[derive(Clone, Debug)]
pub enum DurationKind {
    /// `5m`
    Literal(TimeDelta),
    /// `300`: seconds.
    Seconds(f64),
    /// `step()`: the query's step.
    Step,
    /// `range()`: from the query's first step to its last.
    Range,
    /// `min_of(a, b)`
    Min(Box<(DurationExpr, DurationExpr)>),
    /// `max_of(a, b)`
    Max(Box<(DurationExpr, DurationExpr)>),
    /// `-a`
    Negative(Box<DurationExpr>),
    /// `a op b` with an arithmetic operator.
    Binary(BinaryOp, Box<(DurationExpr, DurationExpr)>),
    /// `(a)`
    Paren(Box<DurationExpr>),
}

/// What the query's own step and range are, where durations ask for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct QueryTimes {
    /// Distance of two steps.
    pub step: TimeDelta,
    /// From the first step to the last.
    pub range: TimeDelta,
}

impl DurationExpr {
    /// The length in seconds.
    pub fn seconds(&self, times: QueryTimes) -> f64 {
        match &self.kind {
            DurationKind::Literal(delta) => delta.as_secs_f64(),
            DurationKind::Seconds(seconds) => *seconds,
            DurationKind::Step => times.step.as_secs_f64(),
            DurationKind::Range => times.range.as_secs_f64(),
            DurationKind::Min(pair) => pair.0.seconds(times).min(pair.1.seconds(times)),
            DurationKind::Max(pair) => pair.0.seconds(times).max(pair.1.seconds(times)),
            DurationKind::Negative(inner) => -inner.seconds(times),
            DurationKind::Paren(inner) => inner.seconds(times),
            DurationKind::Binary(op, pair) => op.of_numbers(pair.0.seconds(times), pair.1.seconds(times)),
        }
    }

    /// The length, unless it is not finite or longer than can be counted in milliseconds.
    pub fn delta(&self, times: QueryTimes) -> Option<TimeDelta> {
        let ms = self.seconds(times) * 1000.0;
        // As in Prometheus: 1.001 is a whole number of milliseconds, what was calculated is cut off.
        let ms = if self.is_written() { ms.round() } else { ms.trunc() };
        (ms.abs() < 9.0e15).then_some(TimeDelta(ms as i64))
    }

    /// Whether it stands there as it is, with nothing to calculate but its sign.
    fn is_written(&self) -> bool {
        match &self.kind {
            DurationKind::Literal(_) | DurationKind::Seconds(_) => true,
            DurationKind::Negative(inner) => inner.is_written(),
            DurationKind::Step
            | DurationKind::Range
            | DurationKind::Min(_)
            | DurationKind::Max(_)
            | DurationKind::Paren(_)
            | DurationKind::Binary(..) => false,
        }
    }

    /// The length when it does not depend on the query it stands in.
    pub fn constant(&self) -> Option<TimeDelta> {
        (!self.asks_for_query()).then(|| self.delta(QueryTimes::default())).flatten()
    }

    /// Where something is divided by a constant zero.
    pub(crate) fn division_by_zero(&self) -> Option<&Span> {
        match &self.kind {
            DurationKind::Literal(_)
            | DurationKind::Seconds(_)
            | DurationKind::Step
            | DurationKind::Range => None,
            DurationKind::Binary(BinaryOp::Divide | BinaryOp::Modulo, pair)
                if !pair.1.asks_for_query() && pair.1.seconds(QueryTimes::default()) == 0.0 =>
            {
                Some(&pair.1.span)
            }
            DurationKind::Min(pair) | DurationKind::Max(pair) | DurationKind::Binary(_, pair) => {
                pair.0.division_by_zero().or_else(|| pair.1.division_by_zero())
            }
            DurationKind::Negative(inner) | DurationKind::Paren(inner) => inner.division_by_zero(),
        }
    }

    fn asks_for_query(&self) -> bool {
        match &self.kind {
            DurationKind::Literal(_) | DurationKind::Seconds(_) => false,
            DurationKind::Step | DurationKind::Range => true,
            DurationKind::Min(pair) | DurationKind::Max(pair) | DurationKind::Binary(_, pair) => {
                pair.0.asks_for_query() || pair.1.asks_for_query()
            }
            DurationKind::Negative(inner) | DurationKind::Paren(inner) => inner.asks_for_query(),
        }
    }
}
