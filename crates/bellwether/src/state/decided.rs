//! What one decision leaves to be written down.

use bellwether_alerts::Record;
use bellwether_rules::RuleChange;
use bellwether_slo::Correction;

/// What one decision leaves to be written down, in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Decided {
    /// Of alerts, silences and deliveries.
    pub records: Vec<Record>,
    /// What rules must not forget, the latest of each rule last.
    pub rules: Vec<RuleChange>,
    /// Corrections as they are from now on.
    pub corrections: Vec<Correction>,
}

impl Decided {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rules.is_empty() && self.corrections.is_empty()
    }

    /// Adds what was decided after it.
    pub fn append(&mut self, more: Self) {
        self.records.extend(more.records);
        self.rules.extend(more.rules);
        self.corrections.extend(more.corrections);
    }

    /// Keeps the latest so many of each, and lets the oldest go.
    pub fn keep_latest(&mut self, most: usize) {
        fn keep_last<T>(all: &mut Vec<T>, most: usize) {
            all.drain(..all.len().saturating_sub(most));
        }
        keep_last(&mut self.records, most);
        keep_last(&mut self.rules, most);
        keep_last(&mut self.corrections, most);
    }
}
