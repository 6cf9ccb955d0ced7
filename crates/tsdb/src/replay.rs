//! The log as a stream of events, for whoever folds over it: the ledger continues from its checkpoint with this.

use bellwether_model::{Batch, LogPosition, SeriesId};

use crate::error::{AppendError, ReplayError};
use crate::log::{LOG_HEADER_BYTES, LogFile, log_path};
use crate::log_read::{Readable, Step, empty_batch, read_file, walk};
use crate::log_record::Record;
use crate::store::Store;

/// Something the log says, with the position after it.
#[derive(Debug)]
pub enum LogEvent<'a> {
    /// A series was created; the store knows its labels.
    Series {
        /// Its number.
        id: SeriesId,
        /// Where the log goes on.
        position: LogPosition,
    },
    /// A batch was appended; it has the samples that were taken.
    Batch {
        /// The batch.
        batch: &'a Batch,
        /// Where the log goes on.
        position: LogPosition,
    },
    /// A stretch of the log is damaged: what it said is not known.
    Lost {
        /// How long it is; 0 when whole files are missing.
        bytes: u64,
        /// Where the log goes on.
        position: LogPosition,
    },
}

impl Store {
    /// Makes everything durable, then gives all events from a position on, in order; returns the position after the
    /// last. [`LogPosition::default`] asks for everything there is. Any series in a batch has [`Store::labels`],
    /// whether or not its creation lies before the position.
    pub fn replay(
        &self,
        from: LogPosition,
        visit: &mut dyn FnMut(LogEvent<'_>),
    ) -> Result<LogPosition, ReplayError> {
        let durable = self.sync().map_err(|error| match error {
            AppendError::Log(error) => ReplayError::Disk(error),
            AppendError::BatchTooLarge { .. }
            | AppendError::LabelsTooLarge { .. }
            | AppendError::SeriesLimit(_)
            | AppendError::SeriesExhausted => unreachable!("sync only writes"),
        })?;
        let (files, from) = self.files_from(from)?;
        let mut batch = empty_batch();
        let mut before: Option<u64> = None;
        for file in files.iter().filter(|file| file.number >= from.file && file.number <= durable.file) {
            if before.is_some_and(|before| before != file.previous_end.file) {
                let position = LogPosition { file: file.number, offset: LOG_HEADER_BYTES };
                visit(LogEvent::Lost { bytes: 0, position });
            }
            before = Some(file.number);
            let start = if file.number == from.file { from.offset } else { LOG_HEADER_BYTES };
            let bytes = read_file(&*self.shared.disk, &log_path(&self.shared.dir, file.number))?;
            let end = if file.number == durable.file { durable.offset } else { file.end };
            let readable = Readable { number: file.number, start, end: Some(end) };
            walk::<ReplayError>(&bytes, readable, &mut batch, &mut |step, offset| {
                let position = LogPosition { file: file.number, offset };
                match step {
                    Step::Record(Record::Series(id, ..), _) => visit(LogEvent::Series { id, position }),
                    Step::Record(Record::Batch(_), batch) => visit(LogEvent::Batch { batch, position }),
                    Step::Record(Record::Floor(_) | Record::Synced | Record::Refused(_), _) => {}
                    Step::Damaged(bytes) => visit(LogEvent::Lost { bytes, position }),
                }
                Ok(())
            })?;
        }
        Ok(durable)
    }

    /// Whether the log still begins with the first batch ever appended, so that a fold over it misses nothing.
    pub fn has_whole_log(&self) -> bool {
        let log = self.shared.log.lock();
        let has_segments = !self.shared.read().segments.is_empty();
        log.files.first().map_or(!has_segments, |oldest| oldest.previous_end == LogPosition::default())
    }

    /// The files to read, and where a position lies in them.
    fn files_from(&self, from: LogPosition) -> Result<(Vec<LogFile>, LogPosition), ReplayError> {
        let log = self.shared.log.lock();
        let located = log.locate(from);
        let files = log.files.clone();
        let Some(oldest) = files.first() else { return Ok((files, located)) };
        let oldest = LogPosition { file: oldest.number, offset: LOG_HEADER_BYTES };
        if located >= oldest {
            Ok((files, located))
        } else if from == LogPosition::default() {
            Ok((files, oldest))
        } else {
            Err(ReplayError::Gone { from, oldest })
        }
    }
}
