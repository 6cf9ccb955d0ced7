//! The task that reads the source: every slot what is new, and whatever was missed before it. What was read becomes
//! durable before the next stretch is asked for, so that a crash at any moment goes on from the samples themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_model::{
    Batch, Labels, METRIC_NAME, Matcher, Sample, SeriesId, SeriesSource, SeriesView, TimeDelta, TimeRange,
    Timestamp,
};
use bellwether_slo::Selector;
use bellwether_tsdb::Store;
use indicatif::ProgressBar;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{info, warn};

use super::ask_error::AskError;
use super::client::RemoteClient;
use super::intake::{Intake, SETTLED_AFTER, UP, Verdict};
use super::plan::plan;
use super::reader::{Reader, Stretch};
use super::track::{Reach, Track};
use crate::clock;
use crate::config::source::SourceConfig;
use crate::health::{Health, Trouble};
use crate::pipeline::{Outcome, Pipeline};
use crate::request::{Change, Request};
use crate::terminal;
use crate::writer::WriterHandle;

/// What is first seen so soon after reading began may have been there before.
const LOOKBACK: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
/// How often late samples are looked for.
const FULL_EVERY: TimeDelta = TimeDelta::MINUTE;
/// How often progress through the past is told.
const TOLD_EVERY: TimeDelta = TimeDelta(10 * TimeDelta::SECOND.0);
/// Series that were silent for so long are forgotten; far longer than anything that is read again.
const REMEMBERED: TimeDelta = TimeDelta(12 * TimeDelta::HOUR.0);
/// A target that was silent is looked for no further back.
const HOLE_MAX: TimeDelta = TimeDelta(6 * TimeDelta::HOUR.0);

/// How reading does, for pages and metrics.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceView {
    /// Where it is.
    pub url: String,
    /// Everything up to here has been read.
    pub read_until: Option<Timestamp>,
    /// Since when it cannot be read, and why; `None` while it can.
    pub trouble: Option<(Timestamp, String)>,
    /// How far back the past has been asked for, while that is being read.
    pub history_from: Option<Timestamp>,
    /// Targets that are not gone.
    pub targets: usize,
    /// Series that are counted.
    pub series: usize,
    /// Requests that one slot takes.
    pub requests_per_slot: usize,
    /// Stretches read so far.
    pub stretches: u64,
    /// Samples that were new.
    pub samples: u64,
    /// Stretches that could not be read.
    pub failures: u64,
}

/// What the task works with.
pub struct Parts {
    /// The samples.
    pub store: Arc<Store>,
    /// The way into the store.
    pub writer: WriterHandle,
    /// Where trouble is reported.
    pub health: Arc<Health>,
    /// Where decisions are made.
    pub requests: mpsc::Sender<Request>,
    /// How reading does.
    pub view: Arc<Mutex<SourceView>>,
}

/// The task.
pub struct Poller {
    parts: Parts,
    config: SourceConfig,
    reader: Reader,
    intake: Intake,
    main: Track,
    /// What objectives count that are new: their past is read before they join the others.
    joining: Vec<Track>,
    full_at: Timestamp,
    told_at: Timestamp,
    bar: Option<ProgressBar>,
}

/// What became of one turn.
enum Turn {
    /// There is more to read at once.
    Behind,
    /// All that there is has been read.
    UpToDate,
}

impl Poller {
    /// Goes on where the store ends; where it has nothing, `history` ago.
    pub fn new(
        parts: Parts,
        client: Arc<RemoteClient>,
        selectors: &[Selector],
        history: TimeDelta,
        now: Timestamp,
    ) -> Result<Self, String> {
        let config = client.config().clone();
        let mut intake = Intake::new(config.overlap, config.interval);
        let stored = Stored::read(&parts.store, selectors, config.overlap)?;
        for (labels, (id, samples)) in &stored.ups {
            intake.recall_target(labels, *id, samples);
        }
        for (labels, (id, samples)) in &stored.counts {
            intake.recall_series(labels, *id, samples);
        }
        let begin = now - history;
        let (main, joining) = tracks(selectors, &stored, begin, config.overlap);
        let bar = None;
        let (full_at, told_at) = (Timestamp::default(), Timestamp::default());
        Ok(Self { parts, config, reader: Reader::new(client), intake, main, joining, full_at, told_at, bar })
    }

    /// Reads until told to stop.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let started = clock::now();
            let turn = tokio::select! {
                turn = self.turn(started) => turn,
                _ = stop.changed() => return,
            };
            let due = match turn {
                Ok(Turn::Behind) => continue,
                Ok(Turn::UpToDate) => self.slot_after(started),
                Err(error) => {
                    self.failed(&error, started);
                    let wait = error.retry_after().unwrap_or_default().min(TimeDelta::HOUR);
                    self.slot_after(started).max(clock::now() + wait)
                }
            };
            tokio::select! {
                () = clock::sleep_until(due) => {}
                _ = stop.changed() => return,
            }
        }
    }

    fn slot_after(&self, at: Timestamp) -> Timestamp {
        at.floor_to(self.config.interval) + self.config.interval
    }

    fn reach(&mut self, now: Timestamp) -> Reach {
        let slowest = self.intake.interval_max().min(TimeDelta(10 * TimeDelta::MINUTE.0));
        let margin = TimeDelta(2 * slowest.max(self.config.interval).max(SETTLED_AFTER).0);
        let is_full = now - self.full_at >= FULL_EVERY || now < self.full_at;
        Reach { overlap: self.config.overlap, margin, is_full }
    }

    /// Reads one stretch of everything that is known, and one of each past that is still missing.
    async fn turn(&mut self, now: Timestamp) -> Result<Turn, AskError> {
        let reach = self.reach(now);
        let stretch = self.main.next(now, reach);
        let mut main = self.main.clone();
        let read = self.read(&mut main, stretch, now, IsLive::of(&self.main, now, reach)).await;
        self.main = main;
        read?;
        if reach.is_full {
            self.full_at = now;
            if self.joining.is_empty() {
                self.intake.forget_before(self.main.read_until - REMEMBERED);
            }
        }
        self.told(now, reach).await;
        let mut is_behind = self.main.is_behind(now, reach);
        for index in (0..self.joining.len()).rev() {
            let until = self.main.read_until;
            let mut track = self.joining[index].clone();
            let stretch = track.next(until, Reach { is_full: false, ..reach });
            let read = self.read(&mut track, stretch, now, IsLive::No).await;
            self.joining[index] = track;
            read?;
            is_behind |= self.joining[index].read_until < until;
            if self.joining[index].read_until >= until {
                let track = self.joining.swap_remove(index);
                let wanted = self.main.fetches.iter().chain(&track.fetches);
                self.main.fetches = plan(wanted.flat_map(|fetch| fetch.wanted.clone()).collect::<Vec<_>>());
                info!(from = %track.begun_at, "the past of new objectives has been read");
            }
        }
        self.parts.health.clear(Trouble::Source);
        self.show(|view| view.trouble = None);
        Ok(if is_behind { Turn::Behind } else { Turn::UpToDate })
    }

    async fn read(
        &mut self,
        track: &mut Track,
        mut stretch: Stretch,
        now: Timestamp,
        is_live: IsLive,
    ) -> Result<(), AskError> {
        if track.fetches.is_empty() {
            track.done(stretch, 0, self.config.samples_max);
            return Ok(());
        }
        loop {
            // Whoever reads a past finds its jobs in it; the present must also be told of those that are silent.
            let jobs = match is_live {
                IsLive::Yes => self.intake.jobs(),
                IsLive::No => BTreeSet::new(),
            };
            let answered = self.reader.read(&track.fetches, &jobs, stretch).await;
            let mut answered = answered.inspect_err(|error| {
                if error.may_be_split() {
                    track.halve();
                }
            })?;
            if is_live == IsLive::Yes {
                answered.alive = Some(self.reader.alive(&jobs, stretch.end).await?);
            }
            answered.baseline_until = track.baseline_until;
            let samples = answered.counts.iter().map(|read| read.samples.len()).sum();
            let store = self.parts.store.clone();
            let mut resolve = |labels: &Labels| store.series(labels).map_err(|error| error.to_string());
            match self.intake.take(&answered, &mut resolve).map_err(AskError::Setup)? {
                Verdict::Append(batches) => {
                    self.append(batches).await?;
                    track.done(stretch, samples, self.config.samples_max);
                    return Ok(());
                }
                Verdict::ReadFrom(from) => {
                    stretch.start = from.max(now - HOLE_MAX);
                    info!(from = %stretch.start, "a target was not heard of for a while; reading it again");
                }
                Verdict::DownSampled(coarse) => {
                    let sentence = format!(
                        "samples between {} and {} lie {} apart where they were scraped every {} (target {}): they are down-sampled, and not counted",
                        stretch.start, stretch.end, coarse.apart, coarse.interval, coarse.target
                    );
                    if !track.leave_out(stretch, now, LOOKBACK) {
                        return Err(AskError::DownSampled(sentence));
                    }
                    if track.read_until >= stretch.end {
                        warn!("{sentence}; history begins at {}", track.begun_at);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Makes batches durable. What could not be stored is read again: what is remembered of it is forgotten.
    async fn append(&mut self, batches: Vec<Batch>) -> Result<(), AskError> {
        let samples: usize = batches.iter().map(Batch::len).sum();
        if let Err(why) = self.parts.writer.append_all(batches).await {
            self.recall()?;
            return Err(AskError::Setup(format!("what was read cannot be stored: {why}")));
        }
        let (targets, series) = self.intake.sizes();
        self.show(|view| {
            view.samples += samples as u64;
            view.stretches += 1;
            (view.targets, view.series) = (targets, series);
        });
        Ok(())
    }

    /// Forgets what was read and remembers what is stored.
    fn recall(&mut self) -> Result<(), AskError> {
        let all = self.joining.iter().chain([&self.main]).flat_map(|track| &track.fetches);
        let selectors: Vec<Selector> = all.flat_map(|fetch| fetch.wanted.clone()).collect();
        let stored =
            Stored::read(&self.parts.store, &selectors, self.config.overlap).map_err(AskError::Setup)?;
        self.intake = Intake::new(self.config.overlap, self.config.interval);
        for (labels, (id, samples)) in &stored.ups {
            self.intake.recall_target(labels, *id, samples);
        }
        for (labels, (id, samples)) in &stored.counts {
            self.intake.recall_series(labels, *id, samples);
        }
        Ok(())
    }

    fn show(&self, change: impl FnOnce(&mut SourceView)) {
        change(&mut self.parts.view.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn failed(&self, error: &AskError, now: Timestamp) {
        let (mut since, mut read_until) = (now, None);
        self.show(|view| {
            view.failures += 1;
            since = view.trouble.as_ref().map_or(now, |(since, _)| *since);
            read_until = view.read_until;
            view.trouble = Some((since, error.to_string()));
        });
        let read = read_until.map_or_else(
            || "nothing has been read yet".to_owned(),
            |at| format!("what it has after {at} is not counted until then"),
        );
        let url = &self.config.url;
        let sentence = format!("the source {url} cannot be read since {since}: {error}; {read}");
        self.parts.health.report(Trouble::Source, sentence);
    }

    /// Says how far the past has been read. Nothing is unmeasured because we are not there yet.
    async fn told(&mut self, now: Timestamp, reach: Reach) {
        let (until, from) = (self.main.read_until, self.main.begun_at);
        let is_behind = self.main.is_behind(now, reach);
        let requests = self.main.fetches.len();
        self.show(|view| {
            view.read_until = Some(until);
            view.requests_per_slot = requests;
            view.history_from = is_behind.then_some(from);
        });
        if !is_behind {
            if let Some(bar) = self.bar.take() {
                bar.finish_and_clear();
                info!(%from, "the past has been read");
                self.listen_anew().await;
            }
            self.parts.health.clear(Trouble::History);
            return;
        }
        let bar = self
            .bar
            .get_or_insert_with(|| terminal::bar("reading the past of the source {bar:40} {percent}% {msg}"));
        bar.set_length((now - from).0.max(1) as u64);
        bar.set_position((until - from).0.max(0) as u64);
        bar.set_message(until.to_string());
        if now - self.told_at < TOLD_EVERY && now >= self.told_at {
            return;
        }
        self.told_at = now;
        let percent = (until - from).0.max(0) * 100 / (now - from).0.max(1);
        self.parts.health.progress(
            Trouble::History,
            format!("the past of the source is being read, up to {until} by now ({percent} %); objectives alert when that is done"),
        );
        self.listen_anew().await;
    }

    /// Silence until now was our own.
    async fn listen_anew(&self) {
        let change = Change(Box::new(|pipeline: &mut Pipeline, now| {
            pipeline.slo.resume(now);
            Outcome::default()
        }));
        let (done, applied) = oneshot::channel();
        if self.parts.requests.send(Request::Change(change, done)).await.is_ok() {
            let _ = applied.await;
        }
    }
}

/// Whether what is read is the present, of which it can be asked who is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IsLive {
    Yes,
    No,
}

impl IsLive {
    fn of(track: &Track, now: Timestamp, reach: Reach) -> Self {
        if track.is_behind(now, reach) { Self::No } else { Self::Yes }
    }
}

/// The latest that the store has, by labels.
#[derive(Default)]
struct Stored {
    ups: BTreeMap<Labels, (SeriesId, Vec<Sample>)>,
    counts: BTreeMap<Labels, (SeriesId, Vec<Sample>)>,
}

impl Stored {
    /// Of every series that selectors select, and of all targets, the samples that may be read again.
    fn read(store: &Store, selectors: &[Selector], overlap: TimeDelta) -> Result<Self, String> {
        let mut stored = Self::default();
        let snapshot = store.snapshot();
        let mut all: Vec<Vec<Matcher>> = selectors.iter().map(Selector::all_matchers).collect();
        all.push(vec![Matcher::equal(METRIC_NAME, UP)]);
        for matchers in all {
            let views = snapshot.select(&matchers, TimeRange::ALL).map_err(|error| error.to_string())?;
            for view in views {
                let Some(id) = store.find(&view.labels) else { continue };
                let samples = latest(&view, overlap + overlap).map_err(|error| error.to_string())?;
                let into = match view.labels.metric_name() {
                    Some(UP) => &mut stored.ups,
                    Some(_) | None => &mut stored.counts,
                };
                into.insert(view.labels, (id, samples));
            }
        }
        Ok(stored)
    }

    /// The latest moment of what a selector selects.
    fn last(&self, selector: &Selector) -> Option<Timestamp> {
        let matching = self.counts.iter().filter(|(labels, _)| selector.matches(labels));
        matching.filter_map(|(_, (_, samples))| samples.last()).map(|sample| sample.at).max()
    }
}

/// The last samples of a series.
fn latest(view: &SeriesView, length: TimeDelta) -> Result<Vec<Sample>, bellwether_model::SourceError> {
    let Some(end) = view.chunks.iter().map(|chunk| chunk.summary().range.end).max() else {
        return Ok(Vec::new());
    };
    let mut samples = Vec::new();
    for chunk in view.chunks.iter().filter(|chunk| chunk.summary().range.end >= end - length) {
        chunk.decode(&mut samples)?;
    }
    samples.retain(|sample| sample.at >= end - length);
    Ok(samples)
}

/// What goes on from about the same moment, and what has to catch up with it first.
fn tracks(
    selectors: &[Selector],
    stored: &Stored,
    begin: Timestamp,
    overlap: TimeDelta,
) -> (Track, Vec<Track>) {
    let read: Vec<(&Selector, Option<Timestamp>)> = selectors
        .iter()
        .map(|selector| (selector, stored.last(selector).filter(|last| *last > begin)))
        .collect();
    let newest = read.iter().filter_map(|(_, last)| *last).max();
    let Some(newest) = newest else {
        return (Track::begun(plan(selectors.iter().cloned()), begin, LOOKBACK), Vec::new());
    };
    let is_along = |last: &Option<Timestamp>| last.is_some_and(|last| newest - last <= overlap);
    let of = |wanted: &dyn Fn(&Option<Timestamp>) -> bool| {
        plan(read.iter().filter(|(_, last)| wanted(last)).map(|(selector, _)| (*selector).clone()))
    };
    let main = Track::resumed(of(&is_along), newest);
    let late = read.iter().filter_map(|(_, last)| last.filter(|_| !is_along(last))).min();
    let late = late.map(|last| Track::resumed(of(&|last| last.is_some() && !is_along(last)), last));
    let new = of(&Option::is_none);
    let new = (!new.is_empty()).then(|| Track::begun(new, begin, LOOKBACK));
    (main, late.into_iter().chain(new).collect())
}
