//! The embedded time-series store: log, head, segments. The only crate that touches metric files.
//!
//! It is a directory of plain files: an append-only log in which an acknowledged sample is found again after any
//! crash, a head in memory with the newest samples, and immutable segments with compressed chunks that know their
//! sums. It is *not* a server, knows no clock and starts no threads: the caller says when to sync, seal and drop.

mod block;
mod chunk;
mod codec;
pub mod disk;
mod error;
#[doc(hidden)]
pub mod fault_disk;

mod head;
mod index;
mod log;
mod log_read;
mod log_record;
mod recovery;
mod replay;
mod seal;
mod segment;
mod series_table;
mod snapshot;
mod state;
mod store;

pub use disk::{Disk, RealDisk};
pub use error::{AppendError, DiskError, OpenError, Refusal, ReplayError};
pub use recovery::{Quarantined, Recovery};
pub use replay::LogEvent;
pub use seal::{RetentionReport, SealError, SealReport};
pub use snapshot::Snapshot;
pub use state::{Appended, Options, Refused};
pub use store::{LABELS_BYTES_MAX, Stats, Store};

/// The chunk codec alone, for tests and measurements.
#[doc(hidden)]
pub mod chunk_codec {
    use bellwether_model::Sample;

    /// Compresses 1 to 65,536 samples that are in time order.
    pub fn encode(samples: &[Sample]) -> Vec<u8> {
        crate::chunk::encode(samples)
    }

    /// Appends a chunk's samples; `None`, and nothing appended, when the bytes are no chunk.
    pub fn decode(bytes: &[u8], out: &mut Vec<Sample>) -> Option<()> {
        crate::chunk::decode(bytes, out)
    }
}
