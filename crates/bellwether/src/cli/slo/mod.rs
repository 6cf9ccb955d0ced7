//! The subcommands of `slo`: one line here, and a file of flags for each.

mod alerts;
mod correct;
mod report;
mod status;

use clap::Subcommand;

pub use alerts::Alerts;
pub use correct::{Correct, CorrectAdd, CorrectList, CorrectRevoke};
pub use report::Report;
pub use status::Status;

/// One subcommand, one file under `commands/slo/`.
#[derive(Debug, Subcommand)]
pub enum Slo {
    /// What the alerts of objectives mean: when each notices a trouble, what is spent by then, when it is over
    Alerts(Alerts),
    /// Budgets, burn rates and alerts of every objective
    Status(Status),
    /// A budget over one period or any stretch, corrected and as measured
    Report(Report),
    /// Stretches of time that are judged otherwise than they were measured
    #[command(subcommand)]
    Correct(Correct),
}
