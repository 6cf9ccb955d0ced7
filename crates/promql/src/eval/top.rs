//! The first so many of some values, by size: what `topk` and `bottomk` keep at one step.
//!
//! A heap with the worst of the kept at its root, which gives way only to a better one. Which of several equal values
//! stay follows from the order in which they come and from the textbook's heap; Prometheus has the same, so the same
//! series are chosen.

use std::cmp::Ordering;

/// Keeps the best of the values it is given, each with its series' place.
pub(super) struct Top {
    is_largest: bool,
    count: usize,
    kept: Vec<(f64, usize)>,
}

impl Top {
    /// For the largest or the smallest values; NaN is worse than any number.
    pub(super) fn new(is_largest: bool) -> Self {
        Self { is_largest, count: 0, kept: Vec::new() }
    }

    /// Starts anew, for so many values.
    pub(super) fn begin(&mut self, count: usize) {
        self.count = count;
        self.kept.clear();
    }

    pub(super) fn push(&mut self, value: f64, place: usize) {
        if self.kept.len() < self.count {
            self.kept.push((value, place));
            self.rise(self.kept.len() - 1);
            return;
        }
        let Some(root) = self.kept.first_mut() else { return };
        let is_better = if self.is_largest { root.0 < value } else { root.0 > value };
        if is_better || (root.0.is_nan() && !value.is_nan()) {
            *root = (value, place);
            self.sink();
        }
    }

    /// What was kept, the best first.
    pub(super) fn sorted(&mut self) -> impl Iterator<Item = usize> + '_ {
        let is_largest = self.is_largest;
        self.kept.sort_by(|(a, _), (b, _)| {
            let better = if is_largest { b.partial_cmp(a) } else { a.partial_cmp(b) };
            better.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        self.places()
    }

    /// What was kept, in no particular order.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.kept.iter().map(|(_, place)| *place)
    }

    fn is_worse(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.kept[a].0, self.kept[b].0);
        let order = if self.is_largest { a.partial_cmp(&b) } else { b.partial_cmp(&a) };
        a.is_nan() || order == Some(Ordering::Less)
    }

    /// Moves the last one up to where nothing worse is below it.
    fn rise(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / 2;
            if !self.is_worse(index, parent) {
                return;
            }
            self.kept.swap(index, parent);
            index = parent;
        }
    }

    /// Moves the root down to where it is worse than what is below it.
    fn sink(&mut self) {
        let mut index = 0;
        loop {
            let (left, right) = (2 * index + 1, 2 * index + 2);
            if left >= self.kept.len() {
                return;
            }
            let child = if right < self.kept.len() && self.is_worse(right, left) { right } else { left };
            if !self.is_worse(child, index) {
                return;
            }
            self.kept.swap(index, child);
            index = child;
        }
    }
}
