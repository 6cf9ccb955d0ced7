//! Which numbers of series a store's files can speak of. Numbers are given one after the other, and each is written down
//! when it is: there cannot be more of them than records fit into the files. One beyond that was written by no store,
//! however right its checksum is, and making room for it would take memory and hours for a file of some hundred bytes.

use std::path::Path;

use bellwether_model::SeriesId;

use crate::disk::Disk;
use crate::error::DiskError;
use crate::log::log_number;
use crate::segment::segment_number;
use crate::series_table::{SERIES_BYTES_MIN, SERIES_FILE};

/// Numbers more than are accounted for: a log may have lost some of its end.
const SLACK: u64 = 1 << 16;
/// The same while segments are there but not the file of series, which only a person can have taken away.
const SLACK_WITHOUT_FILE: u64 = 1 << 24;

/// All numbers that can have been given are below it.
#[derive(Clone, Copy)]
pub(crate) struct NumberBound(u64);

impl NumberBound {
    /// That of the files in a directory.
    pub(crate) fn of(disk: &dyn Disk, dir: &Path, names: &[String]) -> Result<Self, DiskError> {
        let mut bytes = 0;
        for name in names.iter().filter(|name| *name == SERIES_FILE || log_number(name).is_some()) {
            let path = dir.join(name);
            let length =
                disk.open(&path).and_then(|file| file.len()).map_err(DiskError::at("read", &path))?;
            bytes += length;
        }
        let is_there = |name: &String| name == SERIES_FILE;
        let is_lost = !names.iter().any(is_there) && names.iter().any(|name| segment_number(name).is_some());
        Ok(Self(bytes / SERIES_BYTES_MIN + if is_lost { SLACK_WITHOUT_FILE } else { SLACK }))
    }

    pub(crate) fn allows(self, id: SeriesId) -> bool {
        u64::from(id.0) < self.0
    }
}
