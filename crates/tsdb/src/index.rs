//! Which series there are and how to find them: labels by number, number by labels, and for each label value the
//! set of series that have it.
//!
//! A million series have ten million labels, so what is done per label decides how fast a store opens: neighbours
//! mostly share their labels' values, and what the series before had is not looked up again.

use std::collections::HashMap;
use std::hash::BuildHasher;

use bellwether_model::{Labels, MatchOp, Matcher, SeriesId};
use foldhash::fast::RandomState;
use hashbrown::HashTable;
use roaring::RoaringBitmap;

use crate::postings::Postings;

/// All series ever created. Invariant: `labels[i]` is `None` only for a number whose record was lost to damage, or whose series was
/// forgotten.
#[derive(Default)]
pub(crate) struct Index {
    labels: Vec<Option<Labels>>,
    /// Numbers by the hash of their labels.
    by_labels: HashTable<Hashed>,
    hasher: RandomState,
    /// For each name, where the set of each value is in `postings`.
    names: HashMap<Box<str>, Values, RandomState>,
    postings: Vec<Postings>,
    /// Places in `postings` that no value has any more.
    free: Vec<u32>,
    all: RoaringBitmap,
    last: LastInserted,
}

/// A series in the table of labels. Half of the hash is kept, so that a table that grows need not visit all labels.
#[derive(Clone, Copy)]
struct Hashed {
    half: u32,
    id: u32,
}

impl Hashed {
    /// The hash for the table: all of its bits depend on the half that is kept.
    fn whole(&self) -> u64 {
        u64::from(self.half).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// Places in [`Index::postings`] by value.
type Values = HashMap<Box<str>, u32, RandomState>;

/// The series that was taken in last, and the place of the set of each of its labels.
#[derive(Default)]
struct LastInserted {
    labels: Labels,
    places: Vec<u32>,
}

impl Index {
    /// How many numbers are taken.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn labels(&self, id: SeriesId) -> Option<&Labels> {
        self.labels.get(id.0 as usize)?.as_ref()
    }

    /// Label sets from a number on.
    pub(crate) fn labels_from(&self, first: u32) -> Vec<Option<Labels>> {
        self.labels.get(first as usize..).unwrap_or_default().to_vec()
    }

    /// Takes all numbers below one, so that none of them is given to another series.
    pub(crate) fn reserve(&mut self, count: usize) {
        if self.labels.len() < count {
            self.labels.resize(count, None);
        }
    }

    /// Numbers of all series that have a name.
    pub(crate) fn all(&self) -> &RoaringBitmap {
        &self.all
    }

    /// How many these are.
    pub(crate) fn named(&self) -> u64 {
        self.all.len()
    }

    /// Forgets the names of some series; their numbers stay taken.
    pub(crate) fn forget(&mut self, ids: &RoaringBitmap) {
        self.last = LastInserted::default();
        for id in ids {
            let Some(labels) = self.labels.get_mut(id as usize).and_then(Option::take) else { continue };
            let hashed = self.hashed(&labels, id);
            if let Ok(entry) = self.by_labels.find_entry(hashed.whole(), |known| known.id == id) {
                entry.remove();
            }
        }
        self.all -= ids;
        let Self { names, postings, free, .. } = self;
        for values in names.values_mut() {
            values.retain(|_, place| {
                let left = postings[*place as usize].without(ids);
                if left == 0 {
                    postings[*place as usize] = Postings::default();
                    free.push(*place);
                }
                left > 0
            });
            values.shrink_to_fit();
        }
        names.retain(|_, values| !values.is_empty());
        let Self { by_labels, .. } = self;
        by_labels.shrink_to_fit(Hashed::whole);
    }

    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        let wanted = self.hashed(labels, 0);
        let is_it = |known: &Hashed| {
            known.half == wanted.half && self.labels[known.id as usize].as_ref() == Some(labels)
        };
        self.by_labels.find(wanted.whole(), is_it).map(|known| SeriesId(known.id))
    }

    fn hashed(&self, labels: &Labels, id: u32) -> Hashed {
        Hashed { half: self.hasher.hash_one(labels) as u32, id }
    }

    /// Takes in a series under its number; numbers skipped on the way stay taken and nameless.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: Labels) {
        self.insert_with(id, labels, Postings::insert);
    }

    /// The same for very many at once: nobody may read before [`Index::settle`].
    pub(crate) fn collect(&mut self, id: SeriesId, labels: Labels) {
        self.insert_with(id, labels, Postings::collect);
    }

    pub(crate) fn settle(&mut self) {
        self.postings.iter_mut().for_each(Postings::settle);
    }

    fn insert_with(&mut self, id: SeriesId, labels: Labels, add: impl Fn(&mut Postings, u32)) {
        let slot = id.0 as usize;
        self.reserve(slot + 1);
        if self.labels[slot].is_some() {
            return;
        }
        self.all.insert(id.0);
        let before = std::mem::take(&mut self.last);
        let mut known = before.labels.iter().zip(before.places);
        let mut places = Vec::with_capacity(labels.len());
        for pair in labels.iter() {
            let place = match known.next() {
                Some((same, place)) if same == pair => place,
                Some(_) | None => self.place(pair.0, pair.1),
            };
            add(&mut self.postings[place as usize], id.0);
            places.push(place);
        }
        self.last = LastInserted { labels: labels.clone(), places };
        let hashed = self.hashed(&labels, id.0);
        self.labels[slot] = Some(labels);
        let Self { labels, by_labels, .. } = self;
        let is_same = |known: &Hashed| known.half == hashed.half && labels[known.id as usize] == labels[slot];
        // Of two numbers with the same labels, which only damage brings about, the later one is found.
        match by_labels.find_mut(hashed.whole(), is_same) {
            Some(known) => *known = hashed,
            None => {
                by_labels.insert_unique(hashed.whole(), hashed, Hashed::whole);
            }
        }
    }

    /// Where the set of a label value is; it is made if there is none.
    fn place(&mut self, name: &str, value: &str) -> u32 {
        if !self.names.contains_key(name) {
            self.names.insert(name.into(), Values::with_hasher(self.hasher.clone()));
        }
        let values = self.names.get_mut(name).expect("inserted above");
        if let Some(place) = values.get(value) {
            return *place;
        }
        if let Some(place) = self.free.pop() {
            values.insert(value.into(), place);
            return place;
        }
        // Fits: there are at most as many sets as labels, whose numbers and sizes are bounded.
        let place = self.postings.len() as u32;
        values.insert(value.into(), place);
        self.postings.push(Postings::default());
        place
    }

    /// Numbers of the series that pass every matcher.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let (equal, others): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|m| m.op == MatchOp::Equal && !m.matches_empty());
        // Values that are there name their series; the rarest narrows the search at once.
        let mut found = None;
        if !equal.is_empty() {
            let sets: Option<Vec<&Postings>> = equal.iter().map(|m| self.with_value(m)).collect();
            let Some(mut sets) = sets else { return RoaringBitmap::new() };
            sets.sort_by_key(|set| set.len());
            let rarest = sets[0].to_bitmap();
            found = Some(sets[1..].iter().fold(rarest, |found, set| set.intersect(&found)));
        }
        // Matchers that a missing label fails name their series too; the rest only take some away.
        let (naming, removing): (Vec<_>, Vec<_>) = others.into_iter().partition(|m| !m.matches_empty());
        for matcher in naming {
            found = Some(match found {
                Some(found) if self.is_quicker_one_by_one(&found, matcher) => self.passing(&found, matcher),
                Some(found) => found & self.union(matcher, true),
                None => self.union(matcher, true),
            });
        }
        let mut found = found.unwrap_or_else(|| self.all.clone());
        for matcher in removing {
            if self.is_quicker_one_by_one(&found, matcher) {
                found = self.passing(&found, matcher);
            } else {
                found -= self.union(matcher, false);
            }
        }
        found
    }

    fn with_value(&self, matcher: &Matcher) -> Option<&Postings> {
        let place = self.names.get(matcher.name.as_str())?.get(matcher.value.as_str())?;
        self.postings.get(*place as usize)
    }

    /// Whether there are fewer series than values of the label, or so few that joining sets of series costs more.
    fn is_quicker_one_by_one(&self, found: &RoaringBitmap, matcher: &Matcher) -> bool {
        const FEW: u64 = 64;
        let values = self.names.get(matcher.name.as_str()).map_or(0, Values::len);
        found.len() <= FEW.max(values as u64 / 2)
    }

    fn passing(&self, ids: &RoaringBitmap, matcher: &Matcher) -> RoaringBitmap {
        let passes = |id: &u32| {
            let labels = self.labels.get(*id as usize).and_then(Option::as_ref);
            labels.is_some_and(|labels| matcher.matches(labels))
        };
        ids.iter().filter(passes).collect()
    }

    /// Series whose value of the matcher's label passes, or fails.
    fn union(&self, matcher: &Matcher, passing: bool) -> RoaringBitmap {
        let mut union = RoaringBitmap::new();
        for (value, place) in self.names.get(matcher.name.as_str()).into_iter().flatten() {
            if matcher.matches_value(value) == passing {
                self.postings[*place as usize].add_to(&mut union);
            }
        }
        union
    }

    /// Label names that occur among some series, sorted.
    pub(crate) fn names(&self, ids: &RoaringBitmap) -> Vec<String> {
        let occurs = |values: &Values| values.values().any(|place| self.occurs(*place, ids));
        let names = self.names.iter().filter(|(_, values)| occurs(values));
        sorted(names.map(|(name, _)| name.to_string()).collect())
    }

    /// Values of a label that occur among some series, sorted.
    pub(crate) fn values(&self, name: &str, ids: &RoaringBitmap) -> Vec<String> {
        let values = self.names.get(name).into_iter().flatten();
        let occurring = values.filter(|(_, place)| self.occurs(**place, ids));
        sorted(occurring.map(|(value, _)| value.to_string()).collect())
    }

    fn occurs(&self, place: u32, ids: &RoaringBitmap) -> bool {
        !self.postings[place as usize].is_disjoint(ids)
    }
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts
}
