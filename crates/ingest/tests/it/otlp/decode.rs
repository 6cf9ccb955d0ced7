use bellwether_ingest::otlp::message::{AnyValue, Temporality};
use bellwether_ingest::otlp::{decode_json, decode_protobuf};
use proptest::prelude::*;
use serde_json::json;

fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

#[test]
fn json_has_numbers_as_texts_and_passes_over_what_it_does_not_know() {
    let point = json!({
        "timeUnixNano": "18446744073709551615", "startTimeUnixNano": 5, "count": "7", "sum": "NaN",
        "bucketCounts": ["3", 4], "explicitBounds": [1e-7], "flags": null, "attributes": null,
        "exemplars": [{"asInt": "-3", "traceId": "00ffAB00000000000000000000000001", "spanId": ""}],
        "somethingNew": {"a": [1]},
    });
    let metric = json!({"name": "h", "description": null,
        "histogram": {"dataPoints": [point], "aggregationTemporality": 2}});
    let value = json!({"kvlistValue": {"values": [{"key": "b", "value": {"bytesValue": "AQL/"}}]}});
    let request = json!({"resourceMetrics": [{"resource": {"attributes": [{"key": "k", "value": value}]},
        "scopeMetrics": [{"scope": null, "metrics": [metric]}]}], "more": 1});
    let request = decode_json(request.to_string().as_bytes()).unwrap();
    let AnyValue::Map(map) = &request.resource_metrics[0].resource.attributes[0].value else { panic!() };
    assert_eq!(map[0].value, AnyValue::Bytes([1, 2, 255].as_slice().into()));
    let histogram = request.resource_metrics[0].scope_metrics[0].metrics[0].histogram.as_ref().unwrap();
    assert_eq!(histogram.aggregation_temporality, Temporality::Cumulative);
    let point = &histogram.data_points[0];
    assert_eq!((point.time_unix_nano, point.start_time_unix_nano, point.count), (u64::MAX, 5, 7));
    assert_eq!(
        (point.bucket_counts.as_slice(), point.explicit_bounds.as_slice()),
        ([3, 4].as_slice(), [1e-7].as_slice())
    );
    assert!(point.sum.unwrap().is_nan());
    assert_eq!((point.exemplars[0].as_int, point.exemplars[0].trace_id[1]), (Some(-3), 0xff));
}

#[test]
fn a_body_that_is_no_request_says_what_is_wrong() {
    let check = |body: &[u8], expected: &str| {
        assert_eq!(decode_protobuf(body).unwrap_err().to_string(), expected);
    };
    let before = "the body is not an OTLP request in protobuf: ";
    check(&[10, 5, 1], &format!("{before}it is cut off"));
    check(&[0xff; 11], &format!("{before}a number is longer than ten bytes"));
    check(&[0, 1], &format!("{before}a field has no valid number"));
    check(&[11, 1], &format!("{before}a field is of an unknown wire type"));
    check(&[8, 1], &format!("{before}a field is of another type than its number says"));
    let metric = field(2, &field(1, &[0xff]));
    check(&field(1, &field(2, &metric)), &format!("{before}a text is not UTF-8"));
    let mut value = Vec::new();
    for _ in 0..40 {
        value = field(5, &field(1, &value));
    }
    let attribute = field(1, &field(2, &value));
    check(&field(1, &field(1, &attribute)), "the value of an attribute is nested deeper than 32");
    // Two bytes each: an empty point takes fifty times as much in memory.
    let points = [10u8, 0].repeat(4 << 20);
    let body = field(1, &field(2, &field(2, &field(5, &points))));
    check(&body, "the parts of the body take more than 256 MiB of memory; send less at once");

    let said = decode_json(b"{\"resourceMetrics\": [1]}").unwrap_err().to_string();
    assert!(said.starts_with("the body is not an OTLP request in JSON: invalid type: integer `1`"), "{said}");
    for bad in [
        "{",
        "[]x",
        " []",
        "[[{}]]",
        r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"asInt":"x"}]}}]}]}]}"#,
    ] {
        decode_json(bad.as_bytes()).unwrap_err();
    }
    let values = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(1000), "]}}".repeat(1000));
    let deep = format!(r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"value":{values}}}]}}}}]}}"#);
    decode_json(deep.as_bytes()).unwrap_err();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_protobuf(&body);
        let _ = decode_json(&body);
    }
}
