//! One HTTP request for a target's metrics, with bounds on time and size. A compressed answer is unpacked as it
//! arrives, so that the bound on its size holds for what it becomes.

use std::fmt;
use std::io::Write as _;

use bellwether_model::TimeDelta;
use flate2::write::MultiGzDecoder;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING,
};
use reqwest::{Method, Response, StatusCode, Url};

use crate::http::Unsendable;
use crate::http::client::{Client, NoAnswer};
use crate::http::redact::Hidden;

/// Why a target's metrics did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    /// No connection, or it broke.
    Connection(String),
    /// The request could not be made: a file with a secret, for instance.
    Unsendable(String),
    /// The timeout passed.
    TooSlow(TimeDelta),
    /// The target answered with something else than 200.
    Status(StatusCode),
    /// The body is compressed in a way that nobody asked for.
    Compressed(String),
    /// The body is not what its compression says.
    Garbled(String),
    /// The body is larger than allowed.
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(why) | Self::Unsendable(why) => f.write_str(why),
            Self::TooSlow(timeout) => write!(f, "no complete answer within the timeout of {timeout}"),
            Self::Status(status) => write!(f, "server returned HTTP status {status}"),
            Self::Compressed(encoding) => {
                write!(f, "answered with content-encoding {encoding}, which was not asked for")
            }
            Self::Garbled(why) => {
                write!(f, "answered with content-encoding gzip, but the body is none: {why}")
            }
            Self::TooLarge { bytes_max } => {
                write!(f, "body size limit exceeded (body_size_limit is {bytes_max} bytes)")
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
    /// Whether the body may be compressed.
    pub compression: bool,
    /// How long it may take, body included.
    pub timeout: TimeDelta,
    /// Largest body, once it is no longer compressed.
    pub body_bytes_max: u64,
    /// How large it was last time.
    pub body_bytes_expected: usize,
}

/// A body that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its bytes.
    pub body: Vec<u8>,
    /// What the target says it is.
    pub content_type: Option<String>,
    /// Whether the end of the body was marked: by HTTP itself (a length, or chunks), or by its compression. Otherwise
    /// the end of the connection is its end, and a body that was cut off looks like a whole one.
    pub framed: bool,
}

/// Fetches the body.
pub(crate) async fn fetch(http: &Client, request: Request<'_>) -> Result<Fetched, FetchError> {
    match tokio::time::timeout(request.timeout.to_std(), fetch_unbounded(http, &request)).await {
        Ok(result) => result,
        Err(_) => Err(FetchError::TooSlow(request.timeout)),
    }
}

async fn fetch_unbounded(http: &Client, request: &Request<'_>) -> Result<Fetched, FetchError> {
    // The address of a target is shown on every page: nothing in it is hidden.
    let mut hidden = Hidden::default();
    let asked = asked(request).map_err(|why| FetchError::Unsendable(why.to_owned()))?;
    let response = http.send(asked, &mut hidden).await.map_err(|why| match why {
        NoAnswer::Unsendable(Unsendable(why)) => FetchError::Unsendable(hidden.line(&why)),
        NoAnswer::Broken(error) => connection(&error),
    })?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let encoding =
        response.headers().get(CONTENT_ENCODING).map(|value| value.as_bytes().to_ascii_lowercase());
    let is_gzip = match encoding.as_deref() {
        None | Some(b"" | b"identity") => false,
        Some(b"gzip") => true,
        Some(other) => return Err(FetchError::Compressed(String::from_utf8_lossy(other).into_owned())),
    };
    let framed = response.content_length().is_some() || response.headers().contains_key(TRANSFER_ENCODING);
    let content_type = response.headers().get(CONTENT_TYPE);
    let content_type = content_type.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let told = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let body = Bounded::new(request, told.min(TOLD_BYTES_MAX));
    let body = if is_gzip { unpacked(response, body).await? } else { plain(response, body).await? };
    Ok(Fetched { body, content_type, framed: framed || is_gzip })
}

fn asked(request: &Request<'_>) -> Result<reqwest::Request, &'static str> {
    let url = Url::parse(request.url).map_err(|_| "the address is none")?;
    let mut asked = reqwest::Request::new(Method::GET, url);
    let headers = asked.headers_mut();
    headers.insert(ACCEPT, HeaderValue::from_str(request.accept).map_err(|_| "Accept cannot be a header")?);
    let encoding = if request.compression { "gzip" } else { "identity" };
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
    let timeout = HeaderValue::from_str(&request.timeout.as_secs_f64().to_string());
    headers.insert("x-prometheus-scrape-timeout-seconds", timeout.map_err(|_| "the timeout cannot be sent")?);
    Ok(asked)
}

async fn plain(mut response: Response, mut body: Bounded) -> Result<Vec<u8>, FetchError> {
    while let Some(piece) = response.chunk().await.map_err(|error| connection(&error))? {
        body.write_all(&piece).map_err(|_| body.too_large())?;
    }
    Ok(body.bytes)
}

async fn unpacked(mut response: Response, body: Bounded) -> Result<Vec<u8>, FetchError> {
    let mut unpacker = MultiGzDecoder::new(body);
    let failed = |unpacker: &MultiGzDecoder<Bounded>, error: std::io::Error| match unpacker.get_ref().is_full
    {
        true => unpacker.get_ref().too_large(),
        false => FetchError::Garbled(error.to_string()),
    };
    while let Some(piece) = response.chunk().await.map_err(|error| connection(&error))? {
        unpacker.write_all(&piece).map_err(|error| failed(&unpacker, error))?;
    }
    unpacker.try_finish().map_err(|error| failed(&unpacker, error))?;
    Ok(std::mem::take(&mut unpacker.get_mut().bytes))
}

/// A length that a target names is believed up to here before the bytes are there.
const TOLD_BYTES_MAX: usize = 16 << 20;

/// Bytes up to a bound. Prometheus takes a body of exactly the limit for one that is too large.
struct Bounded {
    bytes: Vec<u8>,
    bytes_max: u64,
    is_full: bool,
}

impl Bounded {
    fn new(request: &Request<'_>, told: usize) -> Self {
        let capacity = request
            .body_bytes_expected
            .max(told)
            .min(usize::try_from(request.body_bytes_max).unwrap_or(usize::MAX));
        Self { bytes: Vec::with_capacity(capacity), bytes_max: request.body_bytes_max, is_full: false }
    }

    fn too_large(&self) -> FetchError {
        FetchError::TooLarge { bytes_max: self.bytes_max }
    }
}

impl std::io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() as u64 + piece.len() as u64 >= self.bytes_max {
            self.is_full = true;
            return Err(std::io::Error::other("the bound is reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
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
