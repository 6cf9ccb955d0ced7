//! Random histories of instances for tests of generated rules, on the grid of scrapes that promtool's files have; and
//! what they mean for a count of events.
//!
//! PromQL multiplies the growth that it sees in a window by a factor, and never sees the growth between the edge of the
//! window and its first sample, nor the first value of what is born. So what rules record is computed here, and
//! the least and the most of what the ledger may have counted: the growth that surely fell into its window, and
//! all that may have. Where no sample is missing at an edge and nothing is born, those two are one number.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Bucket, Histogram, HistogramSample, STALE_NAN, Schema};

use crate::trace::Draw;
use crate::world::{World, series};

/// Fifty minutes.
pub(crate) const SCRAPES: usize = 200;

/// What a series shows at a scrape: a counter is the first of the three, a native histogram has three buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shown {
    Counts([f64; 3]),
    Stale,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scraped {
    Yes,
    Failed,
    Missed,
}

/// Whether native histograms begin near zero. Prometheus 3.5 extends their growth to before zero, which it no longer
/// does for numbers, nor later versions for histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Histograms {
    GoOn,
    BeginAnew,
}

/// One series of a trace; `None` where nobody saw it.
pub(crate) type Points = Vec<Option<Shown>>;

/// What one instance did.
pub(crate) struct Instance {
    labels: String,
    scraped: Vec<(usize, Scraped)>,
    pub(crate) series: BTreeMap<String, Points>,
}

/// Counters of an instance; the last is the histogram.
const NAMES: [&str; 9] =
    ["r{code=\"200\",", "r{code=\"500\",", "a{", "b{", "e{", "f{", "d_bucket{le=\"0.5\",", "d_count{", "n{"];

pub(crate) fn is_native(name: &str) -> bool {
    name.starts_with("n{")
}

impl Instance {
    /// A life from its first scrape to its last; what it counted before somebody came by may be much.
    fn draw(draw: &mut Draw, labels: String, life: std::ops::Range<usize>, histograms: Histograms) -> Self {
        let mut own = Self { labels, scraped: Vec::new(), series: BTreeMap::new() };
        let before = if draw.one_in(2) { draw.below(50_000) as f64 } else { 0.0 };
        // A counter is there from its first event on.
        let mut counts: [Option<[f64; 3]>; 9] =
            std::array::from_fn(|_| (before > 0.0).then_some([before, before, 0.0]));
        if histograms == Histograms::GoOn {
            counts[8] = Some([50_000.0, 50_000.0, 0.0]);
        }
        let (mut busy, mut hidden) = (1, [0_u64; 9]);
        for scrape in life.clone() {
            if draw.one_in(20) {
                busy = 1 + draw.below(40);
            }
            if draw.one_in(80) {
                counts[..8].fill(None);
                counts[8] = counts[8].filter(|_| histograms == Histograms::GoOn);
            }
            grow(draw, &mut counts, busy);
            let scraped = match draw.below(60) {
                0 => Scraped::Failed,
                1 => Scraped::Missed,
                _ => Scraped::Yes,
            };
            // What a target shows when it is seen for the first time was counted before, and nobody doubts it.
            let scraped = if scrape == life.start { Scraped::Yes } else { scraped };
            own.scraped.push((scrape, scraped));
            for (number, name) in NAMES.iter().enumerate() {
                if scrape > life.start && draw.one_in(150) {
                    hidden[number] = 1 + draw.below(6);
                }
                hidden[number] = hidden[number].saturating_sub(1);
                let shown = counts[number].filter(|_| hidden[number] == 0);
                own.show(name, scrape, scraped, shown);
            }
        }
        if life.end < SCRAPES {
            own.scraped.push((life.end, Scraped::Failed));
            NAMES.iter().for_each(|name| own.show(name, life.end, Scraped::Failed, None));
        }
        own
    }

    fn show(&mut self, name: &str, scrape: usize, scraped: Scraped, shown: Option<[f64; 3]>) {
        let name = format!("{name}{}", self.labels);
        let points = self.series.entry(name).or_insert_with(|| vec![None; SCRAPES]);
        let was_there = matches!(points[..scrape].iter().rev().flatten().next(), Some(Shown::Counts(_)));
        points[scrape] = match (scraped, shown) {
            (Scraped::Yes, Some(counts)) => Some(Shown::Counts(counts)),
            (Scraped::Yes | Scraped::Failed, _) => was_there.then_some(Shown::Stale),
            (Scraped::Missed, _) => None,
        };
    }

    /// Hands one scrape to the ledger.
    pub(crate) fn tell(&self, world: &mut World, scrape: usize) {
        let Some((_, scraped)) = self.scraped.iter().find(|(at, _)| *at == scrape) else { return };
        let (mut floats, mut histograms) = (Vec::new(), Vec::new());
        for (name, points) in &self.series {
            match points[scrape] {
                Some(Shown::Counts(counts)) if is_native(name) => histograms.push((name, native(counts))),
                Some(Shown::Counts(counts)) => floats.push((name.as_str(), counts[0])),
                Some(Shown::Stale) => floats.push((name.as_str(), STALE_NAN)),
                None => {}
            }
        }
        if *scraped == Scraped::Missed {
            return;
        }
        let mut batch = world.batch(&self.labels.replace(['"', '}'], ""), &floats, *scraped == Scraped::Yes);
        for (name, histogram) in histograms {
            let id = world.id(&series(name));
            batch.histograms.push((id, HistogramSample::new(world.now, Arc::new(histogram))));
        }
        world.apply(&batch);
    }
}

fn grow(draw: &mut Draw, counts: &mut [Option<[f64; 3]>; 9], busy: u64) {
    let mut grown: [f64; 9] = std::array::from_fn(|_| draw.below(busy) as f64);
    grown[1] = (grown[1] / 5.0).floor();
    // What is bad is a part of all, and a bucket a part of its count.
    grown[4] = (grown[4] / 3.0).floor();
    grown[2] += grown[4];
    grown[3] += grown[5];
    grown[7] = grown[6] + (grown[7] / 4.0).floor();
    for (count, grown) in counts.iter_mut().zip(grown) {
        if count.is_some() || grown > 0.0 {
            count.get_or_insert_default()[0] += grown;
        }
    }
    let slow = (draw.below(busy) / 4) as f64;
    if let Some(native) = &mut counts[8] {
        native[1] += draw.below(busy) as f64;
        native[2] += slow;
    }
}

/// In the buckets that end with 1, 4 and 16.
fn native(counts: [f64; 3]) -> Histogram {
    let buckets = [0, 2, 4].into_iter().zip(counts).filter(|(_, count)| *count > 0.0);
    Histogram {
        count: counts.iter().sum(),
        positive: buckets.map(|(index, count)| Bucket { index, count }).collect(),
        ..Histogram::empty(Schema::exponential(0).unwrap())
    }
}

/// Two regions; in each, instances follow one another and overlap.
pub(crate) fn trace(seed: u64, histograms: Histograms) -> Vec<Instance> {
    let (mut draw, mut instances) = (Draw::new(seed), Vec::new());
    for region in ["north", "south"] {
        for place in 0..2 {
            let mut begin = draw.below(30) as usize * place;
            while begin < SCRAPES - 2 {
                let end = (begin + 30 + draw.below(120) as usize).min(SCRAPES);
                let labels = format!("region=\"{region}\",pod=\"{region}-{}\"}}", instances.len());
                instances.push(Instance::draw(&mut draw, labels, begin..end, histograms));
                begin = end + 1 + draw.below(10) as usize;
            }
        }
    }
    instances
}

/// A count that rules record, and the least and the most that the ledger may have counted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Limits {
    pub(crate) rules: f64,
    /// The same with growth extended to before zero.
    pub(crate) extended: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Whether any series grew before PromQL's eyes.
    pub(crate) is_seen: bool,
}

impl Limits {
    fn and(self, other: Self) -> Self {
        Self {
            rules: self.rules + other.rules,
            extended: self.extended + other.extended,
            low: self.low + other.low,
            high: self.high + other.high,
            is_seen: self.is_seen || other.is_seen,
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            rules: self.rules - other.rules,
            extended: self.extended - other.extended,
            // PromQL may find fewer than none, where a bucket was seen and its count was not; the ledger does not.
            low: (self.low - other.high).max(0.0),
            high: (self.high - other.low).max(0.0),
            ..self
        }
    }
}

/// The stretch that rules read ends now, the ledger's where its knowledge ends; in scrapes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) window: f64,
    pub(crate) now: f64,
    pub(crate) known: f64,
}

/// How one series grew: what `increase` makes of it, and what the ledger may have made of it. What it shows when its
/// target is `born` to us is old; `part` says which of its events count.
fn growth(points: &Points, born: usize, look: Look, part: fn([f64; 3]) -> f64) -> Limits {
    let mut found = Limits::default();
    let mut before: Option<(f64, [f64; 3])> = None;
    // First and last place in the rules' window, how many there are, all growth, that which counts, and the first value.
    let (mut first, mut last, mut seen, mut all, mut counted, mut start) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (place, point) in points.iter().enumerate().take(look.now as usize + 1) {
        let Some(Shown::Counts(counts)) = *point else { continue };
        let is_old = place == born;
        let place = place as f64;
        let is_reset = before.is_some_and(|(_, old)| old.iter().zip(counts).any(|(old, new)| new < *old));
        let base = before.map_or([0.0; 3], |(_, old)| if is_reset { [0.0; 3] } else { old });
        let sum = |counts: [f64; 3]| counts.iter().sum::<f64>();
        if place > look.now - look.window {
            if seen == 0.0 {
                (first, start) = (place, sum(counts));
            } else {
                all += sum(counts) - sum(base);
                counted += part(counts) - part(base);
            }
            (last, seen) = (place, seen + 1.0);
        }
        let grown = if is_old { 0.0 } else { part(counts) - part(base) };
        let since = before.map_or(f64::NEG_INFINITY, |(place, _)| place);
        if since >= look.known - look.window && place <= look.known {
            found.low += grown;
        }
        if place > look.known - look.window && since < look.known {
            found.high += grown;
        }
        before = Some((place, counts));
    }
    found.is_seen = seen >= 2.0;
    if found.is_seen {
        found.rules = counted * extrapolated(look, first, last, seen, start / all);
        found.extended = counted * extrapolated(look, first, last, seen, f64::INFINITY);
    }
    found
}

/// By how much `increase` multiplies growth: as if it had gone on like this to both ends of the window, if they are
/// near, else for half a distance of samples; but never to before the counter was zero.
fn extrapolated(look: Look, first: f64, last: f64, seen: f64, start_of_growth: f64) -> f64 {
    let sampled = last - first;
    let distance = sampled / (seen - 1.0);
    let guess = |gap: f64| if gap >= distance * 1.1 { distance / 2.0 } else { gap };
    let mut begin = guess(first - (look.now - look.window));
    if start_of_growth.is_finite() {
        begin = begin.min(sampled * start_of_growth);
    }
    (sampled + begin + guess(look.now - last)) / sampled
}

/// Bad and all events of an objective.
pub(crate) fn limits(trace: &[Instance], objective: &str, region: &str, look: Look) -> [Limits; 2] {
    let sum = |prefix: &str, part: fn([f64; 3]) -> f64| {
        let own = trace.iter().filter(|instance| instance.labels.contains(region));
        let growths = own.flat_map(|instance| {
            let series = instance.series.iter().filter(|(name, _)| name.starts_with(prefix));
            series.map(|(_, points)| growth(points, instance.scraped[0].0, look, part))
        });
        growths.fold(Limits::default(), Limits::and)
    };
    let value = |counts: [f64; 3]| counts[0];
    match objective {
        "paid" => [sum("r{code=\"500\"", value), sum("r{", value)],
        "both" => [sum("e{", value).and(sum("f{", value)), sum("a{", value).and(sum("b{", value))],
        "fast" => {
            let total = sum("d_count{", value);
            [total.without(sum("d_bucket{", value)), total]
        }
        _ => [sum("n{", |counts| counts[2]), sum("n{", |counts| counts.iter().sum())],
    }
}
