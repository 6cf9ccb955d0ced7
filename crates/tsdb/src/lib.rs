//! The embedded time-series store: log, head, segments. The only crate that touches metric files.
//!
//! It is a directory of plain files: an append-only log in which an acknowledged sample is found again after any
//! crash, a head in memory with the newest samples, and immutable segments with compressed chunks that know their
//! sums. It is *not* a server, knows no clock and, once open, has no thread of its own: the caller says when to sync,
//! seal and drop.

mod block;
mod chunk;
mod codec;
mod column;
mod column_shape;
mod compact;
mod copy;
pub mod disk;
mod entry;
mod error;
#[doc(hidden)]
pub mod fault_disk;

mod float_shape;
mod forget;
mod head;
mod heads;
mod histogram_block;
mod histogram_columns;
mod histogram_layout;
mod histogram_row;
mod import;
mod index;
mod index_builder;
mod inspect;
mod late;
mod limits;
mod lineage;
mod log;
mod log_read;
mod log_record;
mod looking_disk;
mod missing;
mod overlap;
mod packed;
mod pins;
mod postings;
mod present;
mod recovery;
mod referring;
mod replay;
mod reserve;
mod retention;
mod run;
mod scrub;
mod seal;
mod sealed_values;
mod segment;
mod segment_batch;
mod segment_draft;
mod segment_write;
mod series_table;
mod snapshot;
mod start_times;
mod state;
mod store;
mod summary_codec;
mod taking;
mod unsealed;

pub use compact::CompactionReport;
pub use copy::CopyReport;
pub use disk::{Disk, RealDisk};
pub use error::{AppendError, DiskError, OpenError, Refusal, ReplayError};
pub use forget::ForgetReport;
pub use import::{ImportReport, SegmentImporter};
pub use inspect::{Inspection, LabelFacts, MetricFacts, SegmentFacts};
pub use limits::{LimitKind, LimitReached, OTHER_JOBS, RefusedSeries, SeriesLimits};
pub use looking_disk::LookingDisk;
pub use missing::Missing;
pub use present::Present;
pub use recovery::{Quarantined, Recovery};
pub use replay::LogEvent;
pub use retention::RetentionReport;
pub use scrub::{ScrubPlace, ScrubReport};
pub use seal::{SealError, SealReport};
pub use snapshot::Snapshot;
pub use state::{Appended, Options, Refused};
pub use store::{LABELS_BYTES_MAX, Stats, Store};

/// The chunk codec alone, for tests and measurements.
#[doc(hidden)]
pub mod chunk_codec {
    use bellwether_model::{HistogramSample, Sample};

    use crate::column::Purpose;

    /// Compresses 1 to 65,536 samples that are in time order, as segments have them.
    pub fn encode(samples: &[Sample]) -> Vec<u8> {
        crate::chunk::encode(samples, Purpose::File)
    }

    /// The same, as they wait in memory until they are sealed.
    pub fn encode_for_memory(samples: &[Sample]) -> Vec<u8> {
        crate::chunk::encode(samples, Purpose::Memory)
    }

    /// Appends a chunk's samples; `None`, and nothing appended, when the bytes are no chunk.
    pub fn decode(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
        crate::chunk::decode(bytes, out)
    }

    /// Compresses 1 to 65,536 histograms that are in time order and whose buckets have the same bounds.
    pub fn encode_histograms(samples: &[HistogramSample]) -> Vec<u8> {
        crate::chunk::encode_histograms(samples)
    }

    /// Appends a chunk's histograms; `None`, and nothing appended, when the bytes are no chunk of histograms.
    pub fn decode_histograms(bytes: &[u8], out: &mut Vec<HistogramSample>) -> Option<()> {
        crate::chunk::decode_histograms(bytes, out)
    }
}
