//! A snapshot of everything a data directory holds, made while a server runs or in its place: store, counts of
//! objectives, state. A server can be started on it.
//!
//! The state comes first, then the counts, then the store: so neither is ahead of the samples, and a start does what it
//! does after a crash, which is to count what the log has beyond the counts.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::Timestamp;
use bellwether_tsdb::{CopyReport, DiskError, LookingDisk, Options, Store};

use crate::checkpoint;
use crate::entropy;
use crate::state::StateDb;

/// Where snapshots of a running server lie, in its data directory.
pub const FOLDER: &str = "snapshots";

/// A snapshot that was made.
#[derive(Clone, Debug)]
pub struct Backup {
    /// Its folder's name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What it has of the store.
    pub store: CopyReport,
    /// Whether the state is in it: not when that is in another database.
    pub has_state: bool,
}

/// Why none was made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store could not be copied.
    #[error(transparent)]
    Store(#[from] DiskError),
    /// Something else could not be copied.
    #[error("cannot copy {what}: {why}")]
    Copy {
        /// What it was.
        what: &'static str,
        /// What went wrong.
        why: String,
    },
    /// What was copied cannot be read as what it should be.
    #[error("the snapshot in {} is not whole: {why}", path.display())]
    NotWhole {
        /// Where it lies.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> BackupError {
    move |error| BackupError::Copy { what, why: error.to_string() }
}

/// A name as Prometheus gives them: the time, and something that no other has.
pub fn name(now: Timestamp) -> String {
    let time: String = now.to_string().chars().filter(|c| !['-', ':'].contains(c)).collect();
    let time = time.split(['.', 'Z']).next().unwrap_or_default().to_owned();
    format!("{time}Z-{:016x}", entropy::seed())
}

/// Makes a snapshot of a running server beside its data.
pub async fn of_running(
    data: &Path,
    store: Arc<Store>,
    state: &StateDb,
    now: Timestamp,
) -> Result<Backup, BackupError> {
    let name = name(now);
    let folder = data.join(FOLDER);
    let draft = folder.join(format!("{name}.tmp"));
    fs::create_dir_all(&draft).map_err(failed("the state"))?;
    let made = fill(data, &draft, store, Some(state)).await;
    let path = folder.join(&name);
    let named = made.and_then(|made| {
        fs::rename(&draft, &path).map_err(failed("the state"))?;
        sync_folder(&folder).map_err(failed("the state"))?;
        Ok(made)
    });
    if named.is_err() {
        let _ = fs::remove_dir_all(&draft);
    }
    let (store, has_state) = named?;
    Ok(Backup { name, path, store, has_state })
}

/// Copies a data directory whose store is open here into another one, which is empty or not there.
pub async fn fill(
    data: &Path,
    target: &Path,
    store: Arc<Store>,
    state: Option<&StateDb>,
) -> Result<(CopyReport, bool), BackupError> {
    fs::create_dir_all(target).map_err(failed("the state"))?;
    let state_failed =
        |error: crate::state::StateError| BackupError::Copy { what: "the state", why: error.to_string() };
    let has_state = match state {
        Some(state) => state.copy_to(&target.join("state.db")).await.map_err(state_failed)?,
        None => {
            let file = data.join("state.db");
            file.exists() && {
                crate::state::copy_file(&file, &target.join("state.db")).await.map_err(state_failed)?;
                true
            }
        }
    };
    let (ledger, metrics) = (data.join("ledger"), target.join("metrics"));
    let ledger_to = target.join("ledger");
    let copied = tokio::task::spawn_blocking(move || {
        store.copy_to(&metrics, &mut || checkpoint::copy(&ledger, &ledger_to).map_err(failed("the counts")))
    });
    let report =
        copied.await.map_err(|error| BackupError::Copy { what: "the store", why: error.to_string() })??;
    sync_folder(target).map_err(failed("the state"))?;
    Ok((report, has_state))
}

/// Reads a snapshot as a server would at its start, changing nothing; gives how many series and samples are in it.
pub fn verify(path: &Path) -> Result<(u64, u64), BackupError> {
    let not_whole = |why: String| BackupError::NotWhole { path: path.to_owned(), why };
    let opened = Store::open(&path.join("metrics"), Options::default(), Arc::new(LookingDisk));
    let (_, recovery) = opened.map_err(|error| not_whole(error.to_string()))?;
    if let Some(damaged) = recovery.quarantined.first() {
        return Err(not_whole(format!("{}: {}", damaged.path.display(), damaged.reason)));
    }
    if recovery.damaged_bytes + recovery.torn_bytes > 0 {
        let bytes = recovery.damaged_bytes + recovery.torn_bytes;
        return Err(not_whole(format!("{bytes} bytes of the log or of the series do not read")));
    }
    Ok((recovery.series, recovery.segment_samples + recovery.samples_replayed))
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}
