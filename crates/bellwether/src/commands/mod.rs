//! One command, one file.

mod alert_meant;
pub mod alerts;
pub mod check;
pub mod dashboard;
pub mod deliveries;
pub mod demo;
pub mod drill;
pub mod explain;
pub mod handle;
pub mod import;
pub mod init;
pub mod lint;
pub mod probe;
pub mod query;
pub mod routes;
pub mod scenario;
pub mod serve;
pub mod silence;
pub mod slo;
pub mod snapshot;
pub mod stats;
pub mod test;
mod test_report;
pub mod tsdb;
pub mod workshop;
pub mod workshop_check;

use crate::cli::Command;
use crate::failure::Failure;

/// Runs a command to its end.
pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => serve::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Init(arguments) => init::run(arguments).await,
        Command::Check(arguments) => check::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments).await,
        Command::Import(command) => import::run(command).await,
        Command::Dashboard(command) => dashboard::run(&command),
        Command::Test(arguments) => test::run(&arguments),
        Command::Query(arguments) => query::run(arguments).await,
        Command::Slo(command) => slo::run(command).await,
        Command::Probe(arguments) => probe::run(arguments).await,
        Command::Routes(command) => routes::run(&command),
        Command::Alerts(arguments) => alerts::run(arguments).await,
        Command::Explain(arguments) => explain::run(arguments).await,
        Command::Ack(arguments) => handle::ack(arguments).await,
        Command::Unack(arguments) => handle::unack(arguments).await,
        Command::Resolve(arguments) => handle::resolve(arguments).await,
        Command::Note(arguments) => handle::note(arguments).await,
        Command::Mark(arguments) => handle::mark(arguments).await,
        Command::Deliveries(arguments) => deliveries::run(arguments).await,
        Command::Drill(arguments) => drill::run(arguments).await,
        Command::Stats(arguments) => stats::run(arguments).await,
        Command::Silence(command) => silence::run(command).await,
        Command::Snapshot(arguments) => snapshot::run(arguments).await,
        Command::Tsdb(command) => tsdb::run(command).await,
        Command::Scenario(command) => scenario::run(&command).await,
        Command::Workshop(command) => workshop::run(command).await,
    }
}
