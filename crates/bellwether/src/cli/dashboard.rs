//! Flags of `dashboard`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Format;

/// Commands about dashboards.
#[derive(Debug, Subcommand)]
pub enum Dashboard {
    /// List the panels of a file, the metrics each reads, and what could not be taken over
    Describe {
        /// A dashboard of ours, or an export of Grafana's
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}
