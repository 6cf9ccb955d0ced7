//! What is read of the metadata of Pyrra's resource: its name, and labels and annotations that it hands on to alerts.

use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{Cx, Decode, MapReader, Span};
use bellwether_model::{Labels, is_valid_legacy_name};

use super::super::not_carried;
use super::RESERVED;
use crate::alert::template;

/// Labels and annotations of the resource that Pyrra hands on to alerts begin with this.
const HANDED_ON: &str = "pyrra.dev/";

/// What is read of a resource's metadata.
pub(super) struct Metadata {
    pub(super) name: String,
    labels: Vec<(String, String)>,
    pub(super) annotations: Labels,
    pub(super) span: Span,
}

impl Decode for Metadata {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let span = map.node("name").map_or(map.span_first_line(cx), |name| name.span);
        let name = map.required::<String>("name", cx);
        let labels = map.optional::<Labels>("labels", cx).unwrap_or_default();
        let annotations = map.node("annotations").filter(|node| !node.is_null());
        // Whatever else the cluster keeps of a resource says nothing of what it means.
        map.rest();
        let annotations = match annotations {
            Some(node) => handed_on_annotations(node, cx)?,
            None => Labels::empty(),
        };
        let labels = labels
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(HANDED_ON)?.to_owned(), value.to_owned())));
        Some(Self { name: name?, labels: labels.collect(), annotations, span })
    }
}

fn handed_on_annotations(node: &Node, cx: &mut Cx<'_>) -> Option<Labels> {
    let own: Vec<(Node, Node)> = node
        .as_mapping()
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, value)| {
            let name = key.as_text()?.strip_prefix(HANDED_ON)?.to_owned();
            let scalar = yaml::Scalar { text: name, quoted: true };
            Some((Node { span: key.span, value: yaml::Value::Scalar(scalar) }, value.clone()))
        })
        .collect();
    let own = Node { span: node.span, value: yaml::Value::Mapping(own) };
    template::annotations(Some(&own), cx)
}

/// Labels that its alerts carry; what cannot be one is reported.
pub(super) fn handed_on_labels(metadata: &Metadata, cx: &mut Cx<'_>) -> Labels {
    let mut kept = Vec::new();
    for (name, value) in &metadata.labels {
        if RESERVED.contains(&name.as_str()) || !is_valid_legacy_name(name, false) {
            let message = format!("label {name} cannot be a label of the objective's alerts");
            not_carried(metadata.span, message, "give the label another name", cx);
        } else {
            kept.push((name.clone(), value.clone()));
        }
    }
    Labels::from_pairs(kept)
}
