//! Flags of `routes`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Format;

/// Subcommands of `routes`.
#[derive(Debug, Subcommand)]
pub enum Routes {
    /// The tree of routes, with what each says otherwise than the one above it
    Show {
        /// What to read, and how to print it
        #[command(flatten)]
        file: RoutesFile,
    },
    /// Who hears of an alert with these labels
    Test {
        /// The alert's labels, such as severity=critical
        #[arg(value_name = "LABEL=VALUE")]
        labels: Vec<String>,
        /// Fail with exit code 1 unless these receivers hear of it, in this order; commas between them
        #[arg(long, visible_alias = "verify.receivers", value_name = "RECEIVERS")]
        verify_receivers: Option<String>,
        /// Show every route, and why it takes the alert or not
        #[arg(long)]
        tree: bool,
        /// What to read, and how to print it
        #[command(flatten)]
        file: RoutesFile,
    },
}

/// What is read, and how it is printed.
#[derive(Args, Debug)]
pub struct RoutesFile {
    /// An alertmanager.yml, or a bellwether.yml that holds or names one
    #[arg(long, visible_alias = "config.file", value_name = "FILE", default_value = "bellwether.yml")]
    pub config: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}
