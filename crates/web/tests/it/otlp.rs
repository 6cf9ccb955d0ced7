use std::io::Write;

use axum::body::Body;
use axum::http::{Request, header};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::ask::send;
use crate::fake::{Fake, Mood};

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// The status, the content type and the text of the answer.
async fn push(path: &str, content_type: &str, encoding: &str, body: Vec<u8>) -> (u16, String, String) {
    let mut request = Request::post(path).header(header::CONTENT_TYPE, content_type);
    if !encoding.is_empty() {
        request = request.header(header::CONTENT_ENCODING, encoding);
    }
    let answer = send(&Fake::new(Mood::Burning), request.body(Body::from(body)).unwrap()).await;
    let again = answer.headers.get(header::RETRY_AFTER).map_or("", |value| value.to_str().unwrap());
    let again = if again.is_empty() { String::new() } else { format!(", again after {again} s") };
    let kind = answer.headers[header::CONTENT_TYPE].to_str().unwrap().to_owned() + &again;
    (answer.status.as_u16(), kind, String::from_utf8_lossy(&answer.bytes).into_owned())
}

#[tokio::test]
async fn what_is_not_read_is_refused_in_the_encoding_of_the_request() {
    let (json, protobuf) = ("application/json", "application/x-protobuf");
    let check =
        async |content_type: &str, encoding: &str, body: Vec<u8>, status: u16, kind: &str, text: &str| {
            let got = push("/v1/metrics", content_type, encoding, body).await;
            assert_eq!((got.0, got.1.as_str()), (status, kind), "{got:?}");
            assert!(got.2.contains(text), "{got:?}");
        };
    check(
        "text/plain",
        "",
        vec![],
        415,
        json,
        "unsupported content type \\\"text/plain\\\"; send application/",
    )
    .await;
    check(json, "snappy", vec![], 415, json, "unsupported compression \\\"snappy\\\"; send gzip or nothing")
        .await;
    check(protobuf, "gzip", b"x".to_vec(), 400, protobuf, "\u{8}\u{3}\u{12}").await;
    check(protobuf, "gzip", b"x".to_vec(), 400, protobuf, "the body is not packed by gzip").await;
    let half = packed(&[7; 100_000]);
    check(json, "gzip", half[..half.len() / 2].to_vec(), 400, json, "the body is not packed by gzip").await;
    check(json, "", vec![b' '; 17 << 20], 413, json, "larger than 16 MiB").await;
    // A bomb: 100 MiB in 100 KiB.
    let bomb = packed(&vec![0; 100 << 20]);
    assert!(bomb.len() < 1 << 20);
    check(json, "gzip", bomb, 413, json, "the body unpacks to more than 64 MiB; send less at once").await;
}

#[tokio::test]
async fn both_paths_lead_to_the_shell_and_what_cannot_be_stored_is_to_be_sent_again() {
    for path in ["/v1/metrics", "/api/v1/otlp/v1/metrics"] {
        for (encoding, body) in [("gzip", packed(b"{}")), ("identity", b"{}".to_vec()), ("", b"{}".to_vec())]
        {
            let (status, kind, text) = push(path, "application/json; charset=utf-8", encoding, body).await;
            assert_eq!((status, kind.as_str()), (503, "application/json, again after 5 s"));
            let expected = r#"{"code":14,"message":"nothing of the request is stored; send it again: nothing is stored here"}"#;
            assert_eq!(text, expected);
        }
    }
    let request = Request::get("/v1/metrics").body(Body::empty()).unwrap();
    assert_eq!(send(&Fake::new(Mood::Burning), request).await.status.as_u16(), 405);
}
