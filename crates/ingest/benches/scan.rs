//! How fast exposition text is read: a body as a busy exporter writes it, scanned as the scrape loop scans it.

use bellwether_ingest::{Entry, Limits, scan};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SERIES: usize = 10_000;

fn body() -> String {
    let mut body =
        String::from("# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
    for index in 0..SERIES {
        let (code, route, value) = (200 + index % 5 * 100, index % 100, index as f64 * 1237.5);
        body.push_str(&format!(
            "http_requests_total{{code=\"{code}\",handler=\"/api/v1/route/{route}\",method=\"GET\",pod=\"shop-{index}\"}} {value}\n"
        ));
    }
    body
}

fn scan_body(c: &mut Criterion) {
    let (body, limits) = (body(), Limits::default());
    let mut group = c.benchmark_group("exposition");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("scan 10,000 series", |b| {
        b.iter(|| {
            let mut sum = 0.0;
            scan(body.as_bytes(), &limits, &mut |entry| {
                if let Entry::Sample(sample) = entry {
                    sum += sample.value;
                }
            })
            .map(|summary| (summary.samples, sum))
        });
    });
    group.finish();
}

criterion_group!(benches, scan_body);
criterion_main!(benches);
