//! Points that are numbers, and summaries: each number becomes a sample of a series.

use bellwether_model::{Exemplar, Labels, LabelsBuilder, STALE_NAN, Sample};

use super::OtlpSettings;
use super::attribute_value::label_value;
use super::labels::{ResourceLabels, named, point_labels};
use super::message::{ExemplarPoint, KeyValue, NumberPoint, SummaryPoint};
use super::translate::{moment, one_sample, since};
use crate::{PushedSample, PushedSeries};

/// The bit of a point's flags that says that there is no value: the series is gone.
const NO_RECORDED_VALUE: u64 = 1;
/// Most characters of an exemplar's labels, names included, by the rules of OpenMetrics.
const EXEMPLAR_CHARS_MAX: usize = 128;

/// Where a point belongs.
pub(super) struct Place<'a> {
    /// The metric's name as it is stored.
    pub(super) name: &'a str,
    /// Who has it.
    pub(super) resource: &'a ResourceLabels,
    /// Labels of the library.
    pub(super) scope: &'a [(String, String)],
    /// How names are made.
    pub(super) settings: &'a OtlpSettings,
}

impl Place<'_> {
    /// The point's labels without a name.
    pub(super) fn labels(&self, attributes: &[KeyValue<'_>]) -> Result<LabelsBuilder, String> {
        point_labels(attributes, &[], self.resource, self.scope, self.settings)
    }
}

/// Whether a point says that there is no value.
pub(super) const fn is_gone(flags: u64) -> bool {
    flags & NO_RECORDED_VALUE != 0
}

/// A point that is a number. `is_monotonic` is absent for what is no sum.
pub(super) fn number(
    point: &NumberPoint<'_>,
    place: &Place<'_>,
    is_monotonic: Option<bool>,
) -> Result<Vec<PushedSeries>, String> {
    let labels = named(&place.labels(&point.attributes)?, place.name, None);
    let value = match (point.as_double, point.as_int) {
        _ if is_gone(point.flags) => STALE_NAN,
        (Some(value), _) => value,
        (None, Some(value)) => value as f64,
        (None, None) => return Err("a point has no value".to_owned()),
    };
    let sample = Sample::new(moment(point.time_unix_nano), value);
    // Only what grows has a start that means anything to whoever counts.
    let since = since(point).filter(|_| is_monotonic == Some(true));
    let exemplars = if is_monotonic.is_some() { exemplars(&point.exemplars) } else { Vec::new() };
    Ok(vec![PushedSeries { exemplars, ..one_sample(labels, PushedSample { sample, since }) }])
}

/// A summary: sum, count, and one series per quantile.
pub(super) fn summary(point: &SummaryPoint<'_>, place: &Place<'_>) -> Result<Vec<PushedSeries>, String> {
    let base = place.labels(&point.attributes)?;
    let at = moment(point.time_unix_nano);
    let sample = |value: f64| Sample::new(at, if is_gone(point.flags) { STALE_NAN } else { value });
    let counted = since(point);
    let part =
        |labels: Labels, value: f64, since| one_sample(labels, PushedSample { sample: sample(value), since });
    let sum = named(&base, &format!("{}_sum", place.name), None);
    let count = named(&base, &format!("{}_count", place.name), None);
    let mut series =
        vec![part(sum, point.sum.unwrap_or(0.0), counted), part(count, point.count as f64, counted)];
    for quantile in &point.quantile_values {
        let which = quantile.quantile.unwrap_or(0.0).to_string();
        let labels = named(&base, place.name, Some(("quantile", &which)));
        series.push(part(labels, quantile.value.unwrap_or(0.0), None));
    }
    Ok(series)
}

/// Exemplars with their ids; attributes of theirs only where all of it stays short enough.
pub(super) fn exemplars(points: &[ExemplarPoint<'_>]) -> Vec<Exemplar> {
    points.iter().filter_map(exemplar).collect()
}

fn exemplar(point: &ExemplarPoint<'_>) -> Option<Exemplar> {
    let value = point.as_double.or(point.as_int.map(|value| value as f64))?;
    let mut labels = Vec::new();
    for (name, id) in [("trace_id", &point.trace_id), ("span_id", &point.span_id)] {
        if id.iter().any(|byte| *byte != 0) {
            labels.push((name.to_owned(), id.iter().map(|byte| format!("{byte:02x}")).collect::<String>()));
        }
    }
    let filtered = point.filtered_attributes.iter();
    let filtered: Vec<(String, String)> =
        filtered.map(|a| (a.key.clone().into_owned(), label_value(&a.value).into_owned())).collect();
    let chars =
        labels.iter().chain(&filtered).map(|(name, value)| name.chars().count() + value.chars().count());
    if chars.sum::<usize>() <= EXEMPLAR_CHARS_MAX {
        labels.extend(filtered.into_iter().filter(|(name, _)| !name.is_empty()));
    }
    let at = Some(moment(point.time_unix_nano)).filter(|_| point.time_unix_nano != 0);
    Some(Exemplar { labels: Labels::from_pairs(labels), value, at })
}
