//! How a simulated service answers a call: as often well, and after as long, as its metrics say it does at the moment.

use std::time::Duration;

use super::Answered;
use crate::scenario::definition::{MetricBehaviour, MetricDefinition, ServiceDefinition, ServiceKind};
use crate::scenario::quantity::WHOLE;

/// Nobody is kept waiting for longer.
const AFTER_MAX: Duration = Duration::from_secs(60);

/// What a caller gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// The status.
    pub status: u16,
    /// After so long.
    pub after: Duration,
}

/// Draws how a call ends.
pub(super) fn reply(call: &Answered, definitions: &[ServiceDefinition], rng: &mut fastrand::Rng) -> Reply {
    let Some(service) = definitions.iter().find(|service| service.name == call.service) else {
        return Reply { status: 404, after: Duration::ZERO };
    };
    if !service.up {
        return Reply { status: 503, after: Duration::ZERO };
    }
    let metric = |name: &str| match &service.kind {
        ServiceKind::Metrics(metrics) => metrics.iter().find(|metric| metric.name == name),
        ServiceKind::MovieGuru(_) => None,
    };
    let after = call.latency.and_then(metric).map_or(Duration::ZERO, |metric| latency(metric, rng));
    let status = call.outcome.and_then(metric).map_or(200, |metric| outcome(metric, rng));
    Reply { status, after }
}

fn latency(metric: &MetricDefinition, rng: &mut fastrand::Rng) -> Duration {
    let MetricBehaviour::Histogram { values, .. } = &metric.kind else { return Duration::ZERO };
    let chosen = by_share(values.all(), rng);
    let seconds = chosen.map_or(0.0, |sizes| sizes.at(rng.f64()));
    Duration::try_from_secs_f64(seconds).unwrap_or(AFTER_MAX).min(AFTER_MAX)
}

fn outcome(metric: &MetricDefinition, rng: &mut fastrand::Rng) -> u16 {
    let MetricBehaviour::Counter { split, .. } = &metric.kind else { return 200 };
    let Some((_, shares)) = split.first() else { return 200 };
    by_share(shares.all(), rng).map_or(200, status)
}

/// The status of an outcome by its name: one that is a status, or one of the words for success.
fn status(name: &str) -> u16 {
    match name.parse() {
        Ok(status @ 200..=599) => status,
        _ if matches!(name, "ok" | "true" | "success" | "succeeded") => 200,
        _ => 500,
    }
}

fn by_share<T>(all: impl Iterator<Item = (T, i128)>, rng: &mut fastrand::Rng) -> Option<T> {
    let mut left = i128::from(rng.u64(0..WHOLE as u64));
    for (one, share) in all {
        if left < share {
            return Some(one);
        }
        left -= share;
    }
    None
}
