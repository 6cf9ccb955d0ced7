//! Which targets there are and how they do.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use bellwether_model::{Labels, Timestamp};
use serde_json::{Value as Json, json};

use super::{Answer, success};
use crate::Shared;
use crate::api_params::Params;
use crate::view::{TargetHealth, TargetView};

pub(super) async fn targets(State(app): State<Shared>, request: Request) -> Answer {
    let params = Params::of(request).await?;
    let pool = params.get("scrapePool");
    let state = params.get("state").map(str::to_lowercase);
    let (with_active, with_dropped) = match state.as_deref() {
        Some("active") => (true, false),
        Some("dropped") => (false, true),
        None | Some("any") => (true, true),
        Some(_) => (false, false),
    };
    let targets = app.targets();
    let wanted = |target: &&TargetView| pool.is_none_or(|pool| pool == target.job);
    let active: Vec<Json> = targets.iter().filter(wanted).filter(|_| with_active).map(target_json).collect();
    let pools = app.scrape_pools();
    // The counts are those of all pools, whichever was asked for.
    let counts: BTreeMap<&str, u64> =
        pools.iter().map(|pool| (pool.job.as_str(), pool.dropped_count)).collect();
    let pools = pools.iter().filter(|of| with_dropped && pool.is_none_or(|pool| pool == of.job));
    let dropped: Vec<Json> =
        pools.flat_map(|pool| pool.dropped.iter().map(|labels| dropped_json(&pool.job, labels))).collect();
    let mut answer = json!({ "activeTargets": active, "droppedTargets": dropped });
    answer["droppedTargetCounts"] = if with_dropped { json!(counts) } else { Json::Null };
    success(&answer)
}

fn dropped_json(pool: &str, discovered: &Labels) -> Json {
    json!({ "discoveredLabels": discovered, "scrapePool": pool })
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
pub(super) fn moment(at: Option<Timestamp>) -> String {
    at.map_or("0001-01-01T00:00:00Z".to_owned(), |at| at.to_string())
}

pub(super) async fn scrape_pools(State(app): State<Shared>) -> Answer {
    let pools: Vec<String> = app.scrape_pools().into_iter().map(|pool| pool.job).collect();
    success(&json!({ "scrapePools": pools }))
}

/// Alerts are routed here, so that none are sent on to an Alertmanager.
pub(super) async fn alertmanagers() -> Answer {
    success(&json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}
