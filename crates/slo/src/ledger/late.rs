//! Samples that come late *between* two known ones of their series: the increment that was credited to the later one is
//! divided between both, and a restart of the counter that only the late sample shows is counted.
//!
//! That takes the recent samples of the series. They are kept only where samples may come late: what another store has,
//! what is pushed or filled in, and what a target exposes with times of its own. In whatever order samples arrive, as
//! long as they are not older than what is kept, the ledger counts what it counts of the same samples in order.

use bellwether_model::{Origin, Sample, TimeDelta, Timestamp};

use crate::goal::Counts;
use crate::ledger::arrival::Arrival;
use crate::ledger::credit::Amounts;
use crate::ledger::{Credit, Ledger};

/// So far back samples of a series are kept, and the one before: twice what a remote source reads again.
pub(crate) const WINDOW: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);
/// Most samples of a series that are kept: a kilobyte.
const SAMPLES_MAX: usize = 64;

/// The recent samples of a series. Invariant: `samples` is never empty, and its times and those of `starts` go up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recent {
    pub(crate) samples: Vec<Sample>,
    /// Since when the counter has been counting, as it said at a time; most say nothing.
    pub(crate) starts: Vec<(Timestamp, Timestamp)>,
    /// What the first sample counted for streams, if it was the first of its series; `None` when more were before it.
    pub(crate) born: Option<Vec<(u32, f64)>>,
    /// How many samples in a row came at the time of their scrape.
    pub(crate) on_time: u32,
    /// Samples that are older than what is kept.
    pub(crate) too_late: u64,
}

impl Recent {
    /// Adds a sample where it belongs, and lets go of what is too old.
    fn insert(&mut self, place: usize, sample: Sample, started: Option<Timestamp>) {
        self.samples.insert(place, sample);
        if let Some(started) = started {
            let place = self.starts.partition_point(|(at, _)| *at < sample.at);
            self.starts.insert(place, (sample.at, started));
        }
        let Some(newest) = self.samples.last().map(|newest| newest.at) else { return };
        let excess = self.samples.len().saturating_sub(SAMPLES_MAX);
        // One that is too old stays as what the next is compared with.
        let old = self.samples.partition_point(|known| known.at <= newest - WINDOW).saturating_sub(1);
        let gone = excess.max(old);
        if gone > 0 {
            self.samples.drain(..gone);
            self.born = None;
            let first = self.samples[0].at;
            let needless = self.starts.partition_point(|(at, _)| *at <= first).saturating_sub(1);
            self.starts.drain(..needless);
        }
    }

    /// Whether the counter began anew between two moments; `None` if it was not seen at both or in between.
    pub(crate) fn fell_within(&self, from: Timestamp, to: Timestamp) -> Option<bool> {
        let first = self.samples.partition_point(|known| known.at < from);
        let end = self.samples.partition_point(|known| known.at <= to);
        let mut pairs = self.samples.get(first..end).filter(|seen| seen.len() > 1)?.windows(2);
        Some(pairs.any(|pair| self.is_anew(pair[0], pair[1], self.start_said_at(pair[1].at))))
    }

    /// What a counter counted from one sample to the next.
    fn increment(&self, from: Sample, to: Sample, started: Option<Timestamp>) -> f64 {
        if self.is_anew(from, to, started) { to.value } else { to.value - from.value }
    }

    fn is_anew(&self, from: Sample, to: Sample, started: Option<Timestamp>) -> bool {
        let known = self.starts.partition_point(|(at, _)| *at <= from.at).checked_sub(1);
        let before = known.map(|index| self.starts[index].1);
        let is_said = started.is_some_and(|start| before.map_or(from.at < start, |before| before < start));
        is_said || to.value < from.value
    }

    fn start_said_at(&self, at: Timestamp) -> Option<Timestamp> {
        self.starts.binary_search_by_key(&at, |(at, _)| *at).ok().map(|index| self.starts[index].1)
    }

    fn heap_bytes(&self) -> usize {
        self.samples.capacity() * size_of::<Sample>()
            + self.starts.capacity() * size_of::<(Timestamp, Timestamp)>()
            + self.born.as_ref().map_or(0, |born| born.capacity() * size_of::<(u32, f64)>())
    }
}

impl Ledger {
    /// Remembers the newest sample of a series, before it is credited, if others may still come before it.
    pub(crate) fn remember_sample(
        &mut self,
        source: u32,
        sample: Sample,
        started: Option<Timestamp>,
        amounts: &Amounts,
        arrival: &Arrival<'_>,
    ) {
        let is_on_time = !arrival.may_come_late && sample.at == arrival.at;
        if is_on_time && !self.recent.contains_key(&source) {
            return;
        }
        let known = &self.sources[source as usize];
        if known.credits.is_empty() || self.is_mixed(source) {
            self.recent.remove(&source);
            return;
        }
        let recent = self.recent.entry(source).or_insert_with(|| Recent {
            samples: known.previous.into_iter().collect(),
            starts: known.previous.and_then(|p| Some((p.at, known.started?))).into_iter().collect(),
            born: known.previous.is_none().then(|| born(&known.credits, amounts)),
            ..Recent::default()
        });
        recent.on_time = if is_on_time { recent.on_time.saturating_add(1) } else { 0 };
        if recent.on_time as usize > SAMPLES_MAX && recent.too_late == 0 {
            self.recent.remove(&source); // it was filled in, and is scraped since
            return;
        }
        recent.insert(recent.samples.len(), sample, started);
    }

    /// Credits a sample that is not newer than all of its series.
    pub(crate) fn credit_late(
        &mut self,
        source: u32,
        late: Sample,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) {
        let Some(mut recent) = self.recent.remove(&source) else { return };
        match recent.samples.binary_search_by_key(&late.at, |known| known.at) {
            Ok(_) => {} // what came first stays
            Err(0) if recent.born.is_none() => recent.too_late += 1,
            Err(place) if place < recent.samples.len() => {
                self.divide(source, &mut recent, place, (late, started), arrival);
            }
            Err(_) => {}
        }
        self.recent.insert(source, recent);
    }

    /// Divides what was credited to the sample at a place between it and a late one before it.
    fn divide(
        &mut self,
        source: u32,
        recent: &mut Recent,
        place: usize,
        (late, started): (Sample, Option<Timestamp>),
        arrival: &Arrival<'_>,
    ) {
        let next = recent.samples[place];
        let next_started = recent.start_said_at(next.at);
        let credits = &self.sources[source as usize].credits;
        let same = |amount: f64| -> Vec<(u32, f64)> {
            credits.iter().map(|credit| (credit.stream, amount)).collect()
        };
        let (was, first) = match place.checked_sub(1) {
            Some(before) => {
                let before = recent.samples[before];
                let was = recent.increment(before, next, next_started);
                (same(was), same(recent.increment(before, late, started)))
            }
            None => {
                let amounts = self.born_amounts(source, late.value, started, arrival);
                (recent.born.take().unwrap_or_default(), born(credits, &amounts))
            }
        };
        if place == 0 {
            recent.born = Some(first.clone());
        }
        recent.insert(place, late, started);
        let rest = recent.increment(late, next, next_started);
        for Credit { stream, weight, .. } in &self.sources[source as usize].credits {
            let of = |amounts: &[(u32, f64)]| -> f64 {
                amounts.iter().find(|(of, _)| of == stream).map_or(0.0, |(_, amount)| *amount)
            };
            let changes = [(late.at, of(&first)), (next.at, rest - of(&was))];
            let Some(stream) = self.streams.get_mut(*stream as usize).and_then(Option::as_mut) else {
                continue;
            };
            for (at, amount) in changes {
                let counts = Counts { bad: amount * weight.bad, total: amount * weight.total };
                if counts != Counts::default() {
                    stream.credit(self.grid.slot(at), counts);
                }
            }
        }
    }

    /// How many samples of an indicator were older than what is kept of their series.
    pub(crate) fn too_late(&self, sli: usize) -> u64 {
        let is_its =
            |source: &u32| self.sources[*source as usize].credits.iter().any(|c| c.sli as usize == sli);
        self.recent.iter().filter(|(source, _)| is_its(source)).map(|(_, recent)| recent.too_late).sum()
    }

    /// Bytes held on the heap by the recent samples of series that may come late.
    pub fn recent_heap_bytes(&self) -> usize {
        self.recent.values().map(|recent| recent.heap_bytes() + size_of::<(u32, Recent)>()).sum()
    }
}

/// What the first sample of a series counts for its streams; those for which it is nothing are left out.
fn born(credits: &[Credit], amounts: &Amounts) -> Vec<(u32, f64)> {
    let of = |index: usize| match amounts {
        Amounts::Same(amount) => *amount,
        Amounts::Each(amounts) => amounts.get(index).copied().unwrap_or_default(),
        Amounts::Events(_) => 0.0, // of native histograms, which have no recent samples
    };
    let all = credits.iter().enumerate().map(|(index, credit)| (credit.stream, of(index)));
    all.filter(|(_, amount)| *amount != 0.0).collect()
}

/// Whether samples of such a batch may come late although they do not say when they were taken.
pub(crate) fn may_come_late(origin: Origin) -> bool {
    match origin {
        Origin::Remote { .. } | Origin::RemotePushed { .. } | Origin::Pushed | Origin::Backfill => true,
        Origin::Scrape { .. } | Origin::Rules => false,
    }
}
