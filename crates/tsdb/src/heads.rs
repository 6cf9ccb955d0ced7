//! The heads of all series by their numbers, in pages: numbers are never given twice, so series that are forgotten would
//! otherwise leave room behind for ever.

use std::ops::{Index, IndexMut};

use roaring::RoaringBitmap;

use crate::head::SeriesHead;

/// Heads in a page. Series that are born together mostly go together.
const PAGE: usize = 64;

type Page = Box<[SeriesHead; PAGE]>;

/// A head for every number below a bound; one that never had an entry takes no room if its neighbours had none either.
#[derive(Default)]
pub(crate) struct Heads {
    pages: Vec<Option<Page>>,
    len: usize,
    /// Stands for every head of a page that is not there.
    none: SeriesHead,
}

impl Heads {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Makes room for so many numbers.
    pub(crate) fn grow(&mut self, len: usize) {
        self.len = self.len.max(len);
        self.pages.resize_with(self.len.div_ceil(PAGE), || None);
    }

    pub(crate) fn get(&self, place: usize) -> Option<&SeriesHead> {
        (place < self.len).then(|| &self[place])
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut SeriesHead> {
        (place < self.len).then(|| &mut self[place])
    }

    /// All of them in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &SeriesHead> {
        (0..self.len).map(|place| &self[place])
    }

    /// Those that take room.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut SeriesHead> {
        self.pages.iter_mut().flatten().flat_map(|page| page.iter_mut())
    }

    /// Empties some heads, and frees pages in which nothing is left.
    pub(crate) fn clear(&mut self, ids: &RoaringBitmap) {
        let mut touched = RoaringBitmap::new();
        for id in ids {
            if let Some(Some(page)) = self.pages.get_mut(id as usize / PAGE) {
                page[id as usize % PAGE] = SeriesHead::default();
                touched.insert(id / PAGE as u32);
            }
        }
        for page in touched {
            let page = &mut self.pages[page as usize];
            if page.as_ref().is_some_and(|heads| heads.iter().all(SeriesHead::is_new)) {
                *page = None;
            }
        }
    }

    /// Bytes of all pages.
    pub(crate) fn page_bytes(&self) -> usize {
        let page = size_of::<[SeriesHead; PAGE]>();
        self.pages.len() * size_of::<Option<Page>>() + self.pages.iter().flatten().count() * page
    }
}

impl Index<usize> for Heads {
    type Output = SeriesHead;

    fn index(&self, place: usize) -> &SeriesHead {
        assert!(place < self.len, "no such series");
        self.pages[place / PAGE].as_ref().map_or(&self.none, |page| &page[place % PAGE])
    }
}

impl IndexMut<usize> for Heads {
    fn index_mut(&mut self, place: usize) -> &mut SeriesHead {
        assert!(place < self.len, "no such series");
        let page = &mut self.pages[place / PAGE];
        &mut page.get_or_insert_with(|| Box::new(std::array::from_fn(|_| SeriesHead::default())))
            [place % PAGE]
    }
}
