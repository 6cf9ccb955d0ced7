//! What the source says of its metrics, asked for now and then: names are completed with it, and dashboards ask for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_model::Labels;
use bellwether_web::view::{MetricMetadata, TargetMetadata};
use tokio::sync::watch;
use tracing::debug;

use super::answer::{self, WireMetadata};
use super::ask_error::AskError;
use super::client::{Ask, RemoteClient};

/// How often it is asked for.
const ASKED_EVERY: Duration = Duration::from_secs(600);
/// The largest answer that is read.
const BYTES_MAX: usize = 64 << 20;

/// What is known of metrics, as of one target without labels.
pub type Shared = Arc<Mutex<Vec<TargetMetadata>>>;

/// Asks until told to stop. It is a help and nothing more: what does not answer is asked again later.
pub async fn run(client: Arc<RemoteClient>, known: Shared, mut stop: watch::Receiver<bool>) {
    loop {
        match ask(&client).await {
            Ok(metrics) => {
                let all = vec![TargetMetadata { target: Labels::empty(), metrics }];
                *known.lock().unwrap_or_else(PoisonError::into_inner) = all;
            }
            Err(error) => debug!(%error, "the source does not say what its metrics are"),
        }
        tokio::select! {
            () = tokio::time::sleep(ASKED_EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn ask(client: &RemoteClient) -> Result<Vec<MetricMetadata>, AskError> {
    let body = client.ask_at_once(&Ask::get("/api/v1/metadata", Vec::new(), BYTES_MAX)).await?;
    let said: BTreeMap<String, Vec<WireMetadata>> = answer::whole(&body)?;
    let metric = |name: &String, said: &WireMetadata| MetricMetadata {
        name: name.clone(),
        kind: said.kind.clone(),
        help: said.help.clone(),
        unit: said.unit.clone(),
    };
    Ok(said.iter().flat_map(|(name, all)| all.iter().map(move |said| metric(name, said))).collect())
}
