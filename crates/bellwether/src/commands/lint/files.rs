//! The files that `lint` reads: those that are named, and those below folders that may be of a kind we know.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Ends of the names of files that are read in a folder; a file that is named is read whatever it is called.
const READ: [&str; 13] =
    ["yml", "yaml", "md", "markdown", "txt", "tmpl", "tpl", "promql", "json", "sh", "bash", "rules", "rule"];
/// A larger file is none that people wrote.
const BYTES_MAX: u64 = 64 << 20;

/// Names with contents in the order of the names, and a sentence for each that cannot be read.
pub(super) fn read(paths: &[PathBuf]) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let (mut found, mut seen, mut unreadable) = (Vec::new(), BTreeSet::new(), Vec::new());
    for path in paths {
        collect(path, &mut found, &mut unreadable);
    }
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    let mut files = Vec::new();
    for path in found {
        match read_one(&path) {
            Ok(bytes) => files.push((path.display().to_string(), bytes)),
            Err(reason) => unreadable.push(format!("cannot read {}: {reason}", path.display())),
        }
    }
    (files, unreadable)
}

fn read_one(path: &Path) -> Result<Vec<u8>, String> {
    let length = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > BYTES_MAX {
        return Err(format!("it is larger than {} MiB", BYTES_MAX >> 20));
    }
    fs::read(path).map_err(|error| error.to_string())
}

/// A file, or what lies below a folder; links to folders are not followed, since they may lead in circles.
fn collect(path: &Path, found: &mut Vec<PathBuf>, unreadable: &mut Vec<String>) {
    if !path.is_dir() {
        found.push(path.to_owned());
        return;
    }
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => {
            unreadable.push(format!("cannot read {}: {error}", path.display()));
            return;
        }
    };
    let mut below: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    below.sort();
    for path in below {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_read = path.extension().is_some_and(|end| READ.iter().any(|known| end == *known));
        let is_folder = path.is_dir() && !path.is_symlink();
        if !is_hidden && (is_folder || (is_read && path.is_file())) {
            collect(&path, found, unreadable);
        }
    }
}
