//! Prometheus' HTTP API, so that Grafana and everything else that speaks to Prometheus speaks to us.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use bellwether_model::{Labels, Timestamp};
use bellwether_promql::RangeSpec;
use serde_json::{Value as Json, json};

use crate::api_error::{ApiError, first_message};
use crate::api_params::Params;
use crate::query::{self, When};
use crate::view::{AlertState, AlertView, RuleAlertView, RuleGroupView, RuleView, TargetHealth, TargetView};
use crate::{Shared, api_json};

/// Points per series beyond which a range query is refused, as Prometheus refuses it.
const POINTS_MAX: i64 = 11_000;

pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/api/v1/query", both(query))
        .route("/api/v1/query_range", both(query_range))
        .route("/api/v1/format_query", both(format_query))
        .route("/api/v1/labels", both(labels))
        .route("/api/v1/label/{name}/values", get(label_values))
        .route("/api/v1/series", both(series))
        .route("/api/v1/metadata", get(|| async { success(json!({})) }))
        .route("/api/v1/query_exemplars", both(|| async { success(json!([])) }))
        .route("/api/v1/targets", get(targets))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/alerts", get(alerts))
        .route("/api/v1/status/buildinfo", get(build_info))
        .route("/api/v1/{*rest}", both(unknown))
}

fn both<H, T>(handler: H) -> MethodRouter<Shared>
where
    H: axum::handler::Handler<T, Shared>,
    T: 'static,
{
    get(handler.clone()).post(handler)
}

type Answer = Result<Response, ApiError>;

fn success(data: Json) -> Response {
    json_text(json!({ "status": "success", "data": data }).to_string())
}

fn json_text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn unknown(Path(rest): Path<String>) -> ApiError {
    ApiError::not_found(format!(
        "there is no /api/v1/{rest}; there are query, query_range, format_query, labels, label/NAME/values, series, \
         metadata, targets, rules, alerts and status/buildinfo"
    ))
}

fn timeout(params: &Params) -> Result<Duration, ApiError> {
    Ok(params.length("timeout")?.map_or(query::TIMEOUT_MAX, |t| t.to_std()))
}

async fn query(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let at = params.time("time")?.unwrap_or(app.now());
    let text = params.required("query")?.to_owned();
    let evaluated = query::run(app.source(), text.clone(), When::At(at), timeout(&params)?).await?;
    Ok(json_text(api_json::answer(&evaluated, &text, at)))
}

async fn query_range(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let range = range_spec(&params)?;
    let text = params.required("query")?.to_owned();
    let evaluated = query::run(app.source(), text.clone(), When::Over(range), timeout(&params)?).await?;
    Ok(json_text(api_json::answer(&evaluated, &text, range.end)))
}

fn range_spec(params: &Params) -> Result<RangeSpec, ApiError> {
    params.required("start")?;
    params.required("end")?;
    params.required("step")?;
    let range = params.range()?;
    let step = params.length("step")?.unwrap_or_default();
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

async fn format_query(request: Request) -> Answer {
    let params = Params::of(request).await?;
    let expr = bellwether_promql::parse(params.required("query")?).map_err(|errors| {
        ApiError::bad_data(format!("invalid parameter \"query\": {}", first_message(&errors)))
    })?;
    Ok(success(json!(bellwether_promql::format(&expr))))
}

/// Runs a look-up of metadata beside the threads that answer requests.
async fn look_up<T: Send + 'static>(
    app: &Shared,
    ask: impl FnOnce(&dyn bellwether_model::SeriesSource) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let source = app.source();
    let answer = tokio::task::spawn_blocking(move || ask(source.as_ref())).await;
    answer.unwrap_or_else(|_| Err(ApiError::unavailable("the look-up failed; please report the request")))
}

/// Names or series up to the limit, with the warning Prometheus gives beyond it.
fn limited<T: serde::Serialize>(items: BTreeSet<T>, limit: usize) -> Response {
    let is_cut = items.len() > limit;
    let data: Vec<T> = items.into_iter().take(limit).collect();
    let mut body = json!({ "status": "success", "data": data });
    if is_cut {
        body["warnings"] = json!(["results truncated due to limit"]);
    }
    json_text(body.to_string())
}

async fn labels(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, any_of(&params)?);
    let names = look_up(&app, move |source| {
        let mut names = BTreeSet::new();
        for matchers in &selectors {
            names.extend(source.label_names(matchers, range)?);
        }
        Ok(names)
    });
    Ok(limited(names.await?, limit))
}

async fn label_values(State(app): State<Shared>, Path(name): Path<String>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, any_of(&params)?);
    if name.is_empty() {
        return Err(ApiError::bad_data("invalid label name: it is empty"));
    }
    let values = look_up(&app, move |source| {
        let mut values = BTreeSet::new();
        for matchers in &selectors {
            values.extend(source.label_values(&name, matchers, range)?);
        }
        Ok(values)
    });
    Ok(limited(values.await?, limit))
}

/// The selectors asked for, or one that selects everything.
fn any_of(params: &Params) -> Result<Vec<Vec<bellwether_model::Matcher>>, ApiError> {
    let selectors = params.selectors()?;
    Ok(if selectors.is_empty() { vec![Vec::new()] } else { selectors })
}

async fn series(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let (range, limit, selectors) = (params.range()?, params.limit()?, params.selectors()?);
    if selectors.is_empty() {
        return Err(ApiError::bad_data(
            "no match[] parameter provided; write match[]=up or match[]={job=\"api\"}",
        ));
    }
    let found = look_up(&app, move |source| {
        let mut found: BTreeSet<Labels> = BTreeSet::new();
        for matchers in &selectors {
            found.extend(source.series(matchers, range)?);
        }
        Ok(found)
    });
    Ok(limited(found.await?, limit))
}

async fn build_info(State(app): State<Shared>) -> Response {
    let overview = app.overview();
    success(json!({
        "version": overview.version, "revision": overview.revision, "branch": "",
        "buildUser": "", "buildDate": "", "goVersion": "", "application": "bellwether",
    }))
}

async fn targets(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let pool = params.get("scrapePool");
    let wanted = |target: &TargetView| pool.is_none_or(|pool| pool == target.job);
    let active: Vec<Json> = match params.get("state") {
        Some("dropped") => Vec::new(),
        Some(_) | None => app.targets().iter().filter(|t| wanted(t)).map(target_json).collect(),
    };
    Ok(success(json!({ "activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {} })))
}

fn target_json(target: &TargetView) -> Json {
    let health = match target.health {
        TargetHealth::Up => "up",
        TargetHealth::Down => "down",
        TargetHealth::Unknown => "unknown",
    };
    json!({
        "discoveredLabels": target.discovered_labels, "labels": target.labels, "scrapePool": target.job,
        "scrapeUrl": target.url, "globalUrl": target.url, "lastError": target.last_error,
        "lastScrape": moment(target.last_scrape_at),
        "lastScrapeDuration": target.last_duration.unwrap_or_default().as_secs_f64(),
        "health": health, "scrapeInterval": target.interval, "scrapeTimeout": target.timeout,
    })
}

/// Go's zero time stands for "never".
fn moment(at: Option<Timestamp>) -> String {
    at.map_or("0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}

const fn state(state: AlertState) -> &'static str {
    match state {
        AlertState::Firing => "firing",
        AlertState::Pending => "pending",
        AlertState::Resolved => "inactive",
    }
}

fn value_text(value: f64) -> String {
    let mut text = String::new();
    api_json::exponential(&mut text, value);
    text
}

async fn alerts(State(app): State<Shared>) -> Response {
    let open = |alert: &&AlertView| alert.state != AlertState::Resolved;
    let alerts: Vec<Json> = app.alerts().iter().filter(open).map(alert_json).collect();
    success(json!({ "alerts": alerts }))
}

fn alert_json(alert: &AlertView) -> Json {
    json!({
        "labels": alert.labels, "annotations": alert.annotations, "state": state(alert.state),
        "activeAt": alert.starts_at.to_string(), "value": value_text(alert.value.unwrap_or_default()),
    })
}

async fn rules(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let wanted = RuleFilter::of(&params)?;
    let groups = app.rule_groups();
    let groups: Vec<Json> = groups.iter().filter_map(|group| wanted.group(group)).collect();
    Ok(success(json!({ "groups": groups })))
}

/// Which rules a client asks for. An empty list asks for all.
struct RuleFilter<'a> {
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    is_alerting: Option<bool>,
    without_alerts: bool,
}

impl<'a> RuleFilter<'a> {
    fn of(params: &'a Params) -> Result<Self, ApiError> {
        let is_alerting = match params.get("type") {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                return Err(ApiError::bad_data(format!(
                    "invalid parameter \"type\": {other:?} is neither alert nor record"
                )));
            }
        };
        let list = |name| params.all(name).collect();
        let without_alerts = matches!(params.get("exclude_alerts"), Some("true" | "1" | "t"));
        Ok(Self {
            names: list("rule_name[]"),
            groups: list("rule_group[]"),
            files: list("file[]"),
            is_alerting,
            without_alerts,
        })
    }

    fn group(&self, group: &RuleGroupView) -> Option<Json> {
        let passes = |wanted: &[&str], text: &str| wanted.is_empty() || wanted.contains(&text);
        if !passes(&self.groups, &group.name) || !passes(&self.files, &group.file) {
            return None;
        }
        let of_type =
            |rule: &&RuleView| self.is_alerting.is_none_or(|alerting| alerting == rule.alerting.is_some());
        let rules = group.rules.iter().filter(of_type).filter(|rule| passes(&self.names, &rule.name));
        let rules: Vec<Json> = rules.map(|rule| self.rule(rule)).collect();
        let narrowed = self.is_alerting.is_some() || !self.names.is_empty();
        (!narrowed || !rules.is_empty()).then(|| json!({
            "name": group.name, "file": group.file, "interval": group.interval.as_secs_f64(), "limit": group.limit,
            "evaluationTime": group.evaluation_seconds, "lastEvaluation": moment(group.evaluated_at), "rules": rules,
        }))
    }

    fn rule(&self, rule: &RuleView) -> Json {
        let health = match (rule.evaluated_at, rule.last_error.is_empty()) {
            (None, _) => "unknown",
            (Some(_), true) => "ok",
            (Some(_), false) => "err",
        };
        let mut out = json!({
            "name": rule.name, "query": rule.query, "labels": rule.labels, "health": health,
            "evaluationTime": rule.evaluation_seconds, "lastEvaluation": moment(rule.evaluated_at), "type": "recording",
        });
        if !rule.last_error.is_empty() {
            out["lastError"] = json!(rule.last_error);
        }
        let Some(alerting) = &rule.alerting else { return out };
        let worst = alerting.alerts.iter().map(|alert| alert.state).min();
        out["type"] = json!("alerting");
        out["state"] = json!(worst.map_or("inactive", state));
        out["duration"] = json!(alerting.hold.as_secs_f64());
        out["keepFiringFor"] = json!(alerting.keep_firing_for.as_secs_f64());
        out["annotations"] = json!(alerting.annotations);
        let shown: &[RuleAlertView] = if self.without_alerts { &[] } else { &alerting.alerts };
        out["alerts"] = shown.iter().map(rule_alert_json).collect();
        out
    }
}

fn rule_alert_json(alert: &RuleAlertView) -> Json {
    json!({
        "labels": alert.labels, "annotations": alert.annotations, "state": state(alert.state),
        "activeAt": alert.active_at.to_string(), "value": value_text(alert.value),
    })
}
