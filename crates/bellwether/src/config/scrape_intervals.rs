//! How often an objective's counters are scraped, as far as the configuration says: the shortest windows of default
//! alerts follow from it.

use std::collections::BTreeMap;

use bellwether_model::{MatchOp, TimeDelta};
use bellwether_slo::Slo;

use super::prometheus::PrometheusConfig;

/// The interval of each job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScrapeIntervals {
    by_job: BTreeMap<String, TimeDelta>,
}

impl ScrapeIntervals {
    /// Of every job of a configuration.
    pub fn of(config: &PrometheusConfig) -> Self {
        Self { by_job: config.jobs.iter().map(|job| (job.name.clone(), job.interval)).collect() }
    }

    /// That of the jobs which an objective's selectors name; the longest of all where one names none. `None` without
    /// jobs.
    pub fn of_slo(&self, slo: &Slo) -> Option<TimeDelta> {
        let longest = self.by_job.values().copied().max()?;
        let selectors = slo.indicator.selectors();
        let intervals = selectors.iter().map(|selector| {
            let job = selector.matchers.iter().find(|m| m.name == "job" && m.op == MatchOp::Equal);
            job.and_then(|job| self.by_job.get(&job.value)).copied().unwrap_or(longest)
        });
        Some(intervals.max().unwrap_or(longest))
    }

    /// The objective with its default alerts as they are at its interval.
    pub fn fit(&self, slo: Slo) -> Slo {
        match self.of_slo(&slo) {
            Some(interval) => bellwether_slo::fit_to_scrape(slo, interval),
            None => slo,
        }
    }
}
