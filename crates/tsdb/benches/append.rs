//! How fast batches are appended, and chunks written and read.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use bellwether_model::{Batch, Labels, Origin, Sample, SeriesId, Timestamp};
use bellwether_tsdb::chunk_codec::{decode, encode};
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

fn chunks(c: &mut Criterion) {
    let samples: Vec<_> =
        (0..4096i64).map(|n| Sample::new(Timestamp(n * 15_000), (n * 40 + n * n % 61) as f64)).collect();
    let bytes = encode(&samples);
    let mut group = c.benchmark_group("chunk of 4096");
    group.throughput(Throughput::Elements(4096)).sample_size(20);
    group.bench_function("encode", |b| b.iter(|| encode(black_box(&samples))));
    let mut out = Vec::new();
    group.bench_function("decode", |b| {
        b.iter(|| {
            out.clear();
            decode(black_box(&bytes), &mut out)
        });
    });
    group.finish();
}

criterion_group!(benches, append, chunks);
criterion_main!(benches);
