//! What is counted: requests, or slices of time that are good by one of four criteria.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader};

use super::filter::{Filtered, MetricKind};
use super::{filter, seconds};
use crate::decode::sampled::{SLICE_DEFAULT, is_slice};
use crate::dialect::draft::indicator;
use crate::goal::Goal;
use crate::indicator::{
    Ask, Budgeting, Comparison, Events, Finite, Indicator, Latency, QueryEvents, Ratio, Threshold,
    ThresholdCheck, WINDOW_PLACEHOLDER,
};
use crate::recognise::events;
use crate::selector::Selector;

/// Reads `serviceLevelIndicator`.
pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let (basic, requests, windows) =
        (map.entry("basicSli"), map.node("requestBased"), map.node("windowsBased"));
    map.finish(cx);
    if let Some((key, _)) = basic {
        let help =
            "write requestBased with goodTotalRatio or distributionCut, over metrics of the service itself";
        cx.error_help(key.span, "a basic indicator counts what only Google's own services report", help);
        return None;
    }
    match (requests, windows) {
        (Some(node), None) => request_based(node, cx).map(indicator),
        (None, Some(node)) => windows_based(node, cx),
        (None, None) | (Some(_), Some(_)) => {
            cx.error_help(node.span, "an indicator is of one sort", "write requestBased or windowsBased");
            None
        }
    }
}

/// Requests: a share of counters, or a part of a distribution.
fn request_based(node: &Node, cx: &mut Cx<'_>) -> Option<Events> {
    let mut map = MapReader::open(node, cx)?;
    let (ratio, cut) = (map.node("goodTotalRatio"), map.node("distributionCut"));
    map.finish(cx);
    match (ratio, cut) {
        (Some(node), None) => good_total_ratio(node, cx).map(Events::Ratio),
        (None, Some(node)) => distribution_cut(node, cx),
        (None, None) | (Some(_), Some(_)) => {
            cx.error_help(
                node.span,
                "requests are counted in one way",
                "write goodTotalRatio or distributionCut",
            );
            None
        }
    }
}

fn good_total_ratio(node: &Node, cx: &mut Cx<'_>) -> Option<Ratio> {
    let mut map = MapReader::open(node, cx)?;
    let mut part = |name: &'static str, cx: &mut Cx<'_>| {
        map.node(name).map(|node| filter::read(node, cx).map(|found| vec![counted(found)]))
    };
    let good = part("goodServiceFilter", cx);
    let bad = part("badServiceFilter", cx);
    let total = part("totalServiceFilter", cx);
    map.finish(cx);
    match (good, bad, total) {
        (Some(good), None, Some(total)) => Some(Ratio::GoodTotal { good: good?, total: total? }),
        (Some(good), Some(bad), None) => Some(Ratio::GoodBad { good: good?, bad: bad? }),
        (None, Some(bad), Some(total)) => Some(Ratio::BadTotal { bad: bad?, total: total? }),
        (_, _, _) => {
            let help = "write two of goodServiceFilter, badServiceFilter and totalServiceFilter";
            cx.error_help(node.span, "a ratio needs two counters", help);
            None
        }
    }
}

/// Of a histogram its requests are counted.
fn counted(found: Filtered) -> Selector {
    match (found.kind, &found.selector.name) {
        (MetricKind::Histogram, Some(name)) => found.selector.with_name(format!("{name}_count")),
        (MetricKind::Counter | MetricKind::Value | MetricKind::Histogram, _) => found.selector,
    }
}

fn distribution_cut(node: &Node, cx: &mut Cx<'_>) -> Option<Events> {
    let mut map = MapReader::open(node, cx)?;
    let filtered = match map.node("distributionFilter") {
        Some(node) => filter::read(node, cx),
        None => map.required::<String>("distributionFilter", cx).and(None),
    };
    let range = match map.node("range") {
        Some(node) => Range::read(node, cx).map(|range| (range, node)),
        None => map.required::<String>("range", cx).and(None),
    };
    map.finish(cx);
    let (histogram, (range, node)) = (filtered?.selector, range?);
    let above_zero = range.max.map(Finite::get).and_then(Threshold::new);
    if let (None, Some(threshold)) = (range.min.filter(|min| min.get() > 0.0), above_zero) {
        return Some(Events::Latency(Latency { histogram, threshold }));
    }
    let Some(min) = range.min.filter(|min| min.get() > 0.0) else {
        cx.error_help(node.span, "the range holds nothing", "write \"max\": 0.5, or whatever is still good");
        return None;
    };
    let base = histogram.name.clone().unwrap_or_default();
    let up_to = |bound: f64| {
        let le = bellwether_model::Matcher::equal("le", bound.to_string());
        let mut part = histogram.with_name(format!("{base}_bucket"));
        part.matchers.push(le);
        format!("sum(increase({part}[{WINDOW_PLACEHOLDER}]))")
    };
    let total =
        format!("sum(increase({}[{WINDOW_PLACEHOLDER}]))", histogram.with_name(format!("{base}_count")));
    let high = range.max.map_or_else(|| total.clone(), |max| up_to(max.get()));
    let ask = Ask::GoodTotal { good: format!("{high} - {}", up_to(min.get())), total };
    let query = QueryEvents { ask, slice: SLICE_DEFAULT };
    Some(events(&query).unwrap_or(Events::Query(query)))
}

/// From a smallest to a largest value; either may be left open.
#[derive(Clone, Copy)]
struct Range {
    min: Option<Finite>,
    max: Option<Finite>,
}

impl Range {
    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let mut bound = |name: &'static str, cx: &mut Cx<'_>| {
            let node = map.node(name).filter(|node| !node.is_null())?;
            // Infinity is how the interface itself writes an open end.
            if node.as_text().is_some_and(|text| text.trim_start_matches(['-', '+']) == "Infinity") {
                return None;
            }
            Some(f64::decode(node, cx).and_then(Finite::new))
        };
        let (min, max) = (bound("min", cx), bound("max", cx));
        map.finish(cx);
        let (min, max) = (min.map_or(Some(None), |m| m.map(Some))?, max.map_or(Some(None), |m| m.map(Some))?);
        match (min, max) {
            (None, None) => {
                cx.error_help(
                    node.span,
                    "the range has no bounds",
                    "write \"max\": 0.5, \"min\": 0, or both",
                );
                None
            }
            (Some(min), Some(max)) if min >= max => {
                cx.error(node.span, format!("the range from {} to {} is empty", min.get(), max.get()));
                None
            }
            (_, _) => Some(Self { min, max }),
        }
    }

    /// A check that a query's value lies in the range.
    fn check(self, query: String, slice: bellwether_model::TimeDelta) -> Option<ThresholdCheck> {
        let check = |query, op, bound| ThresholdCheck { query, op, bound, slice };
        match (self.min, self.max) {
            (Some(min), None) => Some(check(query, Comparison::GreaterOrEqual, min)),
            (None, Some(max)) => Some(check(query, Comparison::LessOrEqual, max)),
            (Some(min), Some(max)) => {
                let both = format!("({query} >= bool {}) * ({query} <= bool {})", min.get(), max.get());
                Some(check(both, Comparison::GreaterOrEqual, Finite::new(1.0)?))
            }
            (None, None) => None,
        }
    }
}

/// Slices of time.
fn windows_based(node: &Node, cx: &mut Cx<'_>) -> Option<Indicator> {
    let mut map = MapReader::open(node, cx)?;
    let slice = match map.node("windowPeriod") {
        Some(node) => seconds(node, cx).map(|slice| (slice, node)),
        None => map.required::<String>("windowPeriod", cx).and(None),
    };
    let (is_good, share) = (map.node("goodBadMetricFilter"), map.node("goodTotalRatioThreshold"));
    let (mean, sum) = (map.node("metricMeanInRange"), map.node("metricSumInRange"));
    map.finish(cx);
    let (slice, slice_node) = slice?;
    if !is_slice(slice) {
        let help = "write \"60s\", or other whole minutes up to a day";
        cx.error_help(slice_node.span, format!("time cannot be cut into slices of {slice}"), help);
        return None;
    }
    let over = |function: &str, selector: &Selector| format!("{function}({selector}[{WINDOW_PLACEHOLDER}])");
    let check = match (is_good, share, mean, sum) {
        (Some(node), None, None, None) => {
            let query = format!("min({})", over("min_over_time", &filter::read(node, cx)?.selector));
            let bound = Finite::new(1.0)?;
            ThresholdCheck { query, op: Comparison::GreaterOrEqual, bound, slice }
        }
        (None, Some(node), None, None) => {
            let (events, target) = share_of_slice(node, cx)?;
            return Some(Indicator {
                budgeting: Budgeting::Timeslices { slice, target },
                ..indicator(events)
            });
        }
        (None, None, Some(node), None) => {
            let (found, range) = in_range(node, cx)?;
            let function = if found.kind == MetricKind::Value { "avg_over_time" } else { "rate" };
            range.check(format!("avg({})", over(function, &counted(found))), slice)?
        }
        (None, None, None, Some(node)) => {
            let (found, range) = in_range(node, cx)?;
            let function = if found.kind == MetricKind::Value { "sum_over_time" } else { "increase" };
            range.check(format!("sum({})", over(function, &counted(found))), slice)?
        }
        (_, _, _, _) => {
            let help = "write one of goodBadMetricFilter, goodTotalRatioThreshold, metricMeanInRange and metricSumInRange";
            cx.error_help(node.span, "slices are judged by one criterion", help);
            return None;
        }
    };
    Some(indicator(Events::Threshold(check)))
}

/// `goodTotalRatioThreshold`: what is counted in a slice, and the share of it that must be good.
fn share_of_slice(node: &Node, cx: &mut Cx<'_>) -> Option<(Events, Goal)> {
    let mut map = MapReader::open(node, cx)?;
    let target = match map.node("threshold") {
        Some(node) => slice_target(node, cx),
        None => map.required::<String>("threshold", cx).and(None),
    };
    let events = match (map.node("performance"), map.entry("basicSliPerformance")) {
        (Some(node), None) => request_based(node, cx),
        (_, Some((key, _))) => {
            let help = "write performance: with goodTotalRatio or distributionCut";
            cx.error_help(key.span, "a basic indicator counts what only Google's own services report", help);
            None
        }
        (None, None) => map.required::<String>("performance", cx).and(None),
    };
    map.finish(cx);
    Some((events?, target?))
}

fn slice_target(node: &Node, cx: &mut Cx<'_>) -> Option<Goal> {
    let text = node.as_text().unwrap_or_default();
    // As close to everything as a goal can be: below a thousand million events in a slice the same as all of them.
    let text = if text.parse() == Ok(1.0) { "0.999999999" } else { text };
    Goal::parse(text)
        .map_err(|error| cx.error_help(node.span, error.message, "write a ratio such as 0.95"))
        .ok()
}

fn in_range(node: &Node, cx: &mut Cx<'_>) -> Option<(Filtered, Range)> {
    let mut map = MapReader::open(node, cx)?;
    let found = match map.node("timeSeries") {
        Some(node) => filter::read(node, cx),
        None => map.required::<String>("timeSeries", cx).and(None),
    };
    let range = match map.node("range") {
        Some(node) => Range::read(node, cx),
        None => map.required::<String>("range", cx).and(None),
    };
    map.finish(cx);
    Some((found?, range?))
}
