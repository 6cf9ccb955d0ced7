//! What `bellwether.yml` says before the files it names are read: its sections, each written in place or naming a file.

use bellwether_alerts::AckDeadlines;
use bellwether_diag::yaml::{self, Node, Value};
use bellwether_diag::{Cx, Decode, FileId, MapReader, Spanned};

use super::ack_deadlines::ack_deadlines;
use super::alertmanagers::{AlertmanagerMember, alertmanagers};
use super::delivery::Delivery;
use super::loader::Loader;
use super::receive::ReceiveConfig;
use super::source::SourceConfig;
use super::storage::StorageConfig;

/// A section that stands in the file or names another one.
pub(super) enum Section {
    File(Spanned<String>),
    Inline(Node),
}

/// What `bellwether.yml` says before the files it names are read.
#[derive(Default)]
pub(super) struct Outline {
    pub(super) prometheus: Option<Section>,
    pub(super) source: Option<SourceConfig>,
    pub(super) alertmanager: Option<Section>,
    pub(super) alertmanagers: Vec<AlertmanagerMember>,
    pub(super) delivery: Option<Delivery>,
    pub(super) rules: Vec<Section>,
    pub(super) slos: Vec<Section>,
    pub(super) ack_deadlines: AckDeadlines,
    pub(super) dashboards: Vec<Section>,
    pub(super) probes: Vec<Node>,
    pub(super) storage: StorageConfig,
    pub(super) receive: ReceiveConfig,
    pub(super) external_url: Option<String>,
}

impl Loader {
    pub(super) fn outline(&mut self, file: FileId) -> Option<Outline> {
        let documents = yaml::parse(&self.sources, file, &mut self.diagnostics);
        if self.diagnostics.has_errors() {
            return None;
        }
        // An empty file is an empty system, as `{}` is.
        let Some(document) = documents.first().filter(|node| !node.is_null()) else {
            return Some(Outline::default());
        };
        let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
        if let Some(second) = documents.get(1) {
            cx.error_help(
                second.span,
                "the file has more than one document",
                "put each in a file of its own",
            );
        }
        self.outline_of(document)
    }

    /// What sections say that stand together.
    pub(super) fn outline_of(&mut self, document: &Node) -> Option<Outline> {
        let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
        let mut map = MapReader::open(document, &mut cx)?;
        let outline = Outline {
            prometheus: map.node("prometheus").and_then(|node| section(node, &mut cx)),
            source: map.optional("source", &mut cx),
            alertmanager: map.node("alertmanager").and_then(|node| section(node, &mut cx)),
            alertmanagers: map
                .node("alertmanagers")
                .map(|node| alertmanagers(node, &mut cx))
                .unwrap_or_default(),
            delivery: map.optional("delivery", &mut cx),
            ack_deadlines: map
                .node("ack_deadline")
                .map(|node| ack_deadlines(node, &mut cx))
                .unwrap_or_default(),
            rules: map
                .node("rules")
                .map(|node| sections(node, "rule files or groups", &mut cx))
                .unwrap_or_default(),
            slos: map
                .node("slos")
                .map(|node| sections(node, "objective files or objectives", &mut cx))
                .unwrap_or_default(),
            dashboards: map
                .node("dashboards")
                .map(|node| sections(node, "files of dashboards or dashboards", &mut cx))
                .unwrap_or_default(),
            probes: map.node("probes").map(|node| probe_nodes(node, &mut cx)).unwrap_or_default(),
            storage: map.optional("storage", &mut cx).unwrap_or_default(),
            receive: map.optional("receive", &mut cx).unwrap_or_default(),
            external_url: external_url(&mut map, &mut cx),
        };
        map.finish(&mut cx);
        Some(outline)
    }
}

fn section(node: &Node, cx: &mut Cx<'_>) -> Option<Section> {
    match &node.value {
        Value::Null => None,
        Value::Scalar(_) => Spanned::decode(node, cx).map(Section::File),
        Value::Mapping(_) => Some(Section::Inline(node.clone())),
        Value::Sequence(_) => {
            cx.error_help(node.span, "expected a file name or a mapping, found a list", "name one file");
            None
        }
    }
}

fn sections(node: &Node, what: &str, cx: &mut Cx<'_>) -> Vec<Section> {
    match &node.value {
        Value::Null => Vec::new(),
        Value::Sequence(items) => items.iter().filter_map(|item| section(item, cx)).collect(),
        Value::Scalar(_) | Value::Mapping(_) => {
            cx.error_help(
                node.span,
                format!("expected a list of {what}"),
                "write it as an item: `- ` before the value",
            );
            Vec::new()
        }
    }
}

fn probe_nodes(node: &Node, cx: &mut Cx<'_>) -> Vec<Node> {
    Vec::<Node>::decode(node, cx).unwrap_or_default()
}

fn external_url(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<String> {
    let url: Spanned<String> = map.optional("external_url", cx)?;
    if !url.value.starts_with("http://") && !url.value.starts_with("https://") {
        cx.error_help(
            url.span,
            format!("{:?} is not a URL", url.value),
            "write it like https://bellwether.example.org",
        );
        return None;
    }
    Some(url.value.trim_end_matches('/').to_owned())
}
