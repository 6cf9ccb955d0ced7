//! The process and its settings as the API tells them.

use std::collections::BTreeMap;

use bellwether_model::{TimeDelta, Timestamp};
use bellwether_web::QuerySettings;
use bellwether_web::view::ServerView;

use crate::config::Config;
use crate::health::{Health, Trouble};

/// What is not in the configuration.
pub struct Seen<'a> {
    /// Bounds on queries.
    pub queries: &'a QuerySettings,
    /// What the configuration is called.
    pub config_name: String,
    /// When it was read.
    pub config_loaded_at: Timestamp,
    /// What is wrong at present.
    pub health: &'a Health,
}

/// The process under this configuration.
pub fn of(config: &Config, seen: &Seen<'_>) -> ServerView {
    ServerView {
        config_yaml: config.shown.clone(),
        flags: flags(config, seen),
        config_loaded_at: seen.config_loaded_at,
        config_is_current: !seen.health.has(Trouble::Reload),
        working_folder: std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default(),
        host_name: host_name(),
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        damaged: u64::from(seen.health.has(Trouble::Damage))
            + u64::from(seen.health.has(Trouble::Quarantined)),
        retention: config.retention.to_string(),
        external_labels: config.prometheus.global.external_labels.clone(),
    }
}

/// By the names of Prometheus' flags, which clients look for: the scrape of a dashboard asks for the look-back.
fn flags(config: &Config, seen: &Seen<'_>) -> BTreeMap<String, String> {
    let queries = seen.queries;
    let timeout = TimeDelta(i64::try_from(queries.timeout.as_millis()).unwrap_or(i64::MAX));
    let pairs = [
        ("config.file", seen.config_name.clone()),
        ("query.lookback-delta", queries.lookback.to_string()),
        ("query.max-concurrency", queries.concurrency.to_string()),
        ("query.max-samples", queries.limits.samples.to_string()),
        ("query.timeout", timeout.to_string()),
        ("storage.tsdb.retention.time", config.retention.to_string()),
        ("web.enable-admin-api", "false".to_owned()),
        ("web.enable-lifecycle", "true".to_owned()),
        ("web.enable-otlp-receiver", "false".to_owned()),
        ("web.enable-remote-write-receiver", "false".to_owned()),
        ("web.external-url", config.external_url.clone().unwrap_or_default()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// As the system knows it; empty where it does not say.
pub(crate) fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map(|name| name.trim().to_owned()).or_else(|_| std::env::var("HOSTNAME")).unwrap_or_default()
}
