//! Sloth's specification: one document per service.

use std::collections::BTreeMap;

use bellwether_model::TimeDelta;

use super::tree::{Fields, Tree};
use super::{Lost, text};
use crate::burn_alert::BurnAlert;
use crate::definition::Slo;
use crate::indicator::{Budgeting, WINDOW_PLACEHOLDER};
use crate::period::Period;

/// The period that Sloth takes unless it is told another one.
const PERIOD: Period = Period::Rolling(TimeDelta(30 * TimeDelta::DAY.0));

pub(super) fn files(slos: &[Slo], lost: &mut Lost) -> Vec<Tree> {
    let mut services: BTreeMap<&str, Vec<Tree>> = BTreeMap::new();
    for one in slos {
        if let Some(tree) = slo(one, lost) {
            services.entry(&one.service).or_default().push(tree);
        }
    }
    let file = |(service, slos): (&str, Vec<Tree>)| {
        let service = if service.is_empty() { "default" } else { service };
        Fields::new().with("version", "prometheus/v1").with("service", service).with("slos", slos).into()
    };
    services.into_iter().map(file).collect()
}

fn slo(slo: &Slo, lost: &mut Lost) -> Option<Tree> {
    let Some(goal) = slo.goal else {
        lost.field(slo, "a threshold without a goal", "write goal:");
        return None;
    };
    let wrap = |selector: &str| format!("rate({selector}[{WINDOW_PLACEHOLDER}])");
    let Some(found) = text::queries(&slo.indicator.events, &slo.indicator.group_by, &wrap) else {
        lost.field(slo, "values that keep a bound, and journeys", "count events");
        return None;
    };
    if slo.indicator.budgeting != Budgeting::Occurrences {
        lost.field(slo, "slices of time", "count events");
        return None;
    }
    if slo.period != PERIOD {
        lost.field(slo, &slo.period.text(), "give Sloth the period with --default-slo-period");
    }
    lost.about(slo);
    lost.own_alerts(slo);
    for (what, is_there) in [
        ("its display name", !slo.display_name.is_empty()),
        ("an objective without a service", slo.service.is_empty()),
    ] {
        if is_there {
            lost.field(slo, what, "leave it out");
        }
    }
    let error = |part: String, total: &str| match found.is_bad {
        true => part,
        false => format!("({total}) - ({part})"),
    };
    let sli = match &found.total {
        Some(total) => {
            let events = Fields::new()
                .with("error_query", error(found.part.clone(), total))
                .with("total_query", total.as_str());
            Fields::new().with("events", events)
        }
        None => {
            let query = if found.is_bad { found.part.clone() } else { format!("1 - ({})", found.part) };
            Fields::new().with("raw", Fields::new().with("error_ratio_query", query))
        }
    };
    let percent = goal.to_string();
    Some(
        Fields::new()
            .with("name", slo.name.as_str())
            .with("objective", Tree::Number(percent.trim_end_matches('%').to_owned()))
            .with_text("description", &slo.description)
            .with_labels("labels", &slo.labels)
            .with("sli", sli)
            .with("alerting", alerting(slo, lost))
            .into(),
    )
}

/// The pairs of windows that Sloth makes alerts of, in hours, minutes and its two severities.
const PAIRS: [(&str, i64, i64); 4] =
    [("page", 60, 5), ("page", 6 * 60, 30), ("ticket", 24 * 60, 2 * 60), ("ticket", 3 * 24 * 60, 6 * 60)];

fn alerting(slo: &Slo, lost: &mut Lost) -> Fields {
    let minutes = |count: i64| TimeDelta(count * TimeDelta::MINUTE.0);
    let is_pair = |alert: &BurnAlert, severity: &str| {
        PAIRS.iter().any(|(kind, long, short)| {
            *kind == severity
                && alert.severity == severity
                && alert.long == minutes(*long)
                && alert.short == Some(minutes(*short))
        })
    };
    let mut fields =
        Fields::new().with_text("name", &slo.alert_name).with_labels("annotations", &slo.annotations);
    for severity in ["page", "ticket"] {
        let both = slo.alerts.iter().filter(|alert| is_pair(alert, severity)).count() == 2;
        let alert = match both {
            true => {
                let of = |by: &BTreeMap<String, bellwether_model::Labels>| {
                    by.get(severity).cloned().unwrap_or_default()
                };
                Fields::new()
                    .with_labels("labels", &of(&slo.severity_labels))
                    .with_labels("annotations", &of(&slo.severity_annotations))
            }
            false => Fields::new().with("disable", true),
        };
        for alert in slo
            .alerts
            .iter()
            .filter(|alert| alert.severity == severity && !(both && is_pair(alert, severity)))
        {
            lost.field(
                slo,
                &format!("alert {:?}: its windows are not Sloth's", alert.name),
                "write a rule for it",
            );
        }
        fields = fields.with(&format!("{severity}_alert"), alert);
    }
    for alert in slo.alerts.iter().filter(|alert| !matches!(alert.severity.as_str(), "page" | "ticket")) {
        lost.field(
            slo,
            &format!("alert {:?} of severity {}", alert.name, alert.severity),
            "write page or ticket",
        );
    }
    fields
}
