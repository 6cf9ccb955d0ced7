//! One way to read and write, whatever database is behind it: one connection that writes, and a few that read. The one
//! that writes is made anew after anything failed on it: what a full disk leaves of a transaction holds the lock of
//! the file, and nobody else could write until the program ends.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Connection, FromRow, PgConnection, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;
use tracing::info;

use super::table::{Value, Write};
use super::{Location, StateError, postgres, sqlite};

/// How long a server may take with one transaction.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a start waits for another server to let go of the database, e.g. one that has just been told to stop.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// How often it looks whether it has.
const LOCK_LOOK_EVERY: Duration = Duration::from_millis(100);

/// An open database.
#[derive(Debug)]
pub(super) enum Db {
    Sqlite { path: PathBuf, writer: Mutex<Option<SqliteConnection>>, readers: SqlitePool },
    Postgres { to: Box<PgConnectOptions>, writer: Mutex<Option<PgConnection>>, readers: PgPool },
}

/// A row that both databases can give.
pub(super) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

impl Db {
    /// Opens it, brings its tables up to date, and gives the number of this start.
    pub(super) async fn open(location: &Location) -> Result<(Self, i64), StateError> {
        let open = |error: sqlx::Error| StateError::open(location, error);
        let migrate = |error| StateError::migrate(location, error);
        match location {
            Location::File(path) => {
                let mut writer = sqlite::connect(path).await.map_err(open)?;
                sqlite::migrate(&mut writer).await.map_err(migrate)?;
                let epoch = sqlite::next_epoch(&mut writer).await.map_err(open)?;
                let (readers, writer) = (sqlite::readers(path), Mutex::new(Some(writer)));
                Ok((Self::Sqlite { path: path.clone(), writer, readers }, epoch))
            }
            Location::Server(to) => {
                let mut writer = postgres::connect(to).await.map_err(open)?;
                wait_for_lock(&mut writer, location).await?;
                postgres::migrate(&mut writer).await.map_err(migrate)?;
                let epoch = postgres::next_epoch(&mut writer).await.map_err(open)?;
                let (readers, writer) = (postgres::readers(to), Mutex::new(Some(writer)));
                Ok((Self::Postgres { to: to.clone(), writer, readers }, epoch))
            }
        }
    }

    /// All statements in one transaction, or none. When this returns they are on disk.
    pub(super) async fn commit(
        &self,
        operation: &'static str,
        epoch: i64,
        writes: Vec<Write>,
    ) -> Result<(), StateError> {
        let failed = StateError::statement(operation);
        match self {
            Self::Sqlite { path, writer, .. } => {
                let mut slot = writer.lock().await;
                let mut writer = match slot.take() {
                    Some(writer) => writer,
                    None => sqlite::connect(path).await.map_err(&failed)?,
                };
                let committed = sqlite::commit(&mut writer, writes).await;
                match &committed {
                    Ok(()) => *slot = Some(writer),
                    Err(_) => _ = writer.close().await,
                }
                committed.map_err(failed)
            }
            Self::Postgres { to, writer, .. } => {
                let mut slot = writer.lock().await;
                let mut writer = match slot.take() {
                    Some(writer) => writer,
                    None => reconnect(to, operation, epoch).await?,
                };
                let committed =
                    tokio::time::timeout(COMMIT_TIMEOUT, postgres::commit(&mut writer, writes)).await;
                let committed = committed.map_err(|_| StateError::slow(operation))?.map_err(failed);
                if committed.is_ok() {
                    *slot = Some(writer);
                }
                committed
            }
        }
    }

    /// Rows. The statement is made of this program's own words; everything else is bound.
    pub(super) async fn fetch<R: Row>(
        &self,
        operation: &'static str,
        statement: impl Into<String>,
        values: Vec<Value>,
    ) -> Result<Vec<R>, StateError> {
        let statement = AssertSqlSafe(statement.into());
        let rows = match self {
            Self::Sqlite { readers, .. } => match sqlite::arguments(values.into_iter()) {
                Ok(values) => sqlx::query_as_with(statement, values).fetch_all(readers).await,
                Err(error) => Err(error),
            },
            Self::Postgres { readers, .. } => match postgres::arguments(values.into_iter()) {
                Ok(values) => sqlx::query_as_with(statement, values).fetch_all(readers).await,
                Err(error) => Err(error),
            },
        };
        rows.map_err(StateError::statement(operation))
    }

    /// Ends all connections.
    /// Copies a file as of one moment; gives whether it is one.
    pub(super) async fn copy_to(&self, target: &Path) -> Result<bool, sqlx::Error> {
        match self {
            Self::Sqlite { readers, .. } => {
                let mut reader = readers.acquire().await?;
                sqlite::copy(&mut reader, target).await.map(|()| true)
            }
            Self::Postgres { .. } => Ok(false),
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers, .. } => {
                readers.close().await;
                if let Some(writer) = writer.lock().await.take() {
                    let _ = writer.close().await;
                }
            }
            Self::Postgres { writer, readers, .. } => {
                readers.close().await;
                if let Some(writer) = writer.lock().await.take() {
                    let _ = writer.close().await;
                }
            }
        }
    }
}

/// A server that stops, or that was killed a moment ago, lets go by itself.
async fn wait_for_lock(writer: &mut PgConnection, location: &Location) -> Result<(), StateError> {
    let began = Instant::now();
    while !postgres::lock(writer).await.map_err(|error| StateError::open(location, error))? {
        if began.elapsed() >= LOCK_WAIT {
            return Err(StateError::InUse { database: location.to_string() });
        }
        if began.elapsed() < LOCK_LOOK_EVERY {
            info!(database = %location, "another server uses the state database; waiting until it is gone");
        }
        tokio::time::sleep(LOCK_LOOK_EVERY).await;
    }
    Ok(())
}

/// A connection that may write, unless another server has taken the place of this one meanwhile.
async fn reconnect(
    to: &PgConnectOptions,
    operation: &'static str,
    epoch: i64,
) -> Result<PgConnection, StateError> {
    let failed = StateError::statement(operation);
    let refused = |reason: &str| StateError::Statement { operation, reason: reason.to_owned() };
    let mut writer = postgres::connect(to).await.map_err(&failed)?;
    if !postgres::lock(&mut writer).await.map_err(&failed)? {
        return Err(refused(
            "another connection holds the database: another server has taken it over, or it still \
                            believes in a connection of this one that is gone",
        ));
    }
    match postgres::epoch(&mut writer).await.map_err(failed)? {
        now if now == epoch => Ok(writer),
        _ => Err(refused("another server has written to the database since; restart this one or stop it")),
    }
}
