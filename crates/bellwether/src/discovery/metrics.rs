//! How discoveries do, as metrics.

use bellwether_ingest::{ExpositionWriter, MetricKind};

use super::core::DiscoveryView;

/// One sample for each kind of discovery in a job.
pub fn render(views: &[DiscoveryView], writer: &mut ExpositionWriter) {
    let mut family = |name: &str, kind, help: &str, value: &dyn Fn(&DiscoveryView) -> u64| {
        writer.family(name, kind, help);
        for of_one in views.chunk_by(|a, b| (&a.job, a.kind) == (&b.job, b.kind)) {
            let labels = [("job", of_one[0].job.as_str()), ("kind", of_one[0].kind)];
            writer.sample(name, &labels, of_one.iter().map(value).sum::<u64>() as f64);
        }
    };
    let help = "Targets that a discovery names, before relabelling.";
    family("bellwether_discovery_targets", MetricKind::Gauge, help, &|view| view.targets);
    let help = "How often a discovery was asked.";
    family("bellwether_discovery_asked_total", MetricKind::Counter, help, &|view| view.counts.asked);
    let help = "How often a discovery was asked without a whole answer.";
    family("bellwether_discovery_failures_total", MetricKind::Counter, help, &|view| view.counts.failed);
    let help = "Files, addresses and names whose last answer could not be used.";
    family("bellwether_discovery_troubled", MetricKind::Gauge, help, &|view| view.trouble.len() as u64);
}
