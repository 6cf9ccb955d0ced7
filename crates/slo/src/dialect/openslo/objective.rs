//! One objective of an SLO: its goal, what counts as one event, and, in a journey, its own indicator and weight.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Diagnostic, MapReader, Span};
use bellwether_model::TimeDelta;

use super::object::{Object, ObjectKind, Version};
use super::source::{self, Metric, Sli};
use super::window::slice;
use super::{Library, events};
use crate::dialect::draft::indicator;
use crate::dialect::not_carried;
use crate::goal::Goal;
use crate::indicator::{Budgeting, Comparison, Events, Finite, Indicator, ThresholdCheck};

/// A slice of what is asked, unless an objective states its own.
const SLICE_DEFAULT: TimeDelta = TimeDelta::MINUTE;
/// As close to everything as a goal can be: below a thousand million events in a slice the same as every one of them.
const ALL_OF_A_SLICE: &str = "0.999999999";

/// What is counted as one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Occurrences,
    Timeslices,
    RatioTimeslices,
}

/// An objective as it is written.
pub(super) struct Objective {
    pub(super) span: Span,
    pub(super) display_name: String,
    pub(super) goal: Goal,
    pub(super) weight: Finite,
    /// The indicator of its own that it has in a journey.
    pub(super) own: Option<Sli>,
    bound: Option<(Comparison, Finite)>,
    slice: Option<TimeDelta>,
    slice_target: Option<Goal>,
}

impl Objective {
    pub(super) fn read(node: &Node, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let display_name = map.optional("displayName", cx).unwrap_or_default();
        let goal = goal(&mut map, cx);
        let op = map.node("op").filter(|node| !node.is_null()).map(|node| comparison(node, cx));
        let value = map.node("value").filter(|node| !node.is_null()).map(|node| number(node, cx));
        let slice = map.node("timeSliceWindow").map(|node| slice(node, cx));
        let slice_target = map.node("timeSliceTarget").map(|node| slice_target(node, cx));
        let own = own_indicator(&mut map, library, cx);
        let weight = map.node("compositeWeight").map_or(Finite::new(1.0), |node| weight(node, cx));
        map.finish(cx);
        let bound = match (op, value) {
            (Some(op), Some(value)) => Some((op?, value?)),
            // Of a ratio it says what a goal says anyway.
            (Some(Some(Comparison::Greater | Comparison::GreaterOrEqual)) | None, _) => None,
            (Some(_), None) => {
                let help = "leave op out, or write gt: more than the target must be good";
                cx.error_help(node.span, "the objective would be met by being missed", help);
                return None;
            }
        };
        Some(Self {
            span: node.span,
            display_name,
            goal: goal?,
            weight: weight?,
            own: own.map_or(Some(None), |sli| sli.map(Some))?,
            bound,
            slice: slice.map_or(Some(None), |slice| slice.map(Some))?,
            slice_target: slice_target.map_or(Some(None), |target| target.map(Some))?,
        })
    }

    /// What is counted when an indicator is judged by this objective.
    pub(super) fn indicator(&self, sli: &Sli, method: Method, cx: &mut Cx<'_>) -> Option<Indicator> {
        let budgeting = self.budgeting(method, cx)?;
        let asked_each = self.slice.unwrap_or(SLICE_DEFAULT).min(SLICE_DEFAULT);
        match &sli.metric {
            Metric::Ratio(share) => Some(Indicator { budgeting, ..events::of_share(share, asked_each) }),
            Metric::Threshold(query) => {
                let Some((op, bound)) = self.bound else {
                    let help = "write op: lte and value: 0.5, or whatever the value must keep";
                    cx.error_help(self.span, "the value is compared with nothing", help);
                    return None;
                };
                let slice = self.judged_each(budgeting, cx);
                Some(indicator(Events::Threshold(ThresholdCheck {
                    query: query.text.clone(),
                    op,
                    bound,
                    slice,
                })))
            }
        }
    }

    /// How often a value is judged. A slice of several minutes is judged once, not by the share of its minutes.
    fn judged_each(&self, budgeting: Budgeting, cx: &mut Cx<'_>) -> TimeDelta {
        match budgeting {
            Budgeting::Occurrences => SLICE_DEFAULT,
            Budgeting::Timeslices { slice, .. } | Budgeting::RatioTimeslices { slice } => {
                if slice != SLICE_DEFAULT {
                    let message = format!("the value is judged once in {slice}, not by the share of a slice");
                    let help = "write timeSliceWindow: 1m, which means the same in both ways";
                    not_carried(self.span, message, help, cx);
                }
                slice
            }
        }
    }

    fn budgeting(&self, method: Method, cx: &mut Cx<'_>) -> Option<Budgeting> {
        let missing = |what: &str, help: &str, cx: &mut Cx<'_>| {
            cx.error_help(self.span, format!("{what} is missing"), help);
        };
        let slice_help = "write timeSliceWindow: 1m, the length of a slice";
        match (method, self.slice, self.slice_target) {
            (Method::Occurrences, None, None) => Some(Budgeting::Occurrences),
            (Method::Occurrences, _, _) => {
                let message = "slices of time mean nothing where events are counted one by one";
                let problem = Diagnostic::warning("openslo-slices", self.span, message);
                cx.push(problem.with_help("leave them out, or write budgetingMethod: Timeslices"));
                Some(Budgeting::Occurrences)
            }
            (Method::Timeslices, Some(slice), Some(target)) => Some(Budgeting::Timeslices { slice, target }),
            (Method::Timeslices, Some(_), None) => {
                missing(
                    "timeSliceTarget",
                    "write timeSliceTarget: 0.95, the share of a good slice's events",
                    cx,
                );
                None
            }
            (Method::RatioTimeslices, Some(slice), _) => Some(Budgeting::RatioTimeslices { slice }),
            (Method::Timeslices | Method::RatioTimeslices, None, _) => {
                missing("timeSliceWindow", slice_help, cx);
                None
            }
        }
    }
}

/// `target: 0.99`, or `targetPercent: 99`.
fn goal(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Goal> {
    let help = "write target: 0.999, or targetPercent: 99.9";
    let (node, text) = match (map.node("target"), map.node("targetPercent")) {
        (Some(node), None) => (node, node.as_text().unwrap_or_default().trim().to_owned()),
        (None, Some(node)) => (node, format!("{}%", node.as_text().unwrap_or_default().trim())),
        (None, None) => {
            cx.error_help(map.span_first_line(cx), "the objective has no target", help);
            return None;
        }
        (Some(_), Some(percent)) => {
            cx.error_help(percent.span, "the target is stated twice", "keep target or targetPercent");
            return None;
        }
    };
    Goal::parse(&text).map_err(|error| cx.error_help(node.span, error.message, help)).ok()
}

/// A share in (0, 1]; all of a slice is as much as a goal can say.
fn slice_target(node: &Node, cx: &mut Cx<'_>) -> Option<Goal> {
    let text = node.as_text().unwrap_or_default().trim();
    let is_all = text.parse::<f64>().is_ok_and(|share| share == 1.0);
    Goal::parse(if is_all { ALL_OF_A_SLICE } else { text })
        .map_err(|error| cx.error_help(node.span, error.message, "write timeSliceTarget: 0.95"))
        .ok()
}

fn comparison(node: &Node, cx: &mut Cx<'_>) -> Option<Comparison> {
    match node.as_text().unwrap_or_default() {
        "lt" => Some(Comparison::Less),
        "lte" => Some(Comparison::LessOrEqual),
        "gt" => Some(Comparison::Greater),
        "gte" => Some(Comparison::GreaterOrEqual),
        other => {
            cx.error_help(node.span, format!("{other:?} is no comparison"), "write lt, lte, gt or gte");
            None
        }
    }
}

fn number(node: &Node, cx: &mut Cx<'_>) -> Option<Finite> {
    let found = node.as_text().and_then(|text| text.trim().parse().ok()).and_then(Finite::new);
    if found.is_none() {
        cx.error_help(node.span, "not a number", "write one in the unit that the query gives, such as 0.5");
    }
    found
}

fn weight(node: &Node, cx: &mut Cx<'_>) -> Option<Finite> {
    let weight = number(node, cx)?;
    if weight.get() <= 0.0 {
        cx.error_help(node.span, "a weight is more than nothing", "write compositeWeight: 1");
        return None;
    }
    Some(weight)
}

fn own_indicator(map: &mut MapReader<'_>, library: Library<'_>, cx: &mut Cx<'_>) -> Option<Option<Sli>> {
    match library.version {
        Version::V1Alpha => {
            let node = map.node("ratioMetrics").filter(|node| !node.is_null())?;
            let share = source::ratio(node, library, cx);
            Some(share.map(|share| Sli { description: String::new(), metric: Metric::Ratio(share) }))
        }
        Version::V1 => stated_or_referred(map, "indicator", "indicatorRef", library, cx),
        Version::V2Alpha => stated_or_referred(map, "sli", "sliRef", library, cx),
    }
}

/// An indicator that stands here or that is named; `None` when there is neither.
pub(super) fn stated_or_referred(
    map: &mut MapReader<'_>,
    stated: &'static str,
    referred: &'static str,
    library: Library<'_>,
    cx: &mut Cx<'_>,
) -> Option<Option<Sli>> {
    let inline = map.node(stated).filter(|node| !node.is_null());
    let reference = map.node(referred).filter(|node| !node.is_null());
    match (inline, reference) {
        (None, None) => None,
        (Some(node), None) => {
            let object = Object::inline(node, library.version, ObjectKind::Sli, cx);
            Some(object.and_then(|object| source::indicator(&object, library, cx)))
        }
        (None, Some(name)) => {
            let object = library.find(ObjectKind::Sli, name, cx);
            Some(object.and_then(|object| {
                source::indicator(&object, Library { version: object.version, ..library }, cx)
            }))
        }
        (Some(_), Some(name)) => {
            cx.error_help(name.span, "the indicator is stated twice", format!("keep {stated} or {referred}"));
            Some(None)
        }
    }
}
