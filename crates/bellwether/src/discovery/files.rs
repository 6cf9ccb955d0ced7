//! `file_sd_configs`: targets in files of YAML or JSON. A file that cannot be read keeps the targets it had; one that
//! has gone takes its targets along.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use bellwether_ingest::TargetGroup;

use super::core::{Fingerprint, Found, Part};
use super::{TARGETS_BYTES_MAX, with_place};
use crate::config::prometheus::FileDiscovery;

/// Which file a target was found in.
const FILE_PATH: &str = "__meta_filepath";

/// Reads what has changed.
pub async fn ask(discovery: FileDiscovery, known: BTreeMap<String, Fingerprint>) -> Vec<Part> {
    let read = tokio::task::spawn_blocking(move || read_all(&discovery, &known));
    read.await.unwrap_or_default()
}

fn read_all(discovery: &FileDiscovery, known: &BTreeMap<String, Fingerprint>) -> Vec<Part> {
    let mut parts = BTreeMap::new();
    for pattern in &discovery.files {
        // A pattern was looked at when the configuration was read.
        let Ok(paths) = glob::glob(pattern) else { continue };
        for path in paths.filter_map(Result::ok) {
            let name = path.display().to_string();
            let found = read_one(&path, &name, known.get(&name).copied());
            parts.insert(name, found);
        }
    }
    parts.into_iter().map(|(name, found)| Part { name, found }).collect()
}

fn read_one(path: &Path, name: &str, known: Option<Fingerprint>) -> Found {
    // What it looks like is asked before it is read: what is written meanwhile is seen the next time.
    match fingerprint(path) {
        Ok(now) if known == Some(now) => Found::Unchanged,
        Ok(now) => match bytes(path).and_then(|bytes| TargetGroup::list(name, bytes)) {
            Ok(groups) => Found::Groups(with_place(groups, FILE_PATH, name), Some(now)),
            Err(why) => Found::Failed(why),
        },
        Err(error) => Found::Failed(error.to_string()),
    }
}

fn fingerprint(path: &Path) -> std::io::Result<Fingerprint> {
    let metadata = std::fs::metadata(path)?;
    let written_at = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Fingerprint { bytes: metadata.len(), written_at_ns: written_at.as_nanos() })
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(TARGETS_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match bytes.len() as u64 > TARGETS_BYTES_MAX {
        true => Err(format!("the file is larger than {TARGETS_BYTES_MAX} bytes")),
        false => Ok(bytes),
    }
}
