//! Queries: evaluated at a moment or over a range, formatted, and taken apart.

use std::time::Duration;

use axum::extract::{Request, State};
use bellwether_model::TimeDelta;
use bellwether_promql::{RangeSpec, Value};

use super::{Answer, json_text, success};
use crate::api_error::{ApiError, syntax};
use crate::api_params::Params;
use crate::queries::{Ask, When};
use crate::{Shared, api_json};

/// Points per series beyond which a range query is refused, as Prometheus refuses it.
const POINTS_MAX: i64 = 11_000;

pub(super) async fn query(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let at = params.time("time")?.unwrap_or(app.now());
    answer(&app, &params, When::At(at)).await
}

pub(super) async fn query_range(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let range = range_spec(&params)?;
    answer(&app, &params, When::Over(range)).await
}

async fn answer(app: &Shared, params: &Params, when: When) -> Answer {
    let (limit, timeout) = (params.limit()?, params.length("timeout")?);
    let lookback = params.length("lookback_delta")?;
    let text = params.required("query")?;
    let ask = Ask {
        text: text.to_owned(),
        when,
        timeout: timeout.map(|timeout| if timeout.0 < 0 { Duration::ZERO } else { timeout.to_std() }),
        lookback,
        is_measured: params.get("stats").is_some(),
    };
    let is_measured = ask.is_measured;
    let mut answered =
        app.queries().run(app.source(), ask).await.map_err(|error| ApiError::of_query(error, text))?;
    let at = match when {
        When::At(at) => at,
        When::Over(range) => range.end,
    };
    let is_cut = truncate(&mut answered.evaluated.value, limit);
    let notes = api_json::Notes { query: text, is_cut, missing: &answered.missing };
    let stats = is_measured.then_some(&answered.stats);
    Ok(json_text(api_json::answer(&answered.evaluated, at, notes, stats)))
}

/// Cuts a result to so many series; says whether anything was cut.
fn truncate(value: &mut Value, limit: usize) -> bool {
    let (before, after) = match value {
        Value::Vector(series) => {
            let before = series.len();
            series.truncate(limit);
            (before, series.len())
        }
        Value::Matrix(series) => {
            let before = series.len();
            series.truncate(limit);
            (before, series.len())
        }
        Value::Scalar(_) | Value::String(_) => (0, 0),
    };
    after < before
}

fn range_spec(params: &Params) -> Result<RangeSpec, ApiError> {
    params.required("start")?;
    params.required("end")?;
    params.required("step")?;
    let range = params.range()?;
    let step: TimeDelta = params.length("step")?.unwrap_or_default();
    if step.0 <= 0 {
        return Err(ApiError::bad_data(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted; try a positive number",
        ));
    }
    if range.end.0.saturating_sub(range.start.0) / step.0 > POINTS_MAX {
        return Err(ApiError::bad_data(
            "exceeded maximum resolution of 11,000 points per timeseries; try a larger ?step=",
        ));
    }
    Ok(RangeSpec { start: range.start, end: range.end, step })
}

pub(super) async fn format_query(request: Request) -> Answer {
    let params = Params::of(request).await?;
    let text = params.required("query")?;
    let formatted = bellwether_promql::format_query(text).map_err(|errors| syntax("query", text, &errors))?;
    success(&formatted)
}

pub(super) async fn parse_query(request: Request) -> Answer {
    let params = Params::of(request).await?;
    let text = params.required("query")?;
    let tree = bellwether_promql::parse_query(text).map_err(|errors| syntax("query", text, &errors))?;
    success(&tree)
}
