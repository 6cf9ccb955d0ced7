//! Queries that are answered by another store, where the samples are.

use std::fmt::Debug;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::{Evaluated, Expr, RangeSpec};

use crate::box_future::BoxFuture;

/// A query that may be answered elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ElsewhereQuery<'a> {
    /// As it was written.
    pub text: &'a str,
    /// As it was read.
    pub expr: &'a Expr,
    /// When to evaluate it.
    pub when: ElsewhereWhen,
    /// How old a sample may be, if that was asked for.
    pub lookback: Option<TimeDelta>,
}

/// When to evaluate.
#[derive(Clone, Copy, Debug)]
pub enum ElsewhereWhen {
    /// At one moment.
    At(Timestamp),
    /// At each step of a range.
    Over(RangeSpec),
}

/// Why another store has not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ElsewhereError {
    /// It does not take the query.
    Refused(String),
    /// It is not there, or in trouble.
    Unavailable(String),
}

/// Answers queries where the samples are.
pub trait Elsewhere: Debug + Send + Sync {
    /// The answer; `None` when the query is to be evaluated here.
    fn answer<'a>(
        &'a self,
        query: ElsewhereQuery<'a>,
    ) -> Option<BoxFuture<'a, Result<Evaluated, ElsewhereError>>>;
}
