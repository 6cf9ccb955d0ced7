//! From the values that queries give to the events of slices: what is good, what is bad, and what was not measured.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_promql::RangeSeries;

use crate::goal::Counts;
use crate::indicator::{Ask, Events, QueryEvents, ThresholdCheck};

/// What was measured: the events of each group in the slice that ends at a moment. A slice or a group that is not here
/// was not measured.
pub(crate) type Slices = BTreeMap<Timestamp, BTreeMap<Labels, Counts>>;

/// The values of one query, by moment and group.
type Values = BTreeMap<Timestamp, BTreeMap<Labels, Vec<f64>>>;

/// Judges the answers to the queries of an indicator that is asked.
pub(crate) fn judge(events: &Events, group_by: &[String], answers: &[Vec<RangeSeries>]) -> Slices {
    let values: Vec<Values> = answers.iter().map(|series| values(series, group_by)).collect();
    match (events, values.as_slice()) {
        (Events::Threshold(check), [values]) => each(values, |samples| threshold(check, samples)),
        (Events::Query(QueryEvents { ask: Ask::BadRatio(_), .. }), [values]) => {
            each(values, |samples| Some(share(samples, |ratio| ratio)))
        }
        (Events::Query(QueryEvents { ask: Ask::GoodRatio(_), .. }), [values]) => {
            each(values, |samples| Some(share(samples, |ratio| 1.0 - ratio)))
        }
        (Events::Query(QueryEvents { ask: Ask::BadTotal { .. }, slice }), [bad, total]) => {
            rates(bad, total, |counted, total| Counts { bad: counted, total }, *slice)
        }
        (Events::Query(QueryEvents { ask: Ask::GoodTotal { .. }, slice }), [good, total]) => {
            rates(good, total, |counted, total| Counts { bad: total - counted, total }, *slice)
        }
        (
            Events::Threshold(_)
            | Events::Query(_)
            | Events::Ratio(_)
            | Events::Latency(_)
            | Events::Probe(_)
            | Events::Composite(_),
            _,
        ) => Slices::new(),
    }
}

fn values(series: &[RangeSeries], group_by: &[String]) -> Values {
    let names: Vec<&str> = group_by.iter().map(String::as_str).collect();
    let mut values = Values::new();
    for one in series {
        let group = one.labels.keep(&names);
        for point in &one.points {
            values.entry(point.at).or_default().entry(group.clone()).or_default().push(point.value);
        }
    }
    values
}

fn each(values: &Values, judge: impl Fn(&[f64]) -> Option<Counts>) -> Slices {
    let groups = |groups: &BTreeMap<Labels, Vec<f64>>| {
        let judged = groups.iter().filter_map(|(group, samples)| Some((group.clone(), judge(samples)?)));
        judged.collect::<BTreeMap<Labels, Counts>>()
    };
    let slices = values.iter().map(|(at, values)| (*at, groups(values)));
    slices.filter(|(_, groups)| !groups.is_empty()).collect()
}

/// Every sample that is a number must keep the bound.
fn threshold(check: &ThresholdCheck, samples: &[f64]) -> Option<Counts> {
    let mut numbers = samples.iter().filter(|value| !value.is_nan()).peekable();
    numbers.peek()?;
    let is_good = numbers.all(|value| check.op.holds(*value, check.bound.get()));
    Some(Counts { bad: if is_good { 0.0 } else { 1.0 }, total: 1.0 })
}

/// One slice, as bad as the mean of its samples. A share of nothing, which is no number, is a slice without events.
fn share(samples: &[f64], bad: impl Fn(f64) -> f64) -> Counts {
    let shares: Vec<f64> =
        samples.iter().filter(|ratio| ratio.is_finite()).map(|ratio| bad(*ratio).clamp(0.0, 1.0)).collect();
    match shares.is_empty() {
        true => Counts::default(),
        false => Counts { bad: shares.iter().sum::<f64>() / shares.len() as f64, total: 1.0 },
    }
}

/// Rates per second times the slice. All events must be there for the slice to be measured; of what is counted among
/// them none may have happened yet.
fn rates(counted: &Values, total: &Values, counts: impl Fn(f64, f64) -> Counts, slice: TimeDelta) -> Slices {
    let none = BTreeMap::new();
    let sum = |samples: &[f64]| samples.iter().sum::<f64>();
    let mut slices = Slices::new();
    for (at, totals) in total {
        let counted = counted.get(at).unwrap_or(&none);
        for (group, samples) in totals {
            let all = sum(samples) * slice.as_secs_f64();
            let some = counted.get(group).map_or(0.0, |samples| sum(samples) * slice.as_secs_f64());
            let booked = match all.is_finite() && some.is_finite() && all > 0.0 {
                true => counts(some.clamp(0.0, all), all),
                false => Counts::default(),
            };
            slices.entry(*at).or_default().insert(group.clone(), booked);
        }
    }
    slices
}
