//! A snapshot of everything a data directory holds, made while a server runs or in its place: samples, exemplars,
//! counts of objectives, rows of them, state. A server can be started on it.
//!
//! The state comes first, then the journal of imports, the exemplars, the rows, the counts, the samples: so none is ahead of the samples, and a start
//! does what it does after a crash, which is to count what the log has beyond the counts, and to write the rows that
//! follow. The moment of the samples' log is the moment of the snapshot.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::Timestamp;
use bellwether_tsdb::disk::make_dir;
use bellwether_tsdb::{CopyReport, DiskError, LookingDisk, Options, RealDisk, ScrubPlace, Store};

use crate::checkpoint;
use crate::entropy;
use crate::exemplars;
use crate::import::journal;
use crate::state::StateDb;

/// Where snapshots of a running server lie, in its data directory.
pub const FOLDER: &str = "snapshots";
/// Where the samples lie in a data directory.
pub const SAMPLES_FOLDER: &str = "metrics";
/// Where the rows of objectives lie.
pub const ROWS_FOLDER: &str = "ledger-rows";

/// The stores of a data directory.
#[derive(Clone)]
pub struct Stores {
    /// Of samples.
    pub samples: Arc<Store>,
    /// Of rows; a data directory that no server has had yet has none.
    pub rows: Option<Arc<Store>>,
}

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
    stores: Stores,
    state: &StateDb,
    now: Timestamp,
) -> Result<Backup, BackupError> {
    let name = name(now);
    let folder = data.join(FOLDER);
    let draft = folder.join(format!("{name}.tmp"));
    let made = fill(data, &draft, stores, Some(state)).await;
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

/// Copies a data directory whose stores are open here into another one, which is empty or not there.
pub async fn fill(
    data: &Path,
    target: &Path,
    stores: Stores,
    state: Option<&StateDb>,
) -> Result<(CopyReport, bool), BackupError> {
    make_dir(&RealDisk, target).map_err(failed("the state"))?;
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
    let (from, to) = (data.to_owned(), target.to_owned());
    let copied = tokio::task::spawn_blocking(move || {
        journal::copy(&from, &to).map_err(failed("the journal of imports"))?;
        exemplars::copy(&from, &to).map_err(failed("the exemplars"))?;
        if let Some(rows) = stores.rows {
            rows.copy_to::<BackupError>(&to.join(ROWS_FOLDER), &mut || Ok(()))?;
        }
        let (counts, counts_to) = (from.join("ledger"), to.join("ledger"));
        let counts = &mut || checkpoint::copy(&counts, &counts_to).map_err(failed("the counts"));
        stores.samples.copy_to(&to.join(SAMPLES_FOLDER), counts)
    });
    let report =
        copied.await.map_err(|error| BackupError::Copy { what: "the store", why: error.to_string() })??;
    sync_folder(target).map_err(failed("the state"))?;
    Ok((report, has_state))
}

/// What a snapshot turned out to have in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Series of samples.
    pub series: u64,
    /// Samples of them.
    pub samples: u64,
    /// Values in rows of objectives.
    pub rows: u64,
    /// Exemplars of series.
    pub exemplars: u64,
}

/// Reads all of a snapshot as a server would at its start and after it, changing nothing.
pub fn verify(path: &Path) -> Result<Verified, BackupError> {
    let samples = verify_store(path, SAMPLES_FOLDER)?;
    let rows = match path.join(ROWS_FOLDER).is_dir() {
        true => verify_store(path, ROWS_FOLDER)?.samples,
        false => 0,
    };
    let exemplars = verify_exemplars(path)?;
    Ok(Verified { rows, exemplars, ..samples })
}

fn verify_exemplars(path: &Path) -> Result<u64, BackupError> {
    let not_whole = |why: String| BackupError::NotWhole { path: path.to_owned(), why };
    match exemplars::whole_count(path) {
        Ok(Some(count)) => Ok(count as u64),
        Ok(None) => Err(not_whole("its exemplars do not read to their end".to_owned())),
        Err(error) => Err(not_whole(format!("its exemplars cannot be read: {error}"))),
    }
}

fn verify_store(path: &Path, folder: &str) -> Result<Verified, BackupError> {
    let not_whole = |why: String| BackupError::NotWhole { path: path.to_owned(), why };
    let opened = Store::open(&path.join(folder), Options::default(), Arc::new(LookingDisk));
    let (store, recovery) = opened.map_err(|error| not_whole(error.to_string()))?;
    let read = store
        .scrub_some(&mut ScrubPlace::default(), u64::MAX)
        .map_err(|error| not_whole(error.to_string()))?;
    let damaged = recovery.quarantined.iter().chain(&read.quarantined);
    let damaged = damaged.map(|file| format!("{}: {}", file.path.display(), file.reason));
    if let Some(why) = damaged.chain(read.unreadable).next() {
        return Err(not_whole(why));
    }
    if recovery.damaged_bytes + recovery.torn_bytes > 0 {
        let bytes = recovery.damaged_bytes + recovery.torn_bytes;
        return Err(not_whole(format!("{bytes} bytes of the log or of the series in {folder} do not read")));
    }
    let samples = recovery.segment_samples + recovery.samples_replayed;
    Ok(Verified { series: recovery.series, samples, rows: 0, exemplars: 0 })
}

/// Makes names in a folder durable.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(windows) { Ok(()) } else { File::open(folder)?.sync_all() }
}
