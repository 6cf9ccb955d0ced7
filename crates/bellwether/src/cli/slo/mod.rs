//! The subcommands of `slo`: one line here, and a file of flags for each.

mod status;

use clap::Subcommand;

pub use status::Status;

/// One subcommand, one file under `commands/slo/`.
#[derive(Debug, Subcommand)]
pub enum Slo {
    /// Budgets, burn rates and alerts of every objective
    Status(Status),
}
