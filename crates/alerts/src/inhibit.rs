//! While a cause is told, its consequences need not be. Every source counts: Alertmanager forgets a second source
//! when the first one resolves, and tells people of a target that something else still inhibits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Alert, AlertFingerprint, Labels, Matcher, Timestamp, matches_all};
use serde::Serialize;

use crate::precedence::{Faster, Precedence};

/// `source` alerts keep `target` alerts quiet when the named labels are equal.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InhibitRule {
    /// What it is called, if it is called anything.
    pub name: Option<String>,
    /// What an alert must match to inhibit.
    pub source: Vec<Matcher>,
    /// What an alert must match to be inhibited.
    pub target: Vec<Matcher>,
    /// Labels that must be equal; one that is missing on both sides is equal.
    pub equal: Vec<String>,
}

/// Looks up who inhibits whom, without comparing every alert with every other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inhibitor {
    rules: Vec<InhibitRule>,
    /// Per rule: values of the equal labels -> alerts that match the source side and were not removed.
    sources: Vec<BTreeMap<Vec<String>, BTreeSet<AlertFingerprint>>>,
    /// What is built in.
    faster: Faster,
}

impl Inhibitor {
    pub(crate) fn new(rules: Vec<InhibitRule>, precedence: Arc<Precedence>) -> Self {
        Self { sources: vec![BTreeMap::new(); rules.len()], rules, faster: Faster::new(precedence) }
    }

    pub(crate) fn add(&mut self, fingerprint: AlertFingerprint, labels: &Labels) {
        self.faster.add(fingerprint, labels);
        for (rule, sources) in self.rules.iter().zip(&mut self.sources) {
            if matches_all(&rule.source, labels) {
                sources.entry(equal_values(rule, labels)).or_default().insert(fingerprint);
            }
        }
    }

    pub(crate) fn remove(&mut self, fingerprint: AlertFingerprint, labels: &Labels) {
        self.faster.remove(fingerprint, labels);
        for (rule, sources) in self.rules.iter().zip(&mut self.sources) {
            let key = equal_values(rule, labels);
            if let Some(set) = sources.get_mut(&key) {
                set.remove(&fingerprint);
                if set.is_empty() {
                    sources.remove(&key);
                }
            }
        }
    }

    /// All alerts that fire at `now` and inhibit one with these labels.
    pub(crate) fn inhibited_by<'a>(
        &self,
        labels: &Labels,
        now: Timestamp,
        alert: impl Fn(AlertFingerprint) -> Option<&'a Alert>,
    ) -> BTreeSet<AlertFingerprint> {
        let mut found: BTreeSet<_> = self.faster.before(labels, now, &alert).into_keys().collect();
        for (rule, sources) in self.rules.iter().zip(&self.sources) {
            if !matches_all(&rule.target, labels) {
                continue;
            }
            let two_sided = matches_all(&rule.source, labels);
            for fingerprint in sources.get(&equal_values(rule, labels)).into_iter().flatten() {
                let Some(source) = alert(*fingerprint).filter(|a| !a.is_resolved(now)) else { continue };
                // An alert on both sides is not inhibited by another such alert: they would silence each other.
                if !(two_sided && matches_all(&rule.target, &source.labels)) {
                    found.insert(*fingerprint);
                }
            }
        }
        found
    }

    /// Why something that is built in keeps an alert quiet, if it does.
    pub(crate) fn built_in<'a>(
        &self,
        labels: &Labels,
        now: Timestamp,
        alert: impl Fn(AlertFingerprint) -> Option<&'a Alert>,
    ) -> Vec<String> {
        let names: BTreeSet<String> = self.faster.before(labels, now, alert).into_values().collect();
        names.into_iter().map(|name| format!("built in: {name} fires")).collect()
    }
}

fn equal_values(rule: &InhibitRule, labels: &Labels) -> Vec<String> {
    rule.equal.iter().map(|name| labels.value_or_empty(name).to_owned()).collect()
}
