//! Many series written together, so that what they have in common is written once: a histogram's other buckets and its
//! count refer to its bucket of everything, and series that were measured at the same moments to the first of them.
//!
//! Chunks that others refer to come first in the file; the index is in the order of the series all the same.

use std::collections::HashMap;
use std::sync::Arc;

use bellwether_model::{Labels, METRIC_NAME, Sample, SeriesId};

use crate::chunk::{COLUMN_SAMPLES_MIN, MemoryChunk};
use crate::column::Purpose;
use crate::error::DiskError;
use crate::referring::{self, Pair, Target, are_irregular, are_simultaneous};
use crate::run::Run;
use crate::segment::SEALED_SAMPLES_MAX;
use crate::segment_write::{Placed, SegmentWriter};

/// One series' entries, in time order and without overlap.
pub(crate) struct SeriesRuns {
    pub(crate) id: SeriesId,
    pub(crate) runs: Vec<Run>,
}

/// Adds series, in ascending order and after all that were added before.
pub(crate) fn push(
    writer: &mut SegmentWriter,
    batch: &[SeriesRuns],
    labels: &dyn Fn(SeriesId) -> Option<Labels>,
) -> Result<(), DiskError> {
    let leaders = leaders(batch, labels);
    let mut pieces = Pieces { writer, columns: HashMap::new() };
    let mut placed: Vec<Vec<Placed>> = batch.iter().map(|_| Vec::new()).collect();
    let mut columns: Vec<Vec<Column<'_>>> = batch.iter().map(|_| Vec::new()).collect();
    let is_leader = |index: &usize| leaders[*index] == Some(*index);
    let first = (0..batch.len()).filter(is_leader);
    let then = (0..batch.len()).filter(|index| !is_leader(index));
    for index in first.chain(then) {
        let leader = leaders[index].filter(|leader| *leader != index);
        let related = leader.map_or(&[] as &[Column<'_>], |leader| &columns[leader]);
        let (chunks, own) = pieces.write(&batch[index].runs, related)?;
        (placed[index], columns[index]) = (chunks, own);
    }
    for (series, placed) in batch.iter().zip(&placed) {
        if !placed.is_empty() {
            writer.put_index(series.id, placed);
        }
    }
    Ok(())
}

/// Of each series the place of the one that counts everything it counts, itself included.
fn leaders(batch: &[SeriesRuns], labels: &dyn Fn(SeriesId) -> Option<Labels>) -> Vec<Option<usize>> {
    let roles: Vec<_> =
        batch.iter().map(|series| labels(series.id).and_then(|labels| role(&labels))).collect();
    let leaders: HashMap<&str, usize> = (0..)
        .zip(&roles)
        .filter_map(|(place, role)| {
            role.as_ref().filter(|role| role.leads).map(|role| (role.family.as_str(), place))
        })
        .collect();
    roles.iter().map(|role| leaders.get(role.as_ref()?.family.as_str()).copied()).collect()
}

/// What a series is in a classic histogram.
struct Role {
    /// Its labels but for the bound, as one text.
    family: String,
    leads: bool,
}

fn role(labels: &Labels) -> Option<Role> {
    let name = labels.metric_name()?;
    let bound = labels.get("le");
    let base = match bound {
        Some(_) => name.strip_suffix("_bucket")?,
        None => name.strip_suffix("_count")?,
    };
    let mut family = base.to_owned();
    for (name, value) in labels.iter().filter(|(name, _)| *name != METRIC_NAME && *name != "le") {
        for part in [name, value] {
            family.push('\0');
            family.push_str(part);
        }
    }
    Some(Role { family, leads: bound == Some("+Inf") })
}

/// A chunk that others may refer to.
#[derive(Clone, Copy)]
struct Column<'a> {
    samples: &'a [Sample],
    target: Target,
}

struct Pieces<'a, 'w> {
    writer: &'w mut SegmentWriter,
    /// Chunks with times that have no step of their own, by their ends.
    columns: HashMap<(i64, i64, usize), Column<'a>>,
}

impl<'a> Pieces<'a, '_> {
    /// Writes the chunks of a series; gives those with values of their own besides.
    fn write(
        &mut self,
        runs: &'a [Run],
        related: &[Column<'a>],
    ) -> Result<(Vec<Placed>, Vec<Column<'a>>), DiskError> {
        let (mut placed, mut columns) = (Vec::new(), Vec::new());
        for run in runs {
            for range in run.pieces(SEALED_SAMPLES_MAX) {
                let samples = run.floats().get(range.clone()).unwrap_or_default();
                let referring = self.referring(samples, related);
                let is_plain = referring.is_none();
                let chunk = match referring {
                    Some(bytes) => run.described(range.clone(), bytes),
                    None => run.chunk(range, Purpose::File),
                };
                let Some(chunk) = chunk else { continue };
                let target = self.put(&chunk, &mut placed)?;
                if samples.len() >= COLUMN_SAMPLES_MIN && referring::may_be_referred_to(&chunk.bytes) {
                    self.remember(Column { samples, target }, is_plain, &mut columns);
                }
            }
        }
        Ok((placed, columns))
    }

    fn put(&mut self, chunk: &Arc<MemoryChunk>, placed: &mut Vec<Placed>) -> Result<Target, DiskError> {
        let chunk = self.writer.put_chunk(chunk)?;
        let target = chunk.target;
        placed.push(chunk);
        Ok(target)
    }

    fn remember(&mut self, column: Column<'a>, is_plain: bool, columns: &mut Vec<Column<'a>>) {
        columns.push(column);
        if is_plain && are_irregular(column.samples) {
            self.columns.entry(ends(column.samples)).or_insert(column);
        }
    }

    /// The chunk as one that refers to another, if there is one and it pays.
    fn referring(&self, samples: &[Sample], related: &[Column<'a>]) -> Option<Vec<u8>> {
        if samples.len() < COLUMN_SAMPLES_MIN {
            return None;
        }
        let is_simultaneous = |column: &&Column<'_>| are_simultaneous(column.samples, samples);
        let (column, are_related) = match related.iter().find(is_simultaneous) {
            Some(column) => (column, true),
            None => (self.columns.get(&ends(samples)).filter(is_simultaneous)?, false),
        };
        let Column { samples: others, target } = *column;
        let pair = Pair { samples, others, are_related, offset: self.writer.offset(), target };
        referring::encode(&pair)
    }
}

fn ends(samples: &[Sample]) -> (i64, i64, usize) {
    let at = |sample: Option<&Sample>| sample.map_or(0, |sample| sample.at.0);
    (at(samples.first()), at(samples.last()), samples.len())
}
