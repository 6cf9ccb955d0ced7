//! A copy of everything acknowledged, in another directory of the same file system, while the store goes on. Segments
//! and closed log files never change, so the copy shares them with the store where the file system can; the log is
//! closed at one moment, which is the moment of the copy.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use crate::disk::{Disk, make_dir, read_all};
use crate::error::DiskError;
use crate::log::log_path;
use crate::series_table::{SERIES_FILE, replace};
use crate::store::Store;

/// What a copy took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyReport {
    /// Files in it.
    pub files: u64,
    /// Bytes in them, most of them shared with the store.
    pub bytes: u64,
    /// Series.
    pub series: u64,
    /// Segments.
    pub segments: u64,
}

impl Store {
    /// Puts a copy into a directory, which must be empty or not there. `before` is called when nothing is removed any
    /// more and before the moment of the copy: what it copies elsewhere is never ahead of this copy's log, and the log
    /// reaches back to it.
    pub fn copy_to<E: From<DiskError>>(
        &self,
        target: &Path,
        before: &mut dyn FnMut() -> Result<(), E>,
    ) -> Result<CopyReport, E> {
        let shared = &self.shared;
        let _no_compaction = shared.compaction.lock().unwrap_or_else(PoisonError::into_inner);
        let mut maintenance = shared.maintain();
        before()?;
        // All that is synced lies in files before this one; series come first, since log files may go after them.
        let file = shared.log.rotate()?;
        maintenance.table.write(|first| shared.read().index.labels_from(first))?;
        let disk = &*shared.disk;
        make_dir(disk, target).map_err(DiskError::at("create", target))?;
        let mut report = CopyReport { series: shared.read().index.len() as u64, ..CopyReport::default() };
        let logs: Vec<(PathBuf, u64)> = {
            let log = shared.log.lock();
            let closed = log.files.iter().filter(|known| known.number < file);
            closed.map(|known| (log_path(&shared.dir, known.number), known.end)).collect()
        };
        for (path, end) in &logs {
            share(disk, path, target, *end, &mut report)?;
        }
        let segments: Vec<(PathBuf, u64)> = {
            let state = shared.read();
            state.segments.iter().map(|segment| (segment.path.clone(), segment.bytes)).collect()
        };
        for (path, bytes) in &segments {
            share(disk, path, target, *bytes, &mut report)?;
            report.segments += 1;
        }
        // This one is appended to, so it cannot be shared.
        let path = shared.dir.join(SERIES_FILE);
        let bytes = read_all(disk, &path).map_err(DiskError::at("read", &path))?;
        replace(disk, target, SERIES_FILE, &bytes)?;
        report.files += 1;
        report.bytes += bytes.len() as u64;
        Ok(report)
    }
}

/// Gives a file a second name in another directory, or copies as much of it as counts.
fn share(
    disk: &dyn Disk,
    path: &Path,
    target: &Path,
    length: u64,
    report: &mut CopyReport,
) -> Result<(), DiskError> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    report.files += 1;
    report.bytes += length;
    let is_whole =
        disk.open(path).and_then(|file| file.len()).map_err(DiskError::at("read", path))? == length;
    if is_whole && disk.link(path, &target.join(name)).is_ok() {
        return Ok(());
    }
    let mut bytes = read_all(disk, path).map_err(DiskError::at("read", path))?;
    bytes.truncate(length as usize);
    replace(disk, target, name, &bytes)
}
