//! What a probe is: whom it asks, how, and what it expects to hear. Text becomes a [`Probe`] in `config/probes.rs`;
//! one that exists is valid.

use std::fmt;
use std::ops::RangeInclusive;

use bellwether_alerts::{Auth, Secret};
use bellwether_diag::Span;
use bellwether_model::{Labels, TimeDelta};
use regex::Regex;

use super::dns_message::{RecordType, ResponseCode};
use super::serving::Serving;

/// A question that is asked of one or more targets again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Its name, unique.
    pub name: String,
    /// How often it is tried.
    pub interval: TimeDelta,
    /// How long an attempt may take, from the first look-up to the last byte; at most the interval.
    pub timeout: TimeDelta,
    /// Whom it asks.
    pub targets: Vec<Target>,
    /// How it asks, and what it expects.
    pub ask: Ask,
    /// What is expected whatever the protocol.
    pub bounds: Bounds,
    /// Where its name stands.
    pub span: Option<Span>,
}

/// Whom a probe asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// A URL for HTTP, host and port for everything else.
    pub address: String,
    /// `probe`, `instance` and what the file adds.
    pub labels: Labels,
}

/// How a probe asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// An HTTP request.
    Http(Box<HttpAsk>),
    /// A connection, and maybe a short exchange.
    Tcp(TcpAsk),
    /// A question to a name server.
    Dns(DnsAsk),
    /// The standard health check of gRPC.
    Grpc(GrpcAsk),
}

impl Ask {
    /// What people call it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Http(_) => "http",
            Self::Tcp(_) => "tcp",
            Self::Dns(_) => "dns",
            Self::Grpc(_) => "grpc",
        }
    }
}

/// Expectations that every protocol can have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// The attempt as a whole takes less than this.
    pub latency_below: Option<TimeDelta>,
    /// Every certificate that the server shows is valid for longer than this.
    pub tls_expires_after: Option<TimeDelta>,
}

/// How a connection is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wire {
    /// Which addresses of a name are tried.
    pub family: Family,
    /// How certificates are judged.
    pub tls: Tls,
}

/// Which addresses of a name are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// All of them, in the system's order.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// How certificates are judged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who may vouch for the server, instead of those the system trusts. Read at every attempt.
    pub ca_file: Option<String>,
    /// Takes any certificate.
    pub insecure: bool,
    /// The name that the certificate must be for, if not the target's host.
    pub server_name: Option<String>,
}

/// An HTTP request and what is expected of its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpAsk {
    /// How connections are made.
    pub wire: Wire,
    /// `GET`, `POST`, …
    pub method: String,
    /// Further headers. Their values are treated as secrets: a session cookie is one.
    pub headers: Vec<(String, Secret)>,
    /// What is sent.
    pub body: Option<Secret>,
    /// Who the request says it is.
    pub auth: Option<Auth>,
    /// How many redirects are followed; 0 for none.
    pub redirects_max: u32,
    /// Status codes that are good.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What the body must contain.
    pub body_contains: Vec<String>,
    /// What the body must match.
    pub body_matches: Vec<Pattern>,
    /// What the body must not match.
    pub body_not_matches: Vec<Pattern>,
}

/// Status codes that are good unless a probe says otherwise.
pub const STATUSES_DEFAULT: RangeInclusive<u16> = 200..=299;
/// Redirects that are followed unless a probe says otherwise.
pub const REDIRECTS_DEFAULT: u32 = 10;

impl Default for HttpAsk {
    fn default() -> Self {
        Self {
            wire: Wire::default(),
            method: "GET".to_owned(),
            headers: Vec::new(),
            body: None,
            auth: None,
            redirects_max: REDIRECTS_DEFAULT,
            statuses: vec![STATUSES_DEFAULT],
            body_contains: Vec::new(),
            body_matches: Vec::new(),
            body_not_matches: Vec::new(),
        }
    }
}

/// A connection, and maybe a short exchange over it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TcpAsk {
    /// How the connection is made.
    pub wire: Wire,
    /// Whether it is encrypted.
    pub tls: bool,
    /// What is said first.
    pub send: Option<Secret>,
    /// What the answer must contain.
    pub answer_contains: Vec<String>,
    /// What the answer must match.
    pub answer_matches: Vec<Pattern>,
}

impl TcpAsk {
    /// Whether anything has to be read.
    pub fn listens(&self) -> bool {
        !self.answer_contains.is_empty() || !self.answer_matches.is_empty()
    }
}

/// A question to a name server.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DnsAsk {
    /// How the server is reached.
    pub wire: Wire,
    /// The name asked for.
    pub name: String,
    /// The type of record asked for.
    pub kind: RecordType,
    /// Asks over TCP at once, not only when the answer is too long for a datagram.
    pub tcp: bool,
    /// What the server may say of the question.
    pub codes: Vec<ResponseCode>,
    /// How many answers there must be.
    pub answers_min: u32,
    /// Each of these must match an answer.
    pub answers_match: Vec<Pattern>,
    /// None of these may match any.
    pub answers_not_match: Vec<Pattern>,
}

/// The standard health check of gRPC.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GrpcAsk {
    /// How the connection is made.
    pub wire: Wire,
    /// Whether it is encrypted.
    pub tls: bool,
    /// The service asked for; empty for the server as a whole.
    pub service: String,
    /// Further headers, treated as secrets.
    pub headers: Vec<(String, Secret)>,
    /// States that are good.
    pub states: Vec<Serving>,
}

/// A regular expression; two with the same text are equal.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Memory that one compiled expression may take.
const PATTERN_BYTES_MAX: usize = 1 << 20;

impl Pattern {
    /// Reads one in Go's notation; the error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let translated = bellwether_model::regex_from_go(text).map_err(str::to_owned)?;
        let regex = regex::RegexBuilder::new(&translated).size_limit(PATTERN_BYTES_MAX).build();
        // The message shows the expression on lines of its own; what is wrong is its last line.
        let why = |error: regex::Error| {
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        };
        regex.map(|regex| Self { text: text.to_owned(), regex }).map_err(why)
    }

    /// Whether it occurs anywhere in a text.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
