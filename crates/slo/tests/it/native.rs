//! Native histograms in indicators of latency, and when counters began, rule by rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Batch, Bucket, CounterReset, Histogram, HistogramSample, Origin, Sample, Schema, SeriesId, TimeDelta,
    Timestamp,
};
use bellwether_slo::{BlocksFile, EngineSettings, Event, SloEngine};

use crate::world::{SCRAPE, series, slos};

const START: Timestamp = Timestamp(1_700_002_800_000);

/// Lines such as `15 a took=1:3,2:7 +Inf=10 le4=5`: seconds, target, and what it exposed: a native histogram by bucket
/// numbers, or classic series. `@SECONDS` behind a value says since when it has been counting.
struct Script {
    engine: SloEngine,
    ids: BTreeMap<String, SeriesId>,
    schema: Schema,
    bounds: Arc<[f64]>,
}

impl Script {
    fn new(threshold: f64) -> Self {
        let yaml = format!(
            "slos: [{{name: it, goal: '90%', window: 1h, alerts: [], indicator: \
             {{latency: {{histogram: took, threshold: {threshold}}}}}}}]"
        );
        Self {
            engine: SloEngine::new(slos(&yaml), EngineSettings::default()),
            ids: BTreeMap::new(),
            schema: Schema::exponential(0).unwrap(),
            bounds: Arc::from([]),
        }
    }

    fn id(&mut self, name: String) -> SeriesId {
        if let Some(id) = self.ids.get(&name) {
            return *id;
        }
        let id = SeriesId(self.ids.len() as u32);
        self.engine.step(Event::SeriesBorn { id, labels: &series(&name) }, START);
        self.ids.insert(name, id);
        id
    }

    /// `z:2,1:3,-1:4`: the zero bucket (up to 0.25) holds 2, bucket 1 holds 3, and so on.
    fn histogram(&self, text: &str) -> Histogram {
        let text = text.trim_end_matches('!');
        let mut histogram = Histogram { custom_bounds: self.bounds.clone(), ..Histogram::empty(self.schema) };
        for (bucket, count) in text.split(',').filter_map(|part| part.split_once(':')) {
            let count: f64 = count.parse().unwrap();
            histogram.count += count;
            match bucket {
                "z" => (histogram.zero_threshold, histogram.zero_count) = (0.25, count),
                index => histogram.positive.push(Bucket { index: index.parse().unwrap(), count }),
            }
        }
        histogram
    }

    fn line(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let at = START + TimeDelta::from_secs(words.next().unwrap().parse().unwrap());
        let target = words.next().unwrap();
        let up = self.id(format!("up{{instance={target}}}"));
        let mut batch =
            Batch::floats(Origin::Scrape { target: up, ok: true, interval: SCRAPE }, at, Vec::new());
        let mut starts = Vec::new();
        for word in words {
            let (name, value) = word.split_once('=').unwrap();
            let (value, start) = value.split_once('@').unwrap_or((value, ""));
            let name = match name {
                "took" | "took_count" => format!("{name}{{instance={target}}}"),
                bound => format!("took_bucket{{instance={target},le={}}}", bound.trim_start_matches("le")),
            };
            let id = self.id(name);
            let place = match value.split_once(':') {
                Some(_) => {
                    let mut histogram = self.histogram(value);
                    if value.ends_with('!') {
                        histogram.counter_reset = CounterReset::Reset;
                    }
                    batch.histograms.push((id, HistogramSample::new(at, Arc::new(histogram))));
                    (true, batch.histograms.len() - 1)
                }
                None => {
                    batch.samples.push((id, Sample::new(at, value.parse().unwrap())));
                    (false, batch.samples.len() - 1)
                }
            };
            if let Ok(start) = start.parse() {
                starts.push((place, START + TimeDelta::from_secs(start)));
            }
        }
        let place = |(is_histogram, place): (bool, usize)| {
            (place + if is_histogram { batch.samples.len() } else { 0 }) as u32
        };
        batch.start_times = starts.into_iter().map(|(at, start)| (place(at), start)).collect();
        batch.start_times.sort_unstable();
        self.engine.step(Event::Batch(&batch), at);
    }

    fn lines(&mut self, script: &str) {
        script.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| self.line(line));
    }

    fn shown(&self) -> String {
        let status = self.engine.status(START + TimeDelta::HOUR).swap_remove(0);
        let total = status.streams[0].total;
        format!("{:.4} of {}", total.good, total.total)
    }

    fn notes(&self) -> Vec<String> {
        self.engine.status(START + TimeDelta::HOUR).swap_remove(0).notes
    }

    /// Through a checkpoint and back.
    fn restart(&mut self, threshold: f64) {
        let kept = self.engine.checkpoint(bellwether_model::LogPosition::default(), BlocksFile::Rewrite);
        let slos = Self::new(threshold).engine.slo("it").cloned().unwrap();
        let restored =
            SloEngine::restore(vec![slos], EngineSettings::default(), &kept.head, &kept.new_blocks);
        self.engine = restored.unwrap().0;
    }
}

/// Good events at or below a threshold, and all; once straight through and once with a restart before every line.
fn check(threshold: f64, script: &str, expected: &str) {
    let mut steady = Script::new(threshold);
    steady.lines(script);
    assert_eq!(steady.shown(), expected, "{script}");
    let mut stopped = Script::new(threshold);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        stopped.restart(threshold);
        stopped.line(line);
    }
    assert_eq!(stopped.shown(), expected, "with restarts: {script}");
}

#[test]
fn a_bucket_bound_as_threshold_is_exact() {
    // Buckets 1 to 3 of schema 0 end at 2, 4 and 8.
    let script = "0 a took=1:10,2:10,3:10 \n 15 a took=1:11,2:13,3:16";
    check(2.0, script, "1.0000 of 10");
    check(4.0, script, "4.0000 of 10");
    check(8.0, script, "10.0000 of 10");
    check(100.0, script, "10.0000 of 10");
}

#[test]
fn the_edge_of_the_zero_bucket_is_a_bound_too() {
    let script = "0 a took=z:1,1:1 \n 15 a took=z:4,1:3";
    check(0.25, script, "3.0000 of 5");
    // Nothing is negative, so what is in the zero bucket is taken to lie evenly between 0 and 0.25.
    check(0.125, script, "1.5000 of 5");
}

#[test]
fn inside_a_bucket_events_are_spread_over_the_logarithm() {
    // 2.828... is halfway from 2 to 4 for a logarithm.
    check(8f64.sqrt(), "0 a took=1:10,2:10 \n 15 a took=1:12,2:18", "6.0000 of 10");
}

#[test]
fn custom_buckets_are_spread_evenly() {
    let check = |threshold: f64, expected: &str| {
        let mut script = Script::new(threshold);
        (script.schema, script.bounds) = (Schema::CUSTOM, Arc::from([1.0, 5.0]));
        script.lines("0 a took=0:1,1:1,2:1 \n 15 a took=0:3,1:5,2:5");
        assert_eq!(script.shown(), expected, "up to {threshold}");
    };
    check(1.0, "2.0000 of 10");
    check(5.0, "6.0000 of 10");
    check(2.0, "3.0000 of 10");
    check(9.0, "6.0000 of 10");
}

#[test]
fn a_histogram_that_began_anew_counts_from_zero() {
    check(4.0, "0 a took=1:10,3:10 \n 15 a took=1:3,3:2", "3.0000 of 5");
    // As many as before, but not in the same buckets.
    check(4.0, "0 a took=1:10,3:10 \n 15 a took=1:25,3:2", "25.0000 of 27");
    // Its source says so, although nothing fell.
    check(4.0, "0 a took=1:10,3:10 \n 15 a took=1:11,3:12!", "11.0000 of 23");
}

#[test]
fn a_histogram_born_under_watch_counts_from_zero() {
    check(4.0, "0 a took_count=0 \n 15 a took=1:3,3:2", "3.0000 of 5");
    check(4.0, "0 b took=1:1 \n 15 a took=1:3,3:2", "0.0000 of 0");
}

#[test]
fn a_target_that_exposes_both_is_counted_once() {
    check(
        4.0,
        "0 a took=1:10,3:10 le4=10 le+Inf=20 took_count=20
         15 a took=1:13,3:12 le4=13 le+Inf=25 took_count=25
         30 a took=1:15,3:12 le4=15 le+Inf=27 took_count=27",
        "5.0000 of 7",
    );
}

#[test]
fn a_change_from_classic_to_native_and_back_goes_on_counting() {
    // The counters went on: 10 and 20 before, 13 of 25 after.
    let there = "0 a le4=10 le+Inf=20 \n 15 a took=1:13,3:12";
    check(4.0, there, "3.0000 of 5");
    check(4.0, &format!("{there} \n 30 a le4=14 le+Inf=27"), "4.0000 of 7");
    check(4.0, &format!("{there} \n 30 a le4=14 le+Inf=27 \n 45 a took=1:20,3:20"), "10.0000 of 20");
    // A new process with less than before.
    check(4.0, "0 a le4=10 le+Inf=20 \n 15 a took=1:3,3:2", "3.0000 of 5");
    check(4.0, "0 a took=1:10,3:10 \n 15 a le4=3 le+Inf=5", "3.0000 of 5");
    // Native histograms join classic series that stay.
    check(4.0, "0 a le4=10 le+Inf=20 \n 15 a le4=12 le+Inf=24 took=1:12,3:12", "2.0000 of 4");
}

#[test]
fn a_gauge_of_histograms_and_numbers_of_the_same_name_are_no_events() {
    let mut script = Script::new(4.0);
    script.lines("0 a took=5 le4=0 le+Inf=0 \n 15 a took=9 le4=1 le+Inf=2");
    assert_eq!(script.shown(), "1.0000 of 2");
    let mut script = Script::new(4.0);
    for seconds in [0, 15] {
        let at = START + TimeDelta::from_secs(seconds);
        let (up, id) = (script.id("up{instance=a}".to_owned()), script.id("took{instance=a}".to_owned()));
        let gauge = Histogram { counter_reset: CounterReset::Gauge, ..script.histogram("1:3") };
        let mut batch =
            Batch::floats(Origin::Scrape { target: up, ok: true, interval: SCRAPE }, at, Vec::new());
        batch.histograms.push((id, HistogramSample::new(at, Arc::new(gauge))));
        script.engine.step(Event::Batch(&batch), at);
    }
    assert_eq!(script.shown(), "0.0000 of 0");
}

#[test]
fn an_interpolated_threshold_is_noted() {
    let check = |threshold: f64, expected: &[&str]| {
        let mut script = Script::new(threshold);
        script.lines("0 a took=z:1,1:10 \n 15 a took=z:1,1:12");
        assert_eq!(script.notes(), expected);
    };
    check(4.0, &[]);
    check(0.25, &[]);
    check(
        3.0,
        &[
            "3 is not a bucket bound of the native histogram: the count is interpolated between the bounds 2 and 4",
        ],
    );
    check(
        0.1,
        &[
            "0.1 is not a bucket bound of the native histogram: the count is interpolated between the bounds 0 and 0.25",
        ],
    );
    let mut script = Script::new(9.0);
    (script.schema, script.bounds) = (Schema::CUSTOM, Arc::from([1.0, 5.0]));
    script.lines("0 a took=0:1 \n 15 a took=0:3");
    assert_eq!(
        script.notes(),
        ["9 is above the last bucket bound, 5: only events up to that bound count as good"]
    );
}

// ---- since when counters have been counting ----

#[test]
fn what_began_under_watch_counts_from_zero() {
    // The objective is watched since second 0; target b comes later, and its counters began later.
    let watched = "0 a le4=0 le+Inf=0 \n 15 a le4=0 le+Inf=0";
    check(4.0, &format!("{watched} \n 30 b le4=3@20 le+Inf=5@20"), "3.0000 of 5");
    check(4.0, &format!("{watched} \n 30 b took=1:3,3:2@20"), "3.0000 of 5");
    // They began before anybody watched, or nobody knows when.
    check(4.0, &format!("{watched} \n 30 b le4=3@-20 le+Inf=5@-20"), "0.0000 of 0");
    check(4.0, &format!("{watched} \n 30 b took=1:3,3:2@-20"), "0.0000 of 0");
    check(4.0, &format!("{watched} \n 30 b le4=3 le+Inf=5"), "0.0000 of 0");
}

#[test]
fn what_looks_born_but_began_before_is_a_baseline() {
    // A series of a watched target turns up with a past, as after a change of its labels.
    let watched = "0 a took_count=0 \n 15 a took_count=0";
    check(4.0, &format!("{watched} \n 30 a le4=300@-900 le+Inf=500@-900"), "0.0000 of 0");
    // A start that all series of a process share says nothing of one of them.
    let shared = "0 a took_count=1@-900 \n 15 a took_count=1@-900";
    check(4.0, &format!("{shared} \n 30 a took_count=1@-900 le4=3@-900 le+Inf=5@-900"), "3.0000 of 5");
}

#[test]
fn a_later_start_is_a_reset_that_the_values_do_not_show() {
    let check_both = |second: &str, expected: &str| {
        check(4.0, &format!("0 a le4=10@-60 le+Inf=20@-60 \n 15 a {second}"), expected);
    };
    check_both("le4=12@-60 le+Inf=24@-60", "2.0000 of 4");
    check_both("le4=12@5 le+Inf=24@5", "12.0000 of 24");
    check_both("le4=12 le+Inf=24", "2.0000 of 4");
    check(4.0, "0 a took=1:10,3:10@-60 \n 15 a took=1:12,3:12@5", "12.0000 of 24");
    // A clock that goes ahead of ours resets nothing.
    check(4.0, "0 a le4=10@30 le+Inf=20@30 \n 15 a le4=12@30 le+Inf=24@30", "2.0000 of 4");
}

#[test]
fn every_error_of_short_lived_pods_is_counted_even_before_their_first_scrape() {
    // As with the 720 pods, but each failed before anybody came by; the start of its counters says it was born.
    let mut script = Script::new(4.0);
    script.lines("0 a le4=0 le+Inf=0 \n 15 a le4=0 le+Inf=0");
    for pod in 1..=720 {
        script.line(&format!("{} pod{pod} le4=9@{} le+Inf=10@{}", 15 + pod, 5 + pod, 5 + pod));
    }
    assert_eq!(script.shown(), "6480.0000 of 7200");
}
