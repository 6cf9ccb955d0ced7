//! Many lengths of time, and what share of them stays within which. Exact up to ten thousand; beyond that they are
//! counted in steps of 1.6%, as HDR histograms do (G. Tene), so that millions cost what thousands do.

use std::collections::BTreeMap;

use bellwether_model::TimeDelta;

/// So many are kept as they are.
const EXACT_MAX: usize = 10_000;
/// Steps between a power of two and the next: 64 steps are 1.6% apart.
const STEPS: i64 = 64;

/// Lengths of time, in milliseconds; negative ones count as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    exact: Vec<i64>,
    /// Lower end of each step and how many are in it; empty while all are exact.
    steps: BTreeMap<i64, u64>,
    count: u64,
}

impl Lengths {
    /// Adds one.
    pub fn add(&mut self, length: TimeDelta) {
        let ms = length.0.max(0);
        self.count += 1;
        if self.steps.is_empty() && self.exact.len() < EXACT_MAX {
            self.exact.push(ms);
            return;
        }
        for ms in std::mem::take(&mut self.exact).into_iter().chain([ms]) {
            *self.steps.entry(step_of(ms)).or_default() += 1;
        }
    }

    /// Adds those there are.
    pub fn extend(&mut self, lengths: impl IntoIterator<Item = TimeDelta>) {
        lengths.into_iter().for_each(|length| self.add(length));
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What a share of them stays within, by nearest rank: of 1, 2, 3, 4 half stay within 2. `None` of nothing.
    pub fn quantile(&self, share: f64) -> Option<TimeDelta> {
        if self.count == 0 {
            return None;
        }
        let rank = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).clamp(1, self.count);
        if self.steps.is_empty() {
            let mut sorted = self.exact.clone();
            let index = usize::try_from(rank - 1).ok()?;
            let (_, nth, _) = sorted.select_nth_unstable(index);
            return Some(TimeDelta(*nth));
        }
        let mut seen = 0;
        let found = self.steps.iter().find(|(_, count)| {
            seen += **count;
            seen >= rank
        });
        found.map(|(ms, _)| TimeDelta(*ms))
    }
}

/// The lower end of the step that a length falls into.
fn step_of(ms: i64) -> i64 {
    if ms < STEPS * 2 {
        return ms;
    }
    let width = 1_i64 << (ms.ilog2() - STEPS.ilog2());
    ms / width * width
}
