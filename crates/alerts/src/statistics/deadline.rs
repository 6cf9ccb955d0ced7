//! How soon somebody should take an alert: minutes for what wakes people, never for what only informs.

use std::collections::BTreeMap;

use bellwether_model::TimeDelta;

/// By severity; a severity without one has no deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AckDeadlines(BTreeMap<String, TimeDelta>);

impl Default for AckDeadlines {
    /// Five minutes for what needs an answer at once, half an hour for what needs attention.
    fn default() -> Self {
        let (now, soon) = (TimeDelta::MINUTE * 5, TimeDelta::MINUTE * 30);
        let usual = [("critical", now), ("page", now), ("warning", soon)];
        Self(usual.into_iter().map(|(severity, deadline)| (severity.to_owned(), deadline)).collect())
    }
}

impl AckDeadlines {
    /// Sets one; zero means that there is none.
    pub fn set(&mut self, severity: &str, deadline: TimeDelta) {
        match deadline.0 > 0 {
            true => _ = self.0.insert(severity.to_owned(), deadline),
            false => _ = self.0.remove(severity),
        }
    }

    /// Of a severity.
    pub fn of(&self, severity: &str) -> Option<TimeDelta> {
        self.0.get(severity).copied()
    }
}
