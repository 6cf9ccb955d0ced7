//! The data directory of a Prometheus server: first its blocks, oldest first, then what is only in its log.

use std::fs::File;
use std::path::{Path, PathBuf};

use bellwether_ingest::prometheus_block::{BlockMeta, read_meta};

use super::progress::Unit;
use super::session::{Session, Target, Wanted};
use super::{Stop, block, head};
use crate::cli::import::PrometheusImport;
use crate::failure::Failure;
use crate::output::warn;

/// A block and where it lies.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) dir: PathBuf,
    pub(super) meta: BlockMeta,
}

/// Imports it.
pub fn run(arguments: &PrometheusImport, stop: &Stop) -> Result<(), Failure> {
    let wanted = Wanted::of(&arguments.destination)?;
    let blocks = blocks(&arguments.dir, arguments.skip_damaged)?;
    let has_log = !arguments.blocks_only && arguments.dir.join("wal").is_dir();
    if blocks.is_empty() && !has_log {
        return Err(Failure::wrong(format!(
            "{} has no blocks and no log of a Prometheus server; name the directory that it has as \
             --storage.tsdb.path",
            arguments.dir.display()
        )));
    }
    let _lock = lock(&arguments.dir);
    let target = Target::open(&arguments.destination, stop)?;
    let total = blocks.iter().map(|block| block.meta.samples).sum();
    let source = "prometheus-tsdb";
    let mut session = target.begin(&arguments.destination, wanted, source, (Unit::Samples, total), stop)?;
    let done = import_blocks(&blocks, &mut session, arguments.skip_damaged)?;
    if done > 0 {
        session.summary.done_before = Some((done, "block"));
    }
    if has_log {
        head::import(&arguments.dir, &mut session, arguments.skip_damaged)?;
    }
    session.end(&arguments.destination)?;
    target.close(&arguments.destination)
}

/// Gives how many were done before.
fn import_blocks(blocks: &[Block], session: &mut Session<'_>, skip_damaged: bool) -> Result<u64, Failure> {
    let (mut before, mut read) = (0, 0);
    for block in blocks {
        if session.is_done(&block.meta.ulid) {
            before += 1;
        } else {
            block::import(block, session, read, skip_damaged)?;
        }
        read += block.meta.samples;
        session.advance(0, read)?;
    }
    Ok(before)
}

/// All blocks of a directory, oldest first; or the one that it is.
fn blocks(dir: &Path, skip_damaged: bool) -> Result<Vec<Block>, Failure> {
    if dir.join("meta.json").is_file() {
        return Ok(vec![open(dir)?]);
    }
    let entries = std::fs::read_dir(dir)
        .map_err(|error| Failure::wrong(format!("cannot read the directory {}: {error}", dir.display())))?;
    let mut blocks = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if name.to_str().is_some_and(is_ulid) && path.join("meta.json").is_file() {
            match open(&path) {
                Ok(block) => blocks.push(block),
                Err(failure) if skip_damaged => warn(&format!("left out: {failure}")),
                Err(failure) => return Err(failure),
            }
        }
    }
    // A block that another was made of waits to be removed.
    let parents: Vec<String> = blocks.iter().flat_map(|block| block.meta.parents.iter().cloned()).collect();
    blocks.retain(|block| !parents.contains(&block.meta.ulid));
    blocks.sort_by(|a, b| (a.meta.from, &a.meta.ulid).cmp(&(b.meta.from, &b.meta.ulid)));
    Ok(blocks)
}

fn open(dir: &Path) -> Result<Block, Failure> {
    let path = dir.join("meta.json");
    let text = std::fs::read(&path);
    let text = text.map_err(|error| Failure::failed(format!("cannot read {}: {error}", path.display())))?;
    let meta = read_meta(&text).map_err(|why| Failure::failed(format!("{}: {why}", path.display())))?;
    Ok(Block { dir: dir.to_owned(), meta })
}

/// Twenty-six digits and letters; blocks that are being written or removed have more behind them.
fn is_ulid(name: &str) -> bool {
    name.len() == 26 && name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// While it is held, no Prometheus starts on the directory. One that runs is no obstacle: what it has written comes.
fn lock(dir: &Path) -> Option<File> {
    let file = File::open(dir.join("lock")).ok()?;
    match file.try_lock() {
        Ok(()) => Some(file),
        Err(_) => {
            warn(&format!(
                "a Prometheus runs on {}; what it measures from now on does not come along, and a block that it \
                 removes meanwhile cannot be read: stop it, or import from a snapshot of it",
                dir.display()
            ));
            None
        }
    }
}
