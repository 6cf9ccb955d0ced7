//! What a check is: its name, why it exists, an example of either side, and the function that looks.

use bellwether_diag::{Diagnostic, Severity, Span};

use crate::{Finding, Setup};

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Objectives, budgets and burn rates.
    Slo,
    /// Queries.
    Promql,
    /// What a number is, and what a text says it is.
    Unit,
    /// When an alert fires and what it is for.
    Alert,
    /// Templates.
    Template,
    /// Routes, receivers and inhibition.
    Alertmanager,
    /// How a file is written.
    Yaml,
    /// What documents tell people to do.
    Doc,
}

impl Area {
    /// All, in the order of the catalogue.
    pub const ALL: [Self; 8] = [
        Self::Slo,
        Self::Promql,
        Self::Unit,
        Self::Alert,
        Self::Template,
        Self::Alertmanager,
        Self::Yaml,
        Self::Doc,
    ];

    /// A short name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slo => "slo",
            Self::Promql => "promql",
            Self::Unit => "unit",
            Self::Alert => "alert",
            Self::Template => "template",
            Self::Alertmanager => "am",
            Self::Yaml => "yaml",
            Self::Doc => "doc",
        }
    }

    /// What it is about, as a heading.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Slo => "Objectives, budgets and burn rates",
            Self::Promql => "Queries",
            Self::Unit => "Units",
            Self::Alert => "Alerts",
            Self::Template => "Templates",
            Self::Alertmanager => "Routes, receivers and inhibition",
            Self::Yaml => "Files",
            Self::Doc => "Documents",
        }
    }
}

/// Files with their names; the ends of the names tell what they are.
pub type Example = &'static [(&'static str, &'static str)];

/// One thing that can be wrong.
#[derive(Debug)]
pub struct Check {
    /// A short stable name, such as `missing-by-le`.
    pub id: &'static str,
    /// What it is about.
    pub area: Area,
    /// How bad it usually is.
    pub severity: Severity,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Why that matters, and what to do; Markdown.
    pub why: &'static str,
    /// Something it finds. Held against the check by a test, and shown on its page.
    pub wrong: Example,
    /// The same, mended: nothing at all is found in it, unless by other checks it is silent about.
    pub right: Example,
    /// Looks; [`found_by_the_reader`] for what is found before any check.
    pub run: fn(&Setup, &mut Report),
}

/// Does nothing: what it stands for is reported while the files are read, or by the linter itself.
pub(crate) fn found_by_the_reader(_: &Setup, _: &mut Report) {}

/// What one check reports.
#[derive(Debug)]
pub struct Report {
    id: &'static str,
    severity: Severity,
    findings: Vec<Finding>,
}

impl Report {
    pub(crate) fn of(check: &Check) -> Self {
        Self { id: check.id, severity: check.severity, findings: Vec::new() }
    }

    /// Reports something; what to write instead is added to what this returns.
    pub fn find(&mut self, span: Span, message: impl Into<String>) -> &mut Finding {
        let mut problem = Diagnostic::note(self.id, span, message);
        problem.severity = self.severity;
        let index = self.findings.len();
        self.findings.push(problem.into());
        &mut self.findings[index]
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}
