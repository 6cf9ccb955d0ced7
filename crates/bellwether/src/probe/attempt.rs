//! What one attempt of a probe came to: how long each phase took, what was learnt, and which expectations were met.
//! Why it failed is a closed set, so that failures can be counted by reason.

use std::fmt;
use std::time::{Duration, Instant};

use bellwether_model::{TimeDelta, Timestamp};

/// What becomes of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The target was asked.
    Tried(Attempt),
    /// It was not, for a reason of our own: that says nothing about the target, so it counts neither way.
    NotTried(String),
}

/// An attempt that was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attempt {
    /// From the first look-up to the last byte.
    pub took: Duration,
    /// How long each phase took, in the order in which they began; redirects add up.
    pub phases: Vec<(Phase, Duration)>,
    /// What was expected, and whether it was so; in the order in which it is looked at.
    pub checks: Vec<Check>,
    /// What was learnt.
    pub facts: Facts,
}

/// One thing that was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// In words: `status 200-299`.
    pub expected: String,
    /// In words: `503 Service Unavailable`; empty when it was not looked at.
    pub found: String,
    /// Whether it was so.
    pub verdict: Verdict,
}

/// Whether an expectation was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Met,
    /// It was not.
    Unmet(Reason),
    /// The attempt ended before.
    NotReached,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The name has no address.
    Resolve,
    /// No connection.
    Connect,
    /// No agreement on encryption, or a certificate that is not trusted.
    Tls,
    /// It took too long.
    Timeout,
    /// The answer broke off or cannot be read.
    Protocol,
    /// Too many redirects, or one to nowhere.
    Redirect,
    /// Another status than expected.
    Status,
    /// Another content than expected.
    Content,
    /// The answer came, but too late.
    Latency,
    /// A certificate ends too soon.
    Certificate,
}

impl Reason {
    /// As the label of the counter says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Redirect => "redirect",
            Self::Status => "status",
            Self::Content => "content",
            Self::Latency => "latency",
            Self::Certificate => "certificate",
        }
    }
}

/// A part of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Finding the address of a name.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Agreeing on encryption.
    Tls,
    /// From the question to the beginning of the answer.
    Processing,
    /// From the beginning of the answer to its end.
    Transfer,
}

impl Phase {
    /// As the label of the series says it; the words are those of the field.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Processing => "processing",
            Self::Transfer => "transfer",
        }
    }
}

/// What was learnt of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The address that was talked to.
    pub address: Option<std::net::SocketAddr>,
    /// The last HTTP status.
    pub http_status: Option<u16>,
    /// Redirects that were followed.
    pub redirects: Option<u32>,
    /// Bytes of the body that were read.
    pub body_bytes: Option<u64>,
    /// Answers of a name server.
    pub dns_answers: Option<u32>,
    /// The status of a gRPC call.
    pub grpc_status: Option<u16>,
    /// When the first of the server's certificates ends.
    pub certificate_ends: Option<Timestamp>,
}

impl Attempt {
    /// Whether everything was as expected.
    pub fn succeeded(&self) -> bool {
        self.checks.iter().all(|check| check.verdict == Verdict::Met)
    }

    /// The first reason why not.
    pub fn reason(&self) -> Option<Reason> {
        self.checks.iter().find_map(|check| match check.verdict {
            Verdict::Unmet(reason) => Some(reason),
            Verdict::Met | Verdict::NotReached => None,
        })
    }

    /// Everything that was not as expected, in one sentence; empty when all was.
    pub fn why(&self) -> String {
        let unmet = self.checks.iter().filter(|check| matches!(check.verdict, Verdict::Unmet(_)));
        unmet.map(Check::to_string).collect::<Vec<_>>().join("; ")
    }
}

impl Check {
    /// An expectation that was looked at.
    pub fn of(expected: impl Into<String>, found: impl Into<String>, failed: Option<Reason>) -> Self {
        let verdict = failed.map_or(Verdict::Met, Verdict::Unmet);
        Self { expected: expected.into(), found: found.into(), verdict }
    }

    /// An expectation that was not looked at.
    pub fn not_reached(expected: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: String::new(), verdict: Verdict::NotReached }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}: {}", self.expected, self.found)
    }
}

/// Why an attempt ended before its answer was whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What kind of failure it is.
    pub reason: Reason,
    /// What happened, in words.
    pub what: String,
}

impl Broken {
    /// With its kind.
    pub fn new(reason: Reason, what: impl Into<String>) -> Self {
        Self { reason, what: what.into() }
    }
}

/// Why a target could not even be asked, or its answer ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A reason of our own.
    NotTried(String),
    /// One of the target's.
    Broken(Broken),
}

impl From<Broken> for Ended {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// Keeps the time of an attempt; what it has seen is kept also when the attempt is given up.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    phases: Vec<(Phase, Duration)>,
    present: Option<(Phase, Instant)>,
    /// What was learnt so far.
    pub facts: Facts,
}

impl Trace {
    /// Begins now.
    pub fn begin() -> Self {
        Self { began: Instant::now(), phases: Vec::new(), present: None, facts: Facts::default() }
    }

    /// A phase begins, which ends the one before.
    pub fn enter(&mut self, phase: Phase) {
        self.leave();
        self.present = Some((phase, Instant::now()));
    }

    /// The present phase is over.
    pub fn leave(&mut self) {
        let Some((phase, since)) = self.present.take() else { return };
        match self.phases.iter_mut().find(|(known, _)| *known == phase) {
            Some((_, sum)) => *sum += since.elapsed(),
            None => self.phases.push((phase, since.elapsed())),
        }
    }

    /// The phase that has not ended.
    pub fn present(&self) -> Option<Phase> {
        self.present.map(|(phase, _)| phase)
    }

    /// What an attempt that ends now came to.
    pub fn finish(mut self, checks: Vec<Check>) -> Attempt {
        self.leave();
        Attempt { took: self.began.elapsed(), phases: self.phases, checks, facts: self.facts }
    }

    /// How long it has taken so far.
    pub fn took(&self) -> Duration {
        self.began.elapsed()
    }
}

/// A duration as people read it: milliseconds with a fraction below ten, whole ones above.
pub fn duration_text(took: Duration) -> String {
    let ms = took.as_secs_f64() * 1000.0;
    match ms {
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms if ms < 10_000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1000.0),
    }
}

/// As time is counted everywhere else.
pub fn delta(took: Duration) -> TimeDelta {
    TimeDelta(i64::try_from(took.as_millis()).unwrap_or(i64::MAX))
}
