//! The state database: what was decided is committed here before anybody is told.
//!
//! A file of SQLite, or a database of a PostgreSQL server. Both sync their log at every commit, so that what
//! [`StateDb::record`] has returned from survives `kill -9` and power loss. What differs between them is in `sqlite.rs`
//! and `postgres.rs`; everything else is one layer, with statements that both understand.

mod batch;
mod db;
mod decided;
mod error;
mod google;
mod key;
mod location;
mod postgres;
mod progress;
mod prune;
mod read;
mod sqlite;
mod statistics;
mod table;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use bellwether_alerts::DeliveryKey;

use db::Db;

pub use decided::Decided;
pub use error::StateError;
pub use location::{Location, LocationError};
pub use prune::Pruned;
pub use read::DeliveryQuery;
pub use statistics::MessageOutcome;

/// An open state database.
#[derive(Debug)]
pub struct StateDb {
    db: Db,
    location: Location,
    epoch: i64,
    /// Messages that are open and whose bodies are written down.
    written: Mutex<BTreeSet<DeliveryKey>>,
}

impl StateDb {
    /// Opens or creates it, brings its tables up to date and begins a new epoch.
    pub async fn open(location: &Location) -> Result<Self, StateError> {
        let (db, epoch) = Db::open(location).await?;
        Ok(Self { db, location: location.clone(), epoch, written: Mutex::default() })
    }

    /// The number of this start, from one.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Where it is, without what is secret of that.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes all connections; what was committed stays.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Copies it into a new file as of one moment; gives whether it is a file at all.
    pub async fn copy_to(&self, target: &Path) -> Result<bool, StateError> {
        self.db.copy_to(target).await.map_err(StateError::statement("copy"))
    }
}

/// Copies a file that no server has open.
pub async fn copy_file(from: &Path, target: &Path) -> Result<(), StateError> {
    let location = Location::file(from);
    let mut reader = sqlite::connect(from).await.map_err(|error| StateError::open(&location, error))?;
    sqlite::copy(&mut reader, target).await.map_err(StateError::statement("copy"))
}
