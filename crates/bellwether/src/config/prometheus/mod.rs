//! `prometheus.yml`: what is scraped and how, where rules are, and who is handed every alert besides.
//!
//! A field that Prometheus knows and we do not honour is an error, not a warning, where leaving it out would change
//! which samples arrive or leave and nobody would be told. What is about Prometheus' own insides is a warning.

mod discoveries;
mod formats;
mod global;
mod http_fields;
mod job;
pub(super) mod limits;
mod static_targets;

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Span, Spanned};
use bellwether_ingest::otlp::OtlpSettings;
use bellwether_ingest::relabel::{NameScheme, Relabelling};
pub use bellwether_ingest::{ADDRESS, TargetGroup};

pub use discoveries::{Discovery, DnsDiscovery, FileDiscovery, HttpDiscovery};
pub use formats::{NameEscaping, ScrapeFormats, ScrapeProtocol};
pub use global::Global;
pub use job::{Scheme, ScrapeJob};
pub use limits::ScrapeLimits;
pub(super) use static_targets::{CheckTarget, decode_static};

pub(super) use discoveries::refuse_discoveries;
pub(super) use http_fields::http_fields;

use super::alertmanagers::{AlertmanagerMember, alerting};
use super::otlp::OtlpSection;
use super::prometheus_storage;
use super::storage::StorageConfig;

/// A read `prometheus.yml`.
#[derive(Clone, Debug, Default)]
pub struct PrometheusConfig {
    /// Settings for all jobs.
    pub global: Global,
    /// Patterns of rule files, relative to the file they stand in.
    pub rule_files: Vec<Spanned<String>>,
    /// Patterns of files with more jobs, relative to the file they stand in.
    pub scrape_config_files: Vec<Spanned<String>>,
    /// What to scrape.
    pub jobs: Vec<ScrapeJob>,
    /// Where each job's name stands.
    pub job_spans: BTreeMap<String, Span>,
    /// Who is handed every alert besides.
    pub alertmanagers: Vec<AlertmanagerMember>,
    /// What is done to alerts before they are handed over.
    pub alert_relabel: Relabelling,
    /// How metrics pushed by OpenTelemetry's protocol become series.
    pub otlp: Arc<OtlpSettings>,
    /// What holds of the store where `bellwether.yml` says nothing.
    pub storage: StorageConfig,
}

/// What would be missing if it were left out.
const NOT_YET: [&str; 2] = ["remote_write", "remote_read"];
/// What is about Prometheus' own insides.
const WITHOUT_MEANING: [&str; 2] = ["runtime", "tracing"];

/// Refuses fields that Prometheus knows.
fn refuse_not_yet(map: &mut MapReader<'_>, names: &[&'static str], cx: &mut Cx<'_>) {
    for name in names {
        if let Some((key, _)) = map.entry(name) {
            let message = format!("{name} is Prometheus', but Bellwether does not honour it yet");
            cx.error_help(key.span, message, "remove it");
        }
    }
}

/// Warns of fields that change nothing here.
fn warn_without_meaning(map: &mut MapReader<'_>, names: &[&'static str], cx: &mut Cx<'_>) {
    for name in names {
        if let Some((key, _)) = map.entry(name) {
            let message = format!("{name} has no meaning here");
            cx.push(Diagnostic::warning("without-meaning", key.span, message).with_help("it is passed over"));
        }
    }
}

impl Decode for PrometheusConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let errors = cx.out.error_count();
        let mut map = MapReader::open(node, cx)?;
        let global: Global = map.optional("global", cx).unwrap_or_default();
        let rule_files = patterns(&mut map, "rule_files", cx);
        let scrape_config_files = patterns(&mut map, "scrape_config_files", cx);
        let nodes: Vec<Node> = map.optional("scrape_configs", cx).unwrap_or_default();
        let alerting = map.node("alerting").map(|node| alerting(node, &global, cx)).unwrap_or_default();
        let otlp_at = map.key_span("otlp");
        let otlp: Option<OtlpSection> = map.optional("otlp", cx);
        let otlp = otlp.map(|section| section.0).unwrap_or_default();
        if global.names == NameScheme::Legacy && !otlp.strategy.escapes() {
            let message = format!("{} keeps names that are no classic ones", otlp.strategy.as_str());
            let help = "metric_name_validation_scheme is legacy: write UnderscoreEscapingWithSuffixes";
            cx.error_help(otlp_at, message, help);
        }
        let storage =
            map.node("storage").map(|node| prometheus_storage::decode(node, cx)).unwrap_or_default();
        refuse_not_yet(&mut map, &NOT_YET, cx);
        warn_without_meaning(&mut map, &WITHOUT_MEANING, cx);
        map.finish(cx);
        let mut config = Self {
            global,
            rule_files,
            scrape_config_files,
            alertmanagers: alerting.members,
            alert_relabel: alerting.relabel,
            otlp: Arc::new(otlp),
            storage,
            ..Self::default()
        };
        config.add_jobs(&nodes, cx);
        (cx.out.error_count() == errors).then_some(config)
    }
}

impl PrometheusConfig {
    /// Adds the jobs of a list; the names of all of them have to differ.
    fn add_jobs(&mut self, nodes: &[Node], cx: &mut Cx<'_>) {
        for node in nodes {
            let Some((job, span)) = job::decode(node, &self.global, cx) else { continue };
            if let Some(first) = self.job_spans.get(&job.name) {
                let message = format!("a second job is named {:?}", job.name);
                let diagnostic = Diagnostic::error("invalid-value", span, message);
                cx.push(diagnostic.with_help("give each job its own name").with_related(*first, "the first"));
                continue;
            }
            self.job_spans.insert(job.name.clone(), span);
            self.jobs.push(job);
        }
    }

    /// Adds the jobs of a file that `scrape_config_files` names. Gives how many jobs there were before.
    pub(super) fn add_file(&mut self, node: &Node, cx: &mut Cx<'_>) -> usize {
        let before = self.jobs.len();
        if let Some(mut map) = MapReader::open(node, cx) {
            let nodes: Vec<Node> = map.optional("scrape_configs", cx).unwrap_or_default();
            map.finish(cx);
            self.add_jobs(&nodes, cx);
        }
        before
    }
}

/// Names of files; a star may stand in the last part only, as in Prometheus.
fn patterns(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Vec<Spanned<String>> {
    let patterns: Vec<Spanned<String>> = map.optional(name, cx).unwrap_or_default();
    for pattern in &patterns {
        let folder = pattern.value.rsplit_once('/').map_or("", |(folder, _)| folder);
        if folder.contains('*') || pattern.value.matches('*').count() > 1 {
            let help = "write one star, in the last part of the path";
            cx.error_help(pattern.span, format!("{:?} cannot be a pattern of files", pattern.value), help);
        }
    }
    patterns
}
