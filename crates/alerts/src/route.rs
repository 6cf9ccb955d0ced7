//! The tree that decides who is told of an alert. Options are inherited when the file is read; here every route is
//! complete, and matching is a walk.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use bellwether_model::{Labels, Matcher, TimeDelta, matches_all};
use serde::{Deserialize, Serialize};

/// Identity of a group: the route's identity, a colon, the group's labels. Alertmanager's `groupKey`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub String);

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which labels make a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// `'...'`: all labels; every alert is its own group.
    All,
    /// These; none means one group for all.
    Labels(BTreeSet<String>),
}

/// One node of the tree, with everything it inherits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// Identity: the matchers from the root down, `{}/{team="a"}`; with `#2` where a sibling looks the same.
    pub id: String,
    /// All must match.
    pub matchers: Vec<Matcher>,
    /// Who is told.
    pub receiver: String,
    /// What is told together.
    pub group_by: GroupBy,
    /// Whether later siblings are tried as well.
    pub continues: bool,
    /// How long a new group waits for company.
    pub group_wait: TimeDelta,
    /// How often a group is looked at.
    pub group_interval: TimeDelta,
    /// After how long an unchanged group is told again.
    pub repeat_interval: TimeDelta,
    /// Intervals in which nothing is told.
    pub mute_time_intervals: Vec<String>,
    /// Intervals outside of which nothing is told; none means always.
    pub active_time_intervals: Vec<String>,
    /// Labels for templates, as templates.
    pub labels: BTreeMap<String, String>,
    /// Children; the first that matches takes the alert.
    pub routes: Vec<Arc<Route>>,
}

impl Route {
    /// The routes that take an alert with these labels; the root takes what no child takes.
    pub fn matching(self: &Arc<Self>, labels: &Labels) -> Vec<Arc<Self>> {
        if !matches_all(&self.matchers, labels) {
            return Vec::new();
        }
        let mut taken = Vec::new();
        for child in &self.routes {
            let more = child.matching(labels);
            let stop = !more.is_empty() && !child.continues;
            taken.extend(more);
            if stop {
                break;
            }
        }
        if taken.is_empty() {
            taken.push(Arc::clone(self));
        }
        taken
    }

    /// The labels of the group that an alert belongs to on this route.
    pub fn group_labels(&self, labels: &Labels) -> Labels {
        match &self.group_by {
            GroupBy::All => labels.clone(),
            GroupBy::Labels(names) => labels.keep(&names.iter().map(String::as_str).collect::<Vec<_>>()),
        }
    }

    /// The group's identity.
    pub fn group_id(&self, group_labels: &Labels) -> GroupId {
        GroupId(format!("{}:{}", self.id, group_labels))
    }

    /// This route and all below it, from the root down.
    pub fn walk(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut all = vec![Arc::clone(self)];
        for child in &self.routes {
            all.extend(child.walk());
        }
        all
    }
}
