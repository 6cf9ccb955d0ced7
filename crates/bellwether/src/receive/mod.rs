//! The one way from what was pushed, in whichever format, into the store: labels are checked, series found or made,
//! one batch made of what can be stored, and what cannot is told, by reason. The rest of a push is stored all the
//! same: a sender that is told of one bad sample must not have to find out which, and send the others again.

pub mod assembly;
pub mod counts;
pub mod refusal;

use std::sync::{Arc, Mutex, PoisonError};

use bellwether_ingest::{PushedMetadata, PushedSeries};
use bellwether_model::{Labels, Timestamp};
use bellwether_tsdb::Store;
use bellwether_web::view::TargetMetadata;

use crate::clock;
use crate::exemplars::Exemplars;
use crate::scrape::metadata::Metadata;
use crate::writer::WriterHandle;
use assembly::Assembly;
use counts::ReceiveCounts;
use refusal::{PushRefusal, Refusals};

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
}

impl Receiver {
    /// One that stores through a writer.
    pub fn new(store: Arc<Store>, writer: WriterHandle, exemplars: Arc<Exemplars>) -> Self {
        Self { store, writer, exemplars, metadata: Mutex::default(), counts: ReceiveCounts::default() }
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

    /// The same at a moment: what lies too far after it is refused.
    pub async fn take_at(
        &self,
        format: PushFormat,
        series: Vec<PushedSeries>,
        metadata: Vec<PushedMetadata>,
        now: Timestamp,
    ) -> Result<Received, Unavailable> {
        let mut assembly = Assembly::new(now);
        for pushed in &series {
            assembly.add(pushed, &mut |labels| self.store.series(labels))?;
        }
        self.hear(metadata);
        self.finish(format, assembly).await
    }

    /// Stores what was assembled.
    async fn finish(&self, format: PushFormat, assembly: Assembly) -> Result<Received, Unavailable> {
        let (batch, exemplars, mut received) = assembly.finish();
        let at = batch.at;
        if !batch.is_empty() {
            // The writer takes the batch; what it refuses is few, and looked up by place.
            let places: Vec<_> = batch.series().zip(batch.times()).collect();
            let numbers = batch.samples.len();
            let taken = match self.writer.append(batch).await {
                Ok(taken) => taken,
                Err(why) => {
                    self.counts.failed(format);
                    return Err(Unavailable(why));
                }
            };
            for refused in &taken.refused {
                let Some((id, _)) = places.get(refused.index) else { continue };
                let reason = PushRefusal::of_store(refused.reason);
                received.refused.add_series(reason, 1, &self.store.labels(*id).unwrap_or_default());
                match refused.index < numbers {
                    true => received.samples -= 1,
                    false => received.histograms -= 1,
                }
            }
        }
        received.exemplars = self.exemplars.add_all(exemplars, at);
        self.counts.add(format, &received);
        Ok(received)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_ingest::{MetricKind, PushedSample};
    use bellwether_model::Sample;
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
    use tokio::sync::mpsc;

    use super::*;
    use crate::health::Health;
    use crate::writer::{self, Committed};

    const NOW: Timestamp = Timestamp(1_000_000);

    struct World {
        receiver: Receiver,
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
            Self { receiver: Receiver::new(store, writer, Arc::default()), disk, committed }
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
}
