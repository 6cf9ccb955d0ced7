//! The words queries are made of: what the dataset holds, a little that it does not, and numbers at the edges.

use fastrand::Rng;

use super::ask::When;
use super::extent::{LENGTH, START};

/// Metrics, each with the labels its series have.
pub const METRICS: [(&str, &[&str]); 28] = [
    ("requests_total", &["job", "instance", "method", "code"]),
    ("requests_total", &["job", "instance", "method", "code"]),
    ("errors_total", &["job", "instance"]),
    ("cpu_seconds_total", &["job", "mode"]),
    ("memory_bytes", &["job", "instance"]),
    ("up", &["job", "instance"]),
    ("queue_length", &["job", "instance"]),
    ("limit_bytes", &["job", "instance"]),
    ("temperature_celsius", &["room"]),
    ("extreme", &["kind"]),
    ("special", &["kind"]),
    ("disk_free_bytes", &["kind"]),
    ("pod_work_total", &["pod"]),
    ("pod_load", &["pod"]),
    ("build_info", &["job", "instance", "version", "extra"]),
    ("target_info", &["job", "instance", "cluster", "data"]),
    ("left", &["a", "b", "c"]),
    ("right", &["a", "b", "c"]),
    ("alone", &[]),
    ("http.requests", &["service.name", "région"]),
    ("café_total", &["tasse"]),
    ("ns:level:sum_rate5m", &["Name", "_x"]),
    ("latency_seconds_bucket", &["instance", "path", "le"]),
    ("latency_seconds_sum", &["instance", "path"]),
    ("odd_bounds_seconds_bucket", &["le"]),
    ("every", &["interval"]),
    ("every_total", &["interval"]),
    ("absent_metric", &["job"]),
];

/// Classic histograms by their buckets.
pub const BUCKETS: [&str; 8] = [
    "latency_seconds_bucket",
    "latency_seconds_bucket{path=\"/broken\"}",
    "no_inf_seconds_bucket",
    "only_inf_seconds_bucket",
    "negative_seconds_bucket",
    "odd_bounds_seconds_bucket",
    "two_seconds_bucket",
    "up",
];

/// Native histograms, each with the labels its series have.
pub const NATIVE: [(&str, &[&str]); 9] = [
    ("native_seconds", &["job", "instance", "path"]),
    ("native_seconds", &["job", "instance", "path"]),
    ("varying_seconds", &["kind"]),
    ("native_gauge", &["room"]),
    ("custom_seconds", &["kind"]),
    ("custom_seconds", &["kind"]),
    ("other_bounds_seconds", &["kind"]),
    ("rare_seconds", &[]),
    ("switching_seconds", &["kind"]),
];

/// Values that matchers ask for, many of which occur.
const VALUES: [&str; 24] = [
    "api", "db", "a:80", "b:80", "get", "post", "200", "500", "attic", "hall", "roof", "a", "b", "early",
    "flapping", "late", "1", "2", "10", "1.0", "+Inf", "0.5", "a b", "",
];

const PATTERNS: [&str; 14] = [
    "a.*",
    ".*",
    ".+",
    "",
    "2..|5..",
    "(?i)API",
    "[ab]:80",
    "early|late|once",
    "x|",
    "1|2",
    "a:80|b:80",
    "^a$",
    "5m.*",
    "api|",
];

const DURATIONS: [&str; 18] = [
    "1m", "5m", "10m", "30m", "1h", "2h", "15s", "30s", "4m59s", "5m1ms", "90s", "1m30s", "7m", "1s",
    "100ms", "1h30m", "300", "45.5",
];

const STEPS: [&str; 12] = ["", "", "15s", "1m", "30s", "7s", "5m", "13s", "59s999ms", "10m", "60", "1m30s"];

/// Numbers as they are written.
pub const NUMBERS: [&str; 24] = [
    "0", "1", "-1", "2", "0.5", "-0.5", "10", "100", "1e3", "1e-3", "3.14159", "Inf", "-Inf", "NaN", "0x1F",
    "1e300", "0.1", "-7", "5m", "1e18", "4", "0.9", "0.25", "1.5",
];

pub fn pick<T: Copy>(rng: &mut Rng, all: &[T]) -> T {
    all[rng.usize(0..all.len())]
}

/// True so many times out of a hundred.
pub fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

pub fn duration(rng: &mut Rng) -> &'static str {
    pick(rng, &DURATIONS)
}

/// The step of a subquery, or nothing.
pub fn step(rng: &mut Rng) -> &'static str {
    pick(rng, &STEPS)
}

/// Whether a metric's name is written without quotes.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// A label as it is written where labels are listed.
pub fn label(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { quoted(name) }
}

/// A label that series may have.
pub fn any_label(rng: &mut Rng) -> &'static str {
    const COMMON: [&str; 12] =
        ["job", "instance", "method", "code", "room", "pod", "le", "a", "b", "c", "nope", "version"];
    pick(rng, &COMMON)
}

fn matcher(rng: &mut Rng, labels: &[&str]) -> String {
    let name = if labels.is_empty() || chance(rng, 10) { any_label(rng) } else { pick(rng, labels) };
    let name = label(name);
    if chance(rng, 50) {
        format!("{name}{}{}", pick(rng, &["=", "!="]), quoted(pick(rng, &VALUES)))
    } else {
        format!("{name}{}{}", pick(rng, &["=~", "!~"]), quoted(pick(rng, &PATTERNS)))
    }
}

/// A metric with perhaps some matchers, in one of the forms there are.
pub fn metric(rng: &mut Rng) -> String {
    let (name, labels) = if chance(rng, 8) { pick(rng, &NATIVE) } else { pick(rng, &METRICS) };
    metric_of(rng, name, labels)
}

/// A native histogram, with perhaps some matchers.
pub fn native(rng: &mut Rng) -> String {
    let (name, labels) = pick(rng, &NATIVE);
    metric_of(rng, name, labels)
}

/// A metric among whose names a word occurs.
pub fn metric_like(rng: &mut Rng, word: &str) -> String {
    let all: Vec<_> = METRICS.iter().copied().filter(|(name, _)| name.contains(word)).collect();
    let (name, labels) = pick(rng, &all);
    metric_of(rng, name, labels)
}

fn metric_of(rng: &mut Rng, name: &str, labels: &[&str]) -> String {
    let count = pick(rng, &[0, 0, 0, 1, 1, 2]);
    let mut matchers: Vec<String> = (0..count).map(|_| matcher(rng, labels)).collect();
    if chance(rng, 5) {
        matchers.insert(0, format!("__name__={}", quoted(name)));
        return format!("{{{}}}", matchers.join(", "));
    }
    if chance(rng, 2) {
        return "{__name__=~\"(left|right|alone)\"}".to_owned();
    }
    if !is_plain(name) {
        matchers.insert(0, quoted(name));
        return format!("{{{}}}", matchers.join(","));
    }
    if matchers.is_empty() { name.to_owned() } else { format!("{name}{{{}}}", matchers.join(",")) }
}

/// `offset` and `@`, or mostly nothing.
pub fn modifiers(rng: &mut Rng) -> String {
    let mut parts = Vec::new();
    if chance(rng, 12) {
        let sign = if chance(rng, 30) { "-" } else { "" };
        parts.push(format!(" offset {sign}{}", duration(rng)));
    }
    if chance(rng, 9) {
        let moment = START / 1000 + rng.i64(-300..LENGTH / 1000 + 600);
        let fixed = format!(" @ {moment}{}", pick(rng, &["", ".5", ".001"]));
        parts.push(pick(rng, &[" @ start()", " @ end()", &fixed]).to_owned());
    }
    if chance(rng, 50) {
        parts.reverse();
    }
    parts.concat()
}

/// A moment or moments: on samples, a millisecond beside them, before and after the data.
pub fn when(rng: &mut Rng) -> When {
    let moment = |rng: &mut Rng| {
        let at = START + rng.i64(-4..LENGTH / 60_000 + 8) * 60_000;
        match rng.u32(0..4) {
            0 => at,
            1 => at + pick(rng, &[-1, 1, 15_000, 300_000, 299_999]),
            2 => at + rng.i64(0..60_000),
            _ => START + rng.i64(0..LENGTH / 15_000) * 15_000,
        }
    };
    let start = moment(rng);
    if chance(rng, 40) {
        return When::At(start);
    }
    const STEPS_MS: [i64; 14] = [
        1, 1_000, 7_000, 15_000, 15_000, 30_000, 60_000, 60_000, 61_700, 300_000, 300_001, 360_000, 600_000,
        2_220_000,
    ];
    let step = pick(rng, &STEPS_MS);
    let count = pick(rng, &[0, 1, 2, 5, 11, 30, 45]);
    When::Over { start, end: start + step * count + rng.i64(0..step), step }
}
