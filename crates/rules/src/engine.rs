//! The rule engine: which group is evaluated when, and what follows from the answers.
//!
//! It asks and is told: a query leaves as [`Effect::Query`] and its answer comes back as [`Event::QueryDone`], so a
//! slow source delays the groups that ask it and nothing else, and the same engine runs live, in tests and in
//! replays. Effects are to be carried out in their order: what a rule appends must be there before the next rule's
//! query is answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Labels, Sample, TimeDelta, Timestamp};
use bellwether_promql::{Expr, Value};
use serde::{Deserialize, Serialize};

use crate::RuleFile;
use crate::group::{Desk, Group, RuleState, stale_markers};
use crate::snapshot::EngineSnapshot;
use crate::status::GroupStatus;

/// What the engine is told about its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineOptions {
    /// How often groups are evaluated that do not say.
    pub interval: TimeDelta,
    /// How far back queries look in groups that do not say.
    pub query_offset: TimeDelta,
    /// How often a firing alert is repeated.
    pub resend_delay: TimeDelta,
    /// What templates see as `$externalLabels`.
    pub external_labels: Labels,
    /// What templates see as `$externalURL`, and where alerts link to. Without a slash at its end.
    pub external_url: String,
    /// Whether each group is evaluated at its own place on the interval's grid ([`GroupKey::offset`]), so that a
    /// thousand groups do not all ask at the full minute. Without it all groups are evaluated on multiples of their
    /// interval since the epoch, which tests and replays want.
    pub spread: bool,
}

impl Default for EngineOptions {
    /// Prometheus' defaults.
    fn default() -> Self {
        Self {
            interval: TimeDelta::MINUTE,
            query_offset: TimeDelta::ZERO,
            resend_delay: TimeDelta::MINUTE,
            external_labels: Labels::empty(),
            external_url: String::new(),
            spread: true,
        }
    }
}

impl EngineOptions {
    /// Where the query of an alert can be looked at, in the form Prometheus' UI has made common.
    pub(crate) fn generator_url(&self, expr: &str) -> String {
        format!("{}/graph?g0.expr={}&g0.tab=1", self.external_url.trim_end_matches('/'), query_escape(expr))
    }
}

/// Text for the query part of a URL: letters, digits and `-_.~` as they are, blanks as `+`.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

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

/// Number of a query; never used twice by one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueryId(pub u64);

/// A query, parsed once when its rule was loaded.
#[derive(Clone, Debug)]
pub struct RuleQuery {
    /// As it was written.
    pub text: String,
    /// What it means.
    pub parsed: Expr,
}

impl PartialEq for RuleQuery {
    /// The same text means the same.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// The answer to a query, or why there is none.
pub type QueryResult = Result<Value, String>;

/// A query's answer and how long it took.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// The answer.
    pub result: QueryResult,
    /// How long it took, measured by whoever asked.
    pub duration: TimeDelta,
}

/// What the engine is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It is time to look whether something is due.
    Wake,
    /// A query is answered. Every query must be, with an error if need be; until then its group stands still.
    QueryDone {
        /// Which one.
        id: QueryId,
        /// The answer.
        answer: QueryAnswer,
    },
}

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Evaluate a query at a moment and report with [`Event::QueryDone`].
    Query {
        /// Its number.
        id: QueryId,
        /// What to evaluate.
        expr: Arc<RuleQuery>,
        /// The moment.
        at: Timestamp,
    },
    /// Store samples: recorded results, `ALERTS`, `ALERTS_FOR_STATE`, and stale markers of series that vanished.
    Append(Vec<(Labels, Sample)>),
    /// Hand on alerts that fire or are over.
    Alerts(Vec<Alert>),
}

/// The engine. See the [module's](self) words on effects.
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
        if vanished.is_empty() { Vec::new() } else { vec![Effect::Append(vanished)] }
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

    /// When to send [`Event::Wake`] at the latest; `None` while there is nothing but answers to wait for.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.groups.values().filter_map(Group::wake_at).min()
    }

    /// Everything the engine knows about its rules, by file and name, for API and UI.
    pub fn status(&self) -> Vec<GroupStatus> {
        self.groups.values().map(GroupStatus::of).collect()
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

/// Gives each heir the first not yet taken predecessor that matches it; returns the predecessors without an heir.
pub(crate) fn inherit<H, P>(
    heirs: &mut [H],
    predecessors: Vec<P>,
    matches: impl Fn(&H, &P) -> bool,
    take: impl Fn(&mut H, P),
) -> Vec<P> {
    let mut left: Vec<Option<P>> = predecessors.into_iter().map(Some).collect();
    for heir in heirs {
        let slot = left.iter_mut().find(|slot| slot.as_ref().is_some_and(|rule| matches(heir, rule)));
        if let Some(rule) = slot.and_then(Option::take) {
            take(heir, rule);
        }
    }
    left.into_iter().flatten().collect()
}
