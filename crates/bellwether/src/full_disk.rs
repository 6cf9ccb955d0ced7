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
            let restored = restored.map_err(|error| error.to_string());
            say(&health, restored.and_then(|restored| restored.map_err(|error| error.to_string())));
        }
        tokio::select! {
            _ = stop.changed() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Whoever is refused says that the disk is full too, in other words: one of the two is enough for the log.
fn say(health: &Health, restored: Result<bool, String>) {
    match restored {
        Ok(_) => {
            info!("the disk has room again; samples are taken");
            health.clear(Trouble::Store);
        }
        Err(_) if health.has(Trouble::Store) => {}
        Err(why) => health.report(Trouble::Store, format!("no samples are taken: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_said_in_one_way_until_there_is_room() {
        let health = Health::default();
        let full = || Err("the disk is full".to_owned());
        say(&health, full());
        assert_eq!(health.sentences(), ["no samples are taken: the disk is full"]);
        say(&health, Ok(true));
        assert!(health.sentences().is_empty());
        let said = "samples cannot be stored: the disk is full";
        health.report(Trouble::Store, said.to_owned());
        say(&health, full());
        assert_eq!(health.sentences(), [said]);
    }
}
