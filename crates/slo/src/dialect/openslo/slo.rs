//! An SLO: one objective of ours for each of its own, and for a journey one more that is made of them.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Diagnostic, MapReader};

use super::object::{Object, Version};
use super::objective::{Method, Objective, stated_or_referred};
use super::source::{self, Metric, Sli};
use super::{Library, alert, window};
use crate::burn_alert::BurnAlert;
use crate::definition::{Dialect, Slo};
use crate::dialect::draft::{Draft, indicator, slug};
use crate::dialect::own_annotation;
use crate::goal::Goal;
use crate::indicator::{Combination, Composite, Events, Member};
use crate::period::Period;

/// What all objectives of an SLO have in common.
struct Shared<'n> {
    object: &'n Object<'n>,
    service: String,
    description: String,
    period: Period,
    alerts: Vec<BurnAlert>,
    /// Whether its objectives are parts of a whole, which alone alerts.
    is_journey: bool,
}

pub(super) fn read(object: &Object<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Vec<Slo> {
    whole(object, library, cx).unwrap_or_default()
}

fn whole(object: &Object<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Vec<Slo>> {
    let mut map = MapReader::open(object.spec, cx)?;
    let service_field = match library.version {
        Version::V1Alpha | Version::V1 => "service",
        Version::V2Alpha => "serviceRef",
    };
    let service = map.required::<String>(service_field, cx);
    let description = map.optional("description", cx).unwrap_or_default();
    let method = method(&mut map, cx);
    let windows = if library.version == Version::V1Alpha { "timeWindows" } else { "timeWindow" };
    let windows = map.node(windows);
    let period = window::period(windows, library.version, &map, cx);
    let sli = common_indicator(&mut map, library, cx);
    let objectives = objectives(&mut map, library, cx);
    let policies = match library.version {
        Version::V1Alpha => None,
        Version::V1 | Version::V2Alpha => map.node("alertPolicies"),
    };
    let alerts = alert::alerts(policies, library, cx);
    map.finish(cx);
    let shared = Shared {
        object,
        service: service?,
        description,
        period: period?,
        alerts: alerts?,
        is_journey: false,
    };
    let (method, objectives) = (method?, objectives?);
    match (sli, objectives.iter().any(|objective| objective.own.is_some())) {
        (Some(sli), false) => each(&shared, &objectives, |_| sli.as_ref(), method, cx),
        (None, true) if library.version == Version::V1Alpha => {
            each(&shared, &objectives, |objective| objective.own.as_ref(), method, cx)
        }
        (None, true) => journey(&shared, &objectives, method, cx),
        (None, false) => {
            let help = "write indicator: or indicatorRef:, here or at every objective";
            cx.error_help(object.name_span, "the objective measures nothing", help);
            None
        }
        (Some(_), true) => {
            let help = "keep it here, or at every objective";
            cx.error_help(object.name_span, "the indicator is stated here and at objectives", help);
            None
        }
    }
}

fn method(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Method> {
    let Some(node) = map.node("budgetingMethod") else {
        return map.required::<String>("budgetingMethod", cx).and(None);
    };
    match node.as_text().unwrap_or_default() {
        "Occurrences" => Some(Method::Occurrences),
        "Timeslices" => Some(Method::Timeslices),
        "RatioTimeslices" => Some(Method::RatioTimeslices),
        other => {
            let help = "write Occurrences, Timeslices or RatioTimeslices";
            cx.error_help(node.span, format!("{other:?} is no budgeting method"), help);
            None
        }
    }
}

/// The indicator of the whole SLO; `None` when each objective has its own.
fn common_indicator(map: &mut MapReader<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Option<Sli>> {
    match library.version {
        Version::V1Alpha => {
            let node = map.node("indicator").filter(|node| !node.is_null())?;
            Some(threshold_alpha(node, library, cx))
        }
        Version::V1 => stated_or_referred(map, "indicator", "indicatorRef", library, cx),
        Version::V2Alpha => stated_or_referred(map, "sli", "sliRef", library, cx),
    }
}

/// `indicator: {thresholdMetric: …}`, as v1alpha writes it.
fn threshold_alpha(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Sli> {
    let mut map = MapReader::open(node, cx)?;
    let query = match map.node("thresholdMetric") {
        Some(node) => source::query(node, library, cx),
        None => map.required::<String>("thresholdMetric", cx).and(None),
    };
    map.finish(cx);
    Some(Sli { description: String::new(), metric: Metric::Threshold(query?) })
}

fn objectives(map: &mut MapReader<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Vec<Objective>> {
    let Some(node) = map.node("objectives") else {
        return map.required::<String>("objectives", cx).and(None);
    };
    let items = match &node.value {
        Value::Sequence(items) if !items.is_empty() => items,
        Value::Sequence(_) | Value::Null | Value::Scalar(_) | Value::Mapping(_) => {
            cx.error_help(node.span, "there is no objective", "write - target: 0.99");
            return None;
        }
    };
    let read: Vec<Option<Objective>> = items.iter().map(|item| Objective::read(item, library, cx)).collect();
    read.into_iter().collect()
}

/// One objective of ours for each.
fn each<'o>(
    shared: &Shared<'_>,
    objectives: &'o [Objective],
    sli: impl Fn(&'o Objective) -> Option<&'o Sli>,
    method: Method,
    cx: &mut Cx<'_>,
) -> Option<Vec<Slo>> {
    let names = names(&shared.object.name, objectives, shared.is_journey);
    let slos = objectives.iter().zip(names).map(|(objective, name)| {
        let sli = sli(objective)?;
        let draft = Draft {
            dialect: Dialect::OpenSlo,
            name,
            service: shared.service.clone(),
            goal: objective.goal,
            period: shared.period.clone(),
            indicator: objective.indicator(sli, method, cx)?,
            span: if objectives.len() == 1 { shared.object.name_span } else { objective.span },
        };
        let slo = dressed(draft.into_slo(), shared, &objective.display_name, &sli.description, cx);
        Some(Slo { alerts: shared.alerts.clone(), ..slo })
    });
    slos.collect()
}

/// The parts of a journey, and the journey itself: the mean of its parts by weight, against the mean of their goals.
fn journey(
    shared: &Shared<'_>,
    objectives: &[Objective],
    method: Method,
    cx: &mut Cx<'_>,
) -> Option<Vec<Slo>> {
    if let Some(bare) = objectives.iter().find(|objective| objective.own.is_none()) {
        let help = "write indicator: or indicatorRef: at every objective of a journey";
        cx.error_help(bare.span, "this part of the journey measures nothing", help);
        return None;
    }
    let parts = Shared {
        service: shared.service.clone(),
        description: shared.description.clone(),
        period: shared.period.clone(),
        alerts: Vec::new(),
        is_journey: true,
        ..*shared
    };
    let mut slos = each(&parts, objectives, |objective| objective.own.as_ref(), method, cx)?;
    let weights: f64 = objectives.iter().map(|objective| objective.weight.get()).sum();
    let mean: f64 = objectives.iter().map(|o| o.weight.get() * o.goal.ratio()).sum::<f64>() / weights;
    let goal = Goal::parse(&format!("{mean:.9}")).ok();
    let Some(goal) = goal else {
        cx.error(shared.object.name_span, "the mean of the targets is no goal");
        return None;
    };
    let members = slos.iter().zip(objectives);
    let members =
        members.map(|(slo, objective)| Member { slo: slo.id(), weight: objective.weight }).collect();
    let composite = Composite { combination: Combination::Weighted, members };
    let draft = Draft {
        dialect: Dialect::OpenSlo,
        name: shared.object.name.clone(),
        service: shared.service.clone(),
        goal,
        period: shared.period.clone(),
        indicator: indicator(Events::Composite(composite)),
        span: shared.object.name_span,
    };
    let mut whole = dressed(draft.into_slo(), shared, "", "", cx);
    whole.alerts.clone_from(&shared.alerts);
    whole
        .notes
        .push(format!("OpenSLO states no target of a journey; {goal} is the mean of its parts' by weight"));
    slos.push(whole);
    Some(slos)
}

/// The SLO's own name for a single objective, else the objective's name or number behind it. The parts of a journey
/// leave the SLO's name to the journey.
fn names(name: &str, objectives: &[Objective], are_parts: bool) -> Vec<String> {
    if objectives.len() == 1 && !are_parts {
        return vec![name.to_owned()];
    }
    let of = |(index, objective): (usize, &Objective)| match slug(&objective.display_name) {
        slug if slug.is_empty() => format!("{name}-{}", index + 1),
        slug => format!("{name}-{slug}"),
    };
    objectives.iter().enumerate().map(of).collect()
}

/// The same with what is written for people, and what this program keeps in annotations of its own.
fn dressed(slo: Slo, shared: &Shared<'_>, objective: &str, indicator: &str, cx: &mut Cx<'_>) -> Slo {
    let object = shared.object;
    let names = [object.display_name.as_str(), objective].into_iter().filter(|name| !name.is_empty());
    let description =
        if shared.description.is_empty() { indicator.to_owned() } else { shared.description.clone() };
    let mut slo = Slo {
        display_name: names.collect::<Vec<_>>().join(": "),
        description,
        labels: object.labels.clone(),
        annotations: own_annotation::others(&object.annotations),
        ..slo
    };
    if let Err(why) = own_annotation::apply(&object.annotations, &mut slo) {
        cx.push(Diagnostic::error("invalid-value", object.name_span, why));
    }
    slo
}
