//! The only door to files. The store asks a [`Disk`] for everything, so that a test can hand in one that loses
//! what was not synced, and the store's promises can be checked against it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the store needs of a file system. File names are unique within the store's one directory.
pub trait Disk: Send + Sync {
    /// Makes a directory and its parents where they are not there; gives those it made. None of them is durable before
    /// the directory it lies in is synced: see [`make_dir`].
    fn create_dir_all(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Names of the files in a directory, in no particular order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Creates an empty file for writing; replaces one that is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// Opens a file that is there, to write at its end.
    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// Opens a file that is there, to read.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>>;
    /// Gives a file another name in the same directory; replaces what had that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file that no longer changes a second name, which may lie in another directory; fails where that cannot be.
    fn link(&self, _from: &Path, _to: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Removes a file. Readers that hold it open may go on reading.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock file for this process; `WouldBlock` when another holds it. Dropping the guard lets go.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>>;
}

/// A file being written at its end.
pub trait WriteFile: Send + Sync {
    /// Writes all bytes; after an error an unknown part of them may have been written.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once everything written is durable. After an error nothing is known about what is.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file being read.
pub trait ReadFile: Send + Sync {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether there is nothing in it.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills the buffer from an offset; `UnexpectedEof` when the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// Holds a lock for as long as it lives.
pub trait LockGuard: Send + Sync {}

/// The operating system's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_dir_all(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let is_missing = |dir: &&Path| !dir.as_os_str().is_empty() && !dir.exists();
        let missing = dir.ancestors().take_while(is_missing).map(Path::to_owned).collect();
        std::fs::create_dir_all(dir)?;
        Ok(missing)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(RealFile(File::create(path)?)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().append(true).open(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn ReadFile>> {
        Ok(Arc::new(RealFile(File::open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        // Windows has no way to sync a directory; its file systems journal names by themselves.
        if cfg!(windows) { Ok(()) } else { File::open(dir)?.sync_all() }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                // Only for whoever is refused; the lock holds without it, also on a full disk.
                let _ = file.set_len(0).and_then(|()| writeln!(&file, "{}", std::process::id()));
                Ok(Box::new(RealLock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

struct RealFile(File);

struct RealLock {
    _file: File,
}

impl LockGuard for RealLock {}

impl WriteFile for RealFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl ReadFile for RealFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, buffer, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            let read = std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            buffer = &mut buffer[read..];
            offset += read as u64;
        }
        Ok(())
    }
}

/// Makes a directory and its parents where they are not there, durably: with a directory that is lost all that was synced in
/// it is lost.
pub fn make_dir(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let made = disk.create_dir_all(dir)?;
    for dir in dir.ancestors() {
        let Some(parent) = dir.parent() else { break };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let synced = disk.sync_dir(parent);
        // Those that were there may have been made by somebody who ended before he came to this. But where we made
        // nothing, we may not be allowed to look, or it may be a place that knows no syncing.
        let is_ours = made.iter().any(|made| made == dir);
        match synced {
            Err(error) if is_ours && error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            Err(_) | Ok(()) => {}
        }
    }
    Ok(())
}

/// Reads a whole file.
pub(crate) fn read_all(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open(path)?;
    let mut bytes = vec![0; file.len()? as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
