//! Groups of targets, as people write them down and as files and servers of discoveries list them, in YAML or JSON: addresses
//! and the labels they share.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostics, MapReader, Sources, Spanned};
use bellwether_model::Labels;
use serde::Deserialize;

/// The label that says where a target is.
pub const ADDRESS: &str = "__address__";

/// Targets with the labels they share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetGroup {
    /// What is known of each: `__address__`, and what its discovery adds.
    pub targets: Vec<Labels>,
    /// The labels they share; those of a target win.
    pub labels: Labels,
}

impl TargetGroup {
    /// Of addresses.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a str>, labels: Labels) -> Self {
        let target = |address: &str| Labels::from_pairs([(ADDRESS, address)]);
        Self { targets: addresses.into_iter().map(target).collect(), labels }
    }

    /// Reads a list of groups; the name of the file says in which notation. Gives the first mistake with its place.
    pub fn list(name: &str, bytes: Vec<u8>) -> Result<Vec<Self>, String> {
        match name.to_lowercase().ends_with(".json") {
            true => Self::list_json(&bytes),
            false => Self::list_yaml(name, bytes),
        }
    }

    /// Reads a list in JSON. One that is null is an empty one, as in Go; a group that is null is a mistake.
    pub fn list_json(bytes: &[u8]) -> Result<Vec<Self>, String> {
        let written: Option<Vec<Option<InJson>>> =
            serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        written.unwrap_or_default().into_iter().map(InJson::group).collect()
    }

    fn list_yaml(name: &str, bytes: Vec<u8>) -> Result<Vec<Self>, String> {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let file = sources.add_bytes(name, bytes, &mut out);
        let documents = bellwether_diag::yaml::parse(&sources, file, &mut out);
        if documents.is_empty() && !out.has_errors() {
            return Ok(Vec::new());
        }
        let decoded = bellwether_diag::decode_file(&sources, file, &mut out);
        decoded.ok_or_else(|| {
            let Some(first) = out.iter().next() else { return "it cannot be read".to_owned() };
            match first.span {
                Some(span) => {
                    let at = sources.position(span);
                    format!("line {}, column {}: {}", at.line, at.column, first.sentence())
                }
                None => first.sentence(),
            }
        })
    }
}

impl Decode for TargetGroup {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        WrittenGroup::decode(node, cx).map(WrittenGroup::group)
    }
}

/// A group with the places of its targets, for whoever has more to say of them.
#[derive(Clone, Debug)]
pub struct WrittenGroup {
    /// Addresses.
    pub targets: Vec<Spanned<String>>,
    /// The labels they share.
    pub labels: Labels,
}

impl WrittenGroup {
    /// The group, whatever its targets are.
    pub fn group(self) -> TargetGroup {
        TargetGroup::of(self.targets.iter().map(|target| target.value.as_str()), self.labels)
    }
}

impl Decode for WrittenGroup {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let targets = map.optional("targets", cx);
        let labels = map.optional("labels", cx);
        map.finish(cx);
        Some(Self { targets: targets.unwrap_or_default(), labels: labels.unwrap_or_default() })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InJson {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

impl InJson {
    fn group(written: Option<Self>) -> Result<TargetGroup, String> {
        let written = written.ok_or("a group is null")?;
        let labels = written.labels.unwrap_or_default();
        if labels.keys().any(String::is_empty) {
            return Err("a label without a name".to_owned());
        }
        let targets = written.targets.unwrap_or_default();
        Ok(TargetGroup::of(targets.iter().map(String::as_str), Labels::from_pairs(labels)))
    }
}
