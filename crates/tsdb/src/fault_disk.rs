//! A disk in memory that keeps its promises exactly and no further: what was not synced is apart from what was, and
//! is lost, kept or torn when the power goes: bytes of files, page by page, names, directories. For tests; it lives here so
//! that other crates' tests can use it too.

mod power_cut;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, LockGuard, ReadFile, WriteFile};
use power_cut::Random;

/// The disk. Clones share it.
#[derive(Clone, Default)]
pub struct FaultDisk(Arc<Mutex<Inner>>);

/// What is to go wrong. Operations are writes, syncs, creations, links, renames and removals, counted from now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The power goes at this operation; from then on nothing works until [`FaultDisk::restart`].
    pub power_cut_at: Option<u64>,
    /// So many syncs fail, and what they should have made durable never will be.
    pub failing_syncs: u64,
    /// This one operation fails: a write after part of it, a sync as above, everything else without an effect.
    pub failing_at: Option<u64>,
    /// No more than this many bytes fit onto the disk.
    pub capacity_bytes: Option<u64>,
}

/// Invariant: `names` and `names_synced` refer to `inodes` by position.
#[derive(Default)]
struct Inner {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    names_synced: BTreeMap<PathBuf, usize>,
    /// Directories that were made, and whether they are synced.
    dirs: BTreeMap<PathBuf, bool>,
    locked: BTreeMap<PathBuf, u64>,
    faults: Faults,
    operations: u64,
    is_off: bool,
    /// Counts restarts; handles from before do not work any more.
    epoch: u64,
}

#[derive(Default)]
struct Inode {
    bytes: Vec<u8>,
    synced: usize,
    /// Bytes from here on were given up by a failed sync: later syncs say yes and do nothing for them.
    forgotten: Option<usize>,
}

impl FaultDisk {
    /// A disk on which nothing goes wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what is to go wrong, counting operations from now.
    pub fn set_faults(&self, faults: Faults) {
        let mut inner = self.lock();
        inner.faults = faults;
        inner.operations = 0;
    }

    /// What is to go wrong now.
    pub fn faults(&self) -> Faults {
        self.lock().faults
    }

    /// Bytes that still fit onto the disk.
    pub fn bytes_left(&self) -> u64 {
        let inner = self.lock();
        inner.faults.capacity_bytes.map_or(u64::MAX, |capacity| capacity.saturating_sub(inner.used_bytes()))
    }

    /// Operations since faults were set.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.lock().is_off
    }

    /// Cuts the power and switches it on again: of what was not synced, each file keeps a random part and perhaps a
    /// torn end, and each name that was not synced is there or not. The seed decides.
    pub fn restart(&self, seed: u64) {
        let mut inner = self.lock();
        let mut random = Random(seed);
        inner.lose_unsynced(&mut random);
        inner.begin_anew();
    }

    /// Ends the process but not the machine: everything written is there, handles and locks are not.
    pub fn kill(&self) {
        self.lock().begin_anew();
    }

    /// A file's bytes, to be looked at.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let inner = self.lock();
        inner.names.get(path).map(|inode| inner.inodes[*inode].bytes.clone())
    }

    /// Puts a file there, synced; for damage and for files from elsewhere.
    pub fn set_bytes(&self, path: &Path, bytes: Vec<u8>) {
        let mut inner = self.lock();
        inner.inodes.push(Inode { synced: bytes.len(), bytes, forgotten: None });
        let inode = inner.inodes.len() - 1;
        inner.names.insert(path.to_owned(), inode);
        inner.names_synced.insert(path.to_owned(), inode);
        for dir in path.ancestors().skip(1).filter(|dir| !is_root(dir)) {
            inner.dirs.insert(dir.to_owned(), true);
        }
    }

    /// Damages a file where it lies: whoever has it open reads the damage.
    pub fn damage(&self, path: &Path, damage: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.lock();
        let Some(inode) = inner.names.get(path).copied() else { return };
        let inode = &mut inner.inodes[inode];
        damage(&mut inode.bytes);
        inode.synced = inode.synced.min(inode.bytes.len());
    }

    /// An independent copy as it is now, power on.
    pub fn copy(&self) -> Self {
        let inner = self.lock();
        let copy = Self::new();
        for (path, inode) in &inner.names {
            copy.set_bytes(path, inner.inodes[*inode].bytes.clone());
        }
        copy
    }

    /// Paths of all files.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.lock().names.keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts an operation; fails when the power is off or goes off with it, or when this is the one that fails.
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        self.is_off |= self.faults.power_cut_at.is_some_and(|at| self.operations >= at);
        self.powered()?;
        let fails = self.faults.failing_at == Some(self.operations);
        if fails { Err(io::Error::other("the disk reports an error")) } else { Ok(()) }
    }

    fn powered(&self) -> io::Result<()> {
        if self.is_off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    fn begin_anew(&mut self) {
        self.is_off = false;
        self.faults = Faults::default();
        self.locked.clear();
        self.epoch += 1;
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.powered()?;
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Whether the directory is there in which a file is to be.
    fn find_dir(&self, path: &Path) -> io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new(""));
        let is_there = is_root(dir) || self.dirs.contains_key(dir);
        if is_there { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn used_bytes(&self) -> u64 {
        let inodes: BTreeSet<usize> = self.names.values().copied().collect();
        inodes.into_iter().map(|inode| self.inodes[inode].bytes.len() as u64).sum()
    }
}

/// What was there before anything was made.
fn is_root(dir: &Path) -> bool {
    dir.parent().is_none()
}

impl Disk for FaultDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut inner = self.lock();
        inner.powered()?;
        let is_missing = |dir: &&Path| !is_root(dir) && !inner.dirs.contains_key(*dir);
        let missing: Vec<PathBuf> = dir.ancestors().take_while(is_missing).map(Path::to_owned).collect();
        for made in missing.iter().rev() {
            inner.operate()?;
            inner.dirs.insert(made.clone(), false);
        }
        Ok(missing)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let inner = self.lock();
        inner.powered()?;
        let inside = inner.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let mut inner = self.lock();
        inner.operate()?;
        inner.find_dir(path)?;
        inner.inodes.push(Inode::default());
        let inode = inner.inodes.len() - 1;
        inner.names.insert(path.to_owned(), inode);
        Ok(Box::new(Handle { disk: self.clone(), inode, epoch: inner.epoch }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let inner = self.lock();
        Ok(Box::new(Handle { disk: self.clone(), inode: inner.find(path)?, epoch: inner.epoch }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        let inner = self.lock();
        Ok(Arc::new(Handle { disk: self.clone(), inode: inner.find(path)?, epoch: inner.epoch }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operate()?;
        let inode = inner.find(from)?;
        inner.names.remove(from);
        inner.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operate()?;
        inner.find_dir(to)?;
        let inode = inner.find(from)?;
        inner.names.insert(to.to_owned(), inode);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operate()?;
        inner.find(path)?;
        inner.names.remove(path);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut inner = self.lock();
        inner.operate()?;
        let dir = if dir == Path::new(".") { Path::new("") } else { dir };
        let inside = |path: &Path| path.parent() == Some(dir);
        inner.dirs.iter_mut().filter(|(path, _)| inside(path)).for_each(|(_, is_synced)| *is_synced = true);
        let names: Vec<_> =
            inner.names.iter().filter(|(p, _)| inside(p)).map(|(p, i)| (p.clone(), *i)).collect();
        inner.names_synced.retain(|path, _| !inside(path));
        inner.names_synced.extend(names);
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut inner = self.lock();
        inner.powered()?;
        if inner.locked.contains_key(path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let epoch = inner.epoch;
        inner.locked.insert(path.to_owned(), epoch);
        Ok(Box::new(Lock { disk: self.clone(), path: path.to_owned(), epoch }))
    }
}

struct Handle {
    disk: FaultDisk,
    inode: usize,
    epoch: u64,
}

impl Handle {
    fn inner(&self) -> io::Result<MutexGuard<'_, Inner>> {
        let inner = self.disk.lock();
        inner.powered()?;
        let is_current = inner.epoch == self.epoch;
        if is_current { Ok(inner) } else { Err(io::Error::other("the process that opened the file is gone")) }
    }
}

impl WriteFile for Handle {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.inner()?;
        // A write that the power cut interrupts has reached the cache, from where it may reach the disk or not.
        let operated = inner.operate();
        let room = inner.faults.capacity_bytes.map(|c| c.saturating_sub(inner.used_bytes()) as usize);
        let mut fitting = room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if operated.is_err() && !inner.is_off {
            fitting = fitting.min(Random(inner.operations).below(bytes.len() as u64 + 1) as usize);
        }
        inner.inodes[self.inode].bytes.extend_from_slice(&bytes[..fitting]);
        operated?;
        if fitting < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.inner()?;
        let operated = inner.operate();
        inner.powered()?;
        if operated.is_err() || inner.faults.failing_syncs > 0 {
            inner.faults.failing_syncs = inner.faults.failing_syncs.saturating_sub(1);
            let inode = &mut inner.inodes[self.inode];
            inode.forgotten.get_or_insert(inode.synced);
            return Err(io::Error::other("the disk reports an error"));
        }
        let inode = &mut inner.inodes[self.inode];
        inode.synced = inode.forgotten.unwrap_or(inode.bytes.len());
        Ok(())
    }
}

impl ReadFile for Handle {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner()?.inodes[self.inode].bytes.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let inner = self.inner()?;
        let bytes = &inner.inodes[self.inode].bytes;
        let end = usize::try_from(offset).ok().and_then(|start| start.checked_add(buffer.len()));
        let part = end.and_then(|end| bytes.get(offset as usize..end));
        buffer.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

struct Lock {
    disk: FaultDisk,
    path: PathBuf,
    epoch: u64,
}

impl LockGuard for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut inner = self.disk.lock();
        if inner.locked.get(&self.path) == Some(&self.epoch) {
            inner.locked.remove(&self.path);
        }
    }
}
