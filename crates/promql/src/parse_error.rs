//! What is wrong with a query: where, what, and what to write instead. Lexer, parser and type checker report it.

use bellwether_diag::{Diagnostic, Diagnostics, FileId, Position, Sources, Style};

use crate::span::Span;

/// Something wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// Where, in bytes.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that explain it, such as that of a bracket that was never closed.
    pub related: Vec<(Span, String)>,
}

impl ParseError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None, related: Vec::new() }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn with_related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push((span, message.into()));
        self
    }

    /// Line and column in the query, from 1; columns count characters.
    pub fn position(&self, query: &str) -> Position {
        let mut sources = Sources::new();
        let file = sources.add("query", query);
        sources.position(bellwether_diag::Span::new(file, self.span.clone()))
    }

    /// As one of the problems of a file: a query given by itself, or one that stands in a file as it is.
    pub fn diagnostic(&self, file: FileId) -> Diagnostic {
        let span = bellwether_diag::Span::new(file, self.span.clone());
        let mut diagnostic = Diagnostic::error("promql", span, self.message.clone());
        diagnostic.help = self.help.clone();
        for (place, message) in &self.related {
            diagnostic =
                diagnostic.with_related(bellwether_diag::Span::new(file, place.clone()), message.clone());
        }
        diagnostic
    }

    /// The message with its place, and below it the line of the query with that place underlined:
    ///
    /// ```
    /// let query = "sum(rate(up))";
    /// let errors = bellwether_promql::parse(query).unwrap_err();
    /// let lines = [
    ///     r#"query:1:10: error: expected type range vector in call to function "rate", got instant vector; write up[5m]"#,
    ///     "  1 | sum(rate(up))",
    ///     "    |          ^^",
    /// ];
    /// assert_eq!(errors[0].render(query).lines().collect::<Vec<_>>(), lines);
    /// ```
    pub fn render(&self, query: &str) -> String {
        render_errors(std::slice::from_ref(self), query, Style { color: false })
    }
}

/// All errors of a query, each with its line underlined.
pub fn render_errors(errors: &[ParseError], query: &str, style: Style) -> String {
    let mut sources = Sources::new();
    let file = sources.add("query", query);
    let mut diagnostics = Diagnostics::new();
    errors.iter().for_each(|error| diagnostics.push(error.diagnostic(file)));
    diagnostics.render(&sources, style)
}
