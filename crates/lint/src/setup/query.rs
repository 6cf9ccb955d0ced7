//! A query wherever it stands: in a YAML scalar, in a block of a document, in its line. Places in it are places in the
//! file.

use std::ops::Range;

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{FileId, Sources, Span};
use bellwether_promql::{Expr, ParseError};

use super::SectionId;

/// Where a query comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A rule's `expr`.
    Rule,
    /// A block of a document that holds queries, or a file of them.
    Block,
    /// Code in a line of a document.
    Inline,
    /// A panel of a dashboard.
    Dashboard,
}

/// A query.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its text.
    pub text: String,
    /// What it means; `None` if it cannot be read.
    pub parsed: Option<Expr>,
    /// Why not.
    pub errors: Vec<ParseError>,
    /// Where it comes from.
    pub origin: Origin,
    /// The name it is given: `burn_rate = ...` in documents.
    pub name: Option<String>,
    /// The comment above it in a block, which often says what it is meant to be.
    pub comment: Option<String>,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
    place: Place,
}

/// Where a text stands.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// In a YAML scalar, with its quotes and breaks.
    Scalar(Node),
    /// In a file as it is.
    Text { file: FileId, start: usize },
}

impl Place {
    /// Where a part of the text stands in the file.
    pub(crate) fn span(&self, sources: &Sources, part: Range<usize>) -> Span {
        match self {
            Self::Scalar(node) => yaml::span_within(sources, node, part),
            Self::Text { file, start } => Span::new(*file, start + part.start..start + part.end),
        }
    }
}

impl Query {
    /// A rule's, which may have been read already.
    pub(crate) fn in_rule(node: &Node, section: Option<SectionId>, known: Option<Expr>) -> Option<Self> {
        let (text, place) = (node.as_text()?.to_owned(), Place::Scalar(node.clone()));
        let read = known.map_or_else(|| bellwether_promql::parse(&text), Ok);
        Some(Self::of(text, read, place, Origin::Rule, section))
    }

    /// A piece of a file.
    pub(crate) fn in_text(
        text: &str,
        file: FileId,
        start: usize,
        origin: Origin,
        section: Option<SectionId>,
    ) -> Self {
        Self::new(text.to_owned(), Place::Text { file, start }, origin, section)
    }

    fn new(text: String, place: Place, origin: Origin, section: Option<SectionId>) -> Self {
        let read = bellwether_promql::parse(&text);
        Self::of(text, read, place, origin, section)
    }

    fn of(
        text: String,
        read: Result<Expr, Vec<ParseError>>,
        place: Place,
        origin: Origin,
        section: Option<SectionId>,
    ) -> Self {
        let (parsed, errors) = match read {
            Ok(parsed) => (Some(parsed), Vec::new()),
            Err(errors) => (None, errors),
        };
        Self { text, parsed, errors, origin, name: None, comment: None, section, place }
    }

    /// Where a part of it stands in the file.
    pub fn span(&self, sources: &Sources, part: Range<usize>) -> Span {
        self.place.span(sources, part)
    }

    /// Where a part of it stands that may begin with blanks.
    pub fn span_of(&self, sources: &Sources, expr: &Expr) -> Span {
        self.span(sources, expr.span.clone())
    }

    /// Where it stands as a whole.
    pub fn whole(&self, sources: &Sources) -> Span {
        let begins = self.text.len() - self.text.trim_start().len();
        self.span(sources, begins..begins + self.text.trim().len())
    }
}
