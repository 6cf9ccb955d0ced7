//! Native histograms: a range query and its steps agree.

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::series_notation::{self, SeriesValue};
use bellwether_promql::{EvalOptions, RangeSeries, RangeSpec, Value, eval_instant, eval_range, parse};

use crate::memory::{Entry, Memory};

const MINUTE: i64 = 60_000;

/// A counter, a series that changes between numbers and histograms, and a gauge, an entry every minute.
pub(crate) fn with_histograms(mut memory: Memory) -> Memory {
    for line in [
        r#"h{i="1"} {{count:2 sum:1 buckets:[1 1]}}+{{count:3 sum:2 buckets:[1 1 1]}}x9 _ stale {{count:1 buckets:[1]}}x4"#,
        r#"h{i="2"} 1+1x3 {{schema:1 count:2 sum:1 buckets:[1 1]}}x4 _x2 7x3"#,
        r#"g {{z_bucket:1 z_bucket_w:0.5 count:4 sum:1 buckets:[1 2] counter_reset_hint:gauge}}x15"#,
    ] {
        let (labels, values) = series_notation::series(line).unwrap();
        let entry = |(n, value): (usize, SeriesValue)| {
            Some(Entry { at: Timestamp(n as i64 * MINUTE), value: value.value?, start: None })
        };
        memory.add_entries(labels, values.into_iter().enumerate().filter_map(entry));
    }
    memory
}

#[test]
fn histograms_are_the_same_in_a_range_and_at_its_steps() {
    let source = with_histograms(Memory::new(3));
    let hour = RangeSpec { start: Timestamp(0), end: Timestamp(60 * MINUTE), step: TimeDelta(MINUTE) };
    let options = EvalOptions { delayed_name_removal: true, ..EvalOptions::default() };
    for query in [
        "h",
        "rate(h[5m])",
        "sum by (job) (increase(h[4m30s]))",
        "histogram_quantile(0.7, h)",
        "h + on () group_left () g",
        "h or g",
        "last_over_time(h[3m:90s])",
        "h @ 120 * 2",
        "resets(h[6m]) + changes(h[6m])",
        "g </ 1",
    ] {
        let expr = parse(query).unwrap();
        let Value::Matrix(rows) = eval_range(&expr, hour, &source, &options).unwrap().value else { panic!() };
        for step in 0..=60 {
            let at = Timestamp(step * MINUTE);
            let Value::Vector(instant) = eval_instant(&expr, at, &source, &options).unwrap().value else {
                panic!()
            };
            let mut instant: Vec<_> = instant.into_iter().map(|s| (s.labels, s.value)).collect();
            instant.sort_by(|a, b| a.0.cmp(&b.0));
            let value = |row: &RangeSeries| {
                let float = row.points.iter().find(|p| p.at == at).map(|p| p.value.into());
                let histogram = row.histograms.iter().find(|h| h.at == at);
                let value = float.or_else(|| histogram.map(|h| h.histogram.clone().into()));
                Some((row.labels.clone(), value?))
            };
            let from_range: Vec<_> = rows.iter().filter_map(value).collect();
            assert_eq!(from_range, instant, "{query} at {at}");
        }
    }
}
