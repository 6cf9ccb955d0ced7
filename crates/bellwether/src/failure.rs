//! How a command ends when it does not succeed: one sentence for the terminal, and an exit code a script can use.

use std::fmt;
use std::process::ExitCode;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// What was given is wrong; exit code 2.
    Wrong(String),
    /// It could not be done; exit code 1.
    Failed(String),
    /// Every problem has been printed already; exit code 2.
    Reported,
    /// Nothing is wrong, but there are warnings, which were said to be fatal; exit code 3, as promtool's.
    Lint,
    /// It was done, and what was hoped for is not so; everything has been printed already; exit code 1.
    Unmet,
}

impl Failure {
    /// What was given is wrong.
    pub fn wrong(sentence: impl Into<String>) -> Self {
        Self::Wrong(sentence.into())
    }

    /// It could not be done.
    pub fn failed(sentence: impl Into<String>) -> Self {
        Self::Failed(sentence.into())
    }

    /// The exit code, as the help pages document it.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Failed(_) | Self::Unmet => ExitCode::from(1),
            Self::Wrong(_) | Self::Reported => ExitCode::from(2),
            Self::Lint => ExitCode::from(3),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wrong(sentence) | Self::Failed(sentence) => f.write_str(sentence),
            Self::Reported | Self::Unmet | Self::Lint => Ok(()),
        }
    }
}
