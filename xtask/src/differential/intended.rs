//! The differences from Prometheus 3.5 that are meant, each with its reason. The list is short on purpose;
//! `docs/promql.md` explains each entry to those who write queries.

use super::answer::Answer;
use super::ask::Ask;
use super::compare::Difference;

/// A difference that is meant.
pub struct Intended {
    pub name: &'static str,
    pub reason: &'static str,
    applies: fn(&Case<'_>) -> bool,
}

/// A disagreement with both answers.
pub struct Case<'a> {
    pub ask: &'a Ask,
    pub difference: &'a Difference,
    pub ours: &'a Answer,
    pub theirs: &'a Answer,
}

const INTENDED: [Intended; 0] = [];

/// The entry that explains a difference.
pub fn explanation(case: &Case<'_>) -> Option<&'static Intended> {
    INTENDED.iter().find(|intended| (intended.applies)(case))
}
