//! Metrics of alerts and messages: our own, and under Alertmanager's names those that dashboards and alerts of most
//! installations ask for, with its labels and meanings.

use std::collections::BTreeMap;

use bellwether_alerts::{AckDeadlines, AlertCore, IntegrationKind, SilenceState};
use bellwether_ingest::{ExpositionWriter, MetricKind};
use bellwether_model::Timestamp;

use crate::alert_counts::{Counted, IntegrationCounts, LATENCY_BUCKETS};

use MetricKind::{Counter, Gauge, Histogram};

/// Upper ends of the buckets that Alertmanager has, in seconds; all are ends of ours.
const THEIR_BUCKETS: [f64; 4] = [1.0, 5.0, 15.0, 60.0];

/// What the metrics are made of.
pub struct Seen<'a> {
    /// Alerts, groups and silences as they are.
    pub core: &'a AlertCore,
    /// What happened.
    pub counted: &'a Counted,
    /// How soon somebody should take an alert.
    pub deadlines: &'a AckDeadlines,
    /// Whether the configuration could be read when it was last tried.
    pub is_config_good: bool,
    /// When the running configuration was read.
    pub config_loaded_at: Timestamp,
    /// The present moment.
    pub now: Timestamp,
}

/// Writes them all.
pub fn render(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    ours(seen, writer);
    latency(seen.counted, writer);
    theirs(seen, writer);
}

fn ours(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let now = seen.core.alert_counts(seen.deadlines, seen.now);
    let one = |writer: &mut ExpositionWriter, name, kind, help, value: f64| {
        writer.family(name, kind, help);
        writer.sample(name, &[], value);
    };
    let help = "Alerts that fire and that somebody has taken.";
    one(writer, "bellwether_alerts_acknowledged", Gauge, help, now.acknowledged as f64);
    let help = "Alerts that fire, that somebody was told of, and that nobody took within the deadline of their severity.";
    one(writer, "bellwether_alerts_ack_overdue", Gauge, help, now.overdue as f64);
    let help = "Alerts that fire and that no receiver has taken a message of.";
    one(writer, "bellwether_alerts_untold", Gauge, help, now.untold as f64);
    let help = "Lives of alerts that are over.";
    one(writer, "bellwether_alert_episodes_total", Counter, help, seen.counted.episodes as f64);

    let name = "bellwether_alert_actions_total";
    writer.family(name, Counter, "What people did with alerts.");
    for verb in ["acknowledge", "unacknowledge", "resolve", "note", "judge"] {
        let count = seen.counted.actions.get(verb).copied().unwrap_or_default();
        writer.sample(name, &[("action", verb)], count as f64);
    }
    let name = "bellwether_notifications_total";
    writer.family(name, Counter, "Messages by what became of them.");
    each(seen.counted, |integration, counts| {
        for (outcome, count) in [
            ("delivered", counts.delivered),
            ("failed", counts.failed_total()),
            ("superseded", counts.superseded),
        ] {
            writer.sample(name, &[("integration", integration), ("outcome", outcome)], count as f64);
        }
    });
    let name = "bellwether_notification_attempts_total";
    writer.family(name, Counter, "Attempts at messages by whether the receiver took them.");
    each(seen.counted, |integration, counts| {
        let outcomes = [
            ("accepted", counts.attempts_accepted),
            ("accepted_in_part", counts.attempts_in_part),
            ("failed", counts.attempts_failed),
        ];
        for (outcome, count) in outcomes {
            writer.sample(name, &[("integration", integration), ("outcome", outcome)], count as f64);
        }
    });
}

fn each(counted: &Counted, mut write: impl FnMut(&str, &IntegrationCounts)) {
    for (integration, counts) in &counted.integrations {
        write(&integration.to_string(), counts);
    }
}

fn latency(counted: &Counted, writer: &mut ExpositionWriter) {
    let name = "bellwether_notification_latency_seconds";
    writer.family(name, Histogram, "Time from the decision to send a message to its receipt.");
    each(counted, |integration, counts| {
        let labels = [("integration", integration)];
        buckets(name, &labels, &LATENCY_BUCKETS, counts, writer);
    });
}

fn buckets(
    name: &str,
    labels: &[(&str, &str)],
    ends: &[f64],
    counts: &IntegrationCounts,
    writer: &mut ExpositionWriter,
) {
    let within = |end: f64| {
        let inside = LATENCY_BUCKETS.iter().zip(&counts.latency).filter(|(of, _)| **of <= end);
        inside.map(|(_, count)| count).sum::<u64>()
    };
    let mut write = |end: &str, count: u64| {
        let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", end)]).collect();
        writer.sample(&format!("{name}_bucket"), &labels, count as f64);
    };
    for end in ends {
        write(&end.to_string(), within(*end));
    }
    write("+Inf", counts.delivered);
    writer.sample(&format!("{name}_sum"), labels, counts.latency_sum_seconds);
    writer.sample(&format!("{name}_count"), labels, counts.delivered as f64);
}

/// Alertmanager adds up all integrations of a kind.
fn by_kind(counted: &Counted) -> BTreeMap<IntegrationKind, IntegrationCounts> {
    let mut kinds: BTreeMap<IntegrationKind, IntegrationCounts> = BTreeMap::new();
    for (integration, counts) in &counted.integrations {
        let sum = kinds.entry(integration.kind).or_default();
        sum.delivered += counts.delivered;
        sum.attempts_accepted += counts.attempts_accepted;
        sum.attempts_in_part += counts.attempts_in_part;
        sum.attempts_failed += counts.attempts_failed;
        sum.latency_sum_seconds += counts.latency_sum_seconds;
        for (reason, count) in &counts.failed {
            *sum.failed.entry(reason).or_default() += count;
        }
        for (all, count) in sum.latency.iter_mut().zip(&counts.latency) {
            *all += count;
        }
    }
    kinds
}

fn theirs(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let now = seen.core.alert_counts(seen.deadlines, seen.now);
    let name = "alertmanager_alerts";
    writer.family(name, Gauge, "Alerts by whether they are told.");
    for (state, count) in
        [("active", now.active), ("suppressed", now.suppressed), ("unprocessed", now.unprocessed)]
    {
        writer.sample(name, &[("state", state)], count as f64);
    }
    let name = "alertmanager_alerts_received_total";
    writer.family(name, Counter, "Alerts that arrived over the API.");
    for (status, count) in
        [("firing", seen.counted.received_firing), ("resolved", seen.counted.received_resolved)]
    {
        writer.sample(name, &[("status", status), ("version", "v2")], count as f64);
    }
    let name = "alertmanager_silences";
    writer.family(name, Gauge, "Silences by where they are in their life.");
    let silences = seen.core.silence_counts(seen.now);
    for (state, label) in [
        (SilenceState::Active, "active"),
        (SilenceState::Pending, "pending"),
        (SilenceState::Expired, "expired"),
    ] {
        writer.sample(name, &[("state", label)], silences.get(&state).copied().unwrap_or_default() as f64);
    }
    let mut one = |name, help, value: f64| {
        writer.family(name, Gauge, help);
        writer.sample(name, &[], value);
    };
    let help = "Groups of alerts.";
    one("alertmanager_dispatcher_aggregation_groups", help, seen.core.group_count() as f64);
    let help = "1 while the configuration on disk could be read when it was last tried.";
    let is_good = f64::from(u8::from(seen.is_config_good));
    one("alertmanager_config_last_reload_successful", help, is_good);
    let (name, help) = (
        "alertmanager_config_last_reload_success_timestamp_seconds",
        "When the running configuration was read, Unix time.",
    );
    one(name, help, seen.config_loaded_at.as_secs_f64());
    messages(seen, writer);
}

fn messages(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let kinds = by_kind(seen.counted);
    let mut counter = |name: &str, help: &str, value: &dyn Fn(&IntegrationCounts) -> u64| {
        writer.family(name, Counter, help);
        for (kind, counts) in &kinds {
            writer.sample(name, &[("integration", kind.as_str())], value(counts) as f64);
        }
    };
    let help = "Messages that were delivered or given up.";
    counter("alertmanager_notifications_total", help, &|counts| counts.delivered + counts.failed_total());
    let help = "Attempts at messages.";
    counter("alertmanager_notification_requests_total", help, &|counts| {
        counts.attempts_accepted + counts.attempts_in_part + counts.attempts_failed
    });
    let help = "Attempts at messages that failed.";
    counter("alertmanager_notification_requests_failed_total", help, &|counts| counts.attempts_failed);

    let name = "alertmanager_notifications_failed_total";
    writer.family(name, Counter, "Messages that were given up, by why.");
    for (kind, counts) in &kinds {
        let of = |reason| counts.failed.get(reason).copied().unwrap_or_default();
        let other = of("unreachable") + of("unsendable");
        for (reason, count) in
            [("clientError", of("client")), ("serverError", of("server")), ("other", other)]
        {
            writer.sample(name, &[("integration", kind.as_str()), ("reason", reason)], count as f64);
        }
    }
    let name = "alertmanager_notification_latency_seconds";
    writer.family(name, Histogram, "Time from the decision to send a message to its receipt.");
    for (kind, counts) in &kinds {
        buckets(name, &[("integration", kind.as_str())], &THEIR_BUCKETS, counts, writer);
    }
}
