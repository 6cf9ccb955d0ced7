//! What a running server consists of, for whoever answers questions about it, and the way to the task that decides.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bellwether_alerts as alerts;
use bellwether_model::Timestamp;
use bellwether_slo::SloStatus;
use bellwether_tsdb::Store;
use bellwether_web::view::Refused;
use bellwether_web::{Demo, Queries};
use tokio::sync::{mpsc, oneshot, watch};

use crate::alert_counts::AlertCounts;
use crate::discovery::Discoverer;
use crate::exemplars::Exemplars;
use crate::google_interface::GoogleInterface;
use crate::health::Health;
use crate::import_intake::ImportIntake;
use crate::ledger_rows::LedgerRows;
use crate::otlp::OtlpReceiver;
use crate::pipeline::Pipeline;
use crate::probe::ProbePool;
use crate::receive::Receiver;
use crate::reload::Reloader;
use crate::request::Request;
use crate::scrape::ScrapePool;
use crate::source::SourceHandle;
use crate::state::StateDb;
use crate::store_check::StoreChecks;
use crate::writer::WriterHandle;

/// Everything that can be seen of a running server.
pub struct Pages {
    /// Objectives made through the interface of Google Cloud Monitoring.
    pub google: GoogleInterface,
    /// What decides.
    pub pipeline: Arc<RwLock<Pipeline>>,
    /// The samples.
    pub store: Arc<Store>,
    /// How checking what lies on the disk has gone.
    pub checks: Arc<StoreChecks>,
    /// What objectives counted, as series.
    pub rows: LedgerRows,
    /// The targets.
    pub pool: Arc<ScrapePool>,
    /// What finds them.
    pub discoverer: Arc<Discoverer>,
    /// The probes.
    pub probes: Arc<ProbePool>,
    /// The store that is read, if one is.
    pub source: Arc<SourceHandle>,
    /// The records.
    pub state: Arc<StateDb>,
    /// What happened to alerts and messages.
    pub counts: Arc<AlertCounts>,
    /// What keeps alerts from people.
    pub health: Arc<Health>,
    /// The writer, for its counts.
    pub writer: WriterHandle,
    /// The latest exemplars.
    pub exemplars: Arc<Exemplars>,
    /// Takes in what is pushed.
    pub receiver: Arc<Receiver>,
    /// Takes in what is pushed by OpenTelemetry's protocol.
    pub otlp: Arc<OtlpReceiver>,
    /// Where requests go.
    pub requests: mpsc::Sender<Request>,
    /// Changes of what is shown.
    pub changes: watch::Receiver<u64>,
    /// Reads the configuration anew.
    pub reloader: Arc<Reloader>,
    /// The demonstration's switches, if this is one.
    pub demo: Option<Arc<dyn Demo>>,
    /// The data directory, if copies of it can be asked for.
    pub snapshots: Option<PathBuf>,
    /// Takes in imports, if they are allowed.
    pub imports: Option<Arc<ImportIntake>>,
    /// Queries in their turns.
    pub queries: Queries,
    /// When this process started.
    pub started_at: Timestamp,
    /// The latest evaluation, with the change it belongs to.
    pub slos: Mutex<Option<(u64, Arc<Vec<SloStatus>>)>>,
}

impl Pages {
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Pipeline) -> T) -> T {
        look(&self.pipeline.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks the task that decides; what it answers is recorded.
    pub(crate) async fn ask(&self, event: alerts::Event) -> Result<alerts::Answer, Refused> {
        let unavailable = |why: &str| Refused::Unavailable(format!("the server cannot record it now: {why}"));
        let (answer, answered) = oneshot::channel();
        self.requests
            .send(Request::Alerts(event, Some(answer)))
            .await
            .map_err(|_| unavailable("it is stopping"))?;
        answered.await.map_err(|_| unavailable("it is stopping"))?.map_err(|why| unavailable(&why))
    }
}

/// The task that decides answers in kind.
pub(crate) fn other_answer() -> Refused {
    Refused::Unavailable("the server answered something else than was asked".to_owned())
}
