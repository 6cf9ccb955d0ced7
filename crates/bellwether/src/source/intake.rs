//! Turns what the source answered for a stretch of time into batches of the log: whose scrape each sample was, what is
//! new in it, what came late, and what is not all there yet.
//!
//! A scrape is known by the `up` that the source wrote with it, at the same moment: a series belongs to the target
//! whose labels it carries. So a ledger on somebody else's store vouches, counts births and bridges gaps as it does for
//! targets of its own. Nothing here reads a clock or asks anybody: the same code runs in virtual time.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bellwether_model::{Batch, Births, Labels, Origin, Sample, SeriesId, TimeDelta, Timestamp};

pub use super::targets::{Coarse, UP};
use super::targets::{Target, Targets, Ups, place_of};

/// Finds or makes the number of a series.
pub type Resolve<'a> = dyn FnMut(&Labels) -> Result<SeriesId, String> + 'a;
/// Parts of a scrape that arrive later than this after it arrive late.
pub const SETTLED_AFTER: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);

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

/// What is remembered of a series that is counted.
#[derive(Debug)]
struct Known {
    id: SeriesId,
    target: Option<usize>,
    last: Timestamp,
    /// Moments of samples that a later answer may hold again.
    recent: VecDeque<Timestamp>,
}

/// What has been read of the source.
#[derive(Debug)]
pub struct Intake {
    overlap: TimeDelta,
    known: HashMap<Labels, Known>,
    targets: Targets,
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
    ups: &'a Ups,
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
        Self { overlap, known: HashMap::new(), targets: Targets::new(interval_default) }
    }

    /// Remembers what was read of a target before a restart.
    pub fn recall_target(&mut self, up: &Labels, id: SeriesId, samples: &[Sample]) {
        let index = self.target_index(up, id);
        self.targets[index].recall(samples);
    }

    /// Remembers what was read of a counted series before a restart. Targets first.
    pub fn recall_series(&mut self, labels: &Labels, id: SeriesId, samples: &[Sample]) {
        let Some(last) = samples.last() else { return };
        let target = self.targets.owner(labels);
        if let Some(target) = target.map(|index| &mut self.targets[index]) {
            target.present += usize::from(target.last.is_some_and(|at| at <= last.at));
        }
        let recent = samples.iter().map(|sample| sample.at).collect();
        self.known.insert(labels.clone(), Known { id, target, last: last.at, recent });
    }

    /// Jobs of all series that were counted so far.
    pub fn jobs(&self) -> BTreeSet<String> {
        self.known.keys().filter_map(|labels| labels.get("job").map(str::to_owned)).collect()
    }

    /// Time between two scrapes of the slowest target.
    pub fn interval_max(&self) -> TimeDelta {
        self.targets.interval_max()
    }

    /// How many targets there are that are not gone, and how many series are counted.
    pub fn sizes(&self) -> (usize, usize) {
        (self.targets.live().count(), self.known.len())
    }

    /// Forgets series that have not been heard of for long: pods come and go. One that returns is known by its number,
    /// and all that it then has is new.
    pub fn forget_before(&mut self, oldest: Timestamp) {
        self.known.retain(|_, known| known.last >= oldest);
    }

    /// Takes in an answer. Nothing is remembered of one that is not to be appended.
    pub fn take(&mut self, answered: &Answered, resolve: &mut Resolve<'_>) -> Result<Verdict, String> {
        let ups = self.ups(&answered.ups, resolve)?;
        let is_past = answered.alive.is_none();
        if let Some(coarse) = self.targets.coarse(&ups, is_past) {
            return Ok(Verdict::DownSampled(coarse));
        }
        // Who reads the past in order has no holes in it.
        if let Some(from) = self.targets.hole(&ups, answered.start).filter(|_| !is_past) {
            return Ok(Verdict::ReadFrom(from));
        }
        self.targets.learn_intervals(&ups);
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
        self.note_ups(&sorted);
        self.count_present(&ups, &answered.counts, &held);
        let mut batches = self.batches(sorted, answered.baseline_until);
        if let Some(alive) = &answered.alive {
            batches.extend(self.targets.farewells(alive, answered.end));
        }
        batches.sort_by_key(|batch| batch.at); // stable: those of one moment stay in the order of their targets
        Ok(Verdict::Append(batches))
    }

    fn ups(&mut self, read: &[Read], resolve: &mut Resolve<'_>) -> Result<Ups, String> {
        let mut ups = Ups::new();
        for Read { labels, samples } in read {
            let id = resolve(labels)?;
            ups.insert(self.target_index(labels, id), samples.clone());
        }
        Ok(ups)
    }

    fn target_index(&mut self, up: &Labels, id: SeriesId) -> usize {
        if let Some(index) = self.targets.find(up) {
            return index;
        }
        let index = self.targets.add(up, id);
        // What was taken for pushed may have this target in truth.
        let place = place_of(up);
        for (labels, known) in &mut self.known {
            if known.target.is_none() && place_of(labels) == place {
                known.target = self.targets.owner(labels);
            }
        }
        index
    }

    /// What is new of every series; remembers none of it yet.
    fn new_samples<'a>(&mut self, counts: &'a [Read]) -> Vec<New<'a>> {
        let new = counts.iter().filter_map(|read| {
            let known = self.known.get(&read.labels);
            let is_new = |sample: &&Sample| match known {
                None => true,
                Some(known) if sample.at > known.last => true,
                Some(known) => {
                    let is_in_reach = sample.at > known.last - self.overlap;
                    is_in_reach && known.recent.binary_search(&sample.at).is_err()
                }
            };
            let samples: Vec<Sample> = read.samples.iter().filter(is_new).copied().collect();
            let target = known.map_or_else(|| self.targets.owner(&read.labels), |known| known.target);
            (!samples.is_empty()).then_some(New { labels: &read.labels, target, samples })
        });
        new.collect()
    }

    /// Scrapes that were not known.
    fn take_ups(&self, ups: &Ups, scrapes: &mut BTreeMap<(Timestamp, usize), Scrape>) {
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
    fn held(&self, ups: &Ups, counts: &[Read], end: Timestamp) -> BTreeMap<usize, Timestamp> {
        let mut reached: BTreeMap<usize, Vec<Timestamp>> = BTreeMap::new();
        for read in counts {
            let target = self.known.get(&read.labels).and_then(|known| known.target);
            let Some(target) = target.or_else(|| self.targets.owner(&read.labels)) else { continue };
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

    /// Remembers of every target how its newest scrape went that was taken.
    fn note_ups(&mut self, sorted: &Sorted) {
        for ((at, index), scrape) in &sorted.scrapes {
            let target = &mut self.targets[*index];
            if let Some((_, up)) = scrape.samples.iter().find(|(id, _)| *id == target.up) {
                (target.last, target.is_gone) = (target.last.max(Some(*at)), up.is_stale());
            }
        }
    }

    /// How many series the newest scrape had that was taken.
    fn count_present(&mut self, ups: &Ups, counts: &[Read], held: &BTreeMap<usize, Timestamp>) {
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
}
