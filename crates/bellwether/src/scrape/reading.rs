//! One body while it is read: which of its values are taken, under which series, time and start time.

use std::hash::BuildHasher;

use bellwether_ingest::{
    Entry, MetricKind, ScanError, ScrapeSink, ScrapedExemplar, ScrapedHistogram, ScrapedSample,
    decode_series, scan_into, scan_openmetrics, scan_protobuf,
};
use bellwether_model::{Batch, Exemplar, HistogramSample, Origin, Sample, SeriesId, TimeDelta, Timestamp};

use super::cache::{LimitKind, ReadError, Resolve, TargetCache, Unresolved};
use super::classic_to_native::{Collected, Collecting, Member, member_of};
use super::created::{StartTimes, group_of};
use super::metadata::Metadata;
use super::native_limits::TooManyBuckets;
use super::protocol::Format;
use super::seen_series::{Found, Known, Place};
use super::series_rules::Breach;

/// How far ahead of the scrape a sample's own time may be, as in Prometheus: a clock that is a little fast, no more.
const AHEAD_MAX: TimeDelta = TimeDelta::from_secs(600);

const OUT_OF_BOUNDS: &str =
    "their own timestamps are older than what is kept, or more than 10 minutes ahead of this clock";

/// Samples that a body had and a batch lacks although the scrape was good.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// A series was there twice; the first value counts.
    pub duplicates: u64,
    /// Their own time is far ahead, or before all that is kept.
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
            (self.out_of_bounds, OUT_OF_BOUNDS),
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
) -> Result<Metadata, ReadError> {
    let (limits, histograms) = (cache.limits.clone(), cache.histograms);
    let mut reading = Reading {
        cache,
        taken,
        resolve,
        at,
        kind: MetricKind::Untyped,
        has_created_lines: format == Format::OpenMetrics,
        metadata: Metadata::default(),
        collecting: Collecting::default(),
        family: String::new(),
        native: String::new(),
        refused: None,
        is_over_limit: false,
        too_many_buckets: None,
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
    reading.end_histogram();
    match reading.refused {
        Some(Refused::Undecodable(error)) => Err(error.to_string().into()),
        Some(Refused::Unresolved(Unresolved::Failed(why) | Unresolved::Limit(why))) => Err(why.into()),
        Some(Refused::Breach(Breach::Name(why))) => Err(why.into()),
        Some(Refused::Breach(Breach::Limit(why))) => {
            Err(ReadError { why, breached: Some(LimitKind::Labels) })
        }
        None if reading.is_over_limit => {
            let (kept, limit) = (reading.taken.kept, reading.cache.samples_max);
            let why = format!("sample limit exceeded (number of samples: {kept}, limit: {limit})");
            Err(ReadError { why, breached: Some(LimitKind::Samples) })
        }
        None => match reading.too_many_buckets {
            Some(error) => Err(ReadError { why: error.to_string(), breached: Some(LimitKind::Buckets) }),
            None => Ok(reading.metadata),
        },
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
    /// The classic histogram that becomes a native one, the metric it belongs to, and the last histogram that is one
    /// already.
    collecting: Collecting,
    family: String,
    native: String,
    /// Why a series cannot be stored, which fails the scrape.
    refused: Option<Refused>,
    /// Whether there are more samples than there may be: the rest is only counted.
    is_over_limit: bool,
    /// A native histogram that cannot be made coarse enough.
    too_many_buckets: Option<TooManyBuckets>,
}

pub(super) enum Refused {
    Undecodable(ScanError),
    Breach(Breach),
    Unresolved(Unresolved),
}

impl<'a> ScrapeSink<'a> for Reading<'_, '_> {
    #[inline]
    fn expected(&self) -> &str {
        self.cache.seen.expected()
    }

    #[inline]
    fn take(&mut self, entry: Entry<'a>) {
        if self.refused.is_some() {
            return; // what follows changes nothing, and is not counted either
        }
        match entry {
            Entry::Sample(sample) => self.sample(&sample),
            Entry::Histogram(histogram) => self.histogram(histogram),
            Entry::Type { name, kind } => {
                self.end_histogram();
                self.kind = kind;
                if self.cache.classic_to_native {
                    name.clone_into(&mut self.family);
                }
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
        let Some(found) = self.look_up(sample.series, sample.is_expected, sample.timestamp) else { return };
        if self.cache.classic_to_native && self.collect(found.place, sample) {
            return;
        }
        let Some(Taking { found, id, at }) = self.judge(found, sample.timestamp) else { return };
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
        self.end_histogram();
        if self.cache.classic_to_native {
            scraped.series.clone_into(&mut self.native);
        }
        let found = match self.cache.seen.find(scraped.series, false) {
            Some(found) => Some(found),
            None => self.insert(scraped.series, scraped.timestamp, true),
        };
        self.native_histogram(found, scraped);
    }

    fn native_histogram(&mut self, found: Option<Found>, scraped: ScrapedHistogram<'_>) {
        let taking = found.and_then(|found| self.judge(found, scraped.timestamp));
        let Some(Taking { found, id, at }) = taking else { return };
        let histogram = match self.cache.native_limits.fit(scraped.histogram) {
            Ok(histogram) => histogram,
            Err(error) => {
                self.too_many_buckets = Some(error);
                return;
            }
        };
        if let Some(since) = scraped.since {
            self.taken.starts.histogram(self.taken.histograms.len() as u32, since);
        }
        self.taken.histograms.push((id, HistogramSample::new(at, histogram)));
        self.exemplars(found.place, id, at, &scraped.exemplars);
    }

    /// The series of a value.
    #[inline]
    fn look_up(&mut self, series: &str, is_expected: bool, timestamp: Option<Timestamp>) -> Option<Found> {
        match self.cache.seen.find(series, is_expected) {
            Some(found) => Some(found),
            None => self.insert(series, timestamp, false),
        }
    }

    /// Where a value goes, unless it is to be left out.
    #[inline]
    fn judge(&mut self, found: Found, timestamp: Option<Timestamp>) -> Option<Taking> {
        let own_time = timestamp.filter(|_| self.cache.honor_timestamps);
        let id = found.known.id?;
        self.taken.kept += 1;
        if found.is_repeated && own_time.is_none() {
            self.taken.left_out.duplicates += 1;
            return None;
        }
        if own_time.is_some_and(|at| self.is_out_of_bounds(at)) {
            self.taken.left_out.out_of_bounds += 1;
            return None;
        }
        if self.is_full() {
            self.is_over_limit = true;
            return None;
        }
        Some(Taking { found, id, at: own_time.unwrap_or(self.at) })
    }

    /// Whether a sample's own time is none that is stored.
    #[inline]
    fn is_out_of_bounds(&self, at: Timestamp) -> bool {
        at > self.at + AHEAD_MAX || at < self.cache.oldest
    }

    /// Whether as many samples are taken as may be.
    #[inline]
    fn is_full(&self) -> bool {
        self.taken.samples.len() + self.taken.histograms.len() >= self.cache.samples_max
    }

    #[cold]
    fn insert(&mut self, series: &str, timestamp: Option<Timestamp>, is_histogram: bool) -> Option<Found> {
        let member = if is_histogram { None } else { self.member(series) };
        if let Some(member) = &member
            && !self.cache.histograms.classic_too
        {
            let dropped = Known { id: None, is_histogram, is_tracked: false, group: 0 };
            let found = self.cache.seen.insert(series, dropped);
            self.cache.members.insert(found.place, member.clone());
            return Some(found);
        }
        let known = self.known(series, timestamp, is_histogram)?;
        let found = self.cache.seen.insert(series, known);
        if let Some(member) = member {
            self.cache.members.insert(found.place, member);
        }
        Some(found)
    }

    /// What a new series is; `None` if it cannot be stored.
    fn known(&mut self, series: &str, timestamp: Option<Timestamp>, is_histogram: bool) -> Option<Known> {
        let has_own_time = self.cache.honor_timestamps && timestamp.is_some();
        let is_out_of_bounds = has_own_time && timestamp.is_some_and(|at| self.is_out_of_bounds(at));
        if self.is_full() || is_out_of_bounds {
            // The store must not get a series of a scrape that fails, nor one of which nothing is stored.
            match self.cache.labels_of(series, self.kind) {
                Ok(Some(_)) => {
                    self.taken.kept += 1;
                    match is_out_of_bounds {
                        true => self.taken.left_out.out_of_bounds += 1,
                        false => self.is_over_limit = true,
                    }
                }
                Ok(None) => {}
                Err(why) => {
                    self.refused.get_or_insert(why);
                }
            }
            return None;
        }
        match self.cache.resolve(series, self.kind, self.resolve) {
            Ok(id) => {
                let group = if self.has_created_lines { group_of(series, self.kind) } else { 0 };
                let is_tracked = id.is_some() && (!has_own_time || self.cache.track_own_time);
                Some(Known { id, is_histogram, is_tracked, group })
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

    /// What a series is to a classic histogram that becomes native. One that is native already stays what it is.
    fn member(&self, series: &str) -> Option<Member> {
        if !self.cache.classic_to_native || self.kind != MetricKind::Histogram {
            return None;
        }
        let member = member_of(series, &self.family)?;
        let is_native =
            !self.native.is_empty() && decode_series(&self.native) == decode_series(&member.series);
        (!is_native).then_some(member)
    }

    /// Takes in a part of a classic histogram; gives whether the series itself is not wanted.
    fn collect(&mut self, place: Place, sample: &ScrapedSample<'_>) -> bool {
        let Some(member) = self.cache.members.get(&place).cloned() else {
            self.end_histogram();
            return false;
        };
        if !self.collecting.is_of(&member) {
            self.end_histogram();
        }
        self.collecting.add(&member, sample.value, sample.timestamp, sample.since);
        let is_dropped = !self.cache.histograms.classic_too;
        if is_dropped {
            self.taken.exposed -= 1; // what it becomes is counted
        }
        is_dropped
    }

    /// The classic histogram at hand is over: it becomes a native one.
    fn end_histogram(&mut self) {
        let Some(Collected { series, histogram, timestamp, since }) = self.collecting.finish() else {
            return;
        };
        self.taken.exposed += 1;
        let found = match self.cache.seen.aside(&series, || None) {
            Some(found) => Some(found),
            None => {
                let known = self.known(&series, timestamp, true);
                self.cache.seen.aside(&series, || known)
            }
        };
        let histogram = std::sync::Arc::new(histogram);
        let scraped =
            ScrapedHistogram { series: &series, histogram, timestamp, since, exemplars: Vec::new() };
        self.native_histogram(found, scraped);
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

#[cfg(test)]
mod tests {
    use bellwether_model::{Labels, is_stale};
    use bellwether_testkit::series_numbers::SeriesNumbers;

    use super::super::cache::Scraped;
    use super::*;
    use crate::config::prometheus::ScrapeJob;

    struct World {
        cache: TargetCache,
        names: SeriesNumbers,
        at: Timestamp,
    }

    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

    impl World {
        fn new() -> Self {
            let job = ScrapeJob::with_defaults("api", TimeDelta::from_secs(15));
            let labels = Labels::from_pairs([("job", "api")]);
            Self { cache: TargetCache::new(&job, labels), names: SeriesNumbers::default(), at: Timestamp(0) }
        }

        fn scrape(&mut self, content_type: Option<&str>, body: &[u8]) -> super::super::cache::Outcome {
            self.at += TimeDelta::from_secs(15);
            let names = &mut self.names;
            let mut resolve = |labels: &Labels, _| Ok(names.of(labels));
            let scraped = Scraped {
                at: self.at,
                took: TimeDelta(5),
                body: Some(body),
                content_type,
                framed: false,
                is_too_large: false,
            };
            self.cache.take(scraped, &mut resolve).unwrap()
        }

        fn has(&self, name: &str) -> bool {
            self.names.iter().any(|labels| labels.metric_name() == Some(name))
        }

        fn name(&self, id: SeriesId) -> String {
            self.names.labels(id).metric_name().unwrap().to_owned()
        }

        /// Samples with their start times, markers, histograms; without the series of the target itself.
        fn stored(&mut self, content_type: &str, body: &[u8]) -> Vec<String> {
            let batch = self.scrape(Some(content_type), body).batch;
            let since = |place: usize| {
                let start = batch.start_times.iter().find(|(index, _)| *index as usize == place);
                start.map(|(_, since)| format!(" since {}", since.0)).unwrap_or_default()
            };
            let sample = |(place, (id, sample)): (usize, &(SeriesId, Sample))| {
                let value =
                    if is_stale(sample.value) { "stale".to_owned() } else { sample.value.to_string() };
                format!("{} {value}{}", self.name(*id), since(place))
            };
            let histogram = |(place, (id, sample)): (usize, &(SeriesId, HistogramSample))| {
                let value = if sample.is_stale() { "stale".to_owned() } else { sample.histogram.to_string() };
                format!("{} {value}{}", self.name(*id), since(batch.samples.len() + place))
            };
            let samples = batch.samples.iter().enumerate().map(sample);
            let is_own = |text: &String| text.starts_with("up ") || text.starts_with("scrape_");
            let samples = samples.filter(|text| !is_own(text));
            samples.chain(batch.histograms.iter().enumerate().map(histogram)).collect()
        }
    }

    #[test]
    fn a_created_line_says_since_when_its_metric_counts() {
        let check = |body: &str, expected: &[&str]| {
            let mut world = World::new();
            for _ in 0..2 {
                let body = format!("{body}\n# EOF\n");
                assert_eq!(world.stored(OPENMETRICS, body.as_bytes()), expected, "{body}");
            }
        };
        check(
            "# TYPE a counter\na_total{b=\"1\"} 3\na_created{b=\"1\"} 1.5\na_total{b=\"2\"} 4\na_created{b=\"2\"} 2",
            &["a_total 3 since 1500", "a_created 1.5", "a_total 4 since 2000", "a_created 2"],
        );
        // Lines that stand apart find their values by their labels, whatever the order.
        check(
            "# TYPE a counter\na_total{b=\"1\",c=\"x\"} 3\na_total{b=\"2\"} 4\na_created{c=\"x\",b=\"1\"} 1\na_created{b=\"3\"} 7",
            &["a_total 3 since 1000", "a_total 4", "a_created 1", "a_created 7"],
        );
        check(
            "# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_count 4\nh_sum 5\nh_created 9\n\
             # TYPE s summary\ns{quantile=\"0.5\"} 1\ns_count 2\ns_sum 3\ns_created 8",
            &[
                "h_bucket 3 since 9000",
                "h_bucket 4 since 9000",
                "h_count 4 since 9000",
                "h_sum 5 since 9000",
                "h_created 9",
                "s 1 since 8000",
                "s_count 2 since 8000",
                "s_sum 3 since 8000",
                "s_created 8",
            ],
        );
        // A gauge that is called so is a gauge, and another metric's line says nothing of this one.
        check("# TYPE a gauge\na 1\na_created 5", &["a 1", "a_created 5"]);
        check(
            "# TYPE a counter\na_total 1\n# TYPE b counter\nb_created 5\na_created 6",
            &["a_total 1", "b_created 5", "a_created 6"],
        );
    }

    #[test]
    fn of_a_series_that_is_there_twice_the_first_value_counts() {
        let mut world = World::new();
        let outcome =
            world.scrape(Some("text/plain"), b"a 1\nb 2\na 3\nc 1 15000\nc 2 16000\nd 1 99999999\n");
        let note = "1 sample left out: the target exposes a series twice, and the first value counts; \
                    1 sample left out: their own timestamps are older than what is kept, or more than 10 minutes ahead of this clock";
        assert_eq!((outcome.samples, outcome.left_out.note().as_deref()), (6, Some(note)));
        let values: Vec<f64> = outcome.batch.samples[..4].iter().map(|(_, sample)| sample.value).collect();
        assert_eq!(values, [1.0, 2.0, 1.0, 2.0]);
        assert_eq!(world.stored("text/plain", b"b 2\na 1\n"), ["b 2", "a 1"]);
        assert_eq!(world.stored("text/plain", b"a 1\nb 2\nx 1\n"), ["a 1", "b 2", "x 1"]);
        assert_eq!(world.stored("text/plain", b"x 1\nb 2\n"), ["x 1", "b 2", "a stale"]);
    }

    #[test]
    fn a_sample_too_far_from_now_is_left_out_and_makes_no_series() {
        let mut world = World::new();
        world.cache.set_oldest(Timestamp(5000));
        let outcome = world.scrape(Some("text/plain"), b"a 1 4999\nb 1 5000\nc 1 615001\nd 1\ne 1 615000\n");
        let reports: Vec<f64> = outcome.batch.samples.iter().map(|(_, sample)| sample.value).collect();
        // Behind three samples: up, duration, exposed, kept, added.
        assert_eq!(reports, [1.0, 1.0, 1.0, 1.0, 0.005, 5.0, 5.0, 3.0]);
        assert_eq!((outcome.left_out.out_of_bounds, outcome.error), (2, None));
        let made: Vec<bool> = ["a", "b", "c", "d", "e"].map(|name| world.has(name)).to_vec();
        assert_eq!(made, [false, true, false, true, true]);
        // One that is known is left out as well, and comes back.
        assert_eq!(world.stored("text/plain", b"b 2 4999\na 1 5001\nd 2\n"), ["a 1", "d 2"]);
        assert_eq!(world.stored("text/plain", b"b 3 5001\nd 3\n"), ["b 3", "d 3"]);
        // Without heed of such times there are none.
        world.cache.honor_timestamps = false;
        assert_eq!(world.stored("text/plain", b"f 1 1\nd 4\n"), ["f 1", "d 4"]);
    }

    #[test]
    fn after_a_failure_series_come_back_without_being_new() {
        let mut world = World::new();
        let added = |outcome: &super::super::cache::Outcome| outcome.batch.samples.last().unwrap().1.value;
        assert_eq!(added(&world.scrape(Some("text/plain"), b"a 1\nb 1\n")), 2.0);
        let failed = world.scrape(Some("text/plain"), b"a 1\nc 1\nnonsense\n");
        assert_eq!(failed.batch.samples.iter().filter(|(_, sample)| sample.is_stale()).count(), 2);
        assert_eq!(added(&world.scrape(Some("text/plain"), b"a 1\nb 1\nc 1\n")), 1.0);
        assert_eq!(world.stored("text/plain", b""), ["a stale", "b stale", "c stale"]);
    }

    #[test]
    fn a_body_that_does_not_say_what_it_is_fails_the_scrape() {
        let mut world = World::new();
        let error = |outcome: super::super::cache::Outcome| outcome.error.unwrap_or_default();
        let blank = "non-compliant scrape target sending blank Content-Type";
        assert!(error(world.scrape(None, b"a 1\n")).starts_with(blank));
        assert!(error(world.scrape(Some("application/json"), b"{}")).contains("unsupported Content-Type"));
        assert!(error(world.scrape(Some(OPENMETRICS), b"a 1\n")).contains("line 1"));
        assert_eq!(error(world.scrape(None, b"")), "");
    }

    #[test]
    fn an_exemplar_is_handed_on_once() {
        let mut world = World::new();
        let mut exemplars = |body: &str| -> Vec<i64> {
            let outcome = world.scrape(Some(OPENMETRICS), format!("{body}\n# EOF\n").as_bytes());
            assert_eq!(outcome.error, None);
            outcome.exemplars.into_iter().map(|(_, exemplar)| exemplar.at.unwrap().0).collect()
        };
        assert_eq!(exemplars("a_total 1 # {t=\"1\"} 1 9.5"), [9500]);
        assert_eq!(exemplars("a_total 2 # {t=\"1\"} 1 9.5"), Vec::<i64>::new());
        assert_eq!(exemplars("a_total 3 # {t=\"2\"} 1"), [45_000]);
        assert_eq!(exemplars("a_total 4 # {t=\"2\"} 1"), Vec::<i64>::new());
        assert_eq!(exemplars("a_total 5 # {t=\"2\",t=\"3\"} 1"), Vec::<i64>::new());
    }

    #[test]
    fn classic_histograms_become_native_ones_where_that_is_wanted() {
        let body = "# TYPE h histogram\nh_bucket{le=\"1\",a=\"x\"} 2\nh_bucket{le=\"+Inf\",a=\"x\"} 3\nh_sum{a=\"x\"} 4\n\
                    h_count{a=\"x\"} 3\nh_bucket{a=\"y\",le=\"+Inf\"} 1\nh_sum{a=\"y\"} 1\nh_count{a=\"y\"} 1\n\
                    # TYPE g gauge\ng_count 1\n";
        let native = ["h {count:3, sum:4, [-Inf,1]:2, (1,+Inf]:1}", "h {count:1, sum:1, [-Inf,+Inf]:1}"];
        let mut world = World::new();
        world.cache.classic_to_native = true;
        for _ in 0..2 {
            assert_eq!(
                world.stored("text/plain", body.as_bytes()),
                [&["g_count 1"][..], &native[..]].concat()
            );
        }
        assert_eq!(world.scrape(Some("text/plain"), body.as_bytes()).samples, 3);
        assert_eq!(world.stored("text/plain", b"g_count 2\n"), ["g_count 2", "h stale", "h stale"]);
        let mut world = World::new();
        world.cache.classic_to_native = true;
        world.cache.histograms.classic_too = true;
        for _ in 0..2 {
            let stored = world.stored("text/plain", body.as_bytes());
            assert_eq!((stored.len(), &stored[8..]), (10, &native.map(str::to_owned)[..]));
        }
    }

    #[test]
    fn a_native_histogram_has_its_marker_and_start_time() {
        let mut world = World::new();
        world.cache.histograms.native = true;
        // A family "h" of kind 4 with one metric: count 1, sum 2, a span (0, 1), a delta of 1, created at 3 s.
        let histogram: &[u8] = &[8, 1, 17, 0, 0, 0, 0, 0, 0, 0, 64, 98, 4, 8, 0, 16, 1, 104, 2, 122, 2, 8, 3];
        let mut body = vec![10, 1, b'h', 24, 4, 34, histogram.len() as u8 + 2, 58, histogram.len() as u8];
        body.extend(histogram);
        body.insert(0, body.len() as u8);
        let protobuf =
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";
        assert_eq!(world.stored(protobuf, &body), ["h {count:1, sum:2, (0.5,1]:1} since 3000"]);
        assert_eq!(world.stored(protobuf, b""), ["h stale"]);
    }
}
