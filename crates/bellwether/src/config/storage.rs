//! `storage:` of `bellwether.yml`: how much the store keeps, and how much it takes.

use std::collections::BTreeMap;

use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::TimeDelta;
use bellwether_tsdb::SeriesLimits;

use super::prometheus::limits::byte_size;

/// Shorter would take away samples that the head still holds.
pub(super) const RETENTION_MIN: TimeDelta = TimeDelta(6 * TimeDelta::HOUR.0);

/// The pages of objectives show a month, whatever their period.
const LEDGER_RETENTION_MIN: TimeDelta = TimeDelta(32 * TimeDelta::DAY.0);

/// What is set of the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageConfig {
    /// How long samples are kept.
    pub retention: Option<TimeDelta>,
    /// How long what objectives counted is kept.
    pub ledger_retention: Option<TimeDelta>,
    /// How much older than the last of its series a sample may be; Prometheus' default, none, where nothing is said.
    pub out_of_order_time_window: Option<TimeDelta>,
    /// How many bytes the store may take on the disk before its oldest segments go.
    pub retention_bytes: Option<u64>,
    /// How many series there may be.
    pub limits: SeriesLimits,
    /// How many exemplars are kept.
    pub max_exemplars: Option<u64>,
}

impl StorageConfig {
    /// How much older than the last of its series a sample may be.
    pub fn out_of_order_window(&self) -> TimeDelta {
        self.out_of_order_time_window.unwrap_or(TimeDelta::ZERO)
    }

    /// What is set here, and where nothing is, what another says.
    pub(super) fn or(self, other: &Self) -> Self {
        Self {
            retention: self.retention.or(other.retention),
            retention_bytes: self.retention_bytes.or(other.retention_bytes),
            out_of_order_time_window: self.out_of_order_time_window.or(other.out_of_order_time_window),
            max_exemplars: self.max_exemplars.or(other.max_exemplars),
            ..self
        }
    }
}

impl Decode for StorageConfig {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let config = Self {
            retention: retention(&mut map, "retention", RETENTION_MIN, cx),
            retention_bytes: map
                .node("retention_size")
                .and_then(|node| byte_size(node, cx))
                .filter(|bytes| *bytes > 0),
            ledger_retention: retention(&mut map, "ledger_retention", LEDGER_RETENTION_MIN, cx),
            out_of_order_time_window: map.optional("out_of_order_time_window", cx),
            limits: SeriesLimits {
                total: map.optional("series_limit", cx).unwrap_or_default(),
                per_job: map.optional("series_limit_per_job", cx).unwrap_or_default(),
                of_jobs: map.node("series_limits").map(|node| of_jobs(node, cx)).unwrap_or_default(),
            },
            max_exemplars: map.optional("max_exemplars", cx),
        };
        map.finish(cx);
        Some(config)
    }
}

pub(super) fn retention(
    map: &mut MapReader<'_>,
    field: &'static str,
    shortest: TimeDelta,
    cx: &mut Cx<'_>,
) -> Option<TimeDelta> {
    let retention: Spanned<TimeDelta> = map.optional(field, cx)?;
    if retention.value < shortest {
        cx.error_help(
            retention.span,
            format!("a retention of {} is too short", retention.value),
            format!("write at least {shortest}"),
        );
    }
    Some(retention.value)
}

/// Limits of single jobs by their names.
fn of_jobs(node: &Node, cx: &mut Cx<'_>) -> BTreeMap<String, u64> {
    let mut limits = BTreeMap::new();
    let Some(mut by_job) = MapReader::open(node, cx) else { return limits };
    for (job, node) in by_job.rest() {
        let Some(job) = job.as_text() else {
            cx.error_help(job.span, "expected the name of a job", "write it like `node: 20000`");
            continue;
        };
        if let Some(limit) = u64::decode(node, cx) {
            limits.insert(job.to_owned(), limit);
        }
    }
    limits
}
