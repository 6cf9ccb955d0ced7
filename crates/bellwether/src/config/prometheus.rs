//! `prometheus.yml` as far as this version scrapes: global settings, rule files, jobs with static targets.
//!
//! A field that Prometheus knows and we do not yet honour is an error, not a warning: leaving it out would change
//! which samples arrive, and nobody would be told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned, scalar, yaml::Node};
use bellwether_ingest::otlp::OtlpSettings;
use bellwether_model::{Labels, LabelsBuilder, TimeDelta};
use bellwether_web::url::encode;

use super::alertmanagers::{AlertmanagerMember, alerting};
use super::discoveries::DISCOVERIES;
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
    /// What to scrape.
    pub jobs: Vec<ScrapeJob>,
    /// Who is handed every alert besides.
    pub alertmanagers: Vec<AlertmanagerMember>,
    /// How metrics pushed by OpenTelemetry's protocol become series.
    pub otlp: Arc<OtlpSettings>,
    /// What holds of the store where `bellwether.yml` says nothing.
    pub storage: StorageConfig,
}

/// Settings for all jobs.
#[derive(Clone, Debug)]
pub struct Global {
    /// How often to scrape.
    pub scrape_interval: TimeDelta,
    /// How long a scrape may take.
    pub scrape_timeout: TimeDelta,
    /// How often to evaluate rules.
    pub evaluation_interval: TimeDelta,
    /// How far back rules look in groups that do not say.
    pub rule_query_offset: TimeDelta,
    /// Labels that alerts carry to the outside.
    pub external_labels: Labels,
}

impl Default for Global {
    /// Prometheus' own defaults, but for the interval: budgets want a point every 15 s.
    fn default() -> Self {
        Self {
            scrape_interval: TimeDelta::from_secs(15),
            scrape_timeout: TimeDelta::from_secs(10),
            evaluation_interval: TimeDelta::from_secs(15),
            rule_query_offset: TimeDelta::ZERO,
            external_labels: Labels::empty(),
        }
    }
}

/// Targets that are scraped alike.
#[derive(Clone, Debug, PartialEq)]
pub struct ScrapeJob {
    /// Its name, the `job` label.
    pub name: String,
    /// How often to scrape.
    pub interval: TimeDelta,
    /// How long a scrape may take.
    pub timeout: TimeDelta,
    /// Whether labels in the scraped text win over the target's own.
    pub honor_labels: bool,
    /// Whether timestamps in the scraped text are kept.
    pub honor_timestamps: bool,
    /// Largest body, in bytes.
    pub body_bytes_max: u64,
    /// Most samples in one scrape; 0 means any number.
    pub samples_max: u64,
    /// Where to scrape, and the labels that its series get.
    pub targets: Vec<Target>,
}

impl ScrapeJob {
    /// A job with the defaults and no targets.
    pub fn with_defaults(name: &str, interval: TimeDelta) -> Self {
        Self {
            name: name.to_owned(),
            interval,
            timeout: TimeDelta::from_secs(10).min(interval),
            honor_labels: false,
            honor_timestamps: true,
            body_bytes_max: BODY_BYTES_MAX,
            samples_max: 0,
            targets: Vec::new(),
        }
    }
}

/// One address to scrape.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The whole address.
    pub url: String,
    /// `job`, `instance` and what the file adds.
    pub labels: Labels,
}

/// Largest body unless a job says otherwise; a metrics page of this size is a mistake.
const BODY_BYTES_MAX: u64 = 128 << 20;

const NOT_YET_TOP: [&str; 6] =
    ["scrape_config_files", "remote_write", "remote_read", "tracing", "runtime", "scrape_failure_log_file"];

const NOT_YET_GLOBAL: [&str; 17] = [
    "query_log_file",
    "scrape_failure_log_file",
    "body_size_limit",
    "sample_limit",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
    "metric_name_validation_scheme",
    "metric_name_escaping_scheme",
    "scrape_protocols",
    "convert_classic_histograms_to_nhcb",
    "always_scrape_classic_histograms",
    "scrape_native_histograms",
    "extra_scrape_metrics",
    "runtime",
];

const NOT_YET_JOB: [&str; 25] = [
    "http_headers",
    "bearer_token",
    "bearer_token_file",
    "no_proxy",
    "proxy_from_environment",
    "relabel_configs",
    "metric_relabel_configs",
    "basic_auth",
    "authorization",
    "oauth2",
    "tls_config",
    "proxy_url",
    "follow_redirects",
    "enable_http2",
    "enable_compression",
    "scrape_protocols",
    "fallback_scrape_protocol",
    "track_timestamps_staleness",
    "target_limit",
    "label_limit",
    "label_name_length_limit",
    "label_value_length_limit",
    "keep_dropped_targets",
    "scrape_native_histograms",
    "always_scrape_classic_histograms",
];

fn refuse_not_yet(map: &mut MapReader<'_>, names: &[&'static str], cx: &mut Cx<'_>) {
    for name in names {
        if let Some((key, _)) = map.entry(name) {
            let message = format!("{name} is Prometheus', but Bellwether does not honour it yet");
            cx.error_help(key.span, message, "remove it");
        }
    }
}

impl Decode for PrometheusConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let global: Global = map.optional("global", cx).unwrap_or_default();
        let rule_files = map.optional("rule_files", cx).unwrap_or_default();
        let nodes: Vec<Node> = map.optional("scrape_configs", cx).unwrap_or_default();
        let alertmanagers = map.node("alerting").map(|node| alerting(node, cx)).unwrap_or_default();
        let otlp = map.node("otlp").and_then(|node| OtlpSection::decode(node, cx)).map(|section| section.0);
        let storage =
            map.node("storage").map(|node| prometheus_storage::decode(node, cx)).unwrap_or_default();
        refuse_not_yet(&mut map, &NOT_YET_TOP, cx);
        map.finish(cx);
        let jobs: Vec<Option<(ScrapeJob, Span)>> =
            nodes.iter().map(|node| decode_job(node, &global, cx)).collect();
        let jobs: Vec<(ScrapeJob, Span)> = jobs.into_iter().collect::<Option<_>>()?;
        let mut names = BTreeSet::new();
        for (job, span) in &jobs {
            if !names.insert(&job.name) {
                cx.error_help(
                    *span,
                    format!("a second job is named {:?}", job.name),
                    "give each job its own name",
                );
            }
        }
        let jobs = jobs.into_iter().map(|(job, _)| job).collect();
        let otlp = Arc::new(otlp.unwrap_or_default());
        Some(Self { global, rule_files, jobs, alertmanagers, otlp, storage })
    }
}

impl Decode for Global {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let default = Self::default();
        let scrape_interval = interval(&mut map, "scrape_interval", cx).unwrap_or(default.scrape_interval);
        let scrape_timeout =
            interval(&mut map, "scrape_timeout", cx).unwrap_or(default.scrape_timeout.min(scrape_interval));
        let evaluation_interval =
            interval(&mut map, "evaluation_interval", cx).unwrap_or(default.evaluation_interval);
        let rule_query_offset = map.optional("rule_query_offset", cx).unwrap_or_default();
        let external_labels = map.optional("external_labels", cx).unwrap_or_default();
        refuse_not_yet(&mut map, &NOT_YET_GLOBAL, cx);
        map.finish(cx);
        Some(Self {
            scrape_interval,
            scrape_timeout,
            evaluation_interval,
            rule_query_offset,
            external_labels,
        })
    }
}

/// A duration that must not be zero.
fn interval(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let value: Spanned<TimeDelta> = map.optional(name, cx)?;
    if value.value == TimeDelta::ZERO {
        cx.error_help(value.span, format!("{name} is zero"), "write a duration such as 15s");
        return None;
    }
    Some(value.value)
}

fn decode_job(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Option<(ScrapeJob, Span)> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("job_name", cx);
    let interval_own = interval(&mut map, "scrape_interval", cx);
    let timeout_span = map.key_span("scrape_timeout");
    let timeout_own = interval(&mut map, "scrape_timeout", cx);
    let interval = interval_own.unwrap_or(global.scrape_interval);
    let timeout = timeout_own.unwrap_or(global.scrape_timeout.min(interval));
    if timeout > interval {
        let message = format!("the timeout {timeout} is longer than the interval {interval}");
        cx.error_help(timeout_span, message, "make it at most as long");
    }
    let scheme = map.optional("scheme", cx).and_then(|scheme| check_scheme(scheme, cx));
    let path: String = map.optional("metrics_path", cx).unwrap_or_else(|| "/metrics".to_owned());
    let params: BTreeMap<String, Vec<String>> = map.optional("params", cx).unwrap_or_default();
    let honor_labels = map.optional("honor_labels", cx).unwrap_or(false);
    let honor_timestamps = map.optional("honor_timestamps", cx).unwrap_or(true);
    let body_bytes_max = map.node("body_size_limit").and_then(|node| byte_size(node, cx)).unwrap_or(0);
    let samples_max = map.optional("sample_limit", cx).unwrap_or(0);
    let groups: Vec<StaticConfig> = map.optional("static_configs", cx).unwrap_or_default();
    refuse_not_yet(&mut map, &NOT_YET_JOB, cx);
    refuse_not_yet(&mut map, &DISCOVERIES, cx);
    map.finish(cx);
    let name = name?;
    if name.is_empty() {
        cx.error(name.span, "a job needs a name");
    }
    let address = Address { scheme: scheme.unwrap_or("http"), path: &path, query: query_text(&params) };
    let targets: Vec<Option<Target>> =
        groups.iter().flat_map(|group| group.targets(&name.value, &address, cx)).collect();
    let job = ScrapeJob {
        name: name.value,
        interval,
        timeout,
        honor_labels,
        honor_timestamps,
        body_bytes_max: if body_bytes_max == 0 { BODY_BYTES_MAX } else { body_bytes_max },
        samples_max,
        targets: targets.into_iter().collect::<Option<_>>()?,
    };
    Some((job, name.span))
}

fn check_scheme(scheme: Spanned<String>, cx: &mut Cx<'_>) -> Option<&'static str> {
    match scheme.value.as_str() {
        "http" => Some("http"),
        "https" => Some("https"),
        other => {
            cx.error_help(scheme.span, format!("unknown scheme {other:?}"), "write http or https");
            None
        }
    }
}

/// What the addresses of a job have in common.
struct Address<'a> {
    scheme: &'a str,
    path: &'a str,
    query: String,
}

fn query_text(params: &BTreeMap<String, Vec<String>>) -> String {
    let pairs: Vec<String> = params
        .iter()
        .flat_map(|(name, values)| {
            values.iter().map(move |value| format!("{}={}", encode(name, ""), encode(value, "")))
        })
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Targets with the labels they share.
struct StaticConfig {
    targets: Vec<Spanned<String>>,
    labels: Labels,
}

impl Decode for StaticConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let targets = map.required("targets", cx);
        let labels = map.optional("labels", cx).unwrap_or_default();
        map.finish(cx);
        Some(Self { targets: targets?, labels })
    }
}

impl StaticConfig {
    fn targets(&self, job: &str, address: &Address<'_>, cx: &mut Cx<'_>) -> Vec<Option<Target>> {
        self.targets.iter().map(|target| self.target(target, job, address, cx)).collect()
    }

    fn target(
        &self,
        target: &Spanned<String>,
        job: &str,
        address: &Address<'_>,
        cx: &mut Cx<'_>,
    ) -> Option<Target> {
        let host = target.value.as_str();
        if host.contains("://") || host.contains('/') {
            let bare = host.split("://").last().unwrap_or(host).split('/').next().unwrap_or(host);
            cx.error_help(
                target.span,
                format!("{host:?} is a URL, a target is host:port"),
                format!("write {bare:?}; scheme and metrics_path are settings of the job"),
            );
            return None;
        }
        if host.is_empty() || host.contains(char::is_whitespace) {
            cx.error_help(target.span, format!("{host:?} is not host:port"), "write it like localhost:8080");
            return None;
        }
        let mut labels = LabelsBuilder::from(&self.labels);
        for (name, value) in [("job", job), ("instance", host)] {
            if labels.get(name).is_none() {
                labels.set(name, value);
            }
        }
        let url = format!("{}://{host}{}{}", address.scheme, address.path, address.query);
        Some(Target { url, labels: labels.build() })
    }
}

/// Prometheus' byte sizes: `10MB`, `512KiB`, `0`. Both families of units count in powers of 1024.
pub(super) fn byte_size(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
    let text = &scalar(node, "a size such as 10MB", cx)?.text;
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let shift = match unit.strip_suffix("iB").or_else(|| unit.strip_suffix('B')).unwrap_or(unit) {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        "T" => 40,
        _ => 64,
    };
    let bytes =
        number.parse::<u64>().ok().filter(|_| shift < 64).and_then(|number| number.checked_mul(1 << shift));
    if bytes.is_none() {
        cx.error_help(node.span, format!("{text:?} is not a size"), "write it like 10MB");
    }
    bytes
}
