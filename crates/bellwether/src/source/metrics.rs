//! How reading the source does, as metrics of our own.

use bellwether_ingest::{ExpositionWriter, MetricKind};

use super::poll::SourceView;

/// Writes them; nothing when there is no source.
pub fn render(view: Option<&SourceView>, writer: &mut ExpositionWriter) {
    use MetricKind::{Counter, Gauge};
    let Some(view) = view else { return };
    let mut one = |name: &str, kind, help: &str, value: f64| {
        writer.family(name, kind, help);
        writer.sample(name, &[], value);
    };
    let up = f64::from(u8::from(view.trouble.is_none() && view.read_until.is_some()));
    one("bellwether_source_up", Gauge, "1 while the source can be read.", up);
    if let Some(until) = view.read_until {
        let help = "The source has been read up to this moment, Unix time.";
        one("bellwether_source_read_until_seconds", Gauge, help, until.as_secs_f64());
    }
    one("bellwether_source_targets", Gauge, "Targets of the source that are not gone.", view.targets as f64);
    one("bellwether_source_series", Gauge, "Series of the source that are counted.", view.series as f64);
    let help = "Requests for samples that one slot takes, without those for `up`.";
    one("bellwether_source_requests_per_slot", Gauge, help, view.requests_per_slot as f64);
    let help = "Samples of the source that were new.";
    one("bellwether_source_samples_total", Counter, help, view.samples as f64);
    one("bellwether_source_reads_total", Counter, "Stretches of time read.", view.stretches as f64);
    let help = "Stretches of time that could not be read.";
    one("bellwether_source_failures_total", Counter, help, view.failures as f64);
}
