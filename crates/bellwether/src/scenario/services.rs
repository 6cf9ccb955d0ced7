//! The services of a scenario at work: they count as time passes, and expose what they have counted. They know no clock
//! and no socket, so that the same services run in simulated days and behind real ports.

use bellwether_ingest::ExpositionWriter;
use bellwether_model::{Labels, TimeDelta, Timestamp};

use super::definition::{
    Drive, GuruDefinition, MetricBehaviour, MetricDefinition, ServiceDefinition, ServiceKind, SetValue,
};
use super::meter::{Influx, Meter, Shape};
use super::quantity::{Rate, WHOLE};
use crate::workshop::{Endpoint, MovieGuru, Sampler};

/// Where the outcomes of events come from.
#[derive(Clone, Debug)]
pub enum Chance {
    /// Dealt out: every count is what is expected of it.
    Quota,
    /// Drawn.
    Random(fastrand::Rng),
}

impl Chance {
    /// Drawn from a seed.
    pub fn random(seed: u64) -> Self {
        Self::Random(fastrand::Rng::with_seed(seed))
    }
}

/// All services of a scenario.
#[derive(Clone, Debug)]
pub struct Services {
    services: Vec<Service>,
    chance: Chance,
    now: Timestamp,
}

#[derive(Clone, Debug)]
struct Service {
    definition: ServiceDefinition,
    /// Of each metric; empty for a service of another kind.
    feeds: Vec<Feed>,
    processes: Vec<Process>,
}

/// What is the same for every process of a service and every stretch of time, until a setting changes.
#[derive(Clone, Debug)]
struct Feed {
    shape: Shape,
    /// How many events there are; none for a gauge.
    source: Option<Source>,
}

#[derive(Clone, Debug)]
struct Source {
    rate: Rate,
    share: i128,
    /// The metric that is followed, and which of its parts.
    follows: Option<(usize, Vec<usize>)>,
}

/// One process of a service.
#[derive(Clone, Debug)]
enum Process {
    Metrics(Vec<Meter>),
    MovieGuru(Box<Guru>),
}

#[derive(Clone, Debug)]
struct Guru {
    guru: MovieGuru,
    sampler: Sampler,
    /// Calls that are due and not made.
    owed: [f64; 8],
}

impl Process {
    fn new(definition: &ServiceDefinition, feeds: &[Feed]) -> Self {
        match &definition.kind {
            ServiceKind::Metrics(_) => {
                Self::Metrics(feeds.iter().map(|feed| Meter::new(&feed.shape)).collect())
            }
            ServiceKind::MovieGuru(guru) => Self::MovieGuru(Box::new(Guru {
                guru: MovieGuru::new(guru.phase.clone()),
                sampler: Sampler::quota(),
                owed: [0.0; 8],
            })),
        }
    }
}

impl Services {
    /// Services that have counted nothing yet.
    pub fn new(definitions: &[ServiceDefinition], now: Timestamp) -> Self {
        Self { services: definitions.iter().map(Service::new).collect(), chance: Chance::Quota, now }
    }

    /// From now on outcomes come from here.
    pub fn set_chance(&mut self, mut chance: Chance) {
        for process in self.services.iter_mut().flat_map(|service| &mut service.processes) {
            if let (Process::MovieGuru(guru), Chance::Random(rng)) = (process, &mut chance) {
                guru.sampler = Sampler::random(rng.u64(..));
            }
        }
        self.chance = chance;
    }

    /// Changes a setting of a service, from now on.
    pub fn set(&mut self, service: &str, path: &str, value: &SetValue) -> Result<(), String> {
        let found = self.services.iter_mut().find(|known| known.definition.name == service);
        let service = found.ok_or_else(|| format!("there is no service {service:?}"))?;
        let mut definition = service.definition.clone();
        definition.set(path, value)?;
        service.define(definition);
        Ok(())
    }

    /// The services behave like this from now on; they must be the same ones.
    pub fn define(&mut self, definitions: &[ServiceDefinition]) {
        for (service, definition) in self.services.iter_mut().zip(definitions) {
            if service.definition != *definition {
                service.define(definition.clone());
            }
        }
    }

    /// Counts what happens until a moment.
    pub fn advance(&mut self, to: Timestamp) {
        let length = to - self.now;
        self.now = self.now.max(to);
        if length <= TimeDelta::ZERO {
            return;
        }
        for service in self.services.iter_mut().filter(|service| service.definition.up) {
            for process in &mut service.processes {
                match (process, &service.definition.kind) {
                    (Process::Metrics(meters), ServiceKind::Metrics(_)) => {
                        count(meters, &service.feeds, length, &mut self.chance);
                    }
                    (Process::MovieGuru(guru), ServiceKind::MovieGuru(definition)) => {
                        guru.call(definition, length);
                    }
                    (Process::Metrics(_) | Process::MovieGuru(_), _) => {}
                }
            }
        }
    }

    /// The labels of every target, in the order of [`Self::expose`].
    pub fn targets(&self) -> Vec<Labels> {
        let of = |service: &Service| {
            let definition = &service.definition;
            let target =
                |instance: &String| definition.labels.with("job", &definition.job).with("instance", instance);
            definition.instances.iter().map(target).collect::<Vec<_>>()
        };
        self.services.iter().flat_map(of).collect()
    }

    /// What a scrape of a target finds; nothing when it does not answer.
    pub fn expose(&self, target: usize) -> Option<String> {
        let processes =
            self.services.iter().flat_map(|s| s.processes.iter().map(move |process| (s, process)));
        let (service, process) = processes.into_iter().nth(target)?;
        if !service.definition.up || !service.definition.reachable {
            return None;
        }
        let mut writer = ExpositionWriter::default();
        match (process, &service.definition.kind) {
            (Process::Metrics(meters), ServiceKind::Metrics(metrics)) => {
                for ((meter, metric), feed) in meters.iter().zip(metrics).zip(&service.feeds) {
                    meter.expose(metric, &feed.shape, &mut writer);
                }
            }
            (Process::MovieGuru(guru), _) => guru.guru.render(&mut writer),
            (Process::Metrics(_), ServiceKind::MovieGuru(_)) => {}
        }
        Some(writer.finish())
    }
}

impl Service {
    fn new(definition: &ServiceDefinition) -> Self {
        let feeds = feeds(definition);
        Self {
            processes: definition.instances.iter().map(|_| Process::new(definition, &feeds)).collect(),
            definition: definition.clone(),
            feeds,
        }
    }

    fn define(&mut self, definition: ServiceDefinition) {
        // Whoever is killed forgets.
        if self.definition.up && !definition.up {
            for process in &mut self.processes {
                *process = Process::new(&definition, &self.feeds);
            }
        }
        self.feeds = feeds(&definition);
        self.definition = definition;
    }
}

fn feeds(definition: &ServiceDefinition) -> Vec<Feed> {
    let ServiceKind::Metrics(metrics) = &definition.kind else { return Vec::new() };
    let feed = |metric: &MetricDefinition| Feed {
        shape: Shape::of(metric),
        source: source(metric, definition, metrics),
    };
    metrics.iter().map(feed).collect()
}

fn source(
    metric: &MetricDefinition,
    service: &ServiceDefinition,
    metrics: &[MetricDefinition],
) -> Option<Source> {
    match metric.drive()? {
        Drive::Rate(rate) => Some(Source { rate: *rate, share: WHOLE, follows: None }),
        Drive::Each { metric, matchers, .. } => {
            let (place, parts) = service.driven_by(metric, matchers)?;
            let Drive::Rate(rate) = metrics[place].drive()? else { return None };
            let shares = metrics[place].parts();
            let share = parts.iter().map(|part| shares[*part].1).sum();
            Some(Source { rate: *rate, share, follows: Some((place, parts)) })
        }
    }
}

/// Counts a stretch of time in one process: first what has a rate of its own, then what follows it.
fn count(meters: &mut [Meter], feeds: &[Feed], length: TimeDelta, chance: &mut Chance) {
    for follows in [false, true] {
        for (place, feed) in feeds.iter().enumerate() {
            let Some(source) = feed.source.as_ref().filter(|source| source.follows.is_some() == follows)
            else {
                continue;
            };
            let drawn = source.follows.as_ref().map(|(from, parts)| meters[*from].fresh_in(parts));
            let influx = Influx { rate: source.rate, share: source.share, drawn };
            match chance {
                Chance::Quota => meters[place].deal(&feed.shape, influx, length),
                Chance::Random(rng) => meters[place].draw(&feed.shape, influx, length, rng),
            }
        }
    }
}

impl MetricDefinition {
    /// How many events it counts; nothing for a gauge.
    fn drive(&self) -> Option<&Drive> {
        match &self.kind {
            MetricBehaviour::Counter { drive, .. } | MetricBehaviour::Histogram { drive, .. } => Some(drive),
            MetricBehaviour::Gauge { .. } => None,
        }
    }
}

impl Guru {
    fn call(&mut self, definition: &GuruDefinition, length: TimeDelta) {
        if self.guru.phase != definition.phase {
            self.guru.phase = definition.phase.clone();
        }
        for (endpoint, (owed, rate)) in
            Endpoint::ALL.into_iter().zip(self.owed.iter_mut().zip(definition.rates.0))
        {
            *owed += rate * length.as_secs_f64();
            // A hair more, so that 26.67 calls a second are 400 in 15 s although floats say 399.99.
            while *owed >= 1.0 - 1e-6 {
                self.guru.call(endpoint, &mut self.sampler);
                *owed -= 1.0;
            }
        }
    }
}
