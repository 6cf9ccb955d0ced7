//! What pages and the API ask of a running server: each question goes to what knows the answer.

use std::sync::{Arc, PoisonError};

use bellwether_alerts::{self as alerts, SilenceId, SilenceWish};
use bellwether_model::{
    Alert, AlertFingerprint, Exemplar, Labels, Matcher, SeriesSource, TimeDelta, TimeRange, Timestamp,
    matches_all,
};
use bellwether_slo::{
    Correction, CorrectionEvent, Fired, Forecast, Goal, HistoryPoint, Past, ReportRequest, ReportSpan, Slo,
    SloReport, SloStatus, Stretch, Suggestion, WhatIf,
};
use bellwether_web::view::{
    AlertGroupView, AlertView, AuditView, ConfigView, Dashboard, DefinitionView, DeliveryDetail,
    DeliveryFilter, DeliveryView, DiscoveryView, DrillView, ExplanationView, HistoryRequest, ImportBegun,
    ImportTaken, ListedAlert, ListedGroup, LoudAlerts, NewAction, NewSilence, Overview, ProbeView,
    PushedView, ReceiverFailing, ReceiverView, Refused, RequestRefusal, RoutedView, RoutingConfigView,
    RuleGroupView, ScrapePoolView, ServerView, SilenceView, SnapshotView, StatisticsView, TargetHealth,
    TargetMetadata, TargetView, Wanted, WriteRefused, WriteVersion, Written,
};
use bellwether_web::{App, BoxFuture, Demo, GoogleResources, OtlpOutcome, OtlpPush, Queries};
use bytes::Bytes;
use tokio::sync::watch;

use crate::actions;
use crate::alert_view;
use crate::backup::{self, Stores};
use crate::client::ADMIN_DISABLED;
use crate::clock;
use crate::corrections;
use crate::deliveries;
use crate::explain;
use crate::gauge_notes::gauge_notes;
use crate::health::Trouble;
use crate::import_intake::ImportAsk;
use crate::listing;
use crate::pages::{Pages, other_answer};
use crate::rule_view;
use crate::server_view;
use crate::slo_definition;
use crate::statistics;
use crate::storage_view;
use crate::telemetry;

fn no_admin() -> Refused {
    Refused::Unavailable(ADMIN_DISABLED.to_owned())
}

impl Pages {
    /// A copy of all that is kept of an objective's past, so that nobody waits for what is computed from it.
    fn past(&self, slo_id: &str) -> Option<(Past, Arc<Slo>)> {
        self.read(|pipeline| {
            let slo = pipeline.slo.slo(slo_id)?.clone();
            Some((pipeline.slo.past(slo_id, &Labels::empty(), TimeDelta(i64::MAX / 2))?, slo))
        })
    }

    async fn ask_silence(&self, event: alerts::Event) -> Result<SilenceId, Refused> {
        let alerts::Answer::Silence(result) = self.ask(event).await? else { return Err(other_answer()) };
        result.map_err(|error| match error {
            alerts::SilenceError::NotFound { .. } => Refused::NotFound(error.to_string()),
            _ => Refused::Invalid(error.to_string()),
        })
    }

    async fn acted(
        &self,
        event: alerts::Event,
    ) -> Result<Result<Vec<AlertFingerprint>, alerts::ActionError>, Refused> {
        match self.ask(event).await? {
            alerts::Answer::Acted(result) => Ok(result),
            alerts::Answer::Silence(_) | alerts::Answer::Heard | alerts::Answer::Drilled(_) => {
                Err(other_answer())
            }
        }
    }
}

impl App for Pages {
    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    fn ready(&self) -> bool {
        true // pages are served only once everything is loaded
    }

    fn overview(&self) -> Overview {
        let targets = self.pool.views();
        let source = self.source.view();
        let (receivers_failing, scrape_interval) = (
            self.read(|pipeline| failing(&pipeline.alerts)),
            targets.iter().map(|target| target.interval).min(),
        );
        Overview {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: option_env!("BELLWETHER_REVISION").unwrap_or_default().to_owned(),
            started_at: self.started_at,
            scrape_interval: scrape_interval.unwrap_or(self.reloader.scrape_interval()),
            data_at: targets
                .iter()
                .filter(|target| target.health == TargetHealth::Up)
                .filter_map(|target| target.last_scrape_at)
                .chain(self.probes.views().iter().filter_map(|probe| probe.last_at))
                .chain(source.as_ref().and_then(|source| source.read_until))
                .max(),
            targets_up: targets.iter().filter(|target| target.health == TargetHealth::Up).count(),
            targets: targets.len(),
            series: usize::try_from(self.store.stats().series).unwrap_or(usize::MAX),
            receivers_failing,
            warnings: {
                let mut warnings = self.health.sentences();
                warnings
                    .extend(self.read(|pipeline| listing::expiring_silences(&pipeline.alerts, clock::now())));
                warnings
            },
            config_path: self.reloader.name().to_owned(),
        }
    }

    fn metrics(&self) -> String {
        telemetry::render(&telemetry::Seen {
            pipeline: &self.pipeline,
            store: &self.store,
            checks: &self.checks,
            rows: &self.rows,
            pool: &self.pool,
            discoverer: &self.discoverer,
            writer: &self.writer,
            received: self.receiver.counts(),
            exemplars: &self.exemplars,
            otlp: self.otlp.counts(),
            health: &self.health,
            queries: self.queries.counts(),
            source: self.source.view(),
            counts: &self.counts,
            deadlines: &self.reloader.current().ack_deadlines,
            config_loaded_at: self.reloader.loaded_at(),
            started_at: self.started_at,
        })
    }

    fn reload(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(self.reloader.reload())
    }

    fn push_otlp(&self, push: OtlpPush) -> BoxFuture<'_, OtlpOutcome> {
        Box::pin(self.otlp.clone().push(push, self.reloader.otlp()))
    }

    fn otlp_refused(&self, why: RequestRefusal) {
        self.otlp.counts().refused(why);
    }

    fn storage(&self, limit: usize) -> BoxFuture<'_, Result<serde_json::Value, String>> {
        let store = self.store.clone();
        Box::pin(async move {
            let looking = tokio::task::spawn_blocking(move || store.inspect());
            let seen =
                looking.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
            Ok(storage_view::view(&seen, limit))
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<SnapshotView, Refused>> {
        Box::pin(async move {
            let data = self.snapshots.as_ref().ok_or_else(no_admin)?;
            let stores = Stores { samples: self.store.clone(), rows: Some(self.rows.shared_store()) };
            let made = backup::of_running(data, stores, &self.state, clock::now()).await;
            let made = made.map_err(|error| Refused::Conflict(error.to_string()))?;
            let missing =
                (!made.has_state).then(|| "the state, which is in a database of its own".to_owned());
            Ok(SnapshotView { name: made.name, path: made.path.display().to_string(), missing })
        })
    }

    fn takes_imports(&self) -> bool {
        self.imports.is_some()
    }

    fn import_begun(&self, source: String) -> BoxFuture<'_, Result<ImportBegun, Refused>> {
        Box::pin(async move {
            let retention = self.reloader.current().retention;
            self.imports.as_ref().ok_or_else(no_admin)?.begun(&source, retention)
        })
    }

    fn import(
        &self,
        source: String,
        part: Option<String>,
        frames: Bytes,
    ) -> BoxFuture<'_, Result<ImportTaken, Refused>> {
        Box::pin(async move {
            let ask = ImportAsk { source, part, retention: self.reloader.current().retention };
            Arc::clone(self.imports.as_ref().ok_or_else(no_admin)?).take(ask, frames).await
        })
    }

    fn config(&self) -> ConfigView {
        let config = self.reloader.current();
        ConfigView {
            name: self.reloader.name(),
            loaded_at: self.reloader.loaded_at(),
            is_current: !self.health.has(Trouble::Reload),
            files: config.linted.views(),
            yaml: config.shown,
        }
    }

    fn server(&self) -> ServerView {
        let config = self.reloader.current();
        server_view::of(
            &config,
            &server_view::Seen {
                queries: self.queries.settings(),
                config_name: self.reloader.name(),
                config_loaded_at: self.reloader.loaded_at(),
                health: &self.health,
            },
        )
    }

    fn queries(&self) -> &Queries {
        &self.queries
    }

    fn source(&self) -> Arc<dyn SeriesSource> {
        // Pages and API are served where tasks run, and read series on threads that may wait.
        let runtime = tokio::runtime::Handle::current();
        self.rows.beside(self.source.series(Arc::new(self.store.snapshot()), runtime))
    }

    fn dashboards(&self) -> Arc<Vec<Dashboard>> {
        self.reloader.current().dashboards.clone()
    }

    fn slos(&self) -> Arc<Vec<SloStatus>> {
        let change = *self.changes.borrow();
        let mut latest = self.slos.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some((at, slos)) if *at == change => slos.clone(),
            _ => {
                let mut slos = self.read(|pipeline| pipeline.slo.status(clock::now()));
                self.read(|pipeline| {
                    for status in &mut slos {
                        let slo = pipeline.slo.slo(&status.id);
                        let notes = slo.map(|slo| gauge_notes(slo, |name| self.pool.is_gauge(name)));
                        status.notes.extend(notes.unwrap_or_default());
                    }
                });
                let slos = Arc::new(slos);
                *latest = Some((change, slos.clone()));
                slos
            }
        }
    }

    fn slo_history(&self, request: HistoryRequest<'_>) -> Vec<HistoryPoint> {
        self.read(|pipeline| {
            pipeline.slo.history(request.slo_id, request.stream, request.range, request.step)
        })
    }

    fn slo_fired(&self, request: HistoryRequest<'_>) -> Vec<Fired> {
        let stretch = Stretch { begin: request.range.start, end: request.range.end };
        self.read(|pipeline| pipeline.slo.fired(request.slo_id, request.stream, stretch, request.step))
    }

    fn targets(&self) -> Vec<TargetView> {
        self.pool.views()
    }

    fn scrape_pools(&self) -> Vec<ScrapePoolView> {
        let found = self.discoverer.views();
        let of_job = |job: &str| {
            let found = found.iter().filter(|view| view.job == job);
            let view = |view: &crate::discovery::core::DiscoveryView| DiscoveryView {
                kind: view.kind.to_owned(),
                targets: view.targets,
                trouble: view.trouble.clone(),
            };
            found.map(view).collect()
        };
        let pools = self.pool.pools().into_iter();
        pools.map(|pool| ScrapePoolView { discoveries: of_job(&pool.job), ..pool }).collect()
    }

    fn probes(&self) -> Vec<ProbeView> {
        self.probes.views()
    }

    fn metadata(&self) -> Vec<TargetMetadata> {
        let mut all = self.pool.metadata();
        all.extend(self.source.metadata());
        all.extend(self.receiver.metadata());
        all
    }

    fn exemplars(&self, selectors: &[Vec<Matcher>], range: TimeRange) -> Vec<(Labels, Vec<Exemplar>)> {
        let is_wanted = |labels: &Labels| selectors.iter().any(|matchers| matches_all(matchers, labels));
        self.exemplars.select(range, &mut |series| self.store.labels(series).filter(is_wanted))
    }

    fn remote_write(
        &self,
        version: WriteVersion,
        body: Bytes,
    ) -> BoxFuture<'_, Result<Written, WriteRefused>> {
        Box::pin(crate::receive::answer::remote_write(self.receiver.clone(), version, body))
    }

    fn pushed(&self) -> Vec<PushedView> {
        self.receiver.counts().views()
    }

    fn remote_write_refused(&self, why: RequestRefusal) {
        self.receiver.counts().request_refused(why);
    }

    fn rule_groups(&self) -> Vec<RuleGroupView> {
        self.read(|pipeline| rule_view::groups(&pipeline.rules))
    }

    fn alerts(&self) -> Vec<AlertView> {
        self.read(|pipeline| {
            let mut views = alert_view::alerts(&pipeline.alerts, clock::now());
            views.extend(rule_view::pending(&pipeline.rules));
            views
        })
    }

    fn loud_alerts(&self) -> LoudAlerts {
        self.read(|pipeline| alert_view::loud(&pipeline.alerts, clock::now()))
    }

    fn alert_groups(&self) -> Vec<AlertGroupView> {
        self.read(|pipeline| alert_view::groups(&pipeline.alerts, clock::now()))
    }

    fn deliveries(&self, filter: DeliveryFilter) -> BoxFuture<'_, Result<Vec<DeliveryView>, String>> {
        Box::pin(deliveries::list(self, filter))
    }

    fn delivery(&self, id: String) -> BoxFuture<'_, Result<DeliveryDetail, Refused>> {
        Box::pin(deliveries::detail(self, id))
    }

    fn receivers(&self) -> Vec<ReceiverView> {
        self.read(deliveries::receivers)
    }

    fn drill(&self, receiver: Option<String>, by: String) -> BoxFuture<'_, Result<Vec<DrillView>, Refused>> {
        Box::pin(deliveries::drill(self, receiver, by))
    }

    fn silences(&self) -> Vec<SilenceView> {
        let silences = self.read(|pipeline| pipeline.alerts.silences(clock::now()));
        silences.into_iter().map(alert_view::silence).collect()
    }

    fn add_silence(&self, silence: NewSilence) -> BoxFuture<'_, Result<String, Refused>> {
        let wish = SilenceWish {
            id: silence.id.map(SilenceId),
            new_id: SilenceId(crate::entropy::uuid()),
            matchers: silence.matchers,
            starts_at: silence.starts_at,
            ends_at: silence.ends_at,
            created_by: silence.created_by,
            comment: silence.comment,
            annotations: silence.annotations,
        };
        Box::pin(async move { Ok(self.ask_silence(alerts::Event::SetSilence(wish)).await?.0) })
    }

    fn expire_silence(&self, id: String) -> BoxFuture<'_, Result<(), Refused>> {
        let event = alerts::Event::ExpireSilence { id: SilenceId(id), by: "api".to_owned() };
        Box::pin(async move { self.ask_silence(event).await.map(|_| ()) })
    }

    fn act(&self, action: NewAction) -> BoxFuture<'_, Result<Vec<String>, Refused>> {
        Box::pin(async move {
            let action = actions::action(action)?;
            let result = match self.acted(alerts::Event::Act(action.clone())).await? {
                Err(alerts::ActionError::NotFound(_)) => match actions::life_meant(&self.state, &action)
                    .await?
                {
                    Some(life) => self.acted(alerts::Event::SayAfterwards(Box::new(life), action)).await?,
                    None => Err(alerts::ActionError::NotFound(action.subject.to_string())),
                },
                result => result,
            };
            result.map(|all| all.iter().map(ToString::to_string).collect()).map_err(actions::refused)
        })
    }

    fn post_alerts(&self, alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), Refused>> {
        self.counts.received(&alerts, clock::now());
        let event = alerts::Event::Alerts { source: alerts::AlertSource::Api, alerts };
        Box::pin(async move {
            match self.ask(event).await? {
                alerts::Answer::Heard => Ok(()),
                alerts::Answer::Silence(_) | alerts::Answer::Acted(_) | alerts::Answer::Drilled(_) => {
                    Err(other_answer())
                }
            }
        })
    }

    fn listed_alerts(&self, wanted: Wanted<'_>) -> Vec<ListedAlert> {
        self.read(|pipeline| listing::alerts(&pipeline.alerts, wanted, clock::now()))
    }

    fn listed_groups(&self, wanted: Wanted<'_>) -> Vec<ListedGroup> {
        self.read(|pipeline| listing::groups(&pipeline.alerts, wanted, clock::now()))
    }

    fn audit(&self, limit: usize) -> BoxFuture<'_, Result<Vec<AuditView>, String>> {
        Box::pin(async move {
            let rows = self.state.audit(limit).await.map_err(|error| error.to_string())?;
            let view = |row: alerts::AuditRow| AuditView {
                at: row.at,
                who: row.who,
                action: row.action,
                subject: row.subject,
                detail: row.detail,
            };
            Ok(rows.into_iter().map(view).collect())
        })
    }

    fn external_url(&self) -> String {
        self.reloader.external_url()
    }

    fn routing_config(&self) -> RoutingConfigView {
        listing::routing_config(&self.reloader.current())
    }

    fn resolve_timeout(&self) -> TimeDelta {
        self.read(|pipeline| pipeline.alerts.config().global.resolve_timeout)
    }

    fn explain(&self, what: String) -> BoxFuture<'_, Result<Vec<ExplanationView>, Refused>> {
        Box::pin(async move { explain::explain(self, &what).await })
    }

    fn routed(&self, labels: &Labels) -> RoutedView {
        self.read(|pipeline| explain::view::routed(&pipeline.alerts, labels, clock::now()))
    }

    fn statistics(&self, since: Timestamp) -> BoxFuture<'_, Result<StatisticsView, String>> {
        Box::pin(statistics::statistics(self, since))
    }

    fn corrections(&self) -> Vec<Arc<Correction>> {
        self.read(|pipeline| pipeline.slo.corrections())
    }

    fn correct(&self, event: CorrectionEvent) -> BoxFuture<'_, Result<Correction, Refused>> {
        Box::pin(corrections::ask(&self.requests, event))
    }

    fn slo_report(&self, slo_id: &str, request: &ReportRequest) -> Option<SloReport> {
        self.read(|pipeline| pipeline.slo.report(slo_id, request))
    }

    fn google(&self) -> Option<&dyn GoogleResources> {
        Some(&self.google)
    }

    fn slo_definition(&self, slo_id: &str) -> Option<DefinitionView> {
        let slo = self.read(|pipeline| pipeline.slo.slo(slo_id).cloned())?;
        Some(slo_definition::view(&slo))
    }

    fn slo_forecast(&self, slo_id: &str) -> Option<Forecast> {
        let (past, slo) = self.past(slo_id)?;
        let mut forecast = bellwether_slo::forecast(&past, &slo.period, slo.goal?);
        // What is left now is said as everywhere: of the calendar's period against what is expected of all of it.
        let now = ReportRequest { over: ReportSpan::PeriodAt(past.end()), known: None };
        let budget = self.slo_report(slo_id, &now).and_then(|report| report.streams.first()?.budget);
        forecast.left_ratio = budget.map(|budget| budget.left_of_period_ratio()).or(forecast.left_ratio);
        Some(forecast)
    }

    fn slo_suggestion(&self, slo_id: &str) -> Option<Suggestion> {
        let (past, slo) = self.past(slo_id)?;
        Some(bellwether_slo::suggest(&past, &slo.period, slo.goal))
    }

    fn slo_what_if(&self, slo_id: &str, stretch: Stretch, goal: Goal) -> Option<WhatIf> {
        let (past, slo) = self.past(slo_id)?;
        Some(bellwether_slo::what_if(&past, stretch, goal, &slo.period))
    }

    fn demo(&self) -> Option<&dyn Demo> {
        self.demo.as_deref()
    }
}

fn failing(core: &alerts::AlertCore) -> Vec<ReceiverFailing> {
    core.receiver_health().iter().filter_map(deliveries::failing).collect()
}
