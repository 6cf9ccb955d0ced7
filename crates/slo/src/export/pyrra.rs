//! Pyrra's resource: a ratio of counters or the buckets of a histogram.

use super::tree::{Fields, Tree};
use super::{Lost, text};
use crate::definition::Slo;
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
    for (what, is_there) in [
        ("its display name", !slo.display_name.is_empty()),
        ("its alerts, other than the four it makes itself", !slo.alerts.is_empty()),
        ("annotations", !slo.annotations.is_empty()),
    ] {
        if is_there {
            lost.field(slo, what, "leave it out");
        }
    }
    let labels = slo.labels.iter().map(|(name, value)| (format!("pyrra.dev/{name}"), value.to_owned()));
    let service = (!slo.service.is_empty()).then(|| ("pyrra.dev/service".to_owned(), slo.service.clone()));
    let labels = bellwether_model::Labels::from_pairs(labels.chain(service));
    let percent = goal.to_string();
    let spec = Fields::new()
        .with("target", percent.trim_end_matches('%'))
        .with("window", text::days(window))
        .with_text("description", &slo.description)
        .with("indicator", indicator)
        .with_some("alerting", slo.alerts.is_empty().then(|| Fields::new().with("disabled", true)));
    let metadata = Fields::new().with("name", slo.name.as_str()).with_labels("labels", &labels);
    let head = Fields::new().with("apiVersion", "pyrra.dev/v1alpha1").with("kind", "ServiceLevelObjective");
    Some(head.with("metadata", metadata).with("spec", spec).into())
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
