//! What the process says of itself: configuration, flags, build, state of the store.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use bellwether_model::{METRIC_NAME, SeriesView, TimeDelta, TimeRange, Timestamp};
use bellwether_promql::Function;
use serde_json::{Value as Json, json};

use super::{Answer, look_up, success};
use crate::Shared;
use crate::api_error::ApiError;
use crate::api_params::Params;

pub(super) async fn config(State(app): State<Shared>) -> Answer {
    success(&json!({ "yaml": app.server().config_yaml }))
}

pub(super) async fn flags(State(app): State<Shared>) -> Answer {
    success(&app.server().flags)
}

/// Fields about Go's runtime are there because clients expect them; they tell what is comparable, or nothing.
pub(super) async fn runtime_info(State(app): State<Shared>) -> Answer {
    let (server, overview) = (app.server(), app.overview());
    let running = app.queries().counts().running;
    success(&json!({
        "startTime": overview.started_at.to_string(), "CWD": server.working_folder, "hostname": server.host_name,
        "serverTime": app.now().to_string(), "reloadConfigSuccess": server.config_is_current,
        "lastConfigTime": server.config_loaded_at.to_string(), "corruptionCount": server.damaged,
        "goroutineCount": running, "GOMAXPROCS": server.threads, "GOMEMLIMIT": i64::MAX, "GOGC": "", "GODEBUG": "",
        "storageRetention": server.retention,
    }))
}

/// Whose API this is, as far as clients can tell; Grafana, for one, asks older servers in ways that cost more.
const PROMETHEUS_VERSION: &str = "3.14.0";

/// Clients read from `version` what they may ask, so it is that of the Prometheus whose API we answer; our own stands
/// beside it.
pub(super) async fn build_info(State(app): State<Shared>) -> Answer {
    let overview = app.overview();
    success(&json!({
        "version": PROMETHEUS_VERSION, "revision": overview.revision, "branch": "",
        "buildUser": "", "buildDate": "", "goVersion": "", "application": "bellwether",
        "applicationVersion": overview.version,
    }))
}

/// The log is replayed before anything is served.
pub(super) async fn wal_replay() -> Answer {
    success(&json!({ "min": 0, "max": 0, "current": 0 }))
}

/// Entries of each list unless `limit` says otherwise.
const ENTRIES: usize = 10;
/// More than this nobody reads.
const ENTRIES_MAX: usize = 10_000;
/// What is counted: series with a sample in the last hours, as Prometheus counts those of its head.
const RECENT: TimeDelta = TimeDelta(3 * TimeDelta::HOUR.0);

pub(super) async fn tsdb(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let limit = match params.get("limit") {
        None => ENTRIES,
        Some(text) => match text.parse::<usize>() {
            Ok(limit @ 1..=ENTRIES_MAX) => limit,
            Ok(_) | Err(_) => {
                return Err(ApiError::bad_data(format!(
                    "limit must be a number from 1 to {ENTRIES_MAX}, and {text:?} is none"
                )));
            }
        },
    };
    let range = TimeRange::new(app.now() - RECENT, Timestamp::MAX);
    let counted = look_up(&app, move |source| Ok(Cardinality::of(&source.select(&[], range)?)));
    success(&counted.await?.json(limit))
}

/// How many series, names and values there are.
#[derive(Default)]
struct Cardinality {
    series: u64,
    chunks: u64,
    range: Option<TimeRange>,
    by_metric: BTreeMap<String, u64>,
    by_pair: BTreeMap<(String, String), u64>,
}

impl Cardinality {
    fn of(views: &[SeriesView]) -> Self {
        let mut counted = Self::default();
        for view in views {
            counted.series += 1;
            counted.chunks += view.chunks.len() as u64;
            for chunk in &view.chunks {
                let other = chunk.summary().range;
                let range = counted.range.unwrap_or(other);
                counted.range = Some(TimeRange::new(range.start.min(other.start), range.end.max(other.end)));
            }
            for (name, value) in view.labels.iter() {
                if name == METRIC_NAME {
                    *counted.by_metric.entry(value.to_owned()).or_default() += 1;
                }
                *counted.by_pair.entry((name.to_owned(), value.to_owned())).or_default() += 1;
            }
        }
        counted
    }

    fn json(&self, limit: usize) -> Json {
        let (mut values, mut bytes) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, u64>::new());
        for ((name, value), series) in &self.by_pair {
            *values.entry(name).or_default() += 1;
            *bytes.entry(name).or_default() += value.len() as u64 * series;
        }
        let pairs =
            self.by_pair.iter().map(|((name, value), count)| (format!("{name}={value}"), *count)).collect();
        let owned =
            |counts: BTreeMap<&str, u64>| counts.into_iter().map(|(n, c)| (n.to_owned(), c)).collect();
        let metrics = self.by_metric.iter().map(|(name, count)| (name.clone(), *count)).collect();
        let (start, end) = self.range.map_or((i64::MAX, i64::MIN), |range| (range.start.0, range.end.0));
        json!({
            "headStats": {
                "numSeries": self.series, "numLabelPairs": self.by_pair.len(), "chunkCount": self.chunks,
                "minTime": start, "maxTime": end,
            },
            "seriesCountByMetricName": top(metrics, limit),
            "labelValueCountByLabelName": top(owned(values), limit),
            "memoryInBytesByLabelName": top(owned(bytes), limit),
            "seriesCountByLabelValuePair": top(pairs, limit),
        })
    }
}

/// The largest first, equal ones by name.
fn top(mut counts: Vec<(String, u64)>, limit: usize) -> Vec<Json> {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().take(limit).map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

/// What this server can do, by the names Prometheus gives the same abilities.
pub(super) async fn features() -> Answer {
    let functions: BTreeMap<&str, bool> =
        Function::ALL.iter().map(|function| (function.spec().name, true)).collect();
    let on = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), json!(true))).collect::<Json>();
    let mut api = on(&[
        "exclude_alerts",
        "label_values_match",
        "lifecycle",
        "otlp_write_receiver",
        "query_stats",
        "query_warnings",
        "time_range_labels",
        "time_range_series",
    ]);
    for off in ["admin", "remote_write_receiver"] {
        api[off] = json!(false);
    }
    let mut promql = on(&[
        "anchored",
        "at_modifier",
        "bool",
        "by",
        "duration_expr",
        "fill",
        "fill_left",
        "fill_right",
        "group_left",
        "group_right",
        "ignoring",
        "negative_offset",
        "offset",
        "on",
        "per_query_lookback_delta",
        "smoothed",
        "subqueries",
        "without",
    ]);
    for off in ["delayed_name_removal", "per_step_stats", "type_and_unit_labels"] {
        promql[off] = json!(false);
    }
    success(&json!({
        "api": api,
        "promql": promql,
        "promql_functions": functions,
        "rules": on(&["keep_firing_for", "query_offset"]),
        "tsdb": { "exemplar_storage": true, "native_histograms": true },
    }))
}
