//! What users met: counts of calls, how many there are a second, and how long they take.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Call;

/// What was called at one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// Calls made.
    pub requests: u64,
    /// Calls answered with an error, or not at all.
    pub failures: u64,
    /// Of these, calls that got no answer.
    pub unanswered: u64,
    /// Half of them took at most this long, in milliseconds.
    pub p50_ms: u64,
    /// 95 % of them took at most this long, in milliseconds.
    pub p95_ms: u64,
}

/// What was called so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadSnapshot {
    /// Users at work.
    pub users: u32,
    /// All calls together.
    pub total: CallStats,
    /// Calls per second over the last ten seconds.
    pub requests_per_s: f64,
    /// Calls by endpoint; one that was not called yet is not there.
    pub by_endpoint: BTreeMap<Call, CallStats>,
}

/// Counts of a running load, readable while it runs.
#[derive(Debug, Default)]
pub struct LoadStats(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    users: u32,
    started: Option<Instant>,
    by_endpoint: BTreeMap<Call, Calls>,
    /// When the calls of the last ten seconds ended, oldest first.
    recent: VecDeque<Instant>,
}

#[derive(Clone, Debug, Default)]
struct Calls {
    requests: u64,
    failures: u64,
    unanswered: u64,
    /// How many took so many milliseconds, to two digits: a few hundred entries for whatever happens.
    took_ms: BTreeMap<u64, u64>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Well.
    Ok,
    /// With an error.
    Error,
    /// Not at all.
    None,
}

const RECENT: Duration = Duration::from_secs(10);

impl Calls {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.unanswered += other.unanswered;
        for (ms, count) in &other.took_ms {
            *self.took_ms.entry(*ms).or_default() += count;
        }
    }

    fn stats(&self) -> CallStats {
        CallStats {
            requests: self.requests,
            failures: self.failures,
            unanswered: self.unanswered,
            p50_ms: self.at_most(0.50),
            p95_ms: self.at_most(0.95),
        }
    }

    /// This share of them took at most so long.
    fn at_most(&self, share: f64) -> u64 {
        let wanted = (self.requests as f64 * share).ceil() as u64;
        let mut seen = 0;
        let reaches = |(_, count): &(&u64, &u64)| {
            seen += **count;
            seen >= wanted
        };
        self.took_ms.iter().find(reaches).map_or(0, |(ms, _)| *ms)
    }
}

/// To two digits.
fn rounded(ms: u64) -> u64 {
    let mut unit = 1;
    while ms / unit >= 100 {
        unit *= 10;
    }
    (ms + unit / 2) / unit * unit
}

impl LoadStats {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counts at this moment.
    pub fn snapshot(&self) -> LoadSnapshot {
        let mut counts = self.lock();
        let now = Instant::now();
        forget_old(&mut counts.recent, now);
        let watched = counts.started.map_or(Duration::ZERO, |start| (now - start).min(RECENT));
        let requests_per_s = counts.recent.len() as f64 / watched.as_secs_f64().max(1.0);
        let mut total = Calls::default();
        for calls in counts.by_endpoint.values() {
            total.add(calls);
        }
        LoadSnapshot {
            users: counts.users,
            total: total.stats(),
            requests_per_s,
            by_endpoint: counts.by_endpoint.iter().map(|(call, calls)| (*call, calls.stats())).collect(),
        }
    }

    pub(super) fn count_call(&self, call: Call, answer: Answer, took: Duration) {
        let (mut counts, now) = (self.lock(), Instant::now());
        let calls = counts.by_endpoint.entry(call).or_default();
        calls.requests += 1;
        calls.failures += u64::from(answer != Answer::Ok);
        calls.unanswered += u64::from(answer == Answer::None);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        *calls.took_ms.entry(rounded(ms)).or_default() += 1;
        counts.recent.push_back(now);
        forget_old(&mut counts.recent, now);
    }

    pub(super) fn count_user(&self) {
        let mut counts = self.lock();
        counts.users += 1;
        counts.started.get_or_insert_with(Instant::now);
    }

    pub(super) fn forget_users(&self) {
        self.lock().users = 0;
    }
}

fn forget_old(recent: &mut VecDeque<Instant>, now: Instant) {
    while recent.front().is_some_and(|at| now.duration_since(*at) > RECENT) {
        recent.pop_front();
    }
}
