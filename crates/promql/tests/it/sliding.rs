//! Windows that slide in one pass give what looking at each window's samples gives, and decode no more than they must.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bellwether_model::{
    Chunk, ChunkSummary, Labels, Matcher, STALE_NAN, Sample, SeriesSource, SeriesView, SourceError,
    TimeDelta, TimeRange, Timestamp,
};
use bellwether_promql::{
    EvalError, EvalOptions, Interrupt, RangeSpec, Value, eval_instant, eval_range, parse,
};
use proptest::prelude::*;

use crate::memory::Memory;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A source that counts how often each chunk is decoded, by the chunk's first moment.
struct Counting {
    inner: Memory,
    decoded: Arc<Mutex<BTreeMap<i64, usize>>>,
}

struct Counted {
    inner: Arc<dyn Chunk>,
    decoded: Arc<Mutex<BTreeMap<i64, usize>>>,
}

impl Chunk for Counted {
    fn summary(&self) -> &ChunkSummary {
        self.inner.summary()
    }

    fn decode(&self, out: &mut Vec<Sample>) -> Result<(), SourceError> {
        *self.decoded.lock().unwrap().entry(self.summary().range.start.0).or_default() += 1;
        self.inner.decode(out)
    }
}

impl SeriesSource for Counting {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let counted =
            |inner| Arc::new(Counted { inner, decoded: Arc::clone(&self.decoded) }) as Arc<dyn Chunk>;
        let views = self.inner.select(matchers, range)?.into_iter();
        Ok(views
            .map(|view| SeriesView { chunks: view.chunks.into_iter().map(counted).collect(), ..view })
            .collect())
    }
}

/// One counter for 50 days, a sample every 5 minutes, 500 chunks of 2.4 hours.
fn fifty_days() -> Counting {
    let mut inner = Memory::new(30);
    let value = |n: i64| ((n * 7) % 5_000) as f64;
    let samples = (0..15_000).map(|n| Sample::new(Timestamp(n * 5 * MINUTE), value(n)));
    inner.add(Labels::from_pairs([("__name__", "x_total")]), samples);
    Counting { inner, decoded: Arc::default() }
}

/// How many chunks were decoded, and the most often that one was.
fn decodes(query: &str, over: Option<RangeSpec>) -> (usize, usize) {
    let source = fifty_days();
    let expr = parse(query).unwrap();
    let options = EvalOptions::default();
    let value = match over {
        None => eval_instant(&expr, Timestamp(45 * DAY), &source, &options).unwrap().value,
        Some(range) => eval_range(&expr, range, &source, &options).unwrap().value,
    };
    assert_ne!(value, Value::Matrix(Vec::new()), "{query} finds something");
    let decoded = source.decoded.lock().unwrap();
    (decoded.len(), decoded.values().copied().max().unwrap_or(0))
}

#[test]
fn a_month_is_read_from_summaries() {
    for function in [
        "rate",
        "increase",
        "delta",
        "sum_over_time",
        "max_over_time",
        "resets",
        "changes",
        "count_over_time",
    ] {
        let (chunks, most) = decodes(&format!("{function}(x_total[30d])"), None);
        assert!(chunks <= 2 && most <= 1, "{function} decodes {chunks} chunks, one of them {most} times");
    }
}

#[test]
fn overlapping_windows_decode_a_chunk_once() {
    let day =
        |step| RangeSpec { start: Timestamp(20 * DAY), end: Timestamp(40 * DAY), step: TimeDelta(step) };
    for (query, step) in [
        ("rate(x_total[1h])", 10 * MINUTE),
        ("rate(x_total[7d])", HOUR),
        ("min_over_time(x_total[3d])", 3 * HOUR),
        ("quantile_over_time(0.9, x_total[1d])", HOUR),
        ("x_total", HOUR),
    ] {
        let (chunks, most) = decodes(query, Some(day(step)));
        assert!(most == 1 && chunks <= 290, "{query} decodes {chunks} chunks, one of them {most} times");
    }
}

#[test]
fn windows_far_apart_leave_out_what_lies_between() {
    let range = RangeSpec { start: Timestamp(10 * DAY), end: Timestamp(40 * DAY), step: TimeDelta(DAY) };
    let (chunks, most) = decodes("rate(x_total[1h])", Some(range));
    assert!(chunks <= 2 * 31 && most == 1, "{chunks} chunks, one of them {most} times");
}

/// Enough chunks to be worth several threads.
fn many_series() -> Memory {
    let mut memory = Memory::new(10);
    for series in 0..60i64 {
        let value = |n: i64| ((n * (series + 3)) % 1_000) as f64;
        let samples = (0..400).map(|n| Sample::new(Timestamp(n * MINUTE), value(n)));
        memory.add(Labels::from_pairs([("__name__", "x_total"), ("i", &series.to_string())]), samples);
    }
    memory
}

#[test]
fn threads_change_nothing() {
    let range = RangeSpec { start: Timestamp(0), end: Timestamp(400 * MINUTE), step: TimeDelta(3 * MINUTE) };
    for query in [
        "rate(x_total[10m])",
        "sum(rate(x_total[1h]))",
        "topk(3, max_over_time(x_total[20m]))",
        "quantile_over_time(0.5, x_total[30m])",
        "max_over_time(sum(rate(x_total[10m]))[1h:5m])",
    ] {
        let expr = parse(query).unwrap();
        let with = |threads| {
            let options = EvalOptions { threads, ..EvalOptions::default() };
            eval_range(&expr, range, &many_series(), &options).unwrap()
        };
        assert_eq!(with(1), with(4), "{query}");
    }
}

#[test]
fn an_interrupt_stops_all_threads() {
    let range = RangeSpec { start: Timestamp(0), end: Timestamp(400 * MINUTE), step: TimeDelta(3 * MINUTE) };
    let asked = std::cell::Cell::new(0);
    let interrupt = || {
        asked.set(asked.get() + 1);
        (asked.get() > 5).then_some(Interrupt::TimedOut)
    };
    let options = EvalOptions { threads: 4, interrupt: Some(&interrupt), ..EvalOptions::default() };
    let expr = parse("rate(x_total[10m])").unwrap();
    // Usually the other threads are still at work; the query ends with the reason it was given, whatever they do.
    let error = eval_range(&expr, range, &many_series(), &options).unwrap_err();
    assert!(matches!(error, EvalError::TimedOut), "{error}");
}

/// What a function gives for the samples of a window, calculated as plainly as can be.
fn plainly(function: &str, window: &[Sample]) -> Option<f64> {
    let (first, last) = (window.first()?, window.last()?);
    let values = || window.iter().map(|s| s.value);
    let steps = || window.windows(2).map(|pair| (pair[0].value, pair[1].value));
    let numbers = || values().filter(|v| !v.is_nan());
    Some(match function {
        "sum_over_time" => values().sum(),
        "avg_over_time" => values().map(|v| v / window.len() as f64).sum(),
        "min_over_time" => numbers().reduce(f64::min).unwrap_or(f64::NAN),
        "max_over_time" => numbers().reduce(f64::max).unwrap_or(f64::NAN),
        "count_over_time" => window.len() as f64,
        "first_over_time" => first.value,
        "last_over_time" => last.value,
        "resets" => steps().filter(|(a, b)| b < a).count() as f64,
        "changes" => steps().filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count() as f64,
        other => unreachable!("{other}"),
    })
}

/// The increase between the outermost samples of a window that they touch on both sides: nothing is extrapolated.
fn restarts(window: &[Sample]) -> f64 {
    window
        .windows(2)
        .map(|p| if p[1].value < p[0].value { p[1].value } else { p[1].value - p[0].value })
        .sum()
}

const FUNCTIONS: [&str; 9] = [
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "count_over_time",
    "first_over_time",
    "last_over_time",
    "resets",
    "changes",
];

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => (0u32..50).prop_map(f64::from),
        5 => -10.0..10.0f64,
        2 => Just(0.0),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(STALE_NAN)],
        1 => prop_oneof![Just(1e300), Just(-1e300), Just(1e20), Just(-1e20)],
    ]
}

fn is_close(a: f64, b: f64, size: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(size * 1e-6)
}

/// Samples 10 s apart with some left out, asked for in windows of some length every so often.
fn check(values: &[(f64, bool)], chunk_samples: usize, length_s: i64, step_s: i64) {
    let samples: Vec<Sample> = values
        .iter()
        .enumerate()
        .filter(|(_, (_, is_there))| *is_there)
        .map(|(n, (value, _))| Sample::new(Timestamp(n as i64 * 10 * SECOND), *value))
        .collect();
    let mut memory = Memory::new(chunk_samples);
    memory.add(Labels::from_pairs([("__name__", "x")]), samples.iter().copied());
    let range = RangeSpec {
        start: Timestamp(0),
        end: Timestamp(values.len() as i64 * 10 * SECOND + length_s * SECOND),
        step: TimeDelta(step_s * SECOND),
    };
    for function in FUNCTIONS {
        let query = format!("{function}(x[{length_s}s])");
        let found = eval_range(&parse(&query).unwrap(), range, &memory, &EvalOptions::default()).unwrap();
        let Value::Matrix(rows) = found.value else { panic!("a matrix") };
        let mut points = rows.first().map(|row| row.points.as_slice()).unwrap_or_default().iter().peekable();
        let mut at = 0;
        while at <= range.end.0 {
            let inside = |s: &&Sample| at - length_s * SECOND < s.at.0 && s.at.0 <= at && !s.is_stale();
            let window: Vec<Sample> = samples.iter().filter(inside).copied().collect();
            let size = window.iter().map(|s| s.value.abs()).sum();
            let got = points.next_if(|point| point.at.0 == at).map(|point| point.value);
            match (plainly(function, &window), got) {
                (None, None) => {}
                // Plain addition overflows, or loses small numbers among large ones, where ours does not.
                (Some(plain), Some(_))
                    if size > 1e19 && !plain.is_nan() && function.ends_with("g_over_time") => {}
                (Some(_), Some(_)) if size > 1e19 && function == "sum_over_time" => {}
                (Some(plain), Some(got)) => {
                    assert!(
                        is_close(plain, got, size),
                        "{query} at {at}: {got} instead of {plain} of {window:?}"
                    );
                }
                (plain, got) => panic!("{query} at {at}: {got:?} instead of {plain:?}"),
            }
            at += range.step.0;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn sliding_gives_what_each_window_gives(
        values in prop::collection::vec((value(), prop::bool::weighted(0.9)), 1..120),
        chunk_samples in prop_oneof![1usize..20, Just(1000)],
        length_s in prop_oneof![Just(10i64), 11i64..500],
        step_s in prop_oneof![Just(10i64), 1i64..400],
    ) {
        check(&values, chunk_samples, length_s, step_s);
    }
}

#[test]
fn small_numbers_survive_large_ones_before_them() {
    // Sums that run over everything must not drown a later window; [0, 1e300, …] also leaves the range of doubles.
    for large in [1e20, 1e100, 1e300, f64::INFINITY] {
        let values: Vec<(f64, bool)> =
            [large, large, large].into_iter().chain((0..60).map(f64::from)).map(|v| (v, true)).collect();
        for chunk_samples in [1, 3, 7, 100] {
            check(&values, chunk_samples, 100, 10);
        }
    }
}

#[test]
fn a_counter_that_restarts_is_counted_across_chunks() {
    let mut memory = Memory::new(7);
    let samples: Vec<Sample> =
        (0..400).map(|n| Sample::new(Timestamp(n * 10 * SECOND), ((n * 3) % 100) as f64)).collect();
    memory.add(Labels::from_pairs([("__name__", "x_total")]), samples.iter().copied());
    let range = RangeSpec {
        start: Timestamp(600 * SECOND),
        end: Timestamp(3_990 * SECOND),
        step: TimeDelta(10 * SECOND),
    };
    // A window that ends with one sample and begins 10 s before another is stretched by one distance of samples.
    let expr = parse("increase(x_total[10m])").unwrap();
    let found = eval_range(&expr, range, &memory, &EvalOptions::default()).unwrap();
    let Value::Matrix(rows) = found.value else { panic!("a matrix") };
    for point in &rows[0].points {
        let inside = |s: &&Sample| point.at.0 - 600 * SECOND < s.at.0 && s.at <= point.at;
        let window: Vec<Sample> = samples.iter().filter(inside).copied().collect();
        let (increase, first) = (restarts(&window), window[0].value);
        // A counter that would have been below zero before its first sample is not stretched beyond its zero.
        let to_start = (590.0 * first / increase).min(10.0);
        let expected = increase * ((590.0 + to_start) / 590.0);
        let got = point.value;
        assert!(is_close(expected, got, 0.0), "at {}: {got} instead of {expected}", point.at);
    }
}
