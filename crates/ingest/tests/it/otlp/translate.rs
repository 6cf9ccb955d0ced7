use bellwether_ingest::otlp::{OtlpSettings, Translated, decode_json, translate};
use bellwether_model::TimeDelta;
use serde_json::{Value, json};

fn translated(metrics: Value) -> Translated {
    let attributes = json!([
        {"key": "service.name", "value": {"stringValue": "a"}},
        {"key": "host.name", "value": {"stringValue": "h"}},
    ]);
    let request = json!({"resourceMetrics": [
        {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": metrics}]}
    ]});
    let request = decode_json(request.to_string().as_bytes()).unwrap();
    translate(&request, &OtlpSettings::default(), TimeDelta::from_secs(300))
}

fn series(translated: &Translated) -> Vec<String> {
    let text = |pushed: &bellwether_ingest::PushedSeries| {
        let numbers = pushed.samples.iter().map(|s| format!("{}@{}", s.sample.value, s.sample.at.0));
        let histograms =
            pushed.histograms.iter().map(|s| format!("{}@{}", s.sample.histogram, s.sample.at.0));
        let since = pushed
            .samples
            .iter()
            .filter_map(|s| s.since)
            .chain(pushed.histograms.iter().filter_map(|s| s.since));
        let since: String = since.map(|since| format!(" since {}", since.0)).collect();
        format!("{} {}{since}", pushed.labels, numbers.chain(histograms).collect::<Vec<_>>().join(" "))
    };
    translated.series.iter().map(|series| text(&series.pushed)).collect()
}

fn point(value: Value) -> Value {
    let mut point = json!({"startTimeUnixNano": "500000000", "timeUnixNano": "1000000000"});
    point.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
    point
}

#[test]
fn only_what_grows_has_a_start() {
    let gauge = json!([{"name": "g", "gauge": {"dataPoints": [point(json!({"asDouble": 1.5}))]}}]);
    let sum = |is_monotonic: bool| {
        json!([{"name": "s", "sum": {"aggregationTemporality": 2, "isMonotonic": is_monotonic,
            "dataPoints": [point(json!({"asInt": "3"}))]}}])
    };
    let info = "target_info{host_name=\"h\", job=\"a\"} 1@1000";
    assert_eq!(series(&translated(gauge)), ["g{job=\"a\"} 1.5@1000", info]);
    assert_eq!(series(&translated(sum(false))), ["s{job=\"a\"} 3@1000", info]);
    assert_eq!(series(&translated(sum(true))), ["s_total{job=\"a\"} 3@1000 since 500", info]);
}

#[test]
fn a_point_that_cannot_be_translated_is_rejected_and_the_others_are_taken() {
    let good = point(json!({"asInt": 1}));
    let check = |data: Value, points: u64, message: &str| {
        let mut metric = json!({"name": "bad"});
        metric.as_object_mut().unwrap().extend(data.as_object().unwrap().clone());
        let other = json!({"name": "good", "gauge": {"dataPoints": [good]}});
        let translated = translated(json!([metric, other]));
        assert_eq!(translated.rejected.points(), points, "{message}");
        assert_eq!(translated.rejected.message(), message);
        assert!(series(&translated).contains(&"good{job=\"a\"} 1@1000".to_owned()));
    };
    let gauge = |value| json!({"gauge": {"dataPoints": [value]}});
    check(json!({}), 0, "metric \"bad\" has no data");
    check(json!({"gauge": {"dataPoints": []}}), 0, "metric \"bad\" has no points");
    check(gauge(point(json!({}))), 1, "metric \"bad\": a point has no value (1)");
    check(gauge(json!({"asInt": 1})), 1, "metric \"bad\": a point has no time (1)");
    check(
        json!({"sum": {"dataPoints": [good, good]}}),
        2,
        "metric \"bad\" does not say whether it is delta or cumulative (2)",
    );
    check(
        json!({"name": "日本", "gauge": {"dataPoints": [good]}}),
        1,
        "the metric name \"日本\" has no character that a name may have (1)",
    );
    let unnamed = json!({"asInt": 1, "attributes": [{"value": {"stringValue": "x"}}]});
    check(gauge(point(unnamed)), 1, "metric \"bad\": an attribute has no name (1)");
    let blank = json!({"asInt": 1, "attributes": [{"key": "日本", "value": {"stringValue": "x"}}]});
    check(
        gauge(point(blank)),
        1,
        "metric \"bad\": the attribute name \"日本\" has no character that a label name may have (1)",
    );
    let histogram = |value| json!({"histogram": {"aggregationTemporality": 2, "dataPoints": [point(value)]}});
    check(
        histogram(json!({"count": 2, "explicitBounds": [2, 1], "bucketCounts": [1, 1, 0]})),
        1,
        "metric \"bad\": bounds of a histogram do not go up, or are not finite (1)",
    );
    let exponential =
        |value| json!({"exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [point(value)]}});
    check(
        exponential(json!({"count": 1, "scale": -5})),
        1,
        "metric \"bad\": scale -5 is coarser than -4 (1)",
    );
    check(
        exponential(json!({"count": 3, "positive": {"bucketCounts": ["1"]}})),
        1,
        "metric \"bad\": a histogram says that it has 3 observations, but its buckets hold 1 (1)",
    );
    check(
        exponential(json!({"count": 1, "positive": {"offset": i32::MAX, "bucketCounts": [0, 1]}})),
        1,
        "metric \"bad\": a histogram has no bucket 2147483648 (1)",
    );
}

/// Buckets of a scale above 8 fall into that of schema 8 which has their values, empty ones before them or not.
#[test]
fn finer_scales_are_merged() {
    let check = |scale: i32, offset: i32, counts: &[u64], expected: &str| {
        let count: u64 = counts.iter().sum();
        let data = point(json!({"count": count, "sum": 0.5, "scale": scale,
            "positive": {"offset": offset, "bucketCounts": counts}}));
        let metrics = json!([{"name": "e", "exponentialHistogram": {"aggregationTemporality": 2, "dataPoints": [data]}}]);
        let translated = translated(metrics);
        let histogram = &translated.series[0].pushed.histograms[0].sample.histogram;
        let buckets: Vec<String> =
            histogram.positive.iter().map(|b| format!("{}:{}", b.index, b.count)).collect();
        assert_eq!((histogram.schema.number(), buckets.join(" ").as_str()), (scale.min(8), expected));
    };
    check(0, -1, &[1, 2], "0:1 1:2");
    check(9, 0, &[1, 2, 4], "1:3 2:4");
    check(9, -1, &[1, 2, 4, 8], "0:1 1:6 2:8");
    check(10, -1, &[0, 7, 0, 7, 0, 7], "1:14 2:7");
    check(20, 4095, &[1, 1], "1:1 2:1");
}

/// Times far apart are no time in which the resource was known, and a hostile request must not become millions.
#[test]
fn target_info_covers_at_most_a_day() {
    let points = json!([
        {"timeUnixNano": "1000000", "asInt": 1}, {"timeUnixNano": "1700000000000000000", "asInt": 1}
    ]);
    let translated = translated(json!([{"name": "g", "gauge": {"dataPoints": points}}]));
    let info = translated.series.last().unwrap();
    assert_eq!(info.pushed.labels.metric_name(), Some("target_info"));
    assert_eq!(info.pushed.samples.len(), 24 * 3600 / 150 + 1);
    assert_eq!(info.pushed.samples.last().unwrap().sample.at.0, 1_700_000_000_000);
}

#[test]
fn metadata_has_the_stored_name_and_the_unit_in_words() {
    let counter = json!([{"name": "io", "unit": "By/s", "description": "What.", "sum": {
        "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [point(json!({"asInt": 1}))]}}]);
    let translated = translated(counter);
    let metadata = translated.metadata.iter().find(|metadata| metadata.name != "target_info").unwrap();
    let kind = metadata.kind.map(|kind| kind.as_str());
    let said = (metadata.name.as_str(), kind, metadata.help.as_str(), metadata.unit.as_str());
    assert_eq!(said, ("io_bytes_per_second_total", Some("counter"), "What.", "bytes_per_second"));
}
