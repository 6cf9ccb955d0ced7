//! Thresholds without a goal: what is asked, whether it is met, and when somebody is told.

use bellwether_model::{Alert, Labels, Sample, TimeDelta, Timestamp};
use bellwether_promql::RangeSeries;
use bellwether_slo::{Answer, AskError, Effect, EngineSettings, Event, Question, SloEngine, ThresholdStatus};

use crate::world::slos;

const START: Timestamp = Timestamp(1_700_006_400_000); // 2023-11-15T00:00:00Z

struct Desk {
    engine: SloEngine,
    now: Timestamp,
    alerts: Vec<Alert>,
}

impl Desk {
    fn new(threshold: &str, more: &str) -> Self {
        let yaml = format!("slos: [{{name: rate, indicator: {{threshold: {threshold}}}, {more}}}]");
        Self {
            engine: SloEngine::new(slos(&yaml), EngineSettings::default()),
            now: START,
            alerts: Vec::new(),
        }
    }

    fn take(&mut self, effects: Vec<Effect>) -> Vec<Question> {
        let mut questions = Vec::new();
        for effect in effects {
            match effect {
                Effect::Alert(alert) => self.alerts.push(alert),
                Effect::Ask(question) => questions.push(question),
            }
        }
        questions
    }

    /// The question asked at this many seconds after the start.
    fn asked(&mut self, at: i64) -> Option<Question> {
        self.now = START + TimeDelta::from_secs(at);
        let effects = self.engine.step(Event::Tick, self.now);
        let mut questions = self.take(effects);
        assert!(questions.len() <= 1);
        questions.pop()
    }

    fn answer(&mut self, at: i64, values: &[f64]) {
        let Some(question) = self.asked(at) else { panic!("nothing is asked at {at}") };
        let series = values.iter().map(|value| RangeSeries {
            labels: Labels::empty(),
            points: vec![Sample::new(question.last, *value)],
            histograms: Vec::new(),
        });
        let answer = Answer { id: question.id, result: Ok(vec![series.collect()]) };
        let effects = self.engine.step(Event::Answer(answer), self.now);
        assert!(self.take(effects).is_empty(), "the next one is a minute away");
    }

    fn status(&self) -> ThresholdStatus {
        self.engine.status(self.now).swap_remove(0).threshold.unwrap()
    }

    fn told(&self) -> Vec<(String, bool)> {
        self.alerts.iter().map(|alert| (alert.name().to_owned(), alert.ends_at.is_some())).collect()
    }
}

#[test]
fn the_whole_period_is_asked_about() {
    for (threshold, window, text) in [
        ("{query: 'rate(q[{{.window}}])', below: 1}", "30d", "rate(q[30d])"),
        ("{query: sum(q), below: 1}", "1h", "avg_over_time((sum(q)\n)[1h:1m])"),
        ("{query: sum(q), below: 1, slice: 5m}", "1h", "avg_over_time((sum(q)\n)[1h:5m])"),
        ("{query: sum(q), below: 1}", "30d", "avg_over_time((sum(q)\n)[30d:22m])"),
        ("{query: scalar(q), below: 1}", "1h", "avg_over_time(vector(scalar(q)\n)[1h:1m])"),
        ("{query: \"q # so many\", below: 1}", "1h", "avg_over_time((q # so many\n)[1h:1m])"),
    ] {
        let mut desk = Desk::new(threshold, &format!("window: {window}"));
        let question = desk.asked(8).unwrap();
        assert_eq!(question.queries[0].text, text);
        assert_eq!((question.first, question.last), (START, START));
    }
    let mut month = Desk::new("{query: 'rate(q[{{.window}}])', below: 1}", "window: {calendar: month}");
    assert_eq!(
        month.asked(3608).unwrap().queries[0].text,
        "rate(q[14d1h])",
        "fourteen days and an hour are over"
    );
}

#[test]
fn a_value_passes_or_fails_and_there_is_no_budget() {
    let mut desk = Desk::new("{query: q, op: '>=', bound: 1000}", "window: 1h");
    assert_eq!((desk.status().value, desk.status().passes), (None, None));
    desk.answer(10, &[1000.0, 1200.0]);
    let status = desk.status();
    assert_eq!((status.value, status.passes, status.at), (Some(1000.0), Some(true), Some(START)));
    desk.answer(70, &[999.0, 1200.0, f64::NAN]);
    let minute = START + TimeDelta::MINUTE;
    let status = desk.status();
    assert_eq!((status.value, status.passes, status.failing_since), (Some(999.0), Some(false), Some(minute)));
    desk.answer(130, &[]);
    let status = desk.status();
    assert_eq!((status.value, status.passes, status.failing_since), (None, None, Some(minute)));
    let slo = desk.engine.status(desk.now).swap_remove(0);
    assert_eq!((slo.goal_text.as_str(), slo.streams[0].budget), ("no goal", None));
}

#[test]
fn its_alert_fires_while_it_fails_and_waits_as_long_as_it_was_told() {
    let alerts = "window: 1h, alerts: [{name: now}, {name: later, severity: ticket, for: 2m}]";
    let mut desk = Desk::new("{query: q, below: 10}", alerts);
    desk.answer(10, &[9.0]);
    desk.answer(70, &[10.5]);
    assert_eq!(desk.told(), [("RateNotMet".to_owned(), false)]);
    let annotations = &desk.alerts[0].annotations;
    assert_eq!(annotations.get("summary"), Some("rate: 10.5 over rolling 1h is not < 10 (now)"));
    desk.alerts.clear();
    desk.answer(130, &[]);
    desk.answer(190, &[11.0]);
    let severities: Vec<_> = desk.alerts.iter().map(|alert| alert.labels.get("severity")).collect();
    assert!(severities.contains(&Some("ticket")), "{severities:?}");
    desk.alerts.clear();
    desk.answer(250, &[1.0]);
    let ended = desk.told().into_iter().filter(|(_, is_over)| *is_over).count();
    assert_eq!(ended, 2);
}

#[test]
fn silence_is_told_as_not_measured_and_a_failure_is_said() {
    let mut desk = Desk::new("{query: q, below: 10}", "window: 1h, alerts: [{name: now}]");
    desk.answer(10, &[9.0]);
    desk.answer(70, &[9.0]);
    let question = desk.asked(130).unwrap();
    let result = Err(AskError::Unreachable("connection refused".to_owned()));
    desk.engine.step(Event::Answer(Answer { id: question.id, result }), desk.now);
    assert_eq!(desk.engine.unanswered(), [("rate".to_owned(), "connection refused".to_owned())]);
    let notes = desk.engine.status(desk.now).swap_remove(0).notes;
    assert_eq!(notes, ["its query has no answer: connection refused"]);
    desk.answer(190, &[]);
    desk.answer(250, &[]);
    desk.asked(260);
    assert_eq!(desk.told(), [("RateNotMeasured".to_owned(), false)]);
}
