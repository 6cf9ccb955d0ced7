//! Which series a hash stands for, so that a series that was pushed before is found without reading its labels. Open
//! addressing, twenty bytes a place with 96 bits of the hash; the table grows by an eighth, which keeps it well filled:
//! 23 to 26 bytes a series.
//!
//! A lookup of a whole push takes the lock once. What nobody pushed for an hour or two is forgotten.

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use bellwether_ingest::remote_write::SeriesKey;
use bellwether_model::{SeriesId, TimeDelta, Timestamp};

/// A series, and which of several senders of the same told of it; see `replica`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The series' number.
    pub id: SeriesId,
    /// The number of its sender among replicas; [`NO_REPLICA`] for all others.
    pub replica: u16,
}

/// The replica of a series that is none's.
pub const NO_REPLICA: u16 = 0;

/// How often it is looked for what is no longer pushed.
const EPOCH: TimeDelta = TimeDelta::HOUR;
/// More entries than this are not kept: a sender that writes labels in ever new orders would fill memory with them.
const ENTRIES_MAX: usize = 16 << 20;
const SLOTS_MIN: usize = 1 << 10;

/// A place of the table; empty where the number is [`EMPTY`].
struct Slot {
    hash: [u32; 3],
    id: u32,
    replica: u16,
    /// The epoch in which it was last asked for; wraps, which only makes it look younger.
    seen: AtomicU16,
}

const EMPTY: u32 = u32::MAX;

/// See the file's words.
pub struct SeriesCache {
    table: RwLock<Table>,
    epoch: AtomicU32,
}

/// Invariant: `entries` places are not empty, and at least one is.
struct Table {
    slots: Vec<Slot>,
    entries: usize,
}

impl Default for SeriesCache {
    fn default() -> Self {
        Self { table: RwLock::new(Table::with_slots(SLOTS_MIN)), epoch: AtomicU32::new(0) }
    }
}

impl SeriesCache {
    /// Looks up keys in their order; `None` for those that are not known.
    pub fn find(&self, keys: impl Iterator<Item = SeriesKey>, found: &mut Vec<Option<Known>>) {
        let epoch = self.epoch.load(Ordering::Relaxed) as u16;
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        found.clear();
        found.extend(keys.map(|key| table.find(key, epoch)));
    }

    /// Remembers series.
    pub fn insert(&self, known: impl Iterator<Item = (SeriesKey, Known)>) {
        let epoch = self.epoch.load(Ordering::Relaxed) as u16;
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        for (key, known) in known {
            let slot =
                Slot { hash: hash(key), id: known.id.0, replica: known.replica, seen: AtomicU16::new(epoch) };
            table.insert(slot);
        }
    }

    /// Forgets series that are no longer there.
    pub fn forget(&self, mut gone: Vec<SeriesId>) {
        gone.sort_unstable();
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.keep(|slot| gone.binary_search(&SeriesId(slot.id)).is_err());
    }

    /// Forgets everything, e.g. because labels mean another series from now on.
    pub fn clear(&self) {
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Table::with_slots(SLOTS_MIN);
    }

    /// Forgets what was not asked for since the hour before this one, once an hour.
    pub fn age(&self, now: Timestamp) {
        let epoch = now.0.div_euclid(EPOCH.0) as u32;
        if self.epoch.swap(epoch, Ordering::Relaxed) == epoch {
            return;
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        table.keep(|slot| (epoch as u16).wrapping_sub(slot.seen.load(Ordering::Relaxed)) <= 1);
    }

    /// How many series are known.
    pub fn len(&self) -> usize {
        self.table.read().unwrap_or_else(PoisonError::into_inner).entries
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes it holds.
    pub fn heap_bytes(&self) -> usize {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.slots.capacity() * size_of::<Slot>()
    }
}

/// What is kept of a key.
const fn hash(key: SeriesKey) -> [u32; 3] {
    [key.0 as u32, (key.0 >> 32) as u32, key.1 as u32]
}

impl Table {
    fn with_slots(slots: usize) -> Self {
        let empty = || Slot { hash: [0; 3], id: EMPTY, replica: NO_REPLICA, seen: AtomicU16::new(0) };
        let mut table = Vec::new();
        table.reserve_exact(slots);
        table.resize_with(slots, empty);
        Self { slots: table, entries: 0 }
    }

    /// Where the search for a hash begins.
    fn home(&self, hash: [u32; 3]) -> usize {
        let number = u64::from(hash[1]) << 32 | u64::from(hash[0]);
        ((u128::from(number) * self.slots.len() as u128) >> 64) as usize
    }

    #[inline]
    fn find(&self, key: SeriesKey, epoch: u16) -> Option<Known> {
        let hash = hash(key);
        let (before, from) = self.slots.split_at(self.home(hash));
        let mut places = from.iter().chain(before).take_while(|slot| slot.id != EMPTY);
        let slot = places.find(|slot| slot.hash == hash)?;
        if slot.seen.load(Ordering::Relaxed) != epoch {
            slot.seen.store(epoch, Ordering::Relaxed);
        }
        Some(Known { id: SeriesId(slot.id), replica: slot.replica })
    }

    fn insert(&mut self, slot: Slot) {
        if self.entries >= self.slots.len() / 8 * 7 {
            if self.entries >= ENTRIES_MAX {
                *self = Self::with_slots(SLOTS_MIN);
            } else {
                self.resize(self.slots.len() / 8 * 9);
            }
        }
        self.put(slot);
    }

    fn put(&mut self, slot: Slot) {
        let mut at = self.home(slot.hash);
        while self.slots[at].id != EMPTY && self.slots[at].hash != slot.hash {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        self.entries += usize::from(self.slots[at].id == EMPTY);
        self.slots[at] = slot;
    }

    fn keep(&mut self, mut is_kept: impl FnMut(&Slot) -> bool) {
        let mut gone = 0;
        for slot in &mut self.slots {
            if slot.id != EMPTY && !is_kept(slot) {
                slot.id = EMPTY;
                gone += 1;
            }
        }
        if gone > 0 {
            // Searches end at an empty place, so that everything is put anew.
            let left = self.entries - gone;
            self.resize((left / 6 * 7 + 8).next_multiple_of(8).max(SLOTS_MIN));
        }
    }

    fn resize(&mut self, slots: usize) {
        let before = std::mem::replace(self, Self::with_slots(slots));
        before.slots.into_iter().filter(|slot| slot.id != EMPTY).for_each(|slot| self.put(slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> SeriesKey {
        let spread = |salt: u64| (number ^ salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        SeriesKey(spread(1).wrapping_mul(0xbf58_476d_1ce4_e5b9), spread(2))
    }

    fn known(number: u64) -> Known {
        Known { id: SeriesId(number as u32), replica: NO_REPLICA }
    }

    fn found(cache: &SeriesCache, numbers: std::ops::Range<u64>) -> usize {
        let mut found = Vec::new();
        cache.find(numbers.clone().map(key), &mut found);
        numbers.zip(found).filter(|(number, found)| *found == Some(known(*number))).count()
    }

    #[test]
    fn a_million_series_take_at_most_26_bytes_each() {
        let cache = SeriesCache::default();
        cache.insert((0..1_000_000).map(|number| (key(number), known(number))));
        assert_eq!((cache.len(), found(&cache, 0..1_000_000)), (1_000_000, 1_000_000));
        assert_eq!(found(&cache, 1_000_000..1_010_000), 0);
        assert!(cache.heap_bytes() <= 26_000_000, "{}", cache.heap_bytes());
    }

    #[test]
    fn what_nobody_pushes_for_two_hours_is_forgotten() {
        let cache = SeriesCache::default();
        let hour = |hour: i64| Timestamp(hour * TimeDelta::HOUR.0);
        cache.age(hour(10));
        cache.insert((0..10_000).map(|number| (key(number), known(number))));
        cache.age(hour(11));
        assert_eq!(found(&cache, 0..100), 100);
        cache.age(hour(12));
        assert_eq!((cache.len(), found(&cache, 0..10_000)), (100, 100));
    }

    #[test]
    fn what_is_gone_from_the_store_is_looked_for_anew() {
        let cache = SeriesCache::default();
        cache.insert((0..1_000).map(|number| (key(number), known(number))));
        cache.forget((0..500).map(SeriesId).collect());
        assert_eq!((cache.len(), found(&cache, 0..1_000)), (500, 500));
    }
}
