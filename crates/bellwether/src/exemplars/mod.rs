//! The latest exemplars of all series: so many, and no more, the oldest giving way. What is taken follows Prometheus:
//! those of one series come in order of time, one that is the same as the last is passed over, and the labels of one
//! are short. They are kept in memory, and over a restart in a file that somebody else writes ([`keeper`]).

mod file;
pub mod keeper;

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bellwether_ingest::{ExpositionWriter, MetricKind};
use bellwether_model::{Exemplar, Labels, SeriesId, TimeRange, Timestamp};

use crate::config::Config;
pub use file::{copy, whole_count};

/// How many are kept unless `max_exemplars` says otherwise; Prometheus' own default.
pub const EXEMPLARS_MAX: usize = 100_000;
/// How many a configuration wants kept.
pub fn max(config: &Config) -> usize {
    let max = config.storage.max_exemplars.map(|max| usize::try_from(max).unwrap_or(usize::MAX));
    max.unwrap_or(EXEMPLARS_MAX).min(NONE as usize - 1)
}

/// Characters of an exemplar's labels, as OpenMetrics bounds them.
const LABEL_CHARS_MAX: usize = 128;
/// No exemplar.
const NONE: u32 = u32::MAX;

/// Why an exemplar is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExemplarRefusal {
    /// The series has one that is later.
    #[error("out of order exemplar")]
    OutOfOrder,
    /// Labels that are too long.
    #[error("label length for exemplar exceeds maximum of 128 UTF-8 characters")]
    LabelLength,
    /// None are kept.
    #[error("exemplar storage is disabled or max exemplars is less than or equal to 0")]
    Disabled,
}

/// What a file has not been told of.
enum Unsaved {
    None,
    Some(Vec<(SeriesId, Exemplar)>),
    /// It is to have these and no others.
    All(Vec<(SeriesId, Exemplar)>),
}

/// The exemplars of one series.
pub type OfSeries = (Labels, Vec<Exemplar>);

/// The latest exemplars.
#[derive(Debug)]
pub struct Exemplars(RwLock<Ring>);

impl Default for Exemplars {
    fn default() -> Self {
        Self::new(EXEMPLARS_MAX)
    }
}

#[derive(Debug)]
struct Ring {
    max: usize,
    /// Grows up to the most there may be; then the oldest is replaced.
    slots: Vec<Slot>,
    next: usize,
    ends: HashMap<SeriesId, Ends>,
    /// Those that came since the file was last told; `None` when it has to be told of all.
    unsaved: Option<Vec<(SeriesId, Exemplar)>>,
    counts: Counts,
}

#[derive(Debug)]
struct Slot {
    series: SeriesId,
    exemplar: Exemplar,
    /// The next one of the same series.
    follower: u32,
}

/// The first and the last one of a series.
#[derive(Clone, Copy, Debug)]
struct Ends {
    oldest: u32,
    newest: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    appended: u64,
    out_of_order: u64,
    too_long: u64,
}

impl Exemplars {
    /// A ring of so many.
    pub fn new(max: usize) -> Self {
        let counts = Counts::default();
        Self(RwLock::new(Ring {
            max,
            slots: Vec::new(),
            next: 0,
            ends: HashMap::new(),
            unsaved: Some(Vec::new()),
            counts,
        }))
    }

    /// Puts in what was kept over a restart, each series' in their order.
    fn restore(&self, exemplars: impl IntoIterator<Item = (SeriesId, Exemplar)>) {
        let mut ring = self.write();
        let counts = ring.counts;
        for (series, exemplar) in exemplars {
            // What is refused now, since fewer are kept, is no mistake of anybody.
            let _ = ring.add(series, exemplar);
        }
        let is_empty = ring.slots.is_empty();
        (ring.counts, ring.unsaved) = (counts, is_empty.then(Vec::new));
    }

    /// What has come since this was asked before; all there is, if that is wanted or must be.
    fn unsaved(&self, all: bool) -> Unsaved {
        let mut ring = self.write();
        match ring.unsaved.replace(Vec::new()) {
            Some(new) if new.is_empty() && (!all || ring.slots.is_empty()) => Unsaved::None,
            Some(new) if !all => Unsaved::Some(new),
            Some(_) | None => Unsaved::All(ring.all()),
        }
    }

    /// What was given to be saved was not.
    fn save_all(&self) {
        self.write().unsaved = None;
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.read().slots.len()
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ring> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one to a series; one that says no time is as old as `at`. Gives whether it is kept: one that is there
    /// already is not.
    pub fn add(&self, series: SeriesId, exemplar: Exemplar, at: Timestamp) -> Result<bool, ExemplarRefusal> {
        let exemplar = Exemplar { at: exemplar.at.or(Some(at)), ..exemplar };
        self.write().add(series, exemplar)
    }

    /// Adds many, each series' in their order; gives how many are kept.
    pub fn add_all(&self, exemplars: impl IntoIterator<Item = (SeriesId, Exemplar)>, at: Timestamp) -> u64 {
        let added = exemplars.into_iter().map(|(series, exemplar)| self.add(series, exemplar, at));
        added.filter(|added| *added == Ok(true)).count() as u64
    }

    /// Keeps so many from now on; of those there are, the latest.
    pub fn set_max(&self, max: usize) {
        let mut ring = self.write();
        if ring.max != max {
            ring.resize(max);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Ring> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exemplars of a stretch of time whose series are wanted, by labels; `labels` names a series if it is wanted.
    pub fn select(
        &self,
        range: TimeRange,
        labels: &mut dyn FnMut(SeriesId) -> Option<Labels>,
    ) -> Vec<OfSeries> {
        let ring = self.read();
        let mut found: Vec<OfSeries> = Vec::new();
        for (series, ends) in &ring.ends {
            let within: Vec<Exemplar> =
                ring.of(*ends).filter(|one| range.contains(moment(one))).cloned().collect();
            if !within.is_empty() {
                found.extend(labels(*series).map(|labels| (labels, within)));
            }
        }
        drop(ring);
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// What is counted of them, under Prometheus' names.
    pub fn render(&self, writer: &mut ExpositionWriter) {
        let ring = self.read();
        let last = if ring.slots.len() < ring.max { ring.slots.first() } else { ring.slots.get(ring.next) };
        let last = last.map_or(0.0, |slot| moment(&slot.exemplar).as_secs_f64());
        for (name, kind, help, value) in [
            (
                "exemplars_appended_total",
                MetricKind::Counter,
                "Exemplars taken.",
                ring.counts.appended as f64,
            ),
            (
                "out_of_order_exemplars_total",
                MetricKind::Counter,
                "Exemplars refused as older than the last of their series.",
                ring.counts.out_of_order as f64,
            ),
            (
                "labels_too_long_total",
                MetricKind::Counter,
                "Exemplars refused for labels of more than 128 characters.",
                ring.counts.too_long as f64,
            ),
            ("exemplars_in_storage", MetricKind::Gauge, "Exemplars kept.", ring.slots.len() as f64),
            (
                "series_with_exemplars_in_storage",
                MetricKind::Gauge,
                "Series with exemplars.",
                ring.ends.len() as f64,
            ),
            ("max_exemplars", MetricKind::Gauge, "Exemplars that may be kept.", ring.max as f64),
            (
                "last_exemplars_timestamp_seconds",
                MetricKind::Gauge,
                "When the oldest exemplar kept happened.",
                last,
            ),
        ] {
            let name = format!("prometheus_tsdb_exemplar_{name}");
            writer.family(&name, kind, help);
            writer.sample(&name, &[], value);
        }
    }
}

fn moment(exemplar: &Exemplar) -> Timestamp {
    exemplar.at.unwrap_or(Timestamp::MIN)
}

impl Ring {
    fn add(&mut self, series: SeriesId, exemplar: Exemplar) -> Result<bool, ExemplarRefusal> {
        if self.max == 0 {
            return Err(ExemplarRefusal::Disabled);
        }
        let chars = exemplar.labels.iter().map(|(name, value)| name.chars().count() + value.chars().count());
        if chars.sum::<usize>() > LABEL_CHARS_MAX {
            self.counts.too_long += 1;
            return Err(ExemplarRefusal::LabelLength);
        }
        if let Some(ends) = self.ends.get(&series) {
            match order(&exemplar, &self.slots[ends.newest as usize].exemplar) {
                Ordering::Equal => return Ok(false),
                Ordering::Less => {
                    self.counts.out_of_order += 1;
                    return Err(ExemplarRefusal::OutOfOrder);
                }
                Ordering::Greater => {}
            }
        }
        self.counts.appended += 1;
        // Of more than are kept some give way before they are saved: then what there is is saved, and not what came.
        match &mut self.unsaved {
            Some(unsaved) if unsaved.len() < self.max => unsaved.push((series, exemplar.clone())),
            Some(_) | None => self.unsaved = None,
        }
        self.push(series, exemplar);
        Ok(true)
    }

    fn push(&mut self, series: SeriesId, exemplar: Exemplar) {
        let slot = Slot { series, exemplar, follower: NONE };
        let place = self.next as u32;
        self.next = (self.next + 1) % self.max;
        if (place as usize) < self.slots.len() {
            self.give_way(place);
            self.slots[place as usize] = slot;
        } else {
            self.slots.push(slot);
        }
        let ends = self.ends.entry(series).or_insert(Ends { oldest: place, newest: NONE });
        if let Some(before) = self.slots.get_mut(ends.newest as usize) {
            before.follower = place;
        }
        ends.newest = place;
    }

    /// The oldest of all is the oldest of its series.
    fn give_way(&mut self, place: u32) {
        let Slot { series, follower, .. } = self.slots[place as usize];
        if follower == NONE {
            self.ends.remove(&series);
        } else if let Some(ends) = self.ends.get_mut(&series) {
            ends.oldest = follower;
        }
    }

    /// Where the oldest is.
    fn oldest(&self) -> usize {
        if self.slots.len() < self.max { 0 } else { self.next }
    }

    /// All of them, the oldest first.
    fn all(&self) -> Vec<(SeriesId, Exemplar)> {
        let (newer, older) = self.slots.split_at(self.oldest());
        older.iter().chain(newer).map(|slot| (slot.series, slot.exemplar.clone())).collect()
    }

    fn resize(&mut self, max: usize) {
        let oldest = self.oldest();
        let mut slots = std::mem::take(&mut self.slots);
        slots.rotate_left(oldest);
        let surplus = slots.len().saturating_sub(max);
        (self.max, self.next) = (max, 0);
        self.ends.clear();
        for slot in slots.drain(surplus..) {
            self.push(slot.series, slot.exemplar);
        }
    }

    fn of(&self, ends: Ends) -> impl Iterator<Item = &Exemplar> {
        let slots = std::iter::successors(self.slots.get(ends.oldest as usize), |slot| {
            self.slots.get(slot.follower as usize)
        });
        slots.map(|slot| &slot.exemplar)
    }
}

/// By time, value, labels, as a scrape sorts the exemplars of one histogram.
fn order(a: &Exemplar, b: &Exemplar) -> Ordering {
    (a.at.cmp(&b.at)).then(a.value.total_cmp(&b.value)).then_with(|| a.labels.cmp(&b.labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exemplar(at: i64, trace: &str) -> Exemplar {
        Exemplar { labels: Labels::from_pairs([("trace_id", trace)]), value: 1.0, at: Some(Timestamp(at)) }
    }

    fn all(exemplars: &Exemplars, range: TimeRange) -> Vec<String> {
        let mut labels = |id: SeriesId| Some(Labels::from_pairs([("__name__", format!("s{}", id.0))]));
        let found = exemplars.select(range, &mut labels);
        let text = |(labels, of_series): &OfSeries| {
            let times: Vec<String> = of_series.iter().map(|one| moment(one).0.to_string()).collect();
            format!("{labels}: {}", times.join(" "))
        };
        found.iter().map(text).collect()
    }

    const EVER: TimeRange = TimeRange { start: Timestamp::MIN, end: Timestamp::MAX };

    #[test]
    fn those_of_a_series_come_in_order_and_each_once() {
        let exemplars = Exemplars::new(10);
        let add = |at, trace: &str, expected| {
            assert_eq!(
                exemplars.add(SeriesId(1), exemplar(at, trace), Timestamp(0)),
                expected,
                "{at} {trace}"
            );
        };
        add(5, "b", Ok(true));
        add(5, "b", Ok(false));
        add(5, "c", Ok(true));
        add(5, "a", Err(ExemplarRefusal::OutOfOrder));
        add(4, "d", Err(ExemplarRefusal::OutOfOrder));
        add(6, &"x".repeat(120), Ok(true));
        add(7, &"x".repeat(121), Err(ExemplarRefusal::LabelLength));
        let without_time = Exemplar { at: None, ..exemplar(0, "e") };
        assert_eq!(exemplars.add(SeriesId(2), without_time, Timestamp(9)), Ok(true));
        assert_eq!(all(&exemplars, EVER), ["s1: 5 5 6", "s2: 9"]);
        assert_eq!(all(&exemplars, TimeRange::new(Timestamp(6), Timestamp(9))), ["s1: 6", "s2: 9"]);
        let mut writer = ExpositionWriter::default();
        exemplars.render(&mut writer);
        let text = writer.finish();
        for line in [
            "exemplars_appended_total 4",
            "out_of_order_exemplars_total 2",
            "exemplars_in_storage 4",
            "last_exemplars_timestamp_seconds 0.005",
        ] {
            assert!(text.contains(&format!("prometheus_tsdb_exemplar_{line}\n")), "{line} in {text}");
        }
    }

    #[test]
    fn the_oldest_gives_way() {
        let exemplars = Exemplars::new(3);
        for at in 0..7 {
            exemplars.add(SeriesId(at as u32 % 2), exemplar(at, "x"), Timestamp(0)).unwrap();
        }
        assert_eq!(all(&exemplars, EVER), ["s0: 4 6", "s1: 5"]);
        exemplars.set_max(5);
        exemplars.add(SeriesId(2), exemplar(1, "x"), Timestamp(0)).unwrap();
        assert_eq!(all(&exemplars, EVER), ["s0: 4 6", "s1: 5", "s2: 1"]);
        exemplars.set_max(2);
        assert_eq!(all(&exemplars, EVER), ["s0: 6", "s2: 1"]);
        exemplars.add(SeriesId(1), exemplar(9, "x"), Timestamp(0)).unwrap();
        assert_eq!(all(&exemplars, EVER), ["s1: 9", "s2: 1"]);
        exemplars.set_max(0);
        let refused = exemplars.add(SeriesId(1), exemplar(10, "x"), Timestamp(0));
        assert_eq!((refused, all(&exemplars, EVER)), (Err(ExemplarRefusal::Disabled), vec![]));
    }
}
