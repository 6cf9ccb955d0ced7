//! The differences from Prometheus that are meant, each with its reason. The list is short on purpose, and an entry
//! applies only where what it speaks of can have made the difference; `docs/promql.md` explains those that those who
//! write queries meet. Ours is the language of Prometheus 3.14, so most entries are about what 3.5 did before.

use bellwether_promql::{AggregateOp, Function};

use super::case::{Case, Intended};
use super::compare::Aspect;
use super::intended_native;
use super::question::{Question, numbers};

const DATES: [Function; 8] = [
    Function::Minute,
    Function::Hour,
    Function::DayOfWeek,
    Function::DayOfMonth,
    Function::DayOfYear,
    Function::DaysInMonth,
    Function::Month,
    Function::Year,
];

const INTENDED: [Intended; 16] = [
    Intended {
        name: "dates of what is no moment",
        reason: "NaN, infinities and beyond 64 bits of seconds give NaN; Prometheus gives what its processor makes of them",
        applies: |case| case.is_nan_of(&DATES, true),
    },
    Intended {
        name: "mad_over_time of NaN",
        reason: "NaN as of 3.14: a sample that is no number leaves the median undefined",
        applies: |case| case.is_nan_of(&[Function::MadOverTime], true),
    },
    Intended {
        name: "histogram_fraction within the outermost classic buckets",
        reason: "a number as of 3.14: the first bucket begins at zero or holds all it has",
        applies: |case| case.is_nan_of(&[Function::HistogramFraction], false),
    },
    Intended {
        name: "info()",
        reason: "information is found by the labels and at the moment of the base, as of 3.14; before by its place in the list",
        applies: |case| {
            let is_possible = case.is_about_results() || case.difference.aspect == Aspect::Refusal;
            is_possible && case.asks(|question| question.calls(&[Function::Info]))
        },
    },
    Intended {
        name: "timestamp() with @ and offset",
        reason: "the offset counts; Prometheus forgets it there",
        applies: |case| case.is_about_results() && case.asks(Question::has_timestamp_of_shifted_moment),
    },
    Intended {
        name: "several matches of a comparison",
        reason: "refused before the comparison filters, as of 3.14, so that it does not depend on the values",
        applies: |case| {
            let detail = &case.difference.detail;
            detail.starts_with("ours refuses, execution: multiple matches for labels")
                && case.asks(Question::has_comparison)
        },
    },
    Intended {
        name: "parameters that say nothing",
        reason: "refused even where there is nothing to aggregate, as of 3.14",
        applies: |case| {
            const REFUSALS: [&str; 3] = ["Parameter value is NaN", "Ratio value is NaN", "flows int64"];
            let detail = &case.difference.detail;
            case.difference.aspect == Aspect::Refusal
                && detail.starts_with("ours refuses")
                && REFUSALS.iter().any(|refusal| detail.contains(refusal))
                && case.asks(Question::has_pick)
        },
    },
    Intended {
        name: "parameters that change over a fixed vector",
        reason: "looked at at every step; Prometheus looks at the first only where the vector has an @",
        applies: |case| {
            let is_possible = case.is_about_results() || case.difference.aspect == Aspect::Refusal;
            is_possible && case.asks(Question::has_parameter_over_fixed_vector)
        },
    },
    Intended {
        name: "order of calculated series",
        reason: "that of the selected ones; over a range Prometheus hands them on as its hash tables have them",
        applies: |case| case.is_about_results() && case.asks(Question::picks_from_calculated_series),
    },
    Intended {
        name: "last digits as labels",
        reason: "counted values that were calculated may differ in their last digit, and make other series then",
        applies: |case| {
            case.difference.aspect == Aspect::Series && case.asks(Question::counts_calculated_values)
        },
    },
    Intended {
        name: "last digits made large",
        reason: "a remainder, an angle or a difference of nearly equal numbers shows the last digits of what it is of",
        applies: |case| {
            const CLOSE: f64 = 1e-6;
            let is_close = numbers(case.difference)
                .is_some_and(|(ours, theirs)| (ours - theirs).abs() <= CLOSE * ours.abs().max(theirs.abs()));
            case.is_about_results()
                && (case.asks(Question::has_remainder) || (is_close && case.asks(Question::is_sensitive)))
        },
    },
    Intended {
        name: "place of a remark",
        reason: "the argument it is about, and each of several; Prometheus knows the first of equal ones, and none behind a subquery",
        applies: |case| case.remarks().is_some_and(|remarks| remarks.are_equal_but_for_places()),
    },
    Intended {
        name: "remarks of newer releases",
        reason: "those of 3.14: what was mended of falling counts, sorting over a range, conflicting counter resets, and no metric's name where it is dropped",
        applies: |case| case.remarks().is_some_and(|remarks| remarks.are_equal_but_for_version()),
    },
    Intended {
        name: "remarks on each pair",
        reason: "told of each kind of pair that cannot be calculated with; Prometheus tells of the last",
        applies: |case| {
            case.remarks().is_some_and(|remarks| remarks.are_fewer_only_in("incompatible sample types"))
        },
    },
    Intended {
        name: "negated histograms",
        reason: "gauges, as of 3.14, since no counter falls",
        applies: |case| {
            let is_remark = case.remarks().is_some_and(|remarks| remarks.differ_only_in("is not a gauge"));
            is_remark && case.asks(Question::has_minus_sign)
        },
    },
    Intended {
        name: "remarks on parameters",
        reason: "told of the farthest, with or without data, as of 3.14; and without the limit of ten",
        applies: |case| {
            case.remarks().is_some_and(|remarks| {
                let is_aggregated = case
                    .asks(|question| question.aggregates(&[AggregateOp::Quantile, AggregateOp::LimitRatio]));
                remarks.are_cut_off()
                    || (is_aggregated && remarks.differ_only_in(" value should be between "))
            })
        },
    },
];

/// The entry that explains a difference.
pub fn explanation(case: &Case<'_>) -> Option<&'static Intended> {
    INTENDED.iter().chain(&intended_native::INTENDED).find(|intended| (intended.applies)(case))
}
