//! Metrics that are pushed by OpenTelemetry's protocol over HTTP: the request is read within bounds and unpacked, handed
//! to the shell, and answered in the encoding in which it came. Which status means what to a sender is the protocol's:
//! 429, 502, 503 and 504 are sent again, everything else is not.

use std::io::Read;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bellwether_ingest::otlp::{Encoding, Rejected, StatusCode as RpcCode, failure, success};
use flate2::read::MultiGzDecoder;

use crate::Shared;
use crate::body;
use crate::view::RequestRefusal;

/// Bytes of an unpacked body. The collector's own receiver takes 20 MiB.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
/// When a sender is to come again.
const RETRY_AFTER_S: &str = "5";

/// A request for metrics, unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtlpPush {
    /// The message.
    pub body: Bytes,
    /// How it is written.
    pub encoding: Encoding,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtlpOutcome {
    /// It was taken in, but for some points.
    Taken(Rejected),
    /// It is no request.
    Malformed(String),
    /// It is too large once it is read.
    TooLarge(String),
    /// Too many requests at once; to be sent again.
    Busy,
    /// It could not be stored; to be sent again.
    Unavailable(String),
}

/// Prometheus' path, and the one that exporters append to an address.
pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/api/v1/otlp/v1/metrics", post(metrics)).route("/v1/metrics", post(metrics))
}

async fn metrics(State(app): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let push = match read(&parts.headers, body).await {
        Ok(push) => push,
        Err(refused) => {
            app.otlp_refused(refused.why);
            return refused.into_response();
        }
    };
    let encoding = push.encoding;
    match app.push_otlp(push).await {
        OtlpOutcome::Taken(rejected) => answer(StatusCode::OK, encoding, success(encoding, &rejected)),
        OtlpOutcome::Malformed(why) => {
            failed(StatusCode::BAD_REQUEST, encoding, RpcCode::InvalidArgument, &why)
        }
        OtlpOutcome::TooLarge(why) => {
            failed(StatusCode::PAYLOAD_TOO_LARGE, encoding, RpcCode::ResourceExhausted, &why)
        }
        OtlpOutcome::Busy => {
            let why = "too many requests at once; send it again";
            failed(StatusCode::TOO_MANY_REQUESTS, encoding, RpcCode::ResourceExhausted, why)
        }
        OtlpOutcome::Unavailable(why) => {
            let why = format!("nothing of the request is stored; send it again: {why}");
            failed(StatusCode::SERVICE_UNAVAILABLE, encoding, RpcCode::Unavailable, &why)
        }
    }
}

/// A request that was not read.
struct Refused {
    why: RequestRefusal,
    status: StatusCode,
    encoding: Encoding,
    message: String,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let code = match self.why {
            RequestRefusal::ContentType | RequestRefusal::ContentEncoding => RpcCode::Unimplemented,
            RequestRefusal::TooLarge => RpcCode::ResourceExhausted,
            RequestRefusal::Broken | RequestRefusal::Malformed => RpcCode::InvalidArgument,
        };
        failed(self.status, self.encoding, code, &self.message)
    }
}

async fn read(headers: &HeaderMap, body: axum::body::Body) -> Result<OtlpPush, Refused> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let Some(encoding) = Encoding::of_content_type(&content_type) else {
        return Err(Refused {
            why: RequestRefusal::ContentType,
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            encoding: Encoding::Json,
            message: format!(
                "unsupported content type {content_type:?}; send application/x-protobuf or application/json"
            ),
        });
    };
    let refused = |why, status, message| Refused { why, status, encoding, message };
    let packing = text(header::CONTENT_ENCODING).unwrap_or_default().trim().to_ascii_lowercase();
    let is_packed = match packing.as_str() {
        "" | "identity" => false,
        "gzip" => true,
        _ => {
            let message = format!("unsupported compression {packing:?}; send gzip or nothing");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(refused(RequestRefusal::ContentEncoding, status, message));
        }
    };
    let whole = body::read(body)
        .await
        .map_err(|error| refused(error.counted_as(), error.status(), error.message()))?;
    if !is_packed {
        return Ok(OtlpPush { body: whole.bytes, encoding });
    }
    // Unpacking takes a while; meanwhile the body keeps its turn.
    let unpacked = tokio::task::spawn_blocking(move || unpack(&whole.bytes)).await;
    match unpacked.unwrap_or_else(|error| Err(std::io::Error::other(error.to_string()))) {
        Ok(Some(bytes)) => Ok(OtlpPush { body: bytes.into(), encoding }),
        Ok(None) => {
            let message =
                format!("the body unpacks to more than {} MiB; send less at once", UNPACKED_BYTES_MAX >> 20);
            Err(refused(RequestRefusal::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        Err(error) => {
            let message = format!("the body is not packed by gzip: {error}");
            Err(refused(RequestRefusal::Broken, StatusCode::BAD_REQUEST, message))
        }
    }
}

/// The unpacked bytes, or `None` when there are too many.
fn unpack(packed: &[u8]) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut reader = MultiGzDecoder::new(packed).take(UNPACKED_BYTES_MAX as u64 + 1);
    reader.read_to_end(&mut bytes)?;
    Ok((bytes.len() <= UNPACKED_BYTES_MAX).then_some(bytes))
}

fn failed(status: StatusCode, encoding: Encoding, code: RpcCode, message: &str) -> Response {
    let mut response = answer(status, encoding, failure(encoding, code, message));
    if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, axum::http::HeaderValue::from_static(RETRY_AFTER_S));
    }
    response
}

fn answer(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, encoding.content_type())], body).into_response()
}
