//! How single things are written: lengths, factors, selectors, and events as queries.

use bellwether_model::{TimeDelta, is_valid_legacy_name};

use crate::goal::Factor;
use crate::indicator::{Ask, Events, Latency, Ratio, probe_ratio};
use crate::selector::Selector;

/// A length as people write periods: 28d, not 4w.
pub(super) fn days(length: TimeDelta) -> String {
    match length.0 % TimeDelta::DAY.0 {
        0 => format!("{}d", length.0 / TimeDelta::DAY.0),
        _ => length.to_string(),
    }
}

/// A factor as a decimal where it is one, else as a fraction.
pub(super) fn factor(factor: Factor) -> String {
    decimal(factor).unwrap_or_else(|| format!("{}/{}", factor.numerator(), factor.denominator()))
}

/// A factor as a decimal, if it has one of few digits.
pub(super) fn decimal(factor: Factor) -> Option<String> {
    let scale = (0..=9u32).map(|n| 10u64.pow(n)).find(|scale| scale.is_multiple_of(factor.denominator()))?;
    let digits = factor.numerator().checked_mul(scale / factor.denominator())?;
    let places = scale.ilog10() as usize;
    Some(match places {
        0 => digits.to_string(),
        places => format!("{}.{:0places$}", digits / scale, digits % scale),
    })
}

/// A selector; a name that Prometheus did not always take goes into the braces.
pub(super) fn selector(selector: &Selector) -> String {
    match &selector.name {
        Some(name) if !is_valid_legacy_name(name, true) => {
            let quoted = format!("{:?}", name);
            let rest = selector.matchers.iter().map(ToString::to_string);
            format!("{{{}}}", std::iter::once(quoted).chain(rest).collect::<Vec<_>>().join(", "))
        }
        Some(_) | None => selector.to_string(),
    }
}

/// Events as two queries.
pub(super) struct Queries {
    /// Whether `part` counts the bad ones.
    pub(super) is_bad: bool,
    /// Good or bad events.
    pub(super) part: String,
    /// All of them; `None` when the part is a share already.
    pub(super) total: Option<String>,
    /// Whether they are asked in slices, because they are no counters.
    pub(super) is_sampled: bool,
}

/// The queries of events; counters are wrapped by `wrap`. `None` for what no two queries say.
pub(super) fn queries(
    events: &Events,
    group_by: &[String],
    wrap: &dyn Fn(&str) -> String,
) -> Option<Queries> {
    let by = match group_by {
        [] => String::new(),
        names => format!(" by ({}) ", names.join(", ")),
    };
    let one = |part: &Selector| format!("sum{by}({})", wrap(&selector(part)));
    let sum = |parts: &[Selector]| parts.iter().map(one).collect::<Vec<_>>().join(" + ");
    let counted = |is_bad, part, total| Queries { is_bad, part, total: Some(total), is_sampled: false };
    let of_ratio = |ratio: &Ratio| match ratio {
        Ratio::GoodTotal { good, total } => counted(false, sum(good), sum(total)),
        Ratio::BadTotal { bad, total } => counted(true, sum(bad), sum(total)),
        Ratio::GoodBad { good, bad } => counted(true, sum(bad), format!("{} + {}", sum(good), sum(bad))),
    };
    match events {
        Events::Ratio(ratio) => Some(of_ratio(ratio)),
        Events::Probe(name) => Some(of_ratio(&probe_ratio(name))),
        Events::Latency(latency) => {
            let (good, total) = of_latency(latency);
            Some(counted(false, one(&good), one(&total)))
        }
        Events::Query(query) => {
            let asked = |is_bad, part: &String, total: Option<&String>| Queries {
                is_bad,
                part: part.clone(),
                total: total.cloned(),
                is_sampled: true,
            };
            Some(match &query.ask {
                Ask::GoodTotal { good, total } => asked(false, good, Some(total)),
                Ask::BadTotal { bad, total } => asked(true, bad, Some(total)),
                Ask::GoodRatio(ratio) => asked(false, ratio, None),
                Ask::BadRatio(ratio) => asked(true, ratio, None),
            })
        }
        Events::Threshold(_) | Events::Composite(_) => None,
    }
}

/// The bucket at the threshold, and the counter of all.
pub(super) fn of_latency(latency: &Latency) -> (Selector, Selector) {
    let base = latency.histogram.name.clone().unwrap_or_default();
    let mut good = latency.histogram.with_name(format!("{base}_bucket"));
    good.matchers.push(bellwether_model::Matcher::equal("le", latency.threshold.get().to_string()));
    good.matchers.sort();
    (good, latency.histogram.with_name(format!("{base}_count")))
}
