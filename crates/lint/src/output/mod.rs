//! Findings as text: for people, for programs, for the annotations of a code host, and as SARIF.
//!
//! All are functions of the setup and its findings; whoever calls prints.

mod diff;
mod github;
mod json;
mod sarif;
mod text;

pub use diff::unified;
pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use text::{summary, text};

use bellwether_diag::{Position, Sources, Span};

/// Where something stands, as people count: in a file they know, from one character up to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file's name as it was given.
    pub file: &'a str,
    /// The first character.
    pub start: Position,
    /// The character after the last.
    pub end: Position,
}

impl<'a> Place<'a> {
    /// The place of a span, in the whole file if it is one of a part.
    pub fn of(sources: &'a Sources, span: Span) -> Self {
        let span = sources.whole(span);
        let end = Span { start: span.end.max(span.start), ..span };
        Self { file: sources.name(span.file), start: sources.position(span), end: sources.position(end) }
    }
}
