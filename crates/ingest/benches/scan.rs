//! How fast bodies are read: as a busy exporter writes them, in each format, by one who expects nothing and by one who
//! expects what the last scrape had.

use bellwether_ingest::{
    Entry, HistogramChoice, Limits, ScrapeSink, scan_into, scan_openmetrics, scan_protobuf,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SERIES: usize = 10_000;

fn labels(index: usize) -> [(&'static str, String); 4] {
    [
        ("code", (200 + index % 5 * 100).to_string()),
        ("handler", format!("/api/v1/route/{}", index % 100)),
        ("method", "GET".to_owned()),
        ("pod", format!("shop-{index}")),
    ]
}

fn series(index: usize) -> String {
    let labels = labels(index).map(|(name, value)| format!("{name}=\"{value}\""));
    format!("http_requests_total{{{}}}", labels.join(","))
}

fn value(index: usize) -> f64 {
    index as f64 * 1237.5
}

fn text() -> String {
    let mut body =
        String::from("# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n");
    for index in 0..SERIES {
        body.push_str(&format!("{} {}\n", series(index), value(index)));
    }
    body
}

fn openmetrics() -> String {
    let mut body = String::from("# TYPE http_requests counter\n");
    for index in 0..SERIES {
        let exemplar = format!("{{trace_id=\"abcdef{index}\"}} 0.5 1600000000.1");
        body.push_str(&format!("{} {} # {exemplar}\n", series(index), value(index)));
    }
    body + "# EOF\n"
}

fn put_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field << 3 | 2);
    put_varint(out, bytes.len());
    out.extend(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn protobuf() -> Vec<u8> {
    let mut family = Vec::new();
    put_bytes(&mut family, 1, b"http_requests_total");
    for index in 0..SERIES {
        let mut metric = Vec::new();
        for (name, value) in labels(index) {
            let mut pair = Vec::new();
            put_bytes(&mut pair, 1, name.as_bytes());
            put_bytes(&mut pair, 2, value.as_bytes());
            put_bytes(&mut metric, 1, &pair);
        }
        let mut counter = vec![1 << 3 | 1];
        counter.extend(value(index).to_le_bytes());
        put_bytes(&mut metric, 3, &counter);
        put_bytes(&mut family, 4, &metric);
    }
    let mut body = Vec::new();
    put_varint(&mut body, family.len());
    body.extend(family);
    body
}

/// Expects these series, in this order.
struct Expecting<'k> {
    series: &'k [String],
    read: usize,
    sum: f64,
}

impl<'a> ScrapeSink<'a> for Expecting<'_> {
    fn expected(&self) -> &str {
        self.series.get(self.read).map_or("", String::as_str)
    }

    fn take(&mut self, entry: Entry<'a>) {
        if let Entry::Sample(sample) = entry {
            self.read += 1;
            self.sum += sample.value;
        }
    }
}

fn scan_bodies(c: &mut Criterion) {
    let (text, openmetrics, protobuf) = (text(), openmetrics(), protobuf());
    let (limits, known) = (Limits::default(), (0..SERIES).map(series).collect::<Vec<_>>());
    let mut group = c.benchmark_group("exposition");
    group.throughput(Throughput::Elements(SERIES as u64));
    for (what, series) in [("new", &[][..]), ("known", &known[..])] {
        let sink = || Expecting { series, read: 0, sum: 0.0 };
        group.bench_function(format!("text, {what}"), |b| {
            b.iter(|| {
                let mut sink = sink();
                (scan_into(text.as_bytes(), &limits, &mut sink), sink.sum)
            });
        });
        group.bench_function(format!("openmetrics with exemplars, {what}"), |b| {
            b.iter(|| {
                let mut sink = sink();
                (scan_openmetrics(openmetrics.as_bytes(), &limits, &mut sink), sink.sum)
            });
        });
        group.bench_function(format!("protobuf, {what}"), |b| {
            b.iter(|| {
                let mut sink = sink();
                (scan_protobuf(&protobuf, &limits, HistogramChoice::default(), &mut sink), sink.sum)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, scan_bodies);
criterion_main!(benches);
