//! Random histories of a small fleet: what it did, what it exposed, and what a scraper made of that.
//!
//! A trace is a log as the store would hold it: births of series and batches. Beside it stands what really happened,
//! which no scraper sees all of.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{
    Batch, Bucket, Histogram, HistogramSample, Labels, Origin, STALE_NAN, Sample, Schema, SeriesId,
    TimeDelta, Timestamp,
};

/// The start of all traces: the edge of an hour.
pub(crate) const START: Timestamp = Timestamp(1_700_002_800_000);
/// Moments between two scrapes at which something happens.
const MOMENTS: i64 = 4;

/// A small generator (splitmix64): a seed replays any trace.
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x0bad_cafe)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// How a service exposes its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    BadTotal,
    GoodTotal,
    GoodBad,
    /// Buckets up to 1, 4 and everything; asked for 4.
    Latency,
    /// The same, asked for 2.5: halfway between two bounds.
    LatencyBetween,
    /// Native histograms, asked for 4.
    Native,
    /// Native and classic ones of one name.
    Both,
    /// Native or classic ones, changing every now and then.
    Migrating,
}

pub(crate) const KINDS: [Kind; 8] = [
    Kind::BadTotal,
    Kind::GoodTotal,
    Kind::GoodBad,
    Kind::Latency,
    Kind::LatencyBetween,
    Kind::Native,
    Kind::Both,
    Kind::Migrating,
];

/// Events of one shop so far: up to 1, up to 4, slower. Slow ones are bad.
pub(crate) type Events = [u64; 3];

/// What really happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Happened {
    pub(crate) at: Timestamp,
    pub(crate) shop: u64,
    pub(crate) events: Events,
}

/// An entry of the log.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    Born(SeriesId, Labels),
    Batch(Batch),
}

pub(crate) struct Trace {
    pub(crate) kind: Kind,
    pub(crate) interval: TimeDelta,
    pub(crate) log: Vec<Entry>,
    pub(crate) truth: Vec<Happened>,
    ids: BTreeMap<Labels, SeriesId>,
}

/// One target and the process behind it.
struct Target {
    name: String,
    offset: TimeDelta,
    /// Events by shop, since the process began.
    shops: BTreeMap<u64, Events>,
    /// What it would have exposed at moments of the past, for exporters that serve what they know from a cache.
    past: Vec<(Timestamp, BTreeMap<u64, Events>)>,
    /// Samples carry times of their own, so far behind.
    lag: Option<TimeDelta>,
    cached_at: Timestamp,
    is_quiet: bool,
    was_scraped: bool,
    is_native: bool,
    hidden: BTreeMap<u64, u64>,
}

pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) interval: TimeDelta,
    pub(crate) steps: i64,
    pub(crate) lag_max: TimeDelta,
}

impl Trace {
    pub(crate) fn draw(draw: &mut Draw, shape: &Shape) -> Self {
        let mut trace = Self {
            kind: shape.kind,
            interval: shape.interval,
            log: Vec::new(),
            truth: Vec::new(),
            ids: BTreeMap::new(),
        };
        let mut targets: Vec<Target> = (0..1 + draw.below(3)).map(|n| Target::draw(draw, n, shape)).collect();
        targets.sort_by_key(|target| target.offset);
        for step in 0..shape.steps {
            for target in &mut targets {
                let at = START + TimeDelta(step * shape.interval.0) + target.offset;
                trace.live(draw, target, at);
                trace.scrape(draw, target, at);
            }
        }
        trace
    }

    /// What a process does in the time before a scrape.
    fn live(&mut self, draw: &mut Draw, target: &mut Target, until: Timestamp) {
        if draw.one_in(25) {
            target.is_quiet = !target.is_quiet;
        }
        for moment in (0..MOMENTS).rev() {
            let at = until - TimeDelta(self.interval.0 / MOMENTS * moment);
            if draw.one_in(160) {
                target.shops.clear(); // a restart
            }
            if !target.is_quiet && !draw.one_in(6) {
                let shop = draw.below(3);
                let burst = if draw.one_in(60) { 200 } else { 1 };
                let events = [draw.below(12) * burst, draw.below(5) * burst, draw.below(3) * burst];
                let counts = target.shops.entry(shop).or_default();
                counts.iter_mut().zip(events).for_each(|(count, more)| *count += more);
                self.truth.push(Happened { at, shop, events });
            }
            target.past.push((at, target.shops.clone()));
        }
    }

    fn scrape(&mut self, draw: &mut Draw, target: &mut Target, at: Timestamp) {
        let up = self.id(&[("__name__", "up"), ("instance", &target.name)]);
        let origin = |ok| Origin::Scrape { target: up, ok, interval: self.interval };
        match draw.below(200) {
            0..8 => return self.log.push(Entry::Batch(Batch::floats(origin(false), at, Vec::new()))),
            8..11 => return, // nobody came by
            11 => {
                let gone = vec![(up, Sample::new(at, STALE_NAN))];
                target.shops.clear();
                return self.log.push(Entry::Batch(Batch::floats(origin(false), at, gone)));
            }
            _ => {}
        }
        for shop in 0..3 {
            // What is first seen later would look like born.
            if target.was_scraped && draw.one_in(50) {
                target.hidden.insert(shop, 1 + draw.below(6));
            }
        }
        target.was_scraped = true;
        let (exposed_at, exposed) = target.exposed(draw, at);
        if self.kind == Kind::Migrating && draw.one_in(20) {
            target.is_native = !target.is_native;
        }
        let (mut samples, mut histograms) = (Vec::new(), Vec::new());
        for (shop, events) in exposed {
            if target.hides(shop) {
                continue;
            }
            let shop = shop.to_string();
            if matches!(self.kind, Kind::Native | Kind::Both | Kind::Migrating) && target.is_native {
                let labels =
                    [("__name__", "took"), ("instance", target.name.as_str()), ("shop", shop.as_str())];
                let histogram = HistogramSample::new(exposed_at, Arc::new(native(events)));
                histograms.push((self.id(&labels), histogram));
            }
            if self.kind == Kind::Migrating && target.is_native {
                continue;
            }
            for (name, le, value) in self.series_of(events) {
                let mut labels =
                    vec![("__name__", name), ("instance", target.name.as_str()), ("shop", shop.as_str())];
                labels.extend((!le.is_empty()).then_some(("le", le)));
                samples.push((self.id(&labels), Sample::new(exposed_at, value as f64)));
            }
        }
        let origin = Origin::Scrape { target: up, ok: true, interval: self.interval };
        self.log.push(Entry::Batch(Batch { histograms, ..Batch::floats(origin, at, samples) }));
    }

    /// Name, bound and value of every series of a shop.
    fn series_of(&self, [fast, slower, slow]: Events) -> Vec<(&'static str, &'static str, u64)> {
        let (good, all) = (fast + slower, fast + slower + slow);
        match self.kind {
            Kind::BadTotal => vec![("total", "", all), ("bad", "", slow)],
            Kind::GoodTotal => vec![("total", "", all), ("good", "", good)],
            Kind::GoodBad => vec![("good", "", good), ("bad", "", slow)],
            Kind::Native => Vec::new(),
            Kind::Latency | Kind::LatencyBetween | Kind::Both | Kind::Migrating => vec![
                ("took_bucket", "1", fast),
                ("took_bucket", "4", good),
                ("took_bucket", "+Inf", all),
                ("took_count", "", all),
            ],
        }
    }

    fn id(&mut self, labels: &[(&str, &str)]) -> SeriesId {
        let labels = Labels::from_pairs(labels.iter().copied());
        let next = SeriesId(self.ids.len() as u32);
        let id = *self.ids.entry(labels.clone()).or_insert(next);
        if id == next {
            self.log.push(Entry::Born(id, labels));
        }
        id
    }
}

/// Events as a native histogram: in the buckets that end with 1, 4 and 16.
fn native(events: Events) -> Histogram {
    let buckets = [0, 2, 4].into_iter().zip(events).filter(|(_, count)| *count > 0);
    Histogram {
        count: events.iter().sum::<u64>() as f64,
        positive: buckets.map(|(index, count)| Bucket { index, count: count as f64 }).collect(),
        ..Histogram::empty(Schema::exponential(0).unwrap())
    }
}

impl Target {
    fn draw(draw: &mut Draw, number: u64, shape: &Shape) -> Self {
        let mut shops = BTreeMap::new();
        if draw.one_in(2) {
            shops.insert(draw.below(3), [draw.below(100_000), draw.below(1000), draw.below(1000)]);
        }
        Self {
            name: format!("t{number}"),
            offset: TimeDelta(draw.below(shape.interval.0 as u64) as i64),
            // What had been counted before anybody came by is there from the start.
            past: vec![(Timestamp::MIN, shops.clone())],
            shops,
            was_scraped: false,
            is_native: shape.kind != Kind::Migrating || draw.one_in(2),
            lag: draw.one_in(4).then(|| TimeDelta(draw.below(shape.lag_max.0 as u64) as i64)),
            cached_at: Timestamp::MIN,
            is_quiet: false,
            hidden: BTreeMap::new(),
        }
    }

    /// What is exposed at a scrape, and the time it carries.
    fn exposed(&mut self, draw: &mut Draw, at: Timestamp) -> (Timestamp, BTreeMap<u64, Events>) {
        let Some(lag) = self.lag else { return (at, self.shops.clone()) };
        // A cache is refreshed every now and then, so the lag is not always the same; time never goes back.
        let wanted = at - TimeDelta(lag.0 - draw.below(lag.0 as u64 / 4 + 1) as i64);
        self.cached_at = self.cached_at.max(wanted);
        let known = self.past.iter().rev().find(|(at, _)| *at <= self.cached_at);
        (self.cached_at, known.map(|(_, shops)| shops.clone()).unwrap_or_default())
    }

    /// Whether a shop's series are left out of this scrape, although they exist.
    fn hides(&mut self, shop: u64) -> bool {
        let Some(left) = self.hidden.get_mut(&shop).filter(|left| **left > 0) else { return false };
        *left -= 1;
        true
    }
}
