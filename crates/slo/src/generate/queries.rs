//! What an indicator counts, as PromQL over a window. A counter that is not there yet counts nothing, as in the ledger,
//! instead of making the whole sum vanish.

use std::collections::BTreeMap;

use bellwether_model::{MatchOp, Matcher};

use crate::indicator::{Ask, Events, Indicator, Latency, Ratio, WINDOW_PLACEHOLDER, probe_ratio};
use crate::selector::Selector;

/// Bad and all events of a window, or the share of bad ones, as PromQL; [`WINDOW_PLACEHOLDER`] stands for the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// Two counts.
    Counts {
        /// Bad events.
        bad: String,
        /// All of them.
        total: String,
    },
    /// A share.
    BadRatio(String),
}

/// What a counter's growth is read with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// `increase`
    Window,
    /// `rate`
    Second,
}

impl Growth {
    const fn function(self) -> &'static str {
        match self {
            Self::Window => "increase",
            Self::Second => "rate",
        }
    }
}

/// The events of an indicator split by labels; `None` for what cannot be asked in one expression.
pub(super) fn counted(indicator: &Indicator, group_by: &[String], growth: Growth) -> Option<Counted> {
    let by = By { group_by, growth };
    match &indicator.events {
        Events::Ratio(ratio) => Some(by.ratio(ratio)),
        Events::Probe(name) => Some(by.ratio(&probe_ratio(name))),
        Events::Latency(latency) => Some(by.latency(latency)),
        // What was asked for the whole cannot be split afterwards, nor the other way round.
        Events::Query(_) if group_by != indicator.group_by => None,
        Events::Query(query) => Some(match &query.ask {
            Ask::BadTotal { bad, total } => Counted::Counts { bad: bad.clone(), total: total.clone() },
            Ask::GoodTotal { good, total } => {
                Counted::Counts { bad: format!("({total}) - ({good})"), total: total.clone() }
            }
            Ask::BadRatio(ratio) => Counted::BadRatio(ratio.clone()),
            Ask::GoodRatio(ratio) => Counted::BadRatio(format!("1 - ({ratio})")),
        }),
        Events::Threshold(_) | Events::Composite(_) => None,
    }
}

struct By<'a> {
    group_by: &'a [String],
    growth: Growth,
}

impl By<'_> {
    fn ratio(&self, ratio: &Ratio) -> Counted {
        match ratio {
            Ratio::BadTotal { bad, total } => {
                let (bad, total) = (self.sum(bad), self.sum(total));
                Counted::Counts { bad: or_none(&bad, &total), total }
            }
            Ratio::GoodTotal { good, total } => {
                let (good, total) = (self.sum(good), self.sum(total));
                Counted::Counts { bad: format!("{total} - ({})", or_none(&good, &total)), total }
            }
            Ratio::GoodBad { good, bad } => {
                let (good, bad) = (self.sum(good), self.sum(bad));
                let total = format!("({}) + ({})", or_none(&good, &bad), or_none(&bad, &good));
                Counted::Counts { bad: or_none(&bad, &good), total }
            }
        }
    }

    fn latency(&self, latency: &Latency) -> Counted {
        let base = latency.histogram.name.clone().unwrap_or_default();
        let of = |suffix: &str| latency.histogram.with_name(format!("{base}{suffix}"));
        let threshold = latency.threshold.get();
        let mut bucket = of("_bucket");
        bucket.matchers.push(bound(threshold));
        bucket.matchers.sort();
        let native = self.sum(std::slice::from_ref(&latency.histogram));
        let total = format!("({} or histogram_count({native}))", self.sum(&[of("_count")]));
        // The fraction of nothing is not a number, while the good events of nothing are none.
        let good = format!(
            "({} or histogram_fraction(-Inf, {threshold}, {native}) * (histogram_count({native}) > 0))",
            self.sum(&[bucket])
        );
        Counted::Counts { bad: format!("{total} - ({})", or_none(&good, &total)), total }
    }

    /// The growth of all counters together. Counters of different names may have equal labels, and would be one
    /// without a label that tells them apart.
    fn sum(&self, selectors: &[Selector]) -> String {
        let function = self.growth.function();
        let mut by_name: BTreeMap<Option<&str>, Vec<String>> = BTreeMap::new();
        for selector in selectors {
            let growth = format!("{function}({selector}[{WINDOW_PLACEHOLDER}])");
            by_name.entry(selector.name.as_deref()).or_default().push(growth);
        }
        let is_one = by_name.len() == 1;
        let parts = by_name.into_values().enumerate().map(|(number, growths)| match is_one {
            true => growths.join(" or "),
            false => {
                format!("label_replace({}, \"counter\", \"{number}\", \"\", \"\")", growths.join(" or "))
            }
        });
        let parts: Vec<String> = parts.collect();
        let by = match self.group_by {
            [] => String::new(),
            names => format!(" by ({})", names.join(", ")),
        };
        format!("sum{by} ({})", parts.join(" or "))
    }
}

/// Zero where there is something to compare with but nothing to count.
fn or_none(part: &str, whole: &str) -> String {
    format!("{part} or 0 * {whole}")
}

/// The bucket of a bound, in every way that exporters spell the number.
fn bound(threshold: f64) -> Matcher {
    let plain = threshold.to_string();
    let mut spellings = vec![plain.clone()];
    if !plain.contains('.') {
        spellings.push(format!("{plain}.0"));
    }
    if !(1e-4..1e6).contains(&threshold) {
        let text = format!("{threshold:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        spellings.push(format!("{digits}e{sign}{exponent:0>2}"));
    }
    if let [only] = &spellings[..] {
        return Matcher::equal("le", only.as_str());
    }
    let pattern: Vec<String> =
        spellings.iter().map(|text| text.replace('.', "\\.").replace('+', "\\+")).collect();
    // Digits, points and signs are always a pattern.
    Matcher::new(MatchOp::Regex, "le", pattern.join("|")).unwrap_or_else(|_| Matcher::equal("le", plain))
}
