//! What was received, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use bellwether_ingest::{ExpositionWriter, MetricKind};
use bellwether_model::Timestamp;
use bellwether_web::view::{PushedView, RequestRefusal};

use super::refusal::PushRefusal;
use super::{PushFormat, Received};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct ReceiveCounts {
    formats: [FormatCounts; 3],
    refused: [AtomicU64; PushRefusal::ALL.len()],
    /// Of remote write; OTLP counts its own.
    requests_refused: [AtomicU64; RequestRefusal::ALL.len()],
}

#[derive(Debug, Default)]
struct FormatCounts {
    pushes: AtomicU64,
    failed: AtomicU64,
    samples: AtomicU64,
    histograms: AtomicU64,
    exemplars: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    heard: Mutex<Heard>,
}

/// When something came, for the page of targets.
#[derive(Debug, Default)]
struct Heard {
    at: Timestamp,
    refusal: Option<(Timestamp, String)>,
}

impl PushFormat {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RemoteWrite1, Self::RemoteWrite2, Self::Otlp];

    /// As people call it.
    const fn title(self) -> &'static str {
        match self {
            Self::RemoteWrite1 => "Remote write 1.0",
            Self::RemoteWrite2 => "Remote write 2.0",
            Self::Otlp => "OpenTelemetry",
        }
    }

    /// As the metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RemoteWrite1 => "remote_write_1",
            Self::RemoteWrite2 => "remote_write_2",
            Self::Otlp => "otlp",
        }
    }
}

impl ReceiveCounts {
    /// A push was answered.
    pub fn add(&self, format: PushFormat, received: &Received, now: Timestamp) {
        let counts = &self.formats[format as usize];
        counts.pushes.fetch_add(1, Ordering::Relaxed);
        counts.samples.fetch_add(received.samples, Ordering::Relaxed);
        counts.histograms.fetch_add(received.histograms, Ordering::Relaxed);
        counts.exemplars.fetch_add(received.exemplars, Ordering::Relaxed);
        let duplicates = received.duplicate_samples + received.duplicate_histograms;
        counts.duplicates.fetch_add(duplicates, Ordering::Relaxed);
        for (reason, refused) in received.refused.iter() {
            self.refused[reason as usize].fetch_add(refused.count, Ordering::Relaxed);
        }
        counts.heard.lock().unwrap_or_else(PoisonError::into_inner).at = now;
        match format {
            PushFormat::RemoteWrite1 | PushFormat::RemoteWrite2 if !received.refused.is_empty() => {
                self.not_taken(format, received.refused.count(), &received.refused.text(), now);
            }
            // Of OTLP points are counted, with those that never became samples.
            PushFormat::RemoteWrite1 | PushFormat::RemoteWrite2 | PushFormat::Otlp => {}
        }
    }

    /// Something of a push was not taken, for a reason that its sender was told.
    pub fn not_taken(&self, format: PushFormat, count: u64, why: &str, now: Timestamp) {
        let counts = &self.formats[format as usize];
        counts.refused.fetch_add(count, Ordering::Relaxed);
        let mut heard = counts.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.refusal = Some((now, why.trim_end().to_owned()));
    }

    /// What came in each format that was used.
    pub fn views(&self) -> Vec<PushedView> {
        let came = |format: &PushFormat| {
            let counts = &self.formats[*format as usize];
            let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let heard = counts.heard.lock().unwrap_or_else(PoisonError::into_inner);
            (of(&counts.pushes) > 0).then(|| PushedView {
                format: format.title(),
                requests: of(&counts.pushes),
                samples: of(&counts.samples) + of(&counts.histograms),
                refused: of(&counts.refused),
                last_at: heard.at,
                last_refusal: heard.refusal.clone(),
            })
        };
        PushFormat::ALL.iter().filter_map(came).collect()
    }

    /// A push could not be stored.
    pub fn failed(&self, format: PushFormat) {
        self.formats[format as usize].failed.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing of a request of remote write was taken.
    pub fn request_refused(&self, why: RequestRefusal) {
        self.requests_refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Writes them down.
    pub fn render(&self, writer: &mut ExpositionWriter) {
        let mut by_format = |name: &str, help: &str, of: fn(&FormatCounts) -> &AtomicU64| {
            writer.family(name, MetricKind::Counter, help);
            for format in PushFormat::ALL {
                let value = of(&self.formats[format as usize]).load(Ordering::Relaxed) as f64;
                writer.sample(name, &[("format", format.as_str())], value);
            }
        };
        by_format("bellwether_received_pushes_total", "Pushes that were answered, by format.", |c| &c.pushes);
        by_format(
            "bellwether_received_pushes_failed_total",
            "Pushes that could not be stored and are to be sent again.",
            |c| &c.failed,
        );
        by_format("bellwether_received_samples_total", "Pushed numbers that are stored.", |c| &c.samples);
        by_format("bellwether_received_histograms_total", "Pushed native histograms that are stored.", |c| {
            &c.histograms
        });
        by_format("bellwether_received_exemplars_total", "Pushed exemplars that are stored.", |c| {
            &c.exemplars
        });
        by_format(
            "bellwether_received_samples_deduplicated_total",
            "Pushed samples that another replica of their sender tells.",
            |c| &c.duplicates,
        );
        let name = "bellwether_received_samples_refused_total";
        writer.family(name, MetricKind::Counter, "Pushed samples that were not taken, by reason.");
        for reason in PushRefusal::ALL {
            let value = self.refused[reason as usize].load(Ordering::Relaxed) as f64;
            writer.sample(name, &[("reason", reason.as_str())], value);
        }
        let name = "bellwether_remote_write_requests_refused_total";
        let help = "Remote write requests of which nothing was taken, by reason.";
        writer.family(name, MetricKind::Counter, help);
        for why in RequestRefusal::ALL {
            let value = self.requests_refused[why as usize].load(Ordering::Relaxed) as f64;
            writer.sample(name, &[("reason", why.as_str())], value);
        }
    }
}
