//! One body while it is read: which of its values are taken, under which series, time and start time.

use std::hash::BuildHasher;

use bellwether_ingest::{
    Entry, MetricKind, ScanError, ScrapeSink, ScrapedExemplar, ScrapedHistogram, ScrapedSample, scan_into,
    scan_openmetrics, scan_protobuf,
};
use bellwether_model::{Batch, Exemplar, HistogramSample, Origin, Sample, SeriesId, TimeDelta, Timestamp};

use super::cache::{Resolve, TargetCache, Unresolved};
use super::created::{StartTimes, group_of};
use super::metadata::Metadata;
use super::protocol::Format;
use super::seen_series::{Found, Known, Place};

/// How far ahead of the scrape a sample's own time may be, as in Prometheus: a clock that is a little fast, no more.
const AHEAD_MAX: TimeDelta = TimeDelta::from_secs(600);

/// Samples that a body had and a batch lacks although the scrape was good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// A series was there twice; the first value counts.
    pub duplicates: u64,
    /// Their own time is far ahead.
    pub out_of_bounds: u64,
    /// There are as many series as there may be.
    pub over_limit: u64,
    /// Which limit that is.
    pub limit: String,
}

impl LeftOut {
    fn over_limit(&mut self, why: String) {
        self.over_limit += 1;
        if self.over_limit == 1 {
            self.limit = why;
        }
    }

    /// All of it in words.
    pub fn note(&self) -> Option<String> {
        let reasons = [
            (self.over_limit, self.limit.as_str()),
            (self.duplicates, "the target exposes a series twice, and the first value counts"),
            (self.out_of_bounds, "their own timestamps are more than 10 minutes ahead of this clock"),
        ];
        let told = reasons.into_iter().filter(|(count, _)| *count > 0).map(|(count, why)| {
            let samples = if count == 1 { "1 sample".to_owned() } else { format!("{count} samples") };
            format!("{samples} left out: {why}")
        });
        let told: Vec<String> = told.collect();
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Reads a body for a cache; gives what it says of its metrics, or why it is refused.
pub(super) fn read(
    cache: &mut TargetCache,
    format: Format,
    body: &[u8],
    at: Timestamp,
    resolve: &mut Resolve<'_>,
    taken: &mut Taken,
) -> Result<Metadata, String> {
    let (limits, histograms) = (cache.limits.clone(), cache.histograms);
    let mut reading = Reading {
        cache,
        taken,
        resolve,
        at,
        kind: MetricKind::Untyped,
        has_created_lines: format == Format::OpenMetrics,
        metadata: Metadata::default(),
        refused: None,
    };
    match format {
        Format::Text => scan_into(body, &limits, &mut reading).map_err(|error| error.to_string()),
        Format::OpenMetrics => {
            scan_openmetrics(body, &limits, &mut reading).map_err(|error| error.to_string())
        }
        Format::Protobuf => {
            scan_protobuf(body, &limits, histograms, &mut reading).map_err(|error| error.to_string())
        }
    }?;
    match reading.refused {
        Some(Refused::Undecodable(error)) => Err(error.to_string()),
        Some(Refused::Unresolved(Unresolved::Failed(why) | Unresolved::Limit(why))) => Err(why),
        None => Ok(reading.metadata),
    }
}

/// What a body has brought so far.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) samples: Vec<(SeriesId, Sample)>,
    pub(super) histograms: Vec<(SeriesId, HistogramSample)>,
    starts: StartTimes,
    pub(super) exemplars: Vec<(SeriesId, Exemplar)>,
    /// Samples in the body, and those that relabelling kept.
    pub(super) exposed: u64,
    pub(super) kept: u64,
    pub(super) left_out: LeftOut,
}

impl Taken {
    pub(super) fn with_capacity(samples: usize) -> Self {
        Self { samples: Vec::with_capacity(samples), ..Self::default() }
    }

    /// Forgets what is to be stored, but not how much there was.
    pub(super) fn clear(&mut self) {
        let Self { exposed, kept, .. } = *self;
        *self = Self { exposed, kept, ..Self::default() };
    }

    pub(super) fn batch(self, origin: Origin, at: Timestamp) -> Batch {
        let Self { samples, histograms, starts, .. } = self;
        let start_times = starts.by_place(samples.len());
        Batch { origin, at, samples, histograms, start_times }
    }
}

/// A body while it is read.
struct Reading<'r, 'f> {
    cache: &'r mut TargetCache,
    taken: &'r mut Taken,
    resolve: &'r mut Resolve<'f>,
    at: Timestamp,
    /// What the last metric is said to be.
    kind: MetricKind,
    /// Whether start times come as series of their own.
    has_created_lines: bool,
    metadata: Metadata,
    /// Why a series cannot be stored, which fails the scrape.
    refused: Option<Refused>,
}

pub(super) enum Refused {
    Undecodable(ScanError),
    Unresolved(Unresolved),
}

impl<'a> ScrapeSink<'a> for Reading<'_, '_> {
    #[inline]
    fn expected(&self) -> &str {
        self.cache.seen.expected()
    }

    #[inline]
    fn take(&mut self, entry: Entry<'a>) {
        match entry {
            Entry::Sample(sample) => self.sample(&sample),
            Entry::Histogram(histogram) => self.histogram(histogram),
            Entry::Type { kind, .. } => {
                self.kind = kind;
                self.taken.starts.end_family();
                self.metadata.hear(&entry);
            }
            Entry::Help { .. } | Entry::Unit { .. } => self.metadata.hear(&entry),
        }
    }
}

impl Reading<'_, '_> {
    #[inline]
    fn sample(&mut self, sample: &ScrapedSample<'_>) {
        self.taken.exposed += 1;
        let found = self.find(sample.series, sample.is_expected, sample.timestamp, false);
        let Some(Taking { found, id, at }) = found else { return };
        let place = self.taken.samples.len() as u32;
        if let Some(since) = sample.since {
            self.taken.starts.sample(place, since);
        } else if found.known.group != 0 {
            self.taken.starts.line(found.known.group, place, sample.value);
        }
        self.taken.samples.push((id, Sample::new(at, sample.value)));
        if let Some(exemplar) = &sample.exemplar {
            self.exemplars(found.place, id, at, std::slice::from_ref(exemplar));
        }
    }

    fn histogram(&mut self, scraped: ScrapedHistogram<'_>) {
        self.taken.exposed += 1;
        let Some(Taking { found, id, at }) = self.find(scraped.series, false, scraped.timestamp, true) else {
            return;
        };
        if let Some(since) = scraped.since {
            self.taken.starts.histogram(self.taken.histograms.len() as u32, since);
        }
        self.taken.histograms.push((id, HistogramSample::new(at, scraped.histogram)));
        self.exemplars(found.place, id, at, &scraped.exemplars);
    }

    /// The series of a value, unless the value is to be left out.
    #[inline]
    fn find(
        &mut self,
        series: &str,
        is_expected: bool,
        timestamp: Option<Timestamp>,
        is_histogram: bool,
    ) -> Option<Taking> {
        let own_time = timestamp.filter(|_| self.cache.honor_timestamps);
        let found = match self.cache.seen.find(series, is_expected) {
            Some(found) => found,
            None => self.insert(series, own_time.is_some(), is_histogram)?,
        };
        let id = found.known.id?;
        self.taken.kept += 1;
        if found.is_repeated && own_time.is_none() {
            self.taken.left_out.duplicates += 1;
            return None;
        }
        if own_time.is_some_and(|at| at > self.at + AHEAD_MAX) {
            self.taken.left_out.out_of_bounds += 1;
            return None;
        }
        Some(Taking { found, id, at: own_time.unwrap_or(self.at) })
    }

    #[cold]
    fn insert(&mut self, series: &str, has_own_time: bool, is_histogram: bool) -> Option<Found> {
        match self.cache.resolve(series, self.kind, self.resolve) {
            Ok(id) => {
                let group = if self.has_created_lines { group_of(series, self.kind) } else { 0 };
                let is_tracked = id.is_some() && (!has_own_time || self.cache.track_own_time);
                Some(self.cache.seen.insert(series, Known { id, is_histogram, is_tracked, group }))
            }
            Err(Refused::Unresolved(Unresolved::Limit(why))) => {
                self.taken.kept += 1;
                self.taken.left_out.over_limit(why);
                None
            }
            Err(why) => {
                self.refused.get_or_insert(why);
                None
            }
        }
    }

    /// Keeps the exemplars of a value that are not those of the last scrape.
    fn exemplars(&mut self, place: Place, id: SeriesId, at: Timestamp, scraped: &[ScrapedExemplar<'_>]) {
        if scraped.is_empty() {
            return;
        }
        let written: Vec<_> =
            scraped.iter().map(|one| (one.written.bytes(), one.value.to_bits(), one.at)).collect();
        let hash = self.cache.hasher.hash_one(written);
        if self.cache.exemplars.insert(place, hash) == Some(hash) {
            return;
        }
        let decoded = scraped.iter().filter_map(ScrapedExemplar::decode);
        let mut decoded: Vec<Exemplar> =
            decoded.map(|one| Exemplar { at: one.at.or(Some(at)), ..one }).collect();
        decoded.sort_by(|a, b| {
            (a.at.cmp(&b.at)).then(a.value.total_cmp(&b.value)).then_with(|| a.labels.cmp(&b.labels))
        });
        self.taken.exemplars.extend(decoded.into_iter().map(|one| (id, one)));
    }
}

/// A value that is taken: its series, and its time.
struct Taking {
    found: Found,
    id: SeriesId,
    at: Timestamp,
}
