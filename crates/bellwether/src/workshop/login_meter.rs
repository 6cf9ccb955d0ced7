//! What clients of the game's login measure on their own side: from the beginning of a connection to the answer to the
//! login. The server's own figures do not know how long a connection took, nor that there was none.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_ingest::{ExpositionWriter, Histogram, MetricKind};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LoginStatus {
    /// Logged in.
    Succeeded,
    /// The server's name has no address.
    FailedResolve,
    /// Nobody took the connection.
    FailedConnect,
    /// The server took the connection and refused the login.
    FailedHandshake,
    /// No answer in time.
    FailedTimeout,
}

impl LoginStatus {
    const ALL: [Self; 5] = [
        Self::Succeeded,
        Self::FailedResolve,
        Self::FailedConnect,
        Self::FailedHandshake,
        Self::FailedTimeout,
    ];

    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::FailedResolve => "failed_resolve",
            Self::FailedConnect => "failed_connect",
            Self::FailedHandshake => "failed_handshake",
            Self::FailedTimeout => "failed_timeout",
        }
    }

    /// Of an answer with a status, or of none.
    pub(super) fn of(result: &Result<reqwest::StatusCode, reqwest::Error>) -> Self {
        match result {
            Ok(status) if status.is_success() => Self::Succeeded,
            Ok(_) => Self::FailedHandshake,
            Err(error) if error.is_timeout() => Self::FailedTimeout,
            Err(error) if error.is_connect() => match is_about_names(error) {
                true => Self::FailedResolve,
                false => Self::FailedConnect,
            },
            Err(_) => Self::FailedHandshake,
        }
    }
}

/// The client says so in the text of a cause only.
fn is_about_names(error: &dyn std::error::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.to_string().contains("dns error") {
            return true;
        }
        cause = error.source();
    }
    false
}

const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The two metrics.
#[derive(Debug)]
pub struct LoginMeter(Mutex<(BTreeMap<LoginStatus, u64>, Histogram)>);

impl Default for LoginMeter {
    fn default() -> Self {
        let counts = LoginStatus::ALL.into_iter().map(|status| (status, 0)).collect();
        Self(Mutex::new((counts, Histogram::new(&BOUNDS))))
    }
}

impl LoginMeter {
    fn lock(&self) -> MutexGuard<'_, (BTreeMap<LoginStatus, u64>, Histogram)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One attempt. How long it took is observed of those that succeeded.
    pub fn observe(&self, status: LoginStatus, took: Duration) {
        let (counts, latency) = &mut *self.lock();
        *counts.entry(status).or_default() += 1;
        if status == LoginStatus::Succeeded {
            latency.observe(took.as_secs_f64());
        }
    }

    /// What `/metrics` answers.
    pub fn render(&self) -> String {
        let mut writer = ExpositionWriter::default();
        let (counts, latency) = &*self.lock();
        let name = "loadtest_connections_total";
        writer.family(name, MetricKind::Counter, "Attempts to connect and log in, by how they ended.");
        for (status, count) in counts {
            writer.sample(name, &[("status", status.as_str())], *count as f64);
        }
        let name = "loadtest_login_latency_seconds";
        let help = "From the beginning of a connection to the answer to the login, of those that succeeded.";
        writer.family(name, MetricKind::Histogram, help);
        writer.histogram(name, &[], latency);
        writer.finish()
    }
}
