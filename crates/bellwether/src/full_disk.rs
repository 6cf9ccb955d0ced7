//! What happens after the disk was full: it is looked again and again whether there is room, and as soon as there is,
//! samples are taken again. Alerts do not wait for it: what cannot be recorded is sent all the same.

use std::sync::Arc;
use std::time::Duration;

use bellwether_tsdb::Store;
use tokio::sync::watch;
use tracing::info;

use crate::health::{Health, Trouble};

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// Runs until told to stop.
pub async fn watch(store: Arc<Store>, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
    loop {
        if !store.is_accepting() {
            let looked = store.clone();
            let restored = tokio::task::spawn_blocking(move || looked.restore_reserve()).await;
            match restored {
                Ok(Ok(_)) => {
                    info!("the disk has room again; samples are taken");
                    health.clear(Trouble::Store);
                }
                Ok(Err(error)) => health.report(Trouble::Store, format!("no samples are taken: {error}")),
                Err(error) => health.report(Trouble::Store, format!("no samples are taken: {error}")),
            }
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
