//! What Prometheus' own storage library wrote is read as it reads it; and nothing that is damaged is read as sound.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_ingest::prometheus_block::{
    CHUNK_PREFIX_BYTES, ChunkFrame, Damage, Index, Problem, Records, Samples, Tombstones, WalEvent,
    check_chunk_file, crc32c, head_chunks, read_meta, read_record, read_tombstones,
};
use bellwether_model::{Bucket, HistogramSample, Labels, Sample, TimeRange, Timestamp};
use bellwether_testkit::cases;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

const INDEX: &[u8] = include_bytes!("../data/prometheus/block/index");
const META: &[u8] = include_bytes!("../data/prometheus/block/meta.json");
const CHUNKS: &[u8] = include_bytes!("../data/prometheus/block/chunks/000001");
const TOMBSTONES: &[u8] = include_bytes!("../data/prometheus/block/tombstones");
const LOG: &[u8] = include_bytes!("../data/prometheus/wal/00000000");
const EXPECTED_BLOCK: &str = include_str!("../data/prometheus/expected-block.txt");
const EXPECTED_HEAD: &str = include_str!("../data/prometheus/expected-head.txt");

/// As the expectation writes labels.
fn name(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

fn float_line(labels: &Labels, sample: &Sample) -> String {
    format!("{} {} {:016x}", name(labels), sample.at.0, sample.value.to_bits())
}

fn histogram_line(labels: &Labels, sample: &HistogramSample) -> String {
    let HistogramSample { at, histogram: h } = sample;
    let name = name(labels);
    if sample.is_stale() {
        return format!("{name} {} stale", at.0);
    }
    let side = |buckets: &[Bucket]| {
        buckets.iter().map(|bucket| format!(" {}:{}", bucket.index, bucket.count)).collect::<String>()
    };
    let bound = |bound: &f64| if *bound > 1e9 { "1.0000000001e+09".to_owned() } else { bound.to_string() };
    let bounds: Vec<String> = h.custom_bounds.iter().map(bound).collect();
    format!(
        "{name} {} schema {} threshold {} zero {} count {} sum {} bounds [{}] positive{} negative{}",
        at.0,
        h.schema.number(),
        h.zero_threshold,
        h.zero_count,
        h.count,
        h.sum,
        bounds.join(" "),
        side(&h.positive),
        side(&h.negative)
    )
}

fn lines(labels: &Labels, samples: &Samples) -> Vec<String> {
    let floats = samples.floats.iter().map(|sample| float_line(labels, sample));
    floats.chain(samples.histograms.iter().map(|sample| histogram_line(labels, sample))).collect()
}

/// Everything a block has, or what is damaged.
fn read_block(index: &[u8], chunks: &[u8], tombstones: &[u8]) -> Result<BTreeSet<String>, Damage> {
    let index = Index::open(index)?;
    let tombstones = read_tombstones(tombstones)?;
    check_chunk_file(chunks)?;
    let mut found = BTreeSet::new();
    for place in 0..index.len() {
        let entry = index.series(place)?;
        assert_eq!(index.chunks(place)?, (entry.reference, entry.chunks.clone()));
        let mut samples = Samples::default();
        for chunk in &entry.chunks {
            let offset = chunk.offset as usize;
            let rest = chunks.get(offset..).unwrap_or_default();
            let frame = ChunkFrame::of(&rest[..rest.len().min(CHUNK_PREFIX_BYTES)], u64::from(chunk.offset))?;
            frame.decode(&rest[..rest.len().min(frame.bytes)], u64::from(chunk.offset), &mut samples)?;
        }
        samples.retain(TimeRange::ALL, tombstones.of(entry.reference));
        found.extend(lines(&entry.labels, &samples));
    }
    Ok(found)
}

/// Everything a log has, or what is damaged.
fn read_log(log: &[u8]) -> Result<BTreeSet<String>, Damage> {
    let mut labels: BTreeMap<u64, Labels> = BTreeMap::new();
    let mut gone = Tombstones::default();
    let mut samples: BTreeMap<u64, Samples> = BTreeMap::new();
    for record in Records::of(log) {
        let record = record?;
        read_record(&record.bytes, record.offset, &mut |event| match event {
            WalEvent::Series(reference, series) => _ = labels.insert(reference, series),
            WalEvent::Sample(reference, sample) => samples.entry(reference).or_default().floats.push(sample),
            WalEvent::Histogram(reference, sample) => {
                samples.entry(reference).or_default().histograms.push(sample);
            }
            WalEvent::Deleted(reference, range) => gone.add(reference, range),
            WalEvent::Exemplar(_) => {}
        })?;
    }
    let mut found = BTreeSet::new();
    for (reference, mut samples) in samples {
        samples.retain(TimeRange::ALL, gone.of(reference));
        found.extend(lines(&labels[&reference], &samples));
    }
    Ok(found)
}

fn check(found: BTreeSet<String>, expected: &str) {
    let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
    let missing: Vec<_> = expected.difference(&found).take(3).collect();
    let more: Vec<_> = found.difference(&expected).take(3).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing {missing:#?}, more {more:#?}");
}

#[test]
fn a_block_holds_what_prometheus_reads_from_it() {
    check(read_block(INDEX, CHUNKS, TOMBSTONES).unwrap(), EXPECTED_BLOCK);
    let meta = read_meta(META).unwrap();
    assert_eq!((meta.series, meta.from), (7, Timestamp(1_700_000_000_000)));
}

#[test]
fn a_log_holds_what_prometheus_reads_from_it() {
    check(read_log(LOG).unwrap(), EXPECTED_HEAD);
}

#[test]
fn a_changed_bit_is_damage_wherever_it_is() {
    let sound = read_block(INDEX, CHUNKS, TOMBSTONES).unwrap();
    let mut ran = 0;
    let mut damaged = |file: usize, at: usize, bit: u32| {
        let mut files = [INDEX.to_vec(), CHUNKS.to_vec(), TOMBSTONES.to_vec()];
        files[file][at] ^= 1 << bit;
        ran += 1;
        // Padding between sections may change, and what nobody reads; never what is read.
        if let Ok(found) = read_block(&files[0], &files[1], &files[2]) {
            assert_eq!(found, sound, "file {file}, byte {at}, bit {bit}");
        }
    };
    for at in (0..INDEX.len()).step_by(3) {
        damaged(0, at, (at % 8) as u32);
    }
    for at in (0..CHUNKS.len()).step_by(37) {
        damaged(1, at, (at % 8) as u32);
    }
    for at in 0..TOMBSTONES.len() {
        damaged(2, at, (at % 8) as u32);
    }
    let sound = read_log(LOG).unwrap();
    for at in (0..LOG.len()).step_by(307) {
        let mut log = LOG.to_vec();
        log[at] ^= 1 << (at % 8);
        ran += 1;
        if let Ok(found) = read_log(&log) {
            assert_eq!(found, sound, "log, byte {at}");
        }
    }
    cases::ran("prometheus-block/damage", ran);
}

#[test]
fn a_file_that_is_cut_off_anywhere_says_so() {
    for end in 0..INDEX.len() {
        assert!(Index::open(&INDEX[..end]).is_err(), "index, {end} bytes");
    }
    for end in 0..TOMBSTONES.len() {
        assert!(read_tombstones(&TOMBSTONES[..end]).is_err(), "tombstones, {end} bytes");
    }
    for end in (0..CHUNKS.len()).step_by(131) {
        assert!(read_block(INDEX, &CHUNKS[..end], TOMBSTONES).is_err(), "chunks, {end} bytes");
    }
    // A log that is cut off is what a killed process leaves: either whole up to there, or torn.
    for end in (0..LOG.len()).step_by(101) {
        let mut last = None;
        for record in Records::of(&LOG[..end]) {
            last = Some(record.map(|_| ()));
        }
        if let Some(Err(damage)) = last {
            assert!(damage.is_torn() && damage.offset <= end as u64, "log, {end} bytes: {damage}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let check = |found: Result<(), Damage>, text: &str| assert_eq!(found.unwrap_err().to_string(), text);
    let open = |bytes: &[u8]| Index::open(bytes).map(|_| ());
    check(
        open(&[0; 60]),
        "at byte 0: this is no index of a block: it begins with 0x00000000 instead of 0xbaaad700",
    );
    let mut later = INDEX.to_vec();
    later[4] = 3;
    check(
        open(&later),
        "at byte 4: an index of version 3, versions 1 and 2 can be read; a later Prometheus wrote it",
    );
    let mut changed = INDEX.to_vec();
    let end = changed.len();
    changed[end - 10] ^= 1;
    let place = format!("at byte {}: ", end - 52);
    let why =
        "the table of contents does not pass its checksum, its bytes have changed since they were written";
    check(open(&changed), &(place + why));
    check(head_chunks(&[1, 2, 3]).map(|_| ()), "at byte 0: the file ends in the middle of something");
    let nonsense = "a compressed record does not decompress";
    let zstd = log_of(&[b"}SQ".to_vec()]);
    assert_eq!(Records::of(&zstd).next().unwrap().unwrap_err().problem, Problem::Nonsense(nonsense));
}

/// The records of the log, each packed by zstd.
fn packed_by_zstd() -> Vec<Vec<u8>> {
    let records = Records::of(LOG).map(|record| record.unwrap().bytes.into_owned());
    records.map(|bytes| compress_to_vec(&bytes[..], CompressionLevel::Fastest)).collect()
}

/// A log of records that are packed by zstd: in pages, each record in as many fragments as it takes.
fn log_of(records: &[Vec<u8>]) -> Vec<u8> {
    const ZSTD: u8 = 1 << 4;
    let (page, header) = (32 << 10, 7);
    let mut log = Vec::new();
    for record in records {
        let (mut rest, mut is_first) = (record.as_slice(), true);
        while is_first || !rest.is_empty() {
            let room = page - log.len() % page;
            if room <= header {
                log.resize(log.len() + room, 0);
                continue;
            }
            let (part, later) = rest.split_at(rest.len().min(room - header));
            rest = later;
            let kind = match (is_first, rest.is_empty()) {
                (true, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
                (false, true) => 4,
            };
            log.push(kind | ZSTD);
            log.extend_from_slice(&(part.len() as u16).to_be_bytes());
            log.extend_from_slice(&crc32c(part).to_be_bytes());
            log.extend_from_slice(part);
            is_first = false;
        }
    }
    log
}

#[test]
fn a_log_packed_by_zstd_holds_the_same() {
    let records = packed_by_zstd();
    check(read_log(&log_of(&records)).unwrap(), EXPECTED_HEAD);
    // Whatever such a record is made of, it is read or refused.
    for at in (0..records[0].len()).step_by(3) {
        let mut changed = records[0].clone();
        changed[at] ^= 1 << (at % 8);
        for cut in [changed.clone(), records[0][..at].to_vec()] {
            let log = log_of(&[cut]);
            let Some(Ok(record)) = Records::of(&log).next() else { continue };
            let _ = read_record(&record.bytes, record.offset, &mut |_| {});
        }
    }
}

#[test]
fn a_record_that_unpacks_to_more_than_any_is_refused() {
    // A block of four bytes says that one byte comes 128 Ki times; the lowest bit of the last block is set.
    let unpacked = |blocks: u32| {
        let block = |place| ((128 << 10) << 3 | 2 | u32::from(place + 1 == blocks)).to_le_bytes();
        let blocks = (0..blocks).flat_map(|place| [block(place)[0], block(place)[1], block(place)[2], 0]);
        let packed: Vec<u8> = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58].into_iter().chain(blocks).collect();
        let log = log_of(&[packed]);
        Records::of(&log).next().unwrap().map(|record| record.bytes.len())
    };
    assert_eq!(unpacked(2), Ok(256 << 10));
    assert!(matches!(unpacked(2049), Err(Damage { problem: Problem::Nonsense(_), .. })));
}
