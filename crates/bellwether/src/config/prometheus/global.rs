//! `global:` of `prometheus.yml`: what holds for every job that does not say otherwise.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_ingest::relabel::NameScheme;
use bellwether_model::{Labels, TimeDelta};

use super::formats::{FormatsWritten, NamesWritten};
use super::limits::LimitsWritten;
use super::{NameEscaping, ScrapeLimits, warn_without_meaning};

/// Settings for all jobs.
#[derive(Clone, Debug)]
pub struct Global {
    /// How often to scrape.
    pub scrape_interval: TimeDelta,
    /// How long a scrape may take.
    pub scrape_timeout: TimeDelta,
    /// How often to evaluate rules.
    pub evaluation_interval: TimeDelta,
    /// How far back rules look in groups that do not say.
    pub rule_query_offset: TimeDelta,
    /// Labels that alerts carry to the outside.
    pub external_labels: Labels,
    /// Which names labels and metrics may have.
    pub names: NameScheme,
    /// How names that are no classic ones are asked for.
    pub escaping: NameEscaping,
    /// What is refused for being too much.
    pub limits: ScrapeLimits,
    /// Where failed scrapes are written down.
    pub failure_log: Option<String>,
    /// Whether a target gets the series about its timeout, its limit and the size of its body.
    pub extra_metrics: bool,
    pub(super) formats: FormatsWritten,
}

impl Default for Global {
    /// Prometheus' own defaults, but for the interval: budgets want a point every 15 s.
    fn default() -> Self {
        Self {
            scrape_interval: TimeDelta::from_secs(15),
            scrape_timeout: TimeDelta::from_secs(10),
            evaluation_interval: TimeDelta::from_secs(15),
            rule_query_offset: TimeDelta::ZERO,
            external_labels: Labels::empty(),
            names: NameScheme::default(),
            escaping: NameEscaping::default(),
            limits: ScrapeLimits::default(),
            failure_log: None,
            extra_metrics: false,
            formats: FormatsWritten::default(),
        }
    }
}

impl Decode for Global {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let default = Self::default();
        let scrape_interval = interval(&mut map, "scrape_interval", cx).map(|written| written.value);
        let scrape_interval = scrape_interval.unwrap_or(default.scrape_interval);
        let timeout = interval(&mut map, "scrape_timeout", cx);
        if let Some(timeout) = timeout.as_ref().filter(|timeout| timeout.value > scrape_interval) {
            let message =
                format!("the timeout {} is longer than the interval {scrape_interval}", timeout.value);
            cx.error_help(timeout.span, message, "make it at most as long");
        }
        let evaluation = interval(&mut map, "evaluation_interval", cx).map(|written| written.value);
        let names = NamesWritten::decode(&mut map, cx);
        let (names, escaping) = names.settle_globally(cx);
        let external_labels: Option<Labels> = map.optional("external_labels", cx);
        let external_labels = external_labels.unwrap_or_default();
        for (name, _) in external_labels.iter().filter(|(name, _)| !names.is_label_name(name)) {
            cx.error(map.key_span("external_labels"), format!("{name:?} cannot be the name of a label"));
        }
        let global = Self {
            scrape_interval,
            scrape_timeout: timeout
                .map_or(default.scrape_timeout.min(scrape_interval), |timeout| timeout.value),
            evaluation_interval: evaluation.unwrap_or(default.evaluation_interval),
            rule_query_offset: map.optional("rule_query_offset", cx).unwrap_or_default(),
            external_labels,
            names,
            escaping,
            limits: LimitsWritten::decode(&mut map, cx).settle(&default.limits),
            failure_log: file_name(&mut map, "scrape_failure_log_file", cx),
            extra_metrics: map.optional("extra_scrape_metrics", cx).unwrap_or(false),
            formats: FormatsWritten::decode(&mut map, cx),
        };
        warn_without_meaning(&mut map, &["query_log_file"], cx);
        map.finish(cx);
        Some(global)
    }
}

/// A duration that must not be zero.
pub(super) fn interval(
    map: &mut MapReader<'_>,
    name: &'static str,
    cx: &mut Cx<'_>,
) -> Option<Spanned<TimeDelta>> {
    let value: Spanned<TimeDelta> = map.optional(name, cx)?;
    if value.value == TimeDelta::ZERO {
        cx.error_help(value.span, format!("{name} is zero"), "write a duration such as 15s");
        return None;
    }
    Some(value)
}

/// The name of a file, if one is written.
pub(super) fn file_name(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<String> {
    map.optional(name, cx).filter(|name: &String| !name.is_empty())
}
