//! Our own metrics, in the format we scrape: what an operator needs to see that watching itself works.

use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};

use bellwether_alerts::{AckDeadlines, ReceiverHealth};
use bellwether_ingest::{ExpositionWriter, MetricKind};
use bellwether_model::Timestamp;
use bellwether_rules::{GroupGlance, Health};
use bellwether_tsdb::Store;
use bellwether_web::QueryCounts;
use bellwether_web::view::TargetHealth;

use crate::alert_counts::AlertCounts;
use crate::alert_metrics;
use crate::clock;
use crate::deliveries;
use crate::discovery::{self, Discoverer};
use crate::exemplars::Exemplars;
use crate::health::{self, Trouble};
use crate::ledger_rows::LedgerRows;
use crate::otlp::counts::OtlpCounts;
use crate::pipeline::Pipeline;
use crate::receive::counts::ReceiveCounts;
use crate::scrape::ScrapePool;
use crate::source::{self, poll::SourceView};
use crate::store_check::{Progress, StoreChecks};
use crate::writer::WriterHandle;

/// What the metrics are read from.
pub struct Seen<'a> {
    /// What decides.
    pub pipeline: &'a RwLock<Pipeline>,
    /// The samples.
    pub store: &'a Store,
    /// How checking what lies on the disk has gone.
    pub checks: &'a StoreChecks,
    /// Rows of objectives.
    pub rows: &'a LedgerRows,
    /// The targets.
    pub pool: &'a ScrapePool,
    /// What finds them.
    pub discoverer: &'a Discoverer,
    /// The writer, for its counts.
    pub writer: &'a WriterHandle,
    /// What was pushed.
    pub received: &'a ReceiveCounts,
    /// The latest exemplars.
    pub exemplars: &'a Exemplars,
    /// What was pushed by OpenTelemetry's protocol.
    pub otlp: &'a OtlpCounts,
    /// What keeps alerts from people.
    pub health: &'a health::Health,
    /// What became of queries.
    pub queries: QueryCounts,
    /// How reading the source does, if there is one.
    pub source: Option<SourceView>,
    /// What happened to alerts and messages.
    pub counts: &'a AlertCounts,
    /// How soon somebody should take an alert.
    pub deadlines: &'a AckDeadlines,
    /// When the running configuration was read.
    pub config_loaded_at: Timestamp,
    /// When this process started.
    pub started_at: Timestamp,
}

/// All metrics of a running server.
pub fn render(seen: &Seen<'_>) -> String {
    let mut writer = ExpositionWriter::default();
    process(seen, &mut writer);
    store(seen, &mut writer);
    store_checks(seen.checks, &mut writer);
    ledger_rows(seen.rows, &mut writer);
    queries(&seen.queries, &mut writer);
    targets(seen, &mut writer);
    seen.received.render(&mut writer);
    seen.exemplars.render(&mut writer);
    seen.otlp.render(&mut writer);
    source::metrics::render(seen.source.as_ref(), &mut writer);
    rules(seen, &mut writer);
    objectives(seen, &mut writer);
    alerting(seen, &mut writer);
    alerts(seen, &mut writer);
    writer.finish()
}

fn one(writer: &mut ExpositionWriter, family: (&str, MetricKind, &str), value: f64) {
    let (name, kind, help) = family;
    writer.family(name, kind, help);
    writer.sample(name, &[], value);
}

fn process(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    writer.family("bellwether_build_info", MetricKind::Gauge, "The running version; always 1.");
    writer.sample("bellwether_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    let started = seen.started_at.as_secs_f64();
    one(
        writer,
        ("process_start_time_seconds", MetricKind::Gauge, "When this process started, Unix time."),
        started,
    );
    writer.family(
        "bellwether_trouble",
        MetricKind::Gauge,
        "1 while something keeps alerts from reaching people.",
    );
    for trouble in Trouble::ALL {
        let value = f64::from(u8::from(seen.health.has(trouble)));
        writer.sample("bellwether_trouble", &[("kind", trouble.as_str())], value);
    }
}

fn store(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    use MetricKind::{Counter, Gauge};
    let stats = seen.store.stats();
    let counts = seen.writer.counts();
    let durable = counts.samples.load(Ordering::Relaxed) as f64;
    let refused = counts.refused.load(Ordering::Relaxed) as f64;
    one(writer, ("bellwether_store_series", Gauge, "Series in the store."), stats.series_named as f64);
    let help = "Series in use: with samples in memory, or made lately. Limits count these.";
    one(writer, ("bellwether_store_series_in_use", Gauge, help), stats.series_in_use as f64);
    let help = "1 while samples are taken, 0 while the disk is full.";
    let accepting = f64::from(u8::from(seen.store.is_accepting()));
    one(writer, ("bellwether_store_accepting", Gauge, help), accepting);
    let refused_series = "bellwether_series_refused_total";
    writer.family(refused_series, Counter, "Times a new series was refused for a limit.");
    for refused in seen.store.refused_series() {
        let labels = [("job", refused.reached.job.as_str()), ("limit", refused.reached.kind.as_str())];
        writer.sample(refused_series, &labels, refused.refusals as f64);
    }
    one(writer, ("bellwether_store_samples_durable_total", Counter, "Samples made durable."), durable);
    one(
        writer,
        ("bellwether_store_batches_refused_total", Counter, "Batches that could not be stored."),
        refused,
    );
    one(
        writer,
        ("bellwether_store_head_samples", Gauge, "Samples held in memory."),
        stats.head_samples as f64,
    );
    one(writer, ("bellwether_store_log_bytes", Gauge, "Bytes of the log."), stats.log_bytes as f64);
    one(
        writer,
        ("bellwether_store_segment_bytes", Gauge, "Bytes of the segments."),
        stats.segment_bytes as f64,
    );
    one(
        writer,
        ("bellwether_store_segment_samples", Gauge, "Samples in the segments."),
        stats.segment_samples as f64,
    );
    one(writer, ("bellwether_store_segments", Gauge, "Segments."), stats.segments as f64);
    one(writer, ("bellwether_store_fsyncs_total", Counter, "Flushes of the log."), stats.fsyncs as f64);
    let late =
        ("bellwether_store_samples_late_total", Counter, "Samples stored after newer ones of their series.");
    one(writer, late, stats.samples_late as f64);
    let samples_refused = "bellwether_store_samples_refused_total";
    writer.family(samples_refused, Counter, "Samples that were not taken, by reason.");
    for (reason, value) in [
        ("out_of_order", stats.refused_out_of_order),
        ("too_old", stats.refused_too_old),
        ("duplicate", stats.refused_duplicate),
        ("before_retention", stats.refused_before_retention),
        ("unknown_series", stats.refused_unknown_series),
        ("malformed_histogram", stats.refused_malformed),
    ] {
        writer.sample(samples_refused, &[("reason", reason)], value as f64);
    }
}

/// What checking a store came to.
struct CheckSeen {
    store: &'static str,
    quarantined_files: f64,
    quarantined_bytes: f64,
    progress: Progress,
}

fn store_checks(checks: &StoreChecks, writer: &mut ExpositionWriter) {
    use MetricKind::{Counter, Gauge};
    let seen = checks.seen().into_iter().map(|(store, progress)| {
        let missing = store.store.missing();
        CheckSeen {
            store: store.name,
            quarantined_files: missing.len() as f64,
            quarantined_bytes: missing.iter().map(|file| file.bytes).sum::<u64>() as f64,
            progress,
        }
    });
    let seen: Vec<CheckSeen> = seen.collect();
    let mut each = |name: &str, kind, help: &str, value: fn(&CheckSeen) -> f64| {
        writer.family(name, kind, help);
        seen.iter().for_each(|seen| writer.sample(name, &[("store", seen.store)], value(seen)));
    };
    let help = "Damaged files that were put aside; what was in them is missing.";
    each("bellwether_store_quarantined_files", Gauge, help, |seen| seen.quarantined_files);
    let help = "Bytes of these files.";
    each("bellwether_store_quarantined_bytes", Gauge, help, |seen| seen.quarantined_bytes);
    let help = "Bytes of segments read to check them.";
    each("bellwether_store_checked_bytes_total", Counter, help, |seen| seen.progress.bytes as f64);
    let help = "Segments that were checked and are whole.";
    each("bellwether_store_checked_segments_total", Counter, help, |seen| seen.progress.segments as f64);
    let help = "Segments that the disk did not give when they were checked last.";
    each("bellwether_store_unreadable_segments", Gauge, help, |seen| seen.progress.unreadable.len() as f64);
    let help = "When all segments had been checked the last time, 0 if they were not since the start.";
    each("bellwether_store_check_completed_timestamp_seconds", Gauge, help, |seen| {
        seen.progress.completed_at.map_or(0.0, |at| at.0 as f64 / 1000.0)
    });
}

fn ledger_rows(rows: &LedgerRows, writer: &mut ExpositionWriter) {
    let stats = rows.store().stats();
    let help = "Values of rows of objectives stored since the start.";
    let family = ("bellwether_ledger_rows_samples_total", MetricKind::Counter, help);
    one(writer, family, stats.samples_appended as f64);
    let family = ("bellwether_ledger_rows_bytes", MetricKind::Gauge, "Bytes of rows of objectives on disk.");
    one(writer, family, (stats.segment_bytes + stats.log_bytes) as f64);
}

fn queries(counts: &QueryCounts, writer: &mut ExpositionWriter) {
    use MetricKind::{Counter, Gauge};
    let outcomes = "bellwether_queries_total";
    writer.family(outcomes, Counter, "Queries by what became of them.");
    for (outcome, count) in [
        ("answered", counts.answered),
        ("failed", counts.failed),
        ("timed_out", counts.timed_out),
        ("abandoned", counts.abandoned),
    ] {
        writer.sample(outcomes, &[("outcome", outcome)], count as f64);
    }
    one(writer, ("bellwether_queries_running", Gauge, "Queries evaluated now."), counts.running as f64);
    let help = "Queries that wait for their turn.";
    one(writer, ("bellwether_queries_waiting", Gauge, help), counts.waiting as f64);
    let help = "Time spent evaluating queries that were answered.";
    one(writer, ("bellwether_query_evaluation_seconds_total", Counter, help), counts.evaluation_seconds);
    let help = "Time queries spent waiting for their turn.";
    one(writer, ("bellwether_query_waiting_seconds_total", Counter, help), counts.waiting_seconds);
}

fn targets(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    writer.family("bellwether_targets", MetricKind::Gauge, "Targets by health.");
    let views = seen.pool.views();
    for (name, health) in
        [("up", TargetHealth::Up), ("down", TargetHealth::Down), ("unknown", TargetHealth::Unknown)]
    {
        let count = views.iter().filter(|view| view.health == health).count();
        writer.sample("bellwether_targets", &[("health", name)], count as f64);
    }
    seen.pool.counts().render(writer);
    discovery::metrics::render(&seen.discoverer.views(), writer);
}

fn rules(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    use MetricKind::{Counter, Gauge};
    let pipeline = seen.pipeline.read().unwrap_or_else(PoisonError::into_inner);
    let mut of_each = |name: &str, kind, help: &str, value: &dyn Fn(&GroupGlance<'_>) -> f64| {
        writer.family(name, kind, help);
        for glance in pipeline.rules.schedule() {
            let labels = [("file", glance.group.file.as_str()), ("group", glance.group.name.as_str())];
            writer.sample(name, &labels, value(&glance));
        }
    };
    let evaluations = "Evaluations of a rule group.";
    of_each("bellwether_rule_evaluations_total", Counter, evaluations, &|group| group.evaluations as f64);
    let missed = "Evaluations of a rule group that were due but did not happen.";
    of_each("bellwether_rule_evaluations_missed_total", Counter, missed, &|group| group.missed as f64);
    let duration = "How long a rule group's last evaluation took.";
    of_each("bellwether_rule_evaluation_seconds", Gauge, duration, &|group| group.duration.as_secs_f64());
    writer.family("bellwether_rules", Gauge, "Rules by how their last evaluation went.");
    for (name, health) in [("ok", Health::Ok), ("err", Health::Err), ("unknown", Health::Unknown)] {
        let count = pipeline.rules.glance().filter(|rule| rule.health == health).count();
        writer.sample("bellwether_rules", &[("health", name)], count as f64);
    }
}

fn objectives(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let counts = seen.pipeline.read().unwrap_or_else(PoisonError::into_inner).slo.ask_counts();
    writer.family(
        "bellwether_slo_questions_total",
        MetricKind::Counter,
        "Questions that objectives asked of their queries, by what became of them.",
    );
    for (outcome, count) in [("answered", counts.answered), ("failed", counts.failed)] {
        writer.sample("bellwether_slo_questions_total", &[("outcome", outcome)], count as f64);
    }
    let help = "Slices of time that queries of objectives could not judge; they stay unmeasured.";
    let family = ("bellwether_slo_slices_given_up_total", MetricKind::Counter, help);
    one(writer, family, counts.given_up as f64);
}

fn alerting(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let (firing, expiring, receivers) = {
        let pipeline = seen.pipeline.read().unwrap_or_else(PoisonError::into_inner);
        let (core, now) = (&pipeline.alerts, clock::now());
        let expiring = crate::listing::expiring_silences_count(core, now);
        (core.firing_count(now), expiring, core.receiver_health())
    };
    one(writer, ("bellwether_alerts_firing", MetricKind::Gauge, "Alerts that fire."), firing as f64);
    let meaning = "Silences that end soon and still hide something that fires.";
    one(writer, ("bellwether_silences_expiring", MetricKind::Gauge, meaning), expiring as f64);
    let mut of_each = |name, help, value: &dyn Fn(&ReceiverHealth) -> f64| {
        writer.family(name, MetricKind::Gauge, help);
        for health in &receivers {
            writer.sample(name, &[("integration", &health.integration.to_string())], value(health));
        }
    };
    let help = "1 while a receiver does not take its messages, or not for everyone.";
    of_each("bellwether_receiver_failing", help, &|health| {
        f64::from(u8::from(deliveries::failing(health).is_some()))
    });
    let help = "Messages that wait for another attempt.";
    of_each("bellwether_deliveries_waiting", help, &|health| health.waiting_deliveries as f64);
}

fn alerts(seen: &Seen<'_>, writer: &mut ExpositionWriter) {
    let counted = seen.counts.counted();
    let pipeline = seen.pipeline.read().unwrap_or_else(PoisonError::into_inner);
    let of_alerts = alert_metrics::Seen {
        core: &pipeline.alerts,
        counted: &counted,
        deadlines: seen.deadlines,
        is_config_good: !seen.health.has(Trouble::Reload),
        config_loaded_at: seen.config_loaded_at,
        now: clock::now(),
    };
    alert_metrics::render(&of_alerts, writer);
}
