//! `bellwether serve`: watch targets, keep budgets, send alerts, until told to stop.

use crate::cli::Serve;
use crate::failure::Failure;
use crate::listen::listen;
use crate::output::say;
use crate::reload::ConfigSource;
use crate::server::{Server, Start};

/// Starts a server and runs it.
pub async fn run(arguments: Serve) -> Result<(), Failure> {
    crate::log::to_stderr("info");
    let listener = listen(&arguments.listen, "--listen").await?;
    let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
    let config = ConfigSource::File(arguments.config);
    let server = Server::start(Start { config, data: arguments.data, listener, demo: None }).await?;
    say(&format!("Bellwether is ready on http://{address}"));
    server.run().await
}
