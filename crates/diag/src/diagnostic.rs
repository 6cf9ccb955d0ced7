//! A problem in an input: what is wrong, where, and what to write instead.
//!
//! Errors are part of the product: every problem of an input is collected and shown, never only the first.

use std::fmt;

use crate::{Sources, Span, Style, render};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The input cannot be used.
    Error,
    /// It can be used, but probably means something else than was intended.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// As it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A second place that explains a problem, such as where a name was used first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A short stable name of the kind of problem, such as `unknown-field`.
    pub id: &'static str,
    /// What is wrong, in lower case, without a full stop.
    pub message: String,
    /// Where; `None` when it is about a whole run.
    pub span: Option<Span>,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that explain it.
    pub related: Vec<Related>,
}

impl Diagnostic {
    fn new(severity: Severity, id: &'static str, span: impl Into<Option<Span>>, message: String) -> Self {
        Self { severity, id, message, span: span.into(), help: None, related: Vec::new() }
    }

    /// An error.
    pub fn error(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, id, span, message.into())
    }

    /// A warning.
    pub fn warning(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, id, span, message.into())
    }

    /// A note.
    pub fn note(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, id, span, message.into())
    }

    /// The same with a remedy.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with another place that explains it.
    pub fn with_related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push(Related { span, message: message.into() });
        self
    }

    /// What is wrong and what to write, in one sentence.
    pub fn sentence(&self) -> String {
        match &self.help {
            Some(help) => format!("{}; {help}", self.message),
            None => self.message.clone(),
        }
    }

    /// As text with its id: `file:line:column: error[id]: message`, the source line underlined, the remedy below it.
    pub fn render_named(&self, sources: &Sources, style: Style) -> String {
        render::render_named(self, sources, style)
    }
}

/// How many problems are printed at once; nobody reads more, and one line of a file can hold a million.
pub const RENDERED_MAX: usize = 1000;

/// Problems as they are found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether at least one is an error.
    pub fn has_errors(&self) -> bool {
        self.error_count() > 0
    }

    /// How many are errors.
    pub fn error_count(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// All, by file and position; those without a place come last. Equal places keep the order they were found in.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.list.iter().collect();
        sorted.sort_by_key(|diagnostic| {
            let place = diagnostic.span.map(|span| (span.file, span.start));
            (place.is_none(), place)
        });
        sorted.into_iter()
    }

    /// All as text: one line each, then the source line with the place underlined. Of more than
    /// [`RENDERED_MAX`] the rest is only counted.
    pub fn render(&self, sources: &Sources, style: Style) -> String {
        let shown = self.iter().take(RENDERED_MAX);
        let mut text: String = shown.map(|diagnostic| render::render(diagnostic, sources, style)).collect();
        if let Some(rest) = self.list.len().checked_sub(RENDERED_MAX).filter(|rest| *rest > 0) {
            text.push_str(&format!("and {rest} more problems\n"));
        }
        text
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.list.extend(iter);
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self { list: iter.into_iter().collect() }
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    /// In the order they were found.
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}
