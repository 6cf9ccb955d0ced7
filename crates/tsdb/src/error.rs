//! What may go wrong, with the facts that say what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use bellwether_model::{LogPosition, SeriesId};

use crate::limits::LimitReached;

/// A file operation failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} {}: {}", self.place().display(), reason(source))]
pub struct DiskError {
    /// What was being done, as a verb.
    pub operation: &'static str,
    /// To which file or directory.
    pub path: PathBuf,
    /// What the disk said.
    pub source: io::Error,
}

fn reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; free 8 MiB at least or shorten the retention, writing goes on by itself then"
                .to_owned()
        }
        _ => source.to_string(),
    }
}

impl DiskError {
    /// What to name: of a full disk not the file, which is another one with each attempt.
    fn place(&self) -> &Path {
        if self.is_full() { self.path.parent().unwrap_or(&self.path) } else { &self.path }
    }

    /// For `map_err`.
    pub(crate) fn at(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { operation, path: path.to_owned(), source }
    }

    /// Whether the disk has no room left: waiting, or making room, helps.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has the directory.
    #[error("{} is in use by {}; give this one a directory of its own, or stop the other", dir.display(), holder(*pid))]
    Locked {
        /// The directory.
        dir: PathBuf,
        /// The other process, if it said.
        pid: Option<u32>,
    },
    /// A file was written by a later version.
    #[error("{} has format version {found}, this program reads up to {known}; use the newer program again", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The latest version known here.
        known: u16,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("the process with PID {pid}"))
}

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// More samples than one record of the log may hold.
    #[error(
        "a batch of {samples} samples, each bucket counted as one; at most {limit} fit into one, so split it"
    )]
    BatchTooLarge {
        /// How many there were.
        samples: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A label set that no log record can hold.
    #[error("labels of {bytes} bytes; at most {limit} are kept, so shorten or drop some")]
    LabelsTooLarge {
        /// Their size.
        bytes: usize,
        /// The largest allowed.
        limit: usize,
    },
    /// There are as many series as there may be; existing ones go on.
    #[error("{0}")]
    SeriesLimit(LimitReached),
    /// All 2^32 series numbers are used up.
    #[error("all series numbers are used up; start a new data directory")]
    SeriesExhausted,
    /// The log could not be made durable. What was appended before stays in memory and is written again by the next
    /// [`sync`](crate::Store::sync); the batch in question was not taken when `append` says this.
    #[error("the sample log is not written: {0}")]
    Log(#[from] DiskError),
}

/// Why the log could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The records after the position are no longer there.
    #[error("the sample log begins at {}:{}, after the position {}:{} asked for", oldest.file, oldest.offset, from.file, from.offset)]
    Gone {
        /// The position asked for.
        from: LogPosition,
        /// The oldest there is.
        oldest: LogPosition,
    },
    /// The disk refused.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a sample of a batch was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Before the last sample of its series, and nothing late is taken.
    #[error("out of order: its series has a sample of {last} already")]
    OutOfOrder {
        /// The last sample's time.
        last: bellwether_model::Timestamp,
    },
    /// Before the last sample of its series by more than the window for late samples.
    #[error("too old: its series has a sample of {last}, and nothing before {oldest} is taken after that")]
    TooOld {
        /// The last sample's time.
        last: bellwether_model::Timestamp,
        /// The oldest time that would have been taken.
        oldest: bellwether_model::Timestamp,
    },
    /// Its series has another value for the same moment.
    #[error("duplicate: its series has another value for {at}")]
    Duplicate {
        /// The moment.
        at: bellwether_model::Timestamp,
    },
    /// Before what retention keeps.
    #[error("before {floor}, the oldest that retention keeps")]
    BeforeRetention {
        /// The oldest time kept.
        floor: bellwether_model::Timestamp,
    },
    /// Its series was never created.
    #[error("series {} was never created", series.0)]
    UnknownSeries {
        /// The number without a series.
        series: SeriesId,
    },
    /// A histogram that is none.
    #[error("its buckets are not in order, or one has no observations, or there are more than 65536")]
    MalformedHistogram,
}
