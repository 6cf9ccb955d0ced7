//! What the engine must not forget over a restart: alerts with their times, and the series that will need a stale
//! marker when they do not come back. Rules are recognised by what they are, not by their number in a file.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

use crate::group::Group;
use crate::rule_state::{RuleMemory, RuleState, inherit};
use crate::{ActiveAlert, GroupKey, Health, RuleKind};

/// The memory of a whole engine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EngineSnapshot {
    /// Its groups by file and name.
    pub groups: Vec<GroupSnapshot>,
}

/// The memory of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupSnapshot {
    /// Which group.
    pub key: GroupKey,
    /// How many evaluations it had.
    pub evaluations: u64,
    /// How many it missed.
    pub missed: u64,
    /// Its last evaluation.
    pub evaluated_at: Option<Timestamp>,
    /// How long that took.
    pub duration: TimeDelta,
    /// Its rules in order.
    pub rules: Vec<RuleSnapshot>,
}

/// The memory of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleSnapshot {
    /// Whether it records (or else alerts).
    pub records: bool,
    /// Its name.
    pub name: String,
    /// Its labels, the group's included, as templates.
    pub labels: BTreeMap<String, String>,
    /// How the last evaluation went.
    pub health: Health,
    /// Why it failed.
    pub last_error: Option<String>,
    /// Which template failed.
    pub template_error: Option<String>,
    /// The last evaluation.
    pub evaluated_at: Option<Timestamp>,
    /// The last evaluation that worked.
    pub known_at: Option<Timestamp>,
    /// How long its queries took.
    pub duration: TimeDelta,
    /// The series it wrote last.
    pub series: BTreeSet<Labels>,
    /// Its alerts.
    pub alerts: Vec<ActiveAlert>,
}

/// What one rule must not forget, as of an evaluation that changed it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleChange {
    /// Its group.
    pub group: GroupKey,
    /// Its place in the group, from 0.
    pub place: usize,
    /// What it remembers.
    pub rule: RuleSnapshot,
}

impl EngineSnapshot {
    /// Takes in what changed after the snapshot was made, the oldest first.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = RuleChange>) {
        for change in changes {
            match self.groups.iter_mut().find(|group| group.key == change.group) {
                Some(group) => group.apply(change),
                None => self.groups.push(GroupSnapshot::with(change)),
            }
        }
    }

    pub(crate) fn of<'a>(groups: impl Iterator<Item = &'a Group>) -> Self {
        Self { groups: groups.map(GroupSnapshot::of).collect() }
    }
}

impl GroupSnapshot {
    fn of(group: &Group) -> Self {
        Self {
            key: group.key.clone(),
            evaluations: group.evaluations,
            missed: group.missed,
            evaluated_at: group.evaluated_at,
            duration: group.duration,
            rules: group.rules.iter().map(RuleSnapshot::of).collect(),
        }
    }

    /// A group of which only one change is known.
    fn with(change: RuleChange) -> Self {
        Self {
            key: change.group,
            evaluations: 0,
            missed: 0,
            evaluated_at: change.rule.evaluated_at,
            duration: TimeDelta::ZERO,
            rules: vec![change.rule],
        }
    }

    /// The rule may have another place than when the snapshot was made.
    fn apply(&mut self, change: RuleChange) {
        let is_same = |rule: &RuleSnapshot| rule.is_same_rule(&change.rule);
        let in_place = self.rules.get(change.place).is_some_and(is_same).then_some(change.place);
        match in_place.or_else(|| self.rules.iter().position(is_same)) {
            Some(place) => self.rules[place] = change.rule,
            None => self.rules.push(change.rule),
        }
    }

    /// Rules of a group that changed since the last call.
    pub(crate) fn changes(group: &mut Group) -> Vec<RuleChange> {
        if !std::mem::take(&mut group.is_unsaved) {
            return Vec::new();
        }
        let key = &group.key;
        let unsaved = group.rules.iter_mut().enumerate().filter(|(_, rule)| rule.is_unsaved);
        unsaved
            .map(|(place, rule)| {
                rule.is_unsaved = false;
                RuleChange { group: key.clone(), place, rule: RuleSnapshot::of(rule) }
            })
            .collect()
    }

    pub(crate) fn restore(self, group: &mut Group) {
        (group.evaluations, group.missed) = (self.evaluations, self.missed);
        (group.evaluated_at, group.duration) = (self.evaluated_at, self.duration);
        inherit(
            &mut group.rules,
            self.rules,
            |rule, saved| saved.is_of(rule),
            |rule, saved| {
                rule.memory = saved.into_memory();
            },
        );
    }
}

impl RuleSnapshot {
    fn of(state: &RuleState) -> Self {
        let memory = &state.memory;
        Self {
            records: state.rule.kind == RuleKind::Record,
            name: state.rule.name.value.clone(),
            labels: state.labels.clone(),
            health: memory.health,
            last_error: memory.last_error.clone(),
            template_error: memory.template_error.clone(),
            evaluated_at: memory.evaluated_at,
            known_at: memory.known_at,
            duration: memory.duration,
            series: memory.series.clone(),
            alerts: memory.book.alerts.values().cloned().collect(),
        }
    }

    fn is_same_rule(&self, other: &Self) -> bool {
        self.records == other.records && self.name == other.name && self.labels == other.labels
    }

    fn is_of(&self, state: &RuleState) -> bool {
        self.records == (state.rule.kind == RuleKind::Record)
            && self.name == state.rule.name.value
            && self.labels == state.labels
    }

    fn into_memory(self) -> RuleMemory {
        let alerts = self.alerts.into_iter().map(|alert| (alert.labels.clone(), alert)).collect();
        RuleMemory {
            series: self.series,
            book: crate::alert_rule::AlertBook { alerts },
            health: self.health,
            last_error: self.last_error,
            template_error: self.template_error,
            evaluated_at: self.evaluated_at,
            known_at: self.known_at,
            duration: self.duration,
        }
    }
}
