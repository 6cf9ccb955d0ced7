//! What all objects of OpenSLO have in common: version, kind and metadata, and how they are referred to.

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Span};
use bellwether_model::{Labels, is_valid_legacy_name};

use super::Library;
use crate::dialect::{Kind, not_carried};

/// A version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1Alpha,
    V1,
    V2Alpha,
}

/// The kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Slo,
    Sli,
    Service,
    DataSource,
    AlertPolicy,
    AlertCondition,
    AlertNotificationTarget,
}

impl ObjectKind {
    const ALL: [Self; 7] = [
        Self::Slo,
        Self::Sli,
        Self::Service,
        Self::DataSource,
        Self::AlertPolicy,
        Self::AlertCondition,
        Self::AlertNotificationTarget,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Slo => "SLO",
            Self::Sli => "SLI",
            Self::Service => "Service",
            Self::DataSource => "DataSource",
            Self::AlertPolicy => "AlertPolicy",
            Self::AlertCondition => "AlertCondition",
            Self::AlertNotificationTarget => "AlertNotificationTarget",
        }
    }

    fn of(node: &Node) -> Option<Self> {
        let text = node.get("kind")?.as_text()?;
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An object, its `spec` not read yet.
#[derive(Debug)]
pub(super) struct Object<'n> {
    pub(super) version: Version,
    pub(super) kind: ObjectKind,
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) display_name: String,
    pub(super) labels: Labels,
    pub(super) annotations: Labels,
    pub(super) spec: &'n Node,
}

const NOTHING: Node =
    Node { span: Span { file: bellwether_diag::FileId(0), start: 0, end: 0 }, value: Value::Null };

impl<'n> Object<'n> {
    /// Reads a document.
    pub(super) fn read(node: &'n Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let version = map.node("apiVersion").and_then(|node| version(node, cx));
        let kind = ObjectKind::of(node);
        match (map.node("kind"), kind) {
            (Some(_), Some(_)) => {}
            (Some(stated), None) => {
                let known = ObjectKind::ALL.map(ObjectKind::as_str).join(", ");
                let message = format!("{:?} is no kind of object", stated.as_text().unwrap_or_default());
                cx.error_help(stated.span, message, format!("write one of {known}"));
            }
            (None, _) => cx.error_help(map.span_first_line(cx), "kind is missing", "write kind: SLO"),
        }
        Self::rest(map, version?, kind?, cx)
    }

    /// Reads an object that stands where it is referred to; its kind may be left out.
    pub(super) fn inline(
        node: &'n Node,
        version: Version,
        kind: ObjectKind,
        cx: &mut Cx<'_>,
    ) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        map.ignore(&["apiVersion"]);
        if let Some(stated) = map.node("kind").filter(|_| ObjectKind::of(node) != Some(kind)) {
            cx.error_help(stated.span, "another kind belongs here", format!("write kind: {}", kind.as_str()));
        }
        Self::rest(map, version, kind, cx)
    }

    fn rest(mut map: MapReader<'n>, version: Version, kind: ObjectKind, cx: &mut Cx<'_>) -> Option<Self> {
        let metadata = map.node("metadata");
        if metadata.is_none() {
            let help = "write metadata: and name: below it";
            cx.error_help(map.span_first_line(cx), "metadata is missing", help);
        }
        let metadata = metadata.and_then(|node| Metadata::read(node, cx));
        let spec = map.node("spec").filter(|spec| !spec.is_null());
        if spec.is_none() && kind != ObjectKind::Service {
            cx.error_help(
                map.span_first_line(cx),
                "spec is missing",
                "write spec: and what belongs below it",
            );
        }
        map.finish(cx);
        let Metadata { name, name_span, display_name, labels, annotations } = metadata?;
        let spec = match (spec, kind) {
            (Some(spec), _) => spec,
            (None, ObjectKind::Service) => &NOTHING,
            (None, _) => return None,
        };
        Some(Self { version, kind, name, name_span, display_name, labels, annotations, spec })
    }
}

fn version(node: &Node, cx: &mut Cx<'_>) -> Option<Version> {
    match node.as_text()?.split_once('/')?.1 {
        "v1alpha" => Some(Version::V1Alpha),
        "v1" => Some(Version::V1),
        "v2alpha" => Some(Version::V2Alpha),
        other => {
            let help = "write openslo/v1, openslo/v1alpha or openslo.com/v2alpha";
            cx.error_help(node.span, format!("version {other:?} is not known"), help);
            None
        }
    }
}

struct Metadata {
    name: String,
    name_span: Span,
    display_name: String,
    labels: Labels,
    annotations: Labels,
}

impl Metadata {
    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let name_span = map.node("name").map_or(map.span_first_line(cx), |name| name.span);
        let name: Option<String> = map.required("name", cx);
        let display_name = map.optional("displayName", cx).unwrap_or_default();
        let labels = map.node("labels").map_or_else(Labels::empty, |node| labels(node, cx));
        let annotations = map.optional::<Labels>("annotations", cx).unwrap_or_default();
        map.finish(cx);
        if name.as_deref().is_some_and(|name| name.trim().is_empty()) {
            cx.error_help(name_span, "the name is empty", "write a name such as login-availability");
            return None;
        }
        Some(Self { name: name?, name_span, display_name, labels, annotations })
    }
}

/// Labels whose values may be lists. A name that Prometheus does not take is written as its service discovery
/// writes names of Kubernetes.
fn labels(node: &Node, cx: &mut Cx<'_>) -> Labels {
    let Some(entries) = bellwether_diag::entries(node, cx) else { return Labels::empty() };
    let mut pairs = Vec::new();
    for (key, value) in entries {
        let value = match &value.value {
            Value::Sequence(_) => Vec::<String>::decode(value, cx).map(|values| values.join(",")),
            Value::Null | Value::Scalar(_) | Value::Mapping(_) => String::decode(value, cx),
        };
        let (Some(name), Some(value)) = (key.as_text(), value) else { continue };
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        let is_ours = ["alertname", "slo", "service", "alert", "severity"].contains(&name.as_str());
        if is_ours || !is_valid_legacy_name(&name, false) {
            let message = format!("label {name} cannot be carried over: the objective sets it itself");
            not_carried(key.span, message, "use another name", cx);
        } else {
            pairs.push((name, value));
        }
    }
    Labels::from_pairs(pairs)
}

/// What to do about a reference to nothing.
pub(super) const UNKNOWN_HELP: &str = "write one, or give the file it stands in together with this one";

impl<'a> Library<'a> {
    /// The document of the object that a name refers to.
    pub(super) fn named(self, kind: ObjectKind, name: &Node) -> Option<&'a Node> {
        let text = name.as_text()?;
        let is_meant = |node: &&Node| {
            ObjectKind::of(node) == Some(kind)
                && node.get("metadata").and_then(|m| m.get("name")).and_then(Node::as_text) == Some(text)
        };
        self.documents.of(Kind::OpenSlo).find(is_meant)
    }

    /// The object that a name refers to.
    pub(super) fn find(self, kind: ObjectKind, name: &Node, cx: &mut Cx<'_>) -> Option<Object<'a>> {
        let text = name.as_text().unwrap_or_default();
        let Some(found) = self.named(kind, name) else {
            let message = format!("no {} is named {text:?}", kind.as_str());
            cx.push(Diagnostic::error("unknown-reference", name.span, message).with_help(UNKNOWN_HELP));
            return None;
        };
        Object::read(found, cx)
    }
}
