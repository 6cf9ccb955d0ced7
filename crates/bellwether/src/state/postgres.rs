//! The state in a database of a PostgreSQL server. Whoever writes holds a lock that ends with its connection, so that
//! two servers never decide over one database; a server that comes back finds out whether another was there meanwhile.

use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPoolOptions};
use sqlx::{Arguments, AssertSqlSafe, Connection, PgConnection, PgPool};

use super::table::{Column, Kind, Table, Value, Write};

/// Readers beside the writer.
const READERS_MAX: u32 = 4;
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Rows of one statement: the server's memory for it stays small.
const ROWS_TOGETHER: usize = 1000;
/// Names our lock among those of others in the database: "bellweth" in ASCII.
const LOCK: i64 = 0x6265_6c6c_7765_7468;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/state/migrations/postgres");

fn options(to: &PgConnectOptions) -> PgConnectOptions {
    to.clone().application_name("bellwether").options([
        // Committed means on disk, whatever the server does by itself.
        ("synchronous_commit", "on"),
        // The lock of a machine that vanished is free again within a minute.
        ("tcp_keepalives_idle", "20"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
    ])
}

pub(super) async fn connect(to: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let options = options(to);
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, PgConnection::connect_with(&options));
    connecting.await.unwrap_or_else(|_| {
        Err(sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "the server does not answer")))
    })
}

/// Whether this connection is the one that may write, from now on until it ends.
pub(super) async fn lock(writer: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(writer).await
}

pub(super) fn readers(to: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(READERS_MAX)
        .acquire_timeout(CONNECT_TIMEOUT)
        .connect_lazy_with(options(to))
}

pub(super) async fn migrate(writer: &mut PgConnection) -> Result<(), sqlx::migrate::MigrateError> {
    MIGRATIONS.run(writer).await
}

pub(super) async fn next_epoch(writer: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("UPDATE meta SET value = value + 1 WHERE name = 'epoch' RETURNING value")
        .fetch_one(writer)
        .await
}

pub(super) async fn epoch(writer: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT value FROM meta WHERE name = 'epoch'").fetch_one(writer).await
}

/// All statements, or none.
pub(super) async fn commit(writer: &mut PgConnection, writes: Vec<Write>) -> Result<(), sqlx::Error> {
    let mut tx = writer.begin().await?;
    for write in writes {
        run(&mut tx, write).await?;
    }
    tx.commit().await
}

async fn run(tx: &mut PgConnection, write: Write) -> Result<(), sqlx::Error> {
    let (statement, rows) = match write {
        Write::Put(rows) => (put(rows.table), rows),
        Write::Update(rows) => (update(rows.table), rows),
        Write::Delete(rows) => (delete(rows.table), rows),
        Write::Clear(table) => {
            let clear = format!("DELETE FROM {}", table.name);
            return sqlx::query(AssertSqlSafe(clear)).execute(tx).await.map(|_| ());
        }
    };
    let (mut left, step) = (rows.values.into_iter(), ROWS_TOGETHER * rows.table.width());
    while left.len() > 0 {
        let some = arrays(rows.table, left.by_ref().take(step))?;
        sqlx::query_with(AssertSqlSafe(statement.clone()), some).execute(&mut *tx).await?;
    }
    Ok(())
}

/// One array for each column.
fn arrays(table: &Table, values: impl Iterator<Item = Value>) -> Result<PgArguments, sqlx::Error> {
    let mut columns: Vec<Vec<Value>> = table.columns().map(|_| Vec::new()).collect();
    for (index, value) in values.enumerate() {
        columns[index % table.width()].push(value);
    }
    let mut arguments = PgArguments::default();
    for (column, values) in table.columns().zip(columns) {
        let values = values.into_iter();
        let added = match column.kind {
            Kind::Text => arguments.add(values.map(as_text).collect::<Vec<_>>()),
            Kind::Int => arguments.add(values.map(as_int).collect::<Vec<_>>()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) fn arguments(values: impl Iterator<Item = Value>) -> Result<PgArguments, sqlx::Error> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Int(number) => arguments.add(number),
            Value::Text(_) | Value::Null => arguments.add(as_text(value)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// PostgreSQL's texts hold everything but the character zero.
fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) if text.contains('\0') => Some(text.replace('\0', "\u{fffd}")),
        Value::Text(text) => Some(text),
        Value::Int(number) => Some(number.to_string()),
        Value::Null => None,
    }
}

fn as_int(value: Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Text(_) | Value::Null => None,
    }
}

fn put(table: &Table) -> String {
    let columns = names(table.columns());
    let change = match table.rest {
        [] => "NOTHING".to_owned(),
        rest => {
            let sets = rest.iter().map(|column| format!("{0} = excluded.{0}", column.name));
            format!("UPDATE SET {}", sets.collect::<Vec<_>>().join(", "))
        }
    };
    format!(
        "INSERT INTO {} ({columns}) SELECT * FROM UNNEST({}) ON CONFLICT ({}) DO {change}",
        table.name,
        places(table),
        names(table.key.iter())
    )
}

fn update(table: &Table) -> String {
    let sets = table.rest.iter().map(|column| format!("{0} = v.{0}", column.name));
    format!(
        "UPDATE {} SET {} FROM UNNEST({}) AS v ({}) WHERE {}",
        table.name,
        sets.collect::<Vec<_>>().join(", "),
        places(table),
        names(table.columns()),
        matches(table)
    )
}

fn delete(table: &Table) -> String {
    format!(
        "DELETE FROM {} USING UNNEST({}) AS v ({}) WHERE {}",
        table.name,
        places(table),
        names(table.key.iter()),
        matches(table)
    )
}

fn matches(table: &Table) -> String {
    let keys = table.key.iter().map(|column| format!("{0}.{1} = v.{1}", table.name, column.name));
    keys.collect::<Vec<_>>().join(" AND ")
}

fn places(table: &Table) -> String {
    let place = |(index, column): (usize, &Column)| match column.kind {
        Kind::Text => format!("${}::text[]", index + 1),
        Kind::Int => format!("${}::bigint[]", index + 1),
    };
    table.columns().enumerate().map(place).collect::<Vec<_>>().join(", ")
}

fn names<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    columns.map(|column| column.name).collect::<Vec<_>>().join(", ")
}
