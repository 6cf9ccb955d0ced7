//! Which stretch of time the samples lie in that no segment has yet. Whoever seals decides by it when that is due: a
//! sender that catches up on a month brings hours of samples in a second, and the clock says nothing of them.

use bellwether_model::{TimeRange, Timestamp};

/// From the earliest to the latest sample in the head; a little too wide where late ones were refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unsealed(pub(crate) Option<TimeRange>);

impl Unsealed {
    pub(crate) fn add(&mut self, times: impl Iterator<Item = Timestamp>) {
        for at in times {
            match &mut self.0 {
                Some(range) => (range.start, range.end) = (range.start.min(at), range.end.max(at)),
                None => self.0 = Some(TimeRange::new(at, at)),
            }
        }
    }

    /// Takes in what another one knows.
    pub(crate) fn join(&mut self, other: Self) {
        self.add(other.0.into_iter().flat_map(|range| [range.start, range.end]));
    }

    /// What is left once all before a moment is in segments.
    pub(crate) fn since(self, moment: Timestamp) -> Self {
        let rest = self.0.filter(|range| range.end >= moment);
        Self(rest.map(|range| TimeRange::new(range.start.max(moment), range.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_grows_with_what_comes_and_shrinks_with_what_is_sealed() {
        let mut unsealed = Unsealed::default();
        unsealed.add([5, 2, 9].map(Timestamp).into_iter());
        let range = |unsealed: Unsealed| unsealed.0.map(|range| (range.start.0, range.end.0));
        assert_eq!(range(unsealed), Some((2, 9)));
        assert_eq!(range(unsealed.since(Timestamp(4))), Some((4, 9)));
        assert_eq!(range(unsealed.since(Timestamp(10))), None);
        let mut later = unsealed.since(Timestamp(4));
        later.join(Unsealed(Some(TimeRange::new(Timestamp(1), Timestamp(1)))));
        assert_eq!(range(later), Some((1, 9)));
    }
}
