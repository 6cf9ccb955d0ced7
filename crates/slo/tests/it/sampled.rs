//! Slices of time that are asked about: when, in which order, what the answers come to, and what becomes of failures.

use std::collections::BTreeMap;

use bellwether_model::{Alert, Labels, Sample, TimeDelta, Timestamp};
use bellwether_promql::RangeSeries;
use bellwether_slo::{
    Answer, AskError, BlocksFile, Effect, EngineSettings, Event, Measurement, Question, SloEngine, SloStatus,
};

use crate::world::slos;

const START: Timestamp = Timestamp(1_700_006_400_000); // a whole hour
const MINUTE: TimeDelta = TimeDelta::MINUTE;

/// What a query gives at a moment: a value per value of the label `zone`, empty for none.
type Store = dyn Fn(&str, Timestamp) -> Vec<(&'static str, f64)>;

struct Desk {
    engine: SloEngine,
    now: Timestamp,
    /// Every question asked so far: its first and last moment, in seconds from the start.
    asked: Vec<(i64, i64)>,
    alerts: Vec<Alert>,
}

fn seconds(at: Timestamp) -> i64 {
    (at - START).0 / 1000
}

fn yaml(indicator: &str, more: &str) -> String {
    format!("slos: [{{name: a, goal: 0.9, window: 1h, indicator: {indicator}, {more}}}]")
}

impl Desk {
    fn new(yaml: &str) -> Self {
        let engine = SloEngine::new(slos(yaml), EngineSettings::default());
        Self { engine, now: START, asked: Vec::new(), alerts: Vec::new() }
    }

    fn take(&mut self, effects: Vec<Effect>) -> Vec<Question> {
        let mut questions = Vec::new();
        for effect in effects {
            match effect {
                Effect::Alert(alert) => self.alerts.push(alert),
                Effect::Ask(question) => questions.push(question),
            }
        }
        let span = |question: &Question| (seconds(question.first), seconds(question.last));
        self.asked.extend(questions.iter().map(span));
        questions
    }

    fn tick(&mut self) -> Vec<Question> {
        let effects = self.engine.step(Event::Tick, self.now);
        self.take(effects)
    }

    fn answer(&mut self, answer: Answer) -> Vec<Question> {
        let effects = self.engine.step(Event::Answer(answer), self.now);
        self.take(effects)
    }

    /// Ticks when it wants to be woken until a moment, and answers every question from a store.
    fn run(&mut self, until: i64, store: &Store) {
        let until = START + TimeDelta::from_secs(until);
        loop {
            let mut open = self.tick();
            while let Some(question) = open.pop() {
                let result = Ok(evaluate(&question, store));
                open.extend(self.answer(Answer { id: question.id, result }));
            }
            match self.engine.next_wake() {
                Some(wake) if wake <= until => self.now = wake.max(self.now + TimeDelta(1)),
                Some(_) | None => break,
            }
        }
        self.now = until;
    }

    fn status(&self) -> SloStatus {
        self.engine.status(self.now).swap_remove(0)
    }

    /// Bad and all events of the period.
    fn counts(&self) -> (f64, f64) {
        let total = self.status().streams.swap_remove(0).total;
        (total.total - total.good, total.total)
    }
}

fn evaluate(question: &Question, store: &Store) -> Vec<Vec<RangeSeries>> {
    let answer = |text: &str| {
        let mut series = BTreeMap::<&str, Vec<Sample>>::new();
        let mut at = question.first;
        while at <= question.last {
            for (zone, value) in store(text, at) {
                series.entry(zone).or_default().push(Sample::new(at, value));
            }
            at += question.step;
        }
        let labelled = |(zone, points): (&str, Vec<Sample>)| RangeSeries {
            labels: if zone.is_empty() { Labels::empty() } else { Labels::from_pairs([("zone", zone)]) },
            points,
            histograms: Vec::new(),
        };
        series.into_iter().map(labelled).collect()
    };
    question.queries.iter().map(|query| answer(&query.text)).collect()
}

const THRESHOLD: &str = "{threshold: {query: 'sum(q)', below: 10}}";

#[test]
fn the_past_is_asked_for_at_once_and_the_present_once_per_slice() {
    let mut desk = Desk::new(&yaml(THRESHOLD, ""));
    // Of the hour before the start the store knows the last ten minutes; two of them are bad.
    desk.run(130, &|_, at| match seconds(at) {
        s if s < -600 => vec![],
        -300 | -240 => vec![("", 10.0)],
        _ => vec![("", 9.9)],
    });
    assert_eq!(desk.asked, [(-3540, -60), (0, 0), (60, 60), (120, 120)]);
    assert_eq!(desk.counts(), (2.0, 13.0));
    let stream = desk.status().streams.swap_remove(0);
    assert_eq!((stream.measurement, stream.watched), (Measurement::Complete, TimeDelta(13 * MINUTE.0)));
    assert_eq!(desk.status().notes.last().unwrap(), "sampled: its queries are asked once per 1m");
    assert_eq!(desk.alerts, []);
}

#[test]
fn a_slice_is_asked_about_a_little_after_it_ends() {
    for (slice, settle_ms) in [("1m", 5000), ("15s", 3750)] {
        let mut desk =
            Desk::new(&yaml(THRESHOLD, "").replace("below: 10", &format!("below: 10, slice: {slice}")));
        desk.run(0, &|_, _| vec![("", 1.0)]);
        let wake = desk.engine.next_wake().unwrap();
        assert_eq!(wake, START + TimeDelta(settle_ms), "{slice}");
    }
}

#[test]
fn no_sample_and_no_number_are_not_measured() {
    let mut desk = Desk::new(&yaml(THRESHOLD, ""));
    desk.run(310, &|_, at| match seconds(at) {
        60 => vec![("", 1.0)],
        120 => vec![],
        180 => vec![("", f64::NAN)],
        240 => vec![("", f64::INFINITY)],
        300 => vec![("", 1.0)],
        _ => vec![],
    });
    assert_eq!(desk.counts(), (1.0, 3.0));
    let stream = desk.status().streams.swap_remove(0);
    assert_eq!((stream.measurement, stream.watched), (Measurement::Partial, TimeDelta(5 * MINUTE.0)));
}

#[test]
fn every_sample_of_a_group_must_hold_and_groups_count_apart() {
    let mut desk = Desk::new(&yaml("{threshold: {query: q, below: 10}}", "group_by: [zone]"));
    desk.run(70, &|_, at| if seconds(at) == 60 { vec![("x", 1.0), ("y", 11.0)] } else { vec![] });
    let counts: Vec<(String, f64, f64)> =
        desk.status().streams.iter().map(|s| (s.labels.to_string(), s.total.good, s.total.total)).collect();
    let expected = [("{}", 1.0, 2.0), ("{zone=\"x\"}", 1.0, 1.0), ("{zone=\"y\"}", 0.0, 1.0)];
    assert_eq!(counts, expected.map(|(labels, good, total)| (labels.to_owned(), good, total)));

    let mut together = Desk::new(&yaml("{threshold: {query: q, below: 10}}", ""));
    together.run(70, &|_, at| if seconds(at) == 60 { vec![("x", 1.0), ("y", 11.0)] } else { vec![] });
    assert_eq!(together.counts(), (1.0, 1.0));
}

#[test]
fn rates_times_the_slice_are_events_and_shares_weigh_the_same() {
    let check = |query: &str, values: [f64; 2], expected: (f64, f64)| {
        let mut desk = Desk::new(&yaml(&format!("{{query: {query}}}"), ""));
        desk.run(70, &move |text, at| match (text, seconds(at)) {
            ("avg(x)", 60) => vec![("", values[0])],
            ("avg(y)", 60) => vec![("", values[1])],
            _ => vec![],
        });
        let (bad, total) = desk.counts();
        assert!(
            (bad - expected.0).abs() < 1e-9 && (total - expected.1).abs() < 1e-9,
            "{query}: {bad} {total}"
        );
    };
    check("{bad: avg(x), total: avg(y)}", [0.5, 2.0], (30.0, 120.0));
    check("{good: avg(x), total: avg(y)}", [0.5, 2.0], (90.0, 120.0));
    check("{bad: avg(x), total: avg(y)}", [3.0, 2.0], (120.0, 120.0));
    check("{bad: avg(x), total: avg(y)}", [f64::NAN, f64::NAN], (0.0, 0.0));
    check("{bad: avg(z), total: avg(y)}", [0.0, 2.0], (0.0, 120.0));
    check("{bad_ratio: avg(x)}", [0.25, 0.0], (0.25, 1.0));
    check("{good_ratio: avg(x)}", [0.25, 0.0], (0.75, 1.0));
    check("{bad_ratio: avg(x)}", [f64::NAN, 0.0], (0.0, 0.0));
    check("{good_ratio: avg(x)}", [1.5, 0.0], (0.0, 1.0));
}

#[test]
fn a_slice_without_events_is_measured() {
    let mut desk = Desk::new(&yaml("{query: {bad_ratio: avg(x)}}", ""));
    desk.run(310, &|_, at| if seconds(at) > 0 { vec![("", f64::NAN)] } else { vec![] });
    let stream = desk.status().streams.swap_remove(0);
    assert_eq!((stream.measurement, stream.total.total), (Measurement::Complete, 0.0));
}

#[test]
fn who_was_not_there_is_asked_again_and_misses_nothing() {
    let mut desk = Desk::new(&yaml(THRESHOLD, ""));
    desk.run(10, &|_, _| vec![("", 1.0)]);
    desk.now = START + TimeDelta::from_secs(65);
    let mut open = desk.tick();
    for _ in 0..9 {
        let question = open.remove(0);
        let result = Err(AskError::Unreachable("connection refused".to_owned()));
        assert!(desk.answer(Answer { id: question.id, result }).is_empty(), "not at once");
        assert!(desk.status().notes.contains(&"its queries have no answer: connection refused".to_owned()));
        assert_eq!(desk.engine.unanswered(), [("a".to_owned(), "connection refused".to_owned())]);
        desk.now = desk.engine.next_wake().unwrap();
        open = desk.tick();
        while open.is_empty() {
            desk.now = desk.engine.next_wake().unwrap().max(desk.now + TimeDelta(1));
            open = desk.tick();
        }
    }
    let result = Ok(evaluate(&open[0], &|_, _| vec![("", 1.0)]));
    desk.answer(Answer { id: open[0].id, result });
    assert_eq!(desk.engine.unanswered(), []);
    let until = seconds(desk.now) / 60 * 60;
    desk.run(until + 10, &|_, _| vec![("", 1.0)]);
    let ends: Vec<i64> = (60..=until).step_by(60).collect();
    let mut asked: Vec<i64> =
        desk.asked.iter().skip(1).flat_map(|(first, last)| (*first..=*last).step_by(60)).collect();
    asked.retain(|end| *end > 0);
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, ends);
}

#[test]
fn what_is_refused_is_asked_in_parts_and_only_what_cannot_be_answered_is_given_up() {
    let mut desk = Desk::new(&yaml(THRESHOLD, ""));
    let mut open = desk.tick();
    loop {
        let Some(question) = open.pop() else {
            let wake = desk.engine.next_wake().unwrap();
            if wake > START + TimeDelta::from_secs(6) {
                break;
            }
            desk.now = wake.max(desk.now + TimeDelta(1));
            open = desk.tick();
            continue;
        };
        let bad = START - TimeDelta(17 * MINUTE.0);
        let result = match (question.first..=question.last).contains(&bad) {
            true => Err(AskError::Refused("found duplicate series".to_owned())),
            false => Ok(evaluate(&question, &|_, _| vec![("", 1.0)])),
        };
        open.extend(desk.answer(Answer { id: question.id, result }));
    }
    let counts = desk.engine.ask_counts();
    assert_eq!(counts.given_up, 1);
    assert!(counts.failed < 20, "{counts:?}");
    assert_eq!(desk.counts().1, 59.0, "60 slices, one of them never answered");
}

#[test]
fn a_query_that_is_always_refused_is_not_asked_for_ever_about_the_past() {
    let mut desk = Desk::new(&yaml(THRESHOLD, "").replace("window: 1h", "window: 30d"));
    let mut open = desk.tick();
    let mut asked = 0;
    while desk.now < START + TimeDelta(5 * MINUTE.0) {
        while let Some(question) = open.pop() {
            asked += 1;
            let result = Err(AskError::Refused("no".to_owned()));
            open.extend(desk.answer(Answer { id: question.id, result }));
        }
        desk.now = desk.engine.next_wake().unwrap().max(desk.now + TimeDelta(1));
        open = desk.tick();
    }
    assert!(asked < 60, "{asked}");
    assert!(desk.engine.ask_counts().given_up > 43_000);
}

#[test]
fn an_alert_fires_when_the_slices_burn_and_the_past_alerts_nobody() {
    let alerts = "alerts: [{name: fast, long: 5m, factor: 2}]";
    let mut desk = Desk::new(&yaml(THRESHOLD, alerts));
    desk.run(60, &|_, at| vec![("", if seconds(at) < -600 { 99.0 } else { 1.0 })]);
    assert_eq!(desk.alerts, []);
    desk.run(300, &|_, at| vec![("", if seconds(at) >= 120 { 99.0 } else { 1.0 })]);
    let names: Vec<&str> = desk.alerts.iter().map(Alert::name).collect();
    assert_eq!(names.first(), Some(&"ABurnRate"));
}

#[test]
fn silence_is_told_as_not_measured() {
    let mut desk = Desk::new(&yaml(THRESHOLD, "alerts: [{name: fast, long: 5m, factor: 2}]"));
    desk.run(600, &|_, at| if seconds(at) <= 60 { vec![("", 1.0)] } else { vec![] });
    let names: Vec<&str> = desk.alerts.iter().map(Alert::name).collect();
    assert_eq!(names.first(), Some(&"ANotMeasured"));
    assert_eq!(desk.status().streams[0].measurement, Measurement::Unmeasured);
}

#[test]
fn after_a_restart_only_what_was_not_written_down_is_asked_again() {
    let yaml = yaml(THRESHOLD, "");
    let mut desk = Desk::new(&yaml);
    desk.run(130, &|_, _| vec![("", 1.0)]);
    let checkpoint = desk.engine.checkpoint(bellwether_model::LogPosition::default(), BlocksFile::Rewrite);
    desk.run(250, &|_, _| vec![("", 99.0)]);
    let counts = desk.counts();
    let (head, blocks) = (&checkpoint.head, &checkpoint.new_blocks);
    let (engine, _) = SloEngine::restore(slos(&yaml), EngineSettings::default(), head, blocks).unwrap();
    let mut desk = Desk { engine, asked: Vec::new(), alerts: Vec::new(), now: desk.now };
    desk.run(250, &|_, _| vec![("", 99.0)]);
    assert_eq!((desk.asked.as_slice(), desk.counts()), ([(180, 240)].as_slice(), counts));
}

#[test]
fn many_indicators_do_not_all_ask_for_their_past_at_once() {
    let objectives: Vec<String> = (0..200)
        .map(|n| {
            format!(
                "{{name: s{n}, goal: 0.9, window: 30d, indicator: {{threshold: {{query: q{n}, below: 1}}}}}}"
            )
        })
        .collect();
    let mut desk = Desk::new(&format!("slos: [{}]", objectives.join(", ")));
    assert_eq!(desk.tick().len(), 2);
}
