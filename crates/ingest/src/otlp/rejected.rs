//! Points that were not taken, how many, and why: what the protocol's partial success tells the sender.

use std::collections::BTreeMap;

/// Different reasons that are kept; of more, only the points are counted.
const REASONS_MAX: usize = 8;

/// Points that were not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    points: u64,
    reasons: BTreeMap<String, u64>,
    without_reason: u64,
}

impl Rejected {
    /// Takes note of points that were not taken.
    pub fn add(&mut self, points: u64, reason: impl Into<String>) {
        let reason = reason.into();
        self.points += points;
        if self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&reason) {
            *self.reasons.entry(reason).or_default() += points;
        } else {
            self.without_reason += points;
        }
    }

    /// Takes note of what somebody else did not take.
    pub fn extend(&mut self, other: &Self) {
        for (reason, points) in &other.reasons {
            self.add(*points, reason.as_str());
        }
        self.points += other.without_reason;
        self.without_reason += other.without_reason;
    }

    /// How many.
    pub const fn points(&self) -> u64 {
        self.points
    }

    /// Whether anything was said at all: a metric without points is, too.
    pub fn is_empty(&self) -> bool {
        self.reasons.is_empty()
    }

    /// One sentence for all reasons, with how many points each was given for.
    pub fn message(&self) -> String {
        let part = |(reason, points): (&String, &u64)| match points {
            0 => reason.clone(), // a warning
            points => format!("{reason} ({points})"),
        };
        let mut parts: Vec<String> = self.reasons.iter().map(part).collect();
        if self.without_reason > 0 {
            parts.push(format!("other reasons ({})", self.without_reason));
        }
        parts.join("; ")
    }
}
