//! Messages of protobuf to start from.

/// A message under construction.
#[derive(Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn number(mut self, field: u64, number: u64) -> Self {
        self.varint(field << 3);
        self.varint(number);
        self
    }

    fn double(mut self, field: u64, number: f64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(number.to_le_bytes());
        self
    }

    fn fixed(self, field: u64, number: u64) -> Self {
        self.double(field, f64::from_bits(number))
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

fn new() -> Message {
    Message::default()
}

/// Bodies of a scrape.
pub(crate) fn metric_families() -> Vec<Vec<u8>> {
    let label = |name: &[u8], value: &[u8]| new().bytes(1, name).bytes(2, value);
    let metric = || new().message(1, &label(b"code", b"200")).message(1, &label("é".as_bytes(), b"a\"\\\n"));
    let time = new().number(1, 1_520_879_607).number(2, 789_000_000);
    let exemplar = new().message(1, &label(b"trace_id", b"4f")).double(2, 0.5).message(3, &time);
    let family = |name: &[u8], kind, metrics: &[Message]| {
        let family = new().bytes(1, name).bytes(2, b"What it\nmeans.").number(3, kind);
        metrics.iter().fold(family, |family, metric| family.message(4, metric))
    };
    let counter = metric().message(3, &new().double(1, 3.0).message(2, &exemplar).message(3, &time));
    let gauge = new().message(2, &new().double(1, f64::NAN)).number(6, 1500);
    let quantile = new().double(1, 0.99).double(2, 1.0);
    let summary = metric().message(4, &new().number(1, 5).double(2, 1.5).message(3, &quantile));
    let bucket = |count, upper| new().number(1, count).double(2, upper).message(3, &exemplar);
    let classic =
        new().number(1, 3).double(2, 4.5).message(3, &bucket(2, 0.5)).message(3, &bucket(3, f64::INFINITY));
    let span = |offset, length| new().number(1, offset).number(2, length);
    let native = classic.clone().number(5, 2).double(6, 0.001).number(7, 1).message(12, &span(0, 1));
    let native = native.number(13, 2).message(9, &span(3, 1)).bytes(10, &[2]).message(16, &exemplar);
    let float = new().double(4, 2.5).message(12, &span(0, 2)).double(14, 1.0).double(14, 1.5);
    let in_body = |families: &[Message]| {
        let mut body = new();
        for family in families {
            body.varint(family.0.len() as u64);
            body.0.extend(&family.0);
        }
        body.0
    };
    vec![
        in_body(&[
            family(b"requests_total", 0, &[counter, metric()]),
            family(b"a.b_seconds", 1, &[gauge]).bytes(5, b"seconds"),
        ]),
        in_body(&[family(b"s", 2, &[summary]), family(b"u", 3, &[new()])]),
        in_body(&[family(b"h", 4, &[metric().message(7, &classic), new().message(7, &native)])]),
        in_body(&[family(b"g", 5, &[metric().message(7, &float)])]),
    ]
}

/// OTLP requests.
pub(crate) fn otlp() -> Vec<Vec<u8>> {
    let attribute = |key: &[u8], value: &[u8]| new().bytes(1, key).message(2, &new().bytes(1, value));
    let point =
        || new().message(7, &attribute(b"code", b"200")).fixed(2, 1_000_000_000).fixed(3, 2_000_000_000);
    let request = |metric: &Message| {
        let scope = new().message(1, &new().bytes(1, b"lib").bytes(2, b"1.0")).message(2, metric);
        let resource =
            new().message(1, &new().message(1, &attribute(b"service.name", b"shop"))).message(2, &scope);
        new().message(1, &resource).0
    };
    let metric = |name: &[u8]| new().bytes(1, name).bytes(2, b"What.").bytes(3, b"s");
    let sum = new().message(1, &point().double(4, 3.5)).number(2, 2).number(3, 1);
    let delta = new().message(1, &point().fixed(6, 7)).number(2, 1).number(3, 1);
    let histogram_point = new()
        .message(9, &attribute(b"a", b"b"))
        .fixed(2, 1)
        .fixed(3, 2_000_000_000)
        .fixed(4, 3)
        .double(5, 4.5);
    let histogram_point =
        histogram_point.bytes(6, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).double(7, 0.5);
    let buckets = new().number(1, 3).bytes(2, &[1, 2, 0]);
    let exponential_point = new()
        .fixed(3, 2_000_000_000)
        .fixed(4, 4)
        .double(5, 4.5)
        .number(6, 2)
        .fixed(7, 1)
        .message(8, &buckets);
    vec![
        request(&metric(b"requests").message(7, &sum)),
        request(&metric(b"requests").message(7, &delta)),
        request(&metric(b"heat").message(5, &new().message(1, &point().double(4, -1.0)))),
        request(&metric(b"wait").message(9, &new().message(1, &histogram_point).number(2, 2))),
        request(&metric(b"wait").message(10, &new().message(1, &exponential_point).number(2, 2))),
    ]
}

/// Requests of the first remote write.
pub(crate) fn remote_write_1() -> Vec<Vec<u8>> {
    let label = |name: &[u8], value: &[u8]| new().bytes(1, name).bytes(2, value);
    let series = |name: &[u8]| new().message(1, &label(b"__name__", name)).message(1, &label(b"job", b"api"));
    let sample = |value, at| new().double(1, value).number(2, at);
    let exemplar = new().message(1, &label(b"trace_id", b"4f")).double(2, 0.5).number(3, 1000);
    let histogram = new().number(1, 3).double(3, 4.5).number(4, 2).double(5, 0.001).number(6, 1);
    let histogram = histogram.message(11, &new().number(1, 0).number(2, 1)).number(12, 4).number(15, 1000);
    let metadata = new().number(1, 1).bytes(2, b"a_total").bytes(4, b"What.").bytes(5, b"s");
    let floats = series(b"a_total")
        .message(2, &sample(1.5, 1000))
        .message(2, &sample(2.5, 2000))
        .message(3, &exemplar);
    vec![
        new()
            .message(1, &floats)
            .message(1, &series(b"b").message(2, &sample(-1.0, 5)))
            .message(3, &metadata)
            .0,
        new().message(1, &series(b"h").message(4, &histogram)).0,
    ]
}

/// Requests of the second one: labels are numbers of symbols.
pub(crate) fn remote_write_2() -> Vec<Vec<u8>> {
    let symbols = ["", "__name__", "a_total", "job", "api", "trace_id", "4f", "What."];
    let request = symbols.iter().fold(new(), |request, symbol| request.bytes(4, symbol.as_bytes()));
    let series = || new().bytes(1, &[1, 2, 3, 4]);
    let sample = |value, at| new().double(1, value).number(2, at).number(3, 500);
    let exemplar = new().bytes(1, &[5, 6]).double(2, 0.5).number(3, 1000);
    let metadata = new().number(1, 1).number(3, 7);
    let histogram = new().number(1, 3).double(3, 4.5).number(4, 2).double(5, 0.001).number(6, 1);
    let histogram = histogram.message(11, &new().number(1, 0).number(2, 1)).number(12, 4).number(15, 1000);
    let floats = series().message(2, &sample(1.5, 1000)).message(4, &exemplar).message(5, &metadata);
    vec![request.clone().message(5, &floats).0, request.message(5, &series().message(3, &histogram)).0]
}
