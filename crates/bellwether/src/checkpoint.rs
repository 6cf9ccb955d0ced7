//! The ledger's checkpoint as files: `blocks-N` grows, `head` is replaced. The head is written last and names the
//! blocks file it belongs to, so that a crash at any moment leaves the checkpoint before it or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::LogPosition;
use bellwether_slo::{BlocksFile, Checkpoint, EngineSettings, Slo, SloEngine};
use bellwether_tsdb::Store;

/// How often it is tried to copy a checkpoint that others take the place of.
const COPY_ATTEMPTS: usize = 5;

/// The files of one ledger.
#[derive(Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    /// Number of the blocks file in use.
    number: u64,
    /// Highest number ever tried: after a failed write nobody knows which file the head on the disk names, so that
    /// none may be written over.
    number_tried: u64,
    /// Whether the next checkpoint must begin a new blocks file.
    rewrite: bool,
}

/// What was found.
#[derive(Debug)]
pub enum Found {
    /// The ledger as it was, and the place in the log from which to go on.
    Ledger(Box<SloEngine>, LogPosition),
    /// There is none yet.
    Nothing,
    /// There is one, but it cannot be used.
    Unusable(String),
}

impl Checkpoints {
    /// In a folder, which exists; with what it holds.
    pub fn open(folder: &Path, slos: Vec<Arc<Slo>>, settings: EngineSettings) -> io::Result<(Self, Found)> {
        let mut checkpoints = Self { folder: folder.to_owned(), number: 0, number_tried: 0, rewrite: true };
        let head = match fs::read(head_path(folder)) {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((checkpoints, Found::Nothing));
            }
            Err(error) => return Err(error),
        };
        let Some((number, head)) = split_number(&head) else {
            return Ok((checkpoints, Found::Unusable("its head is cut off".to_owned())));
        };
        (checkpoints.number, checkpoints.number_tried) = (number, number);
        let blocks = match fs::read(blocks_path(folder, number)) {
            Ok(blocks) => blocks,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let found = match SloEngine::restore(slos, settings, head, &blocks) {
            Ok((engine, position)) => {
                checkpoints.rewrite = false;
                Found::Ledger(Box::new(engine), position)
            }
            Err(error) => Found::Unusable(error.to_string()),
        };
        Ok((checkpoints, found))
    }

    /// What the ledger is after everything before a position of the log, to be written with [`Draft::write`].
    pub fn draft(&mut self, engine: &mut SloEngine, position: LogPosition) -> Draft {
        let (blocks, number) = match self.rewrite || engine.blocks_are_outdated() {
            true => (BlocksFile::Rewrite, self.number_tried + 1),
            false => (BlocksFile::Append, self.number),
        };
        self.number_tried = self.number_tried.max(number);
        let checkpoint = engine.checkpoint(position, blocks);
        // Until it is known to be written, the one after it must not go on with it.
        self.rewrite = true;
        Draft { folder: self.folder.clone(), number, blocks, checkpoint }
    }

    /// Says that a draft was written whole, and no other since.
    pub fn written(&mut self, draft: &Draft) {
        self.rewrite = false;
        // Those before are no longer named by any head.
        for old in self.number..draft.number {
            let _ = fs::remove_file(blocks_path(&self.folder, old));
        }
        self.number = draft.number;
    }
}

/// A checkpoint on its way to the disk.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    number: u64,
    blocks: BlocksFile,
    checkpoint: Checkpoint,
}

impl Draft {
    /// Writes it. This waits for the disk, so it needs nothing that others wait for.
    pub fn write(&self) -> io::Result<()> {
        let Checkpoint { new_blocks, head, blocks_len } = &self.checkpoint;
        if self.blocks == BlocksFile::Rewrite || !new_blocks.is_empty() {
            let start = blocks_len - new_blocks.len() as u64;
            write_blocks(&blocks_path(&self.folder, self.number), start, new_blocks)?;
        }
        self.replace_head(head)
    }

    fn replace_head(&self, head: &[u8]) -> io::Result<()> {
        let new = self.folder.join("head.new");
        let mut file = File::create(&new)?;
        file.write_all(&self.number.to_le_bytes())?;
        file.write_all(head)?;
        file.sync_all()?;
        fs::rename(&new, head_path(&self.folder))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Copies the checkpoint that is in force into another folder, durably, also while newer ones are written.
pub fn copy(folder: &Path, target: &Path) -> io::Result<()> {
    fs::create_dir_all(target)?;
    for _ in 0..COPY_ATTEMPTS {
        let head = match fs::read(head_path(folder)) {
            Ok(head) => head,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let Some((number, _)) = split_number(&head) else { return Ok(()) };
        // Longer than the head knows, if it grows meanwhile: what is behind is cut off by the next checkpoint.
        let blocks = match fs::read(blocks_path(folder, number)) {
            Ok(blocks) => Some(blocks),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if blocks.is_none() && fs::read(head_path(folder))? != head {
            continue; // another one began in between
        }
        for (path, bytes) in
            [(blocks_path(target, number), blocks.unwrap_or_default()), (head_path(target), head)]
        {
            let mut file = File::create(path)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
        }
        return File::open(target)?.sync_all();
    }
    Err(io::Error::other("the counts are written anew again and again; try once more"))
}

fn head_path(folder: &Path) -> PathBuf {
    folder.join("head")
}

fn blocks_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("blocks-{number}"))
}

fn split_number(head: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = head.split_first_chunk::<8>()?;
    Some((u64::from_le_bytes(*number), rest))
}

/// Cuts off what a crash left behind `start`, then appends.
fn write_blocks(path: &Path, start: u64, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    if file.seek(SeekFrom::End(0))? < start {
        let message = format!("{} is shorter than the checkpoint that goes on with it", path.display());
        return Err(io::Error::other(message));
    }
    file.set_len(start)?;
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The number of series, all of them durable, so that those not sampled yet can be announced before the ledger is
/// written down: their creation lies before the place in the log from which a fold goes on, which would take them
/// for old. None if they cannot be made durable: after a crash their numbers may be given to others.
pub fn durable_series(store: &Store) -> u32 {
    let series = u32::try_from(store.stats().series).unwrap_or(u32::MAX);
    if store.sync().is_ok() { series } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty_folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bellwether-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn open(folder: &Path) -> (Checkpoints, Found) {
        Checkpoints::open(folder, Vec::new(), EngineSettings::default()).unwrap()
    }

    fn at(offset: u64) -> LogPosition {
        LogPosition { file: 1, offset }
    }

    /// Where a restart would go on; 0 without a checkpoint.
    fn found(folder: &Path) -> u64 {
        match open(folder).1 {
            Found::Ledger(_, position) => position.offset,
            Found::Nothing | Found::Unusable(_) => 0,
        }
    }

    fn blocks_files(folder: &Path) -> usize {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("blocks-")).count()
    }

    fn write(checkpoints: &mut Checkpoints, engine: &mut SloEngine, at: LogPosition) -> io::Result<()> {
        let draft = checkpoints.draft(engine, at);
        draft.write().map(|()| checkpoints.written(&draft))
    }

    #[test]
    fn a_draft_that_nobody_wrote_leaves_the_checkpoint_before_and_the_next_one_is_whole() {
        let folder = empty_folder("draft");
        let found = || found(&folder);
        let mut engine = SloEngine::new(Vec::new(), EngineSettings::default());
        let mut checkpoints = open(&folder).0;
        write(&mut checkpoints, &mut engine, at(1)).unwrap();
        write(&mut checkpoints, &mut engine, at(2)).unwrap();
        assert_eq!((found(), blocks_files(&folder)), (2, 1));
        let lost = checkpoints.draft(&mut engine, at(3));
        assert_eq!(found(), 2, "a draft is not on the disk");
        drop(lost);
        let draft = checkpoints.draft(&mut engine, at(4));
        assert_eq!(draft.blocks, BlocksFile::Rewrite);
        draft.write().unwrap();
        assert_eq!((found(), blocks_files(&folder)), (4, 2), "a crash here leaves a file too many");
        checkpoints.written(&draft);
        assert_eq!((found(), blocks_files(&folder)), (4, 1));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_leaves_the_one_before() {
        let folder = empty_folder("checkpoint");
        let found = || found(&folder);
        let mut engine = SloEngine::new(Vec::new(), EngineSettings::default());
        let mut checkpoints = open(&folder).0;
        write(&mut checkpoints, &mut engine, at(1)).unwrap();
        assert_eq!(found(), 1);
        let in_the_way = folder.join("head.new");
        fs::create_dir(&in_the_way).unwrap();
        for _ in 0..3 {
            write(&mut checkpoints, &mut engine, at(2)).unwrap_err();
            assert_eq!(found(), 1);
        }
        assert!(checkpoints.number_tried > checkpoints.number + 1, "no file is written over");
        fs::remove_dir(&in_the_way).unwrap();
        write(&mut checkpoints, &mut engine, at(3)).unwrap();
        assert_eq!((found(), blocks_files(&folder)), (3, 1));
        fs::remove_dir_all(&folder).unwrap();
    }
}
