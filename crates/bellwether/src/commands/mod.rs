//! One command, one file.

pub mod alerts;
pub mod check;
pub mod demo;
pub mod probe;
pub mod query;
pub mod serve;
pub mod silence;
pub mod slo;
pub mod test;
mod test_report;
pub mod workshop;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs a command to its end.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Query(arguments) => query::run(arguments).await,
        Command::Slo(command) => slo::run(command).await,
        Command::Probe(arguments) => probe::run(arguments).await,
        Command::Alerts(arguments) => alerts::run(arguments).await,
        Command::Silence(command) => silence::run(command).await,
        Command::Workshop(command) => workshop::run(command).await,
    }
}
