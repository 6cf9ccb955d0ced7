//! What a target says of its metrics: type, help and unit, as its last good body said it.

use std::collections::BTreeMap;

use bellwether_ingest::{Entry, MetricKind, PushedMetadata, help_text};
use bellwether_web::view::MetricMetadata;

/// Metrics of one target that are remembered.
const METRICS_MAX: usize = 20_000;
/// Bytes of a text that are kept.
const TEXT_BYTES_MAX: usize = 4096;

/// What is said of one metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    kind: Option<MetricKind>,
    help: String,
    unit: String,
}

/// What a target says of its metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, Said>);

impl Metadata {
    /// Takes in what an entry of a body says, if it says anything.
    pub fn hear(&mut self, entry: &Entry<'_>) {
        match entry {
            Entry::Sample(_) | Entry::Histogram(_) => {}
            Entry::Help { name, text } => {
                if let Some(said) = self.of(name) {
                    said.help = cut(help_text(text));
                }
            }
            Entry::Type { name, kind } => {
                if let Some(said) = self.of(name) {
                    said.kind = Some(*kind);
                }
            }
            Entry::Unit { name, unit } => {
                if let Some(said) = self.of(name) {
                    said.unit = cut((*unit).to_owned());
                }
            }
        }
    }

    /// Takes in what a push says; what it leaves out stays as it was said before.
    pub fn hear_pushed(&mut self, pushed: PushedMetadata) {
        let Some(said) = self.of(&pushed.name) else { return };
        said.kind = pushed.kind.or(said.kind);
        if !pushed.help.is_empty() {
            said.help = cut(pushed.help);
        }
        if !pushed.unit.is_empty() {
            said.unit = cut(pushed.unit);
        }
    }

    fn of(&mut self, name: &str) -> Option<&mut Said> {
        if !self.0.contains_key(name) {
            if self.0.len() >= METRICS_MAX || name.len() > TEXT_BYTES_MAX {
                return None;
            }
            self.0.insert(name.to_owned(), Said::default());
        }
        self.0.get_mut(name)
    }

    /// Whether a metric is said to be a gauge.
    pub fn is_gauge(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|said| said.kind == Some(MetricKind::Gauge))
    }

    /// By name, in Prometheus' words.
    pub fn views(&self) -> Vec<MetricMetadata> {
        let view = |(name, said): (&String, &Said)| MetricMetadata {
            name: name.clone(),
            kind: said.kind.unwrap_or(MetricKind::Untyped).openmetrics_str().to_owned(),
            help: said.help.clone(),
            unit: said.unit.clone(),
        };
        self.0.iter().map(view).collect()
    }
}

/// A text that is not longer than what is kept.
fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
mod tests {
    use bellwether_ingest::{Limits, scan};

    use super::*;

    #[test]
    fn a_body_says_what_its_metrics_are() {
        let body = "# HELP a_seconds Time\\nspent.\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n\
                    # TYPE b untyped\nb 1\n# HELP \"c.d\" Dotted.\n{\"c.d\"} 1\n";
        let mut metadata = Metadata::default();
        scan(body.as_bytes(), &Limits::default(), &mut |entry| metadata.hear(&entry)).unwrap();
        let views: Vec<_> = metadata
            .views()
            .into_iter()
            .map(|m| format!("{} {} {:?} {}", m.name, m.kind, m.help, m.unit))
            .collect();
        let expected =
            ["a_seconds gauge \"Time\\nspent.\" seconds", "b unknown \"\" ", "c.d unknown \"Dotted.\" "];
        assert_eq!(views, expected);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut metadata = Metadata::default();
        for n in 0..METRICS_MAX + 10 {
            metadata.hear(&Entry::Type { name: &format!("m{n}"), kind: MetricKind::Gauge });
        }
        metadata.hear(&Entry::Help { name: "m1", text: &"é".repeat(TEXT_BYTES_MAX) });
        assert_eq!(metadata.0.len(), METRICS_MAX);
        assert!(metadata.0["m1"].help.len() <= TEXT_BYTES_MAX);
    }
}
