//! Which series there are and how to find them: labels by number, number by labels, and for each label value the
//! set of series that have it.

use std::collections::{BTreeMap, HashMap};

use bellwether_model::{Labels, MatchOp, Matcher, SeriesId};
use roaring::RoaringBitmap;

/// All series ever created. Invariant: `labels[i]` is `None` only for a number whose record was lost to damage.
#[derive(Default)]
pub(crate) struct Index {
    labels: Vec<Option<Labels>>,
    by_labels: HashMap<Labels, SeriesId>,
    postings: BTreeMap<Box<str>, BTreeMap<Box<str>, RoaringBitmap>>,
    all: RoaringBitmap,
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

    pub(crate) fn find(&self, labels: &Labels) -> Option<SeriesId> {
        self.by_labels.get(labels).copied()
    }

    /// Takes in a series under its number; numbers skipped on the way stay taken and nameless.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: Labels) {
        let slot = id.0 as usize;
        if self.labels.len() <= slot {
            self.labels.resize(slot + 1, None);
        }
        if self.labels[slot].is_some() {
            return;
        }
        self.all.insert(id.0);
        for (name, value) in labels.iter() {
            self.posting(name, value).insert(id.0);
        }
        self.labels[slot] = Some(labels.clone());
        self.by_labels.insert(labels, id);
    }

    /// The set for one label value, without making a key when there is one already.
    fn posting(&mut self, name: &str, value: &str) -> &mut RoaringBitmap {
        if !self.postings.contains_key(name) {
            self.postings.insert(name.into(), BTreeMap::new());
        }
        let values = self.postings.get_mut(name).expect("inserted above");
        if !values.contains_key(value) {
            values.insert(value.into(), RoaringBitmap::new());
        }
        values.get_mut(value).expect("inserted above")
    }

    /// Numbers of the series that pass every matcher.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> RoaringBitmap {
        let (equal, others): (Vec<_>, Vec<_>) =
            matchers.iter().partition(|m| m.op == MatchOp::Equal && !m.matches_empty());
        // Values that are there name their series; the rarest narrows the search at once.
        let mut found = None;
        if !equal.is_empty() {
            let sets: Option<Vec<&RoaringBitmap>> = equal.iter().map(|m| self.with_value(m)).collect();
            let Some(mut sets) = sets else { return RoaringBitmap::new() };
            sets.sort_by_key(|set| set.len());
            let (rarest, rest) = (sets[0], &sets[1..]);
            found = Some(match rest.first() {
                None => rarest.clone(),
                Some(second) => rest[1..].iter().fold(rarest & *second, |found, set| found & *set),
            });
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

    fn with_value(&self, matcher: &Matcher) -> Option<&RoaringBitmap> {
        self.postings.get(matcher.name.as_str())?.get(matcher.value.as_str())
    }

    /// Whether there are fewer series than values of the label, or so few that joining sets of series costs more.
    fn is_quicker_one_by_one(&self, found: &RoaringBitmap, matcher: &Matcher) -> bool {
        const FEW: u64 = 64;
        let values = self.postings.get(matcher.name.as_str()).map_or(0, BTreeMap::len);
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
        let Some(values) = self.postings.get(matcher.name.as_str()) else { return RoaringBitmap::new() };
        let mut union = RoaringBitmap::new();
        for (value, ids) in values {
            if matcher.matches_value(value) == passing {
                union |= ids;
            }
        }
        union
    }

    /// Label names that occur among some series, sorted.
    pub(crate) fn names(&self, ids: &RoaringBitmap) -> Vec<String> {
        let occurs =
            |values: &BTreeMap<Box<str>, RoaringBitmap>| values.values().any(|set| !set.is_disjoint(ids));
        self.postings.iter().filter(|(_, values)| occurs(values)).map(|(name, _)| name.to_string()).collect()
    }

    /// Values of a label that occur among some series, sorted.
    pub(crate) fn values(&self, name: &str, ids: &RoaringBitmap) -> Vec<String> {
        let values = self.postings.get(name).into_iter().flatten();
        values.filter(|(_, set)| !set.is_disjoint(ids)).map(|(value, _)| value.to_string()).collect()
    }
}
