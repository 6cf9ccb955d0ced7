//! Which metrics there are: a misspelt name or a matcher that matches nothing is no mistake of form, and shows only once
//! samples arrive. What is not there yet may still come, so this is said as a note and refuses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_diag::suggest;
use bellwether_model::Labels;
use bellwether_promql::selectors;

use crate::definition::Slo;
use crate::indicator::{Events, Latency, Ratio, probe_ratio};
use crate::sampled::query::{SampledQuery, queries, slice};
use crate::selector::Selector;

/// Most names remembered; of more metrics nobody is told that one is missing.
const NAMES_MAX: usize = 50_000;

/// Among more names nobody looks for the one that was meant: it is done whenever somebody looks at the objective.
const SUGGEST_AMONG_MAX: usize = 5_000;

/// Names of all series announced, and whether every selector of an objective has found one.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownMetrics {
    names: BTreeSet<String>,
    /// Selectors by the metric they name; those that name none find something anyway.
    wanted: BTreeMap<String, Vec<Wanted>>,
}

#[derive(Clone, Debug)]
struct Wanted {
    selector: Selector,
    is_found: bool,
}

impl KnownMetrics {
    /// Looks for what these objectives select from now on. What was found stays found.
    pub(crate) fn set<'a>(&mut self, slos: impl Iterator<Item = &'a Arc<Slo>>) {
        let before = std::mem::take(&mut self.wanted);
        for selector in slos.flat_map(|slo| slo.indicator.selectors()) {
            let Some(name) = selector.name.clone() else { continue };
            let is_found =
                before.get(&name).into_iter().flatten().any(|w| w.is_found && w.selector == selector);
            let wanted = self.wanted.entry(name).or_default();
            if wanted.iter().all(|wanted| wanted.selector != selector) {
                wanted.push(Wanted { selector, is_found });
            }
        }
    }

    /// A series is there.
    pub(crate) fn hear(&mut self, labels: &Labels) {
        let Some(name) = labels.metric_name() else { return };
        if self.names.len() < NAMES_MAX && !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
        for wanted in self.wanted.get_mut(name).into_iter().flatten().filter(|wanted| !wanted.is_found) {
            wanted.is_found = wanted.selector.matches(labels);
        }
    }

    /// What an objective asks for and nobody has.
    pub(crate) fn notes(&self, slo: &Slo) -> Vec<String> {
        if self.names.is_empty() || self.names.len() >= NAMES_MAX {
            return Vec::new(); // nothing was heard yet, or too much
        }
        let mut notes = BTreeSet::new();
        match &slo.indicator.events {
            Events::Ratio(ratio) => notes.extend(self.ratio(ratio)),
            Events::Latency(latency) => notes.extend(self.latency(latency)),
            Events::Probe(name) => notes.extend(self.ratio(&probe_ratio(name))),
            Events::Threshold(_) | Events::Query(_) => notes.extend(self.asked(&slo.indicator.events)),
            Events::Composite(_) => {}
        }
        notes.into_iter().collect()
    }

    /// No counter of bad events is a good sign, as long as there is a metric of that name.
    fn ratio(&self, ratio: &Ratio) -> Vec<String> {
        let (some, all) = match ratio {
            Ratio::GoodTotal { good, total } => (good, total),
            Ratio::BadTotal { bad, total } => (bad, total),
            Ratio::GoodBad { good, bad } => (bad, good),
        };
        let named = some.iter().filter_map(|selector| self.unnamed(selector.name.as_deref()?));
        let matched = all.iter().filter_map(|selector| self.unmatched(selector));
        named.chain(matched).collect()
    }

    fn unmatched(&self, selector: &Selector) -> Option<String> {
        let name = selector.name.as_deref()?;
        if let Some(note) = self.unnamed(name) {
            return Some(note);
        }
        let wanted = self.wanted.get(name)?.iter().find(|wanted| wanted.selector == *selector)?;
        (!wanted.is_found).then(|| format!("no series matches {selector}, though some are called {name}"))
    }

    fn unnamed(&self, name: &str) -> Option<String> {
        if self.names.contains(name) {
            return None;
        }
        let near = match self.names.len() <= SUGGEST_AMONG_MAX {
            true => suggest(name, self.names.iter().map(String::as_str)),
            false => None,
        };
        let help = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        Some(format!("no series is called {name}{help}"))
    }

    /// A histogram is there by one of its parts, or as a whole when it is a native one.
    fn latency(&self, latency: &Latency) -> Option<String> {
        let base = latency.histogram.name.as_deref()?;
        let parts = [String::new(), "_bucket".to_owned(), "_count".to_owned()]
            .map(|suffix| format!("{base}{suffix}"));
        if parts.iter().any(|name| self.names.contains(name)) {
            return None;
        }
        let bases = self.names.iter().filter_map(|name| name.strip_suffix("_bucket"));
        let near = if self.names.len() <= SUGGEST_AMONG_MAX { suggest(base, bases) } else { None };
        let help = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        Some(format!("no histogram is called {base}{help}"))
    }

    fn asked(&self, events: &Events) -> Vec<String> {
        let Some(slice) = slice(events) else { return Vec::new() };
        let read = queries(events).into_iter().filter_map(|text| SampledQuery::read(text, slice).ok());
        let mut notes = Vec::new();
        for query in read {
            let named = selectors(&query.parsed).into_iter().filter_map(|selector| selector.name.as_deref());
            notes.extend(named.filter_map(|name| self.unnamed(name)));
        }
        notes
    }
}
