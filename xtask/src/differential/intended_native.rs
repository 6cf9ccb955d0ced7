//! The differences from Prometheus 3.5 that are meant and are about native histograms; `docs/design/005` has the reasons
//! at length.

use super::case::{Case, Intended};
use super::compare::Aspect;
use super::vocabulary::NATIVE;

pub const INTENDED: [Intended; 5] = [
    Intended {
        name: "bounds in labels",
        reason: "the doubles nearest to the powers of two; Prometheus' table is off in the last place now and then",
        applies: |case| {
            is_about_histograms(case)
                && case.ask.query.contains("count_values")
                && case.difference.aspect == Aspect::Series
        },
    },
    Intended {
        name: "zero bucket below zero",
        reason: "a zero bucket that lost observations is shown as every other bucket is",
        applies: |case| case.difference.aspect == Aspect::ZeroBucket,
    },
    Intended {
        name: "rates of histograms that begin near zero",
        reason: "not extended to before zero, as of Prometheus 3.14, just as those of numbers",
        applies: |case| {
            let is_rate = ["rate(", "increase("].iter().any(|rate| case.ask.query.contains(rate));
            let begins_near_zero = case.ask.query.contains("native_gauge") || case.ask.query.contains(':');
            is_about_histograms(case) && is_rate && begins_near_zero
        },
    },
    Intended {
        name: "different custom bounds",
        reason: "added over the bounds that both have, as of Prometheus 3.14",
        applies: |case| {
            case.ask.query.contains("other_bounds_seconds") && case.ask.query.contains("_seconds")
        },
    },
    Intended {
        name: "changes of histograms",
        reason: "an empty bucket more is no change; in Prometheus it depends on where a chunk ends",
        applies: |case| is_about_histograms(case) && case.ask.query.contains("changes("),
    },
];

fn is_about_histograms(case: &Case<'_>) -> bool {
    NATIVE.iter().any(|(name, _)| case.ask.query.contains(name))
}
