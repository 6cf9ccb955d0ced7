//! The series a target has exposed, by the text that names them. A target repeats its series in the same order from
//! scrape to scrape, so each series knows the one that followed it: comparing with that one is faster than hashing, and
//! the reader of the body need not take apart what it begins with.

use std::hash::{BuildHasher, RandomState};

use bellwether_model::SeriesId;
use hashbrown::HashTable;

/// No series.
const NONE: u32 = u32::MAX;

/// The place of a series in [`SeenSeries`]; another series may have it once this one has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place(u32);

/// What is known of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number; `None` if relabelling drops it.
    pub id: Option<SeriesId>,
    /// Whether its values are native histograms.
    pub is_histogram: bool,
    /// Whether it gets a marker when it is no longer exposed: one with timestamps of its own says itself when it ends.
    pub is_tracked: bool,
    /// What it shares with the `_created` line of its metric; 0 if it has none.
    pub group: u32,
}

/// What became of a series in a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it is.
    pub place: Place,
    /// What is known of it.
    pub known: Known,
    /// Whether this scrape had it before.
    pub is_repeated: bool,
}

#[derive(Clone, Debug)]
struct Slot {
    /// The text; empty where there is no series.
    key: Box<str>,
    known: Known,
    /// The scrape that saw it last.
    scrape: u32,
    /// The scrape that saw it first.
    since: u32,
    /// What followed it last time.
    follower: u32,
    /// Whether it has a value that no marker ended.
    is_live: bool,
}

/// All series a target has exposed lately.
#[derive(Clone, Debug)]
pub struct SeenSeries {
    slots: Vec<Slot>,
    /// Places by the hash of their text.
    places: HashTable<u32>,
    hasher: RandomState,
    vacant: Vec<u32>,
    scrape: u32,
    /// The first series of a body.
    first: u32,
    /// The series before, and the one that is expected next.
    before: u32,
    next: u32,
    /// How many this scrape saw.
    seen: usize,
    /// How many it saw that had ended.
    revived: Vec<u32>,
    added: usize,
}

impl Default for SeenSeries {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            places: HashTable::new(),
            hasher: RandomState::new(),
            vacant: Vec::new(),
            scrape: 0,
            first: NONE,
            before: NONE,
            next: NONE,
            seen: 0,
            revived: Vec::new(),
            added: 0,
        }
    }
}

impl SeenSeries {
    /// Another scrape begins.
    pub fn begin(&mut self) {
        self.scrape = self.scrape.wrapping_add(1);
        self.before = NONE;
        self.next = self.first;
        self.seen = 0;
        self.added = 0;
        self.revived.clear();
    }

    /// The text of the series that probably comes next.
    #[inline]
    pub fn expected(&self) -> &str {
        self.slots.get(self.next as usize).map_or("", |slot| &slot.key)
    }

    /// Takes note of a series, if it is known. `is_expected` says that it is the one of [`Self::expected`].
    #[inline]
    pub fn find(&mut self, series: &str, is_expected: bool) -> Option<Found> {
        let at = if is_expected { self.next } else { self.look_up(series)? };
        self.step_to(at);
        let slot = &mut self.slots[at as usize];
        let is_repeated = slot.scrape == self.scrape;
        if !is_repeated {
            slot.scrape = self.scrape;
            self.seen += 1;
            if !slot.is_live && slot.known.is_tracked {
                slot.is_live = true;
                self.revived.push(at);
            }
        }
        Some(Found { place: Place(at), known: slot.known, is_repeated })
    }

    fn look_up(&self, series: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(series);
        self.places.find(hash, |at| *self.slots[*at as usize].key == *series).copied()
    }

    /// Takes note of a series that is new.
    pub fn insert(&mut self, series: &str, known: Known) -> Found {
        let (scrape, is_live) = (self.scrape, known.is_tracked);
        let slot = Slot { key: series.into(), known, scrape, since: scrape, follower: NONE, is_live };
        let at = match self.vacant.pop() {
            Some(at) => {
                self.slots[at as usize] = slot;
                at
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        let Self { slots, places, hasher, .. } = self;
        let hash = hasher.hash_one(series);
        places.insert_unique(hash, at, |at| hasher.hash_one(&*slots[*at as usize].key));
        self.step_to(at);
        self.seen += 1;
        self.added += 1;
        Found { place: Place(at), known, is_repeated: false }
    }

    /// Takes note of a series that no line of the body names, so that it has no place in the order; `known` is asked
    /// for if it is new.
    pub fn aside(&mut self, series: &str, known: impl FnOnce() -> Option<Known>) -> Option<Found> {
        let order = (self.first, self.before, self.next);
        let found = match self.find(series, false) {
            Some(found) => Some(found),
            None => known().map(|known| self.insert(series, known)),
        };
        // Looking it up has made it the follower of the series before, which it is not.
        if let (Some(found), Some(before)) = (&found, self.slots.get_mut(order.1 as usize))
            && before.follower == found.place.0
        {
            before.follower = order.2;
        }
        (self.first, self.before, self.next) = order;
        found
    }

    /// Remembers the order.
    #[inline]
    fn step_to(&mut self, at: u32) {
        match self.slots.get_mut(self.before as usize) {
            None => self.first = at,
            Some(before) if before.follower != at => before.follower = at,
            Some(_) => {}
        }
        self.before = at;
        self.next = self.slots[at as usize].follower;
    }

    /// How many series this scrape saw for the first time.
    pub const fn added(&self) -> usize {
        self.added
    }

    /// How many series are known.
    pub const fn count(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// The scrape is over, and good: those that it did not have are forgotten, and named if they need a marker.
    pub fn end(&mut self, gone: &mut Vec<Known>, forgotten: &mut dyn FnMut(Place)) {
        if self.seen == self.count() {
            return;
        }
        for at in 0..self.slots.len() {
            let slot = &self.slots[at];
            if slot.scrape != self.scrape && !slot.key.is_empty() {
                if slot.is_live {
                    gone.push(slot.known);
                }
                forgotten(Place(at as u32));
                self.forget(at as u32);
            }
        }
    }

    /// The scrape failed: all series that had a value have ended, and what only this scrape had never was. The others
    /// are remembered, since most failures pass.
    pub fn fail(&mut self, gone: &mut Vec<Known>, forgotten: &mut dyn FnMut(Place)) {
        for at in std::mem::take(&mut self.revived) {
            self.slots[at as usize].is_live = false;
        }
        for at in 0..self.slots.len() {
            let slot = &mut self.slots[at];
            if slot.key.is_empty() {
                continue;
            }
            if slot.since == self.scrape {
                forgotten(Place(at as u32));
                self.forget(at as u32);
            } else if slot.is_live {
                slot.is_live = false;
                gone.push(slot.known);
            }
        }
        self.added = 0;
        // Nothing has been seen now, whatever the refused body had.
        self.begin();
    }

    fn forget(&mut self, at: u32) {
        let key = std::mem::take(&mut self.slots[at as usize].key);
        let hash = self.hasher.hash_one(&*key);
        if let Ok(entry) = self.places.find_entry(hash, |other| *other == at) {
            entry.remove();
        }
        self.slots[at as usize].is_live = false;
        self.vacant.push(at);
    }

    /// Numbers of all series that have one.
    pub fn ids(&self) -> impl Iterator<Item = SeriesId> + '_ {
        self.slots.iter().filter(|slot| !slot.key.is_empty()).filter_map(|slot| slot.known.id)
    }

    /// Forgets some series: when they come again, they are new.
    pub fn let_go(&mut self, is_gone: &dyn Fn(&Known) -> bool, forgotten: &mut dyn FnMut(Place)) {
        for at in 0..self.slots.len() {
            if !self.slots[at].key.is_empty() && is_gone(&self.slots[at].known) {
                forgotten(Place(at as u32));
                self.forget(at as u32);
            }
        }
    }

    /// All series that have a value no marker ended.
    pub fn live(&self) -> impl Iterator<Item = Known> + '_ {
        self.slots.iter().filter(|slot| slot.is_live).map(|slot| slot.known)
    }
}
