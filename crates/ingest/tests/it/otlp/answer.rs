use bellwether_ingest::otlp::{Encoding, Rejected, StatusCode, failure, success};

#[test]
fn an_answer_is_in_the_encoding_of_the_request() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let mut rejected = Rejected::default();
    assert_eq!(success(Encoding::Protobuf, &rejected), b"");
    assert_eq!(success(Encoding::Json, &rejected), b"{}");
    rejected.add(300, "why");
    assert_eq!(success(Encoding::Protobuf, &rejected), b"\x0a\x0e\x08\xac\x02\x12\x09why (300)");
    assert_eq!(
        text(success(Encoding::Json, &rejected)),
        r#"{"partialSuccess":{"errorMessage":"why (300)","rejectedDataPoints":"300"}}"#
    );
    assert_eq!(failure(Encoding::Protobuf, StatusCode::InvalidArgument, "no"), b"\x08\x03\x12\x02no");
    assert_eq!(text(failure(Encoding::Json, StatusCode::Unavailable, "no")), r#"{"code":14,"message":"no"}"#);
}

#[test]
fn reasons_are_few_and_points_are_all_counted() {
    let mut rejected = Rejected::default();
    for number in 0..20 {
        rejected.add(2, format!("reason {number}"));
    }
    assert_eq!(rejected.points(), 40);
    assert_eq!(rejected.message().matches(';').count(), 8);
    assert!(rejected.message().ends_with("; other reasons (24)"), "{}", rejected.message());
}

#[test]
fn content_types_are_known_with_parameters() {
    let check = |text: &str, expected| assert_eq!(Encoding::of_content_type(text), expected, "{text}");
    check("application/x-protobuf", Some(Encoding::Protobuf));
    check("Application/JSON; charset=utf-8", Some(Encoding::Json));
    check("text/plain", None);
    check("", None);
}
