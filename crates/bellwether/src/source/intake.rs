//! Turns what the source answered for a stretch of time into batches of the log: whose scrape each sample was, what is
//! new in it, what came late, and what is not all there yet.
//!
//! A scrape is known by the `up` that the source wrote with it, at the same moment: a series belongs to the target
//! whose labels it carries. So a ledger on somebody else's store vouches, counts births and bridges gaps as it does for
//! targets of its own. Nothing here reads a clock or asks anybody: the same code runs in virtual time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bellwether_model::{Batch, Births, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};

/// Finds or makes the number of a series.
pub type Resolve<'a> = dyn FnMut(&Labels) -> Result<SeriesId, String> + 'a;

/// How long a sample stays visible to an instant query: who is not there within it was marked as gone.
const LOOKBACK: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// Parts of a scrape that arrive later than this after it arrive late.
pub const SETTLED_AFTER: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);
/// Nobody scrapes less often than this, for a query would not find the samples; who stores them further apart has
/// thinned them out.
const SCRAPED_APART_MAX: TimeDelta = TimeDelta(2 * TimeDelta::MINUTE.0);

/// One series of an answer, samples in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Its name and labels.
    pub labels: Labels,
    /// Its samples.
    pub samples: Vec<Sample>,
}

/// What the source answered for a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Answered {
    /// Not included.
    pub start: Timestamp,
    /// Included.
    pub end: Timestamp,
    /// The `up` series of all jobs concerned.
    pub ups: Vec<Read>,
    /// The series that are counted.
    pub counts: Vec<Read>,
    /// Reading begins somewhere before this: what is first seen until then may be old.
    pub baseline_until: Option<Timestamp>,
    /// The targets that an instant query at the end still finds, by their `up` series; `None` when it was not asked.
    pub alive: Option<BTreeSet<Labels>>,
}

/// What is to be done with an answer.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Append these, in this order.
    Append(Vec<Batch>),
    /// A target was silent for longer than the answer reaches back: read from this moment on, then decide.
    ReadFrom(Timestamp),
    /// Samples lie further apart than they were scraped.
    DownSampled(Coarse),
}

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

/// What is remembered of a series that is counted.
#[derive(Debug)]
struct Known {
    id: SeriesId,
    target: Option<usize>,
    first: Timestamp,
    last: Timestamp,
    /// Moments of samples that a later answer may hold again.
    recent: VecDeque<Timestamp>,
}

/// What is remembered of a target.
#[derive(Debug)]
struct Target {
    labels: Labels,
    up: SeriesId,
    interval: TimeDelta,
    last: Option<Timestamp>,
    /// Series that its latest scrape had.
    present: usize,
    is_gone: bool,
}

/// What has been read of the source.
#[derive(Debug)]
pub struct Intake {
    overlap: TimeDelta,
    interval_default: TimeDelta,
    known: HashMap<Labels, Known>,
    targets: Vec<Target>,
    by_labels: HashMap<Labels, usize>,
    /// Targets by job and instance.
    by_place: HashMap<(String, String), Vec<usize>>,
}

/// A scrape that is being put together: whether it worked, and what it brought.
#[derive(Debug)]
struct Scrape {
    ok: bool,
    samples: Vec<(SeriesId, Sample)>,
}

/// Everything new of an answer, where it belongs.
#[derive(Default)]
struct Sorted {
    /// By moment and target.
    scrapes: BTreeMap<(Timestamp, usize), Scrape>,
    /// Of no target, by moment.
    pushed: BTreeMap<Timestamp, Vec<(SeriesId, Sample)>>,
}

/// What decides to which scrape a sample belongs.
struct Frame<'a> {
    ups: &'a BTreeMap<usize, Vec<Sample>>,
    /// From when on a target's scrapes are not taken yet.
    held: &'a BTreeMap<usize, Timestamp>,
    end: Timestamp,
}

/// New samples of one series.
struct New<'a> {
    labels: &'a Labels,
    target: Option<usize>,
    samples: Vec<Sample>,
}

impl Intake {
    /// Nothing has been read; samples that come later than `overlap` are not looked for.
    pub fn new(overlap: TimeDelta, interval_default: TimeDelta) -> Self {
        Self {
            overlap,
            interval_default,
            known: HashMap::new(),
            targets: Vec::new(),
            by_labels: HashMap::new(),
            by_place: HashMap::new(),
        }
    }

    /// Remembers what was read of a target before a restart.
    pub fn recall_target(&mut self, up: &Labels, id: SeriesId, samples: &[Sample]) {
        let index = self.target_index(up, id);
        let target = &mut self.targets[index];
        target.is_gone = samples.last().is_some_and(Sample::is_stale);
        target.last = samples.iter().rev().find(|sample| !sample.is_stale()).map(|sample| sample.at);
        if let Some(apart) = apart(samples.iter().map(|sample| sample.at)) {
            target.interval = apart;
        }
    }

    /// Remembers what was read of a counted series before a restart. Targets first.
    pub fn recall_series(&mut self, labels: &Labels, id: SeriesId, samples: &[Sample]) {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return };
        let target = self.owner(labels);
        if let Some(target) = target.map(|index| &mut self.targets[index]) {
            target.present += usize::from(target.last.is_some_and(|at| at <= last.at));
        }
        let recent = samples.iter().map(|sample| sample.at).collect();
        self.known.insert(labels.clone(), Known { id, target, first: first.at, last: last.at, recent });
    }

    /// Jobs of all series that were counted so far.
    pub fn jobs(&self) -> BTreeSet<String> {
        self.known.keys().filter_map(|labels| labels.get("job").map(str::to_owned)).collect()
    }

    /// Time between two scrapes of the slowest target.
    pub fn interval_max(&self) -> TimeDelta {
        let live = self.targets.iter().filter(|target| !target.is_gone);
        live.map(|target| target.interval).max().unwrap_or(self.interval_default)
    }

    /// How many targets there are that are not gone, and how many series are counted.
    pub fn sizes(&self) -> (usize, usize) {
        (self.targets.iter().filter(|target| !target.is_gone).count(), self.known.len())
    }

    /// Forgets series that have not been heard of for long: pods come and go. One that returns is known by its number,
    /// and all that it then has is new.
    pub fn forget_before(&mut self, oldest: Timestamp) {
        self.known.retain(|_, known| known.last >= oldest);
    }

    /// Takes in an answer. Nothing is remembered of one that is not to be appended.
    pub fn take(&mut self, answered: &Answered, resolve: &mut Resolve<'_>) -> Result<Verdict, String> {
        let mut ups: BTreeMap<usize, Vec<Sample>> = BTreeMap::new();
        for read in &answered.ups {
            let id = resolve(&read.labels)?;
            let index = self.target_index(&read.labels, id);
            ups.insert(index, read.samples.clone());
        }
        if let Some(coarse) = self.coarse(&ups, answered) {
            return Ok(Verdict::DownSampled(coarse));
        }
        if let Some(from) = self.hole(&ups, answered) {
            return Ok(Verdict::ReadFrom(from));
        }
        self.learn_intervals(&ups);
        let new = self.new_samples(&answered.counts);
        let mut sorted = Sorted::default();
        self.take_ups(&ups, &mut sorted.scrapes);
        let held = self.held(&ups, &answered.counts, answered.end);
        for (index, from) in &held {
            let later = |key: &(Timestamp, usize)| key.1 == *index && key.0 >= *from;
            sorted.scrapes.retain(|key, _| !later(key));
        }
        let frame = Frame { ups: &ups, held: &held, end: answered.end };
        for series in new {
            self.place(series, &frame, resolve, &mut sorted)?;
        }
        for ((at, index), scrape) in &sorted.scrapes {
            let target = &mut self.targets[*index];
            if let Some((_, up)) = scrape.samples.iter().find(|(id, _)| *id == target.up) {
                (target.last, target.is_gone) = (target.last.max(Some(*at)), up.is_stale());
            }
        }
        self.count_present(&ups, &answered.counts, &held);
        let mut batches = self.batches(sorted, answered.baseline_until);
        if let Some(alive) = &answered.alive {
            batches.extend(self.farewells(alive, answered.end));
        }
        batches.sort_by_key(|batch| batch.at); // stable: those of one moment stay in the order of their targets
        Ok(Verdict::Append(batches))
    }

    fn target_index(&mut self, up: &Labels, id: SeriesId) -> usize {
        if let Some(index) = self.by_labels.get(up) {
            return *index;
        }
        let index = self.targets.len();
        self.by_labels.insert(up.clone(), index);
        self.by_place.entry(place_of(up)).or_default().push(index);
        self.targets.push(Target {
            labels: up.without_name(),
            up: id,
            interval: self.interval_default,
            last: None,
            present: 0,
            is_gone: false,
        });
        // What was taken for pushed may have this target in truth.
        let place = place_of(up);
        let orphans: Vec<Labels> = self
            .known
            .iter()
            .filter(|(labels, known)| known.target.is_none() && place_of(labels) == place)
            .map(|(labels, _)| labels.clone())
            .collect();
        for labels in orphans {
            let target = self.owner(&labels);
            if let Some(known) = self.known.get_mut(&labels) {
                known.target = target;
            }
        }
        index
    }

    /// The target whose labels a series carries; of several the one with most.
    fn owner(&self, labels: &Labels) -> Option<usize> {
        let candidates = self.by_place.get(&place_of(labels))?;
        let owns = |index: &&usize| {
            self.targets[**index].labels.iter().all(|(name, value)| labels.get(name) == Some(value))
        };
        candidates.iter().filter(owns).max_by_key(|index| self.targets[**index].labels.len()).copied()
    }

    /// Samples of a target that lie much further apart than they were scraped. Of the past two are enough to say so; in
    /// the present there may have been an outage between two.
    fn coarse(&self, ups: &BTreeMap<usize, Vec<Sample>>, answered: &Answered) -> Option<Coarse> {
        let is_past = answered.alive.is_none();
        ups.iter().find_map(|(index, samples)| {
            let target = &self.targets[*index];
            let times = samples.iter().map(|sample| sample.at);
            let nearest = || times.clone().skip(1).zip(times.clone()).map(|(b, a)| b - a).min();
            let apart = apart(times.clone()).or_else(|| nearest().filter(|_| is_past))?;
            let is_coarse = apart > SCRAPED_APART_MAX && apart.0 * 2 > target.interval.0 * 5;
            is_coarse.then(|| Coarse { target: target.labels.clone(), apart, interval: target.interval })
        })
    }

    /// The moment after which a target that is heard of again was last read, if the answer does not reach back to it.
    fn hole(&self, ups: &BTreeMap<usize, Vec<Sample>>, answered: &Answered) -> Option<Timestamp> {
        // Who reads the past in order has no holes in it.
        answered.alive.as_ref()?;
        let holes = ups.iter().filter_map(|(index, samples)| {
            let target = &self.targets[*index];
            let last = target.last.filter(|last| *last < answered.start && !target.is_gone)?;
            let next = samples.first()?.at;
            (next - last > target.interval + target.interval).then_some(last)
        });
        holes.min()
    }

    fn learn_intervals(&mut self, ups: &BTreeMap<usize, Vec<Sample>>) {
        for (index, samples) in ups {
            if let Some(apart) = apart(samples.iter().map(|sample| sample.at)) {
                self.targets[*index].interval = apart;
            }
        }
    }

    /// What is new of every series; remembers none of it yet.
    fn new_samples<'a>(&mut self, counts: &'a [Read]) -> Vec<New<'a>> {
        let new = counts.iter().filter_map(|read| {
            let known = self.known.get(&read.labels);
            let is_new = |sample: &&Sample| match known {
                None => true,
                Some(known) if sample.at > known.last => true,
                Some(known) => {
                    let is_in_reach = sample.at > known.first.max(known.last - self.overlap);
                    is_in_reach && known.recent.binary_search(&sample.at).is_err()
                }
            };
            let samples: Vec<Sample> = read.samples.iter().filter(is_new).copied().collect();
            let target = known.map_or_else(|| self.owner(&read.labels), |known| known.target);
            (!samples.is_empty()).then_some(New { labels: &read.labels, target, samples })
        });
        new.collect()
    }

    /// Scrapes that were not known.
    fn take_ups(
        &self,
        ups: &BTreeMap<usize, Vec<Sample>>,
        scrapes: &mut BTreeMap<(Timestamp, usize), Scrape>,
    ) {
        for (index, samples) in ups {
            let target = &self.targets[*index];
            let is_new = |sample: &&Sample| target.last.is_none_or(|last| sample.at > last);
            for sample in samples.iter().filter(is_new) {
                let scrape = Scrape { ok: sample.value == 1.0, samples: vec![(target.up, *sample)] };
                scrapes.insert((sample.at, *index), scrape);
            }
        }
    }

    /// From when on a target's scrapes are not taken yet: a store that is written to in parts may show a scrape before
    /// all of its series. It is whole when it has as many as the one before, or when it has had time.
    fn held(
        &self,
        ups: &BTreeMap<usize, Vec<Sample>>,
        counts: &[Read],
        end: Timestamp,
    ) -> BTreeMap<usize, Timestamp> {
        let mut reached: BTreeMap<usize, Vec<Timestamp>> = BTreeMap::new();
        for read in counts {
            let target = self.known.get(&read.labels).and_then(|known| known.target);
            let Some(target) = target.or_else(|| self.owner(&read.labels)) else { continue };
            reached.entry(target).or_default().extend(read.samples.last().map(|last| last.at));
        }
        let held = ups.iter().filter_map(|(index, samples)| {
            let target = &self.targets[*index];
            let patience = target.interval.max(SETTLED_AFTER);
            let is_fresh = |up: &&Sample| {
                up.value == 1.0 && end - up.at < patience && target.last.is_none_or(|last| last < up.at)
            };
            let reached = reached.get(index).map_or(&[][..], Vec::as_slice);
            let is_short = |up: &&Sample| {
                let present = reached.iter().filter(|last| **last >= up.at).count();
                target.present == 0 || present < target.present
            };
            let first = samples.iter().filter(is_fresh).find(is_short)?;
            Some((*index, first.at))
        });
        held.collect()
    }

    /// Puts new samples where they belong, and remembers them.
    fn place(
        &mut self,
        new: New<'_>,
        frame: &Frame<'_>,
        resolve: &mut Resolve<'_>,
        sorted: &mut Sorted,
    ) -> Result<(), String> {
        let id = match self.known.get(new.labels) {
            Some(known) => known.id,
            None => resolve(new.labels)?,
        };
        for sample in new.samples {
            match new.target {
                None => sorted.pushed.entry(sample.at).or_default().push((id, sample)),
                Some(index) => {
                    let Some(at) = self.scrape_of(index, sample.at, frame) else { continue };
                    if frame.held.get(&index).is_some_and(|from| at >= *from) {
                        continue;
                    }
                    let scrape = sorted.scrapes.entry((at, index));
                    let scrape = scrape.or_insert_with(|| Scrape { ok: true, samples: Vec::new() });
                    scrape.samples.push((id, sample));
                }
            }
            self.remember(new.labels, id, new.target, sample.at);
        }
        Ok(())
    }

    /// The scrape that brought a sample: the one at its moment, or the first good one after it where samples carry
    /// times of their own. `None` while that is not known yet.
    fn scrape_of(&self, index: usize, at: Timestamp, frame: &Frame<'_>) -> Option<Timestamp> {
        let patience = self.targets[index].interval + self.targets[index].interval;
        let ups = frame.ups.get(&index).map_or(&[][..], Vec::as_slice);
        let next = ups[ups.partition_point(|up| up.at < at)..].iter().find(|up| up.value == 1.0);
        match next {
            Some(up) if up.at - at <= patience => Some(up.at),
            Some(_) => Some(at),
            None => (frame.end - at > patience).then_some(at),
        }
    }

    fn remember(&mut self, labels: &Labels, id: SeriesId, target: Option<usize>, at: Timestamp) {
        let oldest = at - self.overlap - self.overlap;
        let known = self.known.entry(labels.clone()).or_insert_with(|| Known {
            id,
            target,
            first: at,
            last: at,
            recent: VecDeque::new(),
        });
        known.last = known.last.max(at);
        match known.recent.binary_search(&at) {
            Ok(_) => {}
            Err(place) => known.recent.insert(place, at),
        }
        while known.recent.front().is_some_and(|first| *first < oldest) {
            known.recent.pop_front();
        }
    }

    /// How many series the newest scrape had that was taken.
    fn count_present(
        &mut self,
        ups: &BTreeMap<usize, Vec<Sample>>,
        counts: &[Read],
        held: &BTreeMap<usize, Timestamp>,
    ) {
        let mut newest: BTreeMap<usize, Timestamp> = BTreeMap::new();
        for (index, samples) in ups {
            let from = held.get(index).copied().unwrap_or(Timestamp::MAX);
            let last = samples.iter().rev().find(|sample| sample.value == 1.0 && sample.at < from);
            newest.extend(last.map(|last| (*index, last.at)));
        }
        let mut present: BTreeMap<usize, usize> = newest.keys().map(|index| (*index, 0)).collect();
        for read in counts {
            let Some(index) = self.known.get(&read.labels).and_then(|known| known.target) else { continue };
            let Some(at) = newest.get(&index) else { continue };
            if read.samples.last().is_some_and(|last| last.at >= *at) {
                *present.entry(index).or_default() += 1;
            }
        }
        for (index, present) in present {
            self.targets[index].present = present;
        }
    }

    fn batches(&self, sorted: Sorted, baseline_until: Option<Timestamp>) -> Vec<Batch> {
        let births = |at: Timestamp| match baseline_until {
            Some(until) if at <= until => Births::Baseline,
            Some(_) | None => Births::Counted,
        };
        let scraped = sorted.scrapes.into_iter().map(|((at, index), mut scrape)| {
            let Target { up, interval, .. } = self.targets[index];
            scrape.samples.sort_by_key(|(id, sample)| (*id != up, *id, sample.at));
            let origin = Origin::Remote { target: up, ok: scrape.ok, interval, births: births(at) };
            Batch::floats(origin, at, scrape.samples)
        });
        let pushed = sorted.pushed.into_iter().map(|(at, mut samples)| {
            samples.sort_by_key(|(id, _)| *id);
            Batch::floats(Origin::RemotePushed { births: births(at) }, at, samples)
        });
        scraped.chain(pushed).collect()
    }

    /// Says that targets are gone which the source has marked as gone: they are no longer found, and have been seen
    /// too lately to be forgotten.
    fn farewells(&mut self, alive: &BTreeSet<Labels>, end: Timestamp) -> Vec<Batch> {
        let mut batches = Vec::new();
        for target in &mut self.targets {
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
fn place_of(labels: &Labels) -> (String, String) {
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

/// The name of the series by which targets are known.
pub const UP: &str = "up";
