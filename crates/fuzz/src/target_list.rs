//! Lists of targets that files and servers hand out: read in either notation, refused with a reason, never half.

use bellwether_ingest::{ADDRESS, TargetGroup};

pub(crate) fn reads(bytes: &[u8]) {
    let lists = ["targets.json", "targets.yml"].map(|name| TargetGroup::list(name, bytes.to_vec()));
    assert_eq!(TargetGroup::list_json(bytes), lists[0], "a name that ends so says which notation it is");
    for list in &lists {
        match list {
            Ok(groups) => groups.iter().for_each(has_addresses),
            Err(why) => assert!(!why.trim().is_empty(), "a refusal has a reason"),
        }
    }
}

/// A target is an address and nothing else, until its discovery adds to it; one that is written as nothing has none.
fn has_addresses(group: &TargetGroup) {
    for target in &group.targets {
        assert!(target.len() <= 1 && target.iter().all(|(name, _)| name == ADDRESS), "{target:?}");
    }
    assert!(
        group.labels.iter().all(|(name, value)| !name.is_empty() && !value.is_empty()),
        "{:?}",
        group.labels
    );
}
