//! The state database: what was decided is committed here before anybody is told.
//!
//! SQLite in one file, with a log that is synced at every commit, so that what [`StateDb::record`] has returned from
//! survives `kill -9` and power loss. Queries keep to what SQLite and PostgreSQL both understand.

mod decided;
mod error;
mod google;
mod read;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

pub use decided::Decided;
pub use error::StateError;
pub use read::DeliveryQuery;
pub use write::Pruned;

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers beside the writer.
const CONNECTIONS_MAX: u32 = 4;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/state/migrations/sqlite");

/// An open state database.
#[derive(Clone, Debug)]
pub struct StateDb {
    pool: SqlitePool,
    path: PathBuf,
    epoch: i64,
}

impl StateDb {
    /// Opens or creates the file, brings its tables up to date and begins a new epoch.
    pub async fn open(path: &Path) -> Result<Self, StateError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT);
        let open = |error: sqlx::Error| StateError::open(path, error);
        let pool = SqlitePoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .connect_with(options)
            .await
            .map_err(open)?;
        if let Err(error) = MIGRATIONS.run(&pool).await {
            pool.close().await;
            return Err(StateError::migrate(path, error));
        }
        let epoch = next_epoch(&pool).await.map_err(open)?;
        Ok(Self { pool, path: path.to_owned(), epoch })
    }

    /// The number of this start, from one.
    pub fn epoch(&self) -> i64 {
        self.epoch
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes all connections; what was committed stays.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

async fn next_epoch(pool: &SqlitePool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value")
        .fetch_one(pool)
        .await
}
