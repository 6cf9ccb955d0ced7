//! What this crate needs of the process around it. The shell implements it; so does the tests' and the preview's fake.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Exemplar, Labels, Matcher, SeriesSource, TimeDelta, TimeRange, Timestamp};
use bellwether_slo::{
    Correction, CorrectionEvent, Fired, Forecast, Goal, HistoryPoint, ReportRequest, SloReport, SloStatus,
    Stretch, Suggestion, WhatIf,
};
use serde_json::Value;
use tokio::sync::watch;

use crate::box_future::BoxFuture;
use crate::otlp::{OtlpOutcome, OtlpPush};
use crate::queries::Queries;
use crate::view::{
    AlertGroupView, AlertView, AuditView, ConfigView, Dashboard, DefinitionView, DeliveryDetail,
    DeliveryFilter, DeliveryView, DemoView, DrillView, ExplanationView, HistoryRequest, ImportBegun,
    ImportTaken, ListedAlert, ListedGroup, LoudAlerts, NewAction, NewSilence, Overview, ProbeView,
    PushedView, ReceiverView, Refused, RequestRefusal, RoutedView, RoutingConfigView, RuleGroupView,
    ScrapePoolView, ServerView, SilenceView, SnapshotView, StatisticsView, TargetMetadata, TargetView,
    Wanted, WriteRefused, WriteVersion, Written,
};
use axum::body::Bytes;

/// The running process as pages and the API see it. Methods without a future read snapshots and return at once.
pub trait App: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
    /// Changes its number whenever something shown may have changed; pages that are open then fetch themselves anew.
    fn changes(&self) -> watch::Receiver<u64>;
    /// Whether everything is loaded and requests can be answered truthfully.
    fn ready(&self) -> bool;
    /// The state of the process as a whole.
    fn overview(&self) -> Overview;
    /// The process' own metrics in exposition format.
    fn metrics(&self) -> String;
    /// Reads the configuration anew; the error holds every reason, one a line, and the old configuration stays.
    fn reload(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Takes in metrics that are pushed by OpenTelemetry's protocol.
    fn push_otlp(&self, _push: OtlpPush) -> BoxFuture<'_, OtlpOutcome> {
        Box::pin(async { OtlpOutcome::Unavailable("nothing is stored here".to_owned()) })
    }
    /// A request by OpenTelemetry's protocol was not read.
    fn otlp_refused(&self, _why: RequestRefusal) {}
    /// What the store is made of, as JSON, its lists cut to so many entries.
    fn storage(&self, _limit: usize) -> BoxFuture<'_, Result<Value, String>> {
        Box::pin(async { Err("this process has no store".to_owned()) })
    }
    /// Makes a copy of all data beside it.
    fn snapshot(&self) -> BoxFuture<'_, Result<SnapshotView, Refused>> {
        Box::pin(async { Err(Refused::Unavailable("admin APIs disabled".to_owned())) })
    }

    /// Whether history may be handed over to this process.
    fn takes_imports(&self) -> bool {
        false
    }
    /// What an import of a source into this process has to know.
    fn import_begun(&self, _source: String) -> BoxFuture<'_, Result<ImportBegun, Refused>> {
        Box::pin(async { Err(Refused::Unavailable("admin APIs disabled".to_owned())) })
    }
    /// Stores what an import of a source hands over, frames of chunks, and then notes that a part of it is done.
    fn import(
        &self,
        _source: String,
        _part: Option<String>,
        _frames: Bytes,
    ) -> BoxFuture<'_, Result<ImportTaken, Refused>> {
        Box::pin(async { Err(Refused::Unavailable("admin APIs disabled".to_owned())) })
    }

    /// The process and its settings.
    fn server(&self) -> ServerView;

    /// The configuration in force, and what the linter says of it.
    fn config(&self) -> ConfigView {
        ConfigView::default()
    }

    /// The queries of this process: their bounds and their turns.
    fn queries(&self) -> &Queries;
    /// A snapshot of the stored series.
    fn source(&self) -> Arc<dyn SeriesSource>;
    /// The latest evaluation of every objective.
    fn slos(&self) -> Arc<Vec<SloStatus>>;
    /// Pages of panels, in the order of the configuration.
    fn dashboards(&self) -> Arc<Vec<Dashboard>> {
        Arc::default()
    }
    /// History of one stream of an objective in steps, oldest first; empty when there is none.
    fn slo_history(&self, request: HistoryRequest<'_>) -> Vec<HistoryPoint>;
    /// When its alerts fired in that range, as far as its steps can tell.
    fn slo_fired(&self, request: HistoryRequest<'_>) -> Vec<Fired>;

    /// All corrections, the latest stretch first.
    fn corrections(&self) -> Vec<Arc<Correction>> {
        Vec::new()
    }
    /// Adds or revokes a correction; it is recorded when this answers. The process makes its identity.
    fn correct(&self, _event: CorrectionEvent) -> BoxFuture<'_, Result<Correction, Refused>> {
        Box::pin(async { Err(Refused::NotFound("this process keeps no corrections".to_owned())) })
    }
    /// An objective over a period or any stretch, as known now or on some day; `None` if there is no such objective.
    fn slo_report(&self, _slo_id: &str, _request: &ReportRequest) -> Option<SloReport> {
        None
    }
    /// How it is written, and the rules that follow from it; `None` if there is no such objective.
    fn slo_definition(&self, _slo_id: &str) -> Option<DefinitionView> {
        None
    }
    /// When its budget will be gone, going by its past; `None` without a past or a goal.
    fn slo_forecast(&self, _slo_id: &str) -> Option<Forecast> {
        None
    }
    /// Which goals its past supports; `None` without a past.
    fn slo_suggestion(&self, _slo_id: &str) -> Option<Suggestion> {
        None
    }
    /// What another goal would have meant; `None` without a past.
    fn slo_what_if(&self, _slo_id: &str, _stretch: Stretch, _goal: Goal) -> Option<WhatIf> {
        None
    }

    /// All targets.
    fn targets(&self) -> Vec<TargetView>;
    /// All scrape jobs, by name.
    fn scrape_pools(&self) -> Vec<ScrapePoolView>;
    /// All targets of all probes.
    fn probes(&self) -> Vec<ProbeView> {
        Vec::new()
    }
    /// What others push, by format; only formats in which something came.
    fn pushed(&self) -> Vec<PushedView> {
        Vec::new()
    }
    /// What targets say of their metrics, in order of job and labels.
    fn metadata(&self) -> Vec<TargetMetadata>;
    /// Exemplars of a stretch of time whose series some selector matches, by labels.
    fn exemplars(&self, _selectors: &[Vec<Matcher>], _range: TimeRange) -> Vec<(Labels, Vec<Exemplar>)> {
        Vec::new()
    }
    /// Stores a push of remote write as it came, still packed; what it answers as stored is durable.
    fn remote_write(
        &self,
        _version: WriteVersion,
        _body: Bytes,
    ) -> BoxFuture<'_, Result<Written, WriteRefused>> {
        Box::pin(async { Err(WriteRefused::Unavailable("this process stores no samples".to_owned())) })
    }
    /// Nothing was taken of a request of remote write.
    fn remote_write_refused(&self, _why: RequestRefusal) {}
    /// All rule groups.
    fn rule_groups(&self) -> Vec<RuleGroupView>;
    /// Every alert that is pending, firing or recently resolved, each once.
    fn alerts(&self) -> Vec<AlertView>;
    /// What of them reaches people, counted; every page asks for it.
    fn loud_alerts(&self) -> LoudAlerts {
        LoudAlerts::of(&self.alerts(), self.now())
    }
    /// The groups in which alerts travel.
    fn alert_groups(&self) -> Vec<AlertGroupView>;
    /// Notifications, newest first.
    fn deliveries(&self, filter: DeliveryFilter) -> BoxFuture<'_, Result<Vec<DeliveryView>, String>>;

    /// All silences, expired ones for as long as they are remembered.
    fn silences(&self) -> Vec<SilenceView>;
    /// Makes or changes a silence; it is recorded when this answers with its id.
    fn add_silence(&self, silence: NewSilence) -> BoxFuture<'_, Result<String, Refused>>;
    /// Ends a silence now.
    fn expire_silence(&self, id: String) -> BoxFuture<'_, Result<(), Refused>>;

    /// Takes, ends, judges or notes alerts; recorded when it answers with their fingerprints.
    fn act(&self, _action: NewAction) -> BoxFuture<'_, Result<Vec<String>, Refused>> {
        Box::pin(async { Err(Refused::NotFound("this process routes no alerts".to_owned())) })
    }
    /// Alerts from outside; recorded when it answers.
    fn post_alerts(&self, _alerts: Vec<Alert>) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async { Err(Refused::NotFound("this process routes no alerts".to_owned())) })
    }
    /// Alerts that fire, in no order that means anything.
    fn listed_alerts(&self, _wanted: Wanted<'_>) -> Vec<ListedAlert> {
        Vec::new()
    }
    /// Groups that have such alerts.
    fn listed_groups(&self, _wanted: Wanted<'_>) -> Vec<ListedGroup> {
        Vec::new()
    }
    /// What people changed, the latest first.
    fn audit(&self, _limit: usize) -> BoxFuture<'_, Result<Vec<AuditView>, String>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// Where people find this program's pages; ends without a slash.
    fn external_url(&self) -> String {
        String::new()
    }
    /// After how long an alert that nobody repeats is over.
    fn resolve_timeout(&self) -> TimeDelta {
        TimeDelta(5 * TimeDelta::MINUTE.0)
    }
    /// Why somebody was or was not told of an alert, given by its fingerprint or by its name; an alert that never
    /// fired has an explanation too.
    fn explain(&self, _what: String) -> BoxFuture<'_, Result<Vec<ExplanationView>, Refused>> {
        Box::pin(async { Ok(Vec::new()) })
    }
    /// What routing would do now with labels.
    fn routed(&self, _labels: &Labels) -> RoutedView {
        RoutedView::default()
    }
    /// One message with all its attempts.
    fn delivery(&self, _id: String) -> BoxFuture<'_, Result<DeliveryDetail, Refused>> {
        Box::pin(async { Err(Refused::NotFound("this process sends no messages".to_owned())) })
    }
    /// All receivers and how they do.
    fn receivers(&self) -> Vec<ReceiverView> {
        Vec::new()
    }
    /// The routing configuration.
    fn routing_config(&self) -> RoutingConfigView {
        RoutingConfigView::default()
    }
    /// Sends marked test messages to a receiver, or to all; answers when all have answered or time is up.
    fn drill(
        &self,
        _receiver: Option<String>,
        _by: String,
    ) -> BoxFuture<'_, Result<Vec<DrillView>, Refused>> {
        Box::pin(async { Err(Refused::NotFound("this process sends no messages".to_owned())) })
    }
    /// How alerts and receivers served since then.
    fn statistics(&self, _since: Timestamp) -> BoxFuture<'_, Result<StatisticsView, String>> {
        Box::pin(async { Ok(StatisticsView::default()) })
    }

    /// Services and objectives of Google Cloud Monitoring's interface, where they are kept.
    fn google(&self) -> Option<&dyn GoogleResources> {
        None
    }
    /// The demonstration's switches, when this is one; without them no page shows any.
    fn demo(&self) -> Option<&dyn Demo> {
        None
    }
}

/// A simulated service that can be broken on purpose.
pub trait Demo: Send + Sync {
    /// The switches and how they stand.
    fn view(&self) -> DemoView;
    /// Puts the service into a phase.
    fn set_phase(&self, name: String) -> BoxFuture<'_, Result<(), Refused>>;
}

/// Services and objectives by the names of their resources. What is changed is on disk when a method answers.
pub trait GoogleResources: Send + Sync {
    /// All of them, as they were sent.
    fn all(&self) -> BTreeMap<String, Value>;
    /// Checks an objective and keeps it in place of what is there under its name.
    fn put_objective(&self, name: String, body: String) -> BoxFuture<'_, Result<(), Refused>>;
    /// Keeps a service.
    fn put_service(&self, name: String, body: String) -> BoxFuture<'_, Result<(), Refused>>;
    /// Forgets some, all at once.
    fn delete(&self, names: Vec<String>) -> BoxFuture<'_, Result<(), Refused>>;
    /// Held from the look at what is there until the change is made, so that two of one name cannot both be made.
    fn one_change(&self) -> &tokio::sync::Mutex<()>;
}
