//! Spells the bounds of classic histograms and the quantiles of summaries in one way, as Prometheus 3 stores them:
//! `le="5"` and `le="5.0"` are one bucket, whichever of them an exporter writes after which upgrade.

use bellwether_model::{Labels, LabelsBuilder};

use crate::MetricKind;

/// Labels with their bound respelled, if a metric of this kind has one; a bound that is no number stays as it is.
pub fn with_bound_spelled(labels: Labels, kind: MetricKind) -> Labels {
    let name = match kind {
        MetricKind::Histogram => "le",
        MetricKind::Summary => "quantile",
        MetricKind::Counter
        | MetricKind::Gauge
        | MetricKind::GaugeHistogram
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Untyped => return labels,
    };
    let Some(written) = labels.get(name) else { return labels };
    match spelled(written) {
        Some(spelled) if spelled != written => {
            let mut changed = LabelsBuilder::default();
            for (name, value) in labels.iter() {
                changed.set(name, value);
            }
            changed.set(name, spelled);
            changed.build()
        }
        _ => labels,
    }
}

/// A number as OpenMetrics writes bounds: always with a point or an exponent, the latter from a million on.
fn spelled(written: &str) -> Option<String> {
    written.parse().ok().map(spelled_number)
}

/// A bound as OpenMetrics writes it.
pub(crate) fn spelled_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..EXPONENT_FROM).contains(&exponent) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Numbers from 10 to this power on are written with an exponent.
const EXPONENT_FROM: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_spelled_as_openmetrics_spells_them() {
        for (written, expected) in [
            ("5000", Some("5000.0")),
            ("0.050", Some("0.05")),
            ("1", Some("1.0")),
            ("+1", Some("1.0")),
            ("0", Some("0.0")),
            ("-0", Some("-0.0")),
            ("-2.5", Some("-2.5")),
            ("0.0001", Some("0.0001")),
            ("1e-5", Some("1e-05")),
            ("1000000", Some("1e+06")),
            ("999999", Some("999999.0")),
            ("1234567.5", Some("1.2345675e+06")),
            ("1.5E9", Some("1.5e+09")),
            ("+Inf", Some("+Inf")),
            ("inf", Some("+Inf")),
            ("nan", Some("NaN")),
            ("five", None),
            ("", None),
        ] {
            assert_eq!(spelled(written).as_deref(), expected, "{written:?}");
        }
    }
}
