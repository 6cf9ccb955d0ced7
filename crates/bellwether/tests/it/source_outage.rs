//! Reading a source in virtual time: away for ten minutes, late, in parts, thinned out. What is counted equals a brute
//! force over what the source has.

use std::collections::{BTreeMap, BTreeSet};

use bellwether::config;
use bellwether::source::intake::{Answered, Intake, Read, Verdict};
use bellwether::source::plan::plan;
use bellwether::source::track::{Reach, Track};
use bellwether_model::{Labels, METRIC_NAME, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{EngineSettings, Event, SloEngine};

const SLOT: TimeDelta = TimeDelta(15_000);
const OVERLAP: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
const LOOKBACK: TimeDelta = OVERLAP;
const CONFIG: &str = "
slos:
  - name: s
    goal: \"90%\"
    window: 1d
    indicator: {ratio: {bad: errors_total, total: requests_total}}
    alerts: []
";

/// A store of samples; each can be seen from some moment on.
#[derive(Default)]
struct Source {
    samples: BTreeMap<Labels, BTreeMap<Timestamp, (f64, Timestamp)>>,
}

impl Source {
    fn add(&mut self, name: &str, target: &str, at: Timestamp, value: f64, seen: Timestamp) {
        let labels = Labels::from_pairs([(METRIC_NAME, name), ("job", "shop"), ("instance", target)]);
        self.samples.entry(labels).or_default().insert(at, (value, seen));
    }

    fn read(&self, name: &str, start: Timestamp, end: Timestamp, now: Timestamp) -> Vec<Read> {
        let named = self.samples.iter().filter(|(labels, _)| labels.metric_name() == Some(name));
        let reads = named.map(|(labels, samples)| {
            let seen = samples.iter().filter(|(at, (_, seen))| start < **at && **at <= end && *seen <= now);
            let samples = seen.map(|(at, (value, _))| Sample::new(*at, *value)).collect();
            Read { labels: labels.clone(), samples }
        });
        reads.filter(|read| !read.samples.is_empty()).collect()
    }

    /// All increments of a metric; what a series had before it was first seen counts if its target was up before.
    fn increments(&self, name: &str) -> f64 {
        let first_up = |instance: &str| {
            let ups = self.samples.iter().filter(|(l, _)| l.metric_name() == Some("up"));
            let its = ups.filter(|(l, _)| l.get("instance") == Some(instance));
            its.flat_map(|(_, samples)| samples.keys()).min().copied().unwrap()
        };
        let named = self.samples.iter().filter(|(labels, _)| labels.metric_name() == Some(name));
        let of = |(labels, samples): (&Labels, &BTreeMap<Timestamp, (f64, Timestamp)>)| {
            let born = *samples.keys().next().unwrap() > first_up(labels.get("instance").unwrap());
            let mut before = born.then_some(0.0);
            let mut sum = 0.0;
            for (value, _) in samples.values() {
                sum += before.map_or(0.0, |before| if *value >= before { value - before } else { *value });
                before = Some(*value);
            }
            sum
        };
        named.map(of).sum()
    }
}

/// Whoever reads it.
struct World {
    source: Source,
    now: Timestamp,
    track: Track,
    intake: Intake,
    engine: SloEngine,
    ids: BTreeMap<Labels, SeriesId>,
    full_at: Timestamp,
    rereads: usize,
    left_out: usize,
}

impl World {
    fn new(history: TimeDelta) -> Self {
        let now = Timestamp(1_700_000_040_000);
        let slos = config::load_text("test", CONFIG).config.unwrap().slos;
        let fetches = plan(slos.iter().flat_map(|slo| slo.indicator.selectors()));
        assert_eq!(fetches.len(), 1);
        Self {
            source: Source::default(),
            now,
            track: Track::begun(fetches, now - history, LOOKBACK),
            intake: Intake::new(OVERLAP, SLOT),
            engine: SloEngine::new(slos, EngineSettings::default()),
            ids: BTreeMap::new(),
            full_at: Timestamp::default(),
            rereads: 0,
            left_out: 0,
        }
    }

    /// Reads what there is, as the task does.
    fn poll(&mut self) {
        loop {
            let is_full = self.now - self.full_at >= TimeDelta::MINUTE;
            let reach = Reach { overlap: OVERLAP, margin: SLOT + SLOT, is_full };
            let is_live = !self.track.is_behind(self.now, reach);
            let mut stretch = self.track.next(self.now, reach);
            loop {
                let read =
                    |name: &str, source: &Source| source.read(name, stretch.start, stretch.end, self.now);
                let ups = read("up", &self.source);
                let alive: BTreeSet<Labels> = self
                    .source
                    .read("up", stretch.end - LOOKBACK, stretch.end, self.now)
                    .into_iter()
                    .map(|read| read.labels.without_name())
                    .collect();
                let counts =
                    [read("errors_total", &self.source), read("requests_total", &self.source)].concat();
                let samples = counts.iter().map(|read| read.samples.len()).sum();
                let answered = Answered {
                    start: stretch.start,
                    end: stretch.end,
                    ups,
                    counts,
                    baseline_until: self.track.baseline_until,
                    alive: is_live.then_some(alive),
                };
                let ids = &mut self.ids;
                let mut new: Vec<(SeriesId, Labels)> = Vec::new();
                let mut resolve = |labels: &Labels| {
                    let next = SeriesId(ids.len() as u32);
                    let id = *ids.entry(labels.clone()).or_insert(next);
                    if id == next {
                        new.push((id, labels.clone()));
                    }
                    Ok(id)
                };
                match self.intake.take(&answered, &mut resolve).unwrap() {
                    Verdict::Append(batches) => {
                        for (id, labels) in &new {
                            self.engine.step(Event::SeriesBorn { id: *id, labels }, self.now);
                        }
                        for batch in &batches {
                            self.engine.step(Event::Batch(batch), self.now);
                        }
                        self.track.done(stretch, samples, 10_000);
                        break;
                    }
                    Verdict::ReadFrom(from) => {
                        self.rereads += 1;
                        stretch.start = from;
                    }
                    Verdict::DownSampled(_) => {
                        assert!(self.track.leave_out(stretch, self.now, LOOKBACK));
                        self.left_out += 1;
                        break;
                    }
                }
            }
            if is_full {
                self.full_at = self.now;
            }
            if is_live {
                return;
            }
        }
    }

    fn counted(&self) -> (f64, f64) {
        let total = self.engine.status(self.now)[0].streams[0].total;
        (total.total - total.good, total.total)
    }

    fn check(&self, what: &str) {
        let truth = (self.source.increments("errors_total"), self.source.increments("requests_total"));
        assert_eq!(self.counted(), truth, "{what}");
    }

    /// Scrapes of two targets for a while; `read` says whether the source can be read at a moment, `seen` when a
    /// sample of a metric of a target can be seen.
    fn run(
        &mut self,
        length: TimeDelta,
        can_read: impl Fn(TimeDelta) -> bool,
        seen: impl Fn(&str, &str, TimeDelta) -> TimeDelta,
    ) {
        let begun = self.now;
        while self.now - begun < length {
            self.now += SLOT;
            let (at, since) = (self.now - TimeDelta(3_000), self.now - begun);
            let served = (since.0 / SLOT.0) as f64;
            for target in ["a:1", "b:1"] {
                let when = |name: &str| at + seen(name, target, since);
                self.source.add("up", target, at, 1.0, when("up"));
                self.source.add("requests_total", target, at, served * 7.0, when("requests_total"));
                if since > TimeDelta::MINUTE {
                    self.source.add("errors_total", target, at, served, when("errors_total"));
                }
            }
            if can_read(since) {
                self.poll();
            }
        }
    }
}

const AT_ONCE: fn(&str, &str, TimeDelta) -> TimeDelta = |_, _, _| TimeDelta::ZERO;

/// Time for what is held back to be taken.
fn settle(world: &mut World) {
    for _ in 0..6 {
        world.now += SLOT;
        world.poll();
    }
}

#[test]
fn ten_minutes_without_the_source_lose_nothing() {
    let mut world = World::new(TimeDelta::HOUR);
    let is_away = |since: TimeDelta| since > TimeDelta(5 * 60_000) && since < TimeDelta(15 * 60_000);
    world.run(TimeDelta(20 * 60_000), |since| !is_away(since), AT_ONCE);
    settle(&mut world);
    world.check("after the outage");
    let status = &world.engine.status(world.now)[0].streams[0];
    assert!(status.total.measured_ratio > 0.0);
    assert_eq!(status.watched, TimeDelta(20 * 60_000) - SLOT, "every slot since the first");
}

#[test]
fn a_past_of_hours_is_counted_as_if_it_had_been_seen() {
    let mut world = World::new(TimeDelta(6 * TimeDelta::HOUR.0));
    world.run(TimeDelta(5 * TimeDelta::HOUR.0), |_| false, AT_ONCE);
    assert_eq!(world.counted(), (0.0, 0.0));
    settle(&mut world);
    world.check("after the past was read");
}

#[test]
fn scrapes_that_are_seen_in_parts_and_late_are_counted_whole() {
    let mut world = World::new(TimeDelta::HOUR);
    let seen = |name: &str, target: &str, since: TimeDelta| match (name, target) {
        ("requests_total", "a:1") => TimeDelta(4_000),
        ("errors_total", "b:1") if since.0 % 60_000 == 0 => TimeDelta(40_000),
        _ => TimeDelta::ZERO,
    };
    world.run(TimeDelta(10 * 60_000), |_| true, seen);
    settle(&mut world);
    world.check("in parts");
}

#[test]
fn samples_that_come_late_between_known_ones_count_where_they_belong() {
    let mut world = World::new(TimeDelta::HOUR);
    for step in 1..=60 {
        world.now += SLOT;
        let at = world.now - TimeDelta(3_000);
        let late = at + TimeDelta::MINUTE * 2;
        // A process that has just started serves so much until the next scrape that its restart cannot be seen there.
        let has_restarted = step % 9 == 4;
        let requests = if has_restarted { 1.0 } else { f64::from(step) * 70.0 };
        world.source.add("up", "a:1", at, 1.0, at);
        world.source.add("requests_total", "a:1", at, requests, if has_restarted { late } else { at });
        // The first two samples of a series come after the third one.
        if step >= 20 {
            world.source.add("errors_total", "a:1", at, f64::from(step), if step < 22 { late } else { at });
        }
        world.poll();
    }
    settle(&mut world);
    settle(&mut world); // the last late ones can be seen two minutes after they were exposed
    world.check("late between known ones");
}

#[test]
fn a_target_whose_samples_come_ten_minutes_late_is_read_again() {
    let mut world = World::new(TimeDelta::HOUR);
    // What writes to the source for one target is cut off from it, and catches up.
    let seen = |_: &str, target: &str, since: TimeDelta| {
        let is_cut_off = since > TimeDelta(4 * 60_000) && since < TimeDelta(16 * 60_000);
        if target == "b:1" && is_cut_off { TimeDelta(16 * 60_000) - since } else { TimeDelta::ZERO }
    };
    world.run(TimeDelta(20 * 60_000), |_| true, seen);
    settle(&mut world);
    world.check("after it caught up");
    assert!(world.rereads > 0);
}

#[test]
fn thinned_out_history_is_not_counted_and_said() {
    let mut world = World::new(TimeDelta(12 * TimeDelta::HOUR.0));
    let begin = world.now - TimeDelta(12 * TimeDelta::HOUR.0);
    // Ten hours of one sample every five minutes, then raw ones.
    for step in 0..120 {
        let at = begin + TimeDelta(step * 5 * 60_000);
        for (name, value) in [("up", 1.0), ("requests_total", step as f64 * 20.0)] {
            world.source.add(name, "a:1", at, value, at);
        }
    }
    let raw_from = world.now - TimeDelta(2 * TimeDelta::HOUR.0);
    let mut truth = Vec::new();
    for step in 0..480 {
        let at = raw_from + TimeDelta(step * SLOT.0);
        let value = 2_400.0 + step as f64;
        truth.push(value);
        for (name, value) in [("up", 1.0), ("requests_total", value)] {
            world.source.add(name, "a:1", at, value, at);
        }
    }
    settle(&mut world);
    assert!(world.left_out > 0);
    let (_, total) = world.counted();
    let raw = truth[479] - truth[0];
    // What lies within an hour of the change may be left out with what is thinned out, or the other way round.
    assert!(total > raw * 0.4 && total <= raw + 240.0, "{total} of {raw}");
}
