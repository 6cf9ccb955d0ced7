//! Writes blocks as Prometheus keeps them on disk (its documents `tsdb/docs/format/index.md` and `chunks.md`), because
//! feeding it a month through its front door takes longer than the whole benchmark.
//!
//! A block is as it would be after compaction: as long as the largest range, with the chunks of 120 samples that the
//! head had cut within each two hours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bellwether_model::{Labels, Sample};

/// Prometheus' largest range below 31 days: two hours, tripled five times.
const BLOCK_MS: i64 = 486 * 3_600_000;
const HEAD_RANGE_MS: i64 = 2 * 3_600_000;
const CHUNK_SAMPLES: usize = 120;

/// Chunks of one series in one block.
struct ChunkMeta {
    first_ms: i64,
    last_ms: i64,
    reference: u64,
}

struct Block {
    chunks: Vec<u8>,
    series: Vec<(Labels, Vec<ChunkMeta>)>,
    samples: u64,
    last_ms: i64,
}

/// Writes series, which come sorted by labels, into a data directory.
pub fn write(dir: &Path, series: impl Iterator<Item = (Labels, Vec<Sample>)>) -> Result<(), String> {
    let mut blocks: BTreeMap<i64, Block> = BTreeMap::new();
    for (labels, samples) in series {
        for part in samples.chunk_by(|a, b| block_of(a) == block_of(b)) {
            let block = blocks.entry(block_of(&part[0])).or_insert_with(|| Block {
                chunks: [0x85, 0xbd, 0x40, 0xdd, 1, 0, 0, 0].to_vec(),
                series: Vec::new(),
                samples: 0,
                last_ms: 0,
            });
            block.push(labels.clone(), part);
        }
    }
    for (number, block) in blocks {
        block.write(dir, number).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    Ok(())
}

fn block_of(sample: &Sample) -> i64 {
    sample.at.0.div_euclid(BLOCK_MS)
}

impl Block {
    fn push(&mut self, labels: Labels, samples: &[Sample]) {
        let mut metas = Vec::new();
        for window in samples.chunk_by(|a, b| a.at.0 / HEAD_RANGE_MS == b.at.0 / HEAD_RANGE_MS) {
            for part in window.chunks(CHUNK_SAMPLES) {
                metas.push(ChunkMeta {
                    first_ms: part[0].at.0,
                    last_ms: part[part.len() - 1].at.0,
                    reference: self.chunks.len() as u64,
                });
                let data = xor_chunk(part);
                put_uvarint(&mut self.chunks, data.len() as u64);
                let start = self.chunks.len();
                self.chunks.push(1); // the encoding: XOR
                self.chunks.extend_from_slice(&data);
                let crc = crc32c(&self.chunks[start..]);
                self.chunks.extend_from_slice(&crc.to_be_bytes());
            }
        }
        self.samples += samples.len() as u64;
        self.last_ms = self.last_ms.max(samples[samples.len() - 1].at.0);
        self.series.push((labels, metas));
    }

    fn write(&self, dir: &Path, number: i64) -> std::io::Result<()> {
        let ulid = format!("01J{number:023}");
        let dir = dir.join(&ulid);
        fs::create_dir_all(dir.join("chunks"))?;
        fs::write(dir.join("chunks/000001"), &self.chunks)?;
        fs::write(dir.join("index"), self.index())?;
        let meta = serde_json::json!({
            "ulid": ulid, "version": 1, "minTime": number * BLOCK_MS,
            // What comes later must still be taken.
            "maxTime": ((number + 1) * BLOCK_MS).min(self.last_ms + 1),
            "stats": {
                "numSamples": self.samples, "numSeries": self.series.len(),
                "numChunks": self.series.iter().map(|(_, metas)| metas.len()).sum::<usize>(),
            },
            "compaction": { "level": 6, "sources": [ulid] },
        });
        fs::write(dir.join("meta.json"), meta.to_string())
    }

    fn index(&self) -> Vec<u8> {
        let mut out = vec![0xba, 0xaa, 0xd7, 0x00, 2];
        let texts = self.series.iter().flat_map(|(labels, _)| labels.iter()).flat_map(|(n, v)| [n, v]);
        let symbols: BTreeSet<&str> = texts.collect();
        let symbols_at = out.len() as u64;
        let mut table = (symbols.len() as u32).to_be_bytes().to_vec();
        symbols.iter().for_each(|text| put_text(&mut table, text));
        put_section(&mut out, &table);
        let places: BTreeMap<&str, u64> = symbols.into_iter().zip(0..).collect();

        let mut postings: BTreeMap<(&str, &str), Vec<u32>> = BTreeMap::new();
        let series_at = out.len().next_multiple_of(16) as u64;
        for (labels, metas) in &self.series {
            out.resize(out.len().next_multiple_of(16), 0);
            let reference = (out.len() / 16) as u32;
            postings.entry(("", "")).or_default().push(reference);
            labels.iter().for_each(|pair| postings.entry(pair).or_default().push(reference));
            let body = series_entry(labels, metas, &places);
            put_uvarint(&mut out, body.len() as u64);
            out.extend_from_slice(&body);
            out.extend_from_slice(&crc32c(&body).to_be_bytes());
        }

        let postings_at = out.len().next_multiple_of(4) as u64;
        let mut offsets = (postings.len() as u32).to_be_bytes().to_vec();
        for ((name, value), references) in &postings {
            out.resize(out.len().next_multiple_of(4), 0);
            offsets.push(2); // texts in the key
            put_text(&mut offsets, name);
            put_text(&mut offsets, value);
            put_uvarint(&mut offsets, out.len() as u64);
            let mut list = (references.len() as u32).to_be_bytes().to_vec();
            references.iter().for_each(|reference| list.extend_from_slice(&reference.to_be_bytes()));
            put_section(&mut out, &list);
        }
        let offsets_at = out.len() as u64;
        put_section(&mut out, &offsets);

        // Label indices have not been read since version 2 of the format: both of theirs are empty.
        let mut contents = Vec::new();
        for at in [symbols_at, series_at, postings_at, offsets_at, postings_at, offsets_at] {
            contents.extend_from_slice(&at.to_be_bytes());
        }
        let crc = crc32c(&contents);
        out.extend_from_slice(&contents);
        out.extend_from_slice(&crc.to_be_bytes());
        out
    }
}

fn series_entry(labels: &Labels, metas: &[ChunkMeta], places: &BTreeMap<&str, u64>) -> Vec<u8> {
    let mut body = Vec::new();
    put_uvarint(&mut body, labels.len() as u64);
    for (name, value) in labels.iter() {
        put_uvarint(&mut body, places[name]);
        put_uvarint(&mut body, places[value]);
    }
    put_uvarint(&mut body, metas.len() as u64);
    let mut previous: Option<&ChunkMeta> = None;
    for meta in metas {
        match previous {
            None => {
                put_varint(&mut body, meta.first_ms);
                put_uvarint(&mut body, (meta.last_ms - meta.first_ms) as u64);
                put_uvarint(&mut body, meta.reference);
            }
            Some(before) => {
                put_uvarint(&mut body, (meta.first_ms - before.last_ms) as u64);
                put_uvarint(&mut body, (meta.last_ms - meta.first_ms) as u64);
                put_varint(&mut body, meta.reference as i64 - before.reference as i64);
            }
        }
        previous = Some(meta);
    }
    body
}

/// A length, the content, its checksum.
fn put_section(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(&crc32c(content).to_be_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uvarint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn put_uvarint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_varint(out: &mut Vec<u8>, value: i64) {
    put_uvarint(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// Facebook's Gorilla encoding as Prometheus varies it: times as differences of differences, values as XOR.
fn xor_chunk(samples: &[Sample]) -> Vec<u8> {
    let mut bits = Bits { bytes: (samples.len() as u16).to_be_bytes().to_vec(), free: 0 };
    let (mut leading, mut trailing) = (u32::MAX, 0);
    let mut before: Option<(Sample, i64)> = None;
    for sample in samples {
        let value = sample.value.to_bits();
        let Some((last, step_before)) = before else {
            put_varint(&mut bits.bytes, sample.at.0);
            bits.put(value, 64);
            before = Some((*sample, i64::MIN));
            continue;
        };
        let step = sample.at.0 - last.at.0;
        if step_before == i64::MIN {
            put_uvarint(&mut bits.bytes, step as u64);
        } else {
            put_step_change(&mut bits, step - step_before);
        }
        put_value(&mut bits, last.value.to_bits() ^ value, &mut leading, &mut trailing);
        before = Some((*sample, step));
    }
    bits.bytes
}

fn put_step_change(bits: &mut Bits, change: i64) {
    let fits = |width: u32| -((1i64 << (width - 1)) - 1) <= change && change <= 1i64 << (width - 1);
    match change {
        0 => bits.put(0, 1),
        _ if fits(14) => bits.put_both(0b10, 2, change, 14),
        _ if fits(17) => bits.put_both(0b110, 3, change, 17),
        _ if fits(20) => bits.put_both(0b1110, 4, change, 20),
        _ => bits.put_both(0b1111, 4, change, 64),
    }
}

fn put_value(bits: &mut Bits, xor: u64, leading: &mut u32, trailing: &mut u32) {
    if xor == 0 {
        return bits.put(0, 1);
    }
    let (zeros_before, zeros_behind) = (xor.leading_zeros().min(31), xor.trailing_zeros());
    if *leading != u32::MAX && zeros_before >= *leading && zeros_behind >= *trailing {
        bits.put(0b10, 2);
        return bits.put(xor >> *trailing, 64 - *leading - *trailing);
    }
    (*leading, *trailing) = (zeros_before, zeros_behind);
    let width = 64 - zeros_before - zeros_behind;
    bits.put(0b11, 2);
    bits.put(u64::from(zeros_before), 5);
    bits.put(u64::from(width % 64), 6);
    bits.put(xor >> zeros_behind, width);
}

/// Bits into bytes, the highest first.
struct Bits {
    bytes: Vec<u8>,
    /// Unused low bits of the last byte.
    free: u32,
}

impl Bits {
    fn put(&mut self, value: u64, width: u32) {
        let mut left = width;
        while left > 0 {
            if self.free == 0 {
                self.bytes.push(0);
                self.free = 8;
            }
            let take = left.min(self.free);
            let part = (value >> (left - take)) as u8 & (0xff >> (8 - take));
            let last = self.bytes.len() - 1;
            self.bytes[last] |= part << (self.free - take);
            self.free -= take;
            left -= take;
        }
    }

    fn put_both(&mut self, prefix: u64, prefix_width: u32, value: i64, width: u32) {
        self.put(prefix, prefix_width);
        self.put(value as u64, width);
    }
}

/// CRC-32C (Castagnoli).
fn crc32c(bytes: &[u8]) -> u32 {
    static TABLE: std::sync::LazyLock<[u32; 256]> = std::sync::LazyLock::new(|| {
        std::array::from_fn(|byte| {
            (0..8).fold(byte as u32, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 })
        })
    });
    !bytes.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checksum_is_castagnoli() {
        assert_eq!(super::crc32c(b"123456789"), 0xe306_9283);
    }
}
