//! One job of `scrape_configs`: targets that are scraped alike.

use std::collections::BTreeMap;

use bellwether_alerts::HttpConfig;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, MapReader, Span, Spanned};
use bellwether_ingest::relabel::{NameScheme, Relabelling};
use bellwether_model::TimeDelta;

use super::formats::{FormatsWritten, NamesWritten};
use super::global::{file_name, interval};
use super::limits::LimitsWritten;
use super::{Discovery, Global, NameEscaping, ScrapeFormats, ScrapeLimits, discoveries, http_fields};

/// With or without encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the protocols")]
pub enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    /// As an address begins.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
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
    /// With or without encryption.
    pub scheme: Scheme,
    /// Where on a target its metrics are.
    pub path: String,
    /// What a target is asked besides.
    pub params: BTreeMap<String, Vec<String>>,
    /// Whether labels in the scraped text win over the target's own.
    pub honor_labels: bool,
    /// Whether timestamps in the scraped text are kept.
    pub honor_timestamps: bool,
    /// Whether series with timestamps of their own end when they are no longer exposed.
    pub track_timestamps_staleness: bool,
    /// What is refused for being too much.
    pub limits: ScrapeLimits,
    /// In which formats is asked.
    pub formats: ScrapeFormats,
    /// Which names labels and metrics may have.
    pub names: NameScheme,
    /// How names that are no classic ones are asked for.
    pub escaping: NameEscaping,
    /// How targets are reached.
    pub http: HttpConfig,
    /// Whether compressed answers are asked for.
    pub compression: bool,
    /// Whether a target gets the series about its timeout, its limit and the size of its body.
    pub extra_metrics: bool,
    /// Where failed scrapes are written down.
    pub failure_log: Option<String>,
    /// What is done to the labels of targets.
    pub relabel: Relabelling,
    /// What is done to the labels of series.
    pub metric_relabel: Relabelling,
    /// Where the targets are found.
    pub discoveries: Vec<Discovery>,
}

impl ScrapeJob {
    /// A job with the defaults and no targets.
    pub fn with_defaults(name: &str, interval: TimeDelta) -> Self {
        Self {
            name: name.to_owned(),
            interval,
            timeout: TimeDelta::from_secs(10).min(interval),
            scheme: Scheme::default(),
            path: PATH_DEFAULT.to_owned(),
            params: BTreeMap::new(),
            honor_labels: false,
            honor_timestamps: true,
            track_timestamps_staleness: false,
            limits: ScrapeLimits::default(),
            formats: ScrapeFormats::default(),
            names: NameScheme::default(),
            escaping: NameEscaping::default(),
            http: HttpConfig::default(),
            compression: true,
            extra_metrics: false,
            failure_log: None,
            relabel: Relabelling::default(),
            metric_relabel: Relabelling::default(),
            discoveries: Vec::new(),
        }
    }

    /// The settings as one target has them: with its own interval and timeout, and without what is only about which
    /// targets there are.
    pub fn for_one_target(&self, interval: TimeDelta, timeout: TimeDelta) -> Self {
        let limits = ScrapeLimits { targets: 0, dropped_targets: 0, ..self.limits.clone() };
        let (relabel, discoveries) = (Relabelling::default(), Vec::new());
        Self { interval, timeout, limits, relabel, discoveries, ..self.clone() }
    }

    /// Names of all files that are read later, for making them independent of the working directory. Those of secrets
    /// come second: they should be there already.
    pub(in crate::config) fn files_mut(&mut self) -> (Vec<&mut String>, Vec<&mut String>) {
        let mut files: Vec<&mut String> = self.failure_log.iter_mut().collect();
        let mut secrets = self.http.secret_files_mut();
        for discovery in &mut self.discoveries {
            match discovery {
                Discovery::Files(found) => files.extend(&mut found.files),
                Discovery::Http(found) => secrets.extend(found.http.secret_files_mut()),
                Discovery::Static(_) | Discovery::Dns(_) => {}
            }
        }
        (files, secrets)
    }
}

const PATH_DEFAULT: &str = "/metrics";

/// Reads a job; where it stands is where its name does.
pub(super) fn decode(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Option<(ScrapeJob, Span)> {
    if node.is_null() {
        cx.error_help(node.span, "an empty scrape configuration", "write one, or remove the item");
        return None;
    }
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("job_name", cx);
    let interval = interval(&mut map, "scrape_interval", cx).map(|written| written.value);
    let interval = interval.unwrap_or(global.scrape_interval);
    let timeout = timeout(&mut map, interval, global, cx);
    let (names, escaping) = NamesWritten::decode(&mut map, cx).settle((global.names, global.escaping), cx);
    let mut formats = FormatsWritten::decode(&mut map, cx);
    formats.decode_own(&mut map, cx);
    let mut relabelling = |name, cx: &mut Cx<'_>| match map.node(name) {
        Some(node) => Relabelling::decode(node, names, cx),
        None => Some(Relabelling::default()),
    };
    let (relabel, metric_relabel) =
        (relabelling("relabel_configs", cx), relabelling("metric_relabel_configs", cx));
    let is_relabelled = relabel.as_ref().is_none_or(|relabel| !relabel.is_empty());
    let discoveries = discoveries::decode(&mut map, is_relabelled, cx);
    let http = http_fields(&mut map, node, cx);
    let mut truth = |name, usual, cx: &mut Cx<'_>| map.optional(name, cx).unwrap_or(usual);
    let job = ScrapeJob {
        honor_labels: truth("honor_labels", false, cx),
        honor_timestamps: truth("honor_timestamps", true, cx),
        track_timestamps_staleness: truth("track_timestamps_staleness", false, cx),
        compression: truth("enable_compression", true, cx),
        extra_metrics: truth("extra_scrape_metrics", global.extra_metrics, cx),
        scheme: scheme(&mut map, cx),
        path: map.optional("metrics_path", cx).unwrap_or_else(|| PATH_DEFAULT.to_owned()),
        params: map.optional("params", cx).unwrap_or_default(),
        limits: LimitsWritten::decode(&mut map, cx).settle(&global.limits),
        failure_log: file_name(&mut map, "scrape_failure_log_file", cx)
            .or_else(|| global.failure_log.clone()),
        timeout,
        formats: formats.settle(&global.formats),
        names,
        escaping,
        http: http.unwrap_or_default(),
        relabel: relabel.unwrap_or_default(),
        metric_relabel: metric_relabel.unwrap_or_default(),
        discoveries,
        ..ScrapeJob::with_defaults("", interval)
    };
    map.finish(cx);
    let name = name?;
    if name.value.is_empty() {
        cx.error(name.span, "a job needs a name");
    }
    Some((ScrapeJob { name: name.value, ..job }, name.span))
}

fn timeout(map: &mut MapReader<'_>, interval: TimeDelta, global: &Global, cx: &mut Cx<'_>) -> TimeDelta {
    let written = super::global::interval(map, "scrape_timeout", cx);
    let Some(timeout) = written else { return global.scrape_timeout.min(interval) };
    if timeout.value > interval {
        let message = format!("the timeout {} is longer than the interval {interval}", timeout.value);
        cx.error_help(timeout.span, message, "make it at most as long");
    }
    timeout.value
}

fn scheme(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Scheme {
    let written: Option<Spanned<String>> = map.optional("scheme", cx);
    match written.as_ref().map(|written| written.value.as_str()) {
        None | Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        Some(other) => {
            let span = written.as_ref().map_or(map.span, |written| written.span);
            cx.error_help(span, format!("unknown scheme {other:?}"), "write http or https");
            Scheme::Http
        }
    }
}
