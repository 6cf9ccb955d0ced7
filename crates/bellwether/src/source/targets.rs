//! Targets as the source shows them: known by their `up`, with how often each is scraped, what is to be believed of it,
//! and when it is gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Index, IndexMut};

use bellwether_model::{Batch, Births, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};

/// The name of the series by which targets are known.
pub const UP: &str = "up";
/// How long a sample stays visible to an instant query: who is not there within it was marked as gone.
const LOOKBACK: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// Nobody scrapes less often than this, for a query would not find the samples; who stores them further apart has
/// thinned them out.
const SCRAPED_APART_MAX: TimeDelta = TimeDelta(2 * TimeDelta::MINUTE.0);

/// Samples that were thinned out.
#[derive(Clone, Debug, PartialEq)]
pub struct Coarse {
    /// Whose.
    pub target: Labels,
    /// How far apart they lie.
    pub apart: TimeDelta,
    /// How far apart they were scraped.
    pub interval: TimeDelta,
}

/// Samples of `up`, by the number of their target.
pub(super) type Ups = BTreeMap<usize, Vec<Sample>>;

/// What is remembered of a target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) labels: Labels,
    pub(super) up: SeriesId,
    pub(super) interval: TimeDelta,
    pub(super) last: Option<Timestamp>,
    /// Series that its latest scrape had.
    pub(super) present: usize,
    pub(super) is_gone: bool,
}

/// All targets that were ever heard of, by number.
#[derive(Debug)]
pub(super) struct Targets {
    interval_default: TimeDelta,
    list: Vec<Target>,
    by_labels: HashMap<Labels, usize>,
    by_place: HashMap<Place, Vec<usize>>,
}

/// Job and instance.
type Place = (String, String);

impl Index<usize> for Targets {
    type Output = Target;

    fn index(&self, index: usize) -> &Target {
        &self.list[index]
    }
}

impl IndexMut<usize> for Targets {
    fn index_mut(&mut self, index: usize) -> &mut Target {
        &mut self.list[index]
    }
}

impl Target {
    /// Remembers what was read before a restart.
    pub(super) fn recall(&mut self, samples: &[Sample]) {
        self.is_gone = samples.last().is_some_and(Sample::is_stale);
        self.last = samples.iter().rev().find(|sample| !sample.is_stale()).map(|sample| sample.at);
        self.learn_interval(samples);
    }

    fn learn_interval(&mut self, samples: &[Sample]) {
        if let Some(apart) = apart(samples.iter().map(|sample| sample.at)) {
            self.interval = apart;
        }
    }
}

impl Targets {
    /// None yet; until it is seen how often one is scraped, it is `interval_default`.
    pub(super) fn new(interval_default: TimeDelta) -> Self {
        let (by_labels, by_place) = (HashMap::new(), HashMap::new());
        Self { interval_default, list: Vec::new(), by_labels, by_place }
    }

    /// The number of the target with this `up`, if it is known.
    pub(super) fn find(&self, up: &Labels) -> Option<usize> {
        self.by_labels.get(up).copied()
    }

    /// Numbers a target that was not known.
    pub(super) fn add(&mut self, up: &Labels, id: SeriesId) -> usize {
        let index = self.list.len();
        self.by_labels.insert(up.clone(), index);
        self.by_place.entry(place_of(up)).or_default().push(index);
        self.list.push(Target {
            labels: up.without_name(),
            up: id,
            interval: self.interval_default,
            last: None,
            present: 0,
            is_gone: false,
        });
        index
    }

    /// The target whose labels a series carries; of several the one with most.
    pub(super) fn owner(&self, labels: &Labels) -> Option<usize> {
        let candidates = self.by_place.get(&place_of(labels))?;
        let owns =
            |index: &&usize| self[**index].labels.iter().all(|(name, value)| labels.get(name) == Some(value));
        candidates.iter().filter(owns).max_by_key(|index| self[**index].labels.len()).copied()
    }

    /// Those that are not gone.
    pub(super) fn live(&self) -> impl Iterator<Item = &Target> {
        self.list.iter().filter(|target| !target.is_gone)
    }

    /// Time between two scrapes of the slowest.
    pub(super) fn interval_max(&self) -> TimeDelta {
        self.live().map(|target| target.interval).max().unwrap_or(self.interval_default)
    }

    pub(super) fn learn_intervals(&mut self, ups: &Ups) {
        for (index, samples) in ups {
            self[*index].learn_interval(samples);
        }
    }

    /// Samples of a target that lie much further apart than they were scraped. Of the past two are enough to say so; in
    /// the present there may have been an outage between two.
    pub(super) fn coarse(&self, ups: &Ups, is_past: bool) -> Option<Coarse> {
        ups.iter().find_map(|(index, samples)| {
            let target = &self[*index];
            let times = samples.iter().map(|sample| sample.at);
            let nearest = || times.clone().skip(1).zip(times.clone()).map(|(b, a)| b - a).min();
            let apart = apart(times.clone()).or_else(|| nearest().filter(|_| is_past))?;
            let is_coarse = apart > SCRAPED_APART_MAX && apart.0 * 2 > target.interval.0 * 5;
            is_coarse.then(|| Coarse { target: target.labels.clone(), apart, interval: target.interval })
        })
    }

    /// The moment after which a target that is heard of again was last read, if an answer from `start` on does not reach
    /// back to it.
    pub(super) fn hole(&self, ups: &Ups, start: Timestamp) -> Option<Timestamp> {
        let holes = ups.iter().filter_map(|(index, samples)| {
            let target = &self[*index];
            let last = target.last.filter(|last| *last < start && !target.is_gone)?;
            let next = samples.first()?.at;
            (next - last > target.interval + target.interval).then_some(last)
        });
        holes.min()
    }

    /// Says that targets are gone which the source has marked as gone: they are no longer found, and have been seen
    /// too lately to be forgotten.
    pub(super) fn farewells(&mut self, alive: &BTreeSet<Labels>, end: Timestamp) -> Vec<Batch> {
        let mut batches = Vec::new();
        for target in &mut self.list {
            let Some(last) = target.last.filter(|_| !target.is_gone) else { continue };
            let silent = end - last;
            let is_late = silent.0 * 2 > target.interval.0 * 3 && silent < LOOKBACK;
            if !is_late || alive.contains(&target.labels) {
                continue;
            }
            target.is_gone = true;
            let at = last + target.interval;
            let origin = Origin::Remote {
                target: target.up,
                ok: false,
                interval: target.interval,
                births: Births::Counted,
            };
            batches.push(Batch::floats(origin, at, vec![(target.up, Sample::new(at, STALE_NAN))]));
        }
        batches
    }
}

/// Job and instance of a series.
pub(super) fn place_of(labels: &Labels) -> Place {
    (labels.value_or_empty("job").to_owned(), labels.value_or_empty("instance").to_owned())
}

/// How far apart moments lie, mostly; `None` for too few of them.
fn apart(times: impl Iterator<Item = Timestamp> + Clone) -> Option<TimeDelta> {
    let mut gaps: Vec<TimeDelta> = times.clone().skip(1).zip(times).map(|(b, a)| b - a).collect();
    if gaps.len() < 3 {
        return None;
    }
    let middle = gaps.len() / 2;
    let (_, median, _) = gaps.select_nth_unstable(middle);
    // A scrape starts some milliseconds early or late.
    let whole = TimeDelta((median.0 + 500) / 1000 * 1000);
    Some(if (whole.0 - median.0).abs() <= 50 { whole } else { *median }.max(TimeDelta(1)))
}
