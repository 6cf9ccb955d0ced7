//! How long a query works before it asks whether to go on: whoever waits for it to stop waits that long.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bellwether_model::{
    Labels, Matcher, PlainChunk, Sample, SeriesSource, SeriesView, SourceError, TimeDelta, TimeRange,
    Timestamp, matches_all,
};
use bellwether_promql::{EvalOptions, RangeSpec, eval_range, parse};

/// What may lie between two questions. Fifty milliseconds are meant; an unoptimised build on a busy machine takes
/// a multiple of what a server takes.
const GAP_MAX: Duration = Duration::from_millis(if cfg!(debug_assertions) { 2_000 } else { 200 });

/// Many series that share their samples.
struct Many(Vec<SeriesView>);

impl Many {
    fn new(series: usize) -> Self {
        let samples: Vec<_> =
            (0..240).map(|n| Sample::new(Timestamp(n * 15_000), (n * 7919 % 13) as f64)).collect();
        let chunk = PlainChunk::of(samples).expect("samples");
        let view = |n: usize| {
            let number = n.to_string();
            let bound = if n % 10 == 9 { "+Inf".to_owned() } else { (n % 10).to_string() };
            let pairs =
                [("__name__", "x_total"), ("i", number.as_str()), ("job", "a"), ("le", bound.as_str())];
            SeriesView { labels: Labels::from_pairs(pairs), chunks: vec![chunk.clone()] }
        };
        Self((0..series).map(view).collect())
    }
}

impl SeriesSource for Many {
    fn select(&self, matchers: &[Matcher], _: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        Ok(self.0.iter().filter(|view| matches_all(matchers, &view.labels)).cloned().collect())
    }
}

#[test]
fn no_query_works_long_without_asking_whether_to_go_on() {
    let (series, steps) = if cfg!(debug_assertions) { (200, 300) } else { (4_000, 3_000) };
    let source = Many::new(series);
    for query in [
        "x_total",
        "rate(x_total[1h])",
        "quantile_over_time(0.9, x_total[1h])",
        "mad_over_time(x_total[30m])",
        "predict_linear(x_total[1h], 3600)",
        "rate(x_total[1h] smoothed)",
        "max_over_time(sum(x_total)[1h:1s])",
        "sum by (i) (x_total)",
        "quantile(0.5, x_total)",
        "topk(2000, x_total)",
        "stddev(x_total)",
        "count_values(\"v\", x_total)",
        "histogram_quantile(0.9, x_total)",
        "ln(x_total) + x_total ^ 1.5",
        "x_total / on (i) x_total",
        "x_total * on (job) group_left () sum by (job) (x_total)",
        "x_total and on (job) x_total or x_total",
        "label_replace(x_total, \"a\", \"$1$1\", \"i\", \"(.*)\")",
        "label_join(x_total, \"a\", \"-\", \"i\", \"job\", \"i\")",
        "absent_over_time(x_total[1h])",
        "sort_desc(x_total)",
        "clamp(x_total, 1, 5) > bool 3",
    ] {
        let expr = parse(query).unwrap_or_else(|errors| panic!("{query}: {errors:?}"));
        let (last, longest) = (Cell::new(Instant::now()), Cell::new(Duration::ZERO));
        let interrupt = || {
            longest.set(longest.get().max(last.get().elapsed()));
            last.set(Instant::now());
            None
        };
        let options = EvalOptions { interrupt: Some(&interrupt), ..EvalOptions::default() };
        let step = 3_600_000 / steps;
        let range = RangeSpec { start: Timestamp(0), end: Timestamp(3_600_000), step: TimeDelta(step) };
        let started = Instant::now();
        last.set(started);
        let answer = eval_range(&expr, range, &source, &options);
        interrupt();
        drop(answer);
        eprintln!("{query}: asked at the latest after {:?} of {:?}", longest.get(), started.elapsed());
        assert!(longest.get() < GAP_MAX, "{query} worked for {:?} without asking", longest.get());
    }
}
