//! Exemplars of the series that a query selects.

use axum::extract::{Request, State};
use bellwether_model::{Exemplar, Labels, Matcher};
use serde_json::{Value as Json, json};

use super::{Answer, json_text, success};
use crate::Shared;
use crate::api_error::{ApiError, syntax};
use crate::api_params::Params;

pub(super) async fn query_exemplars(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let range = params.range()?;
    let text = params.required("query")?;
    let query = bellwether_promql::parse(text).map_err(|errors| syntax("query", text, &errors))?;
    let selectors: Vec<Vec<Matcher>> =
        bellwether_promql::selectors(&query).into_iter().map(|selector| selector.matchers.clone()).collect();
    if selectors.is_empty() {
        return Ok(json_text(r#"{"status":"success"}"#.to_owned())); // as Prometheus answers a query without series
    }
    let found = tokio::task::spawn_blocking(move || of(&app.exemplars(&selectors, range))).await;
    success(&found.map_err(|_| ApiError::internal("the look-up failed; please report the request"))?)
}

fn of(found: &[(Labels, Vec<Exemplar>)]) -> Vec<Json> {
    let exemplars = |exemplars: &[Exemplar]| exemplars.iter().map(described).collect::<Vec<_>>();
    found
        .iter()
        .map(|(labels, of_series)| json!({ "seriesLabels": labels, "exemplars": exemplars(of_series) }))
        .collect()
}

fn described(exemplar: &Exemplar) -> Json {
    let mut value = String::new();
    crate::api_json::number(&mut value, exemplar.value);
    json!({
        "labels": exemplar.labels,
        "value": value,
        "timestamp": exemplar.at.unwrap_or_default().as_secs_f64(),
    })
}
