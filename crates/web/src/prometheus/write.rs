//! Remote write, received. What is sent is said by the content type, as in Prometheus; what was stored of it is told
//! by the status: 204 all of it, 400 all but what the body names (sending it again is of no use), 5xx not known, send it
//! again.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::Shared;
use crate::body;
use crate::view::{RequestRefusal, WriteRefused, WriteVersion, Written};

/// Bytes of a body as it is sent, packed.
pub(super) const BYTES_MAX: usize = 32 << 20;

const MEDIA_TYPE: &str = "application/x-protobuf";
const ONE: &str = "prometheus.WriteRequest";
const TWO: &str = "io.prometheus.write.v2.Request";

pub(super) async fn write(State(app): State<Shared>, request: Request) -> Response {
    let version = match version(request.headers()) {
        Ok(version) => version,
        Err((counted, why)) => return refused(&app, counted, StatusCode::UNSUPPORTED_MEDIA_TYPE, &why),
    };
    let body = match body::read_at_most(request.into_body(), BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return refused(&app, error.counted_as(), error.status(), &error.message()),
    };
    let answer = app.remote_write(version, body.bytes.clone()).await;
    let (status, text, written) = match answer {
        Ok(written) if written.refused.is_empty() => {
            let status = if written.is_duplicate { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT };
            (status, String::new(), written)
        }
        Ok(written) => (StatusCode::BAD_REQUEST, written.refused.clone(), written),
        Err(WriteRefused::Broken(why)) => {
            return refused(&app, RequestRefusal::Broken, StatusCode::BAD_REQUEST, &why);
        }
        Err(WriteRefused::Malformed(why)) => {
            return refused(&app, RequestRefusal::Malformed, StatusCode::BAD_REQUEST, &why);
        }
        Err(WriteRefused::TooLarge(why)) => {
            return refused(&app, RequestRefusal::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, &why);
        }
        Err(WriteRefused::Unavailable(why)) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"), Written::default())
        }
    };
    let mut response = (status, text).into_response();
    if version == WriteVersion::Two {
        let counts = [
            ("x-prometheus-remote-write-samples-written", written.samples),
            ("x-prometheus-remote-write-histograms-written", written.histograms),
            ("x-prometheus-remote-write-exemplars-written", written.exemplars),
        ];
        for (name, count) in counts {
            response.headers_mut().insert(name, HeaderValue::from(count));
        }
    }
    response
}

fn refused(app: &Shared, counted: RequestRefusal, status: StatusCode, why: &str) -> Response {
    app.remote_write_refused(counted);
    (status, format!("{why}\n")).into_response()
}

/// Which message it is. Senders that say nothing are older than the question.
fn version(headers: &HeaderMap) -> Result<WriteVersion, (RequestRefusal, String)> {
    let unknown = |why| Err((RequestRefusal::ContentType, why));
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let encoding = text(header::CONTENT_ENCODING).unwrap_or_default();
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("snappy") {
        let why = format!(
            "{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        );
        return Err((RequestRefusal::ContentEncoding, why));
    }
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if media_type.is_empty() && parts.next().is_none() {
        return Ok(WriteVersion::One);
    }
    if media_type != MEDIA_TYPE {
        return unknown(format!(
            "expected {MEDIA_TYPE} as the first (media) part, got {content_type} content-type"
        ));
    }
    for part in parts {
        let Some((name, value)) = part.split_once('=').filter(|(_, value)| !value.contains('=')) else {
            return unknown(format!(
                "expected parameters to be key-values, got {part} in {content_type} content-type"
            ));
        };
        match (name, value) {
            ("proto", ONE) => return Ok(WriteVersion::One),
            ("proto", TWO) => return Ok(WriteVersion::Two),
            ("proto", other) => {
                return unknown(format!(
                    "got {content_type} content type; unknown remote write protobuf message {other}, supported: \
                     {ONE}, {TWO}"
                ));
            }
            _ => {}
        }
    }
    Ok(WriteVersion::One)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_says_which_message_it_is() {
        let check = |content_type: Option<&str>, encoding: Option<&str>, expected: Option<WriteVersion>| {
            let mut headers = HeaderMap::new();
            let mut set = |name, value: Option<&str>| {
                value.map(|value| headers.insert(name, HeaderValue::from_str(value).unwrap()))
            };
            set(header::CONTENT_TYPE, content_type);
            set(header::CONTENT_ENCODING, encoding);
            match (version(&headers), expected) {
                (Ok(version), Some(expected)) => {
                    assert_eq!(version, expected, "{content_type:?} {encoding:?}")
                }
                (Err((counted, _)), None) => {
                    let is_packing = content_type.is_none() || encoding == Some("identity");
                    let expected = if is_packing {
                        RequestRefusal::ContentEncoding
                    } else {
                        RequestRefusal::ContentType
                    };
                    assert_eq!(counted, expected, "{content_type:?} {encoding:?}");
                }
                (found, _) => panic!("{content_type:?} {encoding:?}: {found:?}"),
            }
        };
        let (one, two) = (Some(WriteVersion::One), Some(WriteVersion::Two));
        check(None, None, one);
        check(Some("application/x-protobuf"), Some("snappy"), one);
        check(Some("application/x-protobuf"), Some("Snappy"), one);
        check(Some("application/x-protobuf;proto=prometheus.WriteRequest"), Some("snappy"), one);
        check(Some("application/x-protobuf;proto=io.prometheus.write.v2.Request"), None, two);
        check(Some("application/x-protobuf; proto=io.prometheus.write.v2.Request"), None, two);
        check(Some("application/x-protobuf;charset=x"), None, one);
        check(Some("application/x-protobuf;proto=other"), None, None);
        check(Some("application/x-protobuf;proto"), None, None);
        check(Some("application/x-protobuf;proto=a=b"), None, None);
        check(Some("application/json"), None, None);
        check(Some("text/plain"), Some("snappy"), None);
        check(None, Some("zstd"), None);
        check(None, Some("gzip"), None);
        check(Some("application/x-protobuf"), Some("identity"), None);
    }
}
