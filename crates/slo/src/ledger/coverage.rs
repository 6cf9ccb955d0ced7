//! How many of a stream's targets were measured, slot by slot.
//!
//! It hardly ever changes, so it is kept as runs of equal slots: a stream whose targets all answer is one run.

/// Coverage of the recent slots. Invariant: `runs` is never empty and ascending; each run lasts until the next one
/// starts, the last one for ever.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coverage {
    runs: Vec<Run>,
    /// First slot of which something has changed since [`Coverage::is_settled`]; not kept over a restart.
    changed_from: i64,
}

/// Slots that are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    /// First slot.
    pub(crate) start: i64,
    /// Targets that were measured.
    pub(crate) measured: u32,
    /// Targets that should have been.
    pub(crate) contributing: u32,
}

/// Slots `from ..= to`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Coverage {
    /// No target at all.
    pub(crate) fn new() -> Self {
        Self { runs: vec![Run { start: i64::MIN, measured: 0, contributing: 0 }], changed_from: i64::MAX }
    }

    /// One more target measured in these slots.
    pub(crate) fn mark(&mut self, slots: Slots) {
        self.adjust(slots, |run| run.measured = run.measured.saturating_add(1));
    }

    /// One target less measured in these slots.
    pub(crate) fn unmark(&mut self, slots: Slots) {
        self.adjust(slots, |run| run.measured = run.measured.saturating_sub(1));
    }

    /// One more target expected from a slot on.
    pub(crate) fn join(&mut self, from: i64) {
        self.adjust(Slots { from, to: i64::MAX }, |run| {
            run.contributing = run.contributing.saturating_add(1)
        });
    }

    /// One target less expected from a slot on.
    pub(crate) fn leave(&mut self, from: i64) {
        self.adjust(Slots { from, to: i64::MAX }, |run| {
            run.contributing = run.contributing.saturating_sub(1)
        });
    }

    /// First slot of which something has changed.
    pub(crate) fn changed_from(&self) -> i64 {
        self.changed_from
    }

    /// All changes have been looked at.
    pub(crate) fn is_settled(&mut self) {
        self.changed_from = i64::MAX;
    }

    /// These slots become what they are in another coverage.
    pub(crate) fn copy(&mut self, other: &Self, slots: Slots) {
        let first = other.runs.partition_point(|run| run.start <= slots.from).saturating_sub(1);
        for (index, run) in
            other.runs.iter().enumerate().skip(first).take_while(|(_, run)| run.start <= slots.to)
        {
            let end = other.runs.get(index + 1).map_or(i64::MAX, |next| next.start - 1);
            let part = Slots { from: run.start.max(slots.from), to: end.min(slots.to) };
            self.adjust(part, |own| (own.measured, own.contributing) = (run.measured, run.contributing));
        }
    }

    /// Measured time of these slots.
    pub(crate) fn measured_ms(&self, slots: Slots, slot_ms: i64) -> i64 {
        let mut sum = 0;
        let mut end = slots.to;
        for run in self.runs.iter().rev() {
            if end < slots.from {
                break;
            }
            let start = run.start.max(slots.from);
            if start <= end {
                sum += (end - start + 1) * run.slot_measured_ms(slot_ms);
                end = start - 1;
            }
        }
        sum
    }

    /// Forgets everything before a slot.
    pub(crate) fn forget_before(&mut self, slot: i64) {
        let first = self.runs.partition_point(|run| run.start <= slot).saturating_sub(1);
        self.runs.drain(..first);
        self.runs[0].start = self.runs[0].start.max(slot);
    }

    fn adjust(&mut self, slots: Slots, change: impl Fn(&mut Run)) {
        if slots.to < slots.from {
            return;
        }
        self.changed_from = self.changed_from.min(slots.from);
        let first = self.split(slots.from);
        let end = if slots.to == i64::MAX { self.runs.len() } else { self.split(slots.to + 1) };
        self.runs[first..end.max(first)].iter_mut().for_each(change);
        self.runs.dedup_by(|b, a| a.measured == b.measured && a.contributing == b.contributing);
    }

    /// The index of the run that starts at a slot, making one if there is none.
    fn split(&mut self, at: i64) -> usize {
        let index = self.runs.partition_point(|run| run.start < at);
        match self.runs.get(index) {
            Some(run) if run.start == at || index == 0 => index,
            _ => {
                let before = self.runs[index - 1];
                self.runs.insert(index, Run { start: at, ..before });
                index
            }
        }
    }

    /// The runs, for the checkpoint.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// From the runs of a checkpoint; `None` when they are not in order.
    pub(crate) fn from_runs(runs: Vec<Run>) -> Option<Self> {
        let sorted = runs.windows(2).all(|w| w[0].start < w[1].start);
        (!runs.is_empty() && sorted).then_some(Self { runs, changed_from: i64::MAX })
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }
}

impl Run {
    fn slot_measured_ms(&self, slot_ms: i64) -> i64 {
        match self.contributing {
            0 => 0,
            all => slot_ms * i64::from(self.measured.min(all)) / i64::from(all),
        }
    }
}
