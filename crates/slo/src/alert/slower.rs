//! Which burn-rate alerts say the same as a faster one: while the fast one fires, everybody who would hear of the slow
//! one knows already.

use std::collections::{BTreeMap, BTreeSet};

use crate::burn_alert::BurnAlert;
use crate::definition::Slo;

/// Severities that wake somebody. What wakes nobody must not keep them quiet.
const WAKING: [&str; 2] = ["page", "critical"];

impl Slo {
    /// For each of its burn-rate alerts the faster ones that keep it quiet while they fire; empty when the objective
    /// does not want that.
    pub fn quieted_by(&self) -> BTreeMap<String, BTreeSet<String>> {
        if !self.inhibit_slower {
            return BTreeMap::new();
        }
        let quieted = self.alerts.iter().map(|slow| {
            let faster = self.alerts.iter().filter(|fast| is_said_by(slow, fast));
            (slow.name.clone(), faster.map(|fast| fast.name.clone()).collect::<BTreeSet<_>>())
        });
        quieted.filter(|(_, faster)| !faster.is_empty()).collect()
    }
}

/// Whether whoever hears of the fast alert need not hear of the slow one.
fn is_said_by(slow: &BurnAlert, fast: &BurnAlert) -> bool {
    let is_heard = fast.severity == slow.severity || !WAKING.contains(&slow.severity.as_str());
    fast.long < slow.long && is_heard
}
