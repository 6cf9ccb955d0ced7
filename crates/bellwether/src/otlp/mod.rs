//! Metrics that are pushed by OpenTelemetry's protocol: read, made series of, changes added up, stored, answered. What is
//! decided stands in `bellwether_ingest::otlp`; here are the store, the locks and the counts.
//!
//! A series whose points only say what changed is moved on by one request at a time: from the moment its total is read
//! until the new one is durable, its stripe is locked. Other senders are in other stripes.

pub mod counts;
mod ends;

use std::collections::BTreeSet;
use std::sync::Arc;

use bellwether_ingest::PushedSeries;
use bellwether_ingest::otlp::{
    Advance, DecodeError, DeltaLimits, DeltaStreams, Encoding, OtlpSettings, Rejected, Translated,
    TranslatedSeries, decode_json, decode_protobuf, translate,
};
use bellwether_model::{Labels, TimeDelta};
use bellwether_tsdb::Store;
use bellwether_web::{OtlpOutcome, OtlpPush};
use tokio::sync::{Mutex, OwnedMutexGuard, Semaphore};

use crate::clock;
use crate::receive::{PushFormat, Received, Receiver, Unavailable};
use counts::OtlpCounts;
use ends::StoreEnds;

/// Requests that are worked on at once; more are told to come again.
const REQUESTS_MAX: usize = 64;
/// Senders whose changes are added up at the same time.
const STRIPES: usize = 16;
/// Series with changes that are remembered by a stripe; others are looked up again.
const STREAMS_MAX: usize = 100_000;
/// How long a series is remembered that is not heard of.
const IDLE_MAX: TimeDelta = TimeDelta(2 * TimeDelta::HOUR.0);
/// How far back queries look for a value, by which `target_info` is repeated.
const LOOKBACK: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);

/// Takes in what is pushed by OpenTelemetry's protocol.
pub struct OtlpReceiver {
    receiver: Arc<Receiver>,
    store: Arc<Store>,
    stripes: Vec<Arc<Mutex<DeltaStreams>>>,
    turns: Semaphore,
    counts: OtlpCounts,
}

/// A locked stripe, what a request would change in it, and where its series begin among those that are stored.
struct Lane {
    streams: OwnedMutexGuard<DeltaStreams>,
    advance: Advance,
    first_place: usize,
}

impl OtlpReceiver {
    /// One that stores through the way of everything that is pushed.
    pub fn new(receiver: Arc<Receiver>, store: Arc<Store>) -> Self {
        let limits = DeltaLimits { streams_max: STREAMS_MAX, idle_max: IDLE_MAX };
        let stripe = || Arc::new(Mutex::new(DeltaStreams::new(limits)));
        Self {
            receiver,
            store,
            stripes: (0..STRIPES).map(|_| stripe()).collect(),
            turns: Semaphore::new(REQUESTS_MAX),
            counts: OtlpCounts::default(),
        }
    }

    /// What was received so far.
    pub const fn counts(&self) -> &OtlpCounts {
        &self.counts
    }

    /// Takes a request in. It is finished even when the sender goes away meanwhile: what is stored must be remembered.
    pub async fn push(self: Arc<Self>, push: OtlpPush, settings: Arc<OtlpSettings>) -> OtlpOutcome {
        let receiver = self.clone();
        let pushed = tokio::spawn(async move {
            let Ok(_turn) = receiver.turns.try_acquire() else { return OtlpOutcome::Busy };
            receiver.take(push, settings).await
        });
        let outcome = pushed.await.unwrap_or_else(|error| OtlpOutcome::Unavailable(error.to_string()));
        self.counts.add(&outcome);
        if let OtlpOutcome::Taken(rejected) = &outcome
            && !rejected.is_empty()
        {
            let (points, why) = (rejected.points(), rejected.message());
            self.receiver.counts().not_taken(PushFormat::Otlp, points, &why, clock::now());
        }
        outcome
    }

    async fn take(&self, push: OtlpPush, settings: Arc<OtlpSettings>) -> OtlpOutcome {
        let read = tokio::task::spawn_blocking(move || read(&push, &settings)).await;
        let translated = match read {
            Ok(Ok(translated)) => translated,
            Ok(Err(error @ DecodeError::TooManyParts { .. })) => {
                return OtlpOutcome::TooLarge(error.to_string());
            }
            Ok(Err(error)) => return OtlpOutcome::Malformed(error.to_string()),
            Err(error) => return OtlpOutcome::Unavailable(error.to_string()),
        };
        match self.store(translated).await {
            Ok(rejected) => OtlpOutcome::Taken(rejected),
            Err(Unavailable(why)) => OtlpOutcome::Unavailable(why),
        }
    }

    async fn store(&self, translated: Translated) -> Result<Rejected, Unavailable> {
        let Translated { series, metadata, mut rejected, .. } = translated;
        let (series, lanes) = self.added_up(series).await?;
        for lane in &lanes {
            rejected.extend(&lane.advance.rejected);
            self.counts.known(lane.advance.repeated);
        }
        let points: Vec<Option<u32>> = series.iter().map(|series| series.point).collect();
        let pushed: Vec<PushedSeries> = series.into_iter().map(|series| series.pushed).collect();
        // Only needed where something is refused, which is rare.
        let asked: Vec<PushedSeries> = pushed.iter().map(without_exemplars).collect();
        let taken = self.receiver.take(PushFormat::Otlp, pushed, metadata).await;
        let received = match taken {
            Ok(received) => received,
            Err(error) => {
                for mut lane in lanes {
                    lane.streams.discard(&lane.advance);
                }
                return Err(error);
            }
        };
        let refused = self.refused(&received, asked).await?;
        let of_points: BTreeSet<u32> = refused.iter().filter_map(|place| points[*place]).collect();
        if !received.refused.is_empty() {
            let reasons: Vec<String> = received.refused.text().lines().map(str::to_owned).collect();
            rejected.add(of_points.len() as u64, reasons.join("; "));
        }
        let now = clock::now();
        for mut lane in lanes {
            let first = lane.first_place;
            lane.streams.commit(lane.advance, |place| !refused.contains(&(first + place)), now);
        }
        Ok(rejected)
    }

    /// Makes totals of changes, and keeps the stripes locked that they belong to.
    async fn added_up(
        &self,
        series: Vec<TranslatedSeries>,
    ) -> Result<(Vec<TranslatedSeries>, Vec<Lane>), Unavailable> {
        let (changes, mut all): (Vec<_>, Vec<_>) =
            series.into_iter().partition(|series| series.delta.is_some());
        if changes.is_empty() {
            return Ok((all, Vec::new()));
        }
        let mut by_stripe: Vec<Vec<TranslatedSeries>> = (0..STRIPES).map(|_| Vec::new()).collect();
        for series in changes {
            by_stripe[stripe_of(&series.pushed.labels)].push(series);
        }
        let mut locked = Vec::new();
        // Always in the same order, so that two requests never wait for each other.
        for (stripe, series) in self.stripes.iter().zip(by_stripe).filter(|(_, series)| !series.is_empty()) {
            locked.push((stripe.clone().lock_owned().await, series));
        }
        let ends = StoreEnds::of(&self.store);
        let advanced = tokio::task::spawn_blocking(move || {
            let (now, mut lanes) = (clock::now(), Vec::with_capacity(locked.len()));
            for (streams, series) in locked {
                let (series, advance) = streams.advance(series, &ends, now);
                let first_place = all.len();
                all.extend(series);
                lanes.push(Lane { streams, advance, first_place });
            }
            match ends.failure() {
                Some(why) => Err(Unavailable(why)),
                None => Ok((all, lanes)),
            }
        });
        advanced.await.unwrap_or_else(|error| Err(Unavailable(error.to_string())))
    }

    /// Places of series of which something is not stored.
    async fn refused(
        &self,
        received: &Received,
        series: Vec<PushedSeries>,
    ) -> Result<BTreeSet<usize>, Unavailable> {
        if received.refused.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ends = StoreEnds::of(&self.store);
        let looked = tokio::task::spawn_blocking(move || {
            series
                .iter()
                .enumerate()
                .filter(|(_, series)| !ends.has_all(series))
                .map(|(place, _)| place)
                .collect()
        });
        looked.await.map_err(|error| Unavailable(error.to_string()))
    }
}

fn read(push: &OtlpPush, settings: &OtlpSettings) -> Result<Translated, DecodeError> {
    let request = match push.encoding {
        Encoding::Protobuf => decode_protobuf(&push.body)?,
        Encoding::Json => decode_json(&push.body)?,
    };
    Ok(translate(&request, settings, LOOKBACK))
}

fn without_exemplars(series: &PushedSeries) -> PushedSeries {
    PushedSeries {
        labels: series.labels.clone(),
        samples: series.samples.clone(),
        histograms: series.histograms.clone(),
        exemplars: Vec::new(),
    }
}

/// All series of a sender are in one stripe, so that a request mostly locks one.
fn stripe_of(labels: &Labels) -> usize {
    (labels.keep(&["instance", "job"]).fingerprint() % STRIPES as u64) as usize
}
