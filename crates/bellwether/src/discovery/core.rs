//! Decides which discovery is asked when, and what targets there are: a value without I/O. What a discovery said stays
//! until it says something else: one that cannot be asked, or whose answer cannot be read, takes nobody's target away.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};

use crate::config::prometheus::{Discovery, ScrapeJob, TargetGroup};
use crate::scrape::JobTargets;

/// How soon a changed file is noticed.
pub const FILES_LOOKED_AT_EVERY: TimeDelta = TimeDelta::from_secs(2);

/// A discovery: the name of its job, and its place there.
pub type SourceId = (String, usize);

/// By what is seen that a file has not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Its size.
    pub bytes: u64,
    /// When it was last written, in nanoseconds.
    pub written_at_ns: u128,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// These jobs are wanted from now on.
    Configured(Vec<ScrapeJob>),
    /// A discovery was asked.
    Answered {
        /// Which one.
        source: SourceId,
        /// The question's number.
        number: u64,
        /// All it knows of now; what it knew of before and is not here has gone.
        parts: Vec<Part>,
    },
    /// Time passed.
    Tick,
}

/// What one file, address or name says.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What it says.
    pub found: Found,
}

/// What is found in one place.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// These targets.
    Groups(Vec<TargetGroup>, Option<Fingerprint>),
    /// What there was before.
    Unchanged,
    /// Nobody knows, and why.
    Failed(String),
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// These are all targets from now on.
    Assign(Vec<JobTargets>),
    /// A discovery is to be asked.
    Ask(Ask),
}

/// A question to a discovery.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Which one.
    pub source: SourceId,
    /// Tells it from other questions.
    pub number: u64,
    /// What it is.
    pub discovery: Discovery,
    /// Files that need not be read again while they look like this.
    pub known: BTreeMap<String, Fingerprint>,
}

/// What is known of one place.
#[derive(Clone, Debug, Default)]
struct Known {
    groups: Vec<TargetGroup>,
    fingerprint: Option<Fingerprint>,
    read_at: Option<Timestamp>,
    trouble: Option<String>,
}

#[derive(Clone, Debug)]
struct Source {
    discovery: Discovery,
    parts: BTreeMap<String, Known>,
    due: Timestamp,
    /// The number of the question that has no answer yet.
    asked: Option<u64>,
    counts: AskCounts,
}

/// How often a discovery was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskCounts {
    /// All in all.
    pub asked: u64,
    /// Without a whole answer.
    pub failed: u64,
}

/// How a discovery does.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryView {
    /// Name of its job.
    pub job: String,
    /// As Prometheus calls it.
    pub kind: &'static str,
    /// Targets it named, before relabelling.
    pub targets: u64,
    /// Places whose last answer could not be used, and why.
    pub trouble: Vec<String>,
    /// How often it was asked.
    pub counts: AskCounts,
}

/// Jobs and what is known of their targets.
#[derive(Clone, Debug, Default)]
pub struct Finder {
    jobs: Vec<Arc<ScrapeJob>>,
    sources: BTreeMap<SourceId, Source>,
    next_number: u64,
}

impl Finder {
    /// Takes in what happened.
    pub fn step(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        match event {
            Event::Configured(jobs) => {
                self.configure(jobs, now);
                effects.push(self.assign());
            }
            Event::Answered { source, number, parts } => {
                if self.hear(&source, number, parts, now) {
                    effects.push(self.assign());
                }
            }
            Event::Tick => {}
        }
        self.ask(now, &mut effects);
        effects
    }

    /// When to call with [`Event::Tick`] at the latest.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.sources.values().filter(|source| source.asked.is_none()).map(|source| source.due).min()
    }

    /// How each discovery does, in order of jobs.
    pub fn views(&self) -> Vec<DiscoveryView> {
        let view = |((job, _), source): (&SourceId, &Source)| {
            let groups = source.parts.values().flat_map(|part| &part.groups);
            let trouble = source.parts.iter().filter_map(|(name, part)| Some((name, part.trouble.as_ref()?)));
            DiscoveryView {
                job: job.clone(),
                kind: source.discovery.kind(),
                targets: groups.map(|group| group.targets.len() as u64).sum(),
                trouble: trouble.map(|(name, why)| format!("{name}: {why}")).collect(),
                counts: source.counts,
            }
        };
        self.sources.iter().map(view).collect()
    }

    fn configure(&mut self, jobs: Vec<ScrapeJob>, now: Timestamp) {
        let mut before = std::mem::take(&mut self.sources);
        let places = |job: &'_ ScrapeJob| -> Vec<(SourceId, Discovery)> {
            let asked = job.discoveries.iter().enumerate();
            let asked = asked.filter(|(_, discovery)| !matches!(discovery, Discovery::Static(_)));
            asked.map(|(place, discovery)| ((job.name.clone(), place), discovery.clone())).collect()
        };
        let wanted: Vec<(SourceId, Discovery)> = jobs.iter().flat_map(places).collect();
        // What stays the same first, wherever it stands in its job now.
        for (id, discovery) in &wanted {
            let same =
                before.iter().find(|((job, _), source)| *job == id.0 && source.discovery == *discovery);
            if let Some(source) = same.map(|(id, _)| id.clone()).and_then(|same| before.remove(&same)) {
                self.sources.insert(id.clone(), source);
            }
        }
        for (id, discovery) in wanted {
            if self.sources.contains_key(&id) {
                continue;
            }
            let other = before.remove(&id).filter(|source| source.discovery.kind() == discovery.kind());
            // Until the new place has answered, what the old one said is better than nothing.
            let (parts, counts) = other.map(|other| (other.parts, other.counts)).unwrap_or_default();
            self.sources.insert(id, Source { discovery, parts, due: now, asked: None, counts });
        }
        self.jobs = jobs.into_iter().map(Arc::new).collect();
        // An answer finds its source by the number as well: a source may have moved to another place.
        for source in self.sources.values_mut() {
            if source.asked.take().is_some() {
                source.due = now;
            }
        }
    }

    /// Whether the targets are others now.
    fn hear(&mut self, id: &SourceId, number: u64, parts: Vec<Part>, now: Timestamp) -> bool {
        let Some(source) = self.sources.get_mut(id).filter(|source| source.asked == Some(number)) else {
            return false;
        };
        source.asked = None;
        source.due = now + looked_at_every(&source.discovery);
        let mut before = std::mem::take(&mut source.parts);
        let (mut is_changed, mut is_failed) = (false, false);
        for Part { name, found } in parts {
            let mut known = before.remove(&name).unwrap_or_default();
            match found {
                Found::Groups(groups, fingerprint) => {
                    is_changed |= known.groups != groups;
                    known = Known { groups, fingerprint, read_at: Some(now), trouble: None };
                }
                Found::Unchanged => {}
                Found::Failed(why) => {
                    is_failed = true;
                    // Whatever it looks like, it is to be read again.
                    known.fingerprint = None;
                    known.trouble = Some(why);
                }
            }
            source.parts.insert(name, known);
        }
        source.counts.asked += 1;
        source.counts.failed += u64::from(is_failed);
        is_changed || before.values().any(|gone| !gone.groups.is_empty())
    }

    fn ask(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        for (id, source) in &mut self.sources {
            if source.asked.is_some() || source.due > now {
                continue;
            }
            self.next_number += 1;
            source.asked = Some(self.next_number);
            effects.push(Effect::Ask(Ask {
                source: id.clone(),
                number: self.next_number,
                discovery: source.discovery.clone(),
                known: source.known(now),
            }));
        }
    }

    fn assign(&self) -> Effect {
        let of_job = |job: &Arc<ScrapeJob>| {
            let groups = job.discoveries.iter().enumerate().flat_map(|(place, discovery)| match discovery {
                Discovery::Static(groups) => groups.clone(),
                Discovery::Files(_) | Discovery::Http(_) | Discovery::Dns(_) => {
                    let source = self.sources.get(&(job.name.clone(), place));
                    let parts = source.into_iter().flat_map(|source| source.parts.values());
                    parts.flat_map(|part| part.groups.iter().cloned()).collect()
                }
            });
            JobTargets { groups: groups.collect(), job: job.clone() }
        };
        Effect::Assign(self.jobs.iter().map(of_job).collect())
    }
}

impl Source {
    /// Files that were read not long ago. Now and then all are read anew: two writes within a moment can leave a file
    /// that looks the same.
    fn known(&self, now: Timestamp) -> BTreeMap<String, Fingerprint> {
        let Discovery::Files(files) = &self.discovery else { return BTreeMap::new() };
        let is_fresh = |part: &Known| part.read_at.is_some_and(|at| now - at < files.refresh_interval);
        let fresh = self.parts.iter().filter(|(_, part)| is_fresh(part));
        fresh.filter_map(|(name, part)| Some((name.clone(), part.fingerprint?))).collect()
    }
}

fn looked_at_every(discovery: &Discovery) -> TimeDelta {
    match discovery {
        Discovery::Static(_) => TimeDelta::HOUR,
        Discovery::Files(files) => FILES_LOOKED_AT_EVERY.min(files.refresh_interval),
        Discovery::Http(http) => http.refresh_interval,
        Discovery::Dns(dns) => dns.refresh_interval,
    }
}
