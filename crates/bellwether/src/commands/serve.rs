//! `bellwether serve`: watch targets, keep budgets, send alerts, until told to stop.

use std::net::SocketAddr;

use bellwether_promql::Limits;
use bellwether_web::QuerySettings;
use tokio::net::TcpListener;

use crate::cli::Serve;
use crate::failure::Failure;
use crate::listen::listen;
use crate::output::say;
use crate::reload::ConfigSource;
use crate::server::{Server, Start};
use crate::state::{Location, LocationError};

/// Starts a server and runs it.
pub async fn run(arguments: Serve) -> Result<(), Failure> {
    crate::log::to_stderr("info");
    let listener = listen(&arguments.listen, "--listen").await?;
    let address = address_of(&listener)?;
    let alertmanager_listener = match &arguments.alertmanager_listen {
        Some(address) => Some(listen(address, "--alertmanager-listen").await?),
        None => None,
    };
    let alertmanager = alertmanager_listener.as_ref().map(address_of).transpose()?;
    let queries = settings(&arguments);
    let config = ConfigSource::File(arguments.config);
    let state = state(arguments.state.as_deref())?;
    let start = Start {
        config,
        data: arguments.data,
        state,
        listener,
        alertmanager_listener,
        demo: None,
        queries,
        admin_api: arguments.enable_admin_api,
    };
    let server = Server::start(start).await?;
    if let Some(address) = alertmanager {
        say(&format!("Alertmanager's API is on http://{address}"));
    }
    say(&format!("Bellwether is ready on http://{address}"));
    server.run().await
}

/// Where the state is kept, if not in a file of the data directory.
fn state(address: Option<&str>) -> Result<Option<Location>, Failure> {
    let location = address.filter(|address| !address.is_empty()).map(str::parse);
    location.transpose().map_err(|error: LocationError| Failure::failed(error.to_string()))
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| Failure::failed(error.to_string()))
}

/// What the flags say of queries.
fn settings(arguments: &Serve) -> QuerySettings {
    let flags = &arguments.queries;
    QuerySettings {
        concurrency: flags.query_concurrency,
        timeout: flags.query_timeout.to_std(),
        lookback: flags.query_lookback,
        limits: Limits {
            samples: flags.query_samples_max,
            memory_bytes: flags.query_memory_max_mib.saturating_mul(1 << 20),
            ..Limits::default()
        },
        is_logged: flags.query_log,
    }
}
