//! The engine's state as bytes, so that a restart replays only the end of the sample log.
//!
//! Sealed blocks never change and are most of the state, so each is appended once to a *blocks file*. The *head* is
//! written anew each time: log position, recent slots, previous values, alert states, and how much of the blocks
//! file belongs to it. What lies behind that length was written by a checkpoint whose head was lost, and is cut
//! off before more is appended. Both carry a version and checksums. The shell does the files.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bellwether_model::{LogPosition, Sample, SeriesId, TimeDelta};

use crate::alert::state::{AlertKey, AlertName, AlertState};
use crate::definition::Slo;
use crate::engine::{EngineSettings, SloEngine};
use crate::goal::Counts;
use crate::indicator::Indicator;
use crate::ledger::blocks::{Block, Blocks, Totals};
use crate::ledger::checkpoint_late::{read_recent, write_recent};
use crate::ledger::checkpoint_natives::{read_natives, write_natives};
use crate::ledger::coverage::{Coverage, Run};
use crate::ledger::sli::{Bound, Histogram, Sli, Weight};
use crate::ledger::stream::{Stream, Unlocated};
use crate::ledger::wire::{Reader, Writer, read_all, write_all};
use crate::ledger::{Contribution, Credit, Ledger, NONE, Source, Target, TargetKey};

/// First bytes of a head; a version follows.
const HEAD_MAGIC: &[u8; 7] = b"BWSLOHD";
/// What is written. Version 2 may hold answers to questions among the targets, and has native histograms and starts;
/// version 3 has the recent samples of series that may come late.
const VERSION: u8 = 3;
/// The oldest version that is still read.
const VERSION_MIN: u8 = 1;
/// A blocks file shorter than this is not worth being written anew.
const OUTDATED_BYTES_MIN: u64 = 1 << 16;
/// First byte of a block's record; tells a record from zeros behind the end.
const BLOCK_MARK: u8 = 0xb1;

/// Whether new blocks are put behind those already written, or all of them are written to a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlocksFile {
    /// Append to the file as the last checkpoint left it.
    Append,
    /// Write a new file: there is none yet, the last write failed, or it has grown too long.
    Rewrite,
}

/// What to write: first the blocks, then (after they are safe) the head, in place of the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Bytes to append to the blocks file, or to begin a new one with.
    pub new_blocks: Vec<u8>,
    /// The head.
    pub head: Vec<u8>,
    /// Length of the blocks file once `new_blocks` is written; cut off whatever lies behind it.
    pub blocks_len: u64,
}

/// Why a checkpoint cannot be used. Fold over the whole log instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Not a head of a version known here.
    #[error("the checkpoint has an unknown format or version")]
    UnknownVersion,
    /// The head's checksum does not fit.
    #[error("the checkpoint is damaged: its checksum does not fit")]
    Checksum,
    /// The head is whole but makes no sense.
    #[error("the checkpoint contradicts itself")]
    Malformed,
    /// The checkpoint divides time differently.
    #[error("the checkpoint was written with slots of {written}, now they are {wanted}")]
    OtherSlots {
        /// Slot length of the checkpoint.
        written: TimeDelta,
        /// Slot length wanted.
        wanted: TimeDelta,
    },
    /// The blocks file is shorter than the head says.
    #[error("the blocks file has {found} bytes where the checkpoint needs {needed}")]
    BlocksTooShort {
        /// Bytes the head speaks of.
        needed: u64,
        /// Bytes there are.
        found: u64,
    },
    /// A block cannot be read.
    #[error("the blocks file is damaged at byte {at}")]
    DamagedBlock {
        /// Where the record starts.
        at: u64,
    },
}

impl SloEngine {
    /// The state after everything before a log position, as bytes. What was given out counts as written: after a
    /// failed write ask with [`BlocksFile::Rewrite`].
    pub fn checkpoint(&mut self, position: LogPosition, blocks: BlocksFile) -> Checkpoint {
        if blocks == BlocksFile::Rewrite {
            self.blocks_written.clear();
            self.blocks_len = 0;
        }
        let mut new_blocks = Writer::default();
        for (index, stream) in self.ledger.streams.iter().enumerate() {
            let Some(stream) = stream else { continue };
            let index = index as u32;
            let written = self.blocks_written.get(&index).copied().unwrap_or_default();
            for block in stream.blocks.since(written) {
                write_block(&mut new_blocks, index, &block);
            }
            self.blocks_written.insert(index, stream.blocks.first_number + stream.blocks.len() as u64);
        }
        self.blocks_len += new_blocks.bytes.len() as u64;
        Checkpoint {
            new_blocks: new_blocks.bytes,
            head: write_head(self, position),
            blocks_len: self.blocks_len,
        }
    }

    /// Whether most of the blocks file is of minutes that are no longer kept, or of streams that are gone.
    pub fn blocks_are_outdated(&self) -> bool {
        let record = |stream: &Stream| {
            stream.blocks.len() * (BLOCK_HEADER_BYTES + size_of::<u32>()) + stream.blocks.payload_bytes()
        };
        let kept: usize = self.ledger.streams.iter().flatten().map(record).sum();
        self.blocks_len > (2 * kept as u64).max(OUTDATED_BYTES_MIN)
    }

    /// An engine as it was when a checkpoint was written, with the position from which to fold on. Objectives may
    /// have changed meanwhile: what is known of indicators that stay is kept.
    pub fn restore(
        slos: Vec<Arc<Slo>>,
        settings: EngineSettings,
        head: &[u8],
        blocks: &[u8],
    ) -> Result<(Self, LogPosition), RestoreError> {
        let (version, body) = check_head(head)?;
        let mut engine = Self::new(Vec::new(), settings);
        let mut reader = Reader::new(body);
        let start = read_start(&mut reader).ok_or(RestoreError::Malformed)?;
        let wanted = TimeDelta(engine.ledger.grid.slot_ms);
        if start.slot != wanted {
            return Err(RestoreError::OtherSlots { written: start.slot, wanted });
        }
        let indicators = slos.iter().flat_map(|slo| slo.indicator.with_base());
        let indicators: BTreeMap<String, Indicator> =
            indicators.map(|indicator| (indicator.key(), indicator)).collect();
        read_ledger(&mut reader, &mut engine.ledger, &indicators, version).ok_or(RestoreError::Malformed)?;
        read_alerts(&mut reader, &mut engine).ok_or(RestoreError::Malformed)?;
        if !engine.ledger.is_consistent() {
            return Err(RestoreError::Malformed);
        }
        let found = blocks.len() as u64;
        if found < start.blocks_len {
            return Err(RestoreError::BlocksTooShort { needed: start.blocks_len, found });
        }
        read_blocks(&blocks[..start.blocks_len as usize], &mut engine)?;
        engine.blocks_len = start.blocks_len;
        engine.take_slos(slos);
        engine.has_changed = true;
        Ok((engine, start.position))
    }
}

struct Start {
    position: LogPosition,
    slot: TimeDelta,
    blocks_len: u64,
}

fn write_head(engine: &SloEngine, position: LogPosition) -> Vec<u8> {
    let mut w = Writer { bytes: HEAD_MAGIC.to_vec() };
    w.u8(VERSION);
    w.u64(position.file);
    w.u64(position.offset);
    w.i64(engine.ledger.grid.slot_ms);
    w.u64(engine.blocks_len);
    write_ledger(&mut w, &engine.ledger);
    write_alerts(&mut w, &engine.alerts);
    let sum = crc32fast::hash(&w.bytes);
    w.u32(sum);
    w.bytes
}

/// The version and what follows it.
fn check_head(head: &[u8]) -> Result<(u8, &[u8]), RestoreError> {
    let version = head.strip_prefix(HEAD_MAGIC).and_then(|rest| rest.first()).copied();
    let is_known = |version: &u8| (VERSION_MIN..=VERSION).contains(version);
    let version = version.filter(is_known).ok_or(RestoreError::UnknownVersion)?;
    let (body, sum) = head.split_last_chunk::<4>().ok_or(RestoreError::Checksum)?;
    if body.len() <= HEAD_MAGIC.len() || crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return Err(RestoreError::Checksum);
    }
    Ok((version, &body[HEAD_MAGIC.len() + 1..]))
}

fn read_start(r: &mut Reader<'_>) -> Option<Start> {
    let position = LogPosition { file: r.u64()?, offset: r.u64()? };
    Some(Start { position, slot: r.delta()?, blocks_len: r.u64()? })
}

fn write_block(w: &mut Writer, stream: u32, block: &Block<'_>) {
    let start = w.bytes.len();
    w.u8(BLOCK_MARK);
    w.u32(stream);
    w.u64(block.number);
    write_totals(w, block.before);
    w.len(block.payload.len());
    w.bytes.extend_from_slice(block.payload);
    let sum = crc32fast::hash(&w.bytes[start..]);
    w.u32(sum);
}

/// Bytes of a block's record around its payload: mark, stream, number, totals, length, checksum.
const BLOCK_HEADER_BYTES: usize = 1 + 4 + 8 + 24 + 4;

fn read_blocks(bytes: &[u8], engine: &mut SloEngine) -> Result<(), RestoreError> {
    let mut at = 0;
    while at < bytes.len() {
        let len = read_block(&bytes[at..], engine).ok_or(RestoreError::DamagedBlock { at: at as u64 })?;
        at += len;
    }
    Ok(())
}

/// Reads one record and gives its length. Records of streams that are gone, and blocks that have become too old, are
/// passed over.
fn read_block(bytes: &[u8], engine: &mut SloEngine) -> Option<usize> {
    let mut r = Reader::new(bytes);
    if r.u8()? != BLOCK_MARK {
        return None;
    }
    let (stream, number, before) = (r.u32()?, r.u64()?, read_totals(&mut r)?);
    let len = r.len()?;
    let payload = r.take(len)?;
    if r.u32()? != crc32fast::hash(&bytes[..BLOCK_HEADER_BYTES + len]) {
        return None;
    }
    let record_len = BLOCK_HEADER_BYTES + len + 4;
    let Some(Some(known)) = engine.ledger.streams.get_mut(stream as usize) else { return Some(record_len) };
    if number >= known.blocks.first_number {
        known.blocks.restore(&Block { number, before, payload })?;
        engine.blocks_written.insert(stream, number + 1);
    }
    Some(record_len)
}

fn write_totals(w: &mut Writer, totals: Totals) {
    w.f64(totals.bad);
    w.f64(totals.total);
    w.i64(totals.measured_ms);
}

fn read_totals(r: &mut Reader<'_>) -> Option<Totals> {
    Some(Totals { bad: r.f64()?, total: r.f64()?, measured_ms: r.i64()? })
}

fn write_ledger(w: &mut Writer, ledger: &Ledger) {
    w.maybe_time(ledger.last_batch);
    w.maybe_time(ledger.resumed_at);
    w.maybe_time(ledger.last_sweep);
    write_all(w, ledger.slis.iter(), |w, sli| {
        w.flag(sli.is_some());
        if let Some(sli) = sli {
            write_sli(w, sli);
        }
    });
    write_all(w, ledger.streams.iter(), |w, stream| {
        w.flag(stream.is_some());
        if let Some(stream) = stream {
            write_stream(w, stream);
        }
    });
    write_all(w, ledger.sources.iter(), write_source);
    write_all(w, ledger.targets.iter(), write_target);
    write_all(w, ledger.target_by_key.iter(), |w, (key, index)| {
        match key {
            TargetKey::Scraped(up) => {
                w.u8(0);
                w.u32(up.0);
            }
            TargetKey::Pushed { job, instance } => {
                w.u8(1);
                w.text(job);
                w.text(instance);
            }
            TargetKey::Asked { indicator, labels } => {
                w.u8(2);
                w.text(indicator);
                w.labels(labels);
            }
        }
        w.u32(*index);
    });
    write_natives(w, ledger);
    write_recent(w, ledger);
}

fn read_ledger(
    r: &mut Reader<'_>,
    ledger: &mut Ledger,
    indicators: &BTreeMap<String, Indicator>,
    version: u8,
) -> Option<()> {
    (ledger.last_batch, ledger.resumed_at, ledger.last_sweep) =
        (r.maybe_time()?, r.maybe_time()?, r.maybe_time()?);
    ledger.slis = read_all(r, |r| if r.flag()? { read_sli(r, indicators) } else { Some(None) })?;
    let grid = ledger.grid;
    let blank = || Stream::new(grid, NONE, bellwether_model::Labels::empty());
    ledger.streams = read_all(r, |r| if r.flag()? { read_stream(r, blank()).map(Some) } else { Some(None) })?;
    ledger.sources = read_all(r, read_source)?;
    for index in 0..ledger.sources.len() {
        ledger.index_source(ledger.sources[index].id, index as u32);
    }
    ledger.targets = read_all(r, read_target)?;
    let keys = read_all(r, |r| {
        let key = match r.u8()? {
            0 => TargetKey::Scraped(SeriesId(r.u32()?)),
            1 => TargetKey::Pushed { job: r.text()?.to_owned(), instance: r.text()?.to_owned() },
            2 => TargetKey::Asked { indicator: r.text()?.to_owned(), labels: r.labels()? },
            _ => return None,
        };
        Some((key, r.u32()?))
    })?;
    ledger.target_by_key = keys.into_iter().collect();
    if version >= 2 {
        read_natives(r, ledger)?;
    }
    if version >= 3 {
        read_recent(r, ledger)?;
    }
    for index in 0..ledger.slis.len() {
        if ledger.slis[index].is_none() {
            ledger.forget(index);
        }
    }
    Some(())
}

fn write_sli(w: &mut Writer, sli: &Sli) {
    w.text(&sli.key);
    w.u32(sli.everything);
    w.u64(sli.refused);
    w.flag(sli.is_new);
    write_all(w, sli.groups.iter(), |w, (labels, stream)| {
        w.labels(labels);
        w.u32(*stream);
    });
    write_all(w, sli.histograms.iter(), |w, (labels, histogram)| {
        w.labels(labels);
        write_all(w, histogram.buckets.iter(), |w, (bound, members)| {
            w.f64(bound.0);
            write_all(w, members.iter(), |w, member| w.u32(*member));
        });
        for members in [&histogram.infinite, &histogram.counts] {
            write_all(w, members.iter(), |w, member| w.u32(*member));
        }
    });
}

/// The indicator itself comes from the objectives that are loaded now, by its key; without one, nothing is left of it.
fn read_sli(r: &mut Reader<'_>, indicators: &BTreeMap<String, Indicator>) -> Option<Option<Sli>> {
    let (key, everything) = (r.text()?.to_owned(), r.u32()?);
    let (refused, is_new) = (r.u64()?, r.flag()?);
    let groups = read_all(r, |r| Some((r.labels()?, r.u32()?)))?;
    let members = |r: &mut Reader<'_>| read_all(r, |r| r.u32()).map(|m| m.into_iter().collect());
    let histograms = read_all(r, |r| {
        let labels = r.labels()?;
        let buckets = read_all(r, |r| Some((Bound(r.f64()?), members(r)?)))?.into_iter().collect();
        Some((
            labels,
            Histogram { buckets, infinite: members(r)?, counts: members(r)?, ..Histogram::default() },
        ))
    })?;
    let (groups, histograms) = (groups.into_iter().collect(), histograms.into_iter().collect());
    let indicator = indicators.get(&key).cloned();
    Some(indicator.map(|indicator| Sli { key, indicator, everything, groups, histograms, refused, is_new }))
}

fn write_stream(w: &mut Writer, s: &Stream) {
    w.u32(s.sli);
    w.labels(&s.labels);
    w.i64(s.interval.0);
    w.i64(s.first_slot);
    write_totals(w, s.before_recent);
    write_totals(w, s.before_tail);
    w.u64(s.blocks.first_number);
    w.maybe_i64(s.start_slot);
    w.maybe_time(s.watermark);
    w.f64(s.late_events);
    write_all(w, s.recent.iter(), |w, (bad, total)| {
        w.f64(*bad);
        w.f64(*total);
    });
    write_all(w, s.tail.iter(), |w, minute| write_totals(w, *minute));
    write_all(w, s.coverage.runs().iter(), |w, run| {
        w.i64(run.start);
        w.u32(run.measured);
        w.u32(run.contributing);
    });
    write_all(w, s.unlocated.iter(), |w, gap| {
        w.i64(gap.slots.0);
        w.i64(gap.slots.1);
        w.f64(gap.counts.bad);
        w.f64(gap.counts.total);
    });
}

fn read_stream(r: &mut Reader<'_>, blank: Stream) -> Option<Stream> {
    Some(Stream {
        sli: r.u32()?,
        labels: r.labels()?,
        interval: r.delta()?,
        first_slot: r.i64()?,
        before_recent: read_totals(r)?,
        before_tail: read_totals(r)?,
        blocks: Blocks::starting_at(r.u64()?),
        start_slot: r.maybe_i64()?,
        watermark: r.maybe_time()?,
        late_events: r.f64()?,
        recent: VecDeque::from(read_all(r, |r| Some((r.f64()?, r.f64()?)))?),
        tail: read_all(r, read_totals)?,
        coverage: Coverage::from_runs(read_all(r, |r| {
            Some(Run { start: r.i64()?, measured: r.u32()?, contributing: r.u32()? })
        })?)?,
        unlocated: read_all(r, |r| {
            let slots = (r.i64()?, r.i64()?);
            Some(Unlocated { slots, counts: Counts { bad: r.f64()?, total: r.f64()? } })
        })?,
        ..blank
    })
}

fn write_source(w: &mut Writer, source: &Source) {
    w.u32(source.id.0);
    w.flag(source.is_known);
    w.u32(source.pushed);
    w.maybe_time(source.previous.map(|p| p.at));
    w.f64(source.previous.map_or(0.0, |p| p.value));
    write_all(w, source.credits.iter(), |w, credit| {
        w.u32(credit.sli);
        w.u32(credit.stream);
        w.u32(credit.target);
        w.f64(credit.weight.bad);
        w.f64(credit.weight.total);
    });
}

fn read_source(r: &mut Reader<'_>) -> Option<Source> {
    let (id, is_known, pushed) = (SeriesId(r.u32()?), r.flag()?, r.u32()?);
    let (at, value) = (r.maybe_time()?, r.f64()?);
    let credits = read_all(r, |r| {
        let (sli, stream, target) = (r.u32()?, r.u32()?, r.u32()?);
        Some(Credit { sli, stream, target, weight: Weight { bad: r.f64()?, total: r.f64()? } })
    })?;
    let previous = at.map(|at| Sample::new(at, value));
    Some(Source { id, previous, started: None, is_known, pushed, credits })
}

fn write_target(w: &mut Writer, target: &Target) {
    for at in [target.first_ok, target.last_ok, target.last_attempt] {
        w.maybe_time(at);
    }
    w.u8(u8::from(target.has_failed) | u8::from(target.has_lost) << 1);
    w.flag(target.is_gone);
    w.i64(target.interval.0);
    write_all(w, target.contributions.iter(), |w, c| {
        w.u32(c.stream);
        w.u32(c.credits);
        w.i64(c.marked);
    });
}

fn read_target(r: &mut Reader<'_>) -> Option<Target> {
    let (first_ok, last_ok, last_attempt) = (r.maybe_time()?, r.maybe_time()?, r.maybe_time()?);
    let state = r.u8().filter(|state| *state <= 3)?;
    Some(Target {
        first_ok,
        last_ok,
        last_attempt,
        has_failed: state & 1 != 0,
        has_lost: state & 2 != 0,
        is_gone: r.flag()?,
        interval: r.delta()?,
        contributions: read_all(r, |r| {
            Some(Contribution { stream: r.u32()?, credits: r.u32()?, marked: r.i64()? })
        })?,
    })
}

fn write_alerts(w: &mut Writer, alerts: &BTreeMap<AlertKey, AlertState>) {
    write_all(w, alerts.iter(), |w, (key, state)| {
        w.text(&key.slo);
        w.labels(&key.labels);
        let (kind, name) = match &key.alert {
            AlertName::Burn(name) => (0, name),
            AlertName::NotMeasured(severity) => (1, severity),
            AlertName::Budget(name) => (2, name),
            AlertName::Threshold(name) => (3, name),
        };
        w.u8(kind);
        w.text(name);
        w.flag(state.is_firing);
        w.time(state.since);
        w.time(state.sent_at);
        w.labels(&state.labels);
    });
}

fn read_alerts(r: &mut Reader<'_>, engine: &mut SloEngine) -> Option<()> {
    let alerts = read_all(r, |r| {
        let (slo, labels) = (r.text()?.to_owned(), r.labels()?);
        let alert = match (r.u8()?, r.text()?.to_owned()) {
            (0, name) => AlertName::Burn(name),
            (1, severity) => AlertName::NotMeasured(severity),
            (2, name) => AlertName::Budget(name),
            (3, name) => AlertName::Threshold(name),
            (_, _) => return None,
        };
        let state =
            AlertState { is_firing: r.flag()?, since: r.time()?, sent_at: r.time()?, labels: r.labels()? };
        Some((AlertKey { slo, labels, alert }, state))
    })?;
    engine.alerts = alerts.into_iter().collect();
    r.is_empty().then_some(())
}
