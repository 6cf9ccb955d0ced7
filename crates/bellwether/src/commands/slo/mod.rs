//! `bellwether slo …`: one subcommand, one file.

mod alerts;
mod correct;
mod report;
mod status;

use crate::cli::slo::Slo;
use crate::failure::Failure;

/// Runs a subcommand to its end.
pub async fn run(command: Slo) -> Result<(), Failure> {
    match command {
        Slo::Alerts(arguments) => alerts::run(&arguments),
        Slo::Status(arguments) => status::run(arguments).await,
        Slo::Report(arguments) => report::run(arguments).await,
        Slo::Correct(command) => correct::run(command).await,
    }
}
