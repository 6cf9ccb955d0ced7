//! Where the state of a series is, by the series' number. Numbers are never given twice, so room is made page by page, and
//! pages of series that are gone take none.

use bellwether_model::SeriesId;

use crate::ledger::NONE;

/// Numbers in a page. Series that are born together mostly go together.
const PAGE: usize = 256;

/// Positions by series number.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SourceIndex(Vec<Option<Box<[u32; PAGE]>>>);

impl SourceIndex {
    pub(crate) fn get(&self, id: SeriesId) -> Option<u32> {
        let page = self.0.get(id.0 as usize / PAGE)?.as_ref()?;
        Some(page[id.0 as usize % PAGE]).filter(|position| *position != NONE)
    }

    pub(crate) fn set(&mut self, id: SeriesId, position: u32) {
        let page = id.0 as usize / PAGE;
        if self.0.len() <= page {
            self.0.resize_with(page + 1, || None);
        }
        self.0[page].get_or_insert_with(|| Box::new([NONE; PAGE]))[id.0 as usize % PAGE] = position;
    }

    pub(crate) fn clear(&mut self) {
        self.0.iter_mut().for_each(|page| *page = None);
    }
}
