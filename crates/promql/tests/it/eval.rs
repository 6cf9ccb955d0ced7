//! What evaluation guarantees whatever the query: bounds hold, nothing panics, chunks change nothing.

use bellwether_model::{Labels, STALE_NAN, Sample, SeriesSource, TimeDelta, Timestamp};
use bellwether_promql::{
    EvalError, EvalOptions, HEIGHT_MAX, Interrupt, Limits, RangeSpec, Value, eval_instant, eval_range, parse,
};
use proptest::prelude::*;

use crate::histogram::with_histograms;
use crate::memory::Memory;
use crate::script;

const MINUTE: i64 = 60_000;

/// Counters, a gauge with holes and resets, and a classic histogram, a sample every 15 s for an hour.
fn source(chunk_samples: usize) -> Memory {
    let mut memory = Memory::new(chunk_samples);
    let mut add = |pairs: &[(&str, &str)], value: &dyn Fn(i64) -> f64| {
        let samples = (0..240).map(|n| Sample::new(Timestamp(n * 15_000), value(n)));
        memory.add(Labels::from_pairs(pairs.iter().copied()), samples);
    };
    add(&[("__name__", "a_total"), ("job", "x"), ("i", "1")], &|n| n as f64);
    add(&[("__name__", "a_total"), ("job", "x"), ("i", "2")], &|n| (n % 70) as f64 * 2.5);
    add(&[("__name__", "a_total"), ("job", "y"), ("i", "1")], &|n| {
        if n % 50 == 7 { STALE_NAN } else { n as f64 }
    });
    add(&[("__name__", "b"), ("job", "x")], &|n| ((n * 7919) % 13) as f64 - 6.0);
    add(&[("__name__", "b"), ("job", "y")], &|n| if n % 11 == 0 { f64::NAN } else { (n % 5) as f64 });
    for (le, share) in [("0.1", 0.5), ("1", 0.8), ("+Inf", 1.0)] {
        add(&[("__name__", "h_bucket"), ("job", "x"), ("le", le)], &|n| (n as f64 * share * 10.0).floor());
    }
    memory
}

fn hour(step: i64) -> RangeSpec {
    RangeSpec { start: Timestamp(0), end: Timestamp(60 * MINUTE), step: TimeDelta(step) }
}

fn range_value(
    query: &str,
    source: &dyn SeriesSource,
    options: &EvalOptions<'_>,
) -> Result<Value, EvalError> {
    let expr = parse(query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
    eval_range(&expr, hour(MINUTE), source, options).map(|e| e.value)
}

#[test]
fn small_scripts_of_our_own_agree() {
    for (name, text) in [
        ("edges", include_str!("scripts/edges.test")),
        ("matching", include_str!("scripts/matching.test")),
        ("aggregation", include_str!("scripts/aggregation.test")),
        ("zero_buckets", include_str!("scripts/zero_buckets.test")),
        ("native_histograms", include_str!("scripts/native_histograms.test")),
    ] {
        for chunk_samples in [1, 4, usize::MAX] {
            let outcome = script::run(text, chunk_samples);
            assert!(outcome.failures.is_empty(), "{name}: {}", outcome.failures.join("\n"));
            assert!(outcome.passed > 0, "{name} evaluates something");
        }
    }
}

#[test]
fn how_samples_are_cut_into_chunks_changes_no_result() {
    let (whole, cut) = (source(usize::MAX), source(8));
    let functions = [
        "rate",
        "increase",
        "delta",
        "sum_over_time",
        "avg_over_time",
        "min_over_time",
        "max_over_time",
        "count_over_time",
        "last_over_time",
        "first_over_time",
        "present_over_time",
        "resets",
        "changes",
        "stddev_over_time",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "irate",
        "deriv",
    ];
    let options = EvalOptions { delayed_name_removal: true, ..EvalOptions::default() };
    for function in functions {
        for range in ["1m", "7m30s", "20m", "50m"] {
            for metric in ["a_total", "b"] {
                let query = format!("{function}({metric}[{range}])");
                let (one, two) = (range_value(&query, &whole, &options), range_value(&query, &cut, &options));
                assert_close(&query, &one.unwrap(), &two.unwrap());
            }
        }
    }
}

fn assert_close(query: &str, one: &Value, two: &Value) {
    let (Value::Matrix(one), Value::Matrix(two)) = (one, two) else {
        panic!("{query}: a range query gives a matrix")
    };
    assert_eq!(one.len(), two.len(), "{query}");
    for (a, b) in one.iter().zip(two) {
        assert_eq!((&a.labels, a.points.len()), (&b.labels, b.points.len()), "{query}");
        for (p, q) in a.points.iter().zip(&b.points) {
            let same = (p.value - q.value).abs() <= 1e-9 * p.value.abs().max(1.0)
                || p.value.is_nan() == q.value.is_nan() && p.value.is_nan();
            assert!(p.at == q.at && same, "{query} {}: {p:?} {q:?}", a.labels);
        }
    }
}

#[test]
fn a_range_query_gives_at_every_step_what_an_instant_query_gives() {
    let source = source(16);
    let options = EvalOptions { delayed_name_removal: true, ..EvalOptions::default() };
    for query in [
        "a_total",
        "rate(a_total[5m])",
        "sum by (job) (rate(a_total[5m]))",
        "a_total / on (i, job) group_left () a_total",
        "b > 2 or a_total",
        "b unless b > 0",
        "histogram_quantile(0.9, rate(h_bucket[5m]))",
        "max_over_time(rate(a_total[2m])[10m:30s] offset 3m)",
        "topk(2, a_total)",
        "quantile(0.3, b)",
        "count_values(\"v\", b)",
        "absent(b{job=\"z\"}) + time()",
        "predict_linear(b[10m], 60)",
        "a_total @ 600 + b",
    ] {
        let expr = parse(query).unwrap();
        let Value::Matrix(rows) = eval_range(&expr, hour(MINUTE), &source, &options).unwrap().value else {
            panic!()
        };
        for step in 0..=60 {
            let at = Timestamp(step * MINUTE);
            let Value::Vector(instant) = eval_instant(&expr, at, &source, &options).unwrap().value else {
                panic!()
            };
            let mut instant: Vec<_> =
                instant.into_iter().filter_map(|s| Some((s.labels, s.value.as_float()?.to_bits()))).collect();
            instant.sort();
            let point = |row: &bellwether_promql::RangeSeries| {
                let point = row.points.iter().find(|p| p.at == at)?;
                Some((row.labels.clone(), point.value.to_bits()))
            };
            let from_range: Vec<_> = rows.iter().filter_map(point).collect();
            assert_eq!(from_range, instant, "{query} at {at}");
        }
    }
}

/// A label that doubles at every level.
fn doubled(levels: usize) -> String {
    let mut query = "a_total".to_owned();
    for _ in 0..levels {
        query = format!("label_join({query}, \"a\", \"-\", \"a\", \"a\", \"job\")");
    }
    query
}

#[test]
fn cost_is_bounded_before_the_work_is_done() {
    let source = source(64);
    let run = |query: &str, limits: Limits| {
        let options = EvalOptions { limits, ..EvalOptions::default() };
        range_value(query, &source, &options).map(|_| ()).map_err(|error| error.to_string())
    };
    let generous = Limits::default();
    assert_eq!(run("a_total", generous), Ok(()));
    let few = run("a_total", Limits { samples: 100, ..generous }).unwrap_err();
    assert!(few.contains("more than 100 samples"), "{few}");
    let steps = run("a_total", Limits { steps: 60, ..generous }).unwrap_err();
    assert!(steps.contains("61 steps"), "{steps}");
    let huge = run("max_over_time(a_total[1000000000s:1ms])", generous).unwrap_err();
    assert!(huge.starts_with("query needs 1000003600000 steps, more than 50000000; "), "{huge}");
    let nothing = run("max_over_time(nothing[100y:1ms])", generous).unwrap_err();
    assert!(nothing.contains("steps"), "{nothing}");
    let expanding = format!("label_replace(a_total, \"a\", \"{}\", \"job\", \"(.*)\")", "$0".repeat(100_000));
    for (query, memory_bytes) in [
        ("quantile_over_time(0.5, a_total[30d:1s])", 4 << 20),
        (&doubled(40), 4 << 20),
        (&expanding, 100_000),
    ] {
        let refusal = run(query, Limits { memory_bytes, ..generous }).unwrap_err();
        assert!(refusal.contains("MiB of memory"), "{query:.60}: {refusal}");
    }
    let nested = run("max_over_time(max_over_time(max_over_time(a_total[1y:1s])[1y:1s])[1y:1s])", generous)
        .unwrap_err();
    assert!(nested.contains("steps") || nested.contains("samples"), "{nested}");
    let far = run("a_total offset 200000000y", generous);
    assert!(far.is_ok() || far.is_err(), "an answer either way, no overflow");
}

#[test]
fn memory_is_bounded_by_what_is_held_at_one_time() {
    let source = source(64);
    let run = |query: &str, memory_bytes: u64| {
        let options =
            EvalOptions { limits: Limits { memory_bytes, ..Limits::default() }, ..EvalOptions::default() };
        range_value(query, &source, &options).map(|_| ()).map_err(|error| error.to_string())
    };
    let few = run("a_total", 1000).unwrap_err();
    assert_eq!(few, "query needs more than 0 MiB of memory; narrow its selectors, range or step");
    // Two operands and a result at a time, however long the chain.
    let chain = vec!["b"; 200].join(" + ");
    assert_eq!(run(&chain, 40_000), Ok(()));
    assert!(run(&format!("{chain} + ({chain})"), 3_000).is_err());
    let histograms = |memory_bytes: u64| {
        let limits = Limits { memory_bytes, ..Limits::default() };
        let options = EvalOptions { limits, ..EvalOptions::default() };
        range_value("rate(h[5m])", &with_histograms(Memory::new(3)), &options).is_ok()
    };
    assert!(histograms(20_000) && !histograms(4_000));
    let subquery = run("max_over_time(a_total[100d:1s])", 1 << 20).unwrap_err();
    assert!(subquery.contains("more than 1 MiB"), "{subquery}");
}

#[test]
fn evaluation_stops_for_a_reason() {
    for (reason, expected) in [
        (Interrupt::Cancelled, "query was cancelled"),
        (Interrupt::TimedOut, "query timed out; narrow its selectors or range"),
    ] {
        let interrupt = || Some(reason);
        let options = EvalOptions { interrupt: Some(&interrupt), ..EvalOptions::default() };
        let error = range_value("a_total", &source(64), &options).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn the_tallest_tree_that_is_read_is_evaluated() {
    let chain = vec!["b"; HEIGHT_MAX as usize - 1].join(" + ");
    let options = EvalOptions::default();
    assert!(range_value(&chain, &source(64), &options).is_ok());
    let nested = format!("{}b{}", "abs(".repeat(90), ")".repeat(90));
    assert!(range_value(&nested, &source(64), &options).is_ok());
}

#[test]
fn the_ends_of_time_are_moments_like_others() {
    let mut memory = Memory::new(2);
    let moments = [i64::MIN, i64::MIN + 1, -1, 0, i64::MAX - 1, i64::MAX];
    memory.add(Labels::from_pairs([("__name__", "b")]), moments.map(|at| Sample::new(Timestamp(at), 1.0)));
    for query in [
        "b",
        "b offset 100y",
        "b offset -100y",
        "b @ end() smoothed",
        "rate(b[100y])",
        "rate(b[5m] smoothed)",
        "increase(b[5m] anchored)",
        "deriv(b[100y] offset -1h)",
        "predict_linear(b[1h], 1e300)",
        "irate(b[100000y])",
        "max_over_time(b[1h:1m] offset -1h)",
        "year(vector(1e300)) + day_of_month(vector(-1e18)) + hour(vector(Inf))",
        "timestamp(b) + time() + range() + step()",
    ] {
        let expr = parse(query).unwrap();
        for at in moments {
            let _ = eval_instant(&expr, Timestamp(at), &memory, &EvalOptions::default());
            let end = Timestamp(at.saturating_add(10));
            let range = RangeSpec { start: Timestamp(at.saturating_sub(10)), end, step: TimeDelta(3) };
            let _ = eval_range(&expr, range, &memory, &EvalOptions::default());
        }
    }
}

fn token() -> impl Strategy<Value = String> {
    let words = [
        "a_total",
        "b",
        "h_bucket",
        "h",
        "g",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        ",",
        ":",
        "@",
        "+",
        "-",
        "*",
        "/",
        "%",
        "^",
        "==",
        "!=",
        "<=",
        ">",
        "=~",
        "!~",
        "=",
        "and",
        "or",
        "unless",
        "atan2",
        "</",
        "bool",
        "on",
        "ignoring",
        "group_left",
        "by",
        "without",
        "sum",
        "topk",
        "quantile",
        "count_values",
        "rate",
        "avg_over_time",
        "label_replace",
        "absent",
        "histogram_quantile",
        "scalar",
        "vector",
        "time",
        "offset",
        "5m",
        "1h30m",
        "0x1f",
        "1e400",
        "NaN",
        "Inf",
        "2",
        "\"job\"",
        "'x'",
        "`\\d`",
        "start()",
        "end()",
        "step()",
        "anchored",
        "smoothed",
        "fill",
        "info",
        "é",
        "\\",
        "#",
        "(a_total)",
        "[5m]",
        "[10m:1m]",
        "{job=\"x\"}",
        "@ 0",
        "offset -1m",
        "(b, b)",
        "by (job)",
        "on (job)",
    ];
    prop::sample::select(words.to_vec()).prop_map(str::to_owned)
}

/// Queries that mostly are well typed.
fn query() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "a_total",
        "b",
        "h_bucket",
        "h",
        "g",
        "rate(h[5m])",
        "increase(h[3m] smoothed)",
        "g smoothed",
        "b{job=\"x\"}",
        "b offset 1m",
        "a_total @ 60",
        "nothing",
        "rate(a_total[5m])",
        "vector(1)",
        "vector(NaN)",
        "last_over_time(b[2m])",
        "vector(time())",
        "b @ end()",
        "rate(a_total[1m] smoothed)",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 3, |inner| {
        let op = prop::sample::select(vec![
            "+",
            "/",
            "%",
            "^",
            "== bool",
            ">",
            "<= on (job)",
            "and",
            "or",
            "unless ignoring (i)",
            "* on (job) group_left ()",
            "- ignoring (i, le) group_right ()",
            "+ fill (0)",
            "atan2",
            "</",
            ">/ on () group_left ()",
            "== on () group_right ()",
        ]);
        let call = prop::sample::select(vec![
            "sum",
            "avg",
            "max",
            "topk by (job) (2,",
            "quantile(0.5,",
            "count_values(\"v\",",
            "stddev",
            "abs",
            "sgn",
            "histogram_quantile(0.9,",
            "max_over_time((",
            "timestamp",
            "sort_desc",
            "absent",
            "group",
            "round",
            "-",
            "limitk(1,",
            "limit_ratio(0.5,",
            "hour",
            "info",
            "histogram_fraction(0, 1,",
            "histogram_stddev",
            "histogram_count",
            "bottomk(scalar(b{job=\"x\"}),",
        ]);
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("({a}) {op} ({b})")),
            (call, inner).prop_map(|(call, inner)| match call {
                "max_over_time((" => format!("max_over_time(({inner})[5m:1m])"),
                call if call.ends_with(',') => format!("{call} {inner})"),
                call => format!("{call}({inner})"),
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn token_soup_never_panics(tokens in prop::collection::vec(token(), 0..30)) {
        let text = tokens.join(" ");
        let source = with_histograms(source(32));
        match parse(&text) {
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                prop_assert!(errors.iter().all(|e| text.get(e.span.clone()).is_some()), "{text}: {errors:?}");
            }
            Ok(expr) => {
                let canonical = expr.to_string();
                prop_assert_eq!(parse(&canonical).expect("canonical text parses").to_string(), canonical);
                let _ = eval_instant(&expr, Timestamp(30 * MINUTE), &source, &EvalOptions::default());
            }
        }
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn queries_evaluate_or_say_why_not(query in query()) {
        let expr = parse(&query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
        let laid_out = bellwether_promql::format(&expr);
        prop_assert_eq!(parse(&laid_out).expect("laid out text parses").to_string(), expr.to_string());
        let source = with_histograms(source(32));
        let _ = eval_instant(&expr, Timestamp(30 * MINUTE), &source, &EvalOptions::default());
        let _ = eval_range(&expr, hour(5 * MINUTE), &source, &EvalOptions::default());
    }
}
