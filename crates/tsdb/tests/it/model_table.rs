//! What a store is held against: a table of samples, and plain rules for what is refused.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_model::{Labels, SeriesId, Timestamp};
use bellwether_tsdb::{LimitKind, LimitReached, Refusal, SeriesLimits};

use crate::world::{Contents, above};

pub(crate) fn name(series: u8) -> String {
    format!("series_{series}")
}

pub(crate) fn job(series: u8) -> String {
    format!("job_{}", series % 2)
}

pub(crate) fn labels(series: u8) -> Labels {
    Labels::from_pairs([
        ("__name__", name(series)),
        ("job", job(series)),
        ("parity", (series % 2).to_string()),
    ])
}

/// A moment and a value, whatever its start time.
type Moment = (i64, u64);

/// The store as a table.
pub(crate) struct Table {
    pub(crate) contents: Contents,
    lasts: BTreeMap<u8, Moment>,
    pub(crate) floor: i64,
    pub(crate) window: i64,
    /// What lies in memory, by series: moments and values.
    unsealed: BTreeMap<u8, BTreeMap<i64, u64>>,
    /// What was stored first of every moment, wherever it is.
    first: BTreeMap<u8, BTreeMap<i64, u64>>,
    /// Every number a series ever had, in order.
    pub(crate) numbers: Vec<(u8, SeriesId)>,
    /// Those that are in force.
    pub(crate) known: BTreeMap<u8, SeriesId>,
    pub(crate) limits: SeriesLimits,
    in_use: InUse,
    /// Series refused since the seal before the last.
    refused: BTreeSet<u8>,
    refused_before: BTreeSet<u8>,
    refused_ever: BTreeSet<u8>,
}

/// Series in use, as they were counted last, and those made since.
#[derive(Default)]
struct InUse {
    total: u64,
    by_job: BTreeMap<String, u64>,
    /// A start counts series only, jobs are counted when somebody wants to know.
    has_jobs: bool,
}

impl Table {
    pub(crate) fn new(window: i64) -> Self {
        Self {
            contents: Contents::new(),
            lasts: BTreeMap::new(),
            floor: i64::MIN,
            window,
            unsealed: BTreeMap::new(),
            first: BTreeMap::new(),
            numbers: Vec::new(),
            known: BTreeMap::new(),
            limits: SeriesLimits::default(),
            in_use: InUse::default(),
            refused: BTreeSet::new(),
            refused_before: BTreeSet::new(),
            refused_ever: BTreeSet::new(),
        }
    }

    /// What must be shown: segments go only as a whole, so what is below the floor may or may not still be there.
    pub(crate) fn shown(&self) -> Contents {
        above(self.contents.clone(), self.floor)
    }

    /// What becomes of an entry: taken, known already (false), or refused. Times go forward in a series, but for what is
    /// late inside the window; nothing goes below the floor; of what is in segments only the last is looked at.
    pub(crate) fn judge(&self, series: u8, (at, value): Moment) -> Result<bool, Refusal> {
        let known = |other: u64| {
            if other == value { Ok(false) } else { Err(Refusal::Duplicate { at: Timestamp(at) }) }
        };
        if at < self.floor {
            return Err(Refusal::BeforeRetention { floor: Timestamp(self.floor) });
        }
        let Some((last, last_value)) = self.lasts.get(&series).copied() else { return Ok(true) };
        let oldest = Timestamp(last - self.window);
        let stored = self.first.get(&series).and_then(|entries| entries.get(&at));
        match stored {
            _ if at > last => Ok(true),
            _ if at == last => known(last_value),
            _ if self.window == 0 => Err(Refusal::OutOfOrder { last: Timestamp(last) }),
            Some(other) => known(*other),
            None if at < oldest.0 => Err(Refusal::TooOld { last: Timestamp(last), oldest }),
            None => Ok(true),
        }
    }

    /// An entry was taken; `shown` is how it is shown. What is there first stays.
    pub(crate) fn taken(&mut self, series: u8, (at, value): Moment, shown: u64) {
        self.put(series, (at, value), shown);
        self.unsealed.entry(series).or_default().insert(at, value);
    }

    /// An entry is in a segment from now on.
    pub(crate) fn put(&mut self, series: u8, (at, value): Moment, shown: u64) {
        let last = self.lasts.entry(series).or_insert((at, value));
        if at > last.0 {
            *last = (at, value);
        }
        self.first.entry(series).or_default().entry(at).or_insert(value);
        self.contents.entry(name(series)).or_default().entry(at).or_insert(shown);
    }

    /// Whether a series that is not known may be made.
    pub(crate) fn admit(&self, series: u8) -> Result<(), LimitReached> {
        let limits = &self.limits;
        let of_job = self.in_use.by_job.get(&job(series)).copied().unwrap_or(0);
        let reached = |kind, limit| Err(LimitReached { kind, limit, job: job(series) });
        if limits.per_job > 0 && of_job >= limits.per_job {
            reached(LimitKind::Job, limits.per_job)
        } else if limits.total > 0 && self.in_use.total >= limits.total {
            reached(LimitKind::Total, limits.total)
        } else {
            Ok(())
        }
    }

    pub(crate) fn refused(&mut self, series: u8) {
        self.refused.insert(series);
        self.refused_ever.insert(series);
    }

    pub(crate) fn made(&mut self, series: u8, id: SeriesId, was_refused: bool) {
        if self.refused.contains(&series) || self.refused_before.contains(&series) {
            assert!(was_refused, "{series} was refused, so this is not its birth");
        }
        assert!(!was_refused || self.refused_ever.contains(&series), "{series} was never refused");
        assert!(self.numbers.iter().all(|(_, other)| *other < id), "a number is never given twice");
        self.numbers.push((series, id));
        self.known.insert(series, id);
        self.in_use.total += 1;
        *self.in_use.by_job.entry(job(series)).or_default() += 1;
    }

    pub(crate) fn set_limits(&mut self, limits: SeriesLimits) {
        self.limits = limits;
        if self.limits.per_job > 0 && !self.in_use.has_jobs {
            self.count();
        }
    }

    fn count(&mut self) {
        let in_use = self.unsealed.iter().filter(|(_, moments)| !moments.is_empty());
        self.in_use = InUse { has_jobs: true, ..InUse::default() };
        for (series, _) in in_use {
            self.in_use.total += 1;
            *self.in_use.by_job.entry(job(*series)).or_default() += 1;
        }
    }

    pub(crate) fn sealed(&mut self, before: i64) {
        self.unsealed.values_mut().for_each(|moments| moments.retain(|at, _| *at >= before));
        self.count();
        self.refused_before = std::mem::take(&mut self.refused);
    }

    pub(crate) fn raise_floor(&mut self, floor: i64) {
        self.floor = self.floor.max(floor);
        self.unsealed.values_mut().for_each(|moments| moments.retain(|at, _| *at >= floor));
    }

    /// Some series may be forgotten now: those of which nothing is left. `is_named` asks about numbers.
    pub(crate) fn forgotten(&mut self, is_named: &dyn Fn(SeriesId) -> bool) {
        let shown = self.shown();
        self.known.retain(|series, id| {
            assert!(is_named(*id) || !shown.contains_key(&name(*series)), "{series} has samples");
            is_named(*id)
        });
        self.lasts.retain(|series, _| self.known.contains_key(series));
    }

    /// The store was opened again: of what was forgotten some may be known again.
    pub(crate) fn opened(&mut self, is_named: &dyn Fn(SeriesId) -> bool) {
        self.count();
        self.in_use.has_jobs = false;
        self.known = self.numbers.iter().filter(|(_, id)| is_named(*id)).copied().collect();
        let limits = std::mem::take(&mut self.limits);
        self.in_use.by_job.clear();
        self.set_limits(limits);
    }
}
