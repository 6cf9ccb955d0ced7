//! Sloth's specifications as they are written: `version: prometheus/v1`, and the same as a resource of Kubernetes.
//! Queries stay text here, since rules in Sloth's own shape repeat them word for word.

use std::collections::BTreeMap;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Span};
use bellwether_model::Labels;

use super::not_carried;
use crate::goal::Goal;

/// The objectives of one service.
#[derive(Clone, Debug)]
pub(crate) struct SlothService {
    /// The resource it was written in, if it was.
    pub(crate) resource: Option<Resource>,
    /// Its objectives, in the order written.
    pub(crate) slos: Vec<SlothSlo>,
}

/// What a resource of Kubernetes is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Its name.
    pub(crate) name: String,
    /// Its name space; may be empty.
    pub(crate) namespace: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its annotations.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// An objective as Sloth knows it.
#[derive(Clone, Debug)]
pub(crate) struct SlothSlo {
    /// Its name, unique within the service.
    pub(crate) name: String,
    /// The service.
    pub(crate) service: String,
    /// One sentence for people; may be empty.
    pub(crate) description: String,
    /// The share of events that must be good.
    pub(crate) goal: Goal,
    /// Labels of everything that is recorded: those of the service, and its own over them.
    pub(crate) labels: BTreeMap<String, String>,
    /// What is bad.
    pub(crate) sli: SlothSli,
    /// The alert that pages, unless disabled.
    pub(crate) page: Option<SlothAlert>,
    /// The alert that opens a ticket, unless disabled.
    pub(crate) ticket: Option<SlothAlert>,
    /// Where its name was written.
    pub(crate) span: Option<Span>,
}

impl SlothSlo {
    /// How Sloth tells objectives apart.
    pub(crate) fn id(&self) -> String {
        format!("{}-{}", self.service, self.name)
    }
}

/// What is bad among everything.
#[derive(Clone, Debug)]
pub(crate) enum SlothSli {
    /// Bad events and all of them.
    Events {
        /// Bad ones.
        error: SlothQuery,
        /// All of them.
        total: SlothQuery,
    },
    /// The share of bad events.
    Raw(SlothQuery),
}

/// PromQL in which `{{.window}}` stands for the window.
#[derive(Clone, Debug)]
pub(crate) struct SlothQuery {
    /// Its text as written.
    pub(crate) text: String,
    /// Where it was written.
    pub(crate) node: Option<Node>,
}

/// What people are told of an objective, by severity.
#[derive(Clone, Debug, Default)]
pub(crate) struct SlothAlert {
    /// The name of the alert.
    pub(crate) name: String,
    /// Its labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// Its annotations.
    pub(crate) annotations: BTreeMap<String, String>,
    /// Where the annotations were written.
    pub(crate) annotation_nodes: Vec<Node>,
}

/// How fields are spelt: specifications have underscores, resources humps.
struct Fields {
    slo_plugins: &'static str,
    error_query: &'static str,
    total_query: &'static str,
    error_ratio_query: &'static str,
    page_alert: &'static str,
    ticket_alert: &'static str,
}

const SPEC_FIELDS: Fields = Fields {
    slo_plugins: "slo_plugins",
    error_query: "error_query",
    total_query: "total_query",
    error_ratio_query: "error_ratio_query",
    page_alert: "page_alert",
    ticket_alert: "ticket_alert",
};
const RESOURCE_FIELDS: Fields = Fields {
    slo_plugins: "sloPlugins",
    error_query: "errorQuery",
    total_query: "totalQuery",
    error_ratio_query: "errorRatioQuery",
    page_alert: "pageAlert",
    ticket_alert: "ticketAlert",
};

impl SlothService {
    /// Reads `version: prometheus/v1`.
    pub(crate) fn of_spec(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let Some(version) =
            node.get("version").filter(|version| version.as_text() != Some("prometheus/v1"))
        {
            cx.error_help(version.span, "not a version of Sloth's specification", "write prometheus/v1");
            return None;
        }
        Self::decode(node, &SPEC_FIELDS, &["version"], cx)
    }

    /// Reads a `PrometheusServiceLevel`.
    pub(crate) fn of_resource(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let (version, kind) = (map.node("apiVersion"), map.node("kind"));
        let metadata = map.node("metadata").map(|node| Resource::decode(node, cx));
        let spec = map.node("spec");
        map.ignore(&["status"]);
        let span = map.span_first_line(cx);
        map.finish(cx);
        for (node, known) in [(version, "sloth.slok.dev/v1"), (kind, "PrometheusServiceLevel")] {
            let Some(node) = node.filter(|node| node.as_text() != Some(known)) else { continue };
            cx.error_help(
                node.span,
                "not a resource of Sloth that holds objectives",
                format!("write {known}"),
            );
            return None;
        }
        let Some(spec) = spec else {
            cx.error_help(span, "spec is missing", "write spec: with service: and slos: below it");
            return None;
        };
        let service = Self::decode(spec, &RESOURCE_FIELDS, &[], cx)?;
        Some(Self { resource: Some(metadata.unwrap_or_else(|| Some(Resource::default()))?), ..service })
    }

    fn decode(node: &Node, fields: &Fields, known: &[&'static str], cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        map.ignore(known);
        let service = map.required::<String>("service", cx);
        let service = service.and_then(|name| named(name, "service", map.key_span("service"), cx));
        let labels = texts(map.node("labels"), cx);
        plugins(map.node(fields.slo_plugins), cx);
        let slos = map.node("slos");
        let span = map.span_first_line(cx);
        map.finish(cx);
        let Some(items) = slos.and_then(Node::as_sequence).filter(|items| !items.is_empty()) else {
            cx.error_help(span, "no objectives here", "write slos: and a list below it");
            return None;
        };
        let (service, labels) = (service?, labels?);
        let group = Group { service: &service, labels: &labels, fields };
        let slos = items.iter().filter_map(|item| group.slo(item, cx)).collect();
        Some(Self { resource: None, slos })
    }
}

impl Decode for Resource {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let name = map.required::<String>("name", cx);
        let namespace = map.optional::<String>("namespace", cx).unwrap_or_default();
        let (labels, annotations) = (texts(map.node("labels"), cx), texts(map.node("annotations"), cx));
        // Whatever else the cluster keeps of a resource says nothing of what it means.
        map.rest();
        Some(Self { name: name?, namespace, labels: labels?, annotations: annotations? })
    }
}

/// What the objectives of a service share.
struct Group<'a> {
    service: &'a str,
    labels: &'a BTreeMap<String, String>,
    fields: &'a Fields,
}

impl Group<'_> {
    fn slo(&self, node: &Node, cx: &mut Cx<'_>) -> Option<SlothSlo> {
        let mut map = MapReader::open(node, cx)?;
        let span = map.node("name").map_or(map.span_first_line(cx), |name| name.span);
        let name = map.required::<String>("name", cx).and_then(|name| named(name, "name", span, cx));
        let description = map.optional::<String>("description", cx).unwrap_or_default();
        let goal = match map.node("objective") {
            Some(node) => objective(node, cx),
            None => map.required::<String>("objective", cx).and(None),
        };
        let labels = texts(map.node("labels"), cx);
        plugins(map.node("plugins"), cx);
        let sli = match map.node("sli") {
            Some(node) => self.sli(node, cx),
            None => {
                cx.error_help(map.span_first_line(cx), "sli is missing", "write sli: with events: below it");
                None
            }
        };
        let alerts = match map.node("alerting") {
            Some(node) => self.alerts(node, cx),
            None => self.unnamed(map.span_first_line(cx), cx),
        };
        map.finish(cx);
        let Alerts { page, ticket } = alerts?;
        Some(SlothSlo {
            name: name?,
            service: self.service.to_owned(),
            description,
            goal: goal?,
            labels: merged(self.labels, &labels?),
            sli: sli?,
            page,
            ticket,
            span: Some(span),
        })
    }

    fn sli(&self, node: &Node, cx: &mut Cx<'_>) -> Option<SlothSli> {
        let mut map = MapReader::open(node, cx)?;
        let mut part = |name: &'static str| map.node(name).filter(|node| !node.is_null());
        let (events, raw, plugin) = (part("events"), part("raw"), part("plugin"));
        map.finish(cx);
        match (events, raw, plugin) {
            (Some(node), None, None) => {
                let mut map = MapReader::open(node, cx)?;
                let (error, total) = (self.fields.error_query, self.fields.total_query);
                let (error, total) = (query(&mut map, error, cx), query(&mut map, total, cx));
                map.finish(cx);
                Some(SlothSli::Events { error: error?, total: total? })
            }
            (None, Some(node), None) => {
                let mut map = MapReader::open(node, cx)?;
                let query = query(&mut map, self.fields.error_ratio_query, cx);
                map.finish(cx);
                query.map(SlothSli::Raw)
            }
            (None, None, Some(node)) => {
                let id = node.get("id").and_then(Node::as_text).unwrap_or_default();
                let message = format!("the SLI plugin {id:?} is Go code, which is not run here");
                let help = format!(
                    "write the query it makes, as `sloth generate` shows it: events: with {} and {}, or raw: \
                     with {}",
                    self.fields.error_query, self.fields.total_query, self.fields.error_ratio_query
                );
                cx.error_help(node.span, message, help);
                None
            }
            (None, None, None) => {
                cx.error_help(node.span, "the indicator counts nothing", "write events: or raw: below it");
                None
            }
            (_, _, _) => {
                cx.error_help(node.span, "the indicator counts two things", "keep one of events and raw");
                None
            }
        }
    }

    fn alerts(&self, node: &Node, cx: &mut Cx<'_>) -> Option<Alerts> {
        let mut map = MapReader::open(node, cx)?;
        let name = map.optional::<String>("name", cx).unwrap_or_default();
        let annotations_node = map.node("annotations");
        let (labels, annotations) = (texts(map.node("labels"), cx), texts(annotations_node, cx));
        let page = map.node(self.fields.page_alert).map(|node| Severity::decode(node, cx));
        let ticket = map.node(self.fields.ticket_alert).map(|node| Severity::decode(node, cx));
        let span = map.span_first_line(cx);
        map.finish(cx);
        let common = SlothAlert {
            name,
            labels: labels?,
            annotations: annotations?,
            annotation_nodes: annotations_node.into_iter().cloned().collect(),
        };
        let of = |severity: Option<Option<Severity>>| {
            let severity = severity.unwrap_or_else(|| Some(Severity::default()))?;
            Some((!severity.disable).then(|| SlothAlert {
                name: common.name.clone(),
                labels: merged(&common.labels, &severity.labels),
                annotations: merged(&common.annotations, &severity.annotations),
                annotation_nodes: common.annotation_nodes.iter().cloned().chain(severity.node).collect(),
            }))
        };
        let alerts = Alerts { page: of(page)?, ticket: of(ticket)? };
        if common.name.is_empty() && (alerts.page.is_some() || alerts.ticket.is_some()) {
            return self.unnamed(span, cx);
        }
        Some(alerts)
    }

    fn unnamed(&self, span: Span, cx: &mut Cx<'_>) -> Option<Alerts> {
        let help = format!(
            "write alerting: with name: below it, or disable both {} and {}",
            self.fields.page_alert, self.fields.ticket_alert
        );
        cx.error_help(span, "the alerts have no name", help);
        None
    }
}

struct Alerts {
    page: Option<SlothAlert>,
    ticket: Option<SlothAlert>,
}

/// `page_alert` and `ticket_alert`.
#[derive(Default)]
struct Severity {
    disable: bool,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    /// Where the annotations were written.
    node: Option<Node>,
}

impl Decode for Severity {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if node.is_null() {
            return Some(Self::default());
        }
        let mut map = MapReader::open(node, cx)?;
        let disable = map.node("disable").map_or(Some(false), |node| bool::decode(node, cx));
        let node = map.node("annotations");
        let (labels, annotations) = (texts(map.node("labels"), cx), texts(node, cx));
        map.finish(cx);
        Some(Self { disable: disable?, labels: labels?, annotations: annotations?, node: node.cloned() })
    }
}

fn merged(below: &BTreeMap<String, String>, above: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    below.iter().chain(above).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn texts(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<BTreeMap<String, String>> {
    let Some(node) = node.filter(|node| !node.is_null()) else { return Some(BTreeMap::new()) };
    let pairs = Labels::decode(node, cx)?;
    Some(pairs.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect())
}

/// Names become labels and parts of other names, so Sloth allows few letters in them.
fn named(name: String, what: &str, span: Span, cx: &mut Cx<'_>) -> Option<String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric();
    let is_name = name.len() > 1
        && name.chars().all(|c| is_letter(c) || matches!(c, '-' | '_' | '.'))
        && name.starts_with(is_letter)
        && name.ends_with(is_letter);
    if !is_name {
        let help = "begin and end with a letter or digit, with letters, digits, '.', '_' and '-' between";
        cx.error_help(span, format!("{name:?} cannot be the {what}"), help);
    }
    is_name.then_some(name)
}

/// Sloth writes percent without the sign.
fn objective(node: &Node, cx: &mut Cx<'_>) -> Option<Goal> {
    let text = node.as_text().unwrap_or_default().trim();
    if text.ends_with('%') {
        cx.error_help(node.span, "the objective has a sign", "write the number of percent, such as 99.9");
        return None;
    }
    match Goal::parse(&format!("{text}%")) {
        Ok(goal) => Some(goal),
        Err(error) => {
            cx.error_help(node.span, error.message, "write a number of percent below 100, such as 99.9");
            None
        }
    }
}

fn query(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<SlothQuery> {
    let node = map.node(name);
    let Some(text) = node.and_then(Node::as_text).filter(|text| !text.trim().is_empty()) else {
        let span = node.map_or(map.span_first_line(cx), |node| node.span);
        cx.error_help(span, format!("{name} is missing"), "write PromQL with [{{.window}}] as its range");
        return None;
    };
    Some(SlothQuery { text: text.to_owned(), node: node.cloned() })
}

/// Plugins of Sloth that change nothing of what is counted and alerted on.
const PLUGINS_WITHOUT_EFFECT: [&str; 7] = [
    "sloth.dev/core/validate/v1",
    "sloth.dev/core/sli_rules/v1",
    "sloth.dev/core/metadata_rules/v1",
    "sloth.dev/core/alert_rules/v1",
    "sloth.dev/core/noop/v1",
    "sloth.dev/core/debug/v1",
    "sloth.dev/contrib/validate_victoria_metrics/v1",
];

/// Plugins change the rules that Sloth writes in ways that only their code knows.
fn plugins(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<()> {
    let mut map = MapReader::open(node.filter(|node| !node.is_null())?, cx)?;
    map.ignore(&["overridePrevious"]);
    let chain = map.node("chain");
    map.finish(cx);
    let items = chain.map_or(&[][..], |chain| match &chain.value {
        Value::Sequence(items) => items,
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => &[],
    });
    for item in items {
        let mut map = MapReader::open(item, cx)?;
        let id = map.required::<String>("id", cx).unwrap_or_default();
        map.ignore(&["config", "priority"]);
        map.finish(cx);
        if !PLUGINS_WITHOUT_EFFECT.contains(&id.as_str()) {
            let message = format!("the plugin {id:?} is Go code, which is not run here");
            let help = "leave it out, and write what it adds as labels, alerts or rules of your own";
            not_carried(item.span, message, help, cx);
        }
    }
    Some(())
}
