//! What is wrong with a template, and where: problems of reading it and problems of rendering it look the same.

use std::fmt;
use std::ops::Range;

use bellwether_diag::suggest;

/// A problem in a template's text or in rendering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// Name of the text the problem is in: a file, or what the caller called an inline text.
    pub name: String,
    /// Bytes of that text.
    pub span: Range<usize>,
    /// Line of the start, from 1.
    pub line: usize,
    /// Column of the start in characters, from 1.
    pub column: usize,
    /// What is wrong; lower case.
    pub message: String,
    /// What to write instead, where that is known.
    pub help: Option<String>,
    /// Whether the problem is a call of a template that is not defined: another file may define it.
    pub is_undefined_template: bool,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.name, self.line, self.column, self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for TemplateError {}

/// Problems that are collected of one text: each may take a search for the name that was meant, and nobody reads more.
pub(crate) const PROBLEMS_MAX: usize = 100;

/// A problem whose position is not yet counted in lines: what the lexer, parser and evaluator hand around.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) is_undefined_template: bool,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None, is_undefined_template: false }
    }

    /// A call of a template that is not among the known ones.
    pub(crate) fn undefined_template<'a>(
        span: Range<usize>,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut problem = Self::new(span, format!("template {name:?} is not defined"));
        // Names that begin with two underscores are for other templates, not for people's texts.
        let offered = known.filter(|known| name.starts_with("__") || !known.starts_with("__"));
        problem.help = suggest(name, offered).map(|near| format!("did you mean {near:?}?"));
        problem.is_undefined_template = true;
        problem
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Counts lines and columns in the text the problem is in.
    pub(crate) fn locate(self, name: &str, text: &str) -> TemplateError {
        let mut start = self.span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        TemplateError {
            name: name.to_owned(),
            span: self.span,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: self.message,
            help: self.help,
            is_undefined_template: self.is_undefined_template,
        }
    }
}
