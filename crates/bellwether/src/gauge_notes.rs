//! Objectives that count something that is no counter: what targets say of their metrics' types is known only here, and
//! a gauge that falls would be taken for a counter that began anew.

use std::collections::BTreeSet;

use bellwether_slo::{Events, Slo};

/// What has to be said of an objective whose ratio or histogram is made of gauges.
pub fn gauge_notes(slo: &Slo, is_gauge: impl Fn(&str) -> bool) -> Vec<String> {
    match &slo.indicator.events {
        Events::Ratio(ratio) => {
            let names: BTreeSet<String> = ratio.selectors().into_iter().filter_map(|s| s.name).collect();
            let gauges = names.into_iter().filter(|name| is_gauge(name));
            gauges
                .map(|name| {
                    format!(
                        "{name} is a gauge by its # TYPE and not a counter: whenever it falls, that counts as a \
                         restart; write threshold: for a value that must keep a bound"
                    )
                })
                .collect()
        }
        Events::Latency(latency) => {
            let name = latency.histogram.name.iter().filter(|name| is_gauge(name));
            name.map(|name| {
                format!(
                    "{name} is a gauge by its # TYPE and not a histogram: nothing of it is counted; write threshold: \
                     for a value that must keep a bound"
                )
            })
            .collect()
        }
        Events::Probe(_) | Events::Threshold(_) | Events::Query(_) | Events::Composite(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn notes(indicator: &str) -> usize {
        let text = format!("slos: [{{name: s, goal: 0.9, window: 1d, indicator: {indicator}}}]");
        let config = config::load_text("test", &text).config.unwrap();
        gauge_notes(&config.slos[0], |name| name == "queue_length").len()
    }

    #[test]
    fn a_ratio_of_gauges_is_noted_once_per_metric() {
        assert_eq!(
            notes("{ratio: {bad: 'queue_length{a=\"b\"}', total: [queue_length, requests_total]}}"),
            1
        );
        assert_eq!(notes("{ratio: {bad: errors_total, total: requests_total}}"), 0);
        assert_eq!(notes("{latency: {histogram: queue_length, threshold: 1}}"), 1);
        assert_eq!(notes("{latency: {histogram: took_seconds, threshold: 1}}"), 0);
        assert_eq!(notes("{threshold: {query: queue_length, below: 1}}"), 0);
    }
}
