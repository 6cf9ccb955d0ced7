//! A segment being written beside its place. It counts once it is durable under its own name and reads back; until
//! then every failure leaves the store as it was.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_model::{Labels, SeriesId};

use crate::disk::Disk;
use crate::entry::Last;
use crate::error::DiskError;
use crate::lineage::Lineage;
use crate::seal::SealError;
use crate::segment::{Segment, SegmentProblem, segment_name};
use crate::segment_batch::{self, SeriesRuns};
use crate::segment_write::SegmentWriter;
use crate::state::Shared;

/// Removes what it wrote when it is dropped unfinished.
pub(crate) struct SegmentDraft {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    number: u64,
    /// Where it is being written.
    draft: PathBuf,
    writer: Option<SegmentWriter>,
}

impl SegmentDraft {
    /// Begins a segment under a number that no other has.
    pub(crate) fn create(shared: &Shared, number: u64) -> Result<Self, DiskError> {
        let draft = shared.dir.join(format!("{}.tmp", segment_name(number)));
        let writer = Some(SegmentWriter::create(&*shared.disk, draft.clone(), number)?);
        Ok(Self { disk: Arc::clone(&shared.disk), dir: shared.dir.clone(), number, draft, writer })
    }

    /// Adds many series at once, in ascending order, so that what they have in common is written once.
    pub(crate) fn push(
        &mut self,
        batch: &[SeriesRuns],
        labels: &dyn Fn(SeriesId) -> Option<Labels>,
    ) -> Result<(), DiskError> {
        self.writer.as_mut().map_or(Ok(()), |writer| segment_batch::push(writer, batch, labels))
    }

    /// Makes the segment durable and opens it; `None`, and nothing is left, when nothing was added. `last` is told of
    /// each series' last entry.
    pub(crate) fn publish(
        mut self,
        lineage: &Lineage,
        last: &mut dyn FnMut(SeriesId, Last),
    ) -> Result<Option<Segment>, SealError> {
        let Some(writer) = self.writer.take() else { return Ok(None) };
        if writer.is_empty() {
            self.disk.remove(&self.draft).map_err(DiskError::at("remove", &self.draft))?;
            return Ok(None);
        }
        let path = self.dir.join(segment_name(self.number));
        let finished = writer.finish(lineage).and_then(|()| {
            self.disk.rename(&self.draft, &path).map_err(DiskError::at("rename", &self.draft))?;
            self.disk.sync_dir(&self.dir).map_err(DiskError::at("sync", &self.dir))
        });
        let opened = match finished {
            Ok(()) => Segment::open(&*self.disk, &path, self.number, last),
            Err(error) => Err(SegmentProblem::Disk(error)),
        };
        opened.map(Some).map_err(|problem| {
            let _ = self.disk.remove(&self.draft);
            let _ = self.disk.remove(&path);
            match problem {
                SegmentProblem::Damaged(reason) => SealError::ReadBack { path, reason },
                SegmentProblem::Version(_) => SealError::ReadBack { path, reason: "its version changed" },
                SegmentProblem::Disk(error) => error.into(),
            }
        })
    }
}

impl Drop for SegmentDraft {
    fn drop(&mut self) {
        if self.writer.take().is_some() {
            let _ = self.disk.remove(&self.draft);
        }
    }
}
