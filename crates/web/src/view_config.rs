//! What the page of the configuration shows: which files are in force, and what the linter says of them.

use bellwether_model::Timestamp;
use serde::{Deserialize, Serialize};

/// The configuration in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigView {
    /// What the configuration is called.
    pub name: String,
    /// When it was read.
    pub loaded_at: Timestamp,
    /// Whether the last attempt to read it worked.
    pub is_current: bool,
    /// The files it consists of, in the order they were read.
    pub files: Vec<ConfigFileView>,
    /// The configuration as YAML; whatever is secret is replaced.
    pub yaml: String,
}

/// A file of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigFileView {
    /// Its name.
    pub name: String,
    /// What the linter says of it, from the first line on.
    pub findings: Vec<FindingView>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// The id of the check.
    pub id: String,
    /// How bad it is.
    pub severity: FindingSeverity,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingSeverity {
    /// It does not work.
    Error,
    /// It probably does something else than was meant.
    Warning,
    /// Worth knowing.
    Note,
}
