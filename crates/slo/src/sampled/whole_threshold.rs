//! Thresholds without a goal: the value over the whole period keeps its bound or does not, and there is no budget.
//!
//! The value is asked for once per slice. A query that names the window is asked of the whole
//! period; of any other the mean over the period is taken. Only the last answer is kept: after a restart it is asked
//! for again.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_promql::{Kind, RangeSeries};

use crate::definition::Slo;
use crate::indicator::{Comparison, Events, ThresholdCheck};
use crate::period::Period;
use crate::sampled::query::SampledQuery;
use crate::sampled::question::{AskError, Question, QuestionId};

/// Shortest time between two questions.
const PAUSE_MIN: TimeDelta = TimeDelta(15 * TimeDelta::SECOND.0);
/// Every so often it is asked for unless stated otherwise.
const PAUSE_USUAL: TimeDelta = TimeDelta::MINUTE;
/// A scrape that was begun before a moment takes so long at most; less where questions follow each other soon.
const SETTLE_MAX: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);
/// Most moments whose mean is taken.
const MOMENTS_MAX: i64 = 2_000;
/// An answer that does not come within this time never comes.
const ANSWER_WAIT_MAX: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);
/// Numbers of these questions, apart from those about slices.
const NUMBERS_FROM: u64 = 1 << 63;

/// All thresholds without a goal.
#[derive(Clone, Debug, Default)]
pub(crate) struct WholeThresholds {
    asked: BTreeMap<String, Whole>,
    number_next: u64,
    wake: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Whole {
    slo: Arc<Slo>,
    open: Option<Open>,
    /// The last moment asked about, whatever became of it.
    asked_about: Option<Timestamp>,
    trouble: Option<String>,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    id: QuestionId,
    at: Timestamp,
    asked_at: Timestamp,
}

/// What was last seen of a threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    /// Of several samples the one that comes nearest to failing; `None` when there was none.
    pub(crate) value: Option<f64>,
    /// Since when it has failed in every answer; what was not answered changes nothing.
    pub(crate) failing_since: Option<Timestamp>,
}

impl WholeThresholds {
    /// Asks about those of these objectives that have no goal, and keeps what was seen of those that stay as they were.
    pub(crate) fn set<'a>(&mut self, slos: impl Iterator<Item = &'a Arc<Slo>>) {
        let mut before = std::mem::take(&mut self.asked);
        for slo in slos.filter(|slo| slo.goal.is_none() && check(slo).is_some()) {
            let is_same =
                |whole: &Whole| whole.slo.indicator == slo.indicator && whole.slo.period == slo.period;
            let known = before.remove(&slo.id()).filter(is_same);
            let new =
                Whole { slo: Arc::clone(slo), open: None, asked_about: None, trouble: None, seen: None };
            let whole = Whole { slo: Arc::clone(slo), ..known.unwrap_or(new) };
            self.asked.insert(slo.id(), whole);
        }
        self.wake = (!self.asked.is_empty()).then_some(Timestamp::MIN);
    }

    /// The questions that are due.
    pub(crate) fn ask(&mut self, now: Timestamp) -> Vec<Question> {
        if self.wake.is_none_or(|wake| now < wake) {
            return Vec::new();
        }
        let mut questions = Vec::new();
        for whole in self.asked.values_mut() {
            let step = step(&whole.slo);
            let at = (now - settle(step)).floor_to(step);
            if whole.open.is_some_and(|open| now - open.asked_at >= ANSWER_WAIT_MAX) {
                whole.open = None;
                whole.trouble = Some(format!("no answer within {ANSWER_WAIT_MAX}"));
            }
            if whole.open.is_some() || whole.asked_about.is_some_and(|asked| at <= asked) {
                continue;
            }
            whole.asked_about = Some(at);
            match query_at(&whole.slo, at) {
                None => {} // the period has just begun
                Some(Err(message)) => whole.trouble = Some(message),
                Some(Ok(query)) => {
                    let id = QuestionId(NUMBERS_FROM + self.number_next);
                    self.number_next += 1;
                    whole.open = Some(Open { id, at, asked_at: now });
                    questions.push(Question {
                        id,
                        queries: vec![Arc::new(query)],
                        first: at,
                        last: at,
                        step,
                    });
                }
            }
        }
        let next = self.asked.values().map(|whole| match whole.open {
            Some(open) => open.asked_at + ANSWER_WAIT_MAX,
            None => whole.asked_about.map_or(now, |at| {
                let step = step(&whole.slo);
                at + step + settle(step)
            }),
        });
        self.wake = next.min();
        questions
    }

    /// When to ask again at the latest.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.wake
    }

    /// Takes an answer in; gives the objective it is about if there is something new to say of it.
    pub(crate) fn answered(
        &mut self,
        id: QuestionId,
        result: &Result<Vec<Vec<RangeSeries>>, AskError>,
        now: Timestamp,
    ) -> Option<Arc<Slo>> {
        let is_its = |whole: &&mut Whole| whole.open.is_some_and(|open| open.id == id);
        let whole = self.asked.values_mut().find(is_its)?;
        let open = whole.open.take()?;
        self.wake = Some(now);
        let check = check(&whole.slo)?;
        match result {
            Err(error) => {
                whole.trouble = Some(error.to_string());
                None
            }
            Ok(series) => {
                whole.trouble = None;
                let value = worst(check.op, series);
                let since = whole.seen.and_then(|seen| seen.failing_since);
                let failing_since = match value.map(|value| check.op.holds(value, check.bound.get())) {
                    Some(true) => None,
                    Some(false) => Some(since.unwrap_or(open.at)),
                    None => since,
                };
                whole.seen = Some(Seen { at: open.at, value, failing_since });
                Some(Arc::clone(&whole.slo))
            }
        }
    }

    /// Whether every question has an answer.
    pub(crate) fn is_well(&self) -> bool {
        self.asked.values().all(|whole| whole.trouble.is_none())
    }

    /// What was last seen of an objective.
    pub(crate) fn seen(&self, slo: &str) -> Option<Seen> {
        self.asked.get(slo)?.seen
    }

    /// Why an objective's query has no answer, if it has none.
    pub(crate) fn trouble(&self, slo: &str) -> Option<&str> {
        self.asked.get(slo)?.trouble.as_deref()
    }
}

/// The comparison of a threshold.
pub(crate) fn check(slo: &Slo) -> Option<&ThresholdCheck> {
    match &slo.indicator.events {
        Events::Threshold(check) => Some(check),
        Events::Ratio(_)
        | Events::Latency(_)
        | Events::Probe(_)
        | Events::Query(_)
        | Events::Composite(_) => None,
    }
}

/// Time between two questions about an objective.
pub(crate) fn step(slo: &Slo) -> TimeDelta {
    check(slo).map_or(PAUSE_USUAL, |check| check.slice.max(PAUSE_MIN))
}

fn settle(step: TimeDelta) -> TimeDelta {
    SETTLE_MAX.min(TimeDelta(step.0 / 4))
}

/// What is compared, as people read it.
pub(crate) fn text(slo: &Slo) -> Option<String> {
    let check = check(slo).filter(|_| slo.goal.is_none())?;
    Some(format!("{} {} {} over {}", check.query, check.op.as_str(), check.bound.get(), slo.period.text()))
}

/// The query that gives the value over the period that a moment lies in; `None` while the period is younger than a
/// second.
fn query_at(slo: &Slo, at: Timestamp) -> Option<Result<SampledQuery, String>> {
    let check = check(slo)?;
    let window = match slo.period {
        Period::Rolling(length) => length,
        Period::Calendar(_) => {
            let passed = at - slo.period.range_at(at).begin;
            TimeDelta(passed.0 / TimeDelta::SECOND.0 * TimeDelta::SECOND.0)
        }
    };
    if window <= TimeDelta::ZERO {
        return None;
    }
    let read = |text: &str| {
        SampledQuery::read(text, window)
            .map_err(|errors| errors.into_iter().next().map_or_else(String::new, |error| error.message))
    };
    if SampledQuery::has_placeholder(&check.query) {
        return Some(read(&check.query));
    }
    Some(read(&check.query).and_then(|query| {
        let vector = match query.parsed.result() {
            Kind::Scalar => format!("vector({}\n)", query.text),
            Kind::Vector | Kind::Range | Kind::Text => format!("({}\n)", query.text), // it may end with a comment
        };
        let minutes = window.0 / MOMENTS_MAX / TimeDelta::MINUTE.0 + 1;
        let coarse = TimeDelta(minutes * TimeDelta::MINUTE.0);
        let slice = check.slice.max(TimeDelta::SECOND);
        let resolution = if window.0 / slice.0 > MOMENTS_MAX { coarse } else { slice };
        read(&format!("avg_over_time({vector}[{window}:{resolution}])"))
    }))
}

/// Of all samples that are numbers the one that comes nearest to failing, or fails most.
fn worst(op: Comparison, series: &[Vec<RangeSeries>]) -> Option<f64> {
    let points = series.iter().flatten().flat_map(|series| &series.points);
    let values = points.map(|point| point.value).filter(|value| !value.is_nan());
    match op {
        Comparison::Less | Comparison::LessOrEqual => values.reduce(f64::max),
        Comparison::Greater | Comparison::GreaterOrEqual => values.reduce(f64::min),
    }
}
