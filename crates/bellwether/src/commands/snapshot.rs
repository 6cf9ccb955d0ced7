//! `bellwether snapshot`: a copy of everything in a data directory, of a running server or without one.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bellwether_tsdb::disk::make_dir;
use bellwether_tsdb::{OpenError, Options, RealDisk, Store};
use serde_json::Value;

use crate::backup::{self, ROWS_FOLDER, SAMPLES_FOLDER, Stores, Verified};
use crate::cli::tsdb::Snapshot;
use crate::client::Client;
use crate::failure::Failure;
use crate::output::say;

const PATH: &str = "/api/v1/admin/tsdb/snapshot";

/// Makes a snapshot, verifies it, and says what is in it.
pub async fn run(arguments: Snapshot) -> Result<(), Failure> {
    let target = &arguments.target;
    let is_free = std::fs::read_dir(target).map_or(!target.exists(), |mut entries| entries.next().is_none());
    if !is_free {
        return Err(Failure::wrong(format!(
            "{} is there already and not an empty folder; name one that is not there yet",
            target.display()
        )));
    }
    let missing = match &arguments.server {
        Some(server) => of_server(server, target).await?,
        None => of_folder(&arguments.data, target).await?,
    };
    let Verified { series, samples, rows, exemplars } =
        backup::verify(target).map_err(|error| Failure::failed(error.to_string()))?;
    let rows = if rows > 0 { format!(", {rows} values in rows of objectives") } else { String::new() };
    let exemplars = if exemplars > 0 { format!(", {exemplars} exemplars") } else { String::new() };
    say(&format!(
        "snapshot in {}: {series} series, {samples} samples{rows}{exemplars}, read back whole",
        target.display()
    ));
    if let Some(missing) = missing {
        say(&format!("not in it: {missing}"));
    }
    say(&format!("start a server on it with: bellwether serve --data {}", target.display()));
    Ok(())
}

/// Of a folder that no server has.
async fn of_folder(data: &Path, target: &Path) -> Result<Option<String>, Failure> {
    if !data.join(SAMPLES_FOLDER).is_dir() {
        return Err(Failure::wrong(format!("{} is no data directory of Bellwether", data.display())));
    }
    let samples = open_store(data, SAMPLES_FOLDER)?;
    let has_rows = data.join(ROWS_FOLDER).is_dir();
    let rows = if has_rows { Some(open_store(data, ROWS_FOLDER)?) } else { None };
    let (_, has_state) = backup::fill(data, target, Stores { samples, rows }, None)
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok((!has_state).then(|| "the state, which is not in this folder".to_owned()))
}

fn open_store(data: &Path, folder: &str) -> Result<Arc<Store>, Failure> {
    let opened = Store::open(&data.join(folder), Options::default(), Arc::new(RealDisk));
    let (store, _) = opened.map_err(|error| match error {
        OpenError::Locked { .. } => Failure::failed(format!(
            "a server is running on {}; ask it with --server URL (it must have been started with --enable-admin-api)",
            data.display()
        )),
        OpenError::Version { .. } | OpenError::Disk(_) => Failure::failed(error.to_string()),
    })?;
    Ok(Arc::new(store))
}

/// Of a running server: it makes one beside its data, from where it is moved.
async fn of_server(server: &str, target: &Path) -> Result<Option<String>, Failure> {
    let client = Client::new(server)?;
    let answer = client.post(PATH, &Value::Null).await?;
    let text = |name: &str| answer["data"][name].as_str().map(str::to_owned);
    let path = text("path").ok_or_else(|| client.stranger(PATH))?;
    let made = Path::new(&path);
    if !made.is_dir() {
        return Err(Failure::failed(format!(
            "the snapshot was made, but it lies on the server's machine, in {path}; copy it from there"
        )));
    }
    move_folder(made, target)
        .map_err(|error| Failure::failed(format!("cannot move {path} to {}: {error}", target.display())))?;
    Ok(text("missing"))
}

/// Renames, or copies and removes where the other place is on another file system.
fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_dir(&RealDisk, parent)?;
    if std::fs::rename(from, to).is_ok() {
        return backup::sync_folder(parent);
    }
    copy_folder(from, to)?;
    backup::sync_folder(parent)?;
    std::fs::remove_dir_all(from)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), &target)?;
            std::fs::File::open(&target)?.sync_all()?;
        }
    }
    backup::sync_folder(to)
}
