//! One HTTP request for a target's metrics, with bounds on time and size.

use std::fmt;
use std::time::Duration;

use bellwether_model::TimeDelta;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING, USER_AGENT};
use reqwest::{Client, StatusCode};

/// Why a target's metrics did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// No connection, or it broke.
    Connection(String),
    /// The timeout passed.
    TooSlow(TimeDelta),
    /// The target answered with something else than 200.
    Status(StatusCode),
    /// The body is compressed, although nobody asked for that.
    Compressed(String),
    /// The body is larger than allowed.
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(why) => f.write_str(why),
            Self::TooSlow(timeout) => write!(f, "no complete answer within the timeout of {timeout}"),
            Self::Status(status) => write!(f, "answered {status}, expected 200 OK"),
            Self::Compressed(encoding) => {
                write!(f, "answered with content-encoding {encoding}, which was not asked for")
            }
            Self::TooLarge { bytes_max } => {
                write!(f, "the body is larger than body_size_limit ({bytes_max} bytes)")
            }
        }
    }
}

/// What to fetch, and within which bounds.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address.
    pub url: &'a str,
    /// The formats that are asked for, as a header.
    pub accept: &'a str,
    /// How long it may take, body included.
    pub timeout: TimeDelta,
    /// Largest body.
    pub body_bytes_max: u64,
}

/// A body that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub body: Vec<u8>,
    /// What the target says it is.
    pub content_type: Option<String>,
    /// Whether HTTP itself says where it ends (a length, or chunks). Otherwise the end of the connection is its end,
    /// and a body that was cut off looks like a whole one.
    pub framed: bool,
}

/// Fetches the body.
pub async fn fetch(http: &Client, request: Request<'_>) -> Result<Fetched, FetchError> {
    match tokio::time::timeout(request.timeout.to_std(), fetch_unbounded(http, &request)).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::TooSlow(request.timeout)),
    }
}

async fn fetch_unbounded(http: &Client, request: &Request<'_>) -> Result<Fetched, FetchError> {
    let mut response = http
        .get(request.url)
        .header(ACCEPT, request.accept)
        .header(USER_AGENT, concat!("bellwether/", env!("CARGO_PKG_VERSION")))
        .header("X-Prometheus-Scrape-Timeout-Seconds", request.timeout.as_secs_f64().to_string())
        .send()
        .await
        .map_err(|error| connection(&error))?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let encoding = response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes());
    if let Some(encoding) = encoding.filter(|encoding| !encoding.eq_ignore_ascii_case(b"identity")) {
        return Err(FetchError::Compressed(String::from_utf8_lossy(encoding).into_owned()));
    }
    let framed = response.content_length().is_some() || response.headers().contains_key(TRANSFER_ENCODING);
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let too_large = FetchError::TooLarge { bytes_max: request.body_bytes_max };
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| connection(&error))? {
        if body.len() as u64 + piece.len() as u64 > request.body_bytes_max {
            return Err(too_large);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Fetched { body, content_type, framed })
}

/// The innermost reason, which is what a person can act on ("connection refused"), and where it happened.
fn connection(error: &reqwest::Error) -> FetchError {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let stage = if error.is_connect() {
        "cannot connect"
    } else if error.is_body() || error.is_decode() {
        "the answer broke off"
    } else {
        "no answer"
    };
    FetchError::Connection(format!("{stage}: {innermost}"))
}

/// The client that all targets share. Idle connections are kept for a few intervals; no redirects to elsewhere.
pub fn client() -> Result<Client, reqwest::Error> {
    Client::builder()
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(120))
        .redirect(reqwest::redirect::Policy::limited(5))
        .no_proxy()
        .build()
}
