//! The one way into the store. Batches are appended in the order in which they come, made durable together (group
//! commit), and only then acknowledged and handed on to what decides. So whatever was decided rests on samples that
//! survive a crash, and the ledger applies batches in exactly the order of the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_model::{Batch, LogPosition, Origin};
use bellwether_tsdb::{Appended, Refusal, Refused, Store};
use tokio::sync::{mpsc, oneshot};

use crate::health::{Health, Trouble};

/// A batch that is durable, and the place in the log after it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The batch.
    pub batch: Arc<Batch>,
    /// Everything up to here is durable and has been handed on.
    pub position: LogPosition,
}

/// What the writer is told.
enum Order {
    Append(Submitted),
    /// Write what came before this and end.
    Stop,
}

struct Submitted {
    batch: Arc<Batch>,
    acknowledge: oneshot::Sender<Result<Taken, String>>,
}

/// What the store made of a batch that is durable now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Samples that are new.
    pub taken: usize,
    /// Samples that were there already, bit by bit.
    pub known: usize,
    /// Samples it did not take, by their place in the batch (samples first, then histograms), in order.
    pub refused: Vec<Refused>,
}

/// Most batches made durable with one flush.
const GROUP_MAX: usize = 512;
/// Batches that may wait before whoever brings more has to wait too.
const WAITING_MAX: usize = 1024;

/// Hands batches to the writer.
#[derive(Clone)]
pub struct WriterHandle {
    submit: mpsc::Sender<Order>,
    counts: Arc<WriterCounts>,
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub struct WriterCounts {
    /// Batches made durable.
    pub batches: AtomicU64,
    /// Samples in them.
    pub samples: AtomicU64,
    /// Batches that could not be made durable.
    pub refused: AtomicU64,
}

impl WriterHandle {
    /// Appends a batch; returns when it is durable, with what was not taken of it, or says why nothing of it is.
    pub async fn append(&self, batch: impl Into<Arc<Batch>>) -> Result<Taken, String> {
        let (acknowledge, acknowledged) = oneshot::channel();
        let submitted = Submitted { batch: batch.into(), acknowledge };
        let stopping = || "the server is stopping".to_owned();
        self.submit.send(Order::Append(submitted)).await.map_err(|_| stopping())?;
        acknowledged.await.map_err(|_| stopping())?
    }

    /// Appends batches in their order; returns when all of them are durable, or says why one is not.
    pub async fn append_all(&self, batches: Vec<Batch>) -> Result<(), String> {
        let stopping = || "the server is stopping".to_owned();
        let mut waiting = Vec::with_capacity(batches.len());
        for batch in batches {
            let (acknowledge, acknowledged) = oneshot::channel();
            let submitted = Submitted { batch: Arc::new(batch), acknowledge };
            self.submit.send(Order::Append(submitted)).await.map_err(|_| stopping())?;
            waiting.push(acknowledged);
        }
        for acknowledged in waiting {
            acknowledged.await.map_err(|_| stopping())??;
        }
        Ok(())
    }

    /// Lets the writer write what it has and end; whatever is submitted later is refused.
    pub async fn stop(&self) {
        let _ = self.submit.send(Order::Stop).await;
    }

    /// What the writer has done so far.
    pub fn counts(&self) -> &WriterCounts {
        &self.counts
    }
}

/// Starts the writer's thread. It ends after [`WriterHandle::stop`]; join it to know that all is written.
pub fn start(
    store: Arc<Store>,
    committed: mpsc::Sender<Committed>,
    health: Arc<Health>,
) -> std::io::Result<(WriterHandle, std::thread::JoinHandle<()>)> {
    let (submit, orders) = mpsc::channel(WAITING_MAX);
    let counts = Arc::new(WriterCounts::default());
    let writer = Writer { store, orders, committed, health, counts: counts.clone(), waiting: Vec::new() };
    let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run())?;
    Ok((WriterHandle { submit, counts }, thread))
}

struct Writer {
    store: Arc<Store>,
    orders: mpsc::Receiver<Order>,
    committed: mpsc::Sender<Committed>,
    health: Arc<Health>,
    counts: Arc<WriterCounts>,
    /// Appended, but not durable yet: the store writes them again with the next flush, and since the log will have
    /// them, they must be counted. The store's buffer bounds how many there are.
    waiting: Vec<(Arc<Batch>, LogPosition)>,
}

impl Writer {
    fn run(mut self) {
        let mut group = Vec::new();
        while let Some(Order::Append(first)) = self.orders.blocking_recv() {
            group.push(first);
            let mut is_last = false;
            while group.len() < GROUP_MAX {
                match self.orders.try_recv() {
                    Ok(Order::Append(next)) => group.push(next),
                    Ok(Order::Stop) => is_last = true,
                    Err(_) => break,
                }
            }
            self.write(std::mem::take(&mut group));
            if is_last {
                return;
            }
        }
    }

    fn write(&mut self, group: Vec<Submitted>) {
        let mut acknowledge = Vec::with_capacity(group.len());
        for submitted in group {
            match self.store.append(&submitted.batch) {
                Ok(done) => {
                    self.waiting.push((without(&submitted.batch, &done.refused), done.position));
                    let why = clock_set_back(&submitted.batch, &done);
                    acknowledge.push(Acknowledge { why, ..Acknowledge::of(submitted, done) });
                }
                Err(error) => self.refuse(submitted.acknowledge, &error.to_string()),
            }
        }
        if self.waiting.is_empty() {
            return;
        }
        match self.store.sync() {
            Ok(_) => self.hand_on(acknowledge),
            Err(error) => {
                let why = error.to_string();
                acknowledge.into_iter().for_each(|waiting| self.refuse(waiting.to, &why));
            }
        }
    }

    fn hand_on(&mut self, acknowledge: Vec<Acknowledge>) {
        self.health.clear(Trouble::Store);
        match acknowledge.iter().find_map(|waiting| waiting.why.clone()) {
            Some(why) => self.health.report(Trouble::Clock, why),
            None if acknowledge.iter().any(|waiting| waiting.is_scrape) => self.health.clear(Trouble::Clock),
            None => {}
        }
        for waiting in acknowledge {
            let _ = waiting.to.send(waiting.why.map_or(Ok(waiting.taken), Err));
        }
        for (batch, position) in std::mem::take(&mut self.waiting) {
            self.counts.batches.fetch_add(1, Ordering::Relaxed);
            self.counts.samples.fetch_add(batch.len() as u64, Ordering::Relaxed);
            let _ = self.committed.blocking_send(Committed { batch, position });
        }
    }

    /// What could not be stored at all.
    fn refuse(&self, acknowledge: oneshot::Sender<Result<Taken, String>>, why: &str) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        self.health.report(Trouble::Store, format!("samples cannot be stored: {why}"));
        let _ = acknowledge.send(Err(why.to_owned()));
    }
}

/// Someone who waits to hear that a batch is durable.
struct Acknowledge {
    to: oneshot::Sender<Result<Taken, String>>,
    is_scrape: bool,
    taken: Taken,
    /// Why nothing of it was taken.
    why: Option<String>,
}

impl Acknowledge {
    fn of(submitted: Submitted, done: Appended) -> Self {
        let is_scrape = matches!(submitted.batch.origin, Origin::Scrape { .. });
        let taken = Taken { taken: done.taken, known: done.known, refused: done.refused };
        Self { to: submitted.acknowledge, is_scrape, taken, why: None }
    }
}

/// A scrape of which every sample is older than what its series have: only a clock does that.
fn clock_set_back(batch: &Batch, done: &Appended) -> Option<String> {
    let is_scrape = matches!(batch.origin, Origin::Scrape { .. });
    if !is_scrape || done.taken + done.known > 0 {
        return None;
    }
    let last = done.refused.iter().map(|refused| match refused.reason {
        Refusal::OutOfOrder { last } | Refusal::TooOld { last, .. } => Some(last),
        Refusal::Duplicate { at } => Some(at),
        Refusal::BeforeRetention { .. } | Refusal::UnknownSeries { .. } | Refusal::MalformedHistogram => None,
    });
    let last = last.collect::<Option<Vec<_>>>()?.into_iter().max()?;
    Some(format!(
        "the clock was set back: samples are scraped at {}, but some of {last} are stored already; nothing is counted until then",
        batch.at
    ))
}

/// The batch as the log holds it: a sample that the store refused must not be counted now and missing on replay.
fn without(batch: &Arc<Batch>, refused: &[Refused]) -> Arc<Batch> {
    if refused.is_empty() {
        return batch.clone();
    }
    let refused: BTreeSet<usize> = refused.iter().map(|refused| refused.index).collect();
    Arc::new(batch.retain(|index| !refused.contains(&index)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_model::{Labels, Sample, TimeDelta, Timestamp};
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::{FaultDisk, Faults};

    use super::*;

    fn scrape(store: &Store, at: i64) -> Batch {
        let at = Timestamp(at);
        let up = store.series(&Labels::from_pairs([("__name__", "up")])).unwrap();
        let origin = Origin::Scrape { target: up, ok: true, interval: TimeDelta(15_000) };
        Batch::floats(origin, at, vec![(up, Sample::new(at, 1.0))])
    }

    #[tokio::test]
    async fn what_the_log_gets_after_a_full_disk_is_counted_and_the_trouble_is_over() {
        let disk = FaultDisk::new();
        let opened = Store::open(Path::new("data"), Options::default(), Arc::new(disk.clone()));
        let store = Arc::new(opened.unwrap().0);
        let (committed, mut counted) = mpsc::channel(16);
        let health = Arc::new(Health::default());
        let (writer, thread) = start(store.clone(), committed, health.clone()).unwrap();
        writer.append(scrape(&store, 1)).await.unwrap();
        disk.set_faults(Faults { capacity_bytes: Some(0), ..Faults::default() });
        let why = writer.append(scrape(&store, 2)).await.unwrap_err();
        assert!(health.has(Trouble::Store), "{why}");
        disk.set_faults(Faults::default());
        writer.append(scrape(&store, 3)).await.unwrap();
        assert!(!health.has(Trouble::Store));
        drop(writer);
        let mut times = Vec::new();
        while let Some(committed) = counted.recv().await {
            times.push(committed.batch.at.0);
        }
        thread.join().unwrap();
        let mut logged = Vec::new();
        let replayed = store.replay(LogPosition::default(), &mut |event| {
            if let bellwether_tsdb::LogEvent::Batch { batch, .. } = event {
                logged.push(batch.at.0);
            }
        });
        replayed.unwrap();
        assert_eq!((times, logged), (vec![1, 2, 3], vec![1, 2, 3]));
    }

    #[tokio::test]
    async fn a_clock_set_back_is_said_until_it_has_caught_up() {
        let disk = Arc::new(FaultDisk::new());
        let store = Arc::new(Store::open(Path::new("data"), Options::default(), disk).unwrap().0);
        let (committed, _counted) = mpsc::channel(16);
        let health = Arc::new(Health::default());
        let (writer, _thread) = start(store.clone(), committed, health.clone()).unwrap();
        for (at, is_behind) in [(60_000, false), (30_000, true), (45_000, true), (61_000, false)] {
            assert_eq!(writer.append(scrape(&store, at)).await.is_err(), is_behind, "{at}");
            assert_eq!(health.has(Trouble::Clock), is_behind, "{at}");
        }
    }
}
