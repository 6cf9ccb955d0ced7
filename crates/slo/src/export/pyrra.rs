//! Pyrra's resource: a ratio of counters or the buckets of a histogram.

use bellwether_model::Labels;

use super::tree::{Fields, Tree};
use super::{Lost, text};
use crate::definition::Slo;
use crate::dialect::pyrra::{ALERT_NAME, severities_of_own_alerts};
use crate::indicator::{Budgeting, Events, Ratio, probe_ratio};
use crate::period::Period;
use crate::selector::Selector;

pub(super) fn slo(slo: &Slo, lost: &mut Lost) -> Option<Tree> {
    let Some(goal) = slo.goal else {
        lost.field(slo, "a threshold without a goal", "write goal:");
        return None;
    };
    let Period::Rolling(window) = slo.period else {
        lost.field(slo, &slo.period.text(), "write a rolling period");
        return None;
    };
    if slo.indicator.budgeting != Budgeting::Occurrences {
        lost.field(slo, "slices of time", "count events");
        return None;
    }
    let indicator = indicator(slo, lost)?;
    lost.about(slo);
    lost.own_alerts(slo);
    let severities = severities_of_own_alerts(slo, window, goal);
    for (what, is_there) in [
        ("its display name", !slo.display_name.is_empty()),
        ("its alerts, other than the four it makes itself", !slo.alerts.is_empty() && severities.is_none()),
        ("labels of all alerts of a severity", !slo.severity_labels.is_empty()),
        ("annotations of all alerts of a severity", !slo.severity_annotations.is_empty()),
    ] {
        if is_there {
            lost.field(slo, what, "leave it out");
        }
    }
    let service = (!slo.service.is_empty()).then_some(("service", slo.service.as_str()));
    let labels = handed_on(slo.labels.iter().chain(service));
    let percent = goal.to_string();
    let spec = Fields::new()
        .with("target", percent.trim_end_matches('%'))
        .with("window", text::days(window))
        .with_text("description", &slo.description)
        .with("indicator", indicator)
        .with_some("alerting", alerting(slo, severities));
    let metadata = Fields::new()
        .with("name", slo.name.as_str())
        .with_labels("labels", &labels)
        .with_labels("annotations", &handed_on(slo.annotations.iter()));
    let head = Fields::new().with("apiVersion", "pyrra.dev/v1alpha1").with("kind", "ServiceLevelObjective");
    Some(head.with("metadata", metadata).with("spec", spec).into())
}

/// Labels or annotations as Pyrra hands them on to its alerts.
fn handed_on<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Labels {
    Labels::from_pairs(pairs.map(|(name, value)| (format!("pyrra.dev/{name}"), value.to_owned())))
}

/// What is said of its alerts beyond what Pyrra does by itself.
fn alerting(slo: &Slo, severities: Option<[Option<String>; 4]>) -> Option<Fields> {
    let is_named = !slo.alert_name.is_empty() && slo.alert_name != ALERT_NAME;
    let names = ["fastBurn", "mediumBurn", "slowBurn", "longTermBurn"];
    let stated = names.iter().zip(severities.unwrap_or_default());
    let stated: Vec<_> = stated.filter_map(|(name, severity)| Some((*name, severity?))).collect();
    let is_said = slo.alerts.is_empty() || is_named || !stated.is_empty();
    let severities =
        stated.iter().fold(Fields::new(), |fields, (name, text)| fields.with(name, text.as_str()));
    is_said.then(|| {
        Fields::new()
            .with_some("disabled", slo.alerts.is_empty().then_some(true))
            .with_some("name", is_named.then_some(slo.alert_name.as_str()))
            .with_some("severities", (!stated.is_empty()).then_some(severities))
    })
}

fn metric(selector: &Selector) -> Fields {
    Fields::new().with("metric", text::selector(selector))
}

fn indicator(slo: &Slo, lost: &mut Lost) -> Option<Fields> {
    let grouping = Some(slo.indicator.group_by.clone()).filter(|names| !names.is_empty());
    let ratio = match &slo.indicator.events {
        Events::Latency(latency) => {
            let (good, total) = text::of_latency(latency);
            let fields = Fields::new().with("success", metric(&good)).with("total", metric(&total));
            return Some(Fields::new().with("latency", fields.with_some("grouping", grouping)));
        }
        Events::Ratio(ratio) => ratio.clone(),
        Events::Probe(name) => probe_ratio(name),
        Events::Threshold(_) | Events::Query(_) | Events::Composite(_) => {
            lost.field(slo, "what is asked in PromQL, and journeys", "count events of one metric");
            return None;
        }
    };
    match &ratio {
        Ratio::BadTotal { bad, total } if bad.len() == 1 && total.len() == 1 => {
            let fields = Fields::new().with("errors", metric(&bad[0])).with("total", metric(&total[0]));
            Some(Fields::new().with("ratio", fields.with_some("grouping", grouping)))
        }
        Ratio::GoodTotal { good, total } if is_fast_of_all(good, total) => {
            let fields = Fields::new().with("success", metric(&good[0])).with("total", metric(&total[0]));
            Some(Fields::new().with("latency", fields.with_some("grouping", grouping)))
        }
        Ratio::BadTotal { .. } | Ratio::GoodTotal { .. } | Ratio::GoodBad { .. } => {
            lost.field(
                slo,
                "a ratio other than one bad counter of one that counts all",
                "write bad: and total:",
            );
            None
        }
    }
}

/// Whether a bucket is counted of all, by selectors that differ in more than the bucket: Pyrra reads such a pair of
/// counters as we do, and any other as one histogram.
fn is_fast_of_all(good: &[Selector], total: &[Selector]) -> bool {
    let ([good], [total]) = (good, total) else { return false };
    let base = |selector: &Selector, suffix: &str| {
        selector.name.as_deref().and_then(|name| name.strip_suffix(suffix)).map(str::to_owned)
    };
    let bounds = good.matchers.iter().filter(|matcher| matcher.name == "le").count();
    let rest: Vec<_> = good.matchers.iter().filter(|matcher| matcher.name != "le").collect();
    let is_pair = base(good, "_bucket").is_some() && base(good, "_bucket") == base(total, "_count");
    is_pair && bounds == 1 && rest != total.matchers.iter().collect::<Vec<_>>()
}
