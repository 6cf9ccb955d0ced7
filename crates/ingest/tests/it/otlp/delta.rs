use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_ingest::otlp::{
    DeltaLimits, DeltaStreams, LastStored, OtlpSettings, StoredTotal, Total, decode_json, translate,
};
use bellwether_model::{Histogram, Labels, TimeDelta, Timestamp, is_stale};
use serde_json::{Value, json};

/// What a store would have: samples per series, in the order of their times.
#[derive(Default)]
struct Stored(BTreeMap<Labels, Vec<(i64, Total)>>);

impl LastStored for Stored {
    fn last(&self, labels: &Labels) -> Option<StoredTotal> {
        let samples = self.0.get(labels)?;
        let is_marker = |total: &Total| match total {
            Total::Number(value) => is_stale(*value),
            Total::Histogram(histogram) => histogram.is_stale(),
        };
        let total = samples.iter().rev().map(|(_, total)| total).find(|total| !is_marker(total));
        Some(StoredTotal { at: Timestamp(samples.last()?.0), total: total.cloned() })
    }
}

/// A receiver with a store that can be restarted, and that may lose what it is asked to store.
struct World {
    streams: DeltaStreams,
    stored: Stored,
    now: Timestamp,
}

const LIMITS: DeltaLimits = DeltaLimits { streams_max: 100, idle_max: TimeDelta::from_secs(60) };

impl World {
    fn new() -> Self {
        Self { streams: DeltaStreams::new(LIMITS), stored: Stored::default(), now: Timestamp(0) }
    }

    /// Takes in metrics and says what was rejected, if anything, or how many points were known.
    fn push(&mut self, metrics: Value, is_stored: bool) -> String {
        let resource = json!({"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]});
        let request =
            json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]});
        let request = decode_json(request.to_string().as_bytes()).unwrap();
        let translated = translate(&request, &OtlpSettings::default(), TimeDelta::from_secs(300));
        self.now = Timestamp(self.now.0 + 1000);
        let (series, advance) = self.streams.advance(translated.series, &self.stored, self.now);
        let mut said = advance.rejected.message();
        if advance.repeated > 0 {
            said = format!("{} known", advance.repeated);
        }
        if is_stored {
            for series in &series {
                let samples = self.stored.0.entry(series.pushed.labels.clone()).or_default();
                let numbers = series.pushed.samples.iter();
                let numbers = numbers.map(|s| (s.sample.at.0, Total::Number(s.sample.value)));
                let histograms = series.pushed.histograms.iter();
                let histograms =
                    histograms.map(|s| (s.sample.at.0, Total::Histogram(s.sample.histogram.clone())));
                for (at, total) in numbers.chain(histograms) {
                    match samples.last() {
                        Some(last) if *last == (at, total.clone()) => {} // known to the store, too
                        Some((last, _)) => assert!(*last < at, "{at} after {last}"),
                        None => {}
                    }
                    if samples.last() != Some(&(at, total.clone())) {
                        samples.push((at, total));
                    }
                }
            }
        }
        match is_stored {
            true => self.streams.commit(advance, |_| true, self.now),
            false => self.streams.discard(&advance),
        }
        said
    }

    fn restart(&mut self) {
        self.streams = DeltaStreams::new(LIMITS);
    }

    fn samples(&self, name: &str) -> Vec<(i64, f64)> {
        let of = |(_, samples): (_, &Vec<(i64, Total)>)| {
            samples
                .iter()
                .filter_map(|(at, total)| match total {
                    Total::Number(value) => Some((*at, *value)),
                    Total::Histogram(_) => None,
                })
                .collect::<Vec<_>>()
        };
        self.stored.0.iter().filter(|(labels, _)| labels.to_string().starts_with(name)).flat_map(of).collect()
    }

    fn histogram(&self, name: &str) -> Arc<Histogram> {
        let (_, samples) =
            self.stored.0.iter().find(|(labels, _)| labels.metric_name() == Some(name)).unwrap();
        match &samples.last().unwrap().1 {
            Total::Histogram(histogram) => histogram.clone(),
            Total::Number(value) => panic!("{value} is no histogram"),
        }
    }
}

/// Times in milliseconds.
fn sum(start: u64, end: u64, value: f64) -> Value {
    let point = json!({
        "startTimeUnixNano": (start * 1_000_000).to_string(), "timeUnixNano": (end * 1_000_000).to_string(),
        "asDouble": value,
    });
    json!([{"name": "n", "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point]}}])
}

/// Each line is a push `start end value`, `lost` if it cannot be stored, or `restart`; behind the arrow what is said.
fn check(script: &str, expected: &[(i64, f64)]) {
    let mut world = World::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (push, said) = line.split_once("->").unwrap_or((line, ""));
        let words: Vec<&str> = push.split_whitespace().collect();
        if words == ["restart"] {
            world.restart();
            continue;
        }
        let at = |word: &str| word.parse::<u64>().unwrap();
        let metrics = sum(at(words[0]), at(words[1]), words[2].parse().unwrap());
        let got = world.push(metrics, words.get(3) != Some(&"lost"));
        assert!(got.starts_with(said.trim()) && got.is_empty() == said.trim().is_empty(), "{line}: {got:?}");
    }
    assert_eq!(world.samples("n_total"), expected, "{script}");
}

#[test]
fn changes_add_up_to_a_counter() {
    check("1000 2000 5\n2000 3000 7", &[(2000, 5.0), (3000, 12.0)]);
    // Senders leave out what did not change, and begin anew.
    check("1000 2000 5\n9000 10000 7\n50000 60000 1", &[(2000, 5.0), (10000, 12.0), (60000, 13.0)]);
    // Some do not say where a point begins.
    check("0 2000 5\n0 3000 7", &[(2000, 5.0), (3000, 12.0)]);
}

#[test]
fn what_was_counted_before_is_not_counted_again() {
    check("1000 2000 5\n1000 2000 5 -> 1 known\n2000 3000 1", &[(2000, 5.0), (3000, 6.0)]);
    check("1000 2000 5\n2000 3000 1\n1000 2000 5 -> a delta point is older", &[(2000, 5.0), (3000, 6.0)]);
    check("1000 2000 5\n1500 3000 1 -> a delta point overlaps\n2000 3000 2", &[(2000, 5.0), (3000, 7.0)]);
    check("2000 1000 5 -> a delta point ends before it begins", &[]);
    check("1000 2000 -1 -> a delta point of a monotonic sum is negative", &[]);
}

#[test]
fn a_restart_neither_loses_nor_doubles_what_was_acknowledged() {
    check("1000 2000 5\nrestart\n2000 3000 7", &[(2000, 5.0), (3000, 12.0)]);
    // Stored, but the sender did not hear of it: it sends the same again.
    check("1000 2000 5\nrestart\n1000 2000 5 -> 1 known\n2000 3000 1", &[(2000, 5.0), (3000, 6.0)]);
    // Not stored: the sender is told to send it again, now or after a restart.
    check("1000 2000 5\n2000 3000 7 lost\n2000 3000 7", &[(2000, 5.0), (3000, 12.0)]);
    check("1000 2000 5\n2000 3000 7 lost\nrestart\n2000 3000 7", &[(2000, 5.0), (3000, 12.0)]);
    check("1000 2000 5 lost\nrestart\n1000 2000 5\n2000 3000 1", &[(2000, 5.0), (3000, 6.0)]);
}

#[test]
fn points_within_one_millisecond_are_all_counted() {
    let mut world = World::new();
    for (start, end) in [(1_000_000, 2_000_100), (2_000_100, 2_000_200), (2_000_200, 2_000_300)] {
        let point = json!({"startTimeUnixNano": start, "timeUnixNano": end, "asInt": "2"});
        let metrics = json!([{"name": "n",
            "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [point]}}]);
        assert_eq!(world.push(metrics, true), "");
    }
    assert_eq!(world.samples("n_total"), [(2, 2.0), (3, 4.0), (4, 6.0)]);
}

#[test]
fn a_series_that_was_gone_goes_on_from_its_last_value() {
    let mut world = World::new();
    world.push(sum(1000, 2000, 5.0), true);
    let gone = json!({"startTimeUnixNano": "2000000000", "timeUnixNano": "3000000000", "flags": 1});
    let metrics = json!([{"name": "n",
        "sum": {"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [gone]}}]);
    assert_eq!(world.push(metrics, true), "");
    world.restart();
    assert_eq!(world.push(sum(3000, 4000, 2.0), true), "");
    let samples = world.samples("n_total");
    assert!(is_stale(samples[1].1));
    assert_eq!((samples[0], samples[2]), ((2000, 5.0), (4000, 7.0)));
}

#[test]
fn what_is_forgotten_is_looked_up_again() {
    let mut world = World::new();
    world.push(sum(1000, 2000, 5.0), true);
    assert_eq!(world.streams.len(), 1);
    world.now = Timestamp(world.now.0 + 600_000);
    world.push(json!([]), true);
    assert!(world.streams.is_empty());
    world.push(sum(2000, 3000, 5.0), true);
    assert_eq!(world.samples("n_total"), [(2000, 5.0), (3000, 10.0)]);
}

/// The disk failed while it was synced: the sender is told to come again, but the sample may stand in the store.
#[test]
fn what_may_be_stored_is_written_once_more_before_it_is_acknowledged() {
    let mut world = World::new();
    world.push(sum(1000, 2000, 5.0), true);
    let (at, labels) = (3000, world.stored.0.keys().next().unwrap().clone());
    world.push(sum(2000, at, 7.0), false);
    world.stored.0.get_mut(&labels).unwrap().push((at as i64, Total::Number(12.0)));
    let request = |metrics: Value| {
        let attributes = json!([{"key": "service.name", "value": {"stringValue": "a"}}]);
        let resource = json!({"attributes": attributes});
        json!({"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]})
            .to_string()
    };
    let again = request(sum(2000, at, 7.0));
    let again = decode_json(again.as_bytes()).unwrap();
    let translated = translate(&again, &OtlpSettings::default(), TimeDelta::from_secs(300));
    let (series, advance) = world.streams.advance(translated.series, &world.stored, world.now);
    let sample = series[0].pushed.samples[0].sample;
    assert_eq!((advance.repeated, sample.at.0, sample.value), (1, 3000, 12.0));
    world.streams.commit(advance, |_| true, world.now);
    world.push(sum(at, 4000, 1.0), true);
    assert_eq!(world.samples("n_total"), [(2000, 5.0), (3000, 12.0), (4000, 13.0)]);
}

fn classic(end: u64, bounds: &[f64], counts: &[u64], sum: f64) -> Value {
    let point = json!({
        "startTimeUnixNano": ((end - 1) * 1_000_000_000).to_string(),
        "timeUnixNano": (end * 1_000_000_000).to_string(),
        "count": counts.iter().sum::<u64>(), "sum": sum, "explicitBounds": bounds, "bucketCounts": counts,
    });
    json!([{"name": "h", "unit": "s", "histogram": {"aggregationTemporality": 1, "dataPoints": [point]}}])
}

#[test]
fn every_series_of_a_histogram_counts_on_when_bounds_change_and_over_a_restart() {
    let mut world = World::new();
    assert_eq!(world.push(classic(1, &[1.0, 2.0], &[3, 2, 1], 7.5), true), "");
    assert_eq!(world.push(classic(2, &[1.0, 2.0], &[1, 1, 0], 2.5), true), "");
    world.restart();
    assert_eq!(world.push(classic(2, &[1.0, 2.0], &[1, 1, 0], 2.5), true), "1 known");
    assert_eq!(world.push(classic(3, &[1.0, 4.0], &[1, 1, 1], f64::MAX), true), "");
    let last = |name| world.samples(name).last().copied().unwrap();
    assert_eq!(last("h_seconds_count"), (3000, 11.0));
    assert_eq!(last("h_seconds_bucket{job=\"a\", le=\"1\"}"), (3000, 5.0));
    assert_eq!(last("h_seconds_bucket{job=\"a\", le=\"2\"}"), (2000, 7.0));
    assert_eq!(last("h_seconds_bucket{job=\"a\", le=\"4\"}"), (3000, 2.0));
    assert_eq!(last("h_seconds_bucket{job=\"a\", le=\"+Inf\"}"), (3000, 11.0));
    assert_eq!(world.samples("h_seconds_sum"), [(1000, 7.5), (2000, 10.0), (3000, 10.0 + f64::MAX)]);
}

fn exponential(end: u64, scale: i32, threshold: f64, offset: i32, counts: &[u64]) -> Value {
    let total = counts.iter().sum::<u64>() + 1;
    let point = json!({
        "startTimeUnixNano": ((end - 1) * 1_000_000_000).to_string(),
        "timeUnixNano": (end * 1_000_000_000).to_string(), "count": total, "sum": 1.5, "scale": scale,
        "zeroCount": 1, "zeroThreshold": threshold, "positive": {"offset": offset, "bucketCounts": counts},
        "negative": {},
    });
    json!([{"name": "e", "exponentialHistogram": {"aggregationTemporality": 1, "dataPoints": [point]}}])
}

#[test]
fn native_histograms_add_up_in_the_coarser_schema_and_the_wider_zero_bucket() {
    let check = |pushes: &[Value], restart: bool, expected: &str| {
        let mut world = World::new();
        for push in pushes {
            assert_eq!(world.push(push.clone(), true), "");
            if restart {
                world.restart();
            }
        }
        assert_eq!(world.histogram("e").to_string(), expected);
    };
    let zero = "{count:3, sum:1.5, [-1e-128,1e-128]:1, (1,2]:2}";
    check(&[exponential(1, 0, 0.0, 0, &[2])], false, zero);
    for restart in [false, true] {
        let same = [exponential(1, 0, 0.0, 0, &[2]), exponential(2, 0, 0.0, 1, &[3])];
        check(&same, restart, "{count:7, sum:3, [-1e-128,1e-128]:2, (1,2]:2, (2,4]:3}");
        let finer = [exponential(1, 0, 0.0, 0, &[2]), exponential(2, 1, 0.0, 0, &[1, 1, 1])];
        check(&finer, restart, "{count:7, sum:3, [-1e-128,1e-128]:2, (1,2]:4, (2,4]:1}");
        let coarser = [exponential(1, 1, 0.0, -1, &[1, 1, 1]), exponential(2, -1, 0.0, 0, &[5])];
        check(&coarser, restart, "{count:10, sum:3, [-1e-128,1e-128]:2, (0.25,1]:1, (1,4]:7}");
        // The wider zero bucket cuts (1,2], and so it reaches to 2.
        let wider = [exponential(1, 0, 0.0, 0, &[2, 1]), exponential(2, 0, 1.5, 4, &[1])];
        check(&wider, restart, "{count:6, sum:3, [-2,2]:4, (2,4]:1, (16,32]:1}");
    }
}

#[test]
fn a_value_that_goes_up_and_down_adds_up_too() {
    let mut world = World::new();
    for (end, value) in [(1u64, "5"), (2, "-3"), (3, "-4")] {
        let point = json!({"timeUnixNano": end * 1_000_000_000, "asInt": value});
        let metrics = json!([{"name": "n", "sum": {"aggregationTemporality": 1, "dataPoints": [point]}}]);
        assert_eq!(world.push(metrics, true), "");
    }
    assert_eq!(world.samples("n{"), [(1000, 5.0), (2000, 2.0), (3000, -2.0)]);
}
