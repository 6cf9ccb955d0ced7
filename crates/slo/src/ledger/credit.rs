//! Credits counters exactly, as a pure fold over the batches of the sample log.
//!
//! An increment is the difference to the value before, or the whole value after a reset. What a series had counted
//! before it was first seen counts only if it was born while its target was already being watched: a fleet of
//! short-lived pods would otherwise lose every first error. Where a source says since when it has been counting, that
//! decides. Nothing is ever extrapolated.

use std::collections::BTreeSet;

use bellwether_model::{Batch, HistogramSample, Sample, SeriesId, Timestamp};

use crate::goal::Counts;
use crate::ledger::arrival::Arrival;
use crate::ledger::stream::Unlocated;
use crate::ledger::{Credit, Ledger, NONE, Source, StreamId};

/// Counter values beyond this are not counts.
const VALUE_MAX: f64 = 1e18;

/// What a batch says of one series.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    Number(Sample),
    Histogram(&'a HistogramSample),
}

/// What a series is given to credit.
pub(crate) struct Given {
    pub(crate) at: Timestamp,
    /// The counter began anew.
    pub(crate) fell: bool,
    /// The events lie somewhere since then.
    pub(crate) since: Option<Timestamp>,
    pub(crate) amounts: Amounts,
}

/// How much it is.
pub(crate) enum Amounts {
    /// An increment, the same for every credit, times its weight.
    Same(f64),
    /// Increments of a series' credits in their order, times their weights.
    Each(Vec<f64>),
    /// Events of a series' credits in their order.
    Events(Vec<Counts>),
}

impl Ledger {
    /// Whether a counter began anew since it was last seen; `None` if it never was, or if this is no count.
    pub(crate) fn is_anew(&self, source: u32, seen: Seen<'_>, started: Option<Timestamp>) -> Option<bool> {
        match seen {
            Seen::Number(sample) if is_count(sample.value) => {
                let known = &self.sources[source as usize];
                let previous = known.previous.filter(|previous| previous.at <= sample.at)?;
                Some(sample.value < previous.value || known.has_started_since(previous.at, started))
            }
            Seen::Number(_) => None,
            Seen::Histogram(sample) => self.is_histogram_anew(source, sample, started),
        }
    }

    /// Credits everything a batch says. Histograms come first, since a classic one of the same name adds nothing to
    /// a native one.
    pub(crate) fn credit_all(&mut self, batch: &Batch, arrival: &Arrival<'_>) {
        for (id, seen, started) in entries(batch) {
            if let Some(source) = self.source_of(id) {
                self.credit(source, seen, started, arrival);
            }
        }
    }

    pub(crate) fn credit(
        &mut self,
        source: u32,
        seen: Seen<'_>,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) {
        match seen {
            Seen::Number(sample) => {
                let sample = Sample::new(sample.at.min(arrival.at), sample.value);
                self.credit_number(source, sample, started, arrival);
            }
            Seen::Histogram(sample) => self.credit_native(source, sample, started, arrival),
        }
    }

    fn credit_number(
        &mut self,
        source: u32,
        sample: Sample,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) {
        let previous = self.sources[source as usize].previous;
        if !is_count(sample.value) {
            return;
        }
        if previous.is_some_and(|p| sample.at <= p.at) {
            self.credit_late(source, sample, started, arrival);
            return;
        }
        let fell = self.is_anew(source, Seen::Number(sample), started).unwrap_or(false);
        let amounts = match previous {
            _ if !self.mixed.is_empty() => self.mixed_amounts(source, sample, fell, started, arrival),
            Some(_) if fell => Amounts::Same(sample.value),
            Some(previous) => Amounts::Same(sample.value - previous.value),
            None => self.born_amounts(source, sample.value, started, arrival),
        };
        let since = started.filter(|_| previous.is_none());
        self.remember_sample(source, sample, started, &amounts, arrival);
        let known = &mut self.sources[source as usize];
        known.previous = Some(sample);
        known.started = started.or(known.started);
        self.give(source, &Given { at: sample.at, fell, since, amounts }, arrival);
    }

    /// What the first value of a series counts for each of its credits.
    pub(crate) fn born_amounts(
        &self,
        source: u32,
        value: f64,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) -> Amounts {
        let source = &self.sources[source as usize];
        let of = |credit: &Credit| match self.is_from_zero(source, credit.sli, started, arrival) {
            true => value,
            false => 0.0,
        };
        match started {
            None if !arrival.was_watched || source.is_known => Amounts::Same(0.0),
            None => Amounts::Same(value),
            Some(_) => Amounts::Each(source.credits.iter().map(of).collect()),
        }
    }

    /// Whether all that a series counted before it was first seen belongs to an indicator.
    ///
    /// Its start decides, where it is known: what began while the indicator was watched does. A start that it shares with
    /// series which were there before is that of their process, and says nothing of when this one began.
    pub(crate) fn is_from_zero(
        &self,
        source: &Source,
        sli: u32,
        started: Option<Timestamp>,
        arrival: &Arrival<'_>,
    ) -> bool {
        let was_born = arrival.was_watched && !source.is_known;
        let Some(started) = started else { return was_born };
        let everything = self.slis[sli as usize].as_ref().map_or(NONE, |sli| sli.everything);
        let watched_from = self.stream(StreamId(everything)).and_then(|stream| stream.start_slot);
        // A clock that goes ahead of ours makes nothing younger than the scrape that tells of it.
        let is_within = watched_from.is_some_and(|slot| started.min(arrival.at) > self.grid.end(slot - 1));
        is_within || was_born && arrival.known_starts.contains(&started)
    }

    /// The starts that a batch gives of series which were seen before.
    pub(crate) fn known_starts(&self, batch: &Batch) -> BTreeSet<Timestamp> {
        if batch.start_times.is_empty() {
            return BTreeSet::new();
        }
        let known = entries(batch).filter(|(id, ..)| self.source_of(*id).is_some_and(|s| self.was_seen(s)));
        known.filter_map(|(_, _, started)| started).collect()
    }

    fn was_seen(&self, source: u32) -> bool {
        let native = self.natives.get(&source).is_some_and(|native| native.previous.is_some());
        native || self.sources[source as usize].previous.is_some()
    }

    /// Books what a series is given in its streams, and makes the target vouch for them.
    pub(crate) fn give(&mut self, source: u32, given: &Given, arrival: &Arrival<'_>) {
        let source = source as usize;
        let slot = self.grid.slot(given.at);
        for index in 0..self.sources[source].credits.len() {
            let Credit { stream, target, weight, .. } = self.sources[source].credits[index];
            if target != arrival.target {
                self.move_credit(stream, target, arrival, given.fell);
                self.sources[source].credits[index].target = arrival.target;
            }
            let times = |amount: f64| Counts { bad: amount * weight.bad, total: amount * weight.total };
            let counts = match &given.amounts {
                Amounts::Same(amount) => times(*amount),
                Amounts::Each(amounts) => times(amounts.get(index).copied().unwrap_or_default()),
                Amounts::Events(events) => events.get(index).copied().unwrap_or_default(),
            };
            let Some(stream) = self.streams[stream as usize].as_mut() else { continue };
            if counts == Counts::default() {
                continue;
            }
            stream.credit(slot, counts);
            // What began longer ago than a scrape happened somewhere since.
            if let Some(since) = given.since.filter(|since| (given.at - *since).0 * 2 > stream.interval.0 * 3)
            {
                stream.remember_gap(Unlocated { slots: (self.grid.slot(since), slot), counts });
            }
        }
    }
}

impl Seen<'_> {
    pub(crate) fn at(self) -> Timestamp {
        match self {
            Self::Number(sample) => sample.at,
            Self::Histogram(sample) => sample.at,
        }
    }
}

impl Seen<'_> {
    /// Whether it says that its series is gone.
    pub(crate) fn is_stale(self) -> bool {
        match self {
            Self::Number(sample) => sample.is_stale(),
            Self::Histogram(sample) => sample.is_stale(),
        }
    }
}

impl Source {
    /// Whether its source says that it began anew after a moment at which it was seen.
    pub(crate) fn has_started_since(&self, seen: Timestamp, started: Option<Timestamp>) -> bool {
        started.is_some_and(|started| self.started.map_or(seen < started, |before| before < started))
    }
}

/// Everything a batch says, histograms first, each with its start.
pub(crate) fn entries(batch: &Batch) -> impl Iterator<Item = (SeriesId, Seen<'_>, Option<Timestamp>)> {
    let start = |place: usize| {
        let starts = &batch.start_times;
        let found = starts.binary_search_by_key(&(place as u32), |(place, _)| *place);
        found.ok().map(|index| starts[index].1)
    };
    let numbers = batch.samples.len();
    let histograms = batch.histograms.iter().enumerate();
    let histograms =
        histograms.map(move |(place, (id, sample))| (*id, Seen::Histogram(sample), start(numbers + place)));
    let samples = batch.samples.iter().enumerate();
    histograms.chain(samples.map(move |(place, (id, sample))| (*id, Seen::Number(*sample), start(place))))
}

pub(crate) fn is_count(value: f64) -> bool {
    (0.0..VALUE_MAX).contains(&value)
}
