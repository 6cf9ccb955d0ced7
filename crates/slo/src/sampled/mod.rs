//! When which slices of time are asked about, for indicators that no counter counts.
//!
//! Slices are aligned to the epoch. One is asked about a little after it has ended, so that the scrape that ends it
//! has arrived, and slices of one indicator are asked about in order of time: what was missed while nobody ran, or
//! before the indicator was there, comes first, many slices to a question. An answer counts when it is booked; those
//! booked since the last checkpoint are lost with the process and asked for again, since samples stay in the store.

pub(crate) mod answer;
pub(crate) mod engine;
pub(crate) mod query;
pub(crate) mod question;
pub(crate) mod whole_threshold;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp};

use crate::definition::Slo;
use crate::indicator::Indicator;
use crate::sampled::query::{SampledQuery, queries, slice};
use crate::sampled::question::{AskError, Question, QuestionId};

/// A slice is asked about so long after its end, or after a quarter of its length if that is shorter: a scrape that was
/// begun before the end takes a while.
const SETTLE_MAX: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);
/// Most slices of one question: half a day of minutes.
const SLICES_MAX: i64 = 720;
/// Questions about more slices than this speak of the past.
const SLICES_RECENT: i64 = 4;
/// Most questions that wait for an answer at one time; and most of those about the past, which are expensive.
const OPEN_MAX: usize = 64;
const OPEN_PAST_MAX: usize = 2;
/// An answer that does not come within this time never comes.
const ANSWER_WAIT_MAX: TimeDelta = TimeDelta(10 * TimeDelta::MINUTE.0);
/// Longest pause after a failure.
const PAUSE_MAX: TimeDelta = TimeDelta::MINUTE;

/// All indicators that must be asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sampler {
    /// By key of the indicator.
    asked: BTreeMap<String, Asked>,
    number_next: u64,
    /// Nothing is to be asked before this moment.
    wake: Option<Timestamp>,
    /// Somebody was due and found no room.
    has_waiting: bool,
    pub(crate) counts: AskCounts,
}

/// What became of questions since this process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskCounts {
    /// Questions answered.
    pub answered: u64,
    /// Questions refused, or asked of nobody.
    pub failed: u64,
    /// Slices given up, which stay unmeasured.
    pub given_up: u64,
}

/// An indicator that must be asked.
#[derive(Clone, Debug)]
struct Asked {
    indicator: Indicator,
    queries: Vec<Arc<SampledQuery>>,
    slice: TimeDelta,
    /// How far back its longest period reaches.
    reach: TimeDelta,
    /// End of the last slice that needs no more asking; `None` until it is known where the ledger stands.
    settled: Option<Timestamp>,
    open: Option<Open>,
    /// Failures since the last answer.
    failures: u32,
    /// Slices refused one by one since the last answer.
    refused: u32,
    /// Most slices to ask about at once: fewer after a refusal.
    slices_max: i64,
    not_before: Timestamp,
    trouble: Option<String>,
}

/// A question that waits for its answer.
#[derive(Clone, Debug)]
struct Open {
    question: Question,
    asked_at: Timestamp,
}

/// A question that was open, with what it was about.
pub(crate) struct Closed {
    pub(crate) key: String,
    pub(crate) indicator: Indicator,
    pub(crate) question: Question,
}

impl Sampler {
    /// Asks about the indicators of these objectives from now on, going on where it stood with those it knows.
    /// Thresholds without a goal are asked about elsewhere: they have no slices.
    pub(crate) fn set<'a>(&mut self, slos: impl Iterator<Item = &'a Arc<Slo>>) {
        let mut before = std::mem::take(&mut self.asked);
        for slo in slos.filter(|slo| slo.goal.is_some()) {
            let indicator = slo.indicator.by_event();
            let key = indicator.key();
            let reach = slo.period.reach();
            if let Some(asked) = self.asked.get_mut(&key) {
                asked.reach = asked.reach.max(reach);
                continue;
            }
            let known = before.remove(&key);
            let Some(new) = known.or_else(|| Asked::new(&indicator)) else { continue };
            self.asked.insert(key, Asked { reach, ..new });
        }
        self.wake = (!self.asked.is_empty()).then_some(Timestamp::MIN);
    }

    /// The questions that are due. `known_until` gives the watermark of an indicator.
    pub(crate) fn ask(
        &mut self,
        now: Timestamp,
        known_until: impl Fn(&str) -> Option<Timestamp>,
    ) -> Vec<Question> {
        if self.wake.is_none_or(|wake| now < wake) {
            return Vec::new();
        }
        let mut open = self.asked.values().filter(|asked| asked.open.is_some()).count();
        let mut past = self.asked.values().filter(|asked| asked.is_past_open()).count();
        let mut questions = Vec::new();
        self.has_waiting = false;
        for (key, asked) in &mut self.asked {
            asked.give_up_waiting(now);
            asked.settle_at_least(|| known_until(key), now);
            if asked.open.is_some() || asked.due() > now {
                continue;
            }
            let question = asked.question(QuestionId(self.number_next), now);
            let is_past = question.slices() > SLICES_RECENT;
            if open >= OPEN_MAX || is_past && past >= OPEN_PAST_MAX {
                self.has_waiting = true;
                continue;
            }
            self.number_next += 1;
            (open, past) = (open + 1, past + usize::from(is_past));
            asked.open = Some(Open { question: question.clone(), asked_at: now });
            questions.push(question);
        }
        // Whoever is due and found no room is looked at again after the next answer.
        let next = self.asked.values().map(|asked| match &asked.open {
            Some(open) => open.asked_at + ANSWER_WAIT_MAX,
            None => asked.due(),
        });
        self.wake = next.filter(|next| *next > now).min();
        questions
    }

    /// When to ask again at the latest.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.wake
    }

    /// The question that an answer answers; its slices need no more asking.
    pub(crate) fn answered(&mut self, id: QuestionId, now: Timestamp) -> Option<Closed> {
        let (key, asked) = find(&mut self.asked, id)?;
        let open = asked.open.take()?;
        asked.settled = Some(open.question.last);
        (asked.failures, asked.refused, asked.trouble) = (0, 0, None);
        asked.slices_max = asked.slices_max.saturating_mul(2).min(SLICES_MAX);
        self.counts.answered += 1;
        let due = asked.due();
        let closed = Closed { key: key.clone(), indicator: asked.indicator.clone(), question: open.question };
        self.wake_by(due, now);
        Some(closed)
    }

    /// A question has no answer. Who was not there is asked again. What was refused is asked in parts, until it is known
    /// which slices cannot be answered; while refusals go on, ever more of them are given up at once.
    pub(crate) fn failed(&mut self, id: QuestionId, error: &AskError, now: Timestamp) {
        let Some((_, asked)) = find(&mut self.asked, id) else { return };
        let Some(open) = asked.open.take() else { return };
        self.counts.failed += 1;
        asked.trouble = Some(error.to_string());
        asked.failures += 1;
        let pause = TimeDelta(TimeDelta::SECOND.0 << asked.failures.min(6)).min(PAUSE_MAX);
        match error {
            AskError::Unreachable(_) => asked.not_before = now + pause,
            AskError::Refused(_) if open.question.slices() > 1 => {
                asked.slices_max = (open.question.slices() / 2).max(1);
            }
            AskError::Refused(_) => {
                let most = (asked.last_ended(now) - open.question.last).0.max(0) / asked.slice.0;
                let more = ((1_i64 << asked.refused.min(40)) - 1).min(most);
                asked.refused += 1;
                asked.settled = Some(open.question.last + TimeDelta(more.saturating_mul(asked.slice.0)));
                self.counts.given_up += 1 + more as u64;
                asked.not_before = now + TimeDelta::SECOND;
            }
        }
        let due = asked.due();
        self.wake_by(due, now);
    }

    /// Whoever found no room may have some now; otherwise nobody but the one just answered needs to be looked at.
    fn wake_by(&mut self, due: Timestamp, now: Timestamp) {
        let due = if self.has_waiting { now } else { due };
        self.wake = Some(self.wake.map_or(due, |wake| wake.min(due)));
    }

    /// Whether so much of the past is still being asked for that nothing can be said of the present.
    pub(crate) fn is_catching_up(&self, slo: &Slo) -> bool {
        self.of(slo)
            .is_some_and(|asked| asked.trouble.is_none() && (asked.settled.is_none() || asked.is_past_open()))
    }

    /// What has to be said of an indicator that is asked.
    pub(crate) fn notes(&self, slo: &Slo, now: Timestamp) -> Vec<String> {
        let Some(asked) = self.of(slo) else { return Vec::new() };
        let mut notes = vec![format!("sampled: its queries are asked once per {}", asked.slice)];
        if let Some(trouble) = &asked.trouble {
            notes.push(format!("its queries have no answer: {trouble}"));
        }
        let behind = asked.settled.map_or(0, |at| (asked.last_ended(now) - at).0 / asked.slice.0);
        if behind > SLICES_RECENT {
            notes.push(format!("{behind} slices of the past are still to be asked for"));
        }
        notes
    }

    /// Whether slices of an indicator are asked about.
    pub(crate) fn asks(&self, key: &str) -> bool {
        self.asked.contains_key(key)
    }

    /// Whether every question has an answer.
    pub(crate) fn is_well(&self) -> bool {
        self.asked.values().all(|asked| asked.trouble.is_none())
    }

    /// Why an objective's queries have no answer, if they have none.
    pub(crate) fn trouble(&self, slo: &Slo) -> Option<&str> {
        self.of(slo)?.trouble.as_deref()
    }

    /// Most objectives are counted, and need no look-up.
    fn of(&self, slo: &Slo) -> Option<&Asked> {
        slice(&slo.indicator.events).filter(|_| slo.goal.is_some())?;
        self.asked.get(&slo.indicator.by_event().key())
    }
}

fn find(asked: &mut BTreeMap<String, Asked>, id: QuestionId) -> Option<(&String, &mut Asked)> {
    let is_it = |asked: &Asked| asked.open.as_ref().is_some_and(|open| open.question.id == id);
    asked.iter_mut().find(|(_, asked)| is_it(asked))
}

impl Asked {
    /// `None` for an indicator that need not be asked.
    fn new(indicator: &Indicator) -> Option<Self> {
        let slice = slice(&indicator.events)?;
        let texts = queries(&indicator.events);
        let read: Result<Vec<_>, _> =
            texts.iter().map(|text| SampledQuery::read(text, slice).map(Arc::new)).collect();
        let (queries, trouble) = match read {
            Ok(queries) => (queries, None),
            // Whoever made the objective read the same texts; an importer may be less strict.
            Err(errors) => (Vec::new(), errors.into_iter().next().map(|error| error.message)),
        };
        Some(Self {
            indicator: indicator.clone(),
            queries,
            slice: slice.max(TimeDelta::SECOND),
            reach: TimeDelta::ZERO,
            settled: None,
            open: None,
            failures: 0,
            refused: 0,
            slices_max: SLICES_MAX,
            not_before: Timestamp::MIN,
            trouble,
        })
    }

    fn settle(&self) -> TimeDelta {
        SETTLE_MAX.min(TimeDelta(self.slice.0 / 4))
    }

    /// End of the last slice that may be asked about.
    fn last_ended(&self, now: Timestamp) -> Timestamp {
        (now - self.settle()).floor_to(self.slice)
    }

    fn is_past_open(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.question.slices() > SLICES_RECENT)
    }

    fn give_up_waiting(&mut self, now: Timestamp) {
        if self.open.as_ref().is_some_and(|open| now - open.asked_at >= ANSWER_WAIT_MAX) {
            self.open = None;
            self.trouble = Some(format!("no answer within {ANSWER_WAIT_MAX}"));
        }
    }

    /// Finds out where to go on. Where nothing is known yet, the whole period is asked about; never more than that.
    fn settle_at_least(&mut self, known_until: impl Fn() -> Option<Timestamp>, now: Timestamp) {
        let oldest = (now - self.reach).floor_to(self.slice);
        let known = self.settled.or_else(known_until);
        self.settled = Some(known.map_or(oldest, |at| at.floor_to(self.slice).max(oldest)));
    }

    /// When the next slice is to be asked about.
    fn due(&self) -> Timestamp {
        match self.settled {
            Some(_) if self.queries.is_empty() => Timestamp::MAX,
            Some(settled) => (settled + self.slice + self.settle()).max(self.not_before),
            None => Timestamp::MIN,
        }
    }

    fn question(&self, id: QuestionId, now: Timestamp) -> Question {
        let first = self.settled.unwrap_or(now) + self.slice;
        let most = first + TimeDelta((self.slices_max - 1).saturating_mul(self.slice.0));
        let last = self.last_ended(now).min(most).max(first);
        Question { id, queries: self.queries.clone(), first, last, step: self.slice }
    }
}

impl Question {
    /// How many slices it is about.
    pub(crate) fn slices(&self) -> i64 {
        (self.last - self.first).0 / self.step.0.max(1) + 1
    }
}
