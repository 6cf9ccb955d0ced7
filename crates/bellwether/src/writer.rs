//! The one way into the store. Batches are appended in the order in which they come, made durable together (group
//! commit), and only then acknowledged and handed on to what decides. So whatever was decided rests on samples that
//! survive a crash, and the ledger applies batches in exactly the order of the log.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_model::{Batch, LogPosition};
use bellwether_tsdb::{Refused, Store};
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
    acknowledge: oneshot::Sender<Result<(), String>>,
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
    /// Appends a batch; returns when it is durable, or says why it is not.
    pub async fn append(&self, batch: Batch) -> Result<(), String> {
        let (acknowledge, acknowledged) = oneshot::channel();
        let submitted = Submitted { batch: Arc::new(batch), acknowledge };
        let stopping = || "the server is stopping".to_owned();
        self.submit.send(Order::Append(submitted)).await.map_err(|_| stopping())?;
        acknowledged.await.map_err(|_| stopping())?
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
    let writer = Writer { store, orders, committed, health, counts: counts.clone() };
    let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || writer.run())?;
    Ok((WriterHandle { submit, counts }, thread))
}

struct Writer {
    store: Arc<Store>,
    orders: mpsc::Receiver<Order>,
    committed: mpsc::Sender<Committed>,
    health: Arc<Health>,
    counts: Arc<WriterCounts>,
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

    fn write(&self, group: Vec<Submitted>) {
        let mut appended = Vec::with_capacity(group.len());
        for submitted in group {
            match self.store.append(&submitted.batch) {
                Ok(done) => {
                    let batch = without(&submitted.batch, &done.refused);
                    appended.push((Submitted { batch, ..submitted }, done.position));
                }
                Err(error) => self.refuse(submitted, &error.to_string()),
            }
        }
        if appended.is_empty() {
            return;
        }
        match self.store.sync() {
            Ok(_) => self.hand_on(appended),
            Err(error) => {
                let why = error.to_string();
                appended.into_iter().for_each(|(submitted, _)| self.refuse(submitted, &why));
            }
        }
    }

    fn hand_on(&self, appended: Vec<(Submitted, LogPosition)>) {
        self.health.clear(Trouble::Store);
        for (submitted, position) in appended {
            self.counts.batches.fetch_add(1, Ordering::Relaxed);
            self.counts.samples.fetch_add(submitted.batch.samples.len() as u64, Ordering::Relaxed);
            let _ = submitted.acknowledge.send(Ok(()));
            let _ = self.committed.blocking_send(Committed { batch: submitted.batch, position });
        }
    }

    /// What could not be stored at all.
    fn refuse(&self, submitted: Submitted, why: &str) {
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        self.health.report(Trouble::Store, format!("samples cannot be stored: {why}"));
        let _ = submitted.acknowledge.send(Err(why.to_owned()));
    }
}

/// The batch as the log holds it: a sample that the store refused must not be counted now and missing on replay.
fn without(batch: &Arc<Batch>, refused: &[Refused]) -> Arc<Batch> {
    if refused.is_empty() {
        return batch.clone();
    }
    let refused: BTreeSet<usize> = refused.iter().map(|refused| refused.index).collect();
    let kept = batch.samples.iter().enumerate().filter(|(index, _)| !refused.contains(index));
    Arc::new(Batch { samples: kept.map(|(_, sample)| *sample).collect(), ..Batch::clone(batch) })
}
