//! What a check has found: a diagnostic, and where it can be said, the change that mends it.

use bellwether_diag::{Diagnostic, Severity, Span};

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What, where, and what to write instead.
    pub problem: Diagnostic,
    /// The change that mends it.
    pub fix: Option<Fix>,
}

/// A change that keeps everything else as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, such as `write for: 5m`.
    pub title: String,
    /// Texts to put into places; they do not overlap.
    pub edits: Vec<Edit>,
}

/// Text instead of what stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The place; empty to insert.
    pub span: Span,
    /// The new text.
    pub text: String,
}

impl From<Diagnostic> for Finding {
    fn from(problem: Diagnostic) -> Self {
        Self { problem, fix: None }
    }
}

impl Finding {
    /// What to write instead.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.problem.help = Some(help.into());
        self
    }

    /// Another place that explains it.
    pub fn related(&mut self, span: Span, message: impl Into<String>) -> &mut Self {
        self.problem = self.problem.clone().with_related(span, message);
        self
    }

    /// Less or more severe than the check usually is.
    pub fn severity(&mut self, severity: Severity) -> &mut Self {
        self.problem.severity = severity;
        self
    }

    /// A change of one place that mends it.
    pub fn fix(&mut self, title: impl Into<String>, span: Span, text: impl Into<String>) -> &mut Self {
        self.fix = Some(Fix { title: title.into(), edits: vec![Edit { span, text: text.into() }] });
        self
    }
}
