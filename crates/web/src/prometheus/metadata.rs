//! What targets say of their metrics: type, help and unit.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Request, State};
use bellwether_model::matches_all;
use serde_json::{Value as Json, json};

use super::{Answer, success};
use crate::Shared;
use crate::api_error::ApiError;
use crate::api_params::Params;
use crate::view::MetricMetadata;

/// By metric: every different thing that is said of it.
pub(super) async fn of_metrics(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (limit, per_metric) = (count(&params, "limit")?, count(&params, "limit_per_metric")?);
    let wanted = params.get("metric");
    let mut found: BTreeMap<String, BTreeSet<MetricMetadata>> = BTreeMap::new();
    for target in app.metadata() {
        for metric in target.metrics.into_iter().filter(|m| wanted.is_none_or(|name| name == m.name)) {
            let said = found.entry(metric.name.clone()).or_default();
            if per_metric.is_none_or(|most| most == 0 || said.len() < most) {
                said.insert(metric);
            }
        }
    }
    let data: serde_json::Map<String, Json> = found
        .into_iter()
        .take(limit.unwrap_or(usize::MAX))
        .map(|(name, said)| (name, said.iter().map(described).collect()))
        .collect();
    success(&data)
}

fn described(metric: &MetricMetadata) -> Json {
    json!({ "type": metric.kind, "unit": metric.unit, "help": metric.help })
}

/// By target.
pub(super) async fn of_targets(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let limit = count(&params, "limit")?.unwrap_or(usize::MAX);
    let selectors = params.selectors("match_target")?;
    let wanted = params.get("metric");
    let mut data: Vec<Json> = Vec::new();
    for target in app.metadata() {
        if !selectors.iter().all(|matchers| matches_all(matchers, &target.target)) {
            continue;
        }
        for metric in target.metrics.iter().filter(|m| wanted.is_none_or(|name| name == m.name)) {
            let mut entry = described(metric);
            entry["target"] = json!(target.target);
            if wanted.is_none() {
                entry["metric"] = json!(metric.name);
            }
            data.push(entry);
        }
    }
    data.truncate(limit);
    success(&data)
}

/// A bound; negative means none, as in Prometheus.
fn count(params: &Params, name: &str) -> Result<Option<usize>, ApiError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let number: i64 = text
        .parse()
        .map_err(|_| ApiError::bad_data(format!("{name} must be a number, and {text:?} is none")))?;
    Ok(usize::try_from(number).ok())
}
