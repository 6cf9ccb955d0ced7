//! On a thousand random traces every window holds what a brute force over the exposed samples says it must.
//!
//! The brute force is written for being obviously right: it looks at one series at a time, in order, and knows nothing
//! of slots that fold, of streams or of checkpoints. What services did and no sample ever showed is no error of the
//! ledger's; it is printed, and bounded, apart.

use std::collections::BTreeMap;

use bellwether_model::{Labels, LogPosition, Origin, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    BlocksFile, Budgeting, Counts, EngineSettings, Event, Events, Indicator, Latency, Ledger, LedgerSettings,
    Ratio, Selector, SloEngine, Stretch, Threshold,
};

use crate::trace::{Draw, Entry, KINDS, Kind, START, Shape, Trace};
use crate::world::slos;

const TRACES: u64 = 1000;

fn indicator(kind: Kind, group_by: &[&str]) -> Indicator {
    let one = |text: &str| vec![Selector::parse(text).unwrap()];
    let latency = |threshold| {
        let histogram = Selector::parse("took").unwrap();
        Events::Latency(Latency { histogram, threshold: Threshold::new(threshold).unwrap() })
    };
    let events = match kind {
        Kind::BadTotal => Events::Ratio(Ratio::BadTotal { bad: one("bad"), total: one("total") }),
        Kind::GoodTotal => Events::Ratio(Ratio::GoodTotal { good: one("good"), total: one("total") }),
        Kind::GoodBad => Events::Ratio(Ratio::GoodBad { good: one("good"), bad: one("bad") }),
        Kind::Latency | Kind::Native | Kind::Both | Kind::Migrating => latency(4.0),
        Kind::LatencyBetween => latency(2.5),
    };
    Indicator {
        events,
        budgeting: Budgeting::Occurrences,
        group_by: group_by.iter().map(|&name| name.to_owned()).collect(),
        streams_max: 10,
    }
}

/// What one increment of a series says of bad events and of all events.
fn worth(kind: Kind, labels: &Labels) -> (f64, f64) {
    match (kind, labels.metric_name().unwrap(), labels.value_or_empty("le")) {
        (Kind::BadTotal | Kind::GoodBad, "bad", _) if kind == Kind::BadTotal => (1.0, 0.0),
        (Kind::BadTotal, "total", _) => (0.0, 1.0),
        (Kind::GoodTotal, "good", _) => (-1.0, 0.0),
        (Kind::GoodTotal, "total", _) => (1.0, 1.0),
        (Kind::GoodBad, "good", _) => (0.0, 1.0),
        (Kind::GoodBad, "bad", _) => (1.0, 1.0),
        (Kind::Latency | Kind::LatencyBetween, "took_bucket", "+Inf") => (1.0, 1.0),
        (Kind::Latency, "took_bucket", "4") => (-1.0, 0.0),
        (Kind::LatencyBetween, "took_bucket", "1" | "4") => (-0.5, 0.0),
        _ => (0.0, 0.0),
    }
}

/// An increment that the exposed samples show.
struct Increment {
    at: Timestamp,
    shop: String,
    counts: Counts,
}

/// What a target said of the histogram of one shop.
#[derive(Clone, Copy)]
struct Told {
    at: Timestamp,
    is_native: bool,
    /// Events up to 4, and all.
    good: f64,
    total: f64,
    /// The counts of a native histogram's buckets, where it is one.
    buckets: [f64; 3],
}

/// Every increment of histograms that may be native, one after the other.
fn brute_force_of_histograms(trace: &Trace) -> Vec<Increment> {
    let mut labels_of = BTreeMap::new();
    let mut told: BTreeMap<(String, String), Vec<(Told, bool)>> = BTreeMap::new();
    let mut scraped: BTreeMap<SeriesId, ()> = BTreeMap::new();
    for entry in &trace.log {
        let batch = match entry {
            Entry::Born(id, labels) => {
                labels_of.insert(*id, labels.clone());
                continue;
            }
            Entry::Batch(batch) => batch,
        };
        let Origin::Scrape { target, ok: true, .. } = batch.origin else { continue };
        let was_watched = scraped.insert(target, ()).is_some();
        let name = |id: &SeriesId| {
            let labels: &Labels = &labels_of[id];
            (labels.value_or_empty("instance").to_owned(), labels.value_or_empty("shop").to_owned())
        };
        let mut now: BTreeMap<(String, String), Told> = BTreeMap::new();
        for (id, sample) in &batch.samples {
            let told = now.entry(name(id)).or_insert(Told {
                at: sample.at,
                is_native: false,
                good: 0.0,
                total: 0.0,
                buckets: [0.0; 3],
            });
            match labels_of[id].value_or_empty("le") {
                "4" => told.good = sample.value,
                "+Inf" => told.total = sample.value,
                _ => {}
            }
        }
        for (id, sample) in &batch.histograms {
            let count = |index: i32| {
                sample.histogram.positive.iter().find(|bucket| bucket.index == index).map_or(0.0, |b| b.count)
            };
            let buckets = [count(0), count(2), count(4)];
            let good = buckets[0] + buckets[1];
            let total = good + buckets[2];
            now.insert(name(id), Told { at: sample.at, is_native: true, good, total, buckets });
        }
        for (name, now) in now {
            told.entry(name).or_default().push((now, was_watched));
        }
    }
    let mut increments = Vec::new();
    for ((_, shop), told) in told {
        let mut before: Option<Told> = None;
        for (now, was_watched) in told {
            let grown = |now: f64, before: f64| if now >= before { now - before } else { now };
            let fell =
                |before: &Told| now.buckets.iter().zip(before.buckets).any(|(now, before)| *now < before);
            let (good, total) = match before {
                Some(before) if now.at <= before.at => continue,
                // Classic series begin anew each for itself, a native histogram as a whole.
                Some(before) if !now.is_native => {
                    (grown(now.good, before.good), grown(now.total, before.total))
                }
                Some(before) if before.is_native && fell(&before) => (now.good, now.total),
                Some(before) if now.total < before.total => (now.good, now.total),
                Some(before) => {
                    let total = now.total - before.total;
                    ((now.good - before.good).clamp(0.0, total), total)
                }
                None if was_watched => (now.good, now.total),
                None => (0.0, 0.0),
            };
            before = Some(now);
            let counts = Counts { bad: total - good, total };
            increments.push(Increment { at: now.at, shop: shop.clone(), counts });
        }
    }
    increments
}

/// Every increment of every series, one series after the other.
fn brute_force(trace: &Trace) -> Vec<Increment> {
    if matches!(trace.kind, Kind::Native | Kind::Both | Kind::Migrating) {
        return brute_force_of_histograms(trace);
    }
    let mut labels_of = BTreeMap::new();
    let mut exposed: BTreeMap<SeriesId, Vec<(Timestamp, f64, bool)>> = BTreeMap::new();
    let mut scraped: BTreeMap<SeriesId, ()> = BTreeMap::new();
    for entry in &trace.log {
        match entry {
            Entry::Born(id, labels) => {
                labels_of.insert(*id, labels.clone());
            }
            Entry::Batch(batch) => {
                let Origin::Scrape { target, ok: true, .. } = batch.origin else { continue };
                let was_watched = scraped.insert(target, ()).is_some();
                for (id, sample) in &batch.samples {
                    exposed.entry(*id).or_default().push((sample.at, sample.value, was_watched));
                }
            }
        }
    }
    let mut increments = Vec::new();
    for (id, samples) in exposed {
        let labels: &Labels = &labels_of[&id];
        let (bad, total) = worth(trace.kind, labels);
        let mut before: Option<(Timestamp, f64)> = None;
        for (at, value, was_watched) in samples {
            let increment = match before {
                Some((last, _)) if at <= last => continue, // the same sample once more
                Some((_, before)) if value >= before => value - before,
                Some(_) => value,
                None if was_watched => value,
                None => 0.0,
            };
            before = Some((at, value));
            let shop = labels.value_or_empty("shop").to_owned();
            increments.push(Increment {
                at,
                shop,
                counts: Counts { bad: bad * increment, total: total * increment },
            });
        }
    }
    increments
}

/// What increments after one moment and up to another come to; counters that disagree at an edge never make less than
/// nothing, nor more than everything.
fn sum(increments: &[Increment], shop: &str, stretch: Stretch) -> Counts {
    let inside = increments.iter().filter(|i| stretch.begin < i.at && i.at <= stretch.end);
    let all = inside.filter(|i| shop.is_empty() || i.shop == shop).fold(Counts::default(), |sum, i| Counts {
        bad: sum.bad + i.counts.bad,
        total: sum.total + i.counts.total,
    });
    Counts { bad: all.bad.clamp(0.0, all.total.max(0.0)), total: all.total.max(0.0) }
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

pub(crate) fn fold(ledger: &mut Ledger, log: &[Entry]) {
    for entry in log {
        match entry {
            Entry::Born(id, labels) => ledger.series_born(*id, labels),
            Entry::Batch(batch) => {
                ledger.apply(batch);
            }
        }
    }
}

/// What is left between the ledger and the truth, over all traces.
#[derive(Default)]
pub(crate) struct Unseen {
    happened: f64,
    counted: f64,
    /// Sum of the differences of all windows, and of what happened in them.
    misplaced: f64,
    in_windows: f64,
    windows: u64,
}

/// A trace and how it is kept.
pub(crate) struct Setting {
    pub(crate) trace: Trace,
    pub(crate) ledger: LedgerSettings,
    grouped: bool,
}

impl Setting {
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let interval = TimeDelta::from_secs(draw.pick(&[1, 5, 15, 60]));
        let slot = TimeDelta::from_secs(draw.pick(&[1, 5, 15]));
        let recent = TimeDelta::from_secs(draw.pick(&[300, 900, 3600]));
        let steps = 20 + draw.below(if interval.0 >= 15_000 { 230 } else { 150 }) as i64;
        let shape = Shape { kind: draw.pick(&KINDS), interval, steps, lag_max: TimeDelta(recent.0 * 2 / 3) };
        Self {
            trace: Trace::draw(draw, &shape),
            ledger: LedgerSettings { slot, recent, ..LedgerSettings::default() },
            grouped: draw.one_in(2),
        }
    }

    pub(crate) fn indicator(&self) -> Indicator {
        indicator(self.trace.kind, if self.grouped { &["shop"] } else { &[] })
    }

    pub(crate) fn folded(&self) -> Ledger {
        let mut ledger = Ledger::new(self.ledger);
        ledger.set_indicators([&self.indicator()]);
        fold(&mut ledger, &self.trace.log);
        ledger
    }

    /// Every window of every stream against the brute force; what really happened is compared apart.
    pub(crate) fn check(&self, seed: u64, ledger: &Ledger, draw: &mut Draw, unseen: &mut Unseen) {
        let Self { trace, ledger: settings, .. } = self;
        let increments = brute_force(trace);
        for (labels, stream) in ledger.streams(&self.indicator().key()) {
            let shop = labels.value_or_empty("shop");
            let Some(watermark) = ledger.watermark(stream) else { continue };
            let end = watermark.ceil_to(settings.slot);
            for stretch in stretches(draw, settings, end) {
                let window = ledger.over(stream, stretch).unwrap();
                let expected = sum(&increments, shop, stretch);
                let told = (window.counts.bad, window.counts.total);
                assert!(
                    is_near(told.0, expected.bad) && is_near(told.1, expected.total),
                    "seed {seed}, {:?} every {} in slots of {}, stream {labels}: {} to {}: {told:?} for {expected:?}",
                    trace.kind,
                    trace.interval,
                    settings.slot,
                    (stretch.begin - START),
                    (stretch.end - START),
                );
                assert_eq!(window.length, stretch.length());
                assert!(window.measured <= window.watched && window.watched <= window.length);
                let happened = happened(trace, shop, stretch);
                unseen.windows += 1;
                unseen.misplaced += (window.counts.total - happened).abs();
                unseen.in_windows += happened;
            }
            // Nothing that did not happen is ever counted.
            let always = Stretch { begin: START - TimeDelta::DAY, end };
            let (counted, happened) =
                (ledger.over(stream, always).unwrap().counts.total, happened(trace, shop, always));
            assert!(counted <= happened, "seed {seed}, stream {labels}: {counted} of {happened}");
            if labels.is_empty() {
                unseen.happened += happened;
                unseen.counted += counted;
            }
        }
    }
}

/// What the services really did in a stretch.
fn happened(trace: &Trace, shop: &str, stretch: Stretch) -> f64 {
    let inside = trace.truth.iter().filter(|event| stretch.begin < event.at && event.at <= stretch.end);
    let shop: Option<u64> = shop.parse().ok();
    let of_shop = inside.filter(|event| shop.is_none_or(|shop| event.shop == shop));
    of_shop.map(|event| event.events.iter().sum::<u64>()).sum::<u64>() as f64
}

/// Stretches whose edges the ledger keeps: slots of the recent time, minutes of what came before.
fn stretches(draw: &mut Draw, settings: &LedgerSettings, end: Timestamp) -> Vec<Stretch> {
    let edge = |at: Timestamp| match end - at < settings.recent {
        true => at.floor_to(settings.slot),
        false => at.floor_to(TimeDelta::MINUTE),
    };
    let lengths = [1, 15, 60, 300, 900, 3600, 7200, 86_400].map(TimeDelta::from_secs);
    let rolling = lengths.map(|length| Stretch { begin: edge(end - length), end });
    let span = (end - START).0.max(1) as u64;
    let anywhere = (0..6).map(|_| {
        let [a, b] = [draw.below(span), draw.below(span)].map(|ms| edge(START + TimeDelta(ms as i64)));
        Stretch { begin: a.min(b), end: a.max(b) }
    });
    rolling.into_iter().chain(anywhere).collect()
}

#[test]
#[allow(clippy::print_stdout, reason = "the difference from the truth is no error, and has to be seen")]
fn a_thousand_random_traces_equal_a_brute_force_over_their_samples() {
    let mut unseen = Unseen::default();
    for seed in 0..TRACES {
        let mut draw = Draw::new(seed);
        let setting = Setting::draw(&mut draw);
        setting.check(seed, &setting.folded(), &mut draw, &mut unseen);
    }
    let lost = 1.0 - unseen.counted / unseen.happened;
    let misplaced = unseen.misplaced / unseen.in_windows;
    println!(
        "{TRACES} traces, {} windows exact; of {} events {:.1} % happened where no scrape saw them; windows differ \
         from what really happened in them by {:.1} %",
        unseen.windows,
        unseen.happened,
        lost * 100.0,
        misplaced * 100.0
    );
    bellwether_testkit::cases::ran("slo/traces", TRACES);
    assert!((0.0..0.15).contains(&lost) && misplaced < 0.25, "{lost} {misplaced}");
}

/// An objective that counts what a trace exposes.
fn yaml(setting: &Setting) -> String {
    let indicator = match setting.trace.kind {
        Kind::BadTotal => "ratio: {bad: bad, total: total}",
        Kind::GoodTotal => "ratio: {good: good, total: total}",
        Kind::GoodBad => "ratio: {good: good, bad: bad}",
        Kind::Latency | Kind::Native | Kind::Both | Kind::Migrating => {
            "latency: {histogram: took, threshold: 4}"
        }
        Kind::LatencyBetween => "latency: {histogram: took, threshold: 2.5}",
    };
    let group_by = if setting.grouped { "[shop]" } else { "[]" };
    format!(
        "slos: [{{name: it, goal: 0.99, window: 1d, indicator: {{{indicator}}}, group_by: {group_by}, alerts: []}}]"
    )
}

#[test]
fn a_crash_in_the_middle_of_a_trace_loses_nothing_and_doubles_nothing() {
    let mut unseen = Unseen::default();
    for seed in 0..25 {
        let mut draw = Draw::new(10_000 + seed);
        // Six hours are kept slot by slot, and a block holds 128 minutes: nine hours fill both.
        let interval = TimeDelta::MINUTE;
        let shape = Shape {
            kind: draw.pick(&KINDS),
            interval,
            steps: 540,
            lag_max: TimeDelta(20 * TimeDelta::MINUTE.0),
        };
        let setting = Setting {
            trace: Trace::draw(&mut draw, &shape),
            ledger: LedgerSettings::default(),
            grouped: draw.one_in(2),
        };
        let engine = crashed(&setting, &mut draw);
        setting.check(seed, engine.ledger(), &mut draw, &mut unseen);
    }
    assert!(unseen.windows > 300);
}

/// Folds a trace as a process that dies a few times: whatever came after its last checkpoint is folded once more.
fn crashed(setting: &Setting, draw: &mut Draw) -> SloEngine {
    let slos = slos(&yaml(setting));
    let log = &setting.trace.log;
    let mut engine = SloEngine::new(slos.clone(), EngineSettings::default());
    let (mut blocks, mut head, mut next) = (Vec::new(), None, 0);
    let mut crashes: Vec<usize> = (0..3).map(|_| draw.below(log.len() as u64) as usize).collect();
    let is_kept = |draw: &mut Draw| draw.one_in(150);
    while next < log.len() {
        if is_kept(draw) {
            let mode = if head.is_none() { BlocksFile::Rewrite } else { BlocksFile::Append };
            let checkpoint = engine.checkpoint(LogPosition { file: 0, offset: next as u64 }, mode);
            blocks.extend(checkpoint.new_blocks);
            head = Some(checkpoint.head);
        }
        if let (Some(crash), Some(head)) = (crashes.iter().position(|crash| *crash <= next), &head) {
            crashes.swap_remove(crash);
            let restored = SloEngine::restore(slos.clone(), EngineSettings::default(), head, &blocks);
            let (before, position) = restored.expect("what was just written");
            (engine, next) = (before, position.offset as usize);
        }
        match &log[next] {
            Entry::Born(id, labels) => engine.step(Event::SeriesBorn { id: *id, labels }, START),
            Entry::Batch(batch) => engine.step(Event::Batch(batch), batch.at),
        };
        next += 1;
    }
    engine
}
