//! Which of its alerts an objective of Pyrra has, and what they are called.

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader};

use super::super::not_carried;

/// What Pyrra calls its alerts unless told otherwise.
pub(crate) const ALERT_NAME: &str = "ErrorBudgetBurn";

/// Severities of the four pairs of windows, where they are stated.
pub(crate) type Severities = [Option<String>; 4];

pub(super) struct Alerting {
    /// Whether there are any.
    pub(super) burns: bool,
    pub(super) name: String,
    pub(super) severities: Severities,
}

impl Default for Alerting {
    fn default() -> Self {
        Self { burns: true, name: ALERT_NAME.to_owned(), severities: [const { None }; 4] }
    }
}

impl Decode for Alerting {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let truth = |node: Option<&Node>, usual: bool, cx: &mut Cx<'_>| match node {
            Some(node) if !node.is_null() => bool::decode(node, cx),
            Some(_) | None => Some(usual),
        };
        let disabled = truth(map.node("disabled"), false, cx);
        let burns = truth(map.node("burnrates"), true, cx);
        // While nothing is measured, an alert of every severity says so here; it has no switch and no name of its own.
        for (name, what) in [("absent", "whether there is one"), ("absentName", "its name")] {
            let node = map.node(name).filter(|node| !matches!(node.as_text(), None | Some("" | "true")));
            let Some(node) = node else { continue };
            let message =
                format!("{name} cannot be stated: an alert tells of every objective that is not measured");
            let help = format!("leave it out, or route by the label alert=\"not-measured\" whatever {what}");
            not_carried(node.span, message, help, cx);
        }
        let name = map.optional::<String>("name", cx).filter(|name| !name.is_empty());
        let severities = match map.node("severities").filter(|node| !node.is_null()) {
            Some(node) => severities(node, cx),
            None => Some([const { None }; 4]),
        };
        map.finish(cx);
        Some(Self {
            burns: burns? && !disabled?,
            name: name.unwrap_or_else(|| ALERT_NAME.to_owned()),
            severities: severities?,
        })
    }
}

fn severities(node: &Node, cx: &mut Cx<'_>) -> Option<Severities> {
    let mut map = MapReader::open(node, cx)?;
    let found = ["fastBurn", "mediumBurn", "slowBurn", "longTermBurn"]
        .map(|name| map.optional::<String>(name, cx).filter(|text| !text.is_empty()));
    if let Some(node) = map.node("absent").filter(|node| !node.is_null()) {
        let message = "the severity of absence cannot be stated: it is that of the other alerts";
        not_carried(node.span, message, "leave it out", cx);
    }
    map.finish(cx);
    Some(found)
}
