//! A rule as far as it can be read, with the place of everything in it.

use std::collections::HashMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Span, Spanned};
use bellwether_model::TimeDelta;
use bellwether_promql::Expr;

use super::SectionId;
use super::query::Query;

/// Queries that have been read already, by where they stand.
pub(crate) type KnownQueries = HashMap<Span, Expr>;

/// What becomes of a rule's results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    /// They are stored.
    Record,
    /// Each is an alert.
    Alert,
}

/// A label or an annotation.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name.
    pub name: Spanned<String>,
    /// Its value, which may be a template.
    pub value: Node,
}

impl Field {
    /// The value's text; empty where it is none.
    pub fn text(&self) -> &str {
        self.value.as_text().unwrap_or_default()
    }
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What becomes of its results.
    pub kind: RuleKind,
    /// The metric or the alert.
    pub name: Spanned<String>,
    /// What it asks; `None` if `expr` is missing.
    pub query: Option<Query>,
    /// `for`.
    pub hold: Option<Spanned<TimeDelta>>,
    /// Its labels, then those of its group that it does not set itself.
    pub labels: Vec<Field>,
    /// Its annotations.
    pub annotations: Vec<Field>,
    /// The group's name.
    pub group: Option<String>,
    /// How often the group is evaluated, if it says so.
    pub interval: Option<TimeDelta>,
    /// All of it.
    pub node: Node,
    /// The section of the document it stands in.
    pub section: Option<SectionId>,
}

impl Rule {
    /// Reads a mapping with `alert` or `record`.
    pub(crate) fn read(
        node: &Node,
        group: Option<&Node>,
        section: Option<SectionId>,
        known: &mut KnownQueries,
    ) -> Option<Self> {
        let named = |field: &str| node.get(field).filter(|name| name.as_text().is_some());
        let (kind, name) = match (named("alert"), named("record")) {
            (Some(name), _) => (RuleKind::Alert, name),
            (None, Some(name)) => (RuleKind::Record, name),
            (None, None) => return None,
        };
        let mut labels = fields(node, "labels");
        for shared in group.map(|group| fields(group, "labels")).unwrap_or_default() {
            if !labels.iter().any(|own| own.name.value == shared.name.value) {
                labels.push(shared);
            }
        }
        let text_of = |node: &Node| node.as_text().map(str::to_owned);
        Some(Self {
            kind,
            name: Spanned { value: text_of(name)?, span: name.span },
            query: node.get("expr").and_then(|expr| Query::in_rule(expr, section, known.remove(&expr.span))),
            hold: node.get("for").and_then(duration),
            labels,
            annotations: fields(node, "annotations"),
            group: group.and_then(|group| group.get("name")).and_then(text_of),
            interval: group.and_then(|group| group.get("interval")).and_then(duration).map(|it| it.value),
            node: node.clone(),
            section,
        })
    }

    /// Whether it alerts.
    pub fn is_alert(&self) -> bool {
        self.kind == RuleKind::Alert
    }

    /// A label it sets.
    pub fn label(&self, name: &str) -> Option<&Field> {
        self.labels.iter().find(|field| field.name.value == name)
    }

    /// All labels it sets, sorted: what tells recordings of one name apart.
    pub(crate) fn label_texts(&self) -> Vec<(&str, &str)> {
        let mut texts: Vec<_> =
            self.labels.iter().map(|field| (field.name.value.as_str(), field.text())).collect();
        texts.sort_unstable();
        texts
    }

    /// An annotation.
    pub fn annotation(&self, name: &str) -> Option<&Field> {
        self.annotations.iter().find(|field| field.name.value == name)
    }

    /// Where a field is named, such as `for`; the rule's name if it is not there.
    pub fn key_span(&self, field: &str) -> Span {
        let entries = self.node.as_mapping().unwrap_or_default();
        let key = entries.iter().find(|(key, _)| key.as_text() == Some(field));
        key.map_or(self.name.span, |(key, _)| key.span)
    }
}

fn fields(node: &Node, name: &str) -> Vec<Field> {
    let entries = node.get(name).and_then(Node::as_mapping).unwrap_or_default().iter();
    let read = |(key, value): &(Node, Node)| {
        let name = Spanned { value: key.as_text()?.to_owned(), span: key.span };
        Some(Field { name, value: value.clone() })
    };
    entries.filter_map(read).collect()
}

/// A duration in a scalar; `None` also where it is none, which the reader of the file reports.
pub(crate) fn duration(node: &Node) -> Option<Spanned<TimeDelta>> {
    Some(Spanned { value: node.as_text()?.parse().ok()?, span: node.span })
}
