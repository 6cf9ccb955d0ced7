//! Blocks and log of Prometheus: whatever their files hold, reading ends, and what is read is in order.

use bellwether_ingest::prometheus_block::{
    CHUNK_PREFIX_BYTES, ChunkFrame, ChunkKind, Index, Records, Samples, check_chunk_file, crc32c,
    decode_chunk, head_chunks, read_meta, read_record, read_tombstones,
};

/// An input's first byte says what it is.
const KINDS: u8 = 9;

/// Files of a small block that Prometheus' own tool made, and a log.
pub(crate) fn files() -> Vec<Vec<u8>> {
    let chunks: &[u8] = include_bytes!("../seeds/prometheus_block/chunks");
    // Behind the file's header of 8 bytes: a length, an encoding, and the first chunk.
    let chunk = chunks.get(10..).unwrap_or_default();
    let record = log_record();
    let mut log = vec![1];
    log.extend((record.len() as u16).to_be_bytes());
    log.extend(crc32c(&record).to_be_bytes());
    log.extend(&record);
    let inputs: [(u8, &[u8]); 8] = [
        (0, include_bytes!("../seeds/prometheus_block/index")),
        (1, chunks),
        (2, include_bytes!("../seeds/prometheus_block/tombstones")),
        (3, include_bytes!("../seeds/prometheus_block/meta.json")),
        (4, &log),
        (5, &record),
        (6, chunk),
        (7, chunk),
    ];
    inputs.iter().map(|(kind, bytes)| std::iter::once(*kind).chain(bytes.iter().copied()).collect()).collect()
}

/// A record with one series: its kind, number, labels.
fn log_record() -> Vec<u8> {
    let mut record = vec![1, 0, 0, 0, 0, 0, 0, 0, 7, 1];
    for text in ["__name__", "up"] {
        record.push(text.len() as u8);
        record.extend(text.as_bytes());
    }
    record
}

pub(crate) fn reads(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let mut samples = Samples::default();
    match kind % KINDS {
        0 => {
            let Ok(index) = Index::open(bytes) else { return };
            for place in 0..index.len().min(1000) {
                let whole = index.series(place);
                let chunks = index.chunks(place);
                if let (Ok(whole), Ok((reference, chunks))) = (whole, chunks) {
                    assert_eq!(
                        (whole.reference, whole.chunks),
                        (reference, chunks),
                        "a series is the same in both ways"
                    );
                }
            }
        }
        1 => {
            let _ = check_chunk_file(bytes);
            for offset in 0..bytes.len().min(64) {
                let Ok(frame) =
                    ChunkFrame::of(&bytes[offset..bytes.len().min(offset + CHUNK_PREFIX_BYTES)], 0)
                else {
                    continue;
                };
                let end = offset.saturating_add(frame.bytes).min(bytes.len());
                let _ = frame.decode(&bytes[offset..end], offset as u64, &mut samples);
            }
        }
        2 => drop(read_tombstones(bytes)),
        3 => drop(read_meta(bytes)),
        4 => {
            for record in Records::of(bytes).take(1000) {
                let Ok(record) = record else { return };
                let _ = read_record(&record.bytes, record.offset, &mut drop);
            }
        }
        5 => drop(read_record(bytes, 0, &mut drop)),
        6 => decodes(ChunkKind::Xor, bytes),
        7 => {
            decodes(ChunkKind::Histogram, bytes);
            decodes(ChunkKind::FloatHistogram, bytes);
        }
        _ => {
            for chunk in head_chunks(bytes).unwrap_or_default() {
                let _ = chunk.decode(&mut samples);
            }
        }
    }
}

fn decodes(kind: ChunkKind, bytes: &[u8]) {
    let mut samples = Samples::default();
    if decode_chunk(kind, bytes, &mut samples).is_err() {
        assert!(samples.is_empty(), "what is no chunk yields nothing");
    }
}
