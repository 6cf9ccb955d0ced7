//! Flags of `snapshot` and of `tsdb`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::Format;

/// Flags of `snapshot`.
#[derive(Args, Debug)]
pub struct Snapshot {
    /// Where it is put: a folder that is empty or not there
    #[arg(value_name = "TARGET")]
    pub target: PathBuf,
    /// The data directory, while no server runs on it
    #[arg(long, value_name = "DIR", default_value = "bellwether-data", conflicts_with = "server")]
    pub data: PathBuf,
    /// A running server on this machine, started with --enable-admin-api
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// Commands of `tsdb`.
#[derive(Debug, Subcommand)]
pub enum Tsdb {
    /// What a store is made of: segments, the log, metrics and labels that take the most
    Inspect(Inspect),
}

/// Flags of `tsdb inspect`.
#[derive(Args, Debug)]
pub struct Inspect {
    /// A data directory, also one that a server has, or the URL of a running server
    #[arg(value_name = "DIR|URL")]
    pub place: String,
    /// Entries of each list
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
}
