//! The rule engine: which group is evaluated when, and what follows from the answers.
//!
//! It asks and is told: a query leaves as [`Effect::Query`] and its answer comes back as [`Event::QueryDone`], so a
//! slow source delays the groups that ask it and nothing else, and the same engine runs live, in tests and in
//! replays. Effects are to be carried out in their order: what a rule appends must be there before the next rule's
//! query is answered.

use std::collections::BTreeMap;

use bellwether_model::{Labels, Sample, TimeDelta, Timestamp};

use crate::event::{Effect, Event, QueryId, Written};
use crate::group::{Desk, Group};
use crate::group_key::GroupKey;
use crate::options::EngineOptions;
use crate::rule_state::{RuleState, inherit, stale_markers};
use crate::snapshot::{EngineSnapshot, GroupSnapshot, RuleChange};
use crate::status::GroupStatus;
use crate::{AlertState, Health, RuleFile, RuleKind};

/// How a group keeps its schedule.
#[derive(Clone, Copy, Debug)]
pub struct GroupGlance<'a> {
    /// The group.
    pub group: &'a GroupKey,
    /// How many evaluations it had.
    pub evaluations: u64,
    /// How many it missed because it was still busy or was woken late.
    pub missed: u64,
    /// The moment of its last evaluation.
    pub evaluated_at: Option<Timestamp>,
    /// How long that took.
    pub duration: TimeDelta,
}

/// What one evaluation made of a rule, for whoever looks after each of them.
#[derive(Clone, Copy, Debug)]
pub struct RuleGlance<'a> {
    /// The group it is in.
    pub group: &'a GroupKey,
    /// The metric it records or the alert it raises.
    pub name: &'a str,
    /// How its last evaluation went.
    pub health: Health,
    /// Why it failed.
    pub last_error: Option<&'a str>,
    /// How many series its last evaluation that worked has written.
    pub series: usize,
    /// The state of its most advanced alert; `None` for a rule that records.
    pub state: Option<AlertState>,
}

impl<'a> RuleGlance<'a> {
    fn of(group: &'a GroupKey, rule: &'a RuleState) -> Self {
        let memory = &rule.memory;
        let state = match rule.rule.kind {
            RuleKind::Record => None,
            RuleKind::Alert { .. } => Some(memory.book.state()),
        };
        let last_error = memory.last_error.as_deref();
        Self {
            group,
            name: &rule.rule.name.value,
            health: memory.health,
            last_error,
            series: memory.series.len(),
            state,
        }
    }
}

/// The engine. Its effects are to be carried out in their order: what a rule appends must be there before the next
/// rule's query is answered.
#[derive(Clone, Debug)]
pub struct RuleEngine {
    options: EngineOptions,
    groups: BTreeMap<GroupKey, Group>,
    next_query: u64,
    /// Invariant: exactly the queries that groups are waiting for.
    asked: BTreeMap<QueryId, GroupKey>,
}

impl RuleEngine {
    /// An engine without rules.
    pub fn new(options: EngineOptions) -> Self {
        Self { options, groups: BTreeMap::new(), next_query: 1, asked: BTreeMap::new() }
    }

    /// Goes on with other settings. Call [`RuleEngine::load`] next: it gives them to the groups.
    pub fn set_options(&mut self, options: EngineOptions) {
        self.options = options;
    }

    /// Replaces all rules by those of `files` (name and content). Groups that did not change go on undisturbed;
    /// rules that are still there under the same name and labels in the same group keep what they remember, even
    /// if their query changed. The effects mark the series of vanished rules as stale. Alerts of vanished rules are
    /// not resolved but run out, since a renamed group would otherwise say "all clear" in the middle of an outage.
    pub fn load(&mut self, files: &[(String, RuleFile)], now: Timestamp) -> Vec<Effect> {
        let mut old = std::mem::take(&mut self.groups);
        let mut vanished = Vec::new();
        for (file, content) in files {
            for definition in &content.groups {
                let key = GroupKey { file: file.clone(), name: definition.name.value.clone() };
                let mut group = Group::new(key.clone(), definition, &self.options, now);
                match old.remove(&key) {
                    Some(known) if known.is_unchanged(&group) => group = known,
                    Some(known) => vanished.extend(self.carry_over(known, &mut group, now)),
                    None => {}
                }
                self.groups.insert(key, group);
            }
        }
        for group in old.into_values() {
            self.asked.retain(|_, key| *key != group.key);
            let at = now.saturating_add(-group.query_offset);
            vanished.extend(group.rules.iter().flat_map(|rule| stale_markers(rule.memory.series.iter(), at)));
        }
        if vanished.is_empty() { Vec::new() } else { vec![Effect::Append(Written::samples(vanished))] }
    }

    /// Moves what the rules of a changed group remember to their successors; gives stale markers for the rest.
    fn carry_over(&mut self, known: Group, group: &mut Group, now: Timestamp) -> Vec<(Labels, Sample)> {
        self.asked.retain(|_, key| *key != known.key);
        let at = now.saturating_add(-known.query_offset);
        (group.evaluations, group.missed) = (known.evaluations, known.missed);
        (group.evaluated_at, group.duration) = (known.evaluated_at, known.duration);
        let left = inherit(&mut group.rules, known.rules, RuleState::is_same_rule, |heir, rule| {
            heir.memory = rule.memory;
        });
        left.iter().flat_map(|rule| stale_markers(rule.memory.series.iter(), at)).collect()
    }

    /// Takes an event and says what to do.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        let Self { options, groups, next_query, asked } = self;
        let mut desk = Desk { options, now, next_query, asked, effects: &mut effects };
        match event {
            Event::Wake => {}
            Event::QueryDone { id, answer } => {
                // An answer nobody waits for belongs to a group that was replaced meanwhile.
                let group = desk.asked.remove(&id).and_then(|key| groups.get_mut(&key));
                if let Some(group) = group {
                    group.answer(id, answer, &mut desk);
                }
            }
        }
        for group in groups.values_mut() {
            group.start(&mut desk);
        }
        effects
    }

    /// The clock was set back: groups that wait for a moment of the time it showed go on with the time it shows now.
    /// Evaluations that are out end as they would.
    pub fn clock_set_back(&mut self, now: Timestamp) {
        self.groups.values_mut().for_each(|group| group.come_back(now));
    }

    /// When to send [`Event::Wake`] at the latest; `None` while there is nothing but answers to wait for.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.groups.values().filter_map(Group::wake_at).min()
    }

    /// The settings it works with.
    pub const fn options(&self) -> &EngineOptions {
        &self.options
    }

    /// The schedule of every group, by file and name.
    pub fn schedule(&self) -> impl Iterator<Item = GroupGlance<'_>> {
        self.groups.values().map(|group| GroupGlance {
            group: &group.key,
            evaluations: group.evaluations,
            missed: group.missed,
            evaluated_at: group.evaluated_at,
            duration: group.duration,
        })
    }

    /// Every rule as its last evaluation left it, by file and group, in order.
    pub fn glance(&self) -> impl Iterator<Item = RuleGlance<'_>> {
        self.groups.values().flat_map(|group| group.rules.iter().map(|rule| RuleGlance::of(&group.key, rule)))
    }

    /// Everything the engine knows about its rules, by file and name, for API and UI.
    pub fn status(&self) -> Vec<GroupStatus> {
        self.groups.values().map(GroupStatus::of).collect()
    }

    /// What must survive a restart and has changed since the last call: to be recorded before the effects of the same
    /// step are carried out. Together with the last [`RuleEngine::snapshot`] it brings every alert back exactly.
    pub fn take_changes(&mut self) -> Vec<RuleChange> {
        self.groups.values_mut().flat_map(GroupSnapshot::changes).collect()
    }

    /// What must survive a restart.
    pub fn snapshot(&self) -> EngineSnapshot {
        EngineSnapshot::of(self.groups.values())
    }

    /// Takes up what an earlier process knew, after [`RuleEngine::load`]. Rules are found by group, kind, name and
    /// labels; what belongs to rules that are gone is dropped.
    pub fn restore(&mut self, snapshot: EngineSnapshot) {
        for saved in snapshot.groups {
            if let Some(group) = self.groups.get_mut(&saved.key) {
                saved.restore(group);
            }
        }
    }
}
