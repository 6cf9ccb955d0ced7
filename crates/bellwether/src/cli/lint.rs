//! Flags of `lint`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of `lint`.
#[derive(Args, Debug)]
pub struct Lint {
    /// Files and folders: rules, objectives, alertmanager.yml, prometheus.yml, templates, Markdown; read together
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: LintFormat,
    /// The least finding that makes it fail
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    pub fail_on: FailOn,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// For people
    #[default]
    Text,
    /// A list of {id, severity, file, line, column, message, help}
    Json,
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
