//! Requests that a generator made, and what Prometheus' own translator made of them under changing settings: 40 requests
//! in both encodings, with all kinds of metrics, odd names and units, colliding attributes, and exemplars.

use std::collections::BTreeMap;

use bellwether_ingest::otlp::{
    OtlpSettings, Promoted, TranslationStrategy, decode_json, decode_protobuf, translate,
};
use bellwether_model::{Exemplar, Histogram, TimeDelta, is_stale};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    settings: CaseSettings,
    request: Box<serde_json::value::RawValue>,
    protobuf: String,
    expected: Vec<Expected>,
}

#[derive(Deserialize)]
struct CaseSettings {
    strategy: String,
    keep_identifying: bool,
    nhcb: bool,
    scope: bool,
    promote_all: bool,
    underscore: bool,
    multiple: bool,
    #[serde(default)]
    attributes: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Expected {
    labels: BTreeMap<String, String>,
    at: i64,
    #[serde(default)]
    value: String,
    #[serde(default)]
    histogram: String,
    #[serde(default)]
    exemplars: Vec<String>,
}

impl CaseSettings {
    fn settings(&self) -> OtlpSettings {
        let attributes = self.attributes.iter().cloned().collect();
        let strategy = TranslationStrategy::ALL.into_iter().find(|s| s.as_str() == self.strategy);
        OtlpSettings {
            strategy: strategy.unwrap(),
            promoted: if self.promote_all {
                Promoted::AllBut(attributes)
            } else {
                Promoted::Only(attributes)
            },
            keeps_identifying_attributes: self.keep_identifying,
            converts_histograms_to_nhcb: self.nhcb,
            promotes_scope: self.scope,
            sanitizes_leading_underscore: self.underscore,
            preserves_multiple_underscores: self.multiple,
        }
    }
}

fn bits(value: f64) -> String {
    if is_stale(value) { "stale".to_owned() } else { format!("{:016x}", value.to_bits()) }
}

fn histogram_text(histogram: &Histogram) -> String {
    if histogram.is_stale() {
        return "stale".to_owned();
    }
    let bounds: Vec<String> = histogram.custom_bounds.iter().map(|bound| go_number(*bound)).collect();
    let mut text = format!(
        "schema {} count {} sum {} zero {} {} bounds [{}]",
        histogram.schema.number(),
        histogram.count,
        bits(histogram.sum),
        histogram.zero_count,
        go_number(histogram.zero_threshold),
        bounds.join(" "),
    );
    for (sign, buckets) in [('+', &histogram.positive), ('-', &histogram.negative)] {
        for bucket in buckets {
            text += &format!(" {sign}{}:{}", bucket.index, bucket.count);
        }
    }
    text
}

fn go_number(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e21).contains(&value.abs()) {
        let text = format!("{value:e}");
        let (digits, power) = text.split_once('e').unwrap();
        let power: i32 = power.parse().unwrap();
        return format!("{digits}e{}{:02}", if power < 0 { '-' } else { '+' }, power.abs());
    }
    if value.abs() >= 1e6 { go_number_large(value) } else { value.to_string() }
}

/// `%g` with the fewest digits has an exponent from 21 digits on in lists, and so has this test.
fn go_number_large(value: f64) -> String {
    let text = format!("{value:e}");
    let (digits, power) = text.split_once('e').unwrap();
    format!("{digits}e+{:0>2}", power)
}

fn exemplar_text(exemplar: &Exemplar) -> String {
    let labels: Vec<String> = exemplar.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} {} {}", labels.join(","), bits(exemplar.value), exemplar.at.map_or(0, |at| at.0))
}

#[test]
fn requests_become_the_same_series_as_in_prometheus() {
    let cases: Vec<Case> =
        include_str!("translations.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut differences = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let from_json = decode_json(case.request.get().as_bytes()).unwrap();
        let protobuf = base64_of(&case.protobuf);
        assert_eq!(decode_protobuf(&protobuf).unwrap(), from_json, "request {number} in both encodings");
        let translated = translate(&from_json, &case.settings.settings(), TimeDelta::from_secs(300));
        assert_eq!(translated.rejected.message(), "", "request {number}");
        let mut got = Vec::new();
        for series in translated.series.iter().map(|series| &series.pushed) {
            let labels: BTreeMap<String, String> =
                series.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let exemplars: Vec<String> = series.exemplars.iter().map(exemplar_text).collect();
            let entry = |at, value, histogram| Expected {
                labels: labels.clone(),
                at,
                value,
                histogram,
                exemplars: exemplars.clone(),
            };
            for sample in &series.samples {
                got.push(entry(sample.sample.at.0, bits(sample.sample.value), String::new()));
            }
            for sample in &series.histograms {
                got.push(entry(sample.sample.at.0, String::new(), histogram_text(&sample.sample.histogram)));
            }
        }
        let mut expected: Vec<&Expected> = case.expected.iter().collect();
        got.sort();
        expected.sort();
        for missing in expected.iter().filter(|entry| !got.contains(entry)) {
            differences.push(format!("request {number} lacks {missing:?}"));
        }
        for more in got.iter().filter(|entry| !expected.contains(entry)) {
            differences.push(format!("request {number} has besides {more:?}"));
        }
        assert_eq!(got.len(), expected.len(), "samples of request {number}: {differences:#?}");
    }
    assert!(differences.is_empty(), "{differences:#?}");
    bellwether_testkit::cases::ran("otlp/translations", cases.len() as u64);
}

fn base64_of(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: Vec<u32> =
        text.trim_end_matches('=').chars().map(|c| alphabet.find(c).unwrap() as u32).collect();
    let bytes = digits.chunks(4).flat_map(|chunk| {
        let all = chunk.iter().fold(0, |all, digit| all << 6 | digit) << (6 * (4 - chunk.len()));
        all.to_be_bytes()[1..chunk.len()].to_vec()
    });
    bytes.collect()
}
