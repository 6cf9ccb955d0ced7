//! Where the state is kept: in a file of the data directory, or in a database of a PostgreSQL server. The address of
//! a server holds a password, which is never shown.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// Where the state is kept.
#[derive(Clone)]
pub enum Location {
    /// A file of SQLite.
    File(PathBuf),
    /// A database of a PostgreSQL server.
    Server(Box<PgConnectOptions>),
}

/// An address that names no database.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "--state {why}; write postgres://USER:PASSWORD@HOST:5432/DATABASE, or leave it out: then the state is the file \
     state.db in --data"
)]
pub struct LocationError {
    why: &'static str,
}

impl Location {
    /// A file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        Self::File(path.as_ref().to_owned())
    }
}

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let why = |why| LocationError { why };
        if !(text.starts_with("postgres://") || text.starts_with("postgresql://")) {
            return Err(why("is no address of a PostgreSQL server"));
        }
        // What the reader says of a mistake may repeat the address, password included.
        let options = PgConnectOptions::from_str(text).map_err(|_| why("cannot be read as an address"))?;
        Ok(Self::Server(Box::new(options)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Server(to) => {
                let database = to.get_database().unwrap_or(to.get_username());
                write!(f, "postgres://{}@{}:{}/{database}", to.get_username(), to.get_host(), to.get_port())
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}
