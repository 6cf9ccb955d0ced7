//! A rule with what it remembers from evaluation to evaluation, and who takes that over when rules are replaced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Labels, STALE_NAN, Sample, TimeDelta, Timestamp};
use serde::{Deserialize, Serialize};

use crate::alert_rule::AlertBook;
use crate::event::RuleQuery;
use crate::{Rule, RuleGroup, RuleKind};

/// How the last evaluation of a rule went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It has not been evaluated yet.
    #[default]
    Unknown,
    /// It worked.
    Ok,
    /// It failed.
    Err,
}

/// A rule with what it remembers.
#[derive(Clone, Debug)]
pub(crate) struct RuleState {
    pub(crate) rule: Rule,
    /// The rule's labels over the group's.
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) query: Arc<RuleQuery>,
    pub(crate) memory: RuleMemory,
    /// Whether something has changed that a restart must know, since it was last taken.
    pub(crate) is_unsaved: bool,
}

/// What a rule remembers from evaluation to evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuleMemory {
    /// Series written by the last evaluation that worked.
    pub(crate) series: BTreeSet<Labels>,
    pub(crate) book: AlertBook,
    pub(crate) health: Health,
    pub(crate) last_error: Option<String>,
    /// Templates that failed in the last evaluation.
    pub(crate) template_error: Option<String>,
    pub(crate) evaluated_at: Option<Timestamp>,
    /// The last evaluation that worked.
    pub(crate) known_at: Option<Timestamp>,
    pub(crate) duration: TimeDelta,
}

impl RuleState {
    pub(crate) fn new(group: &RuleGroup, rule: &Rule) -> Self {
        let labels = group.labels_of(rule);
        let query = RuleQuery { text: rule.expr.text.clone(), parsed: rule.expr.parsed.clone() };
        Self {
            rule: rule.clone(),
            labels,
            query: Arc::new(query),
            memory: RuleMemory::default(),
            is_unsaved: false,
        }
    }

    /// Whether what another rule remembers is about this one: kind, name and labels, as Prometheus has it.
    pub(crate) fn is_same_rule(&self, other: &Self) -> bool {
        let kind = |state: &Self| matches!(state.rule.kind, RuleKind::Record);
        kind(self) == kind(other)
            && self.rule.name.value == other.rule.name.value
            && self.labels == other.labels
    }

    /// Whether evaluating this rule is evaluating the other.
    pub(crate) fn is_unchanged(&self, other: &Self) -> bool {
        self.is_same_rule(other)
            && self.rule.expr.text == other.rule.expr.text
            && self.rule.kind == other.rule.kind
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

/// Samples that say of each series that it is gone.
pub(crate) fn stale_markers<'a>(
    series: impl Iterator<Item = &'a Labels>,
    at: Timestamp,
) -> Vec<(Labels, Sample)> {
    series.map(|labels| (labels.clone(), Sample::new(at, STALE_NAN))).collect()
}
