//! One group while it runs: its rules one after the other, each at the same moment, each seeing what the ones
//! before it wrote. Between asking a query and hearing its answer nothing here waits; the group just is where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_model::{Labels, LabelsBuilder, TimeDelta, Timestamp};
use bellwether_promql::SampleValue;

use crate::alert_rule::{AlertTimes, Candidate, SendTimes};
use crate::event::{Effect, QueryAnswer, QueryId, RuleQuery, Written};
use crate::expand::{Answers, Expanded, Expander, number};
use crate::group_key::GroupKey;
use crate::options::{EngineOptions, Grid};
use crate::rule_state::{Health, RuleState, stale_markers};
use crate::{RuleGroup, RuleKind, TemplateOf, record_rule};

/// Longest interval, offset and delay that is calculated with; anything beyond it is no schedule.
const SCHEDULE_MAX: TimeDelta = TimeDelta(10 * 365 * TimeDelta::DAY.0);
/// Latest moment, in milliseconds, that a schedule starts at: far from where calculating with it overflows.
const MOMENT_MAX: i64 = 1 << 60;
/// Templates may ask queries whose texts depend on the answers of others; after this many rounds they are refused.
const TEMPLATE_ROUNDS_MAX: u32 = 100;
/// How many queries the templates of one rule may ask in one evaluation.
const TEMPLATE_QUERIES_MAX: usize = 1000;

/// A group with its schedule.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) key: GroupKey,
    pub(crate) interval: TimeDelta,
    /// Where on the interval's grid it is evaluated.
    pub(crate) offset: TimeDelta,
    pub(crate) query_offset: TimeDelta,
    pub(crate) limit: Option<usize>,
    pub(crate) rules: Vec<RuleState>,
    /// The next moment to evaluate at.
    pub(crate) due: Timestamp,
    pub(crate) run: Option<Run>,
    pub(crate) evaluations: u64,
    pub(crate) missed: u64,
    pub(crate) evaluated_at: Option<Timestamp>,
    pub(crate) duration: TimeDelta,
    /// Whether a rule is unsaved, so that not all of them must be looked at.
    pub(crate) is_unsaved: bool,
}

/// An evaluation under way.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    at: Timestamp,
    started_at: Timestamp,
    /// Index of the rule whose query is out.
    rule: usize,
    /// Query time of this rule so far.
    spent: TimeDelta,
    stage: Stage,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The rule's own query is out.
    Rule,
    /// Its templates asked queries, which are out.
    Templates(OpenTemplates),
}

/// What a rule's query found.
type Results = Result<Vec<(Labels, SampleValue)>, String>;

/// An alerting rule whose templates may ask queries of their own.
#[derive(Clone, Debug)]
struct OpenTemplates {
    results: Vec<(Labels, SampleValue)>,
    answers: Answers,
    waiting: BTreeMap<QueryId, String>,
    rounds: u32,
}

/// What a group needs from the engine while it moves on.
pub(crate) struct Desk<'a> {
    pub(crate) options: &'a EngineOptions,
    pub(crate) now: Timestamp,
    pub(crate) next_query: &'a mut u64,
    /// Whose query is out.
    pub(crate) asked: &'a mut BTreeMap<QueryId, GroupKey>,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl Desk<'_> {
    fn ask(&mut self, key: &GroupKey, expr: Arc<RuleQuery>, at: Timestamp) -> QueryId {
        let id = QueryId(*self.next_query);
        *self.next_query += 1;
        self.asked.insert(id, key.clone());
        self.effects.push(Effect::Query { id, expr, at });
        id
    }
}

/// The first moment of a group's grid that is not before now.
fn first_due(interval: TimeDelta, offset: TimeDelta, now: Timestamp) -> Timestamp {
    Timestamp(now.0.clamp(-MOMENT_MAX, MOMENT_MAX) - offset.0).ceil_to(interval) + offset
}

impl Group {
    pub(crate) fn new(
        key: GroupKey,
        definition: &RuleGroup,
        options: &EngineOptions,
        now: Timestamp,
    ) -> Self {
        let interval = definition.interval.unwrap_or(options.interval).clamp(TimeDelta(1), SCHEDULE_MAX);
        let offset = match options.grid {
            Grid::Spread => key.offset(interval),
            Grid::Epoch => TimeDelta::ZERO,
            Grid::From(start) => TimeDelta(start.0.rem_euclid(interval.0)),
        };
        Self {
            interval,
            offset,
            query_offset: definition.query_offset.unwrap_or(options.query_offset).min(SCHEDULE_MAX),
            limit: definition.limit,
            rules: definition.rules.iter().map(|rule| RuleState::new(definition, rule)).collect(),
            due: first_due(interval, offset, now),
            run: None,
            evaluations: 0,
            missed: 0,
            evaluated_at: None,
            duration: TimeDelta::ZERO,
            is_unsaved: false,
            key,
        }
    }

    /// Whether both would be evaluated the same way, so that one can go on as the other.
    pub(crate) fn is_unchanged(&self, other: &Self) -> bool {
        let schedule = |group: &Self| (group.interval, group.offset, group.query_offset, group.limit);
        schedule(self) == schedule(other)
            && self.rules.len() == other.rules.len()
            && self.rules.iter().zip(&other.rules).all(|(a, b)| a.is_unchanged(b))
    }

    /// Waits no longer than an interval although the clock was set back.
    pub(crate) fn come_back(&mut self, now: Timestamp) {
        if self.due.0.saturating_sub(now.0) > self.interval.0 {
            self.due = first_due(self.interval, self.offset, now);
        }
    }

    /// When it wants to be woken: never while a query is out.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.run.is_none().then_some(self.due)
    }

    /// Starts an evaluation if one is due. If several are, the latest is evaluated and the others are missed.
    pub(crate) fn start(&mut self, desk: &mut Desk<'_>) {
        if self.run.is_some() || self.due > desk.now {
            return;
        }
        let slots = (desk.now.0.saturating_sub(self.due.0)) / self.interval.0;
        self.missed = self.missed.saturating_add(slots as u64);
        let at = self.due.saturating_add(self.interval * slots);
        self.due = at.saturating_add(self.interval);
        self.run =
            Some(Run { at, started_at: desk.now, rule: 0, spent: TimeDelta::ZERO, stage: Stage::Rule });
        self.ask_rule(desk);
    }

    /// Asks the query of the rule whose turn it is, or ends the evaluation after the last one.
    fn ask_rule(&mut self, desk: &mut Desk<'_>) {
        let Some(run) = &mut self.run else { return };
        run.spent = TimeDelta::ZERO;
        run.stage = Stage::Rule;
        match self.rules.get(run.rule) {
            Some(state) => {
                let at = run.at.saturating_add(-self.query_offset);
                desk.ask(&self.key, Arc::clone(&state.query), at);
            }
            None => {
                self.evaluations += 1;
                self.evaluated_at = Some(run.at);
                self.duration = TimeDelta(desk.now.0.saturating_sub(run.started_at.0));
                self.run = None;
            }
        }
    }

    /// Takes an answer and goes on as far as possible without another one.
    pub(crate) fn answer(&mut self, id: QueryId, answer: QueryAnswer, desk: &mut Desk<'_>) {
        let Some(mut run) = self.run.take() else { return };
        run.spent = TimeDelta(run.spent.0.saturating_add(answer.duration.0.max(0)));
        let results = answer.result.and_then(record_rule::results);
        let open = match std::mem::replace(&mut run.stage, Stage::Rule) {
            Stage::Rule => self.judge(&run, results, desk),
            Stage::Templates(mut open) => {
                if let Some(expr) = open.waiting.remove(&id) {
                    open.answers.insert(expr, results);
                }
                if open.waiting.is_empty() { self.judge_templates(&run, open, desk) } else { Some(open) }
            }
        };
        self.is_unsaved |= self.rules.get(run.rule).is_some_and(|rule| rule.is_unsaved);
        let finished = open.is_none();
        run.stage = open.map_or(Stage::Rule, Stage::Templates);
        run.rule += usize::from(finished);
        self.run = Some(run);
        if finished {
            self.ask_rule(desk);
        }
    }

    /// Turns a rule's results into effects; gives what is open if its templates first need answers of their own.
    fn judge(&mut self, run: &Run, results: Results, desk: &mut Desk<'_>) -> Option<OpenTemplates> {
        let turn = self.turn(run);
        let state = self.rules.get_mut(run.rule)?;
        match (&state.rule.kind, results) {
            (RuleKind::Record | RuleKind::Alert { .. }, Err(error)) => state.finish(Err(error), turn, desk),
            (RuleKind::Record, Ok(results)) => {
                let samples = state.record(results, turn);
                state.finish(samples, turn, desk);
            }
            (RuleKind::Alert { .. }, Ok(results)) => {
                let open =
                    OpenTemplates { results, answers: Answers::new(), waiting: BTreeMap::new(), rounds: 0 };
                return self.judge_templates(run, open, desk);
            }
        }
        None
    }

    /// Expands the templates of an alerting rule with the answers so far. Asks the queries they want; when they
    /// want none, the rule is judged.
    fn judge_templates(
        &mut self,
        run: &Run,
        mut open: OpenTemplates,
        desk: &mut Desk<'_>,
    ) -> Option<OpenTemplates> {
        let turn = self.turn(run);
        loop {
            let state = self.rules.get_mut(run.rule)?;
            let (found, expanded) = state.candidates(&open, run.at, desk.options);
            open.rounds += 1;
            let too_many = open.answers.len() + expanded.wanted.len() > TEMPLATE_QUERIES_MAX;
            if expanded.wanted.is_empty() || open.rounds > TEMPLATE_ROUNDS_MAX || too_many {
                state.memory.template_error = expanded.error;
                let samples = state.alert(found, turn);
                state.finish(samples, turn, desk);
                return None;
            }
            for text in expanded.wanted {
                match bellwether_promql::parse(&text) {
                    Ok(parsed) => {
                        let query = Arc::new(RuleQuery { text: text.clone(), parsed });
                        let id = desk.ask(&self.key, query, turn.query_at());
                        open.waiting.insert(id, text);
                    }
                    Err(errors) => {
                        let reasons: Vec<String> = errors.into_iter().map(|error| error.message).collect();
                        open.answers.insert(text, Err(reasons.join("; ")));
                    }
                }
            }
            if !open.waiting.is_empty() {
                return Some(open);
            }
        }
    }

    fn turn(&self, run: &Run) -> Turn {
        Turn {
            at: run.at,
            spent: run.spent,
            interval: self.interval,
            query_offset: self.query_offset,
            limit: self.limit,
        }
    }
}

/// One rule's turn in an evaluation.
#[derive(Clone, Copy, Debug)]
struct Turn {
    at: Timestamp,
    spent: TimeDelta,
    interval: TimeDelta,
    query_offset: TimeDelta,
    limit: Option<usize>,
}

impl Turn {
    /// The moment the queries look at, which is also the one results are stored at.
    fn query_at(self) -> Timestamp {
        self.at.saturating_add(-self.query_offset)
    }
}

impl RuleState {
    fn record(&self, results: Vec<(Labels, SampleValue)>, turn: Turn) -> Result<Written, String> {
        record_rule::samples(&self.rule.name, &self.labels, results, turn.query_at(), turn.limit)
    }

    /// The alerts the results stand for, with labels and annotations expanded.
    fn candidates(
        &self,
        open: &OpenTemplates,
        at: Timestamp,
        options: &EngineOptions,
    ) -> (Vec<Candidate>, Expanded) {
        let expander = Expander::new(at, options, &open.answers, &self.rule.template_places);
        let annotations = match &self.rule.kind {
            RuleKind::Alert { annotations, .. } => Some(annotations),
            RuleKind::Record => None,
        };
        let candidate = |(found, value): &(Labels, SampleValue)| {
            let data = expander.data(found, value);
            let mut labels = LabelsBuilder::from(&found.without_name());
            for (name, text) in &self.labels {
                labels.set(name, expander.expand(TemplateOf::Label(name.clone()), text, &data));
            }
            labels.set("alertname", self.rule.name.as_str());
            let annotations = annotations.into_iter().flatten();
            let annotations = annotations.map(|(name, text)| {
                (name, expander.expand(TemplateOf::Annotation(name.clone()), text, &data))
            });
            Candidate {
                labels: labels.build(),
                annotations: Labels::from_pairs(annotations),
                value: number(value),
            }
        };
        let found = open.results.iter().map(candidate).collect();
        (found, expander.finish())
    }

    fn alert(&mut self, found: Vec<Candidate>, turn: Turn) -> Result<Written, String> {
        let (hold, keep_firing) = match self.rule.kind {
            RuleKind::Alert { hold, keep_firing, .. } => (hold, keep_firing),
            RuleKind::Record => (TimeDelta::ZERO, TimeDelta::ZERO),
        };
        let since_known = self.memory.known_at.map_or(0, |known_at| turn.at.0.saturating_sub(known_at.0));
        let covered = TimeDelta(since_known.clamp(0, turn.interval.0));
        let times = AlertTimes { at: turn.at, covered, hold, keep_firing };
        self.is_unsaved |= self.memory.book.update(found, times, turn.limit)?;
        Ok(Written::samples(self.memory.book.samples(turn.query_at(), turn.at)))
    }

    /// Remembers how an evaluation went and puts its effects on the desk: samples, stale markers, alerts.
    fn finish(&mut self, outcome: Result<Written, String>, turn: Turn, desk: &mut Desk<'_>) {
        self.memory.evaluated_at = Some(turn.at);
        self.memory.duration = turn.spent;
        match outcome {
            Ok(written) => {
                self.memory.health = Health::Ok;
                self.memory.last_error = None;
                self.memory.known_at = Some(turn.at);
                self.append(written, turn, desk);
            }
            Err(error) => {
                self.memory.health = Health::Err;
                self.memory.last_error = Some(error);
            }
        }
        self.send(turn, desk);
    }

    fn append(&mut self, mut written: Written, turn: Turn, desk: &mut Desk<'_>) {
        let series: BTreeSet<Labels> = written.series().cloned().collect();
        written.samples.extend(stale_markers(self.memory.series.difference(&series), turn.query_at()));
        self.is_unsaved |= self.memory.series != series;
        self.memory.series = series;
        if !written.is_empty() {
            desk.effects.push(Effect::Append(written));
        }
    }

    /// Also after a failed evaluation: an alert that is not heard of again would be taken for resolved.
    fn send(&mut self, turn: Turn, desk: &mut Desk<'_>) {
        let resend = desk.options.resend_delay;
        let times = SendTimes { now: desk.now, at: turn.at, interval: turn.interval, resend };
        if !self.memory.book.has_due(times) {
            return;
        }
        let url = desk.options.generator_url(&self.query.text);
        let alerts = self.memory.book.take_due(times, &url);
        desk.effects.push(Effect::Alerts(alerts));
    }
}
