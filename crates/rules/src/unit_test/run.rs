//! Running a test: time goes from evaluation to evaluation, every group takes its turn at each, and what was expected
//! of that time is compared.
//!
//! Each group has an engine of its own, because promtool evaluates one group after the other, in a given order, at
//! the same moment, and all at the file's interval.

use std::collections::VecDeque;

use bellwether_diag::{Diagnostic, Diagnostics, Span, suggest};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_promql::{EvalOptions, SampleValue, Value, eval_instant};

use super::coverage::{Coverage, RuleId, Use};
use super::expect::{Item, Mismatch, Precision, compare};
use super::memory::{Entry, Memory, Refused};
use super::series;
use super::{AlertTest, QueryTest, TestFile, UnitTest, explain};
use crate::{
    AlertState, AlertingStatus, Effect, EngineOptions, Event, Grid, QueryAnswer, RuleEngine, RuleFile,
    RuleGroup, RuleKind, RuleQuery,
};

/// A test file with the rules it is about.
#[derive(Clone, Debug)]
pub struct Suite<'a> {
    file: &'a TestFile,
    /// In the order in which they are evaluated, each with its file's name.
    groups: Vec<(&'a str, &'a RuleGroup)>,
}

/// How a test went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// All that is not as expected.
    pub failures: Vec<Failure>,
    /// How often the rules were evaluated.
    pub evaluations: u64,
}

/// Something that is not as expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was expected, or which rule failed.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What differs.
    pub mismatches: Vec<Mismatch>,
    /// What may explain it.
    pub notes: Vec<String>,
}

impl<'a> Suite<'a> {
    /// Puts a test file and its rule files (name and content) together. Names that are in no rule file are reported
    /// as warnings, since a test of an alert that does not exist may pass forever.
    pub fn new(file: &'a TestFile, rules: &'a [(String, RuleFile)], out: &mut Diagnostics) -> Self {
        let mut groups: Vec<(&str, &RuleGroup)> = Vec::new();
        for (name, content) in rules {
            groups.extend(content.groups.iter().map(|group| (name.as_str(), group)));
        }
        let place = |name: &str| file.group_order.iter().position(|known| known.value == name);
        // As in promtool, groups that the order does not name count as the first of it.
        groups.sort_by_key(|(_, group)| place(&group.name).unwrap_or(0));
        let suite = Self { file, groups };
        suite.warn_of_strangers(out);
        suite
    }

    fn warn_of_strangers(&self, out: &mut Diagnostics) {
        let groups = || self.groups.iter().map(|(_, group)| group.name.as_str());
        for name in &self.file.group_order {
            if !groups().any(|known| known == name.value) {
                let message = format!("no rule file has a group {:?}", name.value);
                out.push(Diagnostic::warning("test-unknown-group", name.span, message));
            }
        }
        let alerts = || {
            let rules = self.groups.iter().flat_map(|(_, group)| &group.rules);
            rules.filter(|rule| rule.kind != RuleKind::Record).map(|rule| rule.name.as_str())
        };
        for test in self.file.tests.iter().flat_map(|test| &test.alert_tests) {
            let name = &test.alertname;
            if !alerts().any(|known| known == name.value) {
                let message = format!("no rule raises an alert {:?}", name.value);
                let mut diagnostic = Diagnostic::warning("test-unknown-alert", name.span, message);
                diagnostic.help = suggest(name, alerts()).map(|known| format!("did you mean {known}?"));
                out.push(diagnostic);
            }
        }
    }

    /// Runs one test of the file. With `explain` the notes of a failure show the series behind it.
    pub fn run(&self, test: &UnitTest, explain: bool, coverage: &mut Coverage) -> Outcome {
        let mut run = Run::new(self, test, explain);
        let interval = self.file.interval;
        let last = test.last_moment();
        let mut since = TimeDelta::ZERO;
        while since <= last {
            if !run.evaluate(test.start.saturating_add(since)) {
                break;
            }
            run.cover(coverage);
            let next = TimeDelta(since.0.saturating_add(interval.0));
            let due = test.alert_tests.iter().filter(|alert| since <= alert.at && alert.at < next);
            due.for_each(|alert| run.check_alerts(alert));
            if next == since {
                break; // the end of time
            }
            since = next;
        }
        if !run.has_broken_rules {
            test.query_tests.iter().for_each(|query| run.check_query(query));
        }
        run.outcome
    }
}

impl UnitTest {
    /// The latest moment that something is expected of, since the start.
    fn last_moment(&self) -> TimeDelta {
        let alerts = self.alert_tests.iter().map(|test| test.at);
        alerts.chain(self.query_tests.iter().map(|test| test.at)).max().unwrap_or_default()
    }
}

/// A test under way.
struct Run<'a> {
    suite: &'a Suite<'a>,
    test: &'a UnitTest,
    engines: Vec<RuleEngine>,
    memory: Memory,
    options: EvalOptions<'static>,
    explain: bool,
    has_broken_rules: bool,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    fn new(suite: &'a Suite<'a>, test: &'a UnitTest, explain: bool) -> Self {
        let interval = suite.file.interval;
        let engine_options = EngineOptions {
            interval,
            external_labels: test.external_labels.clone(),
            external_url: test.external_url.clone(),
            grid: Grid::From(test.start),
            ..EngineOptions::default()
        };
        let engine = |(file, group): &(&str, &RuleGroup)| {
            let mut engine = RuleEngine::new(engine_options.clone());
            let group = RuleGroup { interval: None, ..RuleGroup::clone(group) };
            engine.load(&[((*file).to_owned(), RuleFile { groups: vec![group] })], test.start);
            engine
        };
        let mut memory = Memory::new(test.start);
        for series in &test.input {
            let at = |index: usize| {
                test.start.saturating_add(TimeDelta(test.interval.0.saturating_mul(index as i64)))
            };
            let values = series.values.iter().enumerate();
            let entries = values.filter_map(|(index, value)| Some((at(index), value.clone()?)));
            memory.give(series.labels.clone(), entries.collect());
        }
        Self {
            suite,
            test,
            engines: suite.groups.iter().map(engine).collect(),
            memory,
            options: EvalOptions { subquery_step: interval, ..EvalOptions::default() },
            explain,
            has_broken_rules: false,
            outcome: Outcome::default(),
        }
    }

    /// Evaluates all groups at a moment; `false` if a rule failed, which ends the test.
    fn evaluate(&mut self, at: Timestamp) -> bool {
        self.memory.advance(at);
        self.outcome.evaluations += 1;
        for index in 0..self.engines.len() {
            self.evaluate_group(index, at);
        }
        !self.has_broken_rules
    }

    fn evaluate_group(&mut self, index: usize, at: Timestamp) {
        let mut effects = VecDeque::from(self.engines[index].step(Event::Wake, at));
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Query { id, expr, at: query_at } => {
                    let answer =
                        QueryAnswer { result: self.answer(&expr, query_at), duration: TimeDelta::ZERO };
                    effects.extend(self.engines[index].step(Event::QueryDone { id, answer }, at));
                }
                Effect::Append(written) => {
                    for (labels, sample) in written.samples {
                        self.write(index, &labels, (sample.at, SampleValue::Float(sample.value)));
                    }
                    for (labels, sample) in written.histograms {
                        self.write(index, &labels, (sample.at, SampleValue::Histogram(sample.histogram)));
                    }
                }
                Effect::Alerts(_) => {}
            }
        }
        let broken: Vec<(usize, String)> = self.engines[index]
            .glance()
            .enumerate()
            .filter_map(|(rule, glance)| Some((rule, glance.last_error?.to_owned())))
            .collect();
        for (rule, error) in broken {
            self.fail_rule(index, rule, format!("fails at {}: {error}", self.since(at)));
        }
    }

    fn answer(&self, expr: &RuleQuery, at: Timestamp) -> Result<Value, String> {
        let evaluated = eval_instant(&expr.parsed, at, &self.memory, &self.options);
        evaluated.map(|evaluated| evaluated.value).map_err(|error| error.to_string())
    }

    fn write(&mut self, group: usize, labels: &Labels, entry: Entry) {
        let (at, value) = (entry.0, series::text(&entry.1));
        let is_marker = matches!(entry.1, SampleValue::Float(value) if bellwether_model::is_stale(value));
        // A series that one rule gives up and another writes is no conflict.
        let Err(refused) = self.memory.write(labels, entry) else { return };
        if is_marker {
            return;
        }
        let why = match refused {
            Refused::Twice { has } => {
                format!("it has the value {} at this moment already", series::text(&has))
            }
            Refused::Late => "it has a later value already".to_owned(),
        };
        let name = labels.metric_name().unwrap_or_default();
        let rules = &self.suite.groups[group].1.rules;
        let rule = rules.iter().position(|rule| rule.name.value == name).unwrap_or(0);
        self.fail_rule(group, rule, format!("cannot write {labels} {value} at {}: {why}", self.since(at)));
    }

    fn fail_rule(&mut self, group: usize, rule: usize, what: String) {
        self.has_broken_rules = true;
        let Some(rule) = self.suite.groups[group].1.rules.get(rule) else { return };
        let notes = vec![format!("the test {:?} ends here", self.test.name)];
        self.outcome.failures.push(Failure {
            span: rule.name.span,
            message: format!("the rule {:?} {what}", rule.name.value),
            mismatches: Vec::new(),
            notes,
        });
    }

    /// The time since the start of the test.
    fn since(&self, at: Timestamp) -> TimeDelta {
        TimeDelta(at.0.saturating_sub(self.test.start.0))
    }

    fn cover(&self, coverage: &mut Coverage) {
        for engine in &self.engines {
            for (index, rule) in engine.glance().enumerate() {
                let used = match rule.state {
                    None if rule.series > 0 => Use::Exercised,
                    Some(AlertState::Firing) => Use::Exercised,
                    Some(AlertState::Pending) => Use::Pending,
                    None | Some(AlertState::Inactive) => continue,
                };
                let (file, group) = (rule.group.file.clone(), rule.group.name.clone());
                coverage.note(&RuleId { file, group, index }, used);
            }
        }
    }

    fn check_alerts(&mut self, test: &AlertTest) {
        let mut got = Vec::new();
        let mut notes = Vec::new();
        for (rule, alerting) in self.alerting(&test.alertname) {
            for alert in &alerting.alerts {
                match alert.state {
                    AlertState::Firing => got.push(Item {
                        labels: alert.labels.clone(),
                        annotations: alert.annotations.clone(),
                        value: None,
                    }),
                    AlertState::Pending | AlertState::Inactive => notes.push(format!(
                        "{} is pending since {}; its `for` is {}",
                        alert.labels,
                        self.since(alert.active_at),
                        alerting.hold
                    )),
                }
            }
            if alerting.alerts.is_empty() {
                notes.push(format!("the query of the rule gives nothing at {}: {rule}", test.at));
            }
        }
        let item = |alert: &super::ExpectedAlert| Item {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            value: None,
        };
        let expected = test.expected.iter().map(item).collect();
        let mismatches = compare(expected, got, Precision::Exact);
        if mismatches.is_empty() {
            return;
        }
        if !mismatches.iter().any(|mismatch| matches!(mismatch, Mismatch::Missing(_))) {
            notes.clear(); // they say why something is missing
        }
        if self.explain {
            notes.extend(self.explain_alert(test));
        }
        let message = format!("other alerts {:?} fire at {} than expected", test.alertname.value, test.at);
        self.outcome.failures.push(Failure { span: test.alertname.span, message, mismatches, notes });
    }

    /// The rules that raise an alert of a name, with their queries.
    fn alerting(&self, name: &str) -> Vec<(String, AlertingStatus)> {
        let groups = self.engines.iter().flat_map(RuleEngine::status);
        let rules = groups.flat_map(|group| group.rules).filter(|rule| rule.name == name);
        rules.filter_map(|rule| Some((rule.expr, rule.alerting?))).collect()
    }

    fn explain_alert(&self, test: &AlertTest) -> Vec<String> {
        let rules = self.suite.groups.iter().flat_map(|(_, group)| &group.rules);
        let rules =
            rules.filter(|rule| rule.name.value == test.alertname.value && rule.kind != RuleKind::Record);
        let at = self.test.start.saturating_add(test.at);
        rules.flat_map(|rule| explain::series(&rule.expr, &self.memory, at, self.test.start)).collect()
    }

    fn check_query(&mut self, test: &QueryTest) {
        let at = self.test.start.saturating_add(test.at);
        let failure = |message: String| Failure {
            span: test.expr.node.span,
            message,
            mismatches: Vec::new(),
            notes: Vec::new(),
        };
        let evaluated = eval_instant(&test.expr.parsed, at, &self.memory, &self.options);
        let results =
            evaluated.map_err(|error| error.to_string()).and_then(|evaluated| items(evaluated.value));
        let failure = match results {
            Err(error) => failure(format!("the query fails at {}: {error}", test.at)),
            Ok(got) => {
                let item = |sample: &super::ExpectedSample| Item {
                    labels: sample.labels.clone(),
                    annotations: Labels::empty(),
                    value: Some(sample.value.clone()),
                };
                let precision =
                    if self.suite.file.is_fuzzy { Precision::Neighbours } else { Precision::Exact };
                let mismatches = compare(test.expected.iter().map(item).collect(), got, precision);
                if mismatches.is_empty() {
                    return;
                }
                let mut failure =
                    failure(format!("the query gives something else at {} than expected", test.at));
                failure.mismatches = mismatches;
                if self.explain {
                    failure.notes = explain::series(&test.expr, &self.memory, at, self.test.start);
                }
                failure
            }
        };
        self.outcome.failures.push(failure);
    }
}

fn items(value: Value) -> Result<Vec<Item>, String> {
    let results = crate::record_rule::results(value)?;
    let item = |(labels, value): (Labels, SampleValue)| Item {
        labels,
        annotations: Labels::empty(),
        value: Some(value),
    };
    Ok(results.into_iter().map(item).collect())
}
