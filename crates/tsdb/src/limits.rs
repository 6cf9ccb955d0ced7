//! How many series there may be, in all and of each job, and which were refused for it. One target that puts a user's
//! number into a label must not take the memory of all others: what exists goes on, what is new is refused.
//!
//! Counted are series in use: those with samples in the head, and those made since that was last counted. A series that
//! was refused and is accepted later was not born then, so what was refused is remembered, here and in the log.

use std::collections::{BTreeMap, HashMap, HashSet};

use bellwether_model::Labels;

/// Refused series that are remembered apart; beyond it every new series is taken for one of them.
const REMEMBERED_MAX: usize = 1 << 20;
/// Jobs that refusals are counted of apart; those of others are counted together.
const COUNTED_JOBS_MAX: usize = 1000;
/// What such others are counted under. No job is called so: the text is no valid part of a URL's query as written.
pub const OTHER_JOBS: &str = "(others)";

/// Limits on series in use; 0 is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeriesLimits {
    /// Of all jobs together.
    pub total: u64,
    /// Of each job that has no limit of its own.
    pub per_job: u64,
    /// Of single jobs.
    pub of_jobs: BTreeMap<String, u64>,
}

/// Which limit refused a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitKind {
    /// That of all series.
    Total,
    /// That of one job.
    Job,
}

impl LimitKind {
    /// As metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Job => "job",
        }
    }
}

/// Why a new series was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Which limit.
    pub kind: LimitKind,
    /// Its value.
    pub limit: u64,
    /// The job of the refused series; empty when it has none.
    pub job: String,
}

impl std::fmt::Display for LimitReached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, limit, job } = self;
        match kind {
            LimitKind::Job => write!(
                f,
                "job {job} has {limit} series in use, as many as it may have: new ones are refused, existing ones go on; \
                 drop a label of many values, or raise storage.series_limit_per_job or storage.series_limits"
            ),
            LimitKind::Total => write!(
                f,
                "{limit} series are in use, as many as there may be: new ones are refused, existing ones go on; \
                 drop a label of many values, or raise storage.series_limit"
            ),
        }
    }
}

/// Series refused of one job, by one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedSeries {
    /// Which limit, and of which job.
    pub reached: LimitReached,
    /// How often a series was asked for and refused since the store was opened.
    pub refusals: u64,
}

/// Decides whether a new series may be made.
#[derive(Default)]
pub(crate) struct Admission {
    pub(crate) limits: SeriesLimits,
    /// Series in use, and those of each job.
    pub(crate) total: u64,
    by_job: HashMap<Box<str>, u64>,
    /// Whether the series of each job were ever counted: that takes a while when there are a million.
    is_counted: bool,
    refused: Remembered,
    counts: BTreeMap<(String, LimitKind), (u64, u64)>,
    pub(crate) refusals: u64,
}

/// Fingerprints of what was refused since the last seal, and between the two before.
#[derive(Default)]
struct Remembered {
    recent: HashSet<u64>,
    before: HashSet<u64>,
    /// Some could not be remembered, lately or before.
    too_many: bool,
    too_many_before: bool,
}

/// The number of series in use, counted anew.
#[derive(Default)]
pub(crate) struct Census {
    pub(crate) total: u64,
    pub(crate) by_job: HashMap<Box<str>, u64>,
}

impl Census {
    pub(crate) fn count(&mut self, labels: &Labels) {
        self.total += 1;
        if let Some(job) = labels.get("job") {
            match self.by_job.get_mut(job) {
                Some(count) => *count += 1,
                None => _ = self.by_job.insert(job.into(), 1),
            }
        }
    }
}

impl Admission {
    /// Whether one more series with these labels may be made.
    pub(crate) fn admit(&self, labels: &Labels) -> Result<(), LimitReached> {
        let limits = &self.limits;
        if let Some(job) = labels.get("job") {
            let limit = limits.of_jobs.get(job).copied().unwrap_or(limits.per_job);
            if limit > 0 && self.by_job.get(job).copied().unwrap_or(0) >= limit {
                return Err(LimitReached { kind: LimitKind::Job, limit, job: job.to_owned() });
            }
        }
        if limits.total > 0 && self.total >= limits.total {
            let job = labels.value_or_empty("job").to_owned();
            return Err(LimitReached { kind: LimitKind::Total, limit: limits.total, job });
        }
        Ok(())
    }

    /// Takes note of a series that was made.
    pub(crate) fn made(&mut self, labels: &Labels) {
        self.total += 1;
        if let Some(job) = labels.get("job") {
            match self.by_job.get_mut(job) {
                Some(count) => *count += 1,
                None => _ = self.by_job.insert(job.into(), 1),
            }
        }
    }

    /// Takes note of a refusal; gives what the log must be told, if it does not know yet.
    pub(crate) fn refuse(&mut self, reached: &LimitReached, fingerprint: u64) -> Option<Vec<u64>> {
        self.refusals += 1;
        let mut key = (reached.job.clone(), reached.kind);
        if self.counts.len() >= COUNTED_JOBS_MAX && !self.counts.contains_key(&key) {
            OTHER_JOBS.clone_into(&mut key.0);
        }
        let (limit, count) = self.counts.entry(key).or_default();
        *limit = reached.limit;
        *count += 1;
        self.refused.note(fingerprint)
    }

    /// Whether a series may have been refused before.
    pub(crate) fn was_refused(&self, labels: &Labels) -> bool {
        !self.refused.is_empty() && self.refused.has(labels.fingerprint())
    }

    /// The log said that these were refused; none stands for too many.
    pub(crate) fn recall(&mut self, fingerprints: &[u64]) {
        if fingerprints.is_empty() {
            self.refused.too_many = true;
        }
        for fingerprint in fingerprints {
            self.refused.note(*fingerprint);
        }
    }

    /// A stretch of time is over: forgets what was refused before it and not during it. Gives what a log must be told
    /// that no longer has the records of it, if there is anything.
    pub(crate) fn turn(&mut self) -> Option<Vec<u64>> {
        let refused = &mut self.refused;
        refused.before = std::mem::take(&mut refused.recent);
        refused.too_many_before = std::mem::take(&mut refused.too_many);
        if refused.too_many_before {
            return Some(Vec::new());
        }
        let mut again: Vec<u64> = refused.before.iter().copied().collect();
        again.sort_unstable();
        (!again.is_empty()).then_some(again)
    }

    pub(crate) fn settle(&mut self, census: Census) {
        (self.total, self.by_job, self.is_counted) = (census.total, census.by_job, true);
    }

    /// Whether the series of each job must be counted before the limits can be held.
    pub(crate) fn needs_census(&self) -> bool {
        let is_by_job = self.limits.per_job > 0 || !self.limits.of_jobs.is_empty();
        is_by_job && !self.is_counted
    }

    pub(crate) fn counts(&self) -> Vec<RefusedSeries> {
        let refused = |((job, kind), (limit, refusals)): (&(String, LimitKind), &(u64, u64))| RefusedSeries {
            reached: LimitReached { kind: *kind, limit: *limit, job: job.clone() },
            refusals: *refusals,
        };
        self.counts.iter().map(refused).collect()
    }
}

impl Remembered {
    fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.before.is_empty() && !self.too_many && !self.too_many_before
    }

    fn has(&self, fingerprint: u64) -> bool {
        self.too_many
            || self.too_many_before
            || self.recent.contains(&fingerprint)
            || self.before.contains(&fingerprint)
    }

    fn note(&mut self, fingerprint: u64) -> Option<Vec<u64>> {
        if self.too_many || self.recent.contains(&fingerprint) {
            return None;
        }
        if self.recent.len() >= REMEMBERED_MAX {
            self.too_many = true;
            return Some(Vec::new());
        }
        self.recent.insert(fingerprint);
        Some(vec![fingerprint])
    }
}
