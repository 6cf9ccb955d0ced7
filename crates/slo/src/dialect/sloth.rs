//! Sloth's specifications as objectives of ours. Its four pairs of windows become burn-rate alerts of those names; the
//! severity of an alert is its label `severity` where it has one, since that is what people route by.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Span};
use bellwether_model::{Labels, is_valid_legacy_name};

use super::alert_windows::{AlertWindows, BurnPair, Catalogue};
use super::sloth_spec::{SlothAlert, SlothQuery, SlothService, SlothSli, SlothSlo};
use super::{not_carried, queried};
use crate::alert::template;
use crate::alert::verdict::{arithmetic, verdict};
use crate::burn_alert::BurnAlert;
use crate::decode::parts::OWN_LABELS;
use crate::definition::{About, Dialect, Slo};
use crate::indicator::Ask;
use crate::period::Period;
use crate::status::Verdict;

/// Reads the objectives of a specification.
pub(super) fn read_spec(node: &Node, catalogue: &Catalogue, cx: &mut Cx<'_>) -> Vec<Slo> {
    SlothService::of_spec(node, cx).map(|service| slos(&service, node, catalogue, cx)).unwrap_or_default()
}

/// Reads the objectives of a resource.
pub(super) fn read_resource(node: &Node, catalogue: &Catalogue, cx: &mut Cx<'_>) -> Vec<Slo> {
    SlothService::of_resource(node, cx).map(|service| slos(&service, node, catalogue, cx)).unwrap_or_default()
}

fn slos(service: &SlothService, node: &Node, catalogue: &Catalogue, cx: &mut Cx<'_>) -> Vec<Slo> {
    match catalogue.windows(None) {
        Ok(windows) => service.slos.iter().filter_map(|slo| objective(slo, &windows, cx)).collect(),
        Err(message) => {
            cx.error(node.span, message);
            Vec::new()
        }
    }
}

fn objective(slo: &SlothSlo, windows: &AlertWindows, cx: &mut Cx<'_>) -> Option<Slo> {
    let span = slo.span?;
    let node = |query: &SlothQuery| query.node.clone();
    let indicator = match &slo.sli {
        SlothSli::Events { error, total } => {
            let ask = Ask::BadTotal { bad: error.text.clone(), total: total.text.clone() };
            queried::indicator(&ask, &[&node(error)?, &node(total)?], cx)
        }
        SlothSli::Raw(ratio) => queried::indicator(&Ask::BadRatio(ratio.text.clone()), &[&node(ratio)?], cx),
    };
    let indicator = indicator?;
    // An alert's identity must tell the streams apart.
    if let Some(name) = indicator.group_by.iter().find(|name| OWN_LABELS.contains(&name.as_str())) {
        let help = "copy its values into another label of the metric, and group by that";
        cx.error_help(span, format!("label {name} is set by the objective itself and cannot split it"), help);
        return None;
    }
    let told = [("page", &slo.page), ("ticket", &slo.ticket)];
    let told: Vec<Told> = told
        .into_iter()
        .filter_map(|(kind, alert)| Some(told_of(slo, kind, alert.as_ref()?, span, cx)))
        .collect();
    let mut out = Slo {
        name: slo.name.clone(),
        display_name: String::new(),
        service: slo.service.clone(),
        description: slo.description.clone(),
        about: About::default(),
        labels: labels(slo, &slo.labels, span, cx),
        annotations: Labels::empty(),
        severity_labels: BTreeMap::new(),
        severity_annotations: BTreeMap::new(),
        goal: Some(slo.goal),
        aspirational: None,
        period: Period::Rolling(windows.period),
        indicator,
        alert_name: told.first().map(|told| told.name.clone()).unwrap_or_default(),
        alerts: Vec::new(),
        budget_alerts: Vec::new(),
        threshold_alerts: Vec::new(),
        inhibit_slower: true,
        notes: Vec::new(),
        dialect: Dialect::Sloth,
        origin: String::new(),
        span: Some(span),
    };
    let by_severity = told.iter().map(|told| told.severity.as_str()).collect::<Vec<_>>();
    let is_shared = by_severity.windows(2).any(|pair| pair[0] == pair[1]);
    for told in &told {
        for (name, pair) in windows.pairs() {
            if name.starts_with(told.kind) {
                add(&mut out, alert(name, pair, told, is_shared, windows.span), windows);
            }
        }
        if !is_shared {
            let severity = || told.severity.clone();
            if !told.labels.is_empty() {
                out.severity_labels.insert(severity(), told.labels.clone());
            }
            if !told.annotations.is_empty() {
                out.severity_annotations.insert(severity(), told.annotations.clone());
            }
        }
    }
    Some(out)
}

/// An alert of one severity.
struct Told {
    kind: &'static str,
    severity: String,
    name: String,
    labels: Labels,
    annotations: Labels,
}

fn told_of(slo: &SlothSlo, kind: &'static str, alert: &SlothAlert, span: Span, cx: &mut Cx<'_>) -> Told {
    for node in &alert.annotation_nodes {
        template::annotations(Some(node), cx);
    }
    let severity = alert.labels.get("severity").or_else(|| slo.labels.get("severity"));
    Told {
        kind,
        severity: severity.map_or_else(|| kind.to_owned(), String::clone),
        name: alert.name.clone(),
        labels: labels(slo, &alert.labels, span, cx),
        annotations: Labels::from_pairs(alert.annotations.clone()),
    }
}

/// Labels that alerts can carry beside those that say which alert it is.
fn labels(slo: &SlothSlo, stated: &BTreeMap<String, String>, span: Span, cx: &mut Cx<'_>) -> Labels {
    let mut kept = Vec::new();
    for (name, value) in stated {
        let is_same = match name.as_str() {
            // An alert's own field says it.
            "severity" => true,
            "service" => *value == slo.service,
            "slo" => *value == slo.name,
            _ => false, // Whatever else people call their labels.
        };
        if is_same {
            continue;
        }
        if OWN_LABELS.contains(&name.as_str()) {
            let message = format!("label {name} is set by the objective itself");
            not_carried(span, message, "give the label another name", cx);
        } else if !is_valid_legacy_name(name, false) {
            let message = format!("{name:?} cannot be a label's name");
            not_carried(span, message, "write letters, digits and underscores", cx);
        } else {
            kept.push((name.clone(), value.clone()));
        }
    }
    Labels::from_pairs(kept)
}

fn alert(name: &str, pair: BurnPair, told: &Told, is_shared: bool, span: Option<Span>) -> BurnAlert {
    let own = |labels: &Labels| if is_shared { labels.clone() } else { Labels::empty() };
    BurnAlert {
        name: name.to_owned(),
        severity: told.severity.clone(),
        long: pair.long,
        short: Some(pair.short),
        factor: pair.factor,
        min_bad_events: 0,
        labels: own(&told.labels),
        annotations: own(&told.annotations),
        span,
    }
}

/// Nobody stated the windows that Sloth knows by itself, so one that can never fire is left out and said so.
fn add(slo: &mut Slo, alert: BurnAlert, windows: &AlertWindows) {
    let Some(goal) = slo.goal else { return };
    if windows.span.is_none() && verdict(&alert, goal, &slo.period) == Verdict::CannotFire {
        let why = arithmetic(&alert, goal, &slo.period);
        slo.notes.push(format!("alert {} is left out: {why}", alert.name));
        return;
    }
    slo.alerts.push(alert);
}
