//! `bellwether import …`: history that somebody else measured. One source, one file in [`crate::import`].

use crate::cli::import::Import;
use crate::failure::Failure;
use crate::import;

/// Runs an import to its end.
pub async fn run(command: Import) -> Result<(), Failure> {
    crate::log::to_stderr("warn");
    let stop = import::stop_on_interrupt();
    let running = tokio::task::spawn_blocking(move || match command {
        Import::Openmetrics(arguments) => import::openmetrics::run(&arguments, &stop),
        Import::RemoteRead(arguments) => import::remote_read::run(&arguments, &stop),
        Import::PrometheusTsdb(arguments) => import::prometheus::run(&arguments, &stop),
    });
    running.await.map_err(|error| Failure::failed(error.to_string()))?
}
