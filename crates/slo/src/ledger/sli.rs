//! Which series an indicator counts, and how much each increment of a series weighs.
//!
//! Every kind of indicator becomes the same thing: a weight on *bad* and a weight on *all* events. Good of all is
//! `−1 / 0` for a good event and `+1 / +1` for any; a latency bucket takes away what is fast enough.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, TimeDelta};

use crate::indicator::{Budgeting, Events, Indicator, Latency, Ratio, probe_ratio};
use crate::ledger::StreamId;
use crate::ledger::slices::slice_length;
use crate::selector::Selector;

/// What an increment of one is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weight {
    pub(crate) bad: f64,
    pub(crate) total: f64,
}

/// A finite bound of a bucket, ordered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound(pub(crate) f64);
impl Eq for Bound {}
impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Bound {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// The series of one histogram. `le` values compare as numbers; two spellings of one bound are both counted, since
/// they are one bucket before and after a change of notation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Histogram {
    /// Series of finite bounds.
    pub(crate) buckets: BTreeMap<Bound, BTreeSet<u32>>,
    /// Series of the bound `+Inf`.
    pub(crate) infinite: BTreeSet<u32>,
    /// The `_count` series.
    pub(crate) counts: BTreeSet<u32>,
    /// Series of native histograms of the same name and labels.
    pub(crate) natives: BTreeSet<u32>,
}

impl Histogram {
    /// What each of its series is worth.
    pub(crate) fn weights(&self, threshold: f64) -> Vec<(u32, Weight)> {
        let all = if self.infinite.is_empty() { &self.counts } else { &self.infinite };
        let mut weights: BTreeMap<u32, Weight> =
            all.iter().map(|source| (*source, Weight { bad: 1.0, total: 1.0 })).collect();
        for (bound, share) in self.shares(threshold) {
            for source in self.buckets.get(&bound).into_iter().flatten() {
                weights.entry(*source).or_default().bad -= share;
            }
        }
        weights.into_iter().collect()
    }

    /// All of its classic series.
    pub(crate) fn members(&self) -> impl Iterator<Item = u32> {
        self.buckets.values().chain([&self.infinite, &self.counts]).flatten().copied()
    }

    /// Its series under new numbers.
    pub(crate) fn renumber(&mut self, numbers: &BTreeMap<u32, u32>) {
        let whole = [&mut self.infinite, &mut self.counts, &mut self.natives];
        for members in self.buckets.values_mut().chain(whole) {
            *members = members.iter().filter_map(|member| numbers.get(member).copied()).collect();
        }
    }

    /// Whether no series belongs to it.
    pub(crate) fn is_empty(&self) -> bool {
        self.natives.is_empty() && self.members().next().is_none()
    }

    /// Whose counts make up the good events, and with which share.
    pub(crate) fn shares(&self, threshold: f64) -> Vec<(Bound, f64)> {
        let neighbours = self.neighbours(threshold);
        match (neighbours.below, neighbours.above) {
            (Some(below), _) if below.0 == threshold => vec![(below, 1.0)],
            (Some(below), Some(above)) => {
                let share = (threshold - below.0) / (above.0 - below.0);
                vec![(below, 1.0 - share), (above, share)]
            }
            // Nothing is known between the last finite bound and infinity: only what is surely good counts.
            (Some(below), None) => vec![(below, 1.0)],
            (None, Some(above)) => vec![(above, threshold / above.0)],
            (None, None) => Vec::new(),
        }
    }

    fn neighbours(&self, threshold: f64) -> Neighbours {
        Neighbours {
            below: self.buckets.range(..=Bound(threshold)).next_back().map(|(b, _)| *b).filter(|b| b.0 > 0.0),
            above: self.buckets.range(Bound(threshold)..).find(|(b, _)| b.0 > threshold).map(|(b, _)| *b),
        }
    }

    /// What must be said when the threshold is not a bound.
    pub(crate) fn note(&self, threshold: f64) -> Option<String> {
        let neighbours = self.neighbours(threshold);
        match (neighbours.below, neighbours.above) {
            (Some(below), _) if below.0 == threshold => None,
            (None, None) => None,
            (below, Some(above)) => Some(format!(
                "{threshold} is not a bucket bound: the count is interpolated between the bounds {} and {}",
                below.map_or(0.0, |b| b.0),
                above.0
            )),
            (Some(below), None) => Some(format!(
                "{threshold} is above the last bucket bound, {}: only events up to that bound count as good",
                below.0
            )),
        }
    }
}

struct Neighbours {
    below: Option<Bound>,
    above: Option<Bound>,
}

/// What a series is to an indicator.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Role {
    /// A counter with a fixed weight.
    Counter(Weight),
    /// A part of a histogram, whose weight depends on the other parts.
    Part(Part),
}

/// Which part of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Part {
    /// A bucket with a finite bound.
    Bucket(Bound),
    /// The bucket of everything.
    Infinite,
    /// The count of everything.
    Count,
    /// All of it: a native histogram.
    Native,
}

/// What a series is to an indicator; `None` when it is nothing to it.
pub(crate) fn role(indicator: &Indicator, labels: &Labels) -> Option<Role> {
    if indicator.budgeting != Budgeting::Occurrences {
        return None; // it follows from one that counts events
    }
    match &indicator.events {
        Events::Ratio(ratio) => ratio_weight(ratio, labels).map(Role::Counter),
        Events::Latency(latency) => latency_part(latency, labels).map(Role::Part),
        Events::Probe(name) => ratio_weight(&probe_ratio(name), labels).map(Role::Counter),
        Events::Threshold(_) | Events::Query(_) | Events::Composite(_) => None,
    }
}

fn ratio_weight(ratio: &Ratio, labels: &Labels) -> Option<Weight> {
    let any = |selectors: &[Selector]| selectors.iter().any(|s| s.matches(labels));
    let (first, second, weights) = match ratio {
        Ratio::GoodTotal { good, total } => (any(good), any(total), [(-1.0, 0.0), (1.0, 1.0)]),
        Ratio::GoodBad { good, bad } => (any(good), any(bad), [(0.0, 1.0), (1.0, 1.0)]),
        Ratio::BadTotal { bad, total } => (any(bad), any(total), [(1.0, 0.0), (0.0, 1.0)]),
    };
    if !first && !second {
        return None;
    }
    let mut weight = Weight::default();
    for (is_one, (bad, total)) in [first, second].into_iter().zip(weights) {
        if is_one {
            weight.bad += bad;
            weight.total += total;
        }
    }
    Some(weight)
}

fn latency_part(latency: &Latency, labels: &Labels) -> Option<Part> {
    let base = latency.histogram.name.as_deref()?;
    let suffix = labels.metric_name()?.strip_prefix(base)?;
    if !latency.histogram.matchers.iter().all(|m| m.matches(labels)) {
        return None;
    }
    match suffix {
        "" => Some(Part::Native),
        "_count" => Some(Part::Count),
        "_bucket" => {
            let bound: f64 = labels.get("le")?.trim().parse().ok()?;
            match bound {
                b if b == f64::INFINITY => Some(Part::Infinite),
                b if b.is_finite() => Some(Part::Bucket(Bound(b))),
                _ => None,
            }
        }
        _ => None,
    }
}

/// An indicator with the series and streams that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sli {
    pub(crate) key: String,
    pub(crate) indicator: Indicator,
    /// The stream of everything.
    pub(crate) everything: u32,
    /// One stream per value of `group_by`.
    pub(crate) groups: BTreeMap<Labels, u32>,
    /// Histograms by their labels without name and bound.
    pub(crate) histograms: BTreeMap<Labels, Histogram>,
    /// Series that count only in the sum, since there are too many streams.
    pub(crate) refused: u64,
    /// Whether its past has still to be read from raw samples.
    pub(crate) is_new: bool,
}

impl Sli {
    pub(crate) fn new(indicator: Indicator, everything: u32) -> Self {
        Self {
            key: indicator.key(),
            indicator,
            everything,
            groups: BTreeMap::new(),
            histograms: BTreeMap::new(),
            refused: 0,
            is_new: true,
        }
    }

    /// The labels of the stream that a series belongs to; empty when only to the stream of everything.
    pub(crate) fn group(&self, labels: &Labels) -> Labels {
        let names: Vec<&str> = self.indicator.group_by.iter().map(String::as_str).collect();
        labels.keep(&names)
    }

    pub(crate) fn threshold(&self) -> f64 {
        match &self.indicator.events {
            Events::Latency(latency) => latency.threshold.get(),
            Events::Ratio(_)
            | Events::Probe(_)
            | Events::Threshold(_)
            | Events::Query(_)
            | Events::Composite(_) => 0.0,
        }
    }

    /// The stream with these labels.
    pub(crate) fn stream_of(&self, labels: &Labels) -> Option<StreamId> {
        match labels.is_empty() {
            true => Some(StreamId(self.everything)),
            false => self.groups.get(labels).copied().map(StreamId),
        }
    }

    /// What has to be said when slices are not as long as they were asked for.
    pub(crate) fn slice_note(&self, slot_ms: i64) -> Option<String> {
        let slice = match self.indicator.budgeting {
            Budgeting::Occurrences => return None,
            Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice } => slice,
        };
        let judged = slice_length(slice, slot_ms);
        (judged != slice).then(|| {
            format!("slices are {judged} long, not {slice}: time is kept in slots of {}", TimeDelta(slot_ms))
        })
    }

    /// What has to be said of how it counts.
    pub(crate) fn notes(&self) -> Vec<String> {
        let threshold = self.threshold();
        let mut notes: BTreeSet<String> =
            self.histograms.values().filter_map(|h| h.note(threshold)).collect();
        if self.refused > 0 {
            notes.insert(format!(
                "{} series count only in the sum: there are more than {} streams",
                self.refused, self.indicator.streams_max
            ));
        }
        notes.into_iter().collect()
    }
}
