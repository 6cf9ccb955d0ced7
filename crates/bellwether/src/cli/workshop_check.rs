//! Flags of `workshop check`.

use std::path::PathBuf;

use clap::Args;

use super::Remote;

/// Flags of `workshop check`.
#[derive(Args, Debug)]
pub struct WorkshopCheck {
    /// Challenge of the workshop, 1 to 7
    #[arg(value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
    pub challenge: u8,
    /// Your notes, in Markdown: journeys, stakeholders, objectives
    #[arg(long, value_name = "FILE")]
    pub notes: Option<PathBuf>,
    /// The server.
    #[command(flatten)]
    pub remote: Remote,
}
