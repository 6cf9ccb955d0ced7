use std::fmt::Write as _;

use bellwether_ingest::{EachEntry, Entry, HistogramChoice, Limits, decode_series, help_text, scan_protobuf};
use bellwether_model::{CounterReset, Timestamp};
use bellwether_testkit::cases;

/// A message under construction, by the rules of the wire format.
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

    fn signed(self, field: u64, number: i64) -> Self {
        self.number(field, ((number << 1) ^ (number >> 63)) as u64)
    }

    fn double(mut self, field: u64, number: f64) -> Self {
        self.varint(field << 3 | 1);
        self.0.extend(number.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }

    fn text(self, field: u64, text: &str) -> Self {
        self.bytes(field, text.as_bytes())
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    fn messages(self, field: u64, messages: &[Self]) -> Self {
        messages.iter().fold(self, |message, inner| message.message(field, inner))
    }

    fn label(self, name: &str, value: &str) -> Self {
        self.message(1, &new().text(1, name).text(2, value))
    }
}

fn new() -> Message {
    Message::default()
}

fn family(name: &str, kind: u64, metrics: &[Message]) -> Message {
    new().text(1, name).text(2, "help").number(3, kind).messages(4, metrics)
}

fn moment(seconds: u64, nanos: u64) -> Message {
    new().number(1, seconds).number(2, nanos)
}

fn exemplar(trace: &str, value: f64, at: Option<u64>) -> Message {
    let exemplar = new().label("trace_id", trace).double(2, value);
    at.map_or(exemplar.clone(), |at| exemplar.message(3, &moment(at, 500_000_000)))
}

fn bucket(upper: f64, count: u64) -> Message {
    new().number(1, count).double(2, upper)
}

fn span(offset: i64, length: u64) -> Message {
    new().signed(1, offset).number(2, length)
}

fn body(families: &[Message]) -> Vec<u8> {
    let mut body = new();
    for family in families {
        body.varint(family.0.len() as u64);
        body.0.extend(&family.0);
    }
    body.0
}

const NATIVE: HistogramChoice = HistogramChoice { native: true, classic_too: false };

fn read(body: &[u8], choice: HistogramChoice) -> Result<Vec<String>, String> {
    let mut entries = Vec::new();
    let mut sink = EachEntry(|entry: Entry<'_>| {
        let mut line = String::new();
        let mut beside = |at: Option<Timestamp>, since: Option<Timestamp>| {
            for (sign, time) in [("@", at), ("since ", since)] {
                if let Some(time) = time {
                    let _ = write!(line, " {sign}{}", time.0);
                }
            }
        };
        let (mut exemplars, what) = match entry {
            Entry::Sample(sample) => {
                beside(sample.timestamp, sample.since);
                let labels = decode_series(sample.series).unwrap().labels();
                (sample.exemplar.into_iter().collect(), format!("{labels} = {}", sample.value))
            }
            Entry::Histogram(scraped) => {
                beside(scraped.timestamp, scraped.since);
                let labels = decode_series(scraped.series).unwrap().labels();
                let gauge =
                    if scraped.histogram.counter_reset == CounterReset::Gauge { "gauge " } else { "" };
                (scraped.exemplars, format!("{labels} = {gauge}{}", scraped.histogram))
            }
            Entry::Help { name, text } => (vec![], format!("help {name}: {}", help_text(text))),
            Entry::Type { name, kind } => (vec![], format!("type {name}: {}", kind.openmetrics_str())),
            Entry::Unit { name, unit } => (vec![], format!("unit {name}: {unit}")),
        };
        for written in exemplars.drain(..) {
            let exemplar = written.decode().unwrap();
            let at = exemplar.at.map(|at| format!(" @{}", at.0)).unwrap_or_default();
            let _ = write!(line, " # {} {}{at}", exemplar.labels, exemplar.value);
        }
        entries.push(what + &line);
    });
    scan_protobuf(body, &Limits::default(), choice, &mut sink).map_err(|error| error.to_string())?;
    Ok(entries)
}

#[track_caller]
fn check(family: Message, choice: HistogramChoice, want: &[&str]) {
    let found = read(&body(&[family]), choice).unwrap();
    let values: Vec<&str> = found
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with("help ") && !line.starts_with("type "))
        .collect();
    assert_eq!(values, want);
}

#[test]
fn numbers_are_read_with_what_stands_beside_them() {
    let metric = new().label("code", "200").label("a", "x\"\n\\");
    let counter =
        new().double(1, 3.0).message(2, &exemplar("4f", 0.5, None)).message(3, &moment(7, 1_000_000));
    check(
        family(
            "a_total",
            0,
            &[metric.clone().message(3, &counter).number(6, 1500), new().message(3, &new())],
        ),
        NATIVE,
        &[
            "a_total{a=\"x\\\"\\n\\\\\", code=\"200\"} = 3 @1500 since 7001 # {trace_id=\"4f\"} 0.5",
            "a_total = 0",
        ],
    );
    check(
        family("a.b", 1, &[metric.message(2, &new().double(1, -2.5))]),
        NATIVE,
        &["{\"a.b\", a=\"x\\\"\\n\\\\\", code=\"200\"} = -2.5"],
    );
    check(family("a.b", 3, &[new().message(5, &new().double(1, f64::NAN))]), NATIVE, &["{\"a.b\"} = NaN"]);
    check(family("a", 1, &[new().label("é x", "").message(2, &new())]), NATIVE, &["a = 0"]);
    let found = read(&body(&[family("a_s", 1, &[new()]).text(5, "s"), family("none", 9, &[])]), NATIVE);
    assert_eq!(found.unwrap(), ["help a_s: help", "unit a_s: s", "type a_s: gauge", "a_s = 0"]);
    assert_eq!(read(b"", NATIVE), Ok(vec![]));
    cases::ran("protobuf: simple metrics", 7);
}

#[test]
fn quantiles_and_classic_buckets_become_series() {
    let quantile = |quantile, value| new().double(1, quantile).double(2, value);
    let summary =
        new().number(1, 5).double(2, 1.5).messages(3, &[quantile(0.5, 1.0), quantile(0.99, f64::NAN)]);
    check(
        family("s", 2, &[new().message(4, &summary.message(4, &moment(1, 0))), new().message(4, &new())]),
        NATIVE,
        &[
            "s_count = 5 since 1000",
            "s_sum = 1.5 since 1000",
            "s{quantile=\"0.5\"} = 1 since 1000",
            "s{quantile=\"0.99\"} = NaN since 1000",
            "s_count = 0",
            "s_sum = 0",
        ],
    );
    let with_exemplar = bucket(1.0, 2).message(3, &exemplar("4f", 0.7, Some(9)));
    let histogram = new().number(1, 3).double(2, 4.5).messages(3, &[with_exemplar, bucket(1e6, 3)]);
    check(
        family("h", 4, &[new().label("a", "b").message(7, &histogram.message(15, &moment(1, 0)))]),
        NATIVE,
        &[
            "h_count{a=\"b\"} = 3 since 1000",
            "h_sum{a=\"b\"} = 4.5 since 1000",
            "h_bucket{a=\"b\", le=\"1.0\"} = 2 since 1000 # {trace_id=\"4f\"} 0.7 @9500",
            "h_bucket{a=\"b\", le=\"1e+06\"} = 3 since 1000",
            "h_bucket{a=\"b\", le=\"+Inf\"} = 3 since 1000",
        ],
    );
    // Floats count instead where they are given; what stands behind the infinite bucket is not read.
    let float = |upper: f64, count: f64| new().double(4, count).double(2, upper);
    let floats = new().double(4, 2.5).messages(3, &[float(f64::INFINITY, 2.5), bucket(3.0, 9)]);
    check(
        family("g", 5, &[new().message(7, &floats)]),
        NATIVE,
        &["g_count = 2.5", "g_sum = 0", "g_bucket{le=\"+Inf\"} = 2.5"],
    );
}

fn native() -> Message {
    new()
        .number(1, 10)
        .double(2, 18.4)
        .signed(5, 0)
        .double(6, 0.001)
        .number(7, 2)
        .messages(12, &[span(0, 2), span(1, 2)])
        .bytes(13, &[2, 2, 1, 0]) // packed: +1, +1, -1, 0
        .messages(9, &[span(0, 1)])
        .signed(10, 3)
}

#[test]
fn native_histograms_are_read_where_they_are_wanted() {
    let text = "{count:10, sum:18.4, [-1,-0.5):3, [-0.001,0.001]:2, (0.5,1]:1, (1,2]:2, (4,8]:1, (8,16]:1}";
    let of = |histogram: &Message, kind| family("h", kind, &[new().label("a", "b").message(7, histogram)]);
    let exemplars = [exemplar("1", 2.0, Some(3)), exemplar("2", 4.0, None)];
    let full = native().messages(16, &exemplars).message(15, &moment(5, 0));
    check(of(&full, 4), NATIVE, &[&format!("h{{a=\"b\"}} = {text} since 5000 # {{trace_id=\"1\"}} 2 @3500")]);
    check(of(&native(), 5), NATIVE, &[&format!("h{{a=\"b\"}} = gauge {text}")]);
    let both = native().message(3, &bucket(1.0, 4).message(3, &exemplar("9", 1.0, Some(1))));
    let classic = [
        "h_count{a=\"b\"} = 10",
        "h_sum{a=\"b\"} = 18.4",
        "h_bucket{a=\"b\", le=\"1.0\"} = 4 # {trace_id=\"9\"} 1 @1500",
        "h_bucket{a=\"b\", le=\"+Inf\"} = 10",
    ];
    let native_line = format!("h{{a=\"b\"}} = {text} # {{trace_id=\"9\"}} 1 @1500");
    check(of(&both, 4), NATIVE, &[&native_line]);
    let with_classic: Vec<&str> = std::iter::once(native_line.as_str()).chain(classic).collect();
    check(of(&both, 4), HistogramChoice { native: true, classic_too: true }, &with_classic);
    check(of(&both, 4), HistogramChoice::default(), &classic);
    // One without observations says what it is with a span of no buckets.
    check(of(&new().message(12, &span(0, 0)), 4), NATIVE, &["h{a=\"b\"} = {count:0, sum:0}"]);
    check(
        of(&new(), 4),
        NATIVE,
        &["h_count{a=\"b\"} = 0", "h_sum{a=\"b\"} = 0", "h_bucket{a=\"b\", le=\"+Inf\"} = 0"],
    );
    let floats = new()
        .double(4, 1.5)
        .double(2, 2.0)
        .message(12, &span(-1, 3))
        .double(14, 0.5)
        .double(14, 0.0)
        .double(14, 1.0);
    check(of(&floats, 4), NATIVE, &["h{a=\"b\"} = {count:1.5, sum:2, (0.25,0.5]:0.5, (1,2]:1}"]);
    cases::ran("protobuf: native histograms", 8);
}

#[test]
fn a_native_histogram_that_does_not_add_up_is_refused() {
    let check = |histogram: Message, want: &str| {
        let found = read(
            &body(&[family("ok", 1, &[new()]), family("h", 4, &[new().message(7, &histogram)])]),
            NATIVE,
        );
        assert_eq!(found, Err(format!("metric family 2, \"h\": native histogram: {want}")));
    };
    let one = |histogram: Message| histogram.message(12, &span(0, 1));
    check(one(new()), "spans need 1 buckets, but there are 0");
    check(one(new()).signed(13, -1), "a bucket has a negative count");
    check(one(new()).signed(13, 2).number(1, 1), "2 observations found in buckets, but the count is 1");
    check(one(new()).signed(13, 2).signed(5, 9).number(1, 2), "histogram schema 9 is none of -4 to 8");
    check(
        one(new()).message(12, &span(-1, 1)).signed(13, 1).signed(13, 0),
        "span number 2 has a negative offset",
    );
    check(new().message(12, &span(i64::from(i32::MAX), 1)).signed(13, 1), "bucket numbers go beyond 32 bits");
    check(new().message(12, &span(0, 1 << 31)), "spans need 2147483648 buckets, but there are 0");
}

#[test]
fn a_body_that_is_no_message_is_refused_with_its_family() {
    let check =
        |bytes: &[u8], want: &str| assert_eq!(read(bytes, NATIVE), Err(want.to_owned()), "{bytes:x?}");
    let wire = |what: &str| {
        format!(
            "not a protobuf message: {what}; the body may be cut off, or of another format than its Content-Type says"
        )
    };
    check(&[5, 1], &format!("metric family 1: {}", wire("a message ends within a field")));
    let whole = body(&[family("a", 0, &[new()]), family("b", 0, &[new()])]);
    for cut in 1..whole.len() {
        let is_whole = cut == whole.len() / 2;
        assert_eq!(read(&whole[..cut], NATIVE).is_ok(), is_whole, "cut at {cut}");
    }
    check(&body(&[family("", 0, &[new()])]), "metric family 1: a metric family needs a name of UTF-8 text");
    check(
        &body(&[family("a", 6, &[new()])]),
        "metric family 1, \"a\": unknown metric type 6; 0 (counter) to 5 (gauge histogram) are known",
    );
    let label = |name: &[u8], value: &[u8]| new().message(1, &new().bytes(1, name).bytes(2, value));
    check(
        &body(&[family("a", 0, &[label(b"", b"x")])]),
        "metric family 1, \"a\": a label needs a name of UTF-8 text",
    );
    check(
        &body(&[family("a", 0, &[label(b"x", &[0xff])])]),
        "metric family 1, \"a\": a label value is not valid UTF-8",
    );
    check(
        &body(&[family("a_s", 1, &[new()]).text(5, "bytes")]),
        "metric family 1, \"a_s\": the unit \"bytes\" is not how the name ends; name it ..._bytes, or leave the unit out",
    );
    assert!(read(&body(&[family("a_s_total", 0, &[new()]).text(5, "s")]), NATIVE).is_ok());
    check(
        &body(&[family("a", 0, &[new().message(3, &new().number(1, 1))])]),
        &format!("metric family 1, \"a\": {}", wire("value has another wire type than the format says")),
    );
    cases::ran("protobuf: bodies that are refused", 8);
}
