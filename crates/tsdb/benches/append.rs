//! How fast batches are appended, and chunks written and read.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, Timestamp};
use bellwether_tsdb::chunk_codec::{decode, encode, encode_for_memory};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{Options, Store};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SERIES: u64 = 1000;

fn append(c: &mut Criterion) {
    let disk = FaultDisk::new();
    let store = Store::open(Path::new("data"), Options::default(), Arc::new(disk)).unwrap().0;
    let ids: Vec<SeriesId> = (0..SERIES)
        .map(|n| {
            store.series(&Labels::from_pairs([("__name__", "requests"), ("pod", &n.to_string())])).unwrap()
        })
        .collect();
    let mut at = 0i64;
    let mut group = c.benchmark_group("append");
    group.throughput(Throughput::Elements(SERIES)).sample_size(20);
    group.bench_function("batch of 1000", |b| {
        b.iter(|| {
            at += 15_000;
            let samples = ids
                .iter()
                .map(|id| (*id, Sample::new(Timestamp(at), (at / 1000 * i64::from(id.0 % 7)) as f64)));
            let batch = Batch::floats(Origin::Rules, Timestamp(at), samples.collect());
            store.append(&batch).unwrap();
        });
    });
    group.finish();
}

type SampleAt = fn(i64) -> Sample;

/// What series look like that cost differently.
const SHAPES: [(&str, SampleAt); 7] = [
    ("a counter", |n| sample(n * 15_000, (n * 40 + n * n % 61) as f64)),
    ("a counter off the grid", |n| sample(n * 15_000 + n * n * 7 % 41, (n * 40 + n * n % 61) as f64)),
    ("seconds with decimals", |n| sample(n * 15_000, (n * n % 9_973) as f64 * 0.001)),
    ("a gauge with two decimals", |n| sample(n * 15_000, (4_000 + n * n % 997) as f64 / 100.0)),
    ("a gauge that came from half the width", |n| sample(n * 15_000, f64::from((n as f32).sin()))),
    ("seconds added up", |n| {
        sample(n * 15_000, (0..n % 64).map(|k| k as f64 * 0.001).sum::<f64>() + (n / 64) as f64)
    }),
    ("a sum with all digits", |n| sample(n * 15_000, n as f64 * 0.173 + (n as f64).sin())),
];

fn sample(at: i64, value: f64) -> Sample {
    Sample::new(Timestamp(at), value)
}

fn chunks(c: &mut Criterion) {
    for (name, count, encode) in [
        ("for a segment", 4096, encode as fn(&[Sample]) -> Vec<u8>),
        ("for a segment", 480, encode as fn(&[Sample]) -> Vec<u8>),
        ("for memory", 240, encode_for_memory as fn(&[Sample]) -> Vec<u8>),
    ] {
        let mut group = c.benchmark_group(format!("{count} samples {name}"));
        group.throughput(Throughput::Elements(count as u64)).sample_size(20);
        for (shape, at) in SHAPES {
            let samples: Vec<_> = (0..count).map(at).collect();
            let bytes = encode(&samples);
            let size = bytes.len() as f64 / count as f64;
            group.bench_function(format!("encode {shape}, {size:.2} bytes each"), |b| {
                b.iter(|| encode(black_box(&samples)));
            });
            let mut out = Vec::new();
            group.bench_function(format!("decode {shape}"), |b| {
                b.iter(|| {
                    out.clear();
                    decode(black_box(&bytes), &mut out)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, append, chunks);
criterion_main!(benches);
