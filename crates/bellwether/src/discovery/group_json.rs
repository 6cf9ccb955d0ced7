//! Groups of targets in JSON, as files and servers of discoveries write them.

use std::collections::BTreeMap;

use bellwether_model::Labels;
use serde::Deserialize;

use crate::config::prometheus::TargetGroup;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    targets: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

/// Reads a list of groups. A list that is null is an empty one, as in Go; a group that is null is a mistake.
pub(super) fn groups(bytes: &[u8]) -> Result<Vec<TargetGroup>, String> {
    let written: Option<Vec<Option<Written>>> =
        serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let group = |written: Option<Written>| {
        let written = written.ok_or("a group is null")?;
        let labels = written.labels.unwrap_or_default();
        if labels.keys().any(String::is_empty) {
            return Err("a label without a name".to_owned());
        }
        let targets = written.targets.unwrap_or_default();
        Ok(TargetGroup::of(targets.iter().map(String::as_str), Labels::from_pairs(labels)))
    };
    written.unwrap_or_default().into_iter().map(group).collect()
}

/// The groups with a label more, which says where they were found.
pub(super) fn with_place(groups: Vec<TargetGroup>, name: &str, value: &str) -> Vec<TargetGroup> {
    let with = |group: TargetGroup| TargetGroup { labels: group.labels.with(name, value), ..group };
    groups.into_iter().map(with).collect()
}
