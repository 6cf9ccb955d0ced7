//! Plays the runs of a scenario. The past is lived once for each configuration, and every run goes on from a copy of it.

use std::collections::BTreeMap;

use bellwether_alerts::{self as alerts, AlertSource, Deed as AlertDeed, SilenceId, SilenceWish, Subject};
use bellwether_diag::{Cx, Diagnostics, Style};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_rules::{RuleFile, RuleGroup};

use super::definition::ServiceDefinition;
use super::expect::{self, Verdict};
use super::load::{Place, ReadConfig};
use super::look::{Look, looks_of};
use super::model::{
    Action, AlertIs, ConfigChoice, Event, FaultChange, FaultyAnswer, HandDeed, Run, Scenario,
};
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
        let story = match (config, world.clone()) {
            (Some(config), Some(world)) => {
                let mut played = Playing::new(self, run, config, world);
                played.live();
                Some((played.finish(), run))
            }
            (_, _) => None,
        };
        let pace = self.pace(read.config.as_ref());
        let (story, looks) = story.map(|(finished, _)| finished).unwrap_or_default();
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
struct Playing<'a> {
    scenario: &'a Scenario,
    place: &'a Place,
    run: &'a Run,
    config: Config,
    pace: Pace,
    world: World,
    looks: Vec<Look>,
    tracks: tracks::Recorder,
    silences: usize,
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

    fn act(&mut self, event: &Event) {
        let done = match &event.action {
            Action::Reload(choice) => self.reload(choice),
            Action::AddRules(node) => self.add_rules(node),
            Action::Silence { matchers, length, by, comment } => {
                let now = self.world.now();
                let wish = SilenceWish {
                    id: None,
                    new_id: self.next_silence(),
                    matchers: matchers.clone(),
                    starts_at: now,
                    ends_at: now + *length,
                    created_by: by.clone(),
                    comment: comment.clone(),
                    annotations: BTreeMap::new(),
                };
                let texts: Vec<String> = matchers.iter().map(ToString::to_string).collect();
                self.silence(wish)
                    .map(|()| format!("{by} silences {} for {length}: {comment}", texts.join(", ")))
            }
            Action::Handle { deed, alert, by, note } => self.handle(*deed, alert, by, note),
            Action::Post { path, body } => self.post(path, body),
        };
        let at = self.world.moment();
        match done {
            Ok(what) => self.world.story.note(at, what, false),
            Err(why) => self.world.story.note(at, why, true),
        }
    }

    fn next_silence(&mut self) -> SilenceId {
        self.silences += 1;
        SilenceId(format!("00000000-0000-4000-8000-{:012}", self.silences))
    }

    fn silence(&mut self, wish: SilenceWish) -> Result<(), String> {
        match self.world.say(alerts::Event::SetSilence(wish)) {
            Some(alerts::Answer::Silence(Err(error))) => Err(format!("the silence is refused: {error}")),
            _ => Ok(()),
        }
    }

    fn reload(&mut self, choice: &ConfigChoice) -> Result<String, String> {
        let read = self.place.config(choice);
        let Some(config) = read.config else {
            let reasons = read.diagnostics.render(&read.sources, Style { color: false });
            let first = reasons.lines().next().unwrap_or_default();
            return Err(format!("the reload is refused: {first}"));
        };
        self.config = config;
        self.world.reload(&self.config);
        Ok("another configuration is in force".to_owned())
    }

    fn add_rules(&mut self, node: &bellwether_diag::yaml::Node) -> Result<String, String> {
        let mut added = self.place.rules(node).map_err(|why| format!("the rules are refused: {why}"))?;
        let names: Vec<String> = added
            .iter()
            .flat_map(|(_, file)| &file.groups)
            .flat_map(|group| group.rules.iter().map(|rule| rule.name.value.clone()))
            .collect();
        self.config.rules.append(&mut added);
        self.world.reload(&self.config);
        Ok(format!("reloaded with rules {}", names.join(", ")))
    }

    fn handle(&mut self, deed: HandDeed, alert: &Labels, by: &str, note: &str) -> Result<String, String> {
        let now = self.world.now();
        let (alert_deed, verb) = match deed {
            HandDeed::Acknowledge(length) => {
                (AlertDeed::Acknowledge { until: length.map(|length| now + length) }, "acknowledges")
            }
            HandDeed::Unacknowledge => (AlertDeed::Unacknowledge, "gives back"),
            HandDeed::Resolve => (AlertDeed::Resolve, "resolves by hand"),
            HandDeed::Note => (AlertDeed::Note, "writes about"),
        };
        let views = self.world.pipeline().alerts.alerts(now);
        let has = |labels: &Labels| alert.iter().all(|(name, value)| labels.value_or_empty(name) == value);
        let meant: Vec<_> = views
            .iter()
            .filter(|view| !view.resolved && has(&view.alert.labels))
            .map(|view| view.fingerprint)
            .collect();
        if meant.is_empty() {
            return Err(format!("{by} {verb} {alert}, but no such alert fires"));
        }
        for fingerprint in &meant {
            let action = alerts::Action {
                subject: Subject::Alert(*fingerprint),
                deed: alert_deed.clone(),
                by: by.to_owned(),
                note: note.to_owned(),
            };
            if let Some(alerts::Answer::Acted(Err(error))) = self.world.say(alerts::Event::Act(action)) {
                return Err(format!("{by} {verb} {alert}, which is refused: {error}"));
            }
        }
        let words = if note.is_empty() { String::new() } else { format!(": {note}") };
        Ok(format!("{by} {verb} {}{words}", alert.value_or_empty("alertname")))
    }

    fn post(&mut self, path: &str, body: &str) -> Result<String, String> {
        let now = self.world.now();
        let refused = |why: String| format!("POST {path} is refused: {why}");
        if path.ends_with("/silences") {
            let new = bellwether_web::posted::silence(body.as_bytes(), now).map_err(refused)?;
            let wish = SilenceWish {
                id: new.id.map(SilenceId),
                new_id: self.next_silence(),
                matchers: new.matchers,
                starts_at: new.starts_at,
                ends_at: new.ends_at,
                created_by: new.created_by,
                comment: new.comment,
                annotations: new.annotations,
            };
            self.silence(wish)?;
            return Ok(format!("POST {path}: a silence"));
        }
        let timeout = self.config.routing.global.resolve_timeout;
        let posted = bellwether_web::posted::alerts(body.as_bytes(), now, timeout).map_err(refused)?;
        let names: Vec<String> =
            posted.iter().map(|alert| alert.labels.value_or_empty("alertname").to_owned()).collect();
        self.world.say(alerts::Event::Alerts { source: AlertSource::Api, alerts: posted });
        Ok(format!("POST {path}: {}", names.join(", ")))
    }

    fn finish(mut self) -> (Story, Vec<Look>) {
        let mut story = std::mem::take(&mut self.world.story);
        story.tracks = self.tracks.finish(&self.world);
        (story, self.looks)
    }
}

impl Place {
    /// Rule files and groups in place, named by a list.
    fn rules(&self, node: &bellwether_diag::yaml::Node) -> Result<Vec<(String, RuleFile)>, String> {
        let mut loader = self.loader();
        let (mut inline, mut out) = (Vec::new(), Diagnostics::new());
        let items = node.as_sequence().unwrap_or_else(|| std::slice::from_ref(node));
        loader.read_file(&self.file, None);
        for item in items {
            match item.as_text() {
                Some(name) => {
                    let path = crate::config::folder_of(&self.file).join(name);
                    let read = loader.read_file(&path, None).and_then(|file| {
                        let options = loader.rule_options;
                        RuleFile::read(&loader.sources, file, options, &mut out)
                            .map(|rules| (path.display().to_string(), rules))
                    });
                    loader.rules.extend(read);
                }
                None => {
                    let mut refused = Diagnostics::new();
                    let mut cx = Cx::new(&loader.sources, &mut out);
                    inline.extend(RuleGroup::decode_leniently(
                        item,
                        loader.rule_options,
                        &mut cx,
                        &mut refused,
                    ));
                    out.extend(refused);
                }
            }
        }
        out.extend(std::mem::take(&mut loader.diagnostics));
        if out.has_errors() {
            return Err(out.render(&loader.sources, Style { color: false }).trim().to_owned());
        }
        if !inline.is_empty() {
            loader.rules.push((self.file.display().to_string(), RuleFile { groups: inline }));
        }
        Ok(loader.rules)
    }
}

impl AlertIs {
    /// The word of a scenario file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
            Self::Suppressed => "suppressed",
        }
    }
}
