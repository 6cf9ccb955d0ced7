//! What becomes of a series that is seen for the first time: rules of the job change its labels or drop it, and limits
//! of the job are held against what is left. In the words of Prometheus.

use bellwether_ingest::relabel::{NameScheme, Relabelling};
use bellwether_model::Labels;

use crate::config::prometheus::ScrapeJob;

/// Rules and limits for the series of a target.
#[derive(Clone, Debug, Default)]
pub struct SeriesRules {
    relabel: Relabelling,
    names: NameScheme,
    labels_max: u64,
    name_bytes_max: u64,
    value_bytes_max: u64,
}

/// Why a scrape with this series fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breach {
    /// It has no name, or one that must not be.
    Name(String),
    /// It breaks a limit on labels.
    Limit(String),
}

/// Characters of a name or value that are shown.
const SHOWN_CHARS: usize = 50;

impl SeriesRules {
    /// Those of a job.
    pub fn of(job: &ScrapeJob) -> Self {
        Self {
            relabel: job.metric_relabel.clone(),
            names: job.names,
            labels_max: job.limits.labels,
            name_bytes_max: job.limits.label_name_bytes,
            value_bytes_max: job.limits.label_value_bytes,
        }
    }

    /// The labels under which a series is stored; `None` if a rule drops it.
    pub fn settle(&self, labels: Labels) -> Result<Option<Labels>, Breach> {
        let Some(labels) = self.relabel.of(labels) else { return Ok(None) };
        let Some(name) = labels.metric_name() else {
            return Err(Breach::Name("missing metric name (__name__ label)".to_owned()));
        };
        let is_good = self.names == NameScheme::Utf8
            || (self.names.is_metric_name(name)
                && labels.iter().all(|(name, _)| self.names.is_label_name(name)));
        if !is_good {
            return Err(Breach::Name(format!("invalid metric name or label names: {labels}")));
        }
        self.check_limits(name, &labels).map_err(Breach::Limit)?;
        Ok(Some(labels))
    }

    fn check_limits(&self, metric: &str, labels: &Labels) -> Result<(), String> {
        let (metric, count) = (cut(metric), labels.len() as u64);
        if self.labels_max > 0 && count > self.labels_max {
            return Err(format!(
                "label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {})",
                self.labels_max
            ));
        }
        if self.name_bytes_max == 0 && self.value_bytes_max == 0 {
            return Ok(());
        }
        for (name, value) in labels.iter() {
            let (length, limit) = (name.len() as u64, self.name_bytes_max);
            if limit > 0 && length > limit {
                return Err(format!(
                    "label_name_length_limit exceeded (metric: {metric}, label name: {}, length: {length}, limit: {limit})",
                    cut(name)
                ));
            }
            let (length, limit) = (value.len() as u64, self.value_bytes_max);
            if limit > 0 && length > limit {
                return Err(format!(
                    "label_value_length_limit exceeded (metric: {metric}, label name: {}, value: {:?}, length: {length}, limit: {limit})",
                    cut(name),
                    cut(value)
                ));
            }
        }
        Ok(())
    }
}

fn cut(text: &str) -> &str {
    text.char_indices().nth(SHOWN_CHARS).map_or(text, |(end, _)| &text[..end])
}
