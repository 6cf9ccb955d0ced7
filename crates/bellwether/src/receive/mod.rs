//! The one way from what was pushed, in whichever format, into the store: labels are checked, series found or made,
//! one batch made of what can be stored, and what cannot is told, by reason. The rest of a push is stored all the
//! same: a sender that is told of one bad sample must not have to find out which, and send the others again.

pub mod answer;
pub mod assembly;
pub mod counts;
pub mod refusal;
pub mod remote_write;
pub mod replica;
pub mod series_cache;
pub mod unpacked;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bellwether_ingest::{PushedMetadata, PushedSeries};
use bellwether_model::{Batch, Labels, TimeDelta, Timestamp};
use bellwether_tsdb::Store;
use bellwether_web::view::TargetMetadata;

use crate::clock;
use crate::exemplars::Exemplars;
use crate::scrape::metadata::Metadata;
use crate::writer::WriterHandle;
use assembly::{Assembly, Era};
use counts::ReceiveCounts;
use refusal::{PushRefusal, Refusals};
use remote_write::{RemoteWriteMemory, Stored};
use replica::{Heard, ReplicaSettings, Replicas};

/// In which format something was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PushFormat {
    /// Prometheus' remote write, the first message.
    RemoteWrite1,
    /// Prometheus' remote write, the second message.
    RemoteWrite2,
    /// OpenTelemetry's protocol.
    Otlp,
}

/// What became of a push. What is counted as stored is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Numbers stored, those included that were there already.
    pub samples: u64,
    /// Native histograms stored, likewise.
    pub histograms: u64,
    /// Exemplars stored.
    pub exemplars: u64,
    /// Numbers that another replica of their sender tells, and that were not stored.
    pub duplicate_samples: u64,
    /// Native histograms, likewise.
    pub duplicate_histograms: u64,
    /// What was not stored.
    pub refused: Refusals,
}

/// Nothing of a push is known to be stored, for a reason that is not the sender's: it is to be sent again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Takes in what is pushed.
pub struct Receiver {
    store: Arc<Store>,
    writer: WriterHandle,
    exemplars: Arc<Exemplars>,
    metadata: Mutex<Metadata>,
    counts: ReceiveCounts,
    remote: RemoteWriteMemory,
    replicas: Mutex<Replicas>,
    retention_ms: AtomicI64,
}

impl Receiver {
    /// One that stores through a writer.
    pub fn new(store: Arc<Store>, writer: WriterHandle, exemplars: Arc<Exemplars>) -> Self {
        Self {
            store,
            writer,
            exemplars,
            metadata: Mutex::default(),
            counts: ReceiveCounts::default(),
            remote: RemoteWriteMemory::default(),
            replicas: Mutex::default(),
            retention_ms: AtomicI64::new(i64::MAX),
        }
    }

    /// Tells replicas of senders apart by these labels from now on.
    pub fn set_replicas(&self, settings: Option<ReplicaSettings>) {
        if self.replicas().set(settings) {
            self.remote.cache.clear();
        }
    }

    /// Refuses from now on what is older than this. The store does so too, but only from its next housekeeping on.
    pub fn set_retention(&self, retention: TimeDelta) {
        self.retention_ms.store(retention.0, Ordering::Relaxed);
    }

    fn era(&self, now: Timestamp) -> Era {
        Era::at(now, TimeDelta(self.retention_ms.load(Ordering::Relaxed))).since(self.store.floor())
    }

    fn replicas(&self) -> MutexGuard<'_, Replicas> {
        self.replicas.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was received so far.
    pub const fn counts(&self) -> &ReceiveCounts {
        &self.counts
    }

    /// What senders say of metrics.
    pub fn metadata(&self) -> Vec<TargetMetadata> {
        let metrics = self.metadata.lock().unwrap_or_else(PoisonError::into_inner).views();
        match metrics.is_empty() {
            true => Vec::new(),
            false => vec![TargetMetadata { target: Labels::empty(), metrics }],
        }
    }

    /// Takes in what senders say of metrics.
    pub fn hear(&self, said: Vec<PushedMetadata>) {
        if !said.is_empty() {
            let mut metadata = self.metadata.lock().unwrap_or_else(PoisonError::into_inner);
            said.into_iter().for_each(|said| metadata.hear_pushed(said));
        }
    }

    /// Stores pushed series and what is said of metrics; returns when what could be stored is durable.
    pub async fn take(
        &self,
        format: PushFormat,
        series: Vec<PushedSeries>,
        metadata: Vec<PushedMetadata>,
    ) -> Result<Received, Unavailable> {
        self.take_at(format, series, metadata, clock::now()).await
    }

    /// The same at a moment: what lies too far from it is refused.
    pub async fn take_at(
        &self,
        format: PushFormat,
        mut series: Vec<PushedSeries>,
        metadata: Vec<PushedMetadata>,
        now: Timestamp,
    ) -> Result<Received, Unavailable> {
        self.hear(metadata);
        let mut duplicates = (0, 0);
        if self.replicas().is_on() {
            series.retain_mut(|series| self.is_listened_to(series, now, &mut duplicates));
        }
        for _ in 0..2 {
            let mut assembly = Assembly::new(self.era(now));
            for pushed in &series {
                assembly.add(pushed, &mut |labels| self.store.series(labels))?;
            }
            let (batch, exemplars, mut received) = assembly.finish();
            let at = batch.at;
            (received.duplicate_samples, received.duplicate_histograms) = duplicates;
            // The store may let go of a series between two of these lines, but not twice.
            if let Stored::All(mut received) = self.store_batch(format, batch, received).await? {
                received.exemplars = self.exemplars.add_all(exemplars, at);
                self.counts.add(format, &received, now);
                return Ok(received);
            }
        }
        Err(Unavailable("its series were let go of meanwhile".to_owned()))
    }

    /// Takes the replica's label off a series; counts it if another replica is listened to.
    fn is_listened_to(&self, series: &mut PushedSeries, now: Timestamp, duplicates: &mut (u64, u64)) -> bool {
        let mut replicas = self.replicas();
        let (replica, labels) = replicas.split(std::mem::take(&mut series.labels));
        series.labels = labels;
        match replicas.hear(replica, now) {
            Heard::Taken | Heard::FailedOver => true,
            Heard::Duplicate => {
                duplicates.0 += series.samples.len() as u64;
                duplicates.1 += series.histograms.len() as u64;
                false
            }
        }
    }

    /// Stores a batch; takes what the store refuses out of what was thought to be stored.
    async fn store_batch(
        &self,
        format: PushFormat,
        batch: Batch,
        mut received: Received,
    ) -> Result<Stored, Unavailable> {
        if batch.is_empty() {
            return Ok(Stored::All(received));
        }
        let batch = Arc::new(batch);
        let taken = self.writer.append(batch.clone()).await.map_err(|why| {
            self.counts.failed(format);
            Unavailable(why)
        })?;
        let mut gone = Vec::new();
        for refused in &taken.refused {
            let number = batch.samples.get(refused.index).map(|(id, _)| *id);
            let histogram = || batch.histograms.get(refused.index - batch.samples.len());
            let Some(id) = number.or_else(|| histogram().map(|(id, _)| *id)) else { continue };
            let Some(reason) = PushRefusal::of_store(refused.reason) else {
                gone.push(id);
                continue;
            };
            received.refused.add_one(reason, || self.store.labels(id).unwrap_or_default());
            match number {
                Some(_) => received.samples -= 1,
                None => received.histograms -= 1,
            }
        }
        Ok(if gone.is_empty() { Stored::All(received) } else { Stored::SeriesGone(gone) })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_ingest::remote_write::RemoteWriteVersion;
    use bellwether_ingest::{MetricKind, PushedSample};
    use bellwether_model::{Sample, TimeDelta};
    use bellwether_testkit::remote_write::{Series, one, two, whole_histogram};
    use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
    use bellwether_tsdb::{LABELS_BYTES_MAX, Options};
    use tokio::sync::mpsc;

    use super::*;
    use crate::health::Health;
    use crate::writer::{self, Committed};

    const NOW: Timestamp = Timestamp(1_000_000);

    struct World {
        receiver: Arc<Receiver>,
        disk: FaultDisk,
        committed: mpsc::Receiver<Committed>,
    }

    impl World {
        fn new() -> Self {
            let disk = FaultDisk::new();
            let opened = Store::open(Path::new("data"), Options::default(), Arc::new(disk.clone()));
            let store = Arc::new(opened.unwrap().0);
            let (send, committed) = mpsc::channel(64);
            let (writer, _) = writer::start(store.clone(), send, Arc::new(Health::default())).unwrap();
            let exemplars = Arc::new(Exemplars::new(100));
            Self { receiver: Arc::new(Receiver::new(store, writer, exemplars)), disk, committed }
        }

        async fn push(
            &self,
            labels: &[(&str, &str)],
            samples: &[(i64, f64)],
        ) -> Result<Received, Unavailable> {
            let sample = |(at, value): &(i64, f64)| PushedSample {
                sample: Sample::new(Timestamp(*at), *value),
                since: None,
            };
            let series = PushedSeries {
                labels: Labels::from_pairs(labels.iter().copied()),
                samples: samples.iter().map(sample).collect(),
                ..PushedSeries::default()
            };
            self.receiver.take_at(PushFormat::RemoteWrite1, vec![series], Vec::new(), NOW).await
        }
    }

    #[tokio::test]
    async fn what_is_refused_of_a_push_is_told_and_the_rest_is_stored() {
        let world = World::new();
        let ahead = NOW.0 + assembly::AHEAD_MAX.0;
        type Case<'a> = (&'a [(&'a str, &'a str)], &'a [(i64, f64)], u64, &'a str);
        let cases: &[Case<'_>] = &[
            (&[("__name__", "a")], &[(1000, 1.0), (2000, 2.0)], 2, ""),
            (&[("__name__", "a")], &[(2000, 2.0)], 1, ""),
            (
                &[("__name__", "a")],
                &[(1500, 2.0), (2000, 3.0), (2500, 3.0)],
                1,
                "out of order sample for series {__name__=\"a\"}\n\
                 duplicate sample for timestamp for series {__name__=\"a\"}\n",
            ),
            (
                &[("job", "b"), ("x.y", "c")],
                &[(1000, 1.0), (1001, 1.0)],
                0,
                "invalid metric name or labels, got {job=\"b\", \"x.y\"=\"c\"} (and 1 more)\n",
            ),
            (
                &[("__name__", "a")],
                &[(ahead, 1.0), (ahead + 1, 2.0)],
                1,
                "out of bounds: timestamp is too far in the future for series {__name__=\"a\"}\n",
            ),
            (&[("__name__", "b")], &[], 0, ""),
        ];
        for (labels, samples, stored, text) in cases {
            let received = world.push(labels, samples).await.unwrap();
            assert_eq!((received.samples, received.refused.text().as_str()), (*stored, *text), "{samples:?}");
        }
        assert_eq!(world.receiver.store.stats().series, 1);
        let [seen] = world.receiver.counts().views().try_into().unwrap();
        assert_eq!((seen.format, seen.requests, seen.samples, seen.last_at), ("Remote write 1.0", 6, 5, NOW));
        let why = "out of bounds: timestamp is too far in the future for series {__name__=\"a\"}".to_owned();
        assert_eq!((seen.refused, seen.last_refusal), (5, Some((NOW, why))));
        let World { receiver, mut committed, .. } = world;
        drop(receiver); // and with it the writer ends
        let mut counted = 0;
        while let Some(committed) = committed.recv().await {
            assert!(committed.batch.times().all(|at| at <= committed.batch.at));
            counted += committed.batch.len();
        }
        // What was there already is handed on too: the ledger knows a second sample of a moment.
        assert_eq!(counted, 5);
    }

    #[tokio::test]
    async fn labels_that_are_too_large_say_how_large_they_are() {
        let world = World::new();
        let long = "x".repeat(LABELS_BYTES_MAX);
        let labels = [("__name__", "a"), ("b", long.as_str())];
        let message = one(&[Series::new(&labels, &[(1000, 1.0)])]);
        let pushed = world.push(&labels, &[(1000, 1.0)]).await.unwrap();
        let written = write(&world, RemoteWriteVersion::One, &message, NOW).await;
        for received in [pushed, written] {
            let told = received.refused.text();
            assert_eq!((received.samples, received.refused.count()), (0, 1));
            assert!(told.starts_with("invalid metric name or labels: labels of 1048"), "{told}");
            assert!(told.len() < 2000, "{}", told.len());
        }
    }

    #[tokio::test]
    async fn a_full_disk_is_no_fault_of_the_sender() {
        let world = World::new();
        world.disk.set_faults(Faults { capacity_bytes: Some(0), ..Faults::default() });
        assert!(world.push(&[("__name__", "a")], &[(1000, 1.0)]).await.is_err());
        world.disk.set_faults(Faults::default());
        // The same again: it is there already, and durable now.
        assert_eq!(world.push(&[("__name__", "a")], &[(1000, 1.0)]).await.unwrap().samples, 1);
    }

    #[tokio::test]
    async fn what_senders_say_of_metrics_is_kept() {
        let world = World::new();
        let said = |kind, help: &str| PushedMetadata {
            name: "a".to_owned(),
            kind,
            help: help.to_owned(),
            unit: String::new(),
        };
        world.receiver.hear(vec![said(Some(MetricKind::Counter), "What."), said(None, "")]);
        let metadata = world.receiver.metadata();
        assert_eq!(
            (metadata[0].metrics[0].kind.as_str(), metadata[0].metrics[0].help.as_str()),
            ("counter", "What.")
        );
    }

    async fn write(world: &World, version: RemoteWriteVersion, message: &[u8], now: Timestamp) -> Received {
        let body = snap::raw::Encoder::new().compress_vec(message).unwrap();
        world.receiver.clone().remote_write_at(version, body.into(), now).await.unwrap()
    }

    #[tokio::test]
    async fn a_series_is_the_same_however_it_is_written() {
        let world = World::new();
        let pairs = [("__name__", "a"), ("b", "c"), ("job", "x")];
        let turned = [("job", "x"), ("b", "c"), ("__name__", "a"), ("empty", "")];
        let series = |pairs: &[(&str, &str)], at: i64| [Series::new(pairs, &[(at, 1.0), (at + 1, 2.0)])];
        for (number, message) in [
            one(&series(&pairs, 10)),
            one(&series(&pairs, 20)),
            one(&series(&turned, 30)),
            one(&series(&turned, 40)),
        ]
        .iter()
        .enumerate()
        {
            let received = write(&world, RemoteWriteVersion::One, message, NOW).await;
            assert_eq!((received.samples, received.refused.count()), (2, 0), "{number}");
        }
        for at in [50, 60] {
            let message = two(&series(&pairs, at), Some((1, "What.", "")));
            let received = write(&world, RemoteWriteVersion::Two, &message, NOW).await;
            assert_eq!((received.samples, received.refused.count()), (2, 0));
        }
        assert_eq!((world.receiver.store.stats().series, world.receiver.remote.cache.len()), (1, 3));
        assert_eq!(world.receiver.metadata()[0].metrics[0].help, "What.");
    }

    #[tokio::test]
    async fn what_housekeeping_would_remove_again_is_refused_from_the_first_moment_on() {
        let world = World::new();
        world.receiver.set_retention(TimeDelta(600_000));
        let (kept, old) = (NOW.0 - 600_000, NOW.0 - 600_001);
        let text = "out of bounds for series {__name__=\"NAME\"} (and 1 more)\n";
        for (name, version) in
            [("a", None), ("b", Some(RemoteWriteVersion::One)), ("c", Some(RemoteWriteVersion::Two))]
        {
            let labels = [("__name__", name)];
            let samples = [(i64::MIN, 0.0), (old, 1.0), (kept, 2.0)];
            let series = Series::new(&labels, &samples);
            let received = match version {
                None => world.push(&labels, &samples).await.unwrap(),
                Some(RemoteWriteVersion::One) => {
                    write(&world, RemoteWriteVersion::One, &one(&[series]), NOW).await
                }
                Some(version) => write(&world, version, &two(&[series], None), NOW).await,
            };
            let told = received.refused.text();
            assert_eq!((received.samples, told), (1, text.replace("NAME", name)), "{version:?}");
        }
        // A longer retention takes them.
        world.receiver.set_retention(TimeDelta(700_000));
        assert_eq!(world.push(&[("__name__", "d")], &[(old, 1.0)]).await.unwrap().samples, 1);
    }

    #[tokio::test]
    async fn a_series_of_which_nothing_can_be_stored_is_not_made() {
        let world = World::new();
        world.receiver.set_retention(TimeDelta(600_000));
        let (early, late) = (NOW.0 - 600_001, NOW.0 + assembly::AHEAD_MAX.0 + 1);
        let samples = [(early, 1.0), (late, 2.0)];
        let histograms = || vec![whole_histogram(early, 7), whole_histogram(late, 7)];
        let mut stored = 0;
        let mut check = |received: Received, refused: u64, series: u64| {
            assert_eq!(received.refused.count(), refused, "{received:?}");
            stored += received.samples;
            assert_eq!(world.receiver.store.stats().series, series, "{received:?}");
        };
        check(world.push(&[("__name__", "a")], &samples).await.unwrap(), 2, 0);
        let series = |name: &str, extra: &[(i64, f64)]| Series {
            histograms: histograms(),
            ..Series::new(&[("__name__", name)], &[&samples[..], extra].concat())
        };
        for _ in 0..2 {
            let (version, message) = (RemoteWriteVersion::Two, two(&[series("b", &[])], None));
            check(write(&world, version, &message, NOW).await, 4, 0);
        }
        let message = one(&[series("c", &[]), series("d", &[(NOW.0, 1.0)])]);
        let received = write(&world, RemoteWriteVersion::One, &message, NOW).await;
        let told = received.refused.text();
        assert!(told.contains("out of bounds for series {__name__=\"c\"} (and 3 more)"), "{told}");
        check(received, 8, 1);
        // Once it is there, the same is refused in the same way.
        check(write(&world, RemoteWriteVersion::Two, &two(&[series("d", &[])], None), NOW).await, 4, 1);
        // What the store has dropped to make room is behind it as well.
        world.receiver.store.enforce_retention(NOW).unwrap();
        check(world.push(&[("__name__", "e")], &[(NOW.0 - 1, 1.0)]).await.unwrap(), 1, 1);
        assert_eq!(stored, 1);
    }

    #[tokio::test]
    async fn what_is_too_far_ahead_is_taken_out_with_what_is_said_of_it() {
        let world = World::new();
        let ahead = NOW.0 + assembly::AHEAD_MAX.0 + 1;
        let named = |name: &str, samples: &[(i64, f64)]| Series {
            since: Some(5),
            histograms: vec![whole_histogram(ahead, 7), whole_histogram(9, 7)],
            ..Series::new(&[("__name__", name)], samples)
        };
        let message =
            two(&[named("a", &[(10, 1.0), (ahead, 2.0)]), named("b", &[(ahead, 1.0), (11, 2.0)])], None);
        let received = write(&world, RemoteWriteVersion::Two, &message, NOW).await;
        assert_eq!((received.samples, received.refused.count()), (2, 6), "{received:?}");
        let World { receiver, mut committed, .. } = world;
        drop(receiver);
        let batch = committed.recv().await.unwrap().batch;
        assert!(batch.at <= NOW && batch.start_times.iter().all(|(_, since)| since.0 == 5));
    }

    #[tokio::test]
    async fn of_two_that_tell_the_same_one_is_stored_and_the_other_when_that_is_silent() {
        let world = World::new();
        world.receiver.set_replicas(Some(ReplicaSettings::default()));
        let pushed = |replica: &str, at: i64, value: f64| {
            let pairs = [("__name__", "a"), ("__replica__", replica), ("cluster", "eu")];
            one(&[Series::new(&pairs, &[(at, value)])])
        };
        let mut outcome = Vec::new();
        for (second, replica) in
            [(0, "x"), (1, "y"), (15, "x"), (16, "y"), (44, "y"), (46, "y"), (47, "x"), (60, "y")]
        {
            let now = NOW + TimeDelta::from_secs(second);
            let message = pushed(replica, now.0, second as f64);
            let received = write(&world, RemoteWriteVersion::One, &message, now).await;
            outcome.push((received.samples, received.duplicate_samples, received.refused.count()));
        }
        let (taken, left) = ((1, 0, 0), (0, 1, 0));
        assert_eq!(outcome, [taken, left, taken, left, left, taken, left, taken]);
        let stats = world.receiver.store.stats();
        assert_eq!((stats.series, stats.samples_appended), (1, 4));
        let labels = Labels::from_pairs([("__name__", "a"), ("cluster", "eu")]);
        assert!(world.receiver.store.find(&labels).is_some());
        // Nobody is told apart any more: the label is one like others.
        world.receiver.set_replicas(None);
        write(&world, RemoteWriteVersion::One, &pushed("y", NOW.0 + 61_000, 1.0), NOW).await;
        assert_eq!(world.receiver.store.stats().series, 2);
    }
}
