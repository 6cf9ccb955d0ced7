//! How often a limit was broken, and how often targets could not be made of what was found. The names of the metrics
//! are Prometheus'.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bellwether_ingest::{ExpositionWriter, MetricKind};

/// Counts of all jobs.
#[derive(Debug, Default)]
pub struct ScrapeCounts {
    body_size_limit: AtomicU64,
    sample_limit: AtomicU64,
    label_limits: AtomicU64,
    bucket_limit: AtomicU64,
    target_limit: AtomicU64,
    out_of_bounds: AtomicU64,
    sync_failed: Mutex<BTreeMap<String, u64>>,
}

impl ScrapeCounts {
    /// A body was too large.
    pub fn exceeded_body_size_limit(&self) {
        self.body_size_limit.fetch_add(1, Ordering::Relaxed);
    }

    /// A scrape had too many samples.
    pub fn exceeded_sample_limit(&self) {
        self.sample_limit.fetch_add(1, Ordering::Relaxed);
    }

    /// A series had too many labels, or one that is too long.
    pub fn exceeded_label_limits(&self) {
        self.label_limits.fetch_add(1, Ordering::Relaxed);
    }

    /// A native histogram had too many buckets, and none fewer.
    pub fn exceeded_bucket_limit(&self) {
        self.bucket_limit.fetch_add(1, Ordering::Relaxed);
    }

    /// A job had too many targets.
    pub fn exceeded_target_limit(&self) {
        self.target_limit.fetch_add(1, Ordering::Relaxed);
    }

    /// So many samples were left out for a time of their own that is too far from now.
    pub fn out_of_bounds(&self, samples: u64) {
        self.out_of_bounds.fetch_add(samples, Ordering::Relaxed);
    }

    /// Targets were made of what was found, but for some.
    pub fn synced(&self, job: &str, failed: u64) {
        let mut all = self.sync_failed.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(job.to_owned()).or_default() += failed;
    }

    /// As metrics.
    pub fn render(&self, writer: &mut ExpositionWriter) {
        let mut one = |name: &str, help: &str, count: &AtomicU64| {
            writer.family(name, MetricKind::Counter, help);
            writer.sample(name, &[], count.load(Ordering::Relaxed) as f64);
        };
        one(
            "prometheus_target_scrapes_exceeded_body_size_limit_total",
            "Scrapes whose body was larger than body_size_limit.",
            &self.body_size_limit,
        );
        one(
            "prometheus_target_scrapes_exceeded_sample_limit_total",
            "Scrapes with more samples than sample_limit.",
            &self.sample_limit,
        );
        one(
            "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total",
            "Scrapes with a native histogram that cannot have as few buckets as native_histogram_bucket_limit.",
            &self.bucket_limit,
        );
        one(
            "prometheus_target_scrape_pool_exceeded_label_limits_total",
            "Scrapes in which a series broke label_limit, label_name_length_limit or label_value_length_limit.",
            &self.label_limits,
        );
        one(
            "prometheus_target_scrape_pool_exceeded_target_limit_total",
            "How often a job was found to have more targets than target_limit.",
            &self.target_limit,
        );
        one(
            "prometheus_target_scrapes_sample_out_of_bounds_total",
            "Samples left out of scrapes: by their own time older than what is kept, or too far ahead.",
            &self.out_of_bounds,
        );
        let name = "prometheus_target_sync_failed_total";
        writer.family(name, MetricKind::Counter, "Targets that were found and cannot be scraped, by job.");
        for (job, count) in self.sync_failed.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            writer.sample(name, &[("scrape_job", job)], *count as f64);
        }
    }
}
