//! A gRPC probe: the standard health check, one call over one connection of HTTP/2.
//! Protocol: <https://github.com/grpc/grpc/blob/master/doc/health-checking.md> and `PROTOCOL-HTTP2.md` beside it.

use std::time::Duration;

use bytes::Bytes;
use hyper::{HeaderMap, Request};
use prost::Message;

use super::attempt::{Broken, Check, Ended, Phase, Reason, Trace};
use super::definition::GrpcAsk;
use super::dial::{Dial, dial, innermost};
use super::serving::Serving;
use super::tcp::host_and_port;

const PATH: &str = "/grpc.health.v1.Health/Check";
/// A flag for compression and a length stand before every message.
const PREFIX_BYTES: usize = 5;
/// The answer is one number.
const ANSWER_BYTES_MAX: usize = 4096;
/// Characters shown of what a server says of its refusal.
const MESSAGE_CHARS_MAX: usize = 200;

#[derive(Clone, PartialEq, Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, Message)]
struct HealthCheckResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// What became of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The service spoke.
    State(Serving),
    /// The call was refused.
    Refused { status: u16, message: String },
}

/// Asks.
pub(super) async fn ask(
    ask: &GrpcAsk,
    address: &str,
    timeout: Duration,
    trace: &mut Trace,
) -> Result<Answer, Ended> {
    let (host, port) = host_and_port(address).map_err(Ended::NotTried)?;
    let tls = ask.tls.then_some(b"h2".as_slice());
    let request = request(ask, address, timeout).map_err(Ended::NotTried)?;
    let connection = dial(Dial { host, port, wire: &ask.wire, tls, timeout }, trace).await?;
    trace.enter(Phase::Processing);
    let handshake = h2::client::handshake(connection).await;
    let (sender, connection) = handshake.map_err(|error| broken("no HTTP/2", &error))?;
    // Whoever moves the bytes ends with this attempt.
    let answer = call(sender, request, ask, trace);
    let answer = tokio::select! {
        answer = answer => answer,
        ended = connection => Err(match ended {
            Err(error) => broken("no HTTP/2", &error),
            Ok(()) => Broken::new(Reason::Protocol, "the connection was closed before the answer"),
        }),
    };
    Ok(answer?)
}

fn broken(what: &str, error: &h2::Error) -> Broken {
    Broken::new(Reason::Protocol, format!("{what}: {}", innermost(error)))
}

fn request(ask: &GrpcAsk, address: &str, timeout: Duration) -> Result<Request<()>, String> {
    let scheme = if ask.tls { "https" } else { "http" };
    let mut request = Request::builder()
        .method("POST")
        .uri(format!("{scheme}://{address}{PATH}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", concat!("bellwether/", env!("CARGO_PKG_VERSION")))
        .header("grpc-timeout", format!("{}m", timeout.as_millis()))
        .body(())
        .map_err(|error| error.to_string())?;
    for (name, value) in &ask.headers {
        let wrong = || format!("header {name} cannot be sent");
        let name = hyper::header::HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = hyper::header::HeaderValue::try_from(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

async fn call(
    sender: h2::client::SendRequest<Bytes>,
    request: Request<()>,
    ask: &GrpcAsk,
    trace: &mut Trace,
) -> Result<Answer, Broken> {
    let mut sender = sender.ready().await.map_err(|error| broken("no HTTP/2", &error))?;
    let (response, mut body) = sender.send_request(request, false).map_err(|e| broken("no answer", &e))?;
    let message = HealthCheckRequest { service: ask.service.clone() }.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let framed = [&[0], length.to_be_bytes().as_slice(), &message].concat();
    body.send_data(framed.into(), true).map_err(|error| broken("no answer", &error))?;
    let response = response.await.map_err(|error| broken("no answer", &error))?;
    trace.enter(Phase::Transfer);
    if response.status() != hyper::StatusCode::OK {
        let what = format!("the server answered {}, which gRPC never does", response.status());
        return Err(Broken::new(Reason::Protocol, what));
    }
    if let Some(refused) = refusal(response.headers()) {
        return Ok(refused);
    }
    let mut incoming = response.into_body();
    let mut read = Vec::new();
    while let Some(piece) = incoming.data().await {
        let piece = piece.map_err(|error| broken("the answer broke off", &error))?;
        let _ = incoming.flow_control().release_capacity(piece.len());
        read.extend_from_slice(&piece);
        if read.len() > ANSWER_BYTES_MAX {
            return Err(Broken::new(Reason::Protocol, "the answer is longer than a state"));
        }
    }
    let trailers = incoming.trailers().await.map_err(|error| broken("the answer broke off", &error))?;
    trace.leave();
    if let Some(refused) = trailers.as_ref().and_then(refusal) {
        return Ok(refused);
    }
    state(&read).ok_or_else(|| Broken::new(Reason::Protocol, "the answer is not that of a health check"))
}

/// A status other than 0, with what the server says of it.
fn refusal(headers: &HeaderMap) -> Option<Answer> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let status: u16 = text("grpc-status")?.parse().unwrap_or(u16::MAX);
    let message: String = text("grpc-message").unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).collect();
    (status != 0).then_some(Answer::Refused { status, message })
}

fn state(framed: &[u8]) -> Option<Answer> {
    let (prefix, message) = framed.split_at_checked(PREFIX_BYTES)?;
    let (compressed, length) = prefix.split_first()?;
    let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
    if *compressed != 0 || length != message.len() {
        return None;
    }
    Some(Answer::State(Serving(HealthCheckResponse::decode(message).ok()?.status)))
}

/// What is expected; with an answer, whether it was so.
pub(super) fn judge(ask: &GrpcAsk, answer: Option<&Answer>) -> Vec<Check> {
    let states = ask.states.iter().map(Serving::to_string).collect::<Vec<_>>().join(" or ");
    let service = match ask.service.as_str() {
        "" => "the server".to_owned(),
        service => format!("service {service}"),
    };
    let expected = format!("{service} is {states}");
    vec![match answer {
        None => Check::not_reached(expected),
        Some(Answer::State(state)) => {
            let is_good = ask.states.contains(state);
            Check::of(expected, state.to_string(), (!is_good).then_some(Reason::Status))
        }
        Some(Answer::Refused { status, message }) => {
            let found = match (status_name(*status), message.as_str()) {
                (name, "") => format!("refused with {name}"),
                (name, message) => format!("refused with {name}: {message}"),
            };
            Check::of(expected, found, Some(Reason::Status))
        }
    }]
}

/// The names of gRPC's status codes.
fn status_name(status: u16) -> String {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(usize::from(status)).map_or_else(|| format!("status {status}"), |name| (*name).to_owned())
}
