//! OpenSLO v1: an SLO with its indicator and alert policies inline. What only this program knows stands in annotations
//! of its own, which others ignore.

use bellwether_model::{Labels, TimeDelta};

use super::tree::{Fields, Tree};
use super::{Lost, text};
use crate::burn_alert::BurnAlert;
use crate::definition::Slo;
use crate::dialect::openslo::targets_of;
use crate::dialect::own_annotation;
use crate::indicator::{Budgeting, Comparison, Events};
use crate::period::{CalendarUnit, Period};

/// The document of an objective; `None` when it has no words for what is counted.
pub(super) fn slo(slo: &Slo, lost: &mut Lost) -> Option<Tree> {
    let Some(goal) = slo.goal else {
        lost.field(slo, "a threshold without a goal", "write goal:");
        return None;
    };
    let indicator = indicator(slo, lost)?;
    lost.own_alerts(slo);
    for (what, is_there) in [
        ("labels of all alerts of a severity", !slo.severity_labels.is_empty()),
        ("annotations of all alerts of a severity", !slo.severity_annotations.is_empty()),
    ] {
        if is_there {
            lost.field(slo, what, "write them at the alerts");
        }
    }
    let own = own_annotation::of_slo(slo);
    if !own.is_empty() {
        lost.kept_aside(slo, "what is said for people");
    }
    let metadata = Fields::new()
        .with("name", slo.name.as_str())
        .with_text("displayName", &slo.display_name)
        .with_labels("labels", &slo.labels)
        .with_labels("annotations", &joined(&slo.annotations, own));
    let (method, objective) = method(slo, Fields::new().with("target", Tree::Number(goal.ratio_text())));
    let inline = Fields::new().with("metadata", Fields::new().with("name", slo.name.as_str()));
    let spec = Fields::new()
        .with_text("description", &slo.description)
        .with("service", if slo.service.is_empty() { "default" } else { slo.service.as_str() })
        .with("indicator", inline.with("spec", indicator))
        .with("timeWindow", vec![Tree::from(window(&slo.period, slo, lost))])
        .with("budgetingMethod", method)
        .with("objectives", vec![Tree::from(objective)]);
    if slo.service.is_empty() {
        lost.field(slo, "an objective without a service", "write service:");
    }
    let policies: Vec<Tree> = slo.alerts.iter().filter_map(|alert| policy(slo, alert, lost)).collect();
    let spec = spec.with_some("alertPolicies", Some(policies).filter(|policies| !policies.is_empty()));
    Some(object("SLO", metadata, spec))
}

fn object(kind: &str, metadata: Fields, spec: Fields) -> Tree {
    let head = Fields::new().with("apiVersion", "openslo/v1").with("kind", kind);
    head.with("metadata", metadata).with("spec", spec).into()
}

fn joined(labels: &Labels, more: Vec<(String, String)>) -> Labels {
    let mine = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Labels::from_pairs(mine.chain(more))
}

fn source(query: &str) -> Tree {
    let spec = Fields::new().with("query", query);
    let source = Fields::new().with("type", "Prometheus").with("spec", spec);
    Fields::new().with("metricSource", source).into()
}

fn indicator(slo: &Slo, lost: &mut Lost) -> Option<Fields> {
    let slice = TimeDelta::MINUTE;
    if let Events::Threshold(check) = &slo.indicator.events {
        return Some(Fields::new().with("thresholdMetric", source(&check.query)));
    }
    if matches!(&slo.indicator.events, Events::Query(query) if query.slice != slice) {
        lost.field(slo, "how often a query is asked", "ask once a minute");
    }
    if matches!(slo.indicator.events, Events::Probe(_)) {
        lost.field(slo, "a probe, only for the counters it keeps", "define the probe where it is read");
    }
    let Some(found) = text::queries(&slo.indicator.events, &slo.indicator.group_by, &str::to_owned) else {
        let help = "write its members; a journey is made of objectives with indicators of their own";
        lost.field(slo, "a journey of objectives that stand elsewhere", help);
        return None;
    };
    let ratio = match found.total {
        Some(total) => Fields::new()
            .with("counter", !found.is_sampled)
            .with(if found.is_bad { "bad" } else { "good" }, source(&found.part))
            .with("total", source(&total)),
        None => Fields::new()
            .with("rawType", if found.is_bad { "failure" } else { "success" })
            .with("raw", source(&found.part)),
    };
    Some(Fields::new().with("ratioMetric", ratio))
}

/// The budgeting method, and what the objective says for it.
fn method(slo: &Slo, objective: Fields) -> (&'static str, Fields) {
    if let Events::Threshold(check) = &slo.indicator.events {
        let op = match check.op {
            Comparison::Less => "lt",
            Comparison::LessOrEqual => "lte",
            Comparison::Greater => "gt",
            Comparison::GreaterOrEqual => "gte",
        };
        let objective = objective.with("op", op).with("value", check.bound.get());
        return match check.slice == TimeDelta::MINUTE {
            true => ("Occurrences", objective),
            false => ("RatioTimeslices", objective.with("timeSliceWindow", shorthand(check.slice))),
        };
    }
    match slo.indicator.budgeting {
        Budgeting::Occurrences => ("Occurrences", objective),
        Budgeting::Timeslices { slice, target } => {
            let objective = objective.with("timeSliceTarget", Tree::Number(target.ratio_text()));
            ("Timeslices", objective.with("timeSliceWindow", shorthand(slice)))
        }
        Budgeting::RatioTimeslices { slice } => {
            ("RatioTimeslices", objective.with("timeSliceWindow", shorthand(slice)))
        }
    }
}

fn window(period: &Period, slo: &Slo, lost: &mut Lost) -> Fields {
    match period {
        Period::Rolling(length) => {
            if length.0 % TimeDelta::MINUTE.0 != 0 {
                lost.field(slo, "a period of seconds", "write whole minutes");
            }
            Fields::new().with("duration", shorthand(*length)).with("isRolling", true)
        }
        Period::Calendar(calendar) => {
            let unit = match calendar.unit {
                CalendarUnit::Day => 'd',
                CalendarUnit::Week => 'w',
                CalendarUnit::Month => 'M',
                CalendarUnit::Quarter => 'Q',
                CalendarUnit::Year => 'Y',
            };
            let at = Fields::new()
                .with("startTime", calendar.start.strftime("%Y-%m-%d %H:%M:%S").to_string())
                .with("timeZone", calendar.zone_name());
            let window = Fields::new().with("duration", format!("{}{unit}", calendar.count));
            window.with("isRolling", false).with("calendar", at)
        }
    }
}

/// A length in the largest unit that it is a whole number of.
fn shorthand(length: TimeDelta) -> String {
    let units = [(TimeDelta::DAY.0, 'd'), (TimeDelta::HOUR.0, 'h'), (TimeDelta::MINUTE.0, 'm')];
    let whole = units.into_iter().find(|(unit, _)| length.0 % unit == 0);
    let (unit, letter) = whole.unwrap_or((TimeDelta::MINUTE.0, 'm'));
    format!("{}{letter}", length.0 / unit)
}

fn policy(slo: &Slo, alert: &BurnAlert, lost: &mut Lost) -> Option<Tree> {
    if alert.long.0 % TimeDelta::MINUTE.0 != 0 {
        lost.field(
            slo,
            &format!("the window of alert {:?}, {}", alert.name, alert.long),
            "write whole minutes",
        );
        return None;
    }
    let Some(threshold) = text::decimal(alert.factor) else {
        let field = format!("the factor of alert {:?}, which is no decimal", alert.name);
        lost.field(slo, &field, "write one such as 0.93");
        return None;
    };
    let own = own_annotation::of_alert(alert);
    if !own.is_empty() {
        lost.kept_aside(slo, &format!("the short window or the least count of alert {:?}", alert.name));
    }
    let (labels, targets) = targets_of(&alert.labels);
    let description = alert.annotations.value_or_empty("description").to_owned();
    let annotations = joined(&alert.annotations.without(&["description"]), own);
    let metadata = Fields::new()
        .with("name", alert.name.as_str())
        .with_labels("labels", &labels)
        .with_labels("annotations", &annotations);
    let condition = Fields::new()
        .with("kind", "burnrate")
        .with("op", "gt")
        .with("threshold", Tree::Number(threshold))
        .with("lookbackWindow", shorthand(alert.long));
    let spec = Fields::new()
        .with_text("description", &description)
        .with("severity", alert.severity.as_str())
        .with("condition", condition);
    let condition =
        Fields::new().with("kind", "AlertCondition").with("metadata", metadata).with("spec", spec);
    let targets: Vec<Tree> =
        targets.into_iter().map(|target| Fields::new().with("targetRef", target).into()).collect();
    let spec = Fields::new()
        .with("alertWhenBreaching", true)
        .with("conditions", vec![Tree::from(condition)])
        .with_some("notificationTargets", Some(targets).filter(|targets| !targets.is_empty()));
    let metadata = Fields::new().with("name", alert.name.as_str());
    Some(Fields::new().with("kind", "AlertPolicy").with("metadata", metadata).with("spec", spec).into())
}
