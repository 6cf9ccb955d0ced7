//! The state in a file of SQLite: its log is synced at every commit, so that what was committed survives `kill -9`
//! and power loss.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Arguments, AssertSqlSafe, Connection, SqliteConnection, SqlitePool};

use super::table::{Rows, Table, Value, Write};

/// How long a writer waits for another program that looks into the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Readers beside the writer.
const READERS_MAX: u32 = 4;
/// Pages of the log (4 KiB each) before it is folded into the file: pages that are written often are folded once.
const FOLD_AFTER_PAGES: &str = "4000";
/// Memory of each connection for pages, in KiB (written as less than nothing, as SQLite wants it).
const CACHE_KIB: &str = "-4096";
/// Rows of one statement. Each number has a statement of its own, which stays prepared.
const ROWS_TOGETHER: [usize; 4] = [256, 32, 4, 1];

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/state/migrations/sqlite");

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("wal_autocheckpoint", FOLD_AFTER_PAGES)
        .pragma("cache_size", CACHE_KIB)
}

pub(super) async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    SqliteConnection::connect_with(&options(path)).await
}

pub(super) fn readers(path: &Path) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(READERS_MAX).connect_lazy_with(options(path))
}

pub(super) async fn migrate(writer: &mut SqliteConnection) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(writer).await
}

pub(super) async fn next_epoch(writer: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value")
        .fetch_one(writer)
        .await
}

/// Writes all there is at one moment into a new file, durably.
pub(super) async fn copy(reader: &mut SqliteConnection, target: &Path) -> Result<(), sqlx::Error> {
    let name = target.to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO ?1").bind(name).execute(reader).await?;
    std::fs::File::open(target).and_then(|file| file.sync_all()).map_err(sqlx::Error::Io)
}

/// All statements, or none.
pub(super) async fn commit(writer: &mut SqliteConnection, writes: Vec<Write>) -> Result<(), sqlx::Error> {
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
    for write in writes {
        run(&mut tx, write).await?;
    }
    tx.commit().await
}

async fn run(tx: &mut SqliteConnection, write: Write) -> Result<(), sqlx::Error> {
    let (rows, statement): (Rows, fn(&Table, usize) -> String) = match write {
        Write::Put(rows) => (rows, put),
        Write::Update(rows) => (rows, update),
        Write::Delete(rows) => (rows, delete),
        Write::Clear(table) => {
            let clear = format!("DELETE FROM {}", table.name);
            return sqlx::query(AssertSqlSafe(clear)).execute(tx).await.map(|_| ());
        }
    };
    let mut left = rows.values.into_iter();
    for together in ROWS_TOGETHER {
        let step = together * rows.table.width();
        if left.len() < step {
            continue;
        }
        let statement = statement(rows.table, together);
        while left.len() >= step {
            let some = arguments(left.by_ref().take(step))?;
            sqlx::query_with(AssertSqlSafe(statement.clone()), some).execute(&mut *tx).await?;
        }
    }
    Ok(())
}

pub(super) fn arguments(values: impl Iterator<Item = Value>) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.size_hint().0, 0);
    for value in values {
        let added = match value {
            Value::Text(text) => arguments.add(text),
            Value::Int(number) => arguments.add(number),
            Value::Null => arguments.add(None::<String>),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

fn put(table: &Table, rows: usize) -> String {
    let columns = names(table.columns());
    let values = values(rows, table.width());
    let key = names(table.key.iter());
    let mut statement =
        format!("INSERT INTO {} ({columns}) VALUES {values} ON CONFLICT ({key}) DO ", table.name);
    match table.rest {
        [] => statement.push_str("NOTHING"),
        rest => {
            let sets = rest.iter().map(|column| format!("{0} = excluded.{0}", column.name));
            let _ = write!(statement, "UPDATE SET {}", sets.collect::<Vec<_>>().join(", "));
        }
    }
    statement
}

fn update(table: &Table, rows: usize) -> String {
    let place = |index: usize| format!("v.column{}", index + 1);
    let sets = (table.rest.iter().enumerate())
        .map(|(index, column)| format!("{} = {}", column.name, place(table.key.len() + index)));
    let matches = (table.key.iter().enumerate())
        .map(|(index, column)| format!("{}.{} = {}", table.name, column.name, place(index)));
    format!(
        "UPDATE {} SET {} FROM (VALUES {}) AS v WHERE {}",
        table.name,
        sets.collect::<Vec<_>>().join(", "),
        values(rows, table.width()),
        matches.collect::<Vec<_>>().join(" AND ")
    )
}

fn delete(table: &Table, rows: usize) -> String {
    let key = names(table.key.iter());
    format!("DELETE FROM {} WHERE ({key}) IN (VALUES {})", table.name, values(rows, table.width()))
}

fn names<'a>(columns: impl Iterator<Item = &'a super::table::Column>) -> String {
    columns.map(|column| column.name).collect::<Vec<_>>().join(", ")
}

fn values(rows: usize, width: usize) -> String {
    let row = format!("({})", vec!["?"; width].join(", "));
    vec![row; rows].join(", ")
}
