//! What is known of the labels of the alerts that the rules of a setup make: enough to say which of them a route, a group
//! or an inhibition can be about.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::yaml::Node;
use bellwether_model::{MatchOp, Matcher};
use bellwether_promql::{Expr, ExprKind, selectors};

use super::labels_left::{LabelsLeft, labels_left};
use super::rule::Rule;
use super::{Form, Setup};

/// Whether an alert has a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carries {
    /// It cannot: its query drops the label, its rule does not set it.
    Never,
    /// Its series may have it, but nothing in the setup speaks of the label.
    Hardly,
    /// Its series may have it.
    Maybe,
    /// Its rule sets it.
    Always,
}

/// Whether an alert matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Matches {
    /// It does not.
    No,
    /// That depends on its series.
    Maybe,
    /// It does.
    Yes,
}

/// An alert that a rule makes.
#[derive(Clone, Debug)]
pub(crate) struct KnownAlert<'a> {
    /// The rule.
    pub(crate) rule: &'a Rule,
    /// Labels that the rule sets; `None` for a value that is a template.
    set: BTreeMap<&'a str, Option<&'a str>>,
    /// What its query leaves, once somebody asks.
    left: OnceCell<LabelsLeft>,
}

/// All alerts of a setup, and the labels it speaks of.
#[derive(Clone, Debug)]
pub(crate) struct KnownAlerts<'a> {
    /// The alerts.
    pub(crate) all: Vec<KnownAlert<'a>>,
    names: Option<&'a LabelNames>,
    values: OnceCell<Values<'a>>,
}

/// Labels, and for each the values that rules give to it, each with the first rule that does.
type Values<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a Rule>>;

/// Labels that a setup speaks of, gathered once.
#[derive(Debug)]
pub(crate) struct LabelNames {
    /// Those that queries, rules, templates or targets name.
    mentioned: BTreeSet<String>,
    /// Those that are added to alerts when they are sent.
    external: BTreeSet<String>,
}

/// Labels that Prometheus itself puts on series.
const OF_TARGETS: [&str; 2] = ["instance", "job"];

/// Names of labels that are usually among the `external_labels`, which are added to all alerts when they are sent.
const EXTERNAL: [&str; 11] = [
    "cluster",
    "datacenter",
    "dc",
    "env",
    "environment",
    "monitor",
    "prometheus",
    "region",
    "replica",
    "tenant",
    "zone",
];

impl<'a> KnownAlerts<'a> {
    /// Gathers them; none where there is no routing to hold against them.
    pub(crate) fn of(setup: &'a Setup) -> Self {
        if setup.routings.is_empty() {
            return Self { all: Vec::new(), names: None, values: OnceCell::new() };
        }
        let names = setup
            .label_names
            .get_or_init(|| LabelNames { mentioned: mentioned(setup), external: external(setup) });
        let known = |rule: &'a Rule| KnownAlert { rule, set: set_by(rule), left: OnceCell::new() };
        Self { all: setup.alerts().map(known).collect(), names: Some(names), values: OnceCell::new() }
    }

    /// Whether one of them has a label.
    pub(crate) fn carries(&self, alert: &KnownAlert<'_>, label: &str) -> Carries {
        match label {
            _ if alert.set.contains_key(label) => Carries::Always,
            // Added to alerts when they are sent, whatever the query leaves.
            _ if self.names.is_some_and(|names| names.external.contains(label)) => Carries::Maybe,
            _ if !alert.left().may_have(label) => Carries::Never,
            _ if self.names.is_some_and(|names| names.mentioned.contains(label)) => Carries::Maybe,
            _ => Carries::Hardly,
        }
    }

    /// Whether one of them matches.
    pub(crate) fn matches_one(&self, alert: &KnownAlert<'_>, matcher: &Matcher) -> Matches {
        let decided = |matches: bool| if matches { Matches::Yes } else { Matches::No };
        match (alert.set.get(matcher.name.as_str()), self.carries(alert, &matcher.name)) {
            (Some(Some(value)), _) => decided(matcher.matches_value(value)),
            (Some(None), _) | (None, Carries::Maybe | Carries::Always) => Matches::Maybe,
            (None, Carries::Never | Carries::Hardly) => decided(matcher.matches_empty()),
        }
    }

    /// Whether one of them matches all.
    pub(crate) fn matches<'m>(
        &self,
        alert: &KnownAlert<'_>,
        matchers: impl IntoIterator<Item = &'m Matcher>,
    ) -> Matches {
        matchers.into_iter().map(|matcher| self.matches_one(alert, matcher)).min().unwrap_or(Matches::Yes)
    }

    /// The value of a label that was probably meant, where rules set the label and none of them to this value. Rules that
    /// are not at hand may set it; one that is nearly the same is a slip all the same.
    pub(crate) fn meant(&self, matcher: &Matcher) -> Option<&'a str> {
        let values = self.values(&matcher.name);
        // Other labels have values such as `team-a` and `team-b`: nearly the same, and both meant.
        let is_closed = matches!(matcher.name.as_str(), "severity" | "alertname");
        let is_asked = matcher.op == MatchOp::Equal && !matcher.value.is_empty();
        if !is_closed || !is_asked || values.contains_key(matcher.value.as_str()) {
            return None;
        }
        // Templates may make any value.
        if self.all.iter().any(|alert| alert.set.get(matcher.name.as_str()) == Some(&None)) {
            return None;
        }
        values.keys().copied().find(|value| is_slip(&matcher.value, value))
    }

    /// A label that the setup speaks of and whose name is nearly this one.
    pub(crate) fn near_label(&self, name: &str) -> Option<&str> {
        self.names?.mentioned.iter().map(String::as_str).find(|known| is_slip(name, known))
    }

    /// The values that rules give to a label, each with the first rule that does.
    pub(crate) fn values(&self, label: &str) -> &BTreeMap<&'a str, &'a Rule> {
        static NONE: BTreeMap<&str, &Rule> = BTreeMap::new();
        let all = self.values.get_or_init(|| {
            let mut found = Values::new();
            for alert in &self.all {
                for (name, value) in &alert.set {
                    if let Some(value) = value {
                        found.entry(name).or_default().entry(value).or_insert(alert.rule);
                    }
                }
            }
            found
        });
        all.get(label).unwrap_or(&NONE)
    }
}

impl<'a> KnownAlert<'a> {
    fn left(&self) -> &LabelsLeft {
        let expr = || self.rule.query.as_ref().and_then(|query| query.parsed.as_ref());
        self.left.get_or_init(|| expr().map_or_else(LabelsLeft::any, labels_left))
    }

    /// The value that its rule gives to a label.
    pub(crate) fn value(&self, label: &str) -> Option<&'a str> {
        self.set.get(label).copied().flatten()
    }
}

fn set_by(rule: &Rule) -> BTreeMap<&str, Option<&str>> {
    let constant = |text: &str| !text.contains("{{");
    let mut set: BTreeMap<&str, Option<&str>> = rule
        .labels
        .iter()
        .map(|field| (field.name.value.as_str(), Some(field.text()).filter(|text| constant(text))))
        .collect();
    set.insert("alertname", Some(&rule.name.value));
    set
}

/// Labels that queries, rules, templates or targets name.
fn mentioned(setup: &Setup) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = OF_TARGETS.iter().map(|name| (*name).to_owned()).collect();
    for query in setup.all_queries() {
        query.parsed.iter().for_each(|expr| named_in(expr, &mut found));
    }
    for rule in &setup.rules {
        found.extend(rule.labels.iter().map(|field| field.name.value.clone()));
        for field in rule.labels.iter().chain(&rule.annotations) {
            in_template(field.text(), &mut found);
        }
    }
    for tree in setup.trees.iter().filter(|tree| tree.form == Form::Prometheus) {
        of_targets(&tree.node, &mut found);
    }
    found
}

/// Labels that are added when alerts are sent: those of `prometheus.yml`, and such as usually are where that is not at hand.
fn external(setup: &Setup) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = EXTERNAL.iter().map(|name| (*name).to_owned()).collect();
    for tree in setup.trees.iter().filter(|tree| tree.form == Form::Prometheus) {
        let labels = tree.node.get("global").and_then(|global| global.get("external_labels"));
        let names = labels.and_then(Node::as_mapping).unwrap_or_default().iter();
        found.extend(names.filter_map(|(name, _)| name.as_text().map(str::to_owned)));
    }
    found
}

fn named_in(expr: &Expr, found: &mut BTreeSet<String>) {
    for selector in selectors(expr) {
        found.extend(selector.matchers.iter().map(|matcher| matcher.name.clone()));
    }
    expr.walk(&mut |node| match &node.kind {
        ExprKind::Aggregate(aggregation) => {
            found.extend(aggregation.grouping.iter().flat_map(|grouping| grouping.names.clone()));
        }
        ExprKind::Binary(binary) => {
            found.extend(binary.matching.labels.iter().flat_map(|labels| labels.names.clone()));
            found.extend(binary.matching.group.iter().flat_map(|group| group.include.clone()));
        }
        ExprKind::Call(call) => {
            let texts = call.arguments.iter().filter_map(|argument| match &argument.kind {
                ExprKind::Text(text) => Some(text.clone()),
                _ => None,
            });
            found.extend(texts);
        }
        _ => {}
    });
}

/// Labels of a rule's template: `$labels.pod`, `.Labels.pod`.
fn in_template(text: &str, found: &mut BTreeSet<String>) {
    for mark in ["$labels.", ".Labels."] {
        for after in text.split(mark).skip(1) {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            found.insert(after[..end].to_owned());
        }
    }
}

/// Labels that `prometheus.yml` gives to targets and to everything it sends.
fn of_targets(node: &Node, found: &mut BTreeSet<String>) {
    for item in node.as_sequence().unwrap_or_default() {
        of_targets(item, found);
    }
    for (key, value) in node.as_mapping().unwrap_or_default() {
        match key.as_text() {
            Some("labels" | "external_labels") => {
                let names = value.as_mapping().unwrap_or_default().iter();
                found.extend(names.filter_map(|(name, _)| name.as_text().map(str::to_owned)));
            }
            Some("target_label") => found.extend(value.as_text().map(str::to_owned)),
            _ => of_targets(value, found),
        }
    }
}

/// Whether one text is the other with a letter left out, doubled or two of them swapped, or in another case: what happens
/// in typing, while a letter for another often tells two names apart.
fn is_slip(one: &str, other: &str) -> bool {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let same = short.iter().zip(&long).take_while(|(a, b)| a == b).count();
    let is_letter = |c: Option<&char>| c.is_some_and(|c| c.is_alphabetic());
    match long.len() - short.len() {
        0 if same == short.len() => true,
        0 => {
            let mut swapped = short;
            let can_swap = same + 1 < swapped.len();
            if can_swap {
                swapped.swap(same, same + 1);
            }
            can_swap && swapped == long
        }
        1 => is_letter(long.get(same)) && short[same..] == long[same + 1..],
        _ => false,
    }
}
