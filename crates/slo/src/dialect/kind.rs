//! What a document is, by the fields with which its kind says so.

use bellwether_diag::{Cx, Diagnostic, yaml::Node};

use crate::definition::Dialect;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Our own list of objectives, below `slos:`.
    Bellwether,
    /// One objective of such a list.
    BellwetherSlo,
    /// `apiVersion: openslo/…`, of any kind.
    OpenSlo,
    /// `version: prometheus/v1`.
    SlothSpec,
    /// `apiVersion: sloth.slok.dev/v1`, `kind: PrometheusServiceLevel`.
    SlothResource,
    /// `apiVersion: sloth.slok.dev/v1`, `kind: AlertWindows`.
    SlothWindows,
    /// `apiVersion: pyrra.dev/…`.
    Pyrra,
    /// An object with a `serviceLevelIndicator`, or the list that its interface answers with.
    GoogleCloud,
}

impl Kind {
    /// The kind of a document; `None` when it says nothing that we know.
    pub fn of(node: &Node) -> Option<Self> {
        let text = |name: &str| node.get(name).and_then(Node::as_text);
        let has = |name: &str| node.get(name).is_some();
        match text("apiVersion").map(|version| version.split('/').next().unwrap_or_default()) {
            Some("openslo" | "openslo.com") => return Some(Self::OpenSlo),
            Some("pyrra.dev") => return Some(Self::Pyrra),
            Some("sloth.slok.dev") if text("kind") == Some("AlertWindows") => {
                return Some(Self::SlothWindows);
            }
            Some("sloth.slok.dev") => return Some(Self::SlothResource),
            Some(_) | None => {}
        }
        if text("version").is_some_and(|version| version.starts_with("prometheus/")) {
            return Some(Self::SlothSpec);
        }
        if has("serviceLevelIndicator") || has("serviceLevelObjectives") {
            return Some(Self::GoogleCloud);
        }
        if has("slos") {
            return Some(Self::Bellwether);
        }
        // A document that fits nothing else is one of ours, so that what is missing in it is said.
        let is_ours = !has("apiVersion") && !has("kind");
        is_ours.then_some(if has("indicator") || has("goal") {
            Self::BellwetherSlo
        } else {
            Self::Bellwether
        })
    }

    /// Whose way of writing it is.
    pub const fn dialect(self) -> Dialect {
        match self {
            Self::Bellwether | Self::BellwetherSlo => Dialect::Bellwether,
            Self::OpenSlo => Dialect::OpenSlo,
            Self::SlothSpec | Self::SlothResource | Self::SlothWindows => Dialect::Sloth,
            Self::Pyrra => Dialect::Pyrra,
            Self::GoogleCloud => Dialect::GoogleCloud,
        }
    }
}

/// The items of a list of resources, as kubectl prints one.
pub(super) fn resources(node: &Node) -> Option<&[Node]> {
    let is_list = node.get("kind").and_then(Node::as_text).is_some_and(|kind| kind.ends_with("List"));
    node.get("items").filter(|_| is_list)?.as_sequence()
}

/// Says that a document is of no kind, and which there are.
pub(super) fn report_unknown(node: &Node, cx: &mut Cx<'_>) {
    let (span, what) = match (node.get("apiVersion"), node.get("kind")) {
        (Some(version), _) => (version.span, version.as_text().unwrap_or_default()),
        (None, Some(kind)) => (kind.span, kind.as_text().unwrap_or_default()),
        (None, None) => (node.span, ""),
    };
    let message = format!("{what:?} is no way of writing objectives that is known here");
    let help = "write openslo/v1, sloth.slok.dev/v1 or pyrra.dev/v1alpha1; or slos: and a list below it";
    cx.push(Diagnostic::error("unknown-dialect", span, message).with_help(help));
}
