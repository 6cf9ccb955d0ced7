//! Totals of points that only say what changed. Each series has a total here, which each point moves on; the total is
//! what is stored, so that it is a counter like any other and what is asked of it is exact.
//!
//! The stored sample is also what is remembered: a series that is seen for the first time after a restart (or after it
//! was forgotten) goes on from its last stored value. That value and its time became durable together, before the
//! sender heard of it. So a point that was stored but never acknowledged, and is sent again, ends where the stored
//! sample stands, and is known; one that was not stored is not in the total either. Nothing is counted twice or lost.
//!
//! A new start of the sender needs no care: its points go on adding to the total. Nor does a gap, since senders leave
//! out points in which nothing changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bellwether_model::{Histogram, Labels, TimeDelta, Timestamp, is_stale};

use super::delta_histogram::add;
use super::rejected::Rejected;
use super::translate::{DeltaWindow, TranslatedSeries, moment};

/// What a series has counted.
#[derive(Clone, Debug, PartialEq)]
pub enum Total {
    /// As a number.
    Number(f64),
    /// As a native histogram.
    Histogram(Arc<Histogram>),
}

/// The end of a series in the store.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTotal {
    /// When its last sample is, whatever it says.
    pub at: Timestamp,
    /// Its last value that is no staleness marker.
    pub total: Option<Total>,
}

/// Where the last stored sample of a series is looked up.
pub trait LastStored {
    /// The end of a series, if it has samples.
    fn last(&self, labels: &Labels) -> Option<StoredTotal>;
}

/// How much is remembered. Whatever is forgotten is looked up in the store again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeltaLimits {
    /// Most series.
    pub streams_max: usize,
    /// A series is forgotten after so long without a point.
    pub idle_max: TimeDelta,
}

/// Why a point was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum DeltaRefusal {
    /// It ends before the last one that was added.
    #[error("a delta point is older than what is counted already")]
    OutOfOrder,
    /// It begins before the last one ended.
    #[error(
        "a delta point overlaps the one before it: two senders share one identity (give each a service.instance.id), or the sender does not move start_time_unix_nano on"
    )]
    Overlap,
    /// It ends before it begins.
    #[error("a delta point ends before it begins")]
    EndsBeforeItBegins,
    /// A sum that only grows became smaller.
    #[error("a delta point of a monotonic sum is negative")]
    Negative,
    /// No number at all, which would make the total none for good.
    #[error("a delta point is not a finite number")]
    NotFinite,
}

/// A series and its total so far.
#[derive(Clone, Debug)]
struct Stream {
    /// Up to where it is counted, in nanoseconds since 1970.
    until_ns: u64,
    /// When its last sample is.
    at: Timestamp,
    since: Option<Timestamp>,
    /// None until there is a value.
    total: Option<Total>,
    /// When it was last moved on, by our clock; none if it was looked up.
    seen: Option<Timestamp>,
}

/// What is to become of a point.
enum Decision {
    /// It is added.
    Add,
    /// It was added before, and what it came to is stored for good.
    Known,
    /// It stands in the store as it was looked up. That may have been written without anybody having heard that it is
    /// durable, so it is written once more before the sender is told that it is.
    Confirm,
}

/// Totals of all series.
#[derive(Debug)]
pub struct DeltaStreams {
    streams: HashMap<Labels, Stream>,
    limits: DeltaLimits,
    looked_at: Timestamp,
}

/// What a request would change; nothing is changed until [`DeltaStreams::commit`].
#[derive(Debug, Default)]
pub struct Advance {
    updates: Vec<Update>,
    latest: HashMap<Labels, usize>,
    /// Points that were counted before: the sender did not hear that they were.
    pub repeated: u64,
    /// Points that were not added.
    pub rejected: Rejected,
}

#[derive(Debug)]
struct Update {
    /// The place of the series among those that are stored.
    place: usize,
    point: Option<u32>,
    labels: Labels,
    stream: Stream,
}

impl DeltaStreams {
    /// Nothing counted yet.
    pub fn new(limits: DeltaLimits) -> Self {
        Self { streams: HashMap::new(), limits, looked_at: Timestamp(0) }
    }

    /// How many series are remembered.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Makes totals of all changes among the series. Points that are not added are taken out.
    pub fn advance(
        &self,
        series: Vec<TranslatedSeries>,
        stored: &dyn LastStored,
        now: Timestamp,
    ) -> (Vec<TranslatedSeries>, Advance) {
        let (mut out, mut advance) = (Vec::with_capacity(series.len()), Advance::default());
        let mut rest = series.into_iter().peekable();
        while let Some(first) = rest.next() {
            let Some(window) = first.delta else {
                out.push(first);
                continue;
            };
            // The series of one point stand together, and are added or refused together.
            let point = first.point;
            let mut parts = vec![first];
            while let Some(part) = rest.next_if(|next| next.delta.is_some() && next.point == point) {
                parts.push(part);
            }
            match self.decide(&parts[0], window, &advance, stored) {
                Ok(Decision::Add) => self.add_all(parts, window, (stored, now), &mut advance, &mut out),
                Ok(Decision::Known) => advance.repeated += 1,
                Ok(Decision::Confirm) => {
                    advance.repeated += 1;
                    self.confirm_all(parts, (stored, now), &mut advance, &mut out);
                }
                Err(reason) => advance.rejected.add(1, reason.to_string()),
            }
        }
        (out, advance)
    }

    /// Whether a point is to be added, or is known; the first of its series speaks for all.
    fn decide(
        &self,
        lead: &TranslatedSeries,
        window: DeltaWindow,
        advance: &Advance,
        stored: &dyn LastStored,
    ) -> Result<Decision, DeltaRefusal> {
        if window.start_ns > window.end_ns {
            return Err(DeltaRefusal::EndsBeforeItBegins);
        }
        if let Some(value) = lead.pushed.samples.first().map(|sample| sample.sample.value)
            && !is_stale(value)
        {
            if !value.is_finite() {
                return Err(DeltaRefusal::NotFinite);
            }
            if window.is_monotonic && value < 0.0 {
                return Err(DeltaRefusal::Negative);
            }
        }
        let Some(stream) = self.stream(&lead.pushed.labels, advance, stored) else {
            return Ok(Decision::Add);
        };
        if window.end_ns <= stream.until_ns {
            // Of what was looked up only the millisecond is known.
            return match (moment(window.end_ns) == moment(stream.until_ns), stream.seen) {
                (true, Some(_)) => Ok(Decision::Known),
                (true, None) => Ok(Decision::Confirm),
                (false, _) => Err(DeltaRefusal::OutOfOrder),
            };
        }
        if window.start_ns != 0 && moment(window.start_ns) < moment(stream.until_ns) {
            return Err(DeltaRefusal::Overlap);
        }
        Ok(Decision::Add)
    }

    fn stream(&self, labels: &Labels, advance: &Advance, stored: &dyn LastStored) -> Option<Stream> {
        if let Some(index) = advance.latest.get(labels) {
            return Some(advance.updates[*index].stream.clone());
        }
        if let Some(stream) = self.streams.get(labels) {
            return Some(stream.clone());
        }
        let last = stored.last(labels)?;
        let until_ns =
            u64::try_from(last.at.0).unwrap_or(0).saturating_mul(1_000_000).saturating_add(999_999);
        Some(Stream { until_ns, at: last.at, since: None, total: last.total, seen: None })
    }

    fn add_all(
        &self,
        parts: Vec<TranslatedSeries>,
        window: DeltaWindow,
        (stored, now): (&dyn LastStored, Timestamp),
        advance: &mut Advance,
        out: &mut Vec<TranslatedSeries>,
    ) {
        for mut part in parts {
            let before = self.stream(&part.pushed.labels, advance, stored);
            let Some(stream) = moved_on(before, &mut part, window, now) else { continue };
            let (place, labels) = (out.len(), part.pushed.labels.clone());
            advance.latest.insert(labels.clone(), advance.updates.len());
            advance.updates.push(Update { place, point: part.point, labels, stream });
            out.push(part);
        }
    }

    /// Writes the ends of series once more.
    fn confirm_all(
        &self,
        parts: Vec<TranslatedSeries>,
        (stored, now): (&dyn LastStored, Timestamp),
        advance: &mut Advance,
        out: &mut Vec<TranslatedSeries>,
    ) {
        for mut part in parts {
            let Some(stream) = self.stream(&part.pushed.labels, advance, stored) else { continue };
            let number = part.pushed.samples.first_mut().map(|sample| &mut sample.sample);
            let histogram = part.pushed.histograms.first_mut().map(|sample| &mut sample.sample);
            match (&stream.total, number, histogram) {
                (Some(Total::Number(total)), Some(sample), _) if sample.at == stream.at => {
                    sample.value = *total
                }
                (Some(Total::Histogram(total)), _, Some(sample)) if sample.at == stream.at => {
                    sample.histogram = total.clone();
                }
                _ => continue,
            }
            let (place, labels) = (out.len(), part.pushed.labels.clone());
            let stream = Stream { seen: Some(now), ..stream };
            advance.latest.insert(labels.clone(), advance.updates.len());
            advance.updates.push(Update { place, point: part.point, labels, stream });
            out.push(part);
        }
    }

    /// Forgets what a request was about, since it is not known whether any of it is stored: what the store has by then
    /// is what counts.
    pub fn discard(&mut self, advance: &Advance) {
        for update in &advance.updates {
            self.streams.remove(&update.labels);
        }
    }

    /// Remembers what was stored: `is_stored` is asked for the place of each series. A point of which nothing was
    /// stored has not been counted.
    pub fn commit(&mut self, advance: Advance, is_stored: impl Fn(usize) -> bool, now: Timestamp) {
        let points =
            advance.updates.iter().filter(|update| is_stored(update.place)).map(|update| update.point);
        let points: BTreeSet<Option<u32>> = points.collect();
        for update in advance.updates {
            if points.contains(&update.point) {
                self.streams.insert(update.labels, update.stream);
            }
        }
        self.forget(now);
    }

    fn forget(&mut self, now: Timestamp) {
        if now - self.looked_at > TimeDelta::MINUTE {
            self.looked_at = now;
            let oldest = Some(Timestamp(now.0.saturating_sub(self.limits.idle_max.0)));
            self.streams.retain(|_, stream| stream.seen >= oldest);
        }
        if self.streams.len() > self.limits.streams_max {
            let mut seen: Vec<Option<Timestamp>> = self.streams.values().map(|stream| stream.seen).collect();
            let middle = seen.len() / 2;
            let (_, median, _) = seen.select_nth_unstable(middle);
            let median = *median;
            self.streams.retain(|_, stream| stream.seen > median);
        }
    }
}

/// The stream after a point; the point's sample becomes the total. `None` if there is nothing to store.
fn moved_on(
    before: Option<Stream>,
    part: &mut TranslatedSeries,
    window: DeltaWindow,
    now: Timestamp,
) -> Option<Stream> {
    let started = (window.start_ns != 0 && window.is_monotonic).then(|| moment(window.start_ns));
    let (at, since, total) = match before {
        // Two points within a millisecond are two samples all the same.
        Some(stream) => (moment(window.end_ns).max(Timestamp(stream.at.0 + 1)), stream.since, stream.total),
        None => (moment(window.end_ns), started, None),
    };
    let mut stream = Stream { until_ns: window.end_ns, at, since, total, seen: Some(now) };
    if let Some(sample) = part.pushed.samples.first_mut() {
        sample.sample.at = at;
        if is_stale(sample.sample.value) {
            return stream.total.is_some().then_some(stream);
        }
        // A sum of observations that is no number would make the total none for good.
        let change = Some(sample.sample.value).filter(|value| value.is_finite()).unwrap_or(0.0);
        let total = match stream.total {
            Some(Total::Number(total)) if total.is_finite() => total + change,
            Some(Total::Number(_) | Total::Histogram(_)) | None => change,
        };
        (sample.sample.value, sample.since) = (total, stream.since);
        stream.total = Some(Total::Number(total));
        return Some(stream);
    }
    let change = part.pushed.histograms.first_mut()?;
    change.sample.at = at;
    if change.sample.is_stale() {
        return stream.total.is_some().then_some(stream);
    }
    let grown = match &stream.total {
        Some(Total::Histogram(total)) => add(total, &change.sample.histogram),
        Some(Total::Number(_)) | None => None,
    };
    // Bounds that changed begin a new histogram.
    let total = grown.map_or_else(
        || {
            stream.since = started;
            change.sample.histogram.clone()
        },
        Arc::new,
    );
    (change.sample.histogram, change.since) = (total.clone(), stream.since);
    stream.total = Some(Total::Histogram(total));
    Some(stream)
}
