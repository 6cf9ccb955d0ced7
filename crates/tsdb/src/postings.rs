//! The numbers of the series that have one label value. Most values of a label such as `pod` name a few series, for
//! which a compressed set would be all bookkeeping; few values name very many.

use roaring::RoaringBitmap;

/// Numbers kept as a plain list at most.
const FEW_MAX: usize = 32;

/// A set of numbers.
#[derive(Clone, Debug)]
pub(crate) enum Postings {
    /// In ascending order.
    Few(Vec<u32>),
    Many(RoaringBitmap),
}

impl Default for Postings {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Postings {
    /// Adds a number, mostly one higher than any before.
    pub(crate) fn insert(&mut self, id: u32) {
        match self {
            Self::Few(_) => {
                self.collect(id);
                self.settle();
            }
            Self::Many(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Adds a number without looking at how many there are; [`Postings::settle`] must follow before the next reader.
    pub(crate) fn collect(&mut self, id: u32) {
        match self {
            Self::Few(ids) if ids.last().is_some_and(|last| *last >= id) => {
                if let Err(place) = ids.binary_search(&id) {
                    ids.insert(place, id);
                }
            }
            Self::Few(ids) => {
                if ids.len() == ids.capacity() {
                    // Doubling from four would leave most lists half empty.
                    let more = if ids.len() < FEW_MAX { ids.len().div_ceil(2).max(1) } else { ids.len() };
                    ids.reserve_exact(more);
                }
                ids.push(id);
            }
            Self::Many(ids) => {
                ids.insert(id);
            }
        }
    }

    /// Turns a long list into a compressed set.
    pub(crate) fn settle(&mut self) {
        if let Self::Few(ids) = self
            && ids.len() > FEW_MAX
        {
            // In order, so that nothing need be searched; were they not, one by one will do.
            let set = RoaringBitmap::from_sorted_iter(ids.iter().copied());
            *self = Self::Many(set.unwrap_or_else(|_| ids.iter().copied().collect()));
        }
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Few(ids) => ids.len() as u64,
            Self::Many(ids) => ids.len(),
        }
    }

    /// Takes numbers out; gives how many are left.
    pub(crate) fn without(&mut self, ids: &RoaringBitmap) -> u64 {
        match self {
            Self::Few(own) => {
                own.retain(|id| !ids.contains(*id));
            }
            Self::Many(own) => *own -= ids,
        }
        self.len()
    }

    pub(crate) fn is_disjoint(&self, others: &RoaringBitmap) -> bool {
        match self {
            Self::Few(ids) => !ids.iter().any(|id| others.contains(*id)),
            Self::Many(ids) => ids.is_disjoint(others),
        }
    }

    /// All numbers.
    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        match self {
            Self::Few(ids) => ids.iter().copied().collect(),
            Self::Many(ids) => ids.clone(),
        }
    }

    /// Those that are in another set too.
    pub(crate) fn intersect(&self, others: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Self::Few(ids) => ids.iter().copied().filter(|id| others.contains(*id)).collect(),
            Self::Many(ids) => ids & others,
        }
    }

    /// Adds all numbers to a set.
    pub(crate) fn add_to(&self, others: &mut RoaringBitmap) {
        match self {
            Self::Few(ids) => others.extend(ids.iter().copied()),
            Self::Many(ids) => *others |= ids,
        }
    }
}
