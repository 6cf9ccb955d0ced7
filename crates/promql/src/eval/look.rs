//! What an instant selector looks at, and what it takes.

use super::column::Grid;

/// What a slot takes from the sample found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Take {
    Value,
    /// Its time in seconds, for `timestamp()`.
    Time,
    /// The same, of samples that must be numbers, for info metrics.
    TimeOfNumber,
}

/// The moments a selector looks at.
#[derive(Clone, Copy)]
pub(super) struct Looked {
    /// One moment per step.
    pub(super) grid: Grid,
    /// Whether the first moment stands for all steps.
    pub(super) is_fixed: bool,
}
