//! What would happen to labels now, if they fired.

use bellwether_model::{Labels, Timestamp};

use super::facts::{Inhibited, Way};
use super::hearing::{muted, silenced};
use super::words::{clock, lasted, listed};
use super::{Explanation, Stage, Step};
use crate::{AlertCore, Silence};

/// What an alert with some labels would meet now.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIf {
    /// Groups that it would join.
    pub ways: Vec<Way>,
    /// Silences that would hide it.
    pub silences: Vec<Silence>,
    /// Alerts that would inhibit it.
    pub inhibitors: Vec<Inhibited>,
}

impl AlertCore {
    /// What an alert with these labels would meet now.
    pub fn what_if(&self, labels: &Labels, now: Timestamp) -> WhatIf {
        let routes = self.setup.config.route.matching(labels);
        WhatIf {
            ways: routes.iter().map(|route| self.way_to_be(route, labels, now)).collect(),
            silences: self.silences.values().filter(|s| s.suppresses(labels, now)).cloned().collect(),
            inhibitors: (self.inhibited_by(labels, now).iter())
                .filter_map(|f| self.alerts.get(f))
                .map(|known| self.inhibited(labels, &known.row.alert))
                .collect(),
        }
    }
}

impl WhatIf {
    /// What would keep it from everybody or from some, one sentence each.
    pub fn quiet(&self, now: Timestamp) -> Vec<String> {
        let silences = self.silences.iter().filter_map(|s| silenced(std::slice::from_ref(s), now));
        let inhibitors = self.inhibitors.iter().map(inhibited_by);
        let ways = self.ways.iter();
        let mutes = ways.clone().filter(|way| !way.muted_by.is_empty());
        let mutes = mutes.map(|way| format!("{}: {}", way.receiver, muted(way, now)));
        let empty = ways.filter(|way| way.hearings.is_empty());
        let empty = empty.map(|way| format!("receiver {} has no integrations", way.receiver));
        silences.chain(inhibitors).chain(mutes).chain(empty).collect()
    }

    /// Who would hear of it now.
    pub fn receivers(&self) -> Vec<String> {
        let mut all = Vec::new();
        for way in self.ways.iter().filter(|way| way.muted_by.is_empty() && !way.hearings.is_empty()) {
            if !all.contains(&way.receiver) {
                all.push(way.receiver.clone());
            }
        }
        all
    }

    /// Explains.
    pub fn explain(&self, now: Timestamp) -> Explanation {
        Explanation { verdict: self.verdict(now), steps: self.steps(now), advice: Vec::new() }
    }

    fn verdict(&self, now: Timestamp) -> String {
        let for_all = silenced(&self.silences, now).or_else(|| self.inhibitors.first().map(inhibited_by));
        let receivers = self.receivers();
        match (for_all, receivers.as_slice()) {
            (Some(why), _) => format!("nobody would be told: {why}"),
            (None, []) => format!("nobody would be told: {}", listed(&self.quiet(now))),
            (None, all) => {
                let told = self.ways.iter().filter(|way| all.contains(&way.receiver));
                let first = told.min_by_key(|way| way.next_flush);
                format!(
                    "{} would be told, {}",
                    listed(all),
                    first.map(|way| when(way, now)).unwrap_or_default()
                )
            }
        }
    }

    fn steps(&self, now: Timestamp) -> Vec<Step> {
        let step = |stage, passed, text| Step { stage, passed, text };
        let mut steps = Vec::new();
        for way in &self.ways {
            let text = format!("to {} in group {}, {}", way.receiver, way.labels, when(way, now));
            steps.push(step(Stage::Route, !way.hearings.is_empty(), text));
        }
        for source in &self.inhibitors {
            let rule = source.rule.clone().unwrap_or_else(|| "built in".to_owned());
            steps.push(step(Stage::Inhibit, false, format!("{} fires ({rule})", source.labels)));
        }
        for silence in &self.silences {
            let why = silenced(std::slice::from_ref(silence), now).unwrap_or_default();
            steps.push(step(Stage::Silence, false, format!("{why}: {}", silence.id)));
        }
        for way in self.ways.iter().filter(|way| !way.muted_by.is_empty()) {
            steps.push(step(Stage::Mute, false, format!("{}: {}", way.receiver, muted(way, now))));
        }
        for (stage, text) in [
            (Stage::Inhibit, "no alert would inhibit it"),
            (Stage::Silence, "no silence would cover it"),
            (Stage::Mute, "no time interval would mute it"),
        ] {
            if steps.iter().all(|step| step.stage != stage) {
                steps.push(step(stage, true, text.to_owned()));
            }
        }
        steps.sort_by_key(|step| step.stage);
        steps
    }
}

fn inhibited_by(source: &Inhibited) -> String {
    format!("inhibited by {}, which fires", source.labels.value_or_empty("alertname"))
}

fn when(way: &Way, now: Timestamp) -> String {
    match way.flushed || way.alerts > 0 {
        true => format!("at the next look at its group at {}", clock(way.next_flush, now)),
        false => format!("{} after it fires (group_wait)", lasted(way.group_wait)),
    }
}
