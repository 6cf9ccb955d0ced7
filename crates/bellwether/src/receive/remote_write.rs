//! Receives Prometheus' remote write quickly: series that were pushed before are found by the hash of their bytes, so
//! that samples go from the message into the batch without a label set being made.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_ingest::PushedLabelProblem;
use bellwether_ingest::remote_write::{
    RemoteWrite, RemoteWriteError, RemoteWriteVersion, SeriesKey, SeriesKeys,
};
use bellwether_model::{Batch, Exemplar, Labels, METRIC_NAME, Origin, SeriesId, Timestamp};
use bytes::Bytes;

use super::assembly::{Era, reason_of};
use super::refusal::{PushRefusal, Refusals};
use super::replica::Heard;
use super::series_cache::{Known, NO_REPLICA, SeriesCache};
use super::unpacked::{Buffers, UnpackError};
use super::{PushFormat, Received, Receiver, Unavailable};
use crate::{clock, entropy};

/// Bodies from here on are read on a thread of their own kind, since tasks that answer others wait meanwhile.
const LARGE_BYTES: usize = 64 << 10;
/// Readers that are kept with the memory they have grown.
const READERS_MAX: usize = 8;
/// A reader that has grown beyond this many series is not kept.
const READER_SERIES_MAX: usize = 100_000;

/// Why nothing of a push is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteWriteRefused {
    /// The body is not packed as it says.
    #[error("{0}")]
    Broken(String),
    /// The body is none of the protocol.
    #[error("{0}")]
    Malformed(String),
    /// There is too much of it.
    #[error("{0}")]
    TooLarge(String),
    /// It is to be sent again.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<UnpackError> for RemoteWriteRefused {
    fn from(error: UnpackError) -> Self {
        match error {
            UnpackError::Corrupt => Self::Broken(error.to_string()),
            UnpackError::TooLarge(_) => Self::TooLarge(error.to_string()),
        }
    }
}

impl From<RemoteWriteError> for RemoteWriteRefused {
    fn from(error: RemoteWriteError) -> Self {
        match error {
            RemoteWriteError::Malformed(_) => Self::Malformed(error.to_string()),
            RemoteWriteError::TooMany => Self::TooLarge(error.to_string()),
        }
    }
}

/// What is kept from push to push.
pub struct RemoteWriteMemory {
    keys: SeriesKeys,
    /// Which series are known.
    pub cache: SeriesCache,
    buffers: Buffers,
    readers: Mutex<Vec<Reader>>,
}

impl Default for RemoteWriteMemory {
    fn default() -> Self {
        Self {
            keys: SeriesKeys::new([(); 4].map(|()| entropy::seed())),
            cache: SeriesCache::default(),
            buffers: Buffers::default(),
            readers: Mutex::default(),
        }
    }
}

/// What reading one push takes.
struct Reader {
    push: RemoteWrite,
    found: Vec<Option<Known>>,
}

/// A push that is ready to be stored.
struct Ready {
    batch: Batch,
    /// In each series' order.
    exemplars: Vec<(SeriesId, Exemplar)>,
    received: Received,
}

impl Receiver {
    /// Stores a push of remote write; returns when what could be stored is durable.
    pub async fn remote_write(
        self: Arc<Self>,
        version: RemoteWriteVersion,
        body: Bytes,
    ) -> Result<Received, RemoteWriteRefused> {
        self.remote_write_at(version, body, clock::now()).await
    }

    /// The same at a moment.
    pub async fn remote_write_at(
        self: Arc<Self>,
        version: RemoteWriteVersion,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Received, RemoteWriteRefused> {
        let format = match version {
            RemoteWriteVersion::One => PushFormat::RemoteWrite1,
            RemoteWriteVersion::Two => PushFormat::RemoteWrite2,
        };
        for _ in 0..2 {
            let Ready { batch, exemplars, received } =
                self.clone().make_ready(version, body.clone(), now).await?;
            let at = batch.at;
            match self.store_batch(format, batch, received).await? {
                Stored::All(mut received) => {
                    received.exemplars = self.exemplars.add_all(exemplars, at);
                    self.counts.add(format, &received, now);
                    return Ok(received);
                }
                // The store has let go of series that were pushed long ago: they are looked for anew.
                Stored::SeriesGone(gone) => self.remote.cache.forget(gone),
            }
        }
        Err(Unavailable("its series were let go of meanwhile".to_owned()).into())
    }
}

/// What became of a batch.
pub(super) enum Stored {
    /// It was taken, but for what is said.
    All(Received),
    /// Some of its series are no longer there. The rest is stored; the same again changes nothing of it.
    SeriesGone(Vec<SeriesId>),
}

impl Receiver {
    /// Reads a push where it keeps nobody waiting.
    async fn make_ready(
        self: Arc<Self>,
        version: RemoteWriteVersion,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Ready, RemoteWriteRefused> {
        if body.len() < LARGE_BYTES {
            return self.read(version, &body, now);
        }
        let read = tokio::task::spawn_blocking(move || self.read(version, &body, now)).await;
        read.unwrap_or_else(|error| Err(Unavailable(error.to_string()).into()))
    }

    fn read(
        &self,
        version: RemoteWriteVersion,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Ready, RemoteWriteRefused> {
        let unpacked = self.remote.buffers.unpack(body)?;
        let mut reader = self.remote.reader();
        reader.push.read(version, unpacked.bytes())?;
        self.remote.cache.age(now);
        self.remote.cache.find(reader.push.series.iter().map(|series| series.key), &mut reader.found);
        let mut refused = Refusals::default();
        let era = self.era(now);
        if reader.found.contains(&None) {
            self.find_new(&mut reader, unpacked.bytes(), era, &mut refused)?;
        }
        self.hear(std::mem::take(&mut reader.push.metadata));
        let duplicate = self.duplicate_replicas(&reader.found, now);
        let bounds = Bounds { era, duplicate };
        let ready = assemble(&mut reader, unpacked.bytes(), &bounds, refused);
        self.remote.keep(reader);
        Ok(ready)
    }

    /// Replicas of this push that are not listened to.
    fn duplicate_replicas(&self, found: &[Option<Known>], now: Timestamp) -> Vec<u16> {
        let mut heard: Vec<u16> = Vec::new();
        for known in found.iter().flatten().filter(|known| known.replica != NO_REPLICA) {
            // Almost always they are of one sender.
            if heard.last() != Some(&known.replica) && !heard.contains(&known.replica) {
                heard.push(known.replica);
            }
        }
        if !heard.is_empty() {
            let mut replicas = self.replicas();
            heard.retain(|replica| replicas.hear(*replica, now) == Heard::Duplicate);
        }
        heard
    }

    /// Decodes the labels of series that are not known, and finds or makes their numbers.
    fn find_new(
        &self,
        reader: &mut Reader,
        body: &[u8],
        era: Era,
        refused: &mut Refusals,
    ) -> Result<(), Unavailable> {
        let Reader { push, found } = reader;
        let entries = entries(push, era);
        let mut new: Vec<(SeriesKey, Known)> = Vec::new();
        let mut said = Vec::new();
        let mut untimely: BTreeMap<usize, Labels> = BTreeMap::new();
        for (place, series) in push.series.iter().enumerate() {
            if found[place].is_some() {
                continue;
            }
            let labels = match push.labels(body, series) {
                Ok(labels) => labels,
                Err(problem) => {
                    add_unnamed(refused, push, body, place, (&problem, entries[place].all));
                    continue;
                }
            };
            said.extend(push.metadata_of(body, series, labels.value_or_empty(METRIC_NAME)));
            if entries[place].all == 0 {
                continue; // a series without samples is not made
            }
            if entries[place].timely == 0 {
                untimely.insert(place, labels);
                continue; // nor is one of which nothing can be stored
            }
            let (replica, labels) = self.replicas().split(labels);
            match self.store.series(&labels) {
                Ok(id) => {
                    let known = Known { id, replica };
                    found[place] = Some(known);
                    new.push((series.key, known));
                }
                Err(error) => {
                    let entries = u64::from(entries[place].all);
                    refused.add_unresolved(&error, reason_of(&error)?, entries, &labels);
                }
            }
        }
        for (place, at) in times(push).filter(|_| !untimely.is_empty()) {
            let (Some(reason), Some(labels)) = (era.refusal(at), untimely.get(&place)) else { continue };
            refused.add_one(reason, || labels.clone());
        }
        self.remote.cache.insert(new.into_iter());
        self.hear(said);
        Ok(())
    }
}

impl RemoteWriteMemory {
    fn reader(&self) -> Reader {
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| Reader { push: RemoteWrite::new(self.keys), found: Vec::new() })
    }

    fn keep(&self, reader: Reader) {
        let mut kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < READERS_MAX && reader.push.series.len() <= READER_SERIES_MAX {
            kept.push(reader);
        }
    }
}

/// How many samples and histograms a series brought.
#[derive(Clone, Copy, Default)]
struct Entries {
    all: u32,
    /// Those whose time is taken.
    timely: u32,
}

/// What each series brought.
fn entries(push: &RemoteWrite, era: Era) -> Vec<Entries> {
    let mut entries = vec![Entries::default(); push.series.len()];
    for (place, at) in times(push) {
        let entries = &mut entries[place];
        entries.all += 1;
        entries.timely += u32::from(era.refusal(at).is_none());
    }
    entries
}

/// The place of the series and the time of each sample and histogram.
fn times(push: &RemoteWrite) -> impl Iterator<Item = (usize, Timestamp)> {
    let samples = push.samples.iter().map(|(place, sample)| (*place as usize, sample.at));
    samples.chain(push.histograms.iter().map(|(place, sample)| (*place as usize, sample.at)))
}

/// Labels that name no series, as they came.
fn add_unnamed(
    refused: &mut Refusals,
    push: &RemoteWrite,
    body: &[u8],
    place: usize,
    (problem, entries): (&PushedLabelProblem, u32),
) {
    push.with_pairs(body, &push.series[place], |pairs| {
        let pairs = pairs.map(std::mem::take).unwrap_or_default();
        refused.add_labels(problem, u64::from(entries.max(1)), pairs.into_iter());
    });
}

/// What is not stored of a push.
struct Bounds {
    /// Whatever was measured at another time.
    era: Era,
    /// Replicas that are not listened to.
    duplicate: Vec<u16>,
}

/// Makes the batch. Whatever is refused of it is told and taken out.
fn assemble(reader: &mut Reader, body: &[u8], bounds: &Bounds, mut refused: Refusals) -> Ready {
    let Reader { push, found } = reader;
    let missing = SeriesId(u32::MAX);
    let is_duplicate = |known: &Known| {
        !bounds.duplicate.is_empty()
            && known.replica != NO_REPLICA
            && bounds.duplicate.contains(&known.replica)
    };
    let listened = |known: &Option<Known>| known.filter(|known| !is_duplicate(known));
    let id = |place: u32| listened(&found[place as usize]).map_or(missing, |known| known.id);
    let count = |places: &mut dyn Iterator<Item = u32>| -> u64 {
        match bounds.duplicate.is_empty() {
            true => 0,
            false => places.filter(|p| found[*p as usize].as_ref().is_some_and(is_duplicate)).count() as u64,
        }
    };
    let duplicate_samples = count(&mut push.samples.iter().map(|(place, _)| *place));
    let duplicate_histograms = count(&mut push.histograms.iter().map(|(place, _)| *place));
    let mut batch = Batch::floats(Origin::Pushed, Timestamp::MIN, Vec::new());
    // The same memory, with numbers in the places of places.
    batch.samples = std::mem::take(&mut push.samples).into_iter().map(|(place, s)| (id(place), s)).collect();
    let histograms = std::mem::take(&mut push.histograms).into_iter();
    batch.histograms = histograms.map(|(place, sample)| (id(place), sample)).collect();
    let exemplars = std::mem::take(&mut push.exemplars).into_iter();
    let exemplars = exemplars.map(|(place, exemplar)| (id(place), exemplar));
    let exemplars = exemplars.filter(|(id, _)| *id != missing).collect();
    batch.start_times = std::mem::take(&mut push.sample_starts);
    let numbers = batch.samples.len() as u32;
    let starts = push.histogram_starts.iter().map(|(place, since)| (place + numbers, *since));
    batch.start_times.extend(starts);
    let name = |place: usize| push.labels(body, &push.series[place]).unwrap_or_else(|_| Labels::empty());
    for place in &push.malformed_histograms {
        refused.add_one(PushRefusal::InvalidHistogram, || name(*place as usize));
    }
    batch.at = batch.times().max().unwrap_or(Timestamp::MIN);
    let has_missing = found.iter().any(|known| listened(known).is_none());
    if has_missing || batch.times().any(|at| bounds.era.refusal(at).is_some()) {
        let entries: Vec<(SeriesId, Timestamp)> = batch.series().zip(batch.times()).collect();
        for (id, at) in entries.iter().filter(|(id, _)| *id != missing) {
            let Some(reason) = bounds.era.refusal(*at) else { continue };
            refused.add_one(reason, || {
                let place = found.iter().position(|known| known.is_some_and(|known| known.id == *id));
                place.map(name).unwrap_or_default()
            });
        }
        let is_kept = |(id, at): (SeriesId, Timestamp)| id != missing && bounds.era.refusal(at).is_none();
        batch = batch.retain(|index| is_kept(entries[index]));
        batch.at = batch.times().max().unwrap_or(Timestamp::MIN);
    }
    let (samples, histograms) = (batch.samples.len() as u64, batch.histograms.len() as u64);
    let received =
        Received { samples, histograms, exemplars: 0, duplicate_samples, duplicate_histograms, refused };
    Ready { batch, exemplars, received }
}
