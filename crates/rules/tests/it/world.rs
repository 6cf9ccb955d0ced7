//! A source of scripted answers around a rule engine, in virtual time: what the tests of the engine share.

use std::collections::BTreeMap;

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{Alert, HistogramSample, Labels, Sample, TimeDelta, Timestamp, is_stale};
use bellwether_promql::{InstantSeries, Value};
use bellwether_rules::{
    Effect, EngineOptions, Event, Grid, NameScheme, QueryAnswer, QueryResult, RuleChange, RuleEngine,
    RuleFile, RuleQuery, Written,
};

/// Reads a rule file that must be good.
pub(crate) fn rules(text: &str) -> RuleFile {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("rules.yaml", text);
    let read = RuleFile::read(&sources, file, NameScheme::Utf8, &mut out);
    read.unwrap_or_else(|| panic!("{}", out.render(&sources, Style { color: false })))
}

/// Seconds since the epoch.
pub(crate) fn at(s: i64) -> Timestamp {
    Timestamp::from_secs(s)
}

/// An engine, the answers it gets, and a log of what it did.
pub(crate) struct World {
    pub(crate) engine: RuleEngine,
    pub(crate) now: Timestamp,
    /// Per query text: series (as `a=b,c=d`, empty for none) with one word per minute: a value, `_` for
    /// absence, or `!` for a failing query.
    answers: BTreeMap<String, Vec<(String, Vec<String>)>>,
    /// How long queries take.
    pub(crate) query_duration: TimeDelta,
    /// Queries under way, with the moment of their answer.
    out: Vec<(Timestamp, Event)>,
    pub(crate) log: Vec<String>,
    /// What the engine gave to be recorded, each step's before its effects.
    pub(crate) journal: Vec<RuleChange>,
}

impl World {
    pub(crate) fn new(rules_text: &str, answers: &[(&str, &str, &str)]) -> Self {
        let options =
            EngineOptions { grid: Grid::Epoch, external_url: "http://b".to_owned(), ..Default::default() };
        Self::with_options(rules_text, answers, options)
    }

    pub(crate) fn with_options(
        rules_text: &str,
        answers: &[(&str, &str, &str)],
        options: EngineOptions,
    ) -> Self {
        let mut engine = RuleEngine::new(options);
        assert_eq!(engine.load(&[("f".to_owned(), rules(rules_text))], at(0)), []);
        let mut table: BTreeMap<String, Vec<(String, Vec<String>)>> = BTreeMap::new();
        for (expr, series, values) in answers {
            let values = values.split_whitespace().map(str::to_owned).collect();
            table.entry((*expr).to_owned()).or_default().push(((*series).to_owned(), values));
        }
        Self {
            engine,
            now: at(0),
            answers: table,
            query_duration: TimeDelta::ZERO,
            out: Vec::new(),
            log: Vec::new(),
            journal: Vec::new(),
        }
    }

    fn answer(&self, expr: &RuleQuery, at: Timestamp) -> QueryResult {
        let minute = (at.as_millis() / 60_000) as usize;
        let mut vector = Vec::new();
        for (series, values) in self.answers.get(&expr.text).into_iter().flatten() {
            let labels = Labels::from_pairs(series.split(',').filter_map(|pair| pair.split_once('=')));
            match values.get(minute).map_or("_", String::as_str) {
                "_" => {}
                "!" => return Err("the source is away".to_owned()),
                value => {
                    vector.push(InstantSeries { labels, at, value: value.parse::<f64>().unwrap().into() })
                }
            }
        }
        Ok(Value::Vector(vector))
    }

    /// Lets time pass, carrying out every effect when its time has come.
    pub(crate) fn run_until(&mut self, end: Timestamp) {
        loop {
            let answer_at = self.out.first().map(|(done_at, _)| *done_at);
            let Some(next) = answer_at.into_iter().chain(self.engine.next_wake()).min() else { break };
            if next.max(self.now) > end {
                break;
            }
            self.now = self.now.max(next);
            let event = if answer_at == Some(next) { self.out.remove(0).1 } else { Event::Wake };
            let effects = self.engine.step(event, self.now);
            self.journal.extend(self.engine.take_changes());
            self.carry_out(effects);
        }
        self.now = self.now.max(end);
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Append(Written { samples, histograms }) => {
                    let s = self.now.as_millis() / 1000;
                    self.log.extend(samples.iter().map(|(labels, sample)| written(s, labels, *sample)));
                    let count = |(labels, sample): &(Labels, HistogramSample)| {
                        format!("{s}s append {labels} histogram of {}", sample.histogram.count)
                    };
                    self.log.extend(histograms.iter().map(count));
                }
                Effect::Alerts(alerts) => {
                    let now = self.now;
                    self.log.extend(alerts.iter().map(|alert| sent(now, alert)));
                }
                Effect::Query { id, expr, at } => {
                    let answer =
                        QueryAnswer { result: self.answer(&expr, at), duration: self.query_duration };
                    self.out.push((self.now + self.query_duration, Event::QueryDone { id, answer }));
                }
            }
        }
    }

    /// What was logged since the last call, only lines that contain a word.
    pub(crate) fn take(&mut self, word: &str) -> Vec<String> {
        std::mem::take(&mut self.log).into_iter().filter(|line| line.contains(word)).collect()
    }
}

fn written(s: i64, labels: &Labels, sample: Sample) -> String {
    let at =
        if sample.at == at(s) { String::new() } else { format!(" at {}s", sample.at.as_millis() / 1000) };
    let value = if is_stale(sample.value) { "stale".to_owned() } else { sample.value.to_string() };
    format!("{s}s append {labels} {value}{at}")
}

fn sent(now: Timestamp, alert: &Alert) -> String {
    let state = if alert.is_resolved(now) { "resolved" } else { "firing" };
    let since = alert.starts_at.as_millis() / 1000;
    let until = alert.ends_at.map_or("ever".to_owned(), |end| format!("{}s", end.as_millis() / 1000));
    format!("{}s send {state} {} from {since}s to {until}", now.as_millis() / 1000, alert.labels)
}
