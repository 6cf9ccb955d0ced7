//! All corrections there are, and which of them are in force for which objective.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::Timestamp;

use crate::correction::Correction;
use crate::definition::Slo;

/// All corrections. Invariant: `in_force` holds those that are not revoked, by objective, in order of their begin.
#[derive(Clone, Debug, Default)]
pub(crate) struct Corrections {
    pub(crate) all: BTreeMap<String, Arc<Correction>>,
    pub(crate) in_force: BTreeMap<String, Vec<Arc<Correction>>>,
}

impl Corrections {
    /// Finds anew which are in force for which objective.
    pub(crate) fn sort_out(&mut self, slos: &BTreeMap<String, Arc<Slo>>) {
        self.in_force.clear();
        for slo in slos.values() {
            let id = slo.id();
            let is_its = |c: &&Arc<Correction>| c.revoked.is_none() && c.scope.covers(&id, &slo.service);
            let mut its: Vec<_> = self.all.values().filter(is_its).cloned().collect();
            if !its.is_empty() {
                its.sort_by_key(|c| (c.begin, c.end, c.id.clone()));
                self.in_force.insert(id, its);
            }
        }
    }

    /// Those in force for an objective, in order of their begin.
    pub(crate) fn of(&self, slo: &Slo) -> &[Arc<Correction>] {
        match self.in_force.is_empty() {
            true => &[],
            false => self.in_force.get(&slo.id()).map_or(&[], Vec::as_slice),
        }
    }

    /// Those that were known for an objective at a moment, in order of their begin.
    pub(crate) fn known(&self, slo: &Slo, at: Timestamp) -> Vec<Arc<Correction>> {
        let id = slo.id();
        let is_its = |c: &&Arc<Correction>| c.is_known_at(at) && c.scope.covers(&id, &slo.service);
        let mut known: Vec<_> = self.all.values().filter(is_its).cloned().collect();
        known.sort_by_key(|c| (c.begin, c.end, c.id.clone()));
        known
    }
}
