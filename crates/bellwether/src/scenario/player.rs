//! Plays the runs of a scenario. The past is lived once for each configuration, and every run goes on from a copy of it.

use std::collections::BTreeMap;

use bellwether_diag::Style;
use bellwether_model::{TimeDelta, Timestamp};

use super::definition::ServiceDefinition;
use super::expect::{self, Verdict};
use super::load::{Place, ReadConfig};
use super::look::{Look, looks_of};
use super::model::{ConfigChoice, FaultChange, FaultyAnswer, Run, Scenario};
use super::quantity::Moment;
use super::services::{Chance, Services};
use super::story::Story;
use super::tracks;
use super::world::{Era, Pace, World};
use crate::config::Config;

/// Where the outcomes of events come from after the start. The past is always dealt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SamplerChoice {
    /// Dealt out.
    Quota,
    /// Drawn from a seed.
    Random(u64),
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct Played {
    /// The run's name.
    pub name: String,
    /// What it shows.
    pub about: String,
    /// How long it lasted.
    pub length: TimeDelta,
    /// When it started, by the calendar.
    pub start: Timestamp,
    /// How often targets were scraped and rules evaluated.
    pub pace: Pace,
    /// The faults: what, from when, until when.
    pub faults: Vec<(String, Moment, Moment)>,
    /// What happened.
    pub story: Story,
    /// What was expected, and what came of it.
    pub verdicts: Vec<Verdict>,
    /// What is wrong with the configuration.
    pub problems: String,
    /// Whether something of it is not in force: all of it, or rules that are left out.
    pub is_left_out: bool,
}

impl Played {
    /// Whether everything was as expected.
    pub fn is_good(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

/// A player of one scenario.
pub struct Player<'a> {
    scenario: &'a Scenario,
    place: &'a Place,
    sampler: SamplerChoice,
    pasts: Vec<(ConfigChoice, ReadConfig, Option<World>)>,
}

impl<'a> Player<'a> {
    /// A player that has played nothing.
    pub const fn new(scenario: &'a Scenario, place: &'a Place, sampler: SamplerChoice) -> Self {
        Self { scenario, place, sampler, pasts: Vec::new() }
    }

    /// Plays one run.
    pub fn play(&mut self, run: &Run) -> Played {
        let past = self.past(&run.config);
        let (_, read, world) = &self.pasts[past];
        let (mut problems, config) = (String::new(), read.config.clone());
        for diagnostics in [&read.diagnostics, &read.refused] {
            problems.push_str(&diagnostics.render(&read.sources, Style { color: false }));
        }
        let (story, looks) = match (config, world.clone()) {
            (Some(config), Some(world)) => {
                let mut playing = Playing::new(self, run, config, world);
                playing.live();
                playing.finish()
            }
            (_, _) => Default::default(),
        };
        let pace = self.pace(read.config.as_ref());
        let tolerance = pace.scrape + pace.evaluation;
        let seen = expect::Seen {
            story: &story,
            looks: &looks,
            problems: &problems,
            refused: read.config.is_none(),
        };
        let verdicts = expect::judge(run, &seen, tolerance);
        let end = Moment(run.length);
        let faults = run
            .faults
            .iter()
            .map(|fault| (fault.name.clone(), fault.at, fault.until.unwrap_or(end)))
            .collect();
        Played {
            name: run.name.clone(),
            about: run.about.clone(),
            length: run.length,
            start: self.scenario.start,
            pace,
            faults,
            story,
            verdicts,
            problems,
            is_left_out: read.config.is_none() || !read.refused.is_empty(),
        }
    }

    fn pace(&self, config: Option<&Config>) -> Pace {
        let global = config.map(|config| config.prometheus.global.clone()).unwrap_or_default();
        let scrape = self.scenario.step.unwrap_or(global.scrape_interval);
        let evaluation =
            self.scenario.evaluation.or(self.scenario.step).unwrap_or(global.evaluation_interval);
        Pace { scrape, evaluation }
    }

    /// The place of the past under a configuration.
    fn past(&mut self, choice: &ConfigChoice) -> usize {
        if let Some(known) = self.pasts.iter().position(|(of, _, _)| of == choice) {
            return known;
        }
        let read = self.place.config(choice);
        let world = read.config.as_ref().map(|config| self.live_past(config));
        self.pasts.push((choice.clone(), read, world));
        self.pasts.len() - 1
    }

    /// Lives from the beginning of the past up to the start.
    fn live_past(&self, config: &Config) -> World {
        let (scenario, pace) = (self.scenario, self.pace(Some(config)));
        let history = scenario.history;
        let start = scenario.start;
        let begin = start - history.length;
        let services = Services::new(&scenario.services, begin);
        let mut world = World::new(config, services, pace, start, begin);
        world.scrape(Era::Past);
        let lead = start - history.lead.max(pace.scrape);
        let fine = (start - history.fine).min(lead);
        loop {
            let now = world.now();
            let step = if now < fine { history.step.max(pace.scrape) } else { pace.scrape };
            // Points lie on the grid of scrapes that begins with the story.
            let next = start - floor(start - (now + step), pace.scrape);
            let next = if next <= now { next + pace.scrape } else { next };
            if next >= lead {
                break;
            }
            world.pass(next);
            world.scrape(Era::Past);
        }
        let lead = start - floor(start - lead, pace.scrape);
        world.pass(lead);
        world.load_rules(config);
        let mut scrape = lead;
        while scrape <= start {
            wake_until(&mut world, scrape);
            world.pass(scrape);
            world.scrape(Era::Present);
            world.tick();
            scrape += pace.scrape;
        }
        world
    }
}

/// The largest multiple that is not longer.
const fn floor(length: TimeDelta, of: TimeDelta) -> TimeDelta {
    TimeDelta(length.0.div_euclid(of.0) * of.0)
}

/// Lets the cores do what is due before a moment.
fn wake_until(world: &mut World, until: Timestamp) {
    while let Some(wake) = world.next_wake().filter(|wake| *wake < until) {
        let before = world.now();
        world.pass(wake);
        world.tick();
        if world.next_wake().is_some_and(|next| next <= before) {
            break;
        }
    }
}

/// A run under way.
pub(super) struct Playing<'a> {
    scenario: &'a Scenario,
    pub(super) place: &'a Place,
    run: &'a Run,
    /// In force at the moment.
    pub(super) config: Config,
    pace: Pace,
    pub(super) world: World,
    looks: Vec<Look>,
    tracks: tracks::Recorder,
    /// Silences made so far.
    pub(super) silences: usize,
}

impl<'a> Playing<'a> {
    fn new(player: &Player<'a>, run: &'a Run, config: Config, mut world: World) -> Self {
        if let SamplerChoice::Random(seed) = player.sampler {
            world.services().set_chance(Chance::random(seed));
        }
        let pace = player.pace(Some(&config));
        Self {
            scenario: player.scenario,
            place: player.place,
            run,
            config,
            pace,
            looks: looks_of(run),
            tracks: tracks::Recorder::new(run, pace.scrape),
            world,
            silences: 0,
        }
    }

    /// Lives the run: at every moment first the scrape, then what is due, then whoever looks, then what changes.
    fn live(&mut self) {
        let start = self.scenario.start;
        let end = start + self.run.length;
        let mut changes: Vec<Moment> = self.run.events.iter().map(|event| event.at).collect();
        for fault in &self.run.faults {
            changes.extend([Some(fault.at), fault.until].into_iter().flatten());
        }
        changes.extend(self.looks.iter().map(|look| look.at));
        changes.sort_unstable();
        changes.dedup();
        let mut changes = changes.into_iter().map(|at| at.after(start)).peekable();
        self.turn();
        let mut scrape = start + self.pace.scrape;
        changes.next_if(|at| *at <= start);
        loop {
            let change = changes.peek().copied().unwrap_or(Timestamp::MAX);
            let until = scrape.min(change);
            wake_until(&mut self.world, until.min(end + TimeDelta(1)));
            if until > end {
                break;
            }
            self.world.pass(until);
            if until == scrape {
                self.world.scrape(Era::Present);
                scrape += self.pace.scrape;
            }
            self.world.tick();
            self.tracks.record(&self.world);
            self.turn();
            changes.next_if(|at| *at <= until);
        }
        self.world.pass(end);
    }

    /// Looks, then changes what is to be changed now.
    fn turn(&mut self) {
        let now = self.world.moment();
        for look in self.looks.iter_mut().filter(|look| look.at == now) {
            look.take(&self.world);
        }
        let is_edge = |fault: &super::model::Fault| fault.at == now || fault.until == Some(now);
        if self.run.faults.iter().any(is_edge) {
            self.change_faults(now);
        }
        for event in self.run.events.iter().filter(|event| event.at == now) {
            self.act(event);
        }
    }

    fn change_faults(&mut self, now: Moment) {
        let mut services: Vec<ServiceDefinition> = self.scenario.services.clone();
        let mut failing = BTreeMap::<String, FaultyAnswer>::new();
        let active = self
            .run
            .faults
            .iter()
            .filter(|fault| fault.at <= now && fault.until.is_none_or(|until| now < until));
        let mut active: Vec<_> = active.collect();
        active.sort_by_key(|fault| fault.at);
        for fault in active {
            match &fault.change {
                FaultChange::Settings(settings) => {
                    for setting in settings {
                        let service = services.iter_mut().find(|service| service.name == setting.service);
                        // It was tried when the file was read.
                        let set = service.map(|service| service.set(&setting.path, &setting.value));
                        if let Some(Err(why)) = set {
                            self.world.story.note(now, why, true);
                        }
                    }
                }
                FaultChange::Receiver { name, answer } => {
                    failing.insert(name.clone(), *answer);
                }
            }
        }
        self.world.services().define(&services);
        self.world.set_failing(failing);
    }

    fn finish(mut self) -> (Story, Vec<Look>) {
        let mut story = std::mem::take(&mut self.world.story);
        story.tracks = self.tracks.finish(&self.world);
        (story, self.looks)
    }
}
