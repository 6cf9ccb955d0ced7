//! Long lists in pages: which rows this page shows, and the links to its neighbours.

use std::ops::Range;

use maud::{Markup, html};

/// Which part of a list is shown.
pub(crate) struct Pages {
    /// From zero.
    page: usize,
    rows: usize,
    per_page: usize,
}

impl Pages {
    /// The page that an address asks for, from one; what is no number, or beyond the end, asks for the nearest there is.
    pub(crate) fn of(text: &str, rows: usize, per_page: usize) -> Self {
        let last = rows.div_ceil(per_page).saturating_sub(1);
        let page = text.parse::<usize>().unwrap_or(1).saturating_sub(1).min(last);
        Self { page, rows, per_page }
    }

    pub(crate) fn range(&self) -> Range<usize> {
        let start = (self.page * self.per_page).min(self.rows);
        start..(start + self.per_page).min(self.rows)
    }

    /// Nothing when all is shown.
    pub(crate) fn links(&self, href: impl Fn(String) -> String) -> Markup {
        let Range { start, end } = self.range();
        if self.rows <= self.per_page {
            return html! {};
        }
        html! {
            nav.pager aria-label="Pages of this list" {
                @if start > 0 { a.btn rel="prev" href=(href(self.page.to_string())) { "Previous" } }
                span.dim { (start + 1) " to " (end) " of " (self.rows) }
                @if end < self.rows { a.btn rel="next" href=(href((self.page + 2).to_string())) { "Next" } }
            }
        }
    }
}
