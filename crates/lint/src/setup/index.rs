//! What is looked up again and again while checking: without it every check of fifty thousand rules would go through all
//! of them for each.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_diag::FileId;

use super::Setup;
use super::rule::{Rule, RuleKind};

/// Places in the setup by what is known of them.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Recordings by the name they record.
    records: BTreeMap<String, Vec<usize>>,
    /// Goals by the file they stand in.
    goals_of_file: BTreeMap<FileId, Vec<usize>>,
    /// Goals outside of documents by their name.
    goals_of_name: BTreeMap<String, Vec<usize>>,
    /// Where names of burn-rate alerts stand.
    burns: BTreeSet<(FileId, u32)>,
}

impl Setup {
    pub(super) fn index_rules(&mut self) {
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.kind == RuleKind::Record {
                self.index.records.entry(rule.name.value.clone()).or_default().push(at);
            }
        }
    }

    pub(super) fn index_goals(&mut self) {
        for (at, goal) in self.goals.iter().enumerate() {
            let file = self.sources.whole(goal.span).file;
            self.index.goals_of_file.entry(file).or_default().push(at);
            if let (None, Some(name)) = (goal.section, &goal.name) {
                self.index.goals_of_name.entry(name.clone()).or_default().push(at);
            }
        }
    }

    pub(super) fn index_burns(&mut self) {
        let places = self.burns.iter().map(|burn| self.rules[burn.rule].name.span);
        self.index.burns = places.map(|span| (span.file, span.start)).collect();
    }

    /// Recordings of a name.
    pub(crate) fn recordings(&self, name: &str) -> impl Iterator<Item = &Rule> {
        self.index.records.get(name).into_iter().flatten().map(|at| &self.rules[*at])
    }

    /// Whether a rule is a burn-rate alert.
    pub fn is_burn(&self, rule: &Rule) -> bool {
        self.index.burns.contains(&(rule.name.span.file, rule.name.span.start))
    }

    /// Indices of the goals that stand in a file.
    pub(super) fn goals_of_file(&self, file: FileId) -> &[usize] {
        self.index.goals_of_file.get(&file).map_or(&[], Vec::as_slice)
    }

    /// Indices of the goals of a name that no document states.
    pub(super) fn goals_named(&self, name: &str) -> &[usize] {
        self.index.goals_of_name.get(name).map_or(&[], Vec::as_slice)
    }
}
