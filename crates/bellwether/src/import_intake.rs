//! History from an import, taken in beside what is measured now (docs/design/013): each request becomes segments before
//! it is answered, and the journal in the data directory says which parts of which sources are done, as it does for an
//! import into a directory.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_ingest::remote_read::{FrameError, ReadSeries, next_frame, read_frame};
use bellwether_model::{TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::{AppendError, ImportReport, SegmentImporter, Store};
use bellwether_web::view::{ImportBegun, ImportTaken, Refused};
use tokio::sync::Mutex;
use tracing::info;

use crate::clock;
use crate::import::{AHEAD_MAX, BEGUN, journal::Journal};

/// A frame may be so long: a chunk can say in a bit what takes sixteen bytes of memory.
const FRAME_BYTES_MAX: usize = 4 << 20;
/// More waiting than this is written: 64 MiB of numbers.
const WAITING_MAX: u64 = 4 << 20;

/// Takes in what imports hand over, one request at a time.
pub struct ImportIntake {
    store: Arc<Store>,
    data: PathBuf,
    /// Whether what was in memory when the first came has been sealed.
    is_sealed: Mutex<bool>,
}

impl ImportIntake {
    /// Into a store, with the journal in a data directory.
    pub fn new(store: Arc<Store>, data: PathBuf) -> Self {
        Self { store, data, is_sealed: Mutex::new(false) }
    }

    /// What can be kept, and which parts of a source are done.
    pub fn begun(&self, source: &str, retention: TimeDelta) -> Result<ImportBegun, Refused> {
        let journal = self.journal(source)?;
        let floor = self.store.stats().floor.unwrap_or(Timestamp::MIN);
        let kept = kept(retention);
        Ok(ImportBegun {
            kept_from: kept.start.max(floor),
            kept_until: kept.end,
            retention,
            done: journal.done().filter(|part| *part != BEGUN).map(str::to_owned).collect(),
        })
    }

    /// Stores frames, and then notes that a part is done; once this returns both are durable.
    pub async fn take(self: Arc<Self>, ask: ImportAsk, frames: bytes::Bytes) -> Result<ImportTaken, Refused> {
        let intake = Arc::clone(&self);
        let taking = tokio::task::spawn_blocking(move || {
            let mut is_sealed = intake.is_sealed.blocking_lock();
            intake.store_frames(&ask, &frames, &mut is_sealed)
        });
        let taken = taking.await.map_err(|error| Refused::Unavailable(error.to_string()))?;
        taken.map(|report| view(&report))
    }

    fn store_frames(
        &self,
        ask: &ImportAsk,
        frames: &[u8],
        is_sealed: &mut bool,
    ) -> Result<ImportReport, Refused> {
        let mut journal = self.journal(&ask.source)?;
        if !journal.has(BEGUN) {
            info!(source = ask.source, "an import begins");
        }
        // From now on the log is not all that ever was, even if nothing gets to its end.
        note(&mut journal, BEGUN)?;
        let mut report = ImportReport::default();
        if !frames.is_empty() {
            let range = kept(ask.retention);
            let mut importer = if *is_sealed {
                self.store.importer_beside(range)
            } else {
                self.store.importer(range).map_err(unavailable)?
            };
            *is_sealed = true;
            for series in Frames(frames) {
                self.hand_over(&mut importer, series?)?;
                if importer.waiting() >= WAITING_MAX {
                    report.add(&importer.write().map_err(unavailable)?);
                }
            }
            report.add(&importer.write().map_err(unavailable)?);
        }
        if let Some(part) = &ask.part {
            note(&mut journal, part)?;
        }
        Ok(report)
    }

    fn hand_over(&self, importer: &mut SegmentImporter<'_>, frame: Vec<ReadSeries>) -> Result<(), Refused> {
        for series in frame {
            if series.labels.is_empty() {
                return Err(Refused::Invalid("a series without labels".to_owned()));
            }
            let id = self.store.series(&series.labels).map_err(|error| match error {
                AppendError::SeriesLimit(_) => {
                    Refused::Conflict(format!("{error}; raise the limit, and the same command goes on"))
                }
                AppendError::LabelsTooLarge { .. } => Refused::Invalid(error.to_string()),
                other => unavailable(other),
            })?;
            importer.extend(id, &series.samples.floats);
            for sample in series.samples.histograms {
                importer.push_histogram(id, sample);
            }
        }
        Ok(())
    }

    fn journal(&self, source: &str) -> Result<Journal, Refused> {
        Journal::open(&self.data, source)
            .map_err(|error| unavailable(format!("cannot read the journal of imports: {error}")))
    }
}

/// What a request says of its frames.
#[derive(Clone, Debug)]
pub struct ImportAsk {
    /// What is imported, as the journal knows it.
    pub source: String,
    /// The part that is done with it.
    pub part: Option<String>,
    /// How long samples are kept.
    pub retention: TimeDelta,
}

/// The frames of a body, read one by one.
struct Frames<'a>(&'a [u8]);

impl Iterator for Frames<'_> {
    type Item = Result<Vec<ReadSeries>, Refused>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.0);
        let wrong = |why: &dyn std::fmt::Display| Refused::Invalid(format!("no frames of chunks: {why}"));
        Some(match next_frame(rest) {
            Ok(Some(frame)) if frame.message.len() > FRAME_BYTES_MAX => Err(wrong(&format!(
                "one has {} bytes, at most {FRAME_BYTES_MAX} are read",
                frame.message.len()
            ))),
            Ok(Some(frame)) => {
                self.0 = &rest[frame.length..];
                read_frame(frame.message).map_err(|error: FrameError| wrong(&error))
            }
            Ok(None) => Err(wrong(&"they end within one")),
            Err(error) => Err(wrong(&error)),
        })
    }
}

fn kept(retention: TimeDelta) -> TimeRange {
    let now = clock::now();
    TimeRange::new(now - retention, now + AHEAD_MAX)
}

fn note(journal: &mut Journal, part: &str) -> Result<(), Refused> {
    journal.add(part).map_err(|error| unavailable(format!("cannot write the journal of imports: {error}")))
}

fn unavailable(error: impl std::fmt::Display) -> Refused {
    Refused::Unavailable(error.to_string())
}

fn view(report: &ImportReport) -> ImportTaken {
    let ImportReport { samples, known, conflicting, too_old, too_new, malformed, segments, bytes, range } =
        *report;
    let range = range.map(|range| (range.start, range.end));
    ImportTaken { samples, known, conflicting, too_old, too_new, malformed, segments, bytes, range }
}
