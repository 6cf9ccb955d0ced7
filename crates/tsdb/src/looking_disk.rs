//! A disk that is only looked at: whatever would change it does nothing and succeeds. A store opened on it shows what
//! opening would find, also in a directory that a running server has.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, LockGuard, ReadFile, RealDisk, WriteFile};

/// The operating system's file system, without a way to change it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LookingDisk;

struct Nowhere;

impl WriteFile for Nowhere {
    fn write_all(&mut self, _bytes: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct NoLock;

impl LockGuard for NoLock {}

impl Disk for LookingDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::metadata(dir).map(|_| Vec::new())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        RealDisk.list(dir)
    }

    fn create(&self, _path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Nowhere))
    }

    fn append(&self, _path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Nowhere))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        RealDisk.open(path)
    }

    fn rename(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Ok(())
    }

    fn remove(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<Box<dyn LockGuard>> {
        Ok(Box::new(NoLock))
    }
}
