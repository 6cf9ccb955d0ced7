//! Which group: the name under which files, schedules and snapshots know it.

use bellwether_model::{Labels, TimeDelta};
use serde::{Deserialize, Serialize};

/// A group's identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey {
    /// The rule file's name.
    pub file: String,
    /// The group's name.
    pub name: String,
}

impl GroupKey {
    /// Where on the grid of an interval the group is evaluated: the FNV-1a hash of file and name, modulo the
    /// interval. It is the same in every process and after every restart.
    pub fn offset(&self, interval: TimeDelta) -> TimeDelta {
        let labels = Labels::from_pairs([("file", self.file.as_str()), ("name", self.name.as_str())]);
        TimeDelta((labels.fingerprint() % interval.0.max(1) as u64) as i64)
    }
}
