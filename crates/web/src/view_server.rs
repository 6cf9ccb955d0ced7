//! What pages and the API show of the process itself: its settings, its state, and what its targets say of their metrics.

use std::collections::BTreeMap;

use bellwether_model::{Labels, Timestamp};
use serde::{Deserialize, Serialize};

/// The process and its settings, as `/api/v1/status/…` tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerView {
    /// The configuration in force as YAML; whatever is secret is replaced.
    pub config_yaml: String,
    /// Settings by name, those of the command line and those that are fixed.
    pub flags: BTreeMap<String, String>,
    /// When the configuration in force was read.
    pub config_loaded_at: Timestamp,
    /// Whether the last attempt to read the configuration worked.
    pub config_is_current: bool,
    /// The folder the process was started in.
    pub working_folder: String,
    /// Name of the machine.
    pub host_name: String,
    /// Threads that may compute at once.
    pub threads: usize,
    /// Files and parts of the log that were damaged and put aside at the start.
    pub damaged: u64,
    /// How long samples are kept, such as `30d`.
    pub retention: String,
    /// Labels this process adds to whatever leaves it.
    pub external_labels: Labels,
}

/// What a target says of its metrics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetMetadata {
    /// The target's labels.
    pub target: Labels,
    /// Its metrics, by name.
    pub metrics: Vec<MetricMetadata>,
}

/// What a target says of one metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MetricMetadata {
    /// The metric's name.
    pub name: String,
    /// `counter`, `gauge`, `histogram`, `summary` or `unknown`.
    pub kind: String,
    /// What it means; may be empty.
    pub help: String,
    /// What it is measured in; may be empty.
    pub unit: String,
}
