//! One world under its own clock: services that count, targets that are scraped, the deciding cores, and receivers that
//! keep what they are sent. Nothing here waits; time is what it is told to be.

use std::collections::{BTreeMap, VecDeque};

use bellwether_alerts::{AlertCore, Delivery, Event, Posted, Receipt, Record, Restored};
use bellwether_ingest::ExpositionWriter;
use bellwether_model::{Batch, Labels, Origin, TimeDelta, Timestamp};
use bellwether_promql::{EvalOptions, RangeSpec, Value, eval_instant, eval_range};
use bellwether_rules::{AlertState, EngineOptions, Grid, QueryAnswer, RuleChange, RuleEngine};
use bellwether_slo::{Answer, AskError, Question, SloEngine};

use super::memory::Memory;
use super::model::FaultyAnswer;
use super::quantity::Moment;
use super::services::Services;
use super::story::{Story, Told};
use crate::config::Config;
use crate::config::prometheus::ScrapeJob;
use crate::pipeline::{Input, Outcome, Pipeline, Query, Work};
use crate::reload::Settings;
use crate::scrape::cache::{Scraped, TargetCache};

/// Where links in messages lead.
const URL: &str = "http://bellwether.example";
/// Steps at one moment; more mean that something is due again and again.
const STEPS_MAX: usize = 10_000;

/// How often things are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two scrapes.
    pub scrape: TimeDelta,
    /// Between two evaluations of rules.
    pub evaluation: TimeDelta,
}

/// A world.
#[derive(Clone, Debug)]
pub struct World {
    pipeline: Pipeline,
    services: Services,
    caches: Vec<TargetCache>,
    memory: Memory,
    pace: Pace,
    /// When the story starts.
    start: Timestamp,
    now: Timestamp,
    /// Receivers that fail.
    failing: BTreeMap<String, FaultyAnswer>,
    external_labels: Labels,
    /// What happened so far.
    pub story: Story,
}

/// What a batch is: of the past, or a scrape of the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    /// It raises no alerts.
    Past,
    /// It is decided upon.
    Present,
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(config: &Config, services: Services, pace: Pace, start: Timestamp, now: Timestamp) -> Self {
        let settings = settings(config, pace, start);
        let slo = SloEngine::new(config.slos.clone(), settings.slo.clone());
        let alerts = AlertCore::restore(settings.alerts.clone(), Restored::default(), now);
        let external_labels = settings.rules.external_labels.clone();
        let pipeline = Pipeline::new(slo, RuleEngine::new(settings.rules), alerts)
            .with_external_labels(external_labels.clone());
        let job = |labels: &Labels| ScrapeJob::with_defaults(labels.value_or_empty("job"), pace.scrape);
        let caches = services.targets().into_iter().map(|labels| TargetCache::new(&job(&labels), labels));
        Self {
            caches: caches.collect(),
            pipeline,
            services,
            memory: Memory::default(),
            pace,
            start,
            now,
            failing: BTreeMap::new(),
            external_labels,
            story: Story::default(),
        }
    }

    /// Lets rules be evaluated from now on.
    pub fn load_rules(&mut self, config: &Config) {
        let effects = self.pipeline.rules.load(&config.rules, self.now);
        let mut outcome = Outcome::default();
        self.pipeline.take_rule_effects(effects, self.now, &mut outcome);
        self.carry_out(outcome);
    }

    /// Puts another configuration into force.
    pub fn reload(&mut self, config: &Config) {
        let settings = settings(config, self.pace, self.start);
        let (pipeline, now) = (&mut self.pipeline, self.now);
        let mut outcome = Outcome::default();
        let effects = pipeline.slo.step(bellwether_slo::Event::Reload(config.slos.clone()), now);
        self.external_labels = settings.rules.external_labels.clone();
        pipeline.set_external_labels(settings.rules.external_labels.clone(), now, &mut outcome);
        pipeline.rules.set_options(settings.rules);
        let rule_effects = pipeline.rules.load(&settings.rule_files, now);
        pipeline.take_rule_effects(rule_effects, now, &mut outcome);
        pipeline.alerts.reconfigure(settings.alerts, now);
        pipeline.hear(crate::pipeline::alerts_of(effects), now, &mut outcome);
        self.carry_out(outcome);
    }

    /// The moment it is.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// The moment it is, counted from the start.
    pub fn moment(&self) -> Moment {
        Moment::since(self.start, self.now)
    }

    /// The services, to be changed.
    pub const fn services(&mut self) -> &mut Services {
        &mut self.services
    }

    /// The cores, to be looked at.
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The samples.
    pub const fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Receivers that fail from now on.
    pub fn set_failing(&mut self, failing: BTreeMap<String, FaultyAnswer>) {
        self.failing = failing;
    }

    /// When the cores have something to do.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.pipeline.next_wake().map(|wake| wake.max(self.now))
    }

    /// Time passes until a moment.
    pub fn pass(&mut self, to: Timestamp) {
        self.services.advance(to);
        self.now = self.now.max(to);
    }

    /// Scrapes every target.
    pub fn scrape(&mut self, era: Era) {
        for target in 0..self.caches.len() {
            let body = self.services.expose(target);
            let scraped = Scraped {
                at: self.now,
                took: TimeDelta(5),
                body: body.as_ref().map(|body| body.as_bytes()),
                content_type: Some(ExpositionWriter::CONTENT_TYPE),
                framed: true,
                is_too_large: false,
            };
            let memory = &mut self.memory;
            let taken = self.caches[target].take(scraped, &mut |labels, _| Ok(memory.id(labels)));
            match taken {
                Ok(taken) => {
                    if let Some(error) = taken.error {
                        self.story.note(self.moment_of(self.now), format!("a scrape failed: {error}"), true);
                    }
                    let mut batch = taken.batch;
                    if era == Era::Past {
                        batch.origin = Origin::Backfill;
                    }
                    self.take(&batch);
                }
                Err(why) => {
                    self.story.note(self.moment_of(self.now), format!("a scrape failed: {why}"), true)
                }
            }
        }
    }

    fn moment_of(&self, at: Timestamp) -> Moment {
        Moment::since(self.start, at)
    }

    fn take(&mut self, batch: &Batch) {
        self.memory.append(batch);
        let input = Input::Batch { batch, labels: &self.memory };
        let outcome = self.pipeline.step(input, self.now);
        self.carry_out(outcome);
    }

    /// Lets the cores do what is due.
    pub fn tick(&mut self) {
        for _ in 0..STEPS_MAX {
            let outcome = self.pipeline.step(Input::Tick, self.now);
            self.carry_out(outcome);
            if self.pipeline.next_wake().is_none_or(|wake| wake > self.now) {
                return;
            }
        }
    }

    /// Something is said to routing; gives the answer.
    pub fn say(&mut self, event: Event) -> Option<bellwether_alerts::Answer> {
        let mut outcome = self.pipeline.step(Input::Alerts(event), self.now);
        let answer = outcome.answer.take();
        self.carry_out(outcome);
        answer
    }

    /// Does what was decided, and what follows from it, until nothing is left to do.
    fn carry_out(&mut self, outcome: Outcome) {
        let mut open = VecDeque::from([outcome]);
        while let Some(outcome) = open.pop_front() {
            self.note(&outcome);
            for delivery in outcome.deliveries {
                open.push_back(self.deliver(&delivery));
            }
            for post in outcome.posts {
                open.push_back(self.pipeline.step(Input::Posted(post.id, Posted::Taken), self.now));
            }
            self.work(outcome.rule_work, &mut open);
            for question in outcome.questions {
                let answer = Answer { id: question.id, result: self.answer(&question) };
                open.push_back(self.pipeline.step(Input::Answer(answer), self.now));
            }
        }
    }

    /// Stores what rules wrote, then answers what they ask.
    fn work(&mut self, work: Work, open: &mut VecDeque<Outcome>) {
        if !work.results.is_empty() {
            let batch = self.memory.batch_of(work.results, self.now);
            self.memory.append(&batch);
            let input = Input::Batch { batch: &batch, labels: &self.memory };
            open.push_back(self.pipeline.step(input, self.now));
        }
        for query in work.queries {
            let answer = QueryAnswer { result: self.evaluate(&query), duration: TimeDelta::ZERO };
            let event = bellwether_rules::Event::QueryDone { id: query.id, answer };
            let outcome = self.pipeline.step(Input::Rules(event), self.now);
            // The next rule of the group may read what this one wrote.
            open.push_front(outcome);
        }
    }

    fn evaluate(&self, query: &Query) -> Result<Value, String> {
        let options = EvalOptions { subquery_step: query.subquery_step, ..EvalOptions::default() };
        let evaluated = eval_instant(&query.expr.parsed, query.at, &self.memory, &options);
        evaluated.map(|evaluated| evaluated.value).map_err(|error| error.to_string())
    }

    fn answer(&self, question: &Question) -> Result<Vec<Vec<bellwether_promql::RangeSeries>>, AskError> {
        let range = RangeSpec { start: question.first, end: question.last, step: question.step };
        let evaluate = |query: &bellwether_slo::SampledQuery| {
            let evaluated = eval_range(&query.parsed, range, &self.memory, &EvalOptions::default());
            match evaluated.map_err(|error| AskError::Refused(error.to_string()))?.value {
                Value::Matrix(series) => Ok(series),
                Value::Scalar(_) | Value::String(_) | Value::Vector(_) => {
                    Err(AskError::Refused("the query gives no series".to_owned()))
                }
            }
        };
        question.queries.iter().map(|query| evaluate(query)).collect()
    }

    /// Keeps a message, and answers as the receiver does at the moment.
    fn deliver(&mut self, delivery: &Delivery) -> Outcome {
        let integration = &delivery.integration;
        let whole = integration.to_string();
        let failing = self.failing.get(&whole).or_else(|| self.failing.get(&integration.receiver));
        let receipt = match failing {
            None => Receipt::Accepted { status: 200 },
            Some(FaultyAnswer::Status(status)) => {
                Receipt::Refused { status: *status, body: String::new(), retry_after: None }
            }
            Some(FaultyAnswer::Unreachable) => Receipt::Unreachable { reason: "no connection".to_owned() },
        };
        let outcome = match &receipt {
            Receipt::Accepted { .. } => Ok(()),
            other => Err(other.describe()),
        };
        self.story.told.push(Told::of(delivery, self.moment(), outcome));
        let event = Event::Delivered { delivery: delivery.key.clone(), outcome: receipt.into() };
        self.pipeline.step(Input::Alerts(event), self.now)
    }

    /// Notes what became of alerts.
    fn note(&mut self, outcome: &Outcome) {
        let moment = self.moment();
        for change in &outcome.rule_changes {
            self.note_pending(change, moment);
        }
        for record in &outcome.records {
            match record {
                Record::Alert(row) if row.alert.is_resolved(self.now) => {
                    self.story.ended(&row.alert.labels, moment);
                }
                Record::Alert(row) => self.story.fires(&row.alert.labels, moment),
                Record::Episode(row) => self.story.ended(&row.alert.labels, moment),
                Record::AlertGone(_)
                | Record::Silence(_)
                | Record::SilenceGone(_)
                | Record::Group(_)
                | Record::GroupGone(_)
                | Record::Told(_)
                | Record::Delivery(_)
                | Record::Attempt(_)
                | Record::Audit(_) => {}
            }
        }
    }

    fn note_pending(&mut self, change: &RuleChange, moment: Moment) {
        if change.rule.records {
            return;
        }
        let with_external =
            |labels: &Labels| Labels::from_pairs(self.external_labels.iter().chain(labels.iter()));
        let seen: Vec<Labels> = change
            .rule
            .alerts
            .iter()
            .filter(|alert| alert.state == AlertState::Pending)
            .map(|alert| with_external(&alert.labels))
            .collect();
        let rule = (change.group.clone(), change.place);
        for labels in &seen {
            self.story.is_pending(&rule, labels, moment);
        }
        let firing = change.rule.alerts.iter().filter(|alert| alert.state == AlertState::Firing);
        let mut known = seen;
        known.extend(firing.map(|alert| with_external(&alert.labels)));
        self.story.forget_pending(&rule, &known, moment);
    }
}

/// Rules are evaluated on one grid, which begins with the story.
fn settings(config: &Config, pace: Pace, start: Timestamp) -> Settings {
    let settings = Settings::of(config, URL);
    let rules = EngineOptions { interval: pace.evaluation, grid: Grid::From(start), ..settings.rules };
    Settings { rules, ..settings }
}
