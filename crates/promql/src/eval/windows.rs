//! Where the windows of a range lie: left-open, right-closed, one for each step.

use super::column::Grid;
use super::range_function::Context;
use crate::syntax::Edges;

/// Where the windows of a range lie.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    /// The end of the first window.
    pub(super) first: i64,
    /// Distance of two windows; zero under `@`.
    pub(super) step: i64,
    /// How long each one is.
    pub(super) length: i64,
    /// How values at their edges are found.
    pub(super) edges: Edges,
    /// How far beyond the edges samples are looked for, unless edges are plain.
    pub(super) lookback: i64,
}

/// How far a window's function reads beyond it.
pub(super) struct Beyond {
    pub(super) left: i64,
    pub(super) right: i64,
}

impl Windows {
    pub(super) fn end(&self, index: usize) -> i64 {
        self.first.saturating_add(self.step.saturating_mul(index as i64))
    }

    pub(super) fn context(&self, index: usize, grid: Grid, parameters: &[Vec<f64>]) -> Context {
        Context {
            start: self.start(index),
            end: self.end(index),
            now: grid.time(index),
            parameters: [0, 1].map(|n| parameters.get(n).map_or(f64::NAN, |values| values[index])),
        }
    }

    /// The open edge of a window.
    pub(super) fn start(&self, index: usize) -> i64 {
        self.end(index).saturating_sub(self.length)
    }

    /// Whether all windows are the same one.
    pub(super) fn is_fixed(&self) -> bool {
        self.step == 0
    }

    /// The moments between which a window's function reads, the first one left out.
    pub(super) fn reach(&self, index: usize) -> (i64, i64) {
        let (beyond, end) = (self.beyond(), self.end(index));
        let start = end.saturating_sub(self.length);
        (start.saturating_sub(beyond.left), end.saturating_add(beyond.right))
    }

    pub(super) fn beyond(&self) -> Beyond {
        match self.edges {
            Edges::Plain => Beyond { left: 0, right: 0 },
            Edges::Anchored => Beyond { left: self.lookback, right: 0 },
            Edges::Smoothed => Beyond { left: self.lookback, right: self.lookback },
        }
    }
}
