//! Goals wherever they are stated: in objectives of the dialects we read, in fields of an author's own, in prose.

use bellwether_diag::Span;
use bellwether_model::TimeDelta;

use super::SectionId;

/// Where a goal is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoalSource {
    /// In an objective we can read.
    Objective,
    /// In fields of the author's own.
    Described,
    /// In a sentence of a document.
    Prose,
}

/// A stated goal.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// The objective's name, as far as it has one.
    pub name: Option<String>,
    /// The share that must be good, 0 to 1.
    pub share: f64,
    /// Over how long.
    pub window: Option<TimeDelta>,
    /// Where the share stands.
    pub span: Span,
    /// Where it is stated.
    pub source: GoalSource,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}
