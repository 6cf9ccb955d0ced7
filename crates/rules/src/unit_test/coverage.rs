//! Which rules the tests have made do something. A rule that no test ever makes record or fire is one whose mistakes
//! show in the outage it was written for.

use std::collections::BTreeMap;

use bellwether_diag::Span;

use crate::{RuleFile, RuleKind};

/// Which rule: its file, its group, and its number in the group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId {
    /// The rule file's name.
    pub file: String,
    /// The group's name.
    pub group: String,
    /// Its place in the group, from 0.
    pub index: usize,
}

/// What tests have made a rule do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Nothing: its query has found nothing in any test.
    #[default]
    Never,
    /// An alert was pending, but never fired.
    Pending,
    /// It has recorded or fired.
    Exercised,
}

impl Use {
    /// As programs read it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Pending => "pending",
            Self::Exercised => "exercised",
        }
    }
}

/// A rule and what tests have made it do.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleUse {
    /// The metric it records or the alert it raises.
    pub name: String,
    /// Whether it records (or else alerts).
    pub records: bool,
    /// Where its name stands in the rule file.
    pub span: Span,
    /// The most it did in any test.
    pub used: Use,
}

/// What tests have made rules do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    rules: BTreeMap<RuleId, RuleUse>,
}

impl Coverage {
    /// Counts the rules of a file as tested, whether or not any test makes them do something. Files that are known
    /// already stay as they are.
    pub fn add(&mut self, file: &str, rules: &RuleFile) {
        for group in &rules.groups {
            for (index, rule) in group.rules.iter().enumerate() {
                let id = RuleId { file: file.to_owned(), group: group.name.value.clone(), index };
                self.rules.entry(id).or_insert_with(|| RuleUse {
                    name: rule.name.value.clone(),
                    records: rule.kind == RuleKind::Record,
                    span: rule.name.span,
                    used: Use::Never,
                });
            }
        }
    }

    /// A rule did something.
    pub fn note(&mut self, id: &RuleId, used: Use) {
        if let Some(rule) = self.rules.get_mut(id) {
            rule.used = rule.used.max(used);
        }
    }

    /// All rules, by file and group.
    pub fn iter(&self) -> impl Iterator<Item = (&RuleId, &RuleUse)> {
        self.rules.iter()
    }

    /// How many rules there are.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// How many have recorded or fired.
    pub fn exercised(&self) -> usize {
        self.rules.values().filter(|rule| rule.used == Use::Exercised).count()
    }

    /// The share of rules that have recorded or fired, in percent; all of none are 100.
    pub fn percent(&self) -> f64 {
        if self.rules.is_empty() { 100.0 } else { self.exercised() as f64 * 100.0 / self.rules() as f64 }
    }
}
