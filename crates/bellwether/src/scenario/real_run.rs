//! Takes the steps of a real run, and notes what comes of each for the same timeline as that of a virtual run.

use std::time::{Duration, Instant};

use bellwether_model::{Labels, TimeDelta};
use serde_json::Value;

use super::definition::SetValue;
use super::expect::Verdict;
use super::load::Place;
use super::model::Scenario;
use super::player::Played;
use super::quantity::Moment;
use super::real::{Real, Step, StepKind};
use super::stage::Stage;
use super::story::Story;
use super::world::Pace;
use crate::clock;
use crate::output::cut;

/// Of a message a timeline needs the beginning.
const MESSAGE_CHARS_MAX: usize = 140;
/// How often what is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays the real run of a scenario; `length` instead of the run's own, after its steps to the end.
pub async fn play(
    scenario: &Scenario,
    real: &Real,
    place: &Place,
    length: Option<TimeDelta>,
) -> Result<Played, String> {
    let start = clock::now();
    let stage = Stage::open(scenario, real, place).await?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build();
    let client = client.map_err(|error| format!("cannot prepare an HTTP client: {error}"))?;
    let limit = length.unwrap_or(real.length).to_std();
    let mut run = RealRun { stage, client, begun: Instant::now(), story: Story::default(), seen: 0, limit };
    let verdicts = run.steps(&real.steps).await;
    while length.is_some() && run.begun.elapsed() < limit {
        run.look().await;
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What arrived last is told as well.
    run.look().await;
    let lasted = run.moment();
    let (story, ended) = (run.story, run.stage.close().await);
    ended?;
    let second = TimeDelta::SECOND;
    Ok(Played {
        name: "real".to_owned(),
        about: real.about.clone(),
        length: lasted.0,
        start,
        pace: Pace {
            scrape: scenario.step.unwrap_or(second),
            evaluation: scenario.evaluation.unwrap_or(second),
        },
        faults: Vec::new(),
        story,
        verdicts,
        problems: String::new(),
        is_left_out: false,
    })
}

struct RealRun {
    stage: Stage,
    client: reqwest::Client,
    begun: Instant,
    story: Story,
    /// Messages that were told already.
    seen: usize,
    limit: Duration,
}

impl RealRun {
    fn moment(&self) -> Moment {
        Moment(TimeDelta(i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)))
    }

    async fn steps(&mut self, steps: &[Step]) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        for step in steps {
            match &step.what {
                StepKind::Set(settings) => {
                    let done = self.set(settings);
                    let failed = done.is_err();
                    let text = done.err().unwrap_or_else(|| step.what.words());
                    self.story.note(self.moment(), text, failed);
                }
                StepKind::Query { .. } | StepKind::Fires(_) | StepKind::Received { .. } => {
                    let got = self.wait(&step.what).await;
                    verdicts.push(self.verdict(step, got));
                    if verdicts.last().is_some_and(|verdict| !verdict.holds) {
                        // What follows rests on it.
                        break;
                    }
                }
            }
        }
        verdicts
    }

    fn verdict(&self, step: &Step, got: Result<(), String>) -> Verdict {
        let at = self.moment();
        Verdict {
            span: step.span,
            holds: got.is_ok(),
            expected: step.what.words(),
            got: got.err().unwrap_or_else(|| format!("at {at}")),
            at: Some(at),
        }
    }

    fn set(&self, settings: &[(String, SetValue)]) -> Result<(), String> {
        let guru = self.stage.guru.as_ref();
        let is_guru = |path: &str| {
            guru.is_some_and(|(name, _)| path.split_once('.').is_some_and(|(service, _)| service == name))
        };
        let (of_guru, others): (Vec<_>, Vec<_>) =
            settings.iter().cloned().partition(|(path, _)| is_guru(path));
        let why = |wrong: Vec<(String, String)>| {
            let lines: Vec<String> = wrong.into_iter().map(|(path, why)| format!("{path}: {why}")).collect();
            lines.join("; ")
        };
        if let Some((name, state)) = guru.filter(|_| !of_guru.is_empty()) {
            state.set_faults(name, &of_guru).map_err(why)?;
        }
        if others.is_empty() { Ok(()) } else { self.stage.mock.set(&others, clock::now()).map_err(why) }
    }

    /// Waits until it is so; or says how it is instead when time is over.
    async fn wait(&mut self, what: &StepKind) -> Result<(), String> {
        loop {
            self.look().await;
            let now = match what {
                StepKind::Set(_) => return Ok(()),
                StepKind::Query { text, is } => self.query(text, *is).await,
                StepKind::Fires(alert) => match self.firing().await {
                    Ok(all) if all.iter().any(|labels| has(labels, alert)) => Ok(()),
                    Ok(all) => Err(format!("{} other alerts fire", all.len())),
                    Err(why) => Err(why),
                },
                StepKind::Received { by, contains } => {
                    let all = self.stage.inbox.messages();
                    let found = all.iter().any(|message| {
                        message.kind == *by
                            && (message.summary().contains(contains) || message.says(contains))
                    });
                    if found { Ok(()) } else { Err(format!("{} other messages arrived", all.len())) }
                }
            };
            match now {
                Ok(()) => return Ok(()),
                Err(why) if self.begun.elapsed() >= self.limit => return Err(why),
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
    }

    /// Notes what happened since the last look.
    async fn look(&mut self) {
        let at = self.moment();
        for message in self.stage.inbox.messages().into_iter().skip(self.seen) {
            self.seen += 1;
            let text = format!("{} {}: {}", message.kind.as_str(), message.path, message.summary());
            self.story.note(at, cut(&super::timeline::one_line(&text), MESSAGE_CHARS_MAX), false);
        }
        for labels in self.firing().await.unwrap_or_default() {
            let is_known = self.story.lives.iter().any(|life| life.labels == labels);
            if !is_known {
                self.story.fires(&labels, at);
            }
        }
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.stage.server))
            .map_err(|error| format!("the server's address: {error}"))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self.client.get(url).send().await.map_err(|error| format!("no answer: {error}"))?;
        answer.json().await.map_err(|error| format!("no JSON: {error}"))
    }

    async fn query(&self, text: &str, is: f64) -> Result<(), String> {
        let answer = self.ask("/api/v1/query", &[("query", text)]).await?;
        if let Some(error) = answer["error"].as_str() {
            return Err(error.to_owned());
        }
        let results = answer["data"]["result"].as_array().map_or(&[][..], Vec::as_slice);
        match results {
            [one] => {
                let value = one["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
                match value {
                    Some(value) if value == is => Ok(()),
                    Some(value) => Err(format!("it is {value}")),
                    None => Err("it has no value".to_owned()),
                }
            }
            [] => Err("there is no such series".to_owned()),
            more => Err(format!("there are {} series", more.len())),
        }
    }

    /// The labels of all alerts that fire.
    async fn firing(&self) -> Result<Vec<Labels>, String> {
        let answer = self.ask("/api/v2/alerts", &[]).await?;
        let all = answer.as_array().map_or(&[][..], Vec::as_slice);
        let labels = |alert: &Value| {
            let pairs = alert["labels"].as_object().into_iter().flatten();
            Labels::from_pairs(
                pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())),
            )
        };
        Ok(all.iter().map(labels).collect())
    }
}

fn has(labels: &Labels, wanted: &Labels) -> bool {
    wanted.iter().all(|(name, value)| labels.value_or_empty(name) == value)
}
