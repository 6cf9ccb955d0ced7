//! Putting a configuration into force: at the start, and again on SIGHUP or `POST /-/reload`. A configuration with a
//! mistake changes nothing; the one before keeps running, and every page says that the reload was refused and why.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bellwether_alerts::{Precedence, Preceding, Setup, Templates};
use bellwether_diag::Style;
use bellwether_ingest::otlp::OtlpSettings;
use bellwether_ingest::relabel::Relabelling;
use bellwether_model::{TimeDelta, Timestamp};
use bellwether_rules::{EngineOptions, RuleFile};
use bellwether_slo::{EngineSettings, RETENTION_OF_COUNTS, Slo};
use bellwether_tsdb::Store;
use tokio::sync::{mpsc, oneshot};
use tracing::info;

use crate::backfill;
use crate::clock;
use crate::config::{self, Config, Loaded};
use crate::discovery::Discoverer;
use crate::exemplars::{self, Exemplars};
use crate::google_objectives::{self, GoogleObjectives};
use crate::health::{Health, Trouble};
use crate::pipeline::{Outcome, Pipeline};
use crate::probe::ProbePool;
use crate::receive::Receiver;
use crate::request::{Change, Request};
use crate::senders::Senders;
use crate::source::SourceHandle;

/// Where the configuration comes from.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file.
    File(PathBuf),
    /// A text that is part of the program.
    Text {
        /// What it is called in messages.
        name: String,
        /// The text.
        text: String,
    },
}

impl ConfigSource {
    /// Reads it and everything it names.
    pub fn load(&self) -> Loaded {
        match self {
            Self::File(path) => config::load(path),
            Self::Text { name, text } => config::load_text(name, text),
        }
    }

    /// What it is called.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text { name, .. } => name.clone(),
        }
    }
}

/// What the parts of a server are set up with, made from a configuration.
#[derive(Clone, Debug)]
pub struct Settings {
    /// For routing.
    pub alerts: Setup,
    /// For rules.
    pub rules: EngineOptions,
    /// For objectives.
    pub slo: EngineSettings,
    /// Alertmanagers that are handed every alert.
    pub alertmanagers: Vec<String>,
    /// What is done to alerts before those are handed them.
    pub alert_relabel: Relabelling,
    /// Rule files with their names.
    pub rule_files: Vec<(String, RuleFile)>,
}

impl Settings {
    /// From a configuration; `url` is where this server is reached unless the configuration says otherwise.
    pub fn of(config: &Config, url: &str) -> Self {
        let external_url = config.external_url.clone().unwrap_or_else(|| url.to_owned());
        let texts: BTreeMap<String, String> =
            config.templates.iter().map(|file| (file.name.clone(), file.text.clone())).collect();
        Self {
            alerts: Setup {
                config: config.routing.clone(),
                templates: Arc::new(Templates::new(texts)),
                external_url: external_url.clone(),
                precedence: Arc::new(precedence(&config.slos)),
                fallback: config.fallback.clone(),
            },
            rules: EngineOptions {
                interval: config.prometheus.global.evaluation_interval,
                query_offset: config.prometheus.global.rule_query_offset,
                external_labels: config.prometheus.global.external_labels.clone(),
                external_url: external_url.clone(),
                ..EngineOptions::default()
            },
            slo: EngineSettings {
                generator_url: external_url,
                retention: config.storage.ledger_retention.unwrap_or(RETENTION_OF_COUNTS),
                ..EngineSettings::default()
            },
            alertmanagers: config.alertmanagers.iter().map(|member| member.url.clone()).collect(),
            alert_relabel: config.prometheus.alert_relabel.clone(),
            rule_files: config.rules.clone(),
        }
    }
}

/// Which of the objectives' alerts keep which quiet.
fn precedence(slos: &[Arc<Slo>]) -> Precedence {
    let subjects = slos.iter().map(|slo| {
        let equal = slo.indicator.group_by.clone();
        let preceding = Preceding { equal, quieted_by: slo.quieted_by() };
        (vec![slo.name.clone(), slo.service.clone()], preceding)
    });
    Precedence {
        subject: vec!["slo".to_owned(), "service".to_owned()],
        by: "alert".to_owned(),
        subjects: subjects.filter(|(_, preceding)| !preceding.quieted_by.is_empty()).collect(),
    }
}

/// Puts configurations into force.
pub struct Reloader {
    parts: Reloaded,
    current: Mutex<Config>,
    loaded_at: Mutex<Timestamp>,
    /// One reload at a time: two at once could put the rules of one and the targets of the other into force.
    turn: tokio::sync::Mutex<()>,
}

/// What a reloader works on.
pub struct Reloaded {
    /// Where the configuration comes from.
    pub source: ConfigSource,
    /// Where this server is reached.
    pub url: String,
    /// The samples.
    pub store: Arc<Store>,
    /// The latest exemplars.
    pub exemplars: Arc<Exemplars>,
    /// The targets.
    pub discoverer: Arc<Discoverer>,
    /// The probes.
    pub probes: Arc<ProbePool>,
    /// Takes in what is pushed.
    pub receiver: Arc<Receiver>,
    /// The store that is read, if one is.
    pub remote: Arc<SourceHandle>,
    /// What sends.
    pub senders: Arc<Senders>,
    /// Where decisions are made.
    pub requests: mpsc::Sender<Request>,
    /// Where a refused reload is reported.
    pub health: Arc<Health>,
    /// Objectives that do not stand in the configuration.
    pub made: Arc<GoogleObjectives>,
}

impl Reloader {
    /// With the configuration that is already in force.
    pub fn new(parts: Reloaded, current: Config) -> Self {
        Self {
            parts,
            current: Mutex::new(current),
            loaded_at: Mutex::new(clock::now()),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// What the configuration is called.
    pub fn name(&self) -> String {
        self.parts.source.name()
    }

    /// Where people find this server; ends without a slash.
    pub fn external_url(&self) -> String {
        let configured = self.current.lock().unwrap_or_else(PoisonError::into_inner).external_url.clone();
        configured.unwrap_or_else(|| self.parts.url.clone()).trim_end_matches('/').to_owned()
    }

    /// How often targets are scraped that do not say.
    pub fn scrape_interval(&self) -> TimeDelta {
        self.current().prometheus.global.scrape_interval
    }

    /// How metrics pushed by OpenTelemetry's protocol become series.
    pub fn otlp(&self) -> Arc<OtlpSettings> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).prometheus.otlp.clone()
    }

    /// The configuration in force.
    pub fn current(&self) -> Config {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When the configuration in force was read.
    pub fn loaded_at(&self) -> Timestamp {
        *self.loaded_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the configuration anew; every reason against it is in the error.
    pub async fn reload(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let source = self.parts.source.clone();
        let loaded =
            tokio::task::spawn_blocking(move || source.load()).await.map_err(|error| error.to_string())?;
        let problems = loaded.all_problems();
        // A rule that was good before and is wrong now goes on as it was, with all others.
        let Some(config) = loaded.config.filter(|_| !problems.has_errors()) else {
            let reasons = problems.render(&loaded.sources, Style { color: false });
            let count = problems.error_count();
            let first = reasons.lines().next().unwrap_or_default().to_owned();
            let more = if count > 1 { format!(" (and {} more)", count - 1) } else { String::new() };
            self.parts.health.report(
                Trouble::Reload,
                format!("reload refused, the old configuration runs: {first}{more}"),
            );
            return Err(reasons);
        };
        let slos = google_objectives::beside(&config.slos, self.parts.made.slos());
        self.apply(Config { slos, ..config }).await?;
        self.parts.health.clear(Trouble::Reload);
        self.parts.health.clear(Trouble::Rules);
        info!(config = %self.name(), "reloaded");
        Ok(())
    }

    /// Puts objectives into force that were made or unmade beside the configuration.
    pub async fn objectives_changed(&self) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let config = self.current();
        let configured: Vec<Arc<Slo>> =
            config.slos.iter().filter(|slo| !google_objectives::is_made(slo)).cloned().collect();
        let slos = google_objectives::beside(&configured, self.parts.made.slos());
        self.apply(Config { slos, ..config }).await
    }

    async fn apply(&self, config: Config) -> Result<(), String> {
        let settings = Settings::of(&config, &self.parts.url);
        let (slos, store) = (config.slos.clone(), self.parts.store.clone());
        let retention = config.retention;
        self.parts.senders.reconfigure(settings.alerts.clone());
        self.parts.senders.cluster.set_members(&config.alertmanagers);
        let change = Change(Box::new(move |pipeline: &mut Pipeline, now: Timestamp| {
            let mut outcome = Outcome::default();
            pipeline.hand_over.set_members(settings.alertmanagers, now);
            let effects = pipeline.slo.step(bellwether_slo::Event::Reload(slos), now);
            pipeline.slo.keep_history(settings.slo.retention);
            backfill::fill(&mut pipeline.slo, &store, retention, now);
            pipeline.set_external_labels(settings.rules.external_labels.clone(), now, &mut outcome);
            pipeline.set_alert_relabel(settings.alert_relabel.clone(), now);
            pipeline.rules.set_options(settings.rules);
            let rule_effects = pipeline.rules.load(&settings.rule_files, now);
            pipeline.take_rule_effects(rule_effects, now, &mut outcome);
            pipeline.alerts.reconfigure(settings.alerts, now);
            pipeline.hear(crate::pipeline::alerts_of(effects), now, &mut outcome);
            outcome
        }));
        let (done, applied) = oneshot::channel();
        let stopping = || "the server is stopping".to_owned();
        self.parts.requests.send(Request::Change(change, done)).await.map_err(|_| stopping())?;
        applied.await.map_err(|_| stopping())?;
        self.parts.store.set_limits(config.storage.limits.clone());
        self.parts.exemplars.set_max(exemplars::max(&config));
        self.parts.store.set_out_of_order_window(config.storage.out_of_order_window());
        self.parts.receiver.set_replicas(config.receive.replicas.clone());
        self.parts.receiver.set_retention(config.retention);
        self.parts.discoverer.set_retention(config.retention);
        self.parts.discoverer.assign(&config.prometheus.jobs);
        self.parts.probes.assign(&config.probes);
        self.parts.remote.assign(&config);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = config;
        *self.loaded_at.lock().unwrap_or_else(PoisonError::into_inner) = clock::now();
        Ok(())
    }
}
