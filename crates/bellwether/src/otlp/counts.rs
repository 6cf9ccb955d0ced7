//! What became of requests by OpenTelemetry's protocol, for the metrics. Stored samples are counted with everything that
//! is pushed.

use std::sync::atomic::{AtomicU64, Ordering};

use bellwether_ingest::{ExpositionWriter, MetricKind};
use bellwether_web::OtlpOutcome;
use bellwether_web::view::RequestRefusal;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct OtlpCounts {
    refused: [AtomicU64; RequestRefusal::ALL.len()],
    busy: AtomicU64,
    rejected_points: AtomicU64,
    known_points: AtomicU64,
}

impl OtlpCounts {
    /// A request came to an end.
    pub fn add(&self, outcome: &OtlpOutcome) {
        match outcome {
            OtlpOutcome::Taken(rejected) => {
                self.rejected_points.fetch_add(rejected.points(), Ordering::Relaxed);
            }
            OtlpOutcome::Malformed(_) => self.refused(RequestRefusal::Malformed),
            OtlpOutcome::TooLarge(_) => self.refused(RequestRefusal::TooLarge),
            OtlpOutcome::Busy => {
                self.busy.fetch_add(1, Ordering::Relaxed);
            }
            OtlpOutcome::Unavailable(_) => {} // counted with everything that is pushed
        }
    }

    /// A request was not read.
    pub fn refused(&self, why: RequestRefusal) {
        self.refused[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Changes were sent again that had been counted.
    pub fn known(&self, points: u64) {
        self.known_points.fetch_add(points, Ordering::Relaxed);
    }

    /// Writes them down.
    pub fn render(&self, writer: &mut ExpositionWriter) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        let name = "bellwether_otlp_requests_refused_total";
        writer.family(name, MetricKind::Counter, "OTLP requests of which nothing was taken, by reason.");
        for why in RequestRefusal::ALL {
            writer.sample(name, &[("reason", why.as_str())], of(&self.refused[why as usize]));
        }
        writer.sample(name, &[("reason", "busy")], of(&self.busy));
        let mut one = |name, help, count| {
            writer.family(name, MetricKind::Counter, help);
            writer.sample(name, &[], of(count));
        };
        let help = "Data points of OTLP requests that were not taken; the sender was told why.";
        one("bellwether_otlp_points_rejected_total", help, &self.rejected_points);
        let help = "Delta points that were sent again after they had been counted.";
        one("bellwether_otlp_delta_points_known_total", help, &self.known_points);
    }
}
