//! The differences from Prometheus 3.5 that are meant, each with its reason. The list is short on purpose;
//! `docs/promql.md` explains each entry to those who write queries.

use super::ask::Ask;
use super::compare::{Aspect, Difference};
use super::intended_native;

/// A difference that is meant.
pub struct Intended {
    pub name: &'static str,
    pub reason: &'static str,
    pub applies: fn(&Case<'_>) -> bool,
}

/// A disagreement.
pub struct Case<'a> {
    pub ask: &'a Ask,
    pub difference: &'a Difference,
}

const INTENDED: [Intended; 5] = [
    Intended {
        name: "dates of what is no moment",
        reason: "NaN, infinities and beyond 64 bits of seconds give NaN; Prometheus gives what its processor makes of them",
        applies: |case| {
            const DATES: [&str; 8] = [
                "minute(",
                "hour(",
                "day_of_week(",
                "day_of_month(",
                "day_of_year(",
                "days_in_month(",
                "month(",
                "year(",
            ];
            DATES.iter().any(|date| case.ask.query.contains(date))
        },
    },
    Intended {
        name: "mad_over_time of NaN",
        reason: "NaN as of Prometheus 3.14: a sample that is no number leaves the median undefined",
        applies: |case| case.ask.query.contains("mad_over_time("),
    },
    Intended {
        name: "info()",
        reason: "matches information at the evaluated moment as of Prometheus 3.14",
        applies: |case| case.ask.query.contains("info("),
    },
    Intended {
        name: "several matches of a comparison",
        reason: "refused before the comparison filters, as of Prometheus 3.14, so that it does not depend on the values",
        applies: |case| case.difference.detail.contains("many-to-one matching must be explicit"),
    },
    Intended {
        name: "remarks",
        reason: "warnings and infos are worded and placed as of Prometheus 3.14",
        applies: |case| matches!(case.difference.aspect, Aspect::Warnings | Aspect::Infos),
    },
];

/// The entry that explains a difference.
pub fn explanation(case: &Case<'_>) -> Option<&'static Intended> {
    INTENDED.iter().chain(&intended_native::INTENDED).find(|intended| (intended.applies)(case))
}
