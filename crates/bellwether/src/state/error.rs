//! What can go wrong with the state database, with the file's name and what to do.

use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

/// Why the state database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be opened.
    #[error("state database {}: {reason}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the database said.
        reason: String,
    },
    /// The file was written by a later version of this program.
    #[error(
        "state database {}: its tables are of version {version}, which this program does not know; \
         start the later version that wrote it, or restore a backup",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        version: i64,
    },
    /// The tables cannot be brought up to date.
    #[error("state database {}: its tables cannot be brought up to date: {reason}", path.display())]
    Migrate {
        /// The file.
        path: PathBuf,
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
    pub(super) fn open(path: &Path, error: sqlx::Error) -> Self {
        let reason = match error.as_database_error().map(|e| e.message().to_owned()) {
            Some(message) if message.contains("not a database") => {
                "it is not a state database; move the file away to begin anew, or name another".to_owned()
            }
            Some(message) if message.contains("unable to open") => {
                "it cannot be opened or created; does its folder exist, and may this user write to it?"
                    .to_owned()
            }
            Some(message) => message,
            None => error.to_string(),
        };
        Self::Open { path: path.to_owned(), reason }
    }

    pub(super) fn migrate(path: &Path, error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { path: path.to_owned(), version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                Self::open(path, error)
            }
            other => Self::Migrate { path: path.to_owned(), reason: other.to_string() },
        }
    }

    pub(super) fn statement(operation: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |error| Self::Statement { operation, reason: error.to_string() }
    }
}
