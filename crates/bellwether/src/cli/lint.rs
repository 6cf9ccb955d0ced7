//! Flags of `lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of `lint`.
#[derive(Args, Debug)]
pub struct Lint {
    /// Files and folders: rules, objectives, alertmanager.yml, prometheus.yml, templates, Markdown; read together
    #[arg(required_unless_present_any = ["explain", "list"], value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A server with Prometheus' API to ask which metrics and series there are, such as http://localhost:9090
    #[arg(long, value_name = "URL", conflicts_with_all = ["explain", "list"])]
    pub online: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: LintFormat,
    /// The least finding that makes it fail
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub fail_on: FailOn,
    /// Write what can be mended into the files
    #[arg(long)]
    pub fix: bool,
    /// With --fix: print what would be written, as a diff, and write nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
    /// Print what burn-rate alerts mean, and no findings: when each fires, what of the budget is spent by then
    #[arg(long, conflicts_with_all = ["fix", "explain", "list"])]
    pub meanings: bool,
    /// Print what an id means, with examples
    #[arg(long, value_name = "ID", conflicts_with_all = ["paths", "list"])]
    pub explain: Option<String>,
    /// Print all ids
    #[arg(long, conflicts_with = "paths")]
    pub list: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    #[default]
    Text,
    /// A list of {id, severity, file, line, column, message, help}
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
}

/// The least severity that counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors
    #[default]
    Error,
    /// Errors and warnings
    Warning,
    /// Anything
    Note,
}
