//! Room on the disk that is kept for the last words. When the disk is full the store gives it back and takes no more
//! samples until it has got it again: what must still be written down of alerts is worth more than samples, and
//! whoever asks is told the same thing every time instead of now yes, now no.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::disk::Disk;
use crate::error::DiskError;

pub(crate) const RESERVE_FILE: &str = "reserve";
const DRAFT: &str = "reserve.tmp";
/// Written beside the reserve and removed again: without as much room to spare, the disk would be full the next moment.
const MARGIN: &str = "reserve-margin.tmp";
/// Written in pieces of this size.
const PIECE_BYTES: usize = 256 << 10;

/// The file that takes the room.
pub(crate) struct Reserve {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    bytes: u64,
    is_kept: AtomicBool,
}

impl Reserve {
    /// Takes the room, if there is as much; 0 bytes need none.
    pub(crate) fn open(disk: Arc<dyn Disk>, dir: &Path, bytes: u64) -> Result<Self, DiskError> {
        let reserve = Self { disk, dir: dir.to_owned(), bytes, is_kept: AtomicBool::new(bytes == 0) };
        let path = reserve.path();
        let has = reserve.disk.open(&path).and_then(|file| file.len()).is_ok_and(|length| length == bytes);
        if has {
            reserve.is_kept.store(true, Ordering::Release);
            return Ok(reserve);
        }
        match reserve.restore() {
            Err(error) if !error.is_full() => Err(error),
            Err(_) | Ok(_) => Ok(reserve),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(RESERVE_FILE)
    }

    /// Nothing may be appended while the room is given back.
    pub(crate) fn check(&self) -> Result<(), DiskError> {
        if self.is_kept() {
            return Ok(());
        }
        Err(DiskError::at("write into", &self.path())(io::ErrorKind::StorageFull.into()))
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Acquire)
    }

    /// Gives the room back, if that is what an error asks for.
    pub(crate) fn spend_on(&self, error: &DiskError) {
        if self.bytes > 0 && error.is_full() && self.is_kept.swap(false, Ordering::AcqRel) {
            // If it cannot be removed, there is only less room for the last words.
            let _ = self.disk.remove(&self.path());
        }
    }

    /// Takes the room again; whether it had been given back. Fails while the disk is full.
    pub(crate) fn restore(&self) -> Result<bool, DiskError> {
        if self.is_kept() {
            return Ok(false);
        }
        let [draft, margin] = [DRAFT, MARGIN].map(|name| self.dir.join(name));
        let written = self.write(&draft).and_then(|()| self.write(&margin));
        let _ = self.disk.remove(&margin);
        if written.is_err() {
            let _ = self.disk.remove(&draft);
        }
        written?;
        self.disk.rename(&draft, &self.path()).map_err(DiskError::at("rename", &draft))?;
        self.disk.sync_dir(&self.dir).map_err(DiskError::at("sync", &self.dir))?;
        self.is_kept.store(true, Ordering::Release);
        Ok(true)
    }

    fn write(&self, draft: &Path) -> Result<(), DiskError> {
        let mut file = self.disk.create(draft).map_err(DiskError::at("create", draft))?;
        // Nothing that a file system could leave out or pack. Source of the numbers: S. Vigna, "splitmix64".
        let mut state = self.bytes;
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let mut left = self.bytes;
        while left > 0 {
            piece.clear();
            while piece.len() < PIECE_BYTES.min(left as usize) {
                state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                piece.extend_from_slice(&mixed.to_le_bytes());
            }
            piece.truncate(left as usize);
            file.write_all(&piece).map_err(DiskError::at("write", draft))?;
            left -= piece.len() as u64;
        }
        file.sync().map_err(DiskError::at("sync", draft))
    }
}
