//! What can go wrong with the state database, with its name and what to do.

use sqlx::migrate::MigrateError;

use super::Location;

/// Why the state database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be opened.
    #[error("state database {database}: {reason}")]
    Open {
        /// Where it is.
        database: String,
        /// What the database said.
        reason: String,
    },
    /// Another server works with it.
    #[error(
        "state database {database}: another Bellwether uses it, and two would decide twice; stop the other one, or \
         give this one a database of its own"
    )]
    InUse {
        /// Where it is.
        database: String,
    },
    /// It was written by a later version of this program.
    #[error(
        "state database {database}: its tables are of version {version}, which this program does not know; \
         start the later version that wrote it, or restore a backup"
    )]
    Newer {
        /// Where it is.
        database: String,
        /// The version found.
        version: i64,
    },
    /// The tables cannot be brought up to date.
    #[error("state database {database}: its tables cannot be brought up to date: {reason}")]
    Migrate {
        /// Where it is.
        database: String,
        /// What the database said.
        reason: String,
    },
    /// A statement failed.
    #[error("state database: {operation}: {reason}")]
    Statement {
        /// What was being done.
        operation: &'static str,
        /// What the database said.
        reason: String,
    },
    /// A row does not hold what it should.
    #[error("state database: row {key:?} of table {table} cannot be read: {reason}")]
    Row {
        /// The table.
        table: &'static str,
        /// The row's key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateError {
    pub(super) fn open(location: &Location, error: sqlx::Error) -> Self {
        let reason = match (location, error.as_database_error().map(|e| e.message().to_owned())) {
            (Location::File(_), Some(message)) if message.contains("not a database") => {
                "it is not a state database; move the file away to begin anew, or name another".to_owned()
            }
            (Location::File(_), Some(message)) if message.contains("unable to open") => {
                "it cannot be opened or created; does its folder exist, and may this user write to it?"
                    .to_owned()
            }
            (_, Some(message)) => message,
            (Location::Server(_), None) => {
                format!(
                    "the server cannot be reached: {error}; does it run there, and does it take connections?"
                )
            }
            (Location::File(_), None) => error.to_string(),
        };
        Self::Open { database: location.to_string(), reason }
    }

    pub(super) fn migrate(location: &Location, error: MigrateError) -> Self {
        let database = location.to_string();
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { database, version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::open(location, error)
            }
            other => Self::Migrate { database, reason: other.to_string() },
        }
    }

    pub(super) fn statement(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |error| Self::Statement { operation, reason: error.to_string() }
    }

    pub(super) fn slow(operation: &'static str) -> Self {
        Self::Statement { operation, reason: "the database does not answer in time".to_owned() }
    }
}
