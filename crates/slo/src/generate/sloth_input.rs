//! What Sloth would make rules of: its own specifications as written, OpenSLO's v1alpha as Sloth reads it, and every
//! other objective in Sloth's terms.

use bellwether_diag::Cx;
use bellwether_diag::yaml::Node;
use bellwether_model::{Labels, TimeDelta};

use super::queries::{Counted, Growth, counted};
use crate::alert::text::{AlertKind, Subject, alert_labels};
use crate::definition::Slo;
use crate::dialect::alert_windows::{AlertWindows, BurnPair};
use crate::dialect::not_carried;
use crate::dialect::sloth_spec::{SlothAlert, SlothQuery, SlothService, SlothSli, SlothSlo};
use crate::goal::Goal;
use crate::indicator::Budgeting;
use crate::period::Period;

/// What the rules of one objective are made of.
#[derive(Clone, Debug)]
pub(super) struct SlothInput {
    pub(super) slo: SlothSlo,
    pub(super) period: TimeDelta,
    /// Windows of which the share of bad events is recorded, sorted.
    pub(super) windows: Vec<TimeDelta>,
    /// The window of which the share over the whole period is the mean.
    pub(super) base: TimeDelta,
    /// What is told, and of which windows.
    pub(super) alerts: Vec<SlothTold>,
    /// Which of Sloth's readers it went through.
    pub(super) mode: &'static str,
    /// Which way of writing it was read from.
    pub(super) spec: &'static str,
}

/// One of Sloth's alerts.
#[derive(Clone, Debug)]
pub(super) struct SlothTold {
    /// `page`, `ticket`, or another severity.
    pub(super) severity: String,
    pub(super) alert: SlothAlert,
    pub(super) pairs: Vec<(TimeDelta, Option<TimeDelta>, f64)>,
}

/// The objectives of a specification or resource of Sloth.
pub(super) fn of_service(service: &SlothService, windows: &AlertWindows) -> Vec<SlothInput> {
    let (mode, spec) = match service.resource {
        Some(_) => ("cli-gen-k8s", "sloth.slok.dev/v1"),
        None => ("cli-gen-prom", "prometheus/v1"),
    };
    service.slos.iter().map(|slo| of_spec(slo.clone(), windows, mode, spec)).collect()
}

fn of_spec(slo: SlothSlo, windows: &AlertWindows, mode: &'static str, spec: &'static str) -> SlothInput {
    let told = |severity: &str, alert: &Option<SlothAlert>, pairs: [BurnPair; 2]| {
        alert.as_ref().map(|alert| SlothTold {
            severity: severity.to_owned(),
            alert: alert.clone(),
            pairs: pairs.map(|pair| (pair.long, Some(pair.short), pair.factor.as_f64())).to_vec(),
        })
    };
    let page = told("page", &slo.page, [windows.page_quick, windows.page_slow]);
    let ticket = told("ticket", &slo.ticket, [windows.ticket_quick, windows.ticket_slow]);
    let lengths = windows.pairs().into_iter().flat_map(|(_, pair)| [pair.short, pair.long]);
    SlothInput {
        period: windows.period,
        windows: sorted(lengths),
        base: windows.page_quick.short,
        alerts: [page, ticket].into_iter().flatten().collect(),
        mode,
        spec,
        slo,
    }
}

fn sorted(windows: impl Iterator<Item = TimeDelta>) -> Vec<TimeDelta> {
    let mut windows: Vec<TimeDelta> = windows.collect();
    windows.sort();
    windows.dedup();
    windows
}

/// An objective of OpenSLO v1alpha, which Sloth takes for one objective per entry of `objectives`, without alerts.
/// `None` for what Sloth does not read.
pub(super) fn of_open_slo(
    node: &Node,
    windows: impl Fn(TimeDelta) -> Option<AlertWindows>,
) -> Option<Vec<SlothInput>> {
    let text = |node: &Node, name: &str| node.get(name).and_then(Node::as_text).map(str::to_owned);
    if text(node, "apiVersion")? != "openslo/v1alpha" || text(node, "kind")? != "SLO" {
        return None;
    }
    let (name, spec) = (text(node.get("metadata")?, "name")?, node.get("spec")?);
    let service = text(spec, "service")?;
    let days: i64 = match spec.get("timeWindows").and_then(Node::as_sequence) {
        None | Some([]) => 30,
        Some([window]) if text(window, "unit")?.eq_ignore_ascii_case("day") => {
            text(window, "count")?.parse().ok()?
        }
        Some(_) => return None,
    };
    let windows = windows(TimeDelta(days.checked_mul(TimeDelta::DAY.0)?))?;
    let objectives = spec.get("objectives")?.as_sequence()?;
    let made = objectives.iter().enumerate().map(|(index, objective)| {
        let metrics = objective.get("ratioMetrics")?;
        let query = |name: &str| text(metrics.get(name)?, "query");
        let (good, total) = (query("good")?, query("total")?);
        let slo = SlothSlo {
            name: format!("{name}-{index}"),
            service: service.clone(),
            description: text(spec, "description").unwrap_or_default(),
            goal: Goal::parse(&text(objective, "target")?).ok()?,
            labels: Default::default(),
            sli: SlothSli::Raw(SlothQuery {
                text: format!(
                    "\n  1 - (\n    (\n      {}\n    )\n    /\n    (\n      {}\n    )\n  )\n",
                    good.trim(),
                    total.trim()
                ),
                node: None,
            }),
            page: None,
            ticket: None,
            span: Some(objective.span),
        };
        Some(of_spec(slo, &windows, "cli-gen-openslo", "openslo/v1alpha"))
    });
    made.collect()
}

/// Any other objective in Sloth's terms; what Sloth knows nothing of is reported.
pub(super) fn of_slo(slo: &Slo, cx: &mut Cx<'_>) -> Option<SlothInput> {
    let mut refuse = |what: &str, help: &str| {
        if let Some(span) = slo.span {
            not_carried(span, format!("{} {what}, which Sloth's rules cannot express", slo.id()), help, cx);
        }
    };
    let period = match &slo.period {
        Period::Rolling(period) => *period,
        Period::Calendar(_) => {
            refuse(
                "has a period of the calendar",
                "write a rolling period, or leave its rules to Bellwether",
            );
            return None;
        }
    };
    let Some(goal) = slo.goal else {
        refuse("has no goal", "leave its alerts to Bellwether");
        return None;
    };
    if slo.indicator.budgeting != Budgeting::Occurrences {
        refuse("judges slices of time", "count events, or leave its rules to Bellwether");
        return None;
    }
    let Some(counted) = counted(&slo.indicator, &slo.indicator.group_by, Growth::Second) else {
        refuse("is no share of counted events", "leave its rules to Bellwether");
        return None;
    };
    if !slo.budget_alerts.is_empty() {
        refuse("has alerts on its budget", "leave them to Bellwether");
    }
    if slo.alerts.iter().any(|alert| alert.min_bad_events > 0) {
        refuse("has alerts that need a number of bad events", "leave min_bad_events out");
    }
    let query = |text: String| SlothQuery { text, node: None };
    let sli = match counted {
        Counted::Counts { bad, total } => SlothSli::Events { error: query(bad), total: query(total) },
        Counted::BadRatio(ratio) => SlothSli::Raw(query(ratio)),
    };
    let mut alerts: Vec<SlothTold> = Vec::new();
    for alert in &slo.alerts {
        let pair = (alert.long, alert.short, alert.factor.as_f64());
        if let Some(told) = alerts.iter_mut().find(|told| told.severity == alert.severity) {
            told.pairs.push(pair);
            continue;
        }
        let subject = Subject { slo, labels: &Labels::empty(), kind: AlertKind::Burn(alert) };
        let labels = alert_labels(&subject);
        let annotations = [Some(&slo.annotations), slo.severity_annotations.get(&alert.severity)];
        alerts.push(SlothTold {
            severity: alert.severity.clone(),
            alert: SlothAlert {
                name: labels.value_or_empty("alertname").to_owned(),
                labels: labels
                    .without(&["alertname", "alert"])
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                annotations: annotations
                    .into_iter()
                    .flatten()
                    .flat_map(Labels::iter)
                    .filter(|(_, text)| super::exact::is_for_prometheus(text))
                    .map(|(name, text)| (name.to_owned(), text.to_owned()))
                    .collect(),
                annotation_nodes: Vec::new(),
            },
            pairs: vec![pair],
        });
    }
    let windows = slo.alerts.iter().flat_map(|alert| [Some(alert.long), alert.short]).flatten();
    let mut windows = sorted(windows);
    if windows.is_empty() {
        windows.push(TimeDelta(5 * TimeDelta::MINUTE.0));
    }
    let service = if slo.service.is_empty() { slo.name.clone() } else { slo.service.clone() };
    Some(SlothInput {
        slo: SlothSlo {
            name: slo.name.clone(),
            service,
            description: slo.description.clone(),
            goal,
            labels: slo.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            sli,
            page: None,
            ticket: None,
            span: slo.span,
        },
        period,
        base: windows[0],
        windows,
        alerts,
        mode: "cli-gen-prom",
        spec: slo.dialect.as_str(),
    })
}
