//! A past for a service that has just started, so that a demonstration need not wait a day for its first budget.
//!
//! The calls are made to a real [`MovieGuru`], which is then handed on: the counters a scraper sees next continue
//! the ones it finds in its store.

use bellwether_model::{Labels, TimeDelta, TimeRange, Timestamp};

use crate::workshop::{CallRates, Endpoint, MovieGuru, Phase, Sampler};

/// Which past to write.
#[derive(Clone, Debug)]
pub struct HistoryPlan {
    /// How the service behaves in it.
    pub phase: Phase,
    /// How often it is called.
    pub rates: CallRates,
    /// From the first snapshot, where nothing has been counted yet, to the last.
    pub range: TimeRange,
    /// Time between snapshots.
    pub step: TimeDelta,
}

/// Writes a past, one snapshot of all exposed series at a time.
#[derive(Clone, Debug)]
pub struct History {
    plan: HistoryPlan,
    guru: MovieGuru,
    sampler: Sampler,
    series: Vec<Labels>,
    next: Timestamp,
    calls_made: [u64; 8],
}

impl History {
    /// A past whose chances come from `sampler`. Panics if the plan's step is not positive.
    pub fn new(plan: HistoryPlan, sampler: Sampler) -> Self {
        assert!(plan.step > TimeDelta::ZERO, "snapshots need a positive step");
        let guru = MovieGuru::new(plan.phase.clone());
        let (series, next) = (guru.series(), plan.range.start);
        Self { plan, guru, sampler, series, next, calls_made: [0; 8] }
    }

    /// Lives the rest of the past and hands on the service that has counted it, with the source of its chances.
    pub fn into_present(mut self) -> (MovieGuru, Sampler) {
        while self.advance().is_some() {}
        (self.guru, self.sampler)
    }

    /// Makes the calls up to the next snapshot.
    fn advance(&mut self) -> Option<Timestamp> {
        let at = self.next;
        if at > self.plan.range.end {
            return None;
        }
        let elapsed_s = (at - self.plan.range.start).as_secs_f64();
        for (index, endpoint) in Endpoint::ALL.into_iter().enumerate() {
            // A hair more than the product, so that 0.1 x 30 s are 3 calls although floats say 2.9999.
            let due = (self.plan.rates.0[index] * elapsed_s + 1e-6) as u64;
            for _ in self.calls_made[index]..due {
                self.guru.call(endpoint, &mut self.sampler);
            }
            self.calls_made[index] = due;
        }
        self.next = at.saturating_add(self.plan.step);
        Some(at)
    }
}

impl Iterator for History {
    type Item = (Timestamp, Vec<(Labels, f64)>);

    fn next(&mut self) -> Option<Self::Item> {
        let at = self.advance()?;
        Some((at, self.series.iter().cloned().zip(self.guru.values()).collect()))
    }
}
