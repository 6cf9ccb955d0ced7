//! Reads raw samples of a stretch of time: a range selector asked for at the end of the stretch gives all of them, on
//! every store that speaks Prometheus' API. An answer that would be too large is asked for in halves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bellwether_model::{Labels, Matcher, STALE_NAN, Sample, TimeDelta, Timestamp};
use tokio::task::JoinSet;
use tracing::warn;

use super::answer::{self, Point, QueryData};
use super::ask_error::AskError;
use super::client::{Ask, RemoteClient};
use super::intake::{Answered, Read, UP};
use super::plan::{Fetch, plan};

/// Bytes of JSON that a sample takes at most, with a share of its series' labels.
const SAMPLE_BYTES_MAX: u64 = 64;
/// What an answer may have besides samples.
const LABELS_BYTES_MAX: usize = 8 << 20;
/// Shorter stretches are not divided.
const STRETCH_MIN: TimeDelta = TimeDelta(5 * TimeDelta::SECOND.0);

/// A stretch of time: its start is not included, its end is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// Not included.
    pub start: Timestamp,
    /// Included.
    pub end: Timestamp,
}

/// Reads.
#[derive(Clone)]
pub struct Reader {
    client: Arc<RemoteClient>,
    bytes_max: usize,
    /// Whether it was said that histograms are left out.
    is_told: Arc<AtomicBool>,
}

impl Reader {
    /// With a client, within its limits.
    pub fn new(client: Arc<RemoteClient>) -> Self {
        let samples = client.config().samples_max.saturating_mul(SAMPLE_BYTES_MAX);
        let bytes_max = usize::try_from(samples).unwrap_or(usize::MAX).saturating_add(LABELS_BYTES_MAX);
        Self { client, bytes_max, is_told: Arc::default() }
    }

    /// Everything that some requests want of a stretch, and the `up` of all jobs that occur in it or are known.
    pub async fn read(
        &self,
        fetches: &[Fetch],
        jobs_known: &BTreeSet<String>,
        stretch: Stretch,
    ) -> Result<Answered, AskError> {
        let mut all: Vec<Fetch> = fetches.to_vec();
        all.extend(up_fetches(jobs_known));
        let read = self.read_all(all, stretch).await?;
        let is_new = |job: &&str| !jobs_known.contains(*job);
        let jobs_new: BTreeSet<String> =
            read.iter().filter_map(|read| read.labels.get("job")).filter(is_new).map(str::to_owned).collect();
        let more = self.read_all(up_fetches(&jobs_new), stretch).await?;
        // An objective may count `up` itself; it is the same series then.
        let mut counts: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        let mut ups: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        for Read { labels, samples } in read.into_iter().chain(more) {
            match labels.metric_name() {
                Some(UP) => ups.insert(labels, samples),
                Some(_) | None => counts.insert(labels, samples),
            };
        }
        let reads = |all: BTreeMap<Labels, Vec<Sample>>| {
            all.into_iter().map(|(labels, samples)| Read { labels, samples }).collect()
        };
        Ok(Answered {
            start: stretch.start,
            end: stretch.end,
            ups: reads(ups),
            counts: reads(counts),
            ..Answered::default()
        })
    }

    /// The targets of some jobs that an instant query finds, without the name of `up`.
    pub async fn alive(&self, jobs: &BTreeSet<String>, at: Timestamp) -> Result<BTreeSet<Labels>, AskError> {
        let mut alive = BTreeSet::new();
        for fetch in up_fetches(jobs) {
            let body = self.client.ask(&Ask::instant(&fetch.text(), at, self.bytes_max)).await?;
            match answer::whole(&body)? {
                QueryData::Vector(series) => {
                    alive.extend(series.into_iter().map(|series| series.metric.without_name()))
                }
                QueryData::Matrix(_) | QueryData::Scalar(_) | QueryData::String(_) => {
                    return Err(AskError::Unreadable("an instant query gave no vector".to_owned()));
                }
            }
        }
        Ok(alive)
    }

    async fn read_all(&self, fetches: Vec<Fetch>, stretch: Stretch) -> Result<Vec<Read>, AskError> {
        let mut tasks = JoinSet::new();
        for fetch in fetches {
            let reader = self.clone();
            tasks.spawn(async move { reader.read_one(fetch, stretch).await });
        }
        let mut read = Vec::new();
        while let Some(done) = tasks.join_next().await {
            // The others are given up when one fails: the stretch is read as a whole or not at all.
            read.extend(done.map_err(|error| AskError::Setup(error.to_string()))??);
        }
        Ok(read)
    }

    /// What one request wants; in halves of time, then of what is wanted, if it is too much at once.
    async fn read_one(&self, fetch: Fetch, stretch: Stretch) -> Result<Vec<Read>, AskError> {
        let mut todo = vec![(fetch, stretch)];
        let mut read: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
        while let Some((fetch, stretch)) = todo.pop() {
            match self.ask(&fetch, stretch).await {
                Ok(part) => {
                    for Read { labels, samples } in part {
                        merge(read.entry(labels).or_default(), samples);
                    }
                }
                Err(error) if error.may_be_split() => {
                    let length = stretch.end - stretch.start;
                    if length > STRETCH_MIN {
                        let middle = stretch.start + TimeDelta(length.0 / 2);
                        todo.push((fetch.clone(), Stretch { start: middle, ..stretch }));
                        todo.push((fetch, Stretch { end: middle, ..stretch }));
                    } else if fetch.wanted.len() > 1 {
                        let (a, b) = fetch.wanted.split_at(fetch.wanted.len() / 2);
                        let halves = [a, b].into_iter().flat_map(|half| plan(half.iter().cloned()));
                        todo.extend(halves.map(|half| (half, stretch)));
                    } else {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read.into_iter().map(|(labels, samples)| Read { labels, samples }).collect())
    }

    async fn ask(&self, fetch: &Fetch, stretch: Stretch) -> Result<Vec<Read>, AskError> {
        let length = (stretch.end - stretch.start).0.max(1);
        let range = if length % 1000 == 0 { format!("{}s", length / 1000) } else { format!("{length}ms") };
        let query = format!("{}[{range}]", fetch.text());
        let body = self.client.ask(&Ask::instant(&query, stretch.end, self.bytes_max)).await?;
        let series = match answer::whole(&body)? {
            QueryData::Matrix(series) => series,
            QueryData::Vector(_) | QueryData::Scalar(_) | QueryData::String(_) => {
                return Err(AskError::Unreadable("a range selector gave no samples over time".to_owned()));
            }
        };
        let mut read = Vec::new();
        for series in series.into_iter().filter(|series| fetch.wants(&series.metric)) {
            if !series.histograms.is_empty() && !self.is_told.swap(true, Ordering::Relaxed) {
                let series = &series.metric;
                warn!(%series, "native histograms of a source are not read; what counts them is not measured");
            }
            let inside = |sample: &Sample| stretch.start < sample.at && sample.at <= stretch.end;
            let mut samples: Vec<Sample> =
                series.values.into_iter().map(|Point(sample)| sample).filter(inside).collect();
            samples.sort_by_key(|sample| sample.at);
            samples.dedup_by_key(|sample| sample.at);
            mark_stale(&series.metric, &mut samples);
            if !samples.is_empty() {
                read.push(Read { labels: series.metric, samples });
            }
        }
        Ok(read)
    }
}

/// VictoriaMetrics gives staleness markers where the others leave them out, but as any NaN. A counter has no other; of
/// an `up` it says that the target is gone.
fn mark_stale(labels: &Labels, samples: &mut Vec<Sample>) {
    if labels.metric_name() == Some(UP) {
        let markers = samples.iter_mut().filter(|sample| sample.value.is_nan());
        markers.for_each(|sample| sample.value = STALE_NAN);
    } else {
        samples.retain(|sample| !sample.value.is_nan());
    }
}

/// Adds samples of a later or earlier stretch.
fn merge(into: &mut Vec<Sample>, samples: Vec<Sample>) {
    into.extend(samples);
    into.sort_by_key(|sample| sample.at);
    into.dedup_by_key(|sample| sample.at);
}

/// Requests for the `up` of some jobs.
fn up_fetches(jobs: &BTreeSet<String>) -> Vec<Fetch> {
    let selectors = jobs.iter().map(|job| bellwether_slo::Selector {
        name: Some(UP.to_owned()),
        matchers: vec![Matcher::equal("job", job.as_str())],
    });
    plan(selectors)
}
