//! What one target exposed last time: turns a body into a batch without decoding labels that were seen before, and
//! notices which series have gone.

use std::collections::{HashMap, HashSet};
use std::hash::RandomState;

use bellwether_ingest::{
    HistogramChoice, LabelConflict, Limits, MetricKind, decode_series, target_labels, with_bound_spelled,
};
use bellwether_model::{
    Batch, Exemplar, Histogram, HistogramSample, Labels, METRIC_NAME, Origin, STALE_NAN, Sample, SeriesId,
    TimeDelta, Timestamp,
};

use super::classic_to_native::Member;
use super::metadata::Metadata;
use super::native_limits::NativeLimits;
use super::protocol::format_of;
use super::reading::{self, LeftOut, Refused, Taken};
use super::seen_series::{Known, Place, SeenSeries};
use super::series_rules::SeriesRules;
use crate::config::prometheus::{ScrapeJob, ScrapeProtocol};

/// Finds or makes the number of a series.
pub type Resolve<'a> = dyn FnMut(&Labels, Whose) -> Result<SeriesId, Unresolved> + 'a;

/// Who makes a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The target: there may be too many of them.
    Exposed,
    /// We: there are a few of each target.
    Report,
}

/// Why a series has no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// There are as many as there may be: the scrape goes on without it.
    Limit(String),
    /// The store cannot take it.
    Failed(String),
}

/// What a scrape came to.
#[derive(Clone, Copy, Debug)]
pub struct Scraped<'a> {
    /// The moment its samples stand for.
    pub at: Timestamp,
    /// How long it took.
    pub took: TimeDelta,
    /// The body, if one arrived.
    pub body: Option<&'a [u8]>,
    /// What the target says the body is.
    pub content_type: Option<&'a str>,
    /// Whether the body's end was marked by HTTP itself, so that an open last line cannot be a cut.
    pub framed: bool,
    /// Whether there is no body because it was too large.
    pub is_too_large: bool,
}

/// A batch, and why the scrape failed if it did.
#[derive(Debug)]
pub struct Outcome {
    /// What is to be stored.
    pub batch: Batch,
    /// Exemplars of its series, in the order in which each series' must be added.
    pub exemplars: Vec<(SeriesId, Exemplar)>,
    /// Samples the target exposed.
    pub samples: u64,
    /// Why the body was refused.
    pub error: Option<String>,
    /// Which limit of the job it broke.
    pub breached: Option<LimitKind>,
    /// What was left out of it, and why.
    pub left_out: LeftOut,
}

/// Limits that fail a scrape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// On its samples.
    Samples,
    /// On the labels of its series.
    Labels,
    /// On the buckets of a native histogram.
    Buckets,
}

/// Why a body was refused.
pub(super) struct ReadError {
    pub(super) why: String,
    pub(super) breached: Option<LimitKind>,
}

impl From<String> for ReadError {
    fn from(why: String) -> Self {
        Self { why, breached: None }
    }
}

/// What a target gets series about besides.
#[derive(Clone, Copy, Debug)]
struct Extra {
    timeout: TimeDelta,
    sample_limit: u64,
}

/// One target's memory.
#[derive(Clone, Debug)]
pub struct TargetCache {
    labels: Labels,
    conflict: LabelConflict,
    pub(super) honor_timestamps: bool,
    /// What is older by its own time is left out.
    pub(super) oldest: Timestamp,
    /// Whether series with timestamps of their own get markers too.
    pub(super) track_own_time: bool,
    pub(super) histograms: HistogramChoice,
    /// Whether classic histograms become native ones.
    pub(super) classic_to_native: bool,
    pub(super) native_limits: NativeLimits,
    fallback: Option<ScrapeProtocol>,
    pub(super) limits: Limits,
    /// Most samples that are taken of one body.
    pub(super) samples_max: usize,
    rules: SeriesRules,
    extra: Option<Extra>,
    interval: TimeDelta,
    pub(super) seen: SeenSeries,
    /// The last exemplars of series that have any, as a hash of what was written: mostly they are repeated.
    pub(super) exemplars: HashMap<Place, u64>,
    /// Classic series that are parts of histograms which become native.
    pub(super) members: HashMap<Place, Member>,
    pub(super) hasher: RandomState,
    reports: Option<Reports>,
    /// Series of the settings before: they have gone unless the next scrape has them.
    inherited: Vec<Known>,
    metadata: Metadata,
}

/// The series that every target has from us.
#[derive(Clone, Copy, Debug)]
struct Reports {
    up: SeriesId,
    duration: SeriesId,
    samples: SeriesId,
    samples_kept: SeriesId,
    series_added: SeriesId,
    /// Timeout, limit of samples, size of the body, where a job wants them.
    extra: Option<[SeriesId; 3]>,
}

impl Reports {
    fn all(&self) -> impl Iterator<Item = SeriesId> + use<> {
        let usual = [self.up, self.duration, self.samples, self.samples_kept, self.series_added];
        usual.into_iter().chain(self.extra.into_iter().flatten())
    }
}

impl TargetCache {
    /// For a target of a job.
    pub fn new(job: &ScrapeJob, labels: Labels) -> Self {
        let conflict =
            if job.honor_labels { LabelConflict::KeepScraped } else { LabelConflict::RenameScraped };
        Self {
            labels,
            conflict,
            honor_timestamps: job.honor_timestamps,
            oldest: Timestamp::MIN,
            track_own_time: job.track_timestamps_staleness,
            histograms: HistogramChoice {
                native: job.formats.native_histograms,
                classic_too: job.formats.classic_beside_native,
            },
            fallback: job.formats.fallback,
            limits: Limits::default(),
            samples_max: match job.limits.samples {
                0 => usize::MAX,
                limit => usize::try_from(limit).unwrap_or(usize::MAX),
            },
            rules: SeriesRules::of(job),
            extra: job
                .extra_metrics
                .then_some(Extra { timeout: job.timeout, sample_limit: job.limits.samples }),
            classic_to_native: job.formats.classic_to_native,
            native_limits: NativeLimits::of(&job.formats),
            members: HashMap::new(),
            interval: job.interval,
            seen: SeenSeries::default(),
            exemplars: HashMap::new(),
            hasher: RandomState::new(),
            reports: None,
            inherited: Vec::new(),
            metadata: Metadata::default(),
        }
    }

    /// What the last body that could be read said of its metrics.
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Leaves out from now on what is older by its own time.
    pub const fn set_oldest(&mut self, oldest: Timestamp) {
        self.oldest = oldest;
    }

    /// Goes on with the series of the same target under other settings.
    pub fn succeed(&mut self, before: Self) {
        self.inherited.extend(before.seen.live());
        self.inherited.extend(before.inherited);
    }

    /// Looks at all numbers it remembers, and asks for those anew that are forgotten.
    pub fn let_go(
        &mut self,
        forgotten_of: &mut dyn FnMut(&mut dyn Iterator<Item = SeriesId>) -> Vec<SeriesId>,
    ) {
        let reports = self.reports.iter().flat_map(Reports::all);
        let inherited = self.inherited.iter().filter_map(|known| known.id);
        let mut all = self.seen.ids().chain(inherited).chain(reports);
        let gone: HashSet<SeriesId> = forgotten_of(&mut all).into_iter().collect();
        drop(all);
        if gone.is_empty() {
            return;
        }
        let is_gone = |known: &Known| known.id.is_some_and(|id| gone.contains(&id));
        let (exemplars, members) = (&mut self.exemplars, &mut self.members);
        self.seen.let_go(&is_gone, &mut |place| {
            exemplars.remove(&place);
            members.remove(&place);
        });
        self.inherited.retain(|known| !is_gone(known));
        if self.reports.iter().flat_map(Reports::all).any(|id| gone.contains(&id)) {
            self.reports = None;
        }
    }

    /// Turns a scrape into a batch: its samples, markers for what has gone, and the five report series. A body that
    /// cannot be read counts as a failed scrape, whole.
    pub fn take(&mut self, scraped: Scraped<'_>, resolve: &mut Resolve<'_>) -> Result<Outcome, String> {
        let reports = self.reports(resolve)?;
        self.seen.begin();
        let mut taken = Taken::with_capacity(self.seen.count() + 8);
        let read = scraped.body.map(|body| self.read(body, &scraped, resolve, &mut taken));
        let ok = matches!(read, Some(Ok(())));
        let error = read.and_then(Result::err);
        let (error, breached) = error.map_or((None, None), |error| (Some(error.why), error.breached));
        let added = if ok { self.seen.added() } else { 0 };
        if !ok {
            taken.clear();
        }
        self.mark_gone(scraped.at, ok, &mut taken);
        let exposed = taken.exposed;
        let mut report = |id, value| taken.samples.push((id, Sample::new(scraped.at, value)));
        report(reports.up, f64::from(u8::from(ok)));
        report(reports.duration, scraped.took.as_secs_f64());
        report(reports.samples, exposed as f64);
        report(reports.samples_kept, taken.kept as f64);
        report(reports.series_added, added as f64);
        if let (Some(extra), Some([timeout, limit, size])) = (self.extra, reports.extra) {
            report(timeout, extra.timeout.as_secs_f64());
            report(limit, extra.sample_limit as f64);
            let bytes = scraped.body.map_or(0.0, |body| body.len() as f64);
            report(size, if scraped.is_too_large { -1.0 } else { bytes });
        }
        let origin = Origin::Scrape { target: reports.up, ok, interval: self.interval };
        let (exemplars, left_out) =
            (std::mem::take(&mut taken.exemplars), std::mem::take(&mut taken.left_out));
        Ok(Outcome {
            batch: taken.batch(origin, scraped.at),
            exemplars,
            samples: exposed,
            error,
            breached,
            left_out,
        })
    }

    fn read(
        &mut self,
        body: &[u8],
        scraped: &Scraped<'_>,
        resolve: &mut Resolve<'_>,
        taken: &mut Taken,
    ) -> Result<(), ReadError> {
        if body.is_empty() {
            return Ok(()); // a target without metrics needs not say in which format it has none
        }
        let format = format_of(scraped.content_type, self.fallback)?;
        self.limits.last_line_may_be_open = scraped.framed;
        self.metadata = reading::read(self, format, body, scraped.at, resolve, taken)?;
        Ok(())
    }

    /// The labels of a series that is new; `None` if relabelling drops it.
    pub(super) fn labels_of(&self, series: &str, kind: MetricKind) -> Result<Option<Labels>, Refused> {
        let decoded = decode_series(series).map_err(Refused::Undecodable)?;
        let labels = target_labels(&decoded, &self.labels, self.conflict);
        let labels = with_bound_spelled(labels, kind);
        self.rules.settle(labels).map_err(Refused::Breach)
    }

    /// The number of a series that is new; `None` if relabelling drops it.
    pub(super) fn resolve(
        &self,
        series: &str,
        kind: MetricKind,
        resolve: &mut Resolve<'_>,
    ) -> Result<Option<SeriesId>, Refused> {
        match self.labels_of(series, kind)? {
            Some(labels) => resolve(&labels, Whose::Exposed).map(Some).map_err(Refused::Unresolved),
            None => Ok(None),
        }
    }

    fn mark_gone(&mut self, at: Timestamp, ok: bool, taken: &mut Taken) {
        let mut gone = std::mem::take(&mut self.inherited);
        let (exemplars, members) = (&mut self.exemplars, &mut self.members);
        let mut forgotten = |place| {
            exemplars.remove(&place);
            members.remove(&place);
        };
        if ok {
            self.seen.end(&mut gone, &mut forgotten);
        } else {
            self.seen.fail(&mut gone, &mut forgotten);
            self.exemplars.clear(); // those of a refused body were not kept, and are news the next time
        }
        let mut gone: Vec<_> =
            gone.iter().filter_map(|known| Some((known.id?, known.is_histogram))).collect();
        gone.sort_unstable(); // a batch's order must not depend on a hash
        gone.dedup();
        // The same series may now be written in another way (labels in another order): then it has not gone.
        if !gone.is_empty() {
            let histograms = taken.histograms.iter().map(|(id, _)| *id);
            let present: HashSet<SeriesId> =
                taken.samples.iter().map(|(id, _)| *id).chain(histograms).collect();
            gone.retain(|(id, _)| !present.contains(id));
        }
        for (id, is_histogram) in gone {
            if is_histogram {
                taken.histograms.push((id, HistogramSample::new(at, Histogram::stale().into())));
            } else {
                taken.samples.push((id, Sample::new(at, STALE_NAN)));
            }
        }
    }

    /// The batch that says goodbye when a target is no longer scraped.
    pub fn farewell(&mut self, at: Timestamp) -> Option<Batch> {
        let reports = self.reports?;
        self.seen.begin();
        let mut taken = Taken::default();
        self.mark_gone(at, false, &mut taken);
        for id in reports.all() {
            taken.samples.push((id, Sample::new(at, STALE_NAN)));
        }
        let origin = Origin::Scrape { target: reports.up, ok: false, interval: self.interval };
        Some(taken.batch(origin, at))
    }

    fn reports(&mut self, resolve: &mut Resolve<'_>) -> Result<Reports, String> {
        if let Some(reports) = self.reports {
            return Ok(reports);
        }
        let mut series = |name: &str| {
            resolve(&self.labels.with(METRIC_NAME, name), Whose::Report).map_err(
                |unresolved| match unresolved {
                    Unresolved::Limit(why) | Unresolved::Failed(why) => why,
                },
            )
        };
        let reports = Reports {
            up: series("up")?,
            duration: series("scrape_duration_seconds")?,
            samples: series("scrape_samples_scraped")?,
            samples_kept: series("scrape_samples_post_metric_relabeling")?,
            series_added: series("scrape_series_added")?,
            extra: match self.extra {
                Some(_) => Some([
                    series("scrape_timeout_seconds")?,
                    series("scrape_sample_limit")?,
                    series("scrape_body_size_bytes")?,
                ]),
                None => None,
            },
        };
        self.reports = Some(reports);
        Ok(reports)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use bellwether_model::{Matcher, SeriesSource, TimeRange};
    use bellwether_testkit::series_numbers::SeriesNumbers;
    use bellwether_tsdb::fault_disk::FaultDisk;
    use bellwether_tsdb::{Options, Store};

    use super::*;

    struct World {
        cache: TargetCache,
        names: SeriesNumbers,
        at: Timestamp,
    }

    impl World {
        fn new() -> Self {
            let labels = Labels::from_pairs([("job", "api"), ("instance", "a:1")]);
            let job = ScrapeJob::with_defaults("api", TimeDelta::from_secs(15));
            Self { cache: TargetCache::new(&job, labels), names: SeriesNumbers::default(), at: Timestamp(0) }
        }

        /// Scrapes a body (`None`: no answer) and gives the samples that are not reports, as text.
        fn scrape(&mut self, body: Option<&str>) -> (Vec<String>, f64, Option<String>) {
            self.at += TimeDelta::from_secs(15);
            let names = &mut self.names;
            let mut resolve = |labels: &Labels, _| Ok(names.of(labels));
            let scraped = Scraped {
                at: self.at,
                took: TimeDelta(5),
                body: body.map(str::as_bytes),
                content_type: Some("text/plain"),
                framed: false,
                is_too_large: false,
            };
            let outcome = self.cache.take(scraped, &mut resolve).unwrap();
            let text = |(id, sample): &(SeriesId, Sample)| {
                let value = if sample.is_stale() { "stale".to_owned() } else { sample.value.to_string() };
                format!("{} {value}", self.names.labels(*id).metric_name().unwrap())
            };
            let all: Vec<String> = outcome.batch.samples.iter().map(text).collect();
            let (own, reports) = all.split_at(all.len() - 5);
            let up = reports[0].strip_prefix("up ").unwrap().parse().unwrap();
            (own.to_vec(), up, outcome.error)
        }
    }

    #[test]
    fn a_series_that_is_no_longer_exposed_gets_a_marker_once() {
        let mut world = World::new();
        assert_eq!(world.scrape(Some("a 1\nb 2\n")).0, ["a 1", "b 2"]);
        assert_eq!(world.scrape(Some("a 3\n")).0, ["a 3", "b stale"]);
        assert_eq!(world.scrape(Some("a 4\n")).0, ["a 4"]);
        assert_eq!(world.scrape(Some("a 5\nb 1\n")).0, ["a 5", "b 1"]);
    }

    #[test]
    fn bounds_of_a_histogram_are_stored_in_one_spelling() {
        let mut world = World::new();
        let body = "# TYPE a histogram\na_bucket{le=\"5\"} 1\n# TYPE b gauge\nb{le=\"5\"} 1\n";
        world.scrape(Some(body));
        let bounds: Vec<_> = world.names.iter().filter_map(|labels| labels.get("le")).collect();
        assert_eq!(bounds, ["5.0", "5"]);
        assert_eq!(
            world.scrape(Some("# TYPE a histogram\na_bucket{le=\"5.0\"} 2\n")).0,
            ["a_bucket 2", "b stale"]
        );
    }

    #[test]
    fn a_target_that_does_not_answer_is_down_and_all_of_its_series_have_gone() {
        let mut world = World::new();
        world.scrape(Some("a 1\nb 2\n"));
        let (own, up, error) = world.scrape(None);
        assert_eq!((own, up, error), (vec!["a stale".to_owned(), "b stale".to_owned()], 0.0, None));
        assert_eq!(world.scrape(None).0, Vec::<String>::new());
    }

    #[test]
    fn a_body_that_cannot_be_read_is_refused_whole() {
        let mut world = World::new();
        world.scrape(Some("a 1\n"));
        let (own, up, error) = world.scrape(Some("a 2\nb nonsense\n"));
        assert_eq!((own, up), (vec!["a stale".to_owned()], 0.0));
        assert!(error.is_some_and(|why| why.contains("line 2")));
    }

    #[test]
    fn other_settings_go_on_with_the_same_series() {
        let mut world = World::new();
        world.scrape(Some("a 1\nb 2\n"));
        let job = ScrapeJob::with_defaults("api", TimeDelta::from_secs(15));
        let fresh = TargetCache::new(&job, world.cache.labels.clone());
        let before = std::mem::replace(&mut world.cache, fresh);
        world.cache.succeed(before);
        assert_eq!(world.scrape(Some("a 3\n")).0, ["a 3", "b stale"]);
        assert_eq!(world.scrape(Some("a 4\n")).0, ["a 4"]);
    }

    #[test]
    fn beyond_a_limit_existing_series_go_on_and_the_scrape_says_what_is_left_out() {
        let mut world = World::new();
        world.scrape(Some("a 1\n"));
        let names = &mut world.names;
        let mut resolve = |labels: &Labels, whose| match (whose, labels.metric_name()) {
            (Whose::Report, _) | (Whose::Exposed, Some("a")) => Ok(names.of(labels)),
            (Whose::Exposed, _) => Err(Unresolved::Limit("job api has 1 series".to_owned())),
        };
        let body = Some("a 2\nb 1\nc 1\n".as_bytes());
        let scraped = Scraped {
            at: Timestamp(60_000),
            took: TimeDelta(5),
            body,
            content_type: Some("text/plain"),
            framed: false,
            is_too_large: false,
        };
        let outcome = world.cache.take(scraped, &mut resolve).unwrap();
        assert_eq!((outcome.error, outcome.samples, outcome.batch.samples.len()), (None, 3, 1 + 5));
        assert_eq!(outcome.left_out.note().as_deref(), Some("2 samples left out: job api has 1 series"));
        assert!((outcome.batch.samples[1].1.value - 1.0).abs() < f64::EPSILON, "it is up");
    }

    #[test]
    fn a_series_that_the_store_forgot_meanwhile_is_stored_when_it_comes_back() {
        let disk = Arc::new(FaultDisk::new());
        let store = Store::open(Path::new("data"), Options::default(), disk).unwrap().0;
        let mut cache = World::new().cache;
        let mut scrape = |store: &Store, at: i64, body: Option<&str>| {
            let mut resolve = |labels: &Labels, _| Ok(store.series(labels).unwrap());
            let scraped = Scraped {
                at: Timestamp(at),
                took: TimeDelta(5),
                body: body.map(str::as_bytes),
                content_type: Some("text/plain"),
                framed: true,
                is_too_large: false,
            };
            cache.let_go(&mut |ids| store.forgotten_of(ids));
            store.append(&cache.take(scraped, &mut resolve).unwrap().batch).unwrap().refused
        };
        assert_eq!(scrape(&store, 1_000, Some("a 1\nb 1\n")), []);
        // The target is away for longer than samples are kept; its own series go on.
        for at in 2..10 {
            assert_eq!(scrape(&store, at * 1_000, None), []);
            store.sync().unwrap();
            store.release(store.position());
            store.seal(Timestamp(at * 1_000)).unwrap();
            store.enforce_retention(Timestamp(at * 1_000 - 1_500)).unwrap();
            store.forget().unwrap();
        }
        let name = Labels::from_pairs([("__name__", "a"), ("instance", "a:1"), ("job", "api")]);
        assert_eq!((store.find(&name), store.forgettings()), (None, 1), "it is forgotten");
        assert_eq!(scrape(&store, 10_000, Some("a 2\nb 1\n")), [], "nothing of it is refused");
        let id = store.find(&name).unwrap();
        let shown = store.snapshot().select(&[Matcher::equal("__name__", "a")], TimeRange::ALL).unwrap();
        assert_eq!((shown.len(), store.labels(id)), (1, Some(name)));
        assert_eq!(scrape(&store, 11_000, Some("a 3\nb 1\n")), []);
    }

    #[test]
    fn a_body_cut_off_within_a_number_is_refused() {
        let (own, up, error) = World::new().scrape(Some("a 1\nb 12"));
        assert_eq!((own.len(), up), (0, 0.0));
        assert!(error.is_some());
    }
}
