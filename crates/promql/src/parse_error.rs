//! What is wrong with a query: where, what, and what to write instead. Lexer, parser and type checker report it.

use crate::lex::{LexError, Span};

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
}

impl ParseError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<LexError> for ParseError {
    fn from(error: LexError) -> Self {
        Self { span: error.span, message: error.message, help: error.help }
    }
}
