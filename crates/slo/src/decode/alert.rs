//! What our own dialect says of an objective's alerts: burn-rate alerts, alerts on what is left of the budget, the
//! default ones among them, and what all alerts of one severity carry.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Span, entries};
use bellwether_model::{Labels, TimeDelta};

use crate::alert::defaults::{DEFAULT_ALERT_NAMES, SCRAPE_USUAL, default_alerts};
use crate::alert::template::annotations;
use crate::burn_alert::{BudgetAlert, BurnAlert};
use crate::decode::parts::{ScalarText, labels, not_empty, window};
use crate::goal::{Factor, Goal, Share};
use crate::period::Period;

/// What an objective says of its alerts.
#[derive(Default)]
pub(crate) struct AlertFields {
    pub(crate) alerts: Vec<BurnAlert>,
    pub(crate) budget_alerts: Vec<BudgetAlert>,
    pub(crate) severity_labels: BTreeMap<String, Labels>,
    pub(crate) severity_annotations: BTreeMap<String, Labels>,
    pub(crate) inhibit_slower: bool,
    /// Why default alerts are not among them.
    pub(crate) notes: Vec<String>,
}

/// Of what the default alerts are made.
pub(crate) struct Judged<'a> {
    /// `None` for an objective without a goal, which has none.
    pub(crate) goal: Option<Goal>,
    pub(crate) period: &'a Period,
}

/// Everything about alerts in an objective's mapping.
#[derive(Default)]
pub(crate) struct AlertNodes {
    items: Option<Vec<Item>>,
    min_bad_events: u64,
    severity_labels: BTreeMap<String, Labels>,
    severity_annotations: BTreeMap<String, Labels>,
    inhibit_slower: bool,
}

/// An item of the list of alerts.
enum Item {
    Default,
    Burn(BurnAlert),
    Budget(BudgetAlert),
}

impl AlertNodes {
    /// Takes what concerns alerts out of an objective's mapping; `None` when something of it is wrong.
    pub(crate) fn take(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Self> {
        let min_bad_events = map.node("min_bad_events").map(|node| u64::decode(node, cx));
        let least = min_bad_events.flatten().unwrap_or_default();
        let items = map.node("alerts").map(|node| items(node, least, cx));
        let labels_by = map.node("alert_labels").map(|node| by_severity(node, labels, cx));
        let annotations_by = map.node("alert_annotations").map(|node| by_severity(node, annotations, cx));
        let inhibit_slower = map.node("inhibit_slower").map(|node| bool::decode(node, cx));
        Some(Self {
            min_bad_events: min_bad_events.map_or(Some(0), |n| n)?,
            items: items.map_or(Some(None), |items| items.map(Some))?,
            severity_labels: labels_by.unwrap_or_else(|| Some(BTreeMap::new()))?,
            severity_annotations: annotations_by.unwrap_or_else(|| Some(BTreeMap::new()))?,
            inhibit_slower: inhibit_slower.map_or(Some(true), |i| i)?,
        })
    }

    /// The alerts, with the default ones where they are wanted.
    pub(crate) fn into_fields(self, judged: &Judged<'_>) -> AlertFields {
        let mut fields = AlertFields {
            severity_labels: self.severity_labels,
            severity_annotations: self.severity_annotations,
            inhibit_slower: self.inhibit_slower,
            ..AlertFields::default()
        };
        for item in self.items.unwrap_or_else(|| vec![Item::Default]) {
            match item {
                Item::Burn(alert) => fields.alerts.push(alert),
                Item::Budget(alert) => fields.budget_alerts.push(alert),
                Item::Default => {
                    let Some(goal) = judged.goal else { continue };
                    let mut defaults = default_alerts(goal, judged.period, SCRAPE_USUAL);
                    defaults.alerts.iter_mut().for_each(|alert| alert.min_bad_events = self.min_bad_events);
                    fields.alerts.append(&mut defaults.alerts);
                    fields.notes.append(&mut defaults.notes);
                }
            }
        }
        fields
    }
}

fn items(node: &Node, min_bad_events: u64, cx: &mut Cx<'_>) -> Option<Vec<Item>> {
    let nodes = match &node.value {
        Value::Sequence(nodes) => nodes,
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => {
            cx.error_help(
                node.span,
                "expected a list of alerts",
                "write alerts: [] for none, or leave alerts out for the default ones",
            );
            return None;
        }
    };
    let read: Vec<Option<(Item, Span)>> =
        nodes.iter().map(|node| item(node, min_bad_events, cx).map(|item| (item, node.span))).collect();
    let items: Vec<(Item, Span)> = read.into_iter().collect::<Option<_>>()?;
    let is_clear = refuse_same_names(&items, cx);
    is_clear.then(|| items.into_iter().map(|(item, _)| item).collect())
}

/// Names tell the alerts of an objective apart; the default ones have theirs.
fn refuse_same_names(items: &[(Item, Span)], cx: &mut Cx<'_>) -> bool {
    let mut seen = BTreeSet::new();
    let mut is_clear = true;
    for (item, span) in items {
        let names = match item {
            Item::Default => DEFAULT_ALERT_NAMES.to_vec(),
            Item::Burn(alert) => vec![alert.name.as_str()],
            Item::Budget(alert) => vec![alert.name.as_str()],
        };
        let twice = names.into_iter().filter(|name| !seen.insert(*name)).collect::<Vec<_>>();
        if let Some(name) = twice.first() {
            let help = "give each alert of an objective a name of its own";
            cx.error_help(*span, format!("alert {name:?} is defined twice"), help);
            is_clear = false;
        }
    }
    is_clear
}

fn item(node: &Node, min_bad_events: u64, cx: &mut Cx<'_>) -> Option<Item> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text == "default" => Some(Item::Default),
        Value::Mapping(_) if node.get("budget_left_below").is_some() => {
            BudgetAlert::decode(node, cx).map(Item::Budget)
        }
        Value::Mapping(_) => burn_alert(node, min_bad_events, cx).map(Item::Burn),
        Value::Null | Value::Scalar(_) | Value::Sequence(_) => {
            let help = "write default for the default alerts, or an alert with a name, long, short and factor, \
                        or with a name and budget_left_below";
            cx.error_help(node.span, "expected an alert", help);
            None
        }
    }
}

fn burn_alert(node: &Node, min_bad_events: u64, cx: &mut Cx<'_>) -> Option<BurnAlert> {
    let mut map = MapReader::open(node, cx)?;
    let name = map.required::<String>("name", cx);
    let name = not_empty(name, node.span, "name", cx);
    let severity = map.optional::<String>("severity", cx).unwrap_or_else(|| "page".to_owned());
    let long_node = map.node("long");
    let long = match long_node {
        Some(node) => window(node, "window", cx),
        None => map.required::<TimeDelta>("long", cx),
    };
    let short_node = map.node("short");
    let short = short_node.map(|node| window(node, "window", cx));
    let factor_node = map.node("factor");
    let factor = match factor_node {
        Some(node) => factor(node, cx),
        None => map.required::<String>("factor", cx).and(None),
    };
    let own_least = map.node("min_bad_events").map(|node| u64::decode(node, cx));
    let labels = labels(map.node("labels"), cx);
    let annotations = annotations(map.node("annotations"), cx);
    map.finish(cx);
    let (long, short) = (long?, short.map_or(Some(None), |s| s.map(Some))?);
    if let (Some(short), Some(node)) = (short, short_node)
        && short >= long
    {
        cx.error(node.span, format!("short window {short} is not shorter than the long one, {long}"));
        return None;
    }
    Some(BurnAlert {
        name: name?,
        severity,
        long,
        short,
        factor: factor?,
        min_bad_events: own_least.map_or(Some(min_bad_events), |n| n)?,
        labels: labels?,
        annotations: annotations?,
        span: factor_node.map(|node| node.span),
    })
}

fn factor(node: &Node, cx: &mut Cx<'_>) -> Option<Factor> {
    match node.as_text_value().and_then(Factor::parse) {
        Some(factor) => Some(factor),
        None => {
            cx.error_help(node.span, "the factor is not a positive number", "write a burn rate such as 14.4");
            None
        }
    }
}

impl Decode for BudgetAlert {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let name = map.required::<String>("name", cx);
        let name = not_empty(name, node.span, "name", cx);
        let severity = map.optional::<String>("severity", cx).unwrap_or_else(|| "ticket".to_owned());
        let share_node = map.node("budget_left_below");
        let left_below = match share_node {
            Some(node) => share(node, cx),
            None => map.required::<String>("budget_left_below", cx).and(None),
        };
        for field in ["long", "short", "factor", "min_bad_events"] {
            if let Some((key, _)) = map.entry(field) {
                let message = format!("{field} has no meaning for an alert on what is left of the budget");
                cx.error_help(key.span, message, "keep either budget_left_below or long, short and factor");
            }
        }
        let labels = labels(map.node("labels"), cx);
        let annotations = annotations(map.node("annotations"), cx);
        map.finish(cx);
        Some(Self {
            name: name?,
            severity,
            left_below: left_below?,
            labels: labels?,
            annotations: annotations?,
            span: share_node.map(|node| node.span),
        })
    }
}

/// A share with its unit: a bare 20 would be two thousand per cent, and a bare 1 is more likely to mean 1 %.
fn share(node: &Node, cx: &mut Cx<'_>) -> Option<Share> {
    let text = node.as_text_value().map(str::trim);
    let is_unclear = text.is_some_and(|text| !text.ends_with('%') && text.parse() == Ok(1.0));
    match text.and_then(Share::parse) {
        Some(share) if !is_unclear => Some(share),
        _ => {
            let help = "write a share from 0% to 100%, such as \"20%\" or 0.2";
            cx.error_help(node.span, "not a share of the budget", help);
            None
        }
    }
}

/// Labels or annotations under each severity.
fn by_severity(
    node: &Node,
    read: impl Fn(Option<&Node>, &mut Cx<'_>) -> Option<Labels>,
    cx: &mut Cx<'_>,
) -> Option<BTreeMap<String, Labels>> {
    let all: Vec<Option<(String, Labels)>> = entries(node, cx)?
        .iter()
        .map(|(key, value)| Some((key.as_text()?.to_owned(), read(Some(value), cx)?)))
        .collect();
    let all: Vec<(String, Labels)> = all.into_iter().collect::<Option<_>>()?;
    Some(all.into_iter().filter(|(_, labels)| !labels.is_empty()).collect())
}
