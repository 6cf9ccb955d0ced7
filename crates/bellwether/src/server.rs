//! One running server: opens what is on disk, goes on where the last process ended, and starts every task.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use bellwether_alerts::AlertCore;
use bellwether_diag::Severity;
use bellwether_model::{LogPosition, Timestamp};
use bellwether_rules::RuleEngine;
use bellwether_slo::SloEngine;
use bellwether_tsdb::disk::make_dir;
use bellwether_tsdb::{Options, RealDisk, Recovery, Store};
use bellwether_web::{App, Demo, Queries, QuerySettings};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use crate::backup;
use crate::checkpoint::{Checkpoints, Found};
use crate::config::Config;
use crate::decide::{Decider, Shown};
use crate::discovery::Discoverer;
use crate::exemplars::keeper::Keeper;
use crate::exemplars::{self, Exemplars};
use crate::failure::Failure;
use crate::fold::{Fold, fold};
use crate::google_interface::GoogleInterface;
use crate::google_objectives::{self, GoogleObjectives};
use crate::health::{Health, Trouble};
use crate::import::journal::has_imports;
use crate::import_intake::ImportIntake;
use crate::lanes::Lanes;
use crate::ledger_rows::{self, LedgerRows};
use crate::otlp::OtlpReceiver;
use crate::pages::Pages;
use crate::pipeline::{Outcome, Pipeline};
use crate::probe::ProbePool;
use crate::receive::Receiver;
use crate::recorder::Recorder;
use crate::reload::{ConfigSource, Reloaded, Reloader, Settings};
use crate::request::REQUESTS_MAX;
use crate::rule_worker::RuleWorker;
use crate::scrape::ScrapePool;
use crate::senders::Senders;
use crate::slo_asker::SloAsker;
use crate::source::SourceHandle;
use crate::source::evaluator::Evaluator;
use crate::state::{Location, StateDb, StateError};
use crate::store_check::{CheckedStore, Pace, StoreChecks};
use crate::{clock, full_disk, maintain, series_limits, shutdown, terminal, writer};

/// What a server is started with.
pub struct Start {
    /// The configuration.
    pub config: ConfigSource,
    /// Where everything is kept, the state included unless it has a place of its own.
    pub data: PathBuf,
    /// Where the state is kept; without it, in a file beside the rest.
    pub state: Option<Location>,
    /// Where pages and API are served.
    pub listener: TcpListener,
    /// Where Alertmanager's API is served alone, if it is.
    pub alertmanager_listener: Option<TcpListener>,
    /// The demonstration's switches, if this is one.
    pub demo: Option<Arc<dyn Demo>>,
    /// Bounds on queries.
    pub queries: QuerySettings,
    /// Whether copies of the data can be asked for.
    pub admin_api: bool,
}

/// Batches that may wait to be counted before the writer waits.
const COMMITTED_MAX: usize = 1024;
/// Room on the disk that is kept for what must be recorded of alerts when samples have filled it.
const RESERVE_BYTES: u64 = 4 << 20;
/// How often it is looked whether the first data is there.
const LOOKED_EVERY: Duration = Duration::from_millis(100);
/// How long open connections may go on after the order to stop.
const GOODBYE_MAX: Duration = Duration::from_secs(3);

/// A running server.
pub struct Server {
    pages: Arc<Pages>,
    listener: TcpListener,
    alertmanager_listener: Option<TcpListener>,
    stop: watch::Sender<bool>,
    decider: JoinHandle<()>,
    writer: std::thread::JoinHandle<()>,
    maintenance: JoinHandle<()>,
    rows: JoinHandle<()>,
    exemplars: JoinHandle<()>,
}

impl Server {
    /// Opens, recovers, starts. Everything that is wrong with the configuration is printed.
    pub async fn start(start: Start) -> Result<Self, Failure> {
        crate::install_tls();
        let health = Arc::new(Health::default());
        let config = load(&start.config, &health)?;
        let address = start.listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
        let url = format!("http://{address}");
        let store = open_store(&start.data, &config, &health)?;
        let rows = open_rows(&start.data, &health)?;
        let location = start.state.unwrap_or_else(|| Location::file(start.data.join("state.db")));
        let state = StateDb::open(&location).await.map_err(failed)?;
        info!(database = %location, epoch = state.epoch(), "state database opened");
        let state = Arc::new(state);
        let made = Arc::new(GoogleObjectives::open(&state).await.map_err(failed)?);
        let slos = google_objectives::beside(&config.slos, made.slos());
        let config = Config { slos, ..config };
        let settings = Settings::of(&config, &url);
        let recovered = recover(&start.data, &store, &state, &config, &settings, &health).await?;
        let Recovered { pipeline, position, checkpoints, backlog } = recovered;

        let (stop, stopped) = watch::channel(false);
        let (changes, changed) = watch::channel(0);
        let (committed, committed_in) = mpsc::channel(COMMITTED_MAX);
        let (requests, requests_in) = mpsc::channel(REQUESTS_MAX);
        let (reports, reported) = mpsc::channel(REQUESTS_MAX);
        let (writer, writer_thread) =
            writer::start(store.clone(), committed, health.clone()).map_err(failed)?;
        let senders = Arc::new(Senders::new(settings.alerts.clone()));
        senders.cluster.set_members(&config.alertmanagers);
        let exemplars = Arc::new(Exemplars::new(exemplars::max(&config)));
        let keeper = Keeper::open(&start.data, exemplars.clone(), &store);
        let keeping_exemplars = tokio::spawn(keeper.run(store.clone(), stopped.clone()));
        let pool = ScrapePool::new(store.clone(), writer.clone(), health.clone(), exemplars.clone());
        pool.set_retention(config.retention);
        let pool = Arc::new(pool);
        let discoverer = Discoverer::start(pool.clone(), health.clone());
        let probes = Arc::new(ProbePool::new(store.clone(), writer.clone()));
        let pipeline = Arc::new(RwLock::new(pipeline));

        let source = SourceHandle::new(store.clone(), writer.clone(), health.clone(), requests.clone());
        let source = Arc::new(source);
        let checked = |name, store: &Arc<Store>, folder: &str| CheckedStore {
            name,
            folder: start.data.join(folder),
            store: store.clone(),
        };
        let checks =
            vec![checked("samples", &store, "metrics"), checked("ledger_rows", &rows, "ledger-rows")];
        let checks = Arc::new(StoreChecks::new(checks));
        checks.tell(&health);
        let rows = LedgerRows::new(rows, pipeline.clone());
        let evaluator = Evaluator::with_source(store.clone(), source.clone()).with_rows(rows.clone());
        let recorder = Recorder::new(state.clone(), health.clone());
        let counts = recorder.counts();
        let decider = Decider {
            pipeline: pipeline.clone(),
            store: store.clone(),
            committed: committed_in,
            requests: requests_in,
            reported,
            reports,
            state: state.clone(),
            recorder,
            senders: senders.clone(),
            lanes: Lanes::default(),
            rules: RuleWorker { store: store.clone(), writer: writer.clone(), evaluator: evaluator.clone() },
            asker: SloAsker { evaluator },
            checkpoints,
            position,
            rules_changed: false,
            rules_saved_at: Timestamp::default(),
            health: health.clone(),
            changes,
            shown: Shown::Stale,
            shown_at: Timestamp::default(),
        };
        let decider = tokio::spawn(decider.run(backlog, stopped.clone()));
        discoverer.assign(&config.prometheus.jobs);
        probes.assign(&config.probes);
        source.assign(&config);
        let receiver = Arc::new(Receiver::new(store.clone(), writer.clone(), exemplars.clone()));
        receiver.set_replicas(config.receive.replicas.clone());
        receiver.set_retention(config.retention);
        let reloaded = Reloaded {
            receiver: receiver.clone(),
            source: start.config,
            url,
            store: store.clone(),
            discoverer: discoverer.clone(),
            probes: probes.clone(),
            remote: source.clone(),
            exemplars: exemplars.clone(),
            senders,
            requests: requests.clone(),
            health: health.clone(),
            made: made.clone(),
        };
        let reloader = Arc::new(Reloader::new(reloaded, config));
        tokio::spawn(series_limits::watch(store.clone(), health.clone(), stopped.clone()));
        tokio::spawn(checks.clone().run(Pace::default(), health.clone(), stopped.clone()));
        tokio::spawn(full_disk::watch(store.clone(), health.clone(), stopped.clone()));
        let keeping = ledger_rows::task::run(rows.clone(), reloader.clone(), health.clone(), stopped.clone());
        let keeping_rows = tokio::spawn(keeping);
        let maintenance = tokio::spawn(maintain::run(
            store.clone(),
            state.clone(),
            reloader.clone(),
            health.clone(),
            requests.clone(),
            stopped,
        ));
        reload_on_hangup(reloader.clone());
        let google = GoogleInterface {
            kept: made,
            state: state.clone(),
            reloader: reloader.clone(),
            one_change: tokio::sync::Mutex::default(),
        };
        let imports = start.admin_api.then(|| Arc::new(ImportIntake::new(store.clone(), start.data.clone())));
        let pages = Pages {
            google,
            checks,
            pipeline,
            pool,
            discoverer,
            probes,
            source: source.clone(),
            state,
            counts,
            health,
            exemplars,
            otlp: Arc::new(OtlpReceiver::new(receiver.clone(), store.clone())),
            receiver,
            store,
            rows,
            writer,
            requests,
            changes: changed,
            reloader,
            demo: start.demo,
            snapshots: start.admin_api.then(|| start.data.clone()),
            imports,
            queries: Queries::new(start.queries).with_elsewhere(source),
            started_at: clock::now(),
            slos: Mutex::new(None),
        };
        let pages = Arc::new(pages);
        Ok(Self {
            pages,
            listener: start.listener,
            alertmanager_listener: start.alertmanager_listener,
            stop,
            decider,
            writer: writer_thread,
            maintenance,
            rows: keeping_rows,
            exemplars: keeping_exemplars,
        })
    }

    /// Returns when the first target has answered, or after a while.
    pub async fn first_data(&self, at_most: Duration) {
        let arrived = async {
            while self.pages.overview().data_at.is_none() {
                tokio::time::sleep(LOOKED_EVERY).await;
            }
        };
        let _ = tokio::time::timeout(at_most, arrived).await;
    }

    /// Serves until the process is asked to stop, then lets every part finish what it has begun.
    pub async fn run(self) -> Result<(), Failure> {
        let pages = serve(self.listener, bellwether_web::router(self.pages.clone()), &self.stop);
        let alertmanager = self.alertmanager_listener.map(|listener| {
            serve(listener, bellwether_web::alertmanager_router(self.pages.clone()), &self.stop)
        });
        shutdown::requested().await;
        info!("stopping");
        self.pages.discoverer.stop();
        self.pages.pool.stop();
        self.pages.probes.stop();
        self.pages.source.stop();
        // The writer first: what it still makes durable is counted before the decider's last checkpoint.
        self.pages.writer.stop().await;
        let _ = tokio::task::spawn_blocking(move || self.writer.join()).await;
        let _ = self.stop.send(true);
        let _ = self.decider.await;
        let _ = self.maintenance.await;
        let _ = self.rows.await;
        let _ = self.exemplars.await;
        // Event streams stay open as long as their page; they are not waited for.
        let goodbye = tokio::time::Instant::now() + GOODBYE_MAX;
        for serving in std::iter::once(pages).chain(alertmanager) {
            let _ = tokio::time::timeout_at(goodbye, serving).await;
        }
        info!("stopped");
        Ok(())
    }
}

/// Serves until the order to stop.
fn serve(
    listener: TcpListener,
    router: axum::Router,
    stop: &watch::Sender<bool>,
) -> JoinHandle<std::io::Result<()>> {
    let mut stopped = stop.subscribe();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
        let _ = stopped.changed().await;
    });
    tokio::spawn(serve.into_future())
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(error.to_string())
}

/// Reads the configuration and prints what is wrong with it; warnings do not stop anything. Nor do rules that are
/// wrong: the others run, and every page says that these do not.
fn load(source: &ConfigSource, health: &Health) -> Result<Config, Failure> {
    let loaded = source.load();
    let text = loaded.all_problems().render(&loaded.sources, terminal::style(&std::io::stderr()));
    if !text.is_empty() {
        eprintln!("{}", text.trim_end());
    }
    if let (None, ConfigSource::File(path)) = (&loaded.config, source)
        && !path.exists()
    {
        eprintln!(
            "write one ({{}} is a whole configuration), name another with --config, or try `bellwether demo`"
        );
    }
    if let (Some(_), Some(first)) =
        (&loaded.config, loaded.refused.iter().find(|d| d.severity == Severity::Error))
    {
        let place = first.span.map(|span| {
            let position = loaded.sources.position(span);
            format!("{}:{}:{}: ", loaded.sources.name(span.file), position.line, position.column)
        });
        let count = loaded.refused.error_count();
        let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
        let place = place.unwrap_or_default();
        health.report(
            Trouble::Rules,
            format!("rules that are wrong do not run: {place}{}{more}", first.sentence()),
        );
    }
    loaded.config.ok_or(Failure::Reported)
}

fn open_store(data: &Path, config: &Config, health: &Health) -> Result<Arc<Store>, Failure> {
    let folder = data.join(backup::SAMPLES_FOLDER);
    make_folder(data, &folder)?;
    let options = Options {
        limits: config.storage.limits.clone(),
        out_of_order_window: config.storage.out_of_order_window(),
        reserve_bytes: RESERVE_BYTES,
        ..Options::default()
    };
    let (store, recovery) = Store::open(&folder, options, Arc::new(RealDisk)).map_err(failed)?;
    report(&recovery, health);
    Ok(Arc::new(store))
}

/// Rows of objectives have no limits on series: there are as many as are configured.
fn open_rows(data: &Path, health: &Health) -> Result<Arc<Store>, Failure> {
    let folder = data.join(backup::ROWS_FOLDER);
    make_folder(data, &folder)?;
    let (store, recovery) = Store::open(&folder, Options::default(), Arc::new(RealDisk)).map_err(failed)?;
    report(&recovery, health);
    Ok(Arc::new(store))
}

/// Makes a folder of the data directory; the reason why it cannot be made is mostly one that its name explains.
fn make_folder(data: &Path, folder: &Path) -> Result<(), Failure> {
    make_dir(&RealDisk, folder).map_err(|error| {
        let why = match folder.ancestors().find(|path| path.is_file()) {
            Some(file) => format!("{} is a file, not a directory", file.display()),
            None => format!("{} cannot be made: {error}", folder.display()),
        };
        Failure::failed(format!(
            "cannot use the data directory {}: {why}; name another with --data",
            data.display()
        ))
    })
}

fn report(recovery: &Recovery, health: &Health) {
    info!(
        series = recovery.series,
        segments = recovery.segments,
        samples_replayed = recovery.samples_replayed,
        torn_bytes = recovery.torn_bytes,
        "store opened"
    );
    for file in &recovery.quarantined {
        error!(file = %file.path.display(), why = file.reason, "damaged and put aside, the rest is served");
    }
    if recovery.damaged_bytes > 0 {
        let bytes = recovery.damaged_bytes;
        health.report(
            Trouble::Damage,
            format!("{bytes} bytes of the log or of the names of series are damaged; what they said is lost, the rest is served"),
        );
    }
}

/// What the last process left behind, ready to go on.
struct Recovered {
    pipeline: Pipeline,
    position: LogPosition,
    checkpoints: Checkpoints,
    /// Alerts that follow from what was folded.
    backlog: Outcome,
}

async fn recover(
    data: &Path,
    store: &Arc<Store>,
    state: &StateDb,
    config: &Config,
    settings: &Settings,
    health: &Health,
) -> Result<Recovered, Failure> {
    let now = clock::now();
    let ledger = data.join("ledger");
    make_folder(data, &ledger)?;
    let (checkpoints, found) = Checkpoints::open(&ledger, config.slos.clone(), settings.slo.clone())
        .map_err(|error| {
            Failure::failed(format!("cannot read the ledger in {}: {error}", ledger.display()))
        })?;
    let found = match found {
        Found::Ledger(_, position) if position > store.position() => {
            Found::Unusable("it speaks of samples that are not in the log".to_owned())
        }
        found => found,
    };
    let (mut engine, from) = match found {
        Found::Ledger(engine, position) => (*engine, Some(position)),
        Found::Nothing => (SloEngine::new(config.slos.clone(), settings.slo.clone()), None),
        Found::Unusable(why) => {
            health.report(
                Trouble::Damage,
                format!("the ledger's checkpoint cannot be used and is made anew: {why}"),
            );
            (SloEngine::new(config.slos.clone(), settings.slo.clone()), None)
        }
    };
    // Before the fold: alerts of what is taken out must not fire again.
    engine.restore_corrections(state.corrections().await.map_err(failed)?);
    let mut rules = RuleEngine::new(settings.rules.clone());
    let mut backlog = Outcome::default();
    let effects = rules.load(&settings.rule_files, now);
    match state.rules().await {
        Ok(snapshot) => rules.restore(snapshot.unwrap_or_default()),
        Err(error @ StateError::Row { .. }) => {
            warn!(%error, "what the rules remembered cannot be read; pending alerts begin anew")
        }
        Err(error) => return Err(failed(error)),
    }
    let restored = state.restore().await.map_err(failed)?;
    let alerts = AlertCore::restore(settings.alerts.clone(), restored, now);
    let mut pipeline = Pipeline::new(engine, rules, alerts)
        .with_external_labels(settings.rules.external_labels.clone())
        .with_alert_relabel(settings.alert_relabel.clone());
    pipeline.hand_over.set_members(settings.alertmanagers.clone(), now);
    pipeline.take_rule_effects(effects, now, &mut backlog);
    let setting = Fold { retention: config.retention, now, has_imports: has_imports(data), health };
    let folded = fold(store, &mut pipeline, from, setting);
    pipeline.hear(folded.alerts, now, &mut backlog);
    pipeline.recall(now, &mut backlog);
    Ok(Recovered { pipeline, position: folded.position, checkpoints, backlog })
}

fn reload_on_hangup(reloader: Arc<Reloader>) {
    #[cfg(unix)]
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut hangups) = signal(SignalKind::hangup()) else { return };
        while hangups.recv().await.is_some() {
            if let Err(reasons) = reloader.reload().await {
                eprintln!("{}", reasons.trim_end());
            }
        }
    });
    #[cfg(not(unix))]
    drop(reloader);
}
