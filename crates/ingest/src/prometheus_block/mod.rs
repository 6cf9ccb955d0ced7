//! What a Prometheus server keeps on its disk, read: blocks (index, chunks, tombstones) and the head that is not a
//! block yet (write-ahead log, chunks of the head). Chunks are written as well: remote read sends them.
//!
//! Bytes come in, series and samples go out; whoever calls reads the files. Every checksum is checked, and whatever
//! is wrong is a [`Damage`] with its offset. The formats are described in Prometheus' own `tsdb/docs/format`.

mod bits;
mod bits_write;
mod bytes;
mod chunk;
mod chunk_write;
mod crc32c;
mod damage;
mod head_chunks;
mod histogram;
mod histogram_chunk;
mod histogram_chunk_write;
mod index;
mod meta;
mod tombstones;
mod wal;
mod wal_record;
mod xor;

pub use chunk::{CHUNK_PREFIX_BYTES, ChunkFrame, ChunkKind, Samples, check_chunk_file, decode_chunk};
pub use chunk_write::{WrittenChunk, encode_chunks};
pub use crc32c::crc32c;
pub use damage::{Damage, Problem};
pub use head_chunks::{HeadChunk, head_chunks};
pub use histogram::{Buckets, Span, buckets};
pub use index::{ChunkRef, Index, SeriesEntry};
pub use meta::{BlockMeta, read_meta};
pub use tombstones::{Tombstones, read_tombstones};
pub use wal::{Records, WalRecord};
pub use wal_record::{WalEvent, read_record};
