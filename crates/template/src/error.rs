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
    /// The template that is called and nowhere defined, where that is the problem: another file may define it.
    pub undefined_template: Option<String>,
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

/// A problem whose position is not yet counted in lines: what the lexer, parser and evaluator hand around.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) span: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) undefined_template: Option<String>,
}

impl Problem {
    pub(crate) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None, undefined_template: None }
    }

    /// A call of a template that is not among the known ones.
    pub(crate) fn undefined_template<'a>(
        span: Range<usize>,
        name: &str,
        known: impl Iterator<Item = &'a str>,
    ) -> Self {
        let mut problem = Self::new(span, format!("template {name:?} is not defined"));
        problem.help = suggest(name, known).map(|near| format!("did you mean {near:?}?"));
        problem.undefined_template = Some(name.to_owned());
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
            undefined_template: self.undefined_template,
        }
    }
}
