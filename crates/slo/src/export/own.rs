//! Our own way of writing objectives. What is written here reads back as the same objective.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta};
use jiff::tz::TimeZone;

use super::text;
use super::tree::{Fields, Tree};
use crate::alert::defaults::{SCRAPE_USUAL, default_alerts};
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::decode::STREAMS_MAX_DEFAULT;
use crate::definition::{Criticality, Slo};
use crate::goal::Factor;
use crate::indicator::{Ask, Budgeting, Combination, Composite, Events, Ratio};
use crate::period::{Calendar, Period};
use crate::selector::Selector;
use crate::threshold_alert::ThresholdAlert;

/// A file of objectives.
pub(super) fn file(slos: &[Slo]) -> Tree {
    Fields::new().with("slos", slos.iter().map(slo).collect::<Vec<_>>()).into()
}

fn slo(slo: &Slo) -> Tree {
    let map = |texts: &BTreeMap<String, String>| Labels::from_pairs(texts.clone());
    let goal = slo.goal.map(|goal| goal.to_string());
    let streams_max = Some(slo.indicator.streams_max).filter(|most| *most != STREAMS_MAX_DEFAULT);
    let group_by = Some(slo.indicator.group_by.clone()).filter(|names| !names.is_empty());
    Fields::new()
        .with("name", slo.name.as_str())
        .with_text("service", &slo.service)
        .with_text("display_name", &slo.display_name)
        .with_text("description", &slo.description)
        .with_text("owner", &slo.about.owner)
        .with_some("criticality", slo.about.criticality.map(Criticality::as_str))
        .with_labels("contacts", &map(&slo.about.contacts))
        .with_labels("links", &map(&slo.about.links))
        .with_text("runbook", &slo.about.runbook)
        .with_labels("labels", &slo.labels)
        .with_labels("annotations", &slo.annotations)
        .with_some("goal", goal)
        .with_some("aspirational", slo.aspirational.map(|goal| goal.to_string()))
        .with("window", period(&slo.period))
        .with("indicator", events(&slo.indicator.events))
        .with_some("budgeting", budgeting(slo.indicator.budgeting))
        .with_some("group_by", group_by)
        .with_some("streams_max", streams_max.map(u64::from))
        .with_text("alert_name", &slo.alert_name)
        .with_some("alerts", alerts(slo))
        .with_some("alert_labels", by_severity(&slo.severity_labels))
        .with_some("alert_annotations", by_severity(&slo.severity_annotations))
        .with_some("inhibit_slower", (!slo.inhibit_slower).then_some(false))
        .into()
}

fn by_severity(labels: &BTreeMap<String, Labels>) -> Option<Tree> {
    let entries = labels.iter().map(|(severity, labels)| (severity.clone(), labels.into()));
    (!labels.is_empty()).then(|| Tree::Map(entries.collect()))
}

fn period(period: &Period) -> Tree {
    match period {
        Period::Rolling(length) => text::days(*length).into(),
        Period::Calendar(calendar) => {
            let start = Some(calendar.start).filter(|start| *start != Calendar::USUAL_START);
            let zone = (calendar.zone != TimeZone::UTC).then(|| calendar.zone_name());
            Fields::new()
                .with("calendar", calendar.unit.as_str())
                .with_some("count", (calendar.count != 1).then_some(u64::from(calendar.count)))
                .with_some("start", start.map(|start| start.strftime("%Y-%m-%dT%H:%M:%S").to_string()))
                .with_some("zone", zone)
                .into()
        }
    }
}

fn budgeting(budgeting: Budgeting) -> Option<Tree> {
    let slices = |slice: TimeDelta| Fields::new().with("slice", slice.to_string());
    match budgeting {
        Budgeting::Occurrences => None,
        Budgeting::Timeslices { slice, target } => {
            Some(Fields::new().with("timeslices", slices(slice).with("target", target.to_string())).into())
        }
        Budgeting::RatioTimeslices { slice } => {
            Some(Fields::new().with("ratio_timeslices", slices(slice)).into())
        }
    }
}

fn events(events: &Events) -> Tree {
    match events {
        Events::Ratio(of) => Fields::new().with("ratio", ratio(of)),
        Events::Latency(latency) => {
            let fields = Fields::new().with("histogram", text::selector(&latency.histogram));
            Fields::new().with("latency", fields.with("threshold", latency.threshold.get()))
        }
        Events::Probe(name) => Fields::new().with("probe", name.as_str()),
        Events::Threshold(check) => {
            let fields = Fields::new().with("query", check.query.as_str()).with("op", check.op.as_str());
            let fields = fields.with("bound", check.bound.get()).with("slice", check.slice.to_string());
            Fields::new().with("threshold", fields)
        }
        Events::Query(query) => {
            let fields = match &query.ask {
                Ask::GoodTotal { good, total } => {
                    Fields::new().with("good", good.as_str()).with("total", total.as_str())
                }
                Ask::BadTotal { bad, total } => {
                    Fields::new().with("bad", bad.as_str()).with("total", total.as_str())
                }
                Ask::BadRatio(ratio) => Fields::new().with("bad_ratio", ratio.as_str()),
                Ask::GoodRatio(ratio) => Fields::new().with("good_ratio", ratio.as_str()),
            };
            Fields::new().with("query", fields.with("slice", query.slice.to_string()))
        }
        Events::Composite(of) => Fields::new().with("composite", composite(of)),
    }
    .into()
}

fn ratio(ratio: &Ratio) -> Tree {
    let one_or_all = |selectors: &[Selector]| match selectors {
        [one] => Tree::from(text::selector(one)),
        all => Tree::from(all.iter().map(text::selector).collect::<Vec<_>>()),
    };
    let (first, second) = match ratio {
        Ratio::GoodTotal { good, total } => (("good", good), ("total", total)),
        Ratio::GoodBad { good, bad } => (("good", good), ("bad", bad)),
        Ratio::BadTotal { bad, total } => (("bad", bad), ("total", total)),
    };
    Fields::new().with(first.0, one_or_all(first.1)).with(second.0, one_or_all(second.1)).into()
}

fn composite(composite: &Composite) -> Tree {
    let ids = || composite.members.iter().map(|member| member.slo.clone()).collect::<Vec<_>>();
    match composite.combination {
        Combination::Weighted => {
            let member = |member: &crate::indicator::Member| {
                Fields::new().with("slo", member.slo.as_str()).with("weight", member.weight.get())
            };
            Fields::new().with("weighted", composite.members.iter().map(member).collect::<Vec<_>>())
        }
        Combination::Serial => Fields::new().with("serial", ids()),
        Combination::CriticalMember => Fields::new().with("critical_member", ids()),
    }
    .into()
}

/// The alerts; `None` where the default ones are meant.
fn alerts(slo: &Slo) -> Option<Tree> {
    let Some(goal) = slo.goal else {
        let stated: Vec<Tree> = slo.threshold_alerts.iter().map(threshold_alert).collect();
        return (!stated.is_empty()).then_some(Tree::List(stated));
    };
    let nowhere = |alert: &BurnAlert| BurnAlert { span: None, ..alert.clone() };
    let stated: Vec<BurnAlert> = slo.alerts.iter().map(nowhere).collect();
    let is_default = stated == default_alerts(goal, &slo.period, SCRAPE_USUAL).alerts;
    if is_default && slo.budget_alerts.is_empty() {
        return None;
    }
    let burns = match is_default && !stated.is_empty() {
        true => vec![Tree::from("default")],
        false => stated.iter().map(burn_alert).collect(),
    };
    Some(Tree::List(burns.into_iter().chain(slo.budget_alerts.iter().map(budget_alert)).collect()))
}

fn burn_alert(alert: &BurnAlert) -> Tree {
    Fields::new()
        .with("name", alert.name.as_str())
        .with("severity", alert.severity.as_str())
        .with("long", alert.long.to_string())
        .with_some("short", alert.short.map(|short| short.to_string()))
        .with("factor", factor(alert.factor))
        .with_some("min_bad_events", Some(alert.min_bad_events).filter(|least| *least > 0))
        .with_labels("labels", &alert.labels)
        .with_labels("annotations", &alert.annotations)
        .into()
}

/// A decimal, or a fraction where there is none.
fn factor(factor: Factor) -> Tree {
    text::decimal(factor).map_or_else(|| text::factor(factor).into(), Tree::Number)
}

fn budget_alert(alert: &BudgetAlert) -> Tree {
    Fields::new()
        .with("name", alert.name.as_str())
        .with("severity", alert.severity.as_str())
        .with("budget_left_below", alert.left_below.to_string())
        .with_labels("labels", &alert.labels)
        .with_labels("annotations", &alert.annotations)
        .into()
}

fn threshold_alert(alert: &ThresholdAlert) -> Tree {
    let hold = Some(alert.hold).filter(|hold| *hold > TimeDelta::ZERO);
    Fields::new()
        .with("name", alert.name.as_str())
        .with("severity", alert.severity.as_str())
        .with_some("for", hold.map(|hold| hold.to_string()))
        .with_labels("labels", &alert.labels)
        .with_labels("annotations", &alert.annotations)
        .into()
}
