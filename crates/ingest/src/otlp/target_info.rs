//! `target_info`: a series with the attributes of a resource, whose value is always 1, so that queries can join them to
//! the resource's other series by `job` and `instance`. It is written from the first to the last moment of a request's
//! points, so often that a query that looks back finds it.

use std::collections::BTreeSet;

use bellwether_model::{Labels, Sample, TimeDelta, Timestamp};

use super::OtlpSettings;
use super::labels::{IDENTIFYING, ResourceLabels, named, point_labels};
use super::message::KeyValue;
use super::translate::{Translated, TranslatedSeries};
use crate::{MetricKind, PushedMetadata, PushedSample, PushedSeries};

const NAME: &str = "target_info";
/// How far before the last moment of a request it is written; times far apart are no time in which it was known.
const SPAN_MAX: TimeDelta = TimeDelta::from_secs(24 * 3600);

/// Writes `target_info`, each sample once per request.
pub(super) struct TargetInfo<'s> {
    settings: &'s OtlpSettings,
    step: TimeDelta,
    written: BTreeSet<(Labels, Timestamp)>,
}

impl<'s> TargetInfo<'s> {
    pub(super) fn new(settings: &'s OtlpSettings, lookback: TimeDelta) -> Self {
        let step = TimeDelta((lookback.0 / 2).max(1000));
        Self { settings, step, written: BTreeSet::new() }
    }

    /// What is said of the metric, once it has been written.
    pub(super) fn metadata(&self) -> Option<PushedMetadata> {
        (!self.written.is_empty()).then(|| PushedMetadata {
            name: NAME.to_owned(),
            kind: Some(MetricKind::Gauge),
            help: "Target metadata".to_owned(),
            unit: String::new(),
        })
    }

    /// Writes the samples of a resource, or says why its attributes cannot be labels. A resource that has no name, or
    /// nothing but a name, has none.
    pub(super) fn write(
        &mut self,
        attributes: &[KeyValue<'_>],
        resource: &ResourceLabels,
        (first, last): (Timestamp, Timestamp),
        out: &mut Translated,
    ) -> Option<String> {
        let describes = attributes.iter().any(|a| !IDENTIFYING.contains(&a.key.as_ref()));
        if !describes {
            return None;
        }
        let left_out: &[&str] = if self.settings.keeps_identifying_attributes { &[] } else { &IDENTIFYING };
        let labels = match point_labels(attributes, left_out, &resource.identity(), &[], self.settings) {
            Ok(labels) => labels,
            Err(reason) => return Some(reason),
        };
        if labels.get("job").is_none() && labels.get("instance").is_none() {
            return None;
        }
        let labels = named(&labels, NAME, None);
        let mut at = first.max(Timestamp(last.0.saturating_sub(SPAN_MAX.0)));
        let mut samples = Vec::new();
        loop {
            at = at.min(last);
            if self.written.insert((labels.clone(), at)) {
                samples.push(PushedSample { sample: Sample::new(at, 1.0), since: None });
            }
            if at >= last {
                break;
            }
            at = Timestamp(at.0 + self.step.0);
        }
        if !samples.is_empty() {
            let pushed = PushedSeries { labels, samples, ..PushedSeries::default() };
            out.series.push(TranslatedSeries { pushed, point: None, delta: None });
        }
        None
    }
}
