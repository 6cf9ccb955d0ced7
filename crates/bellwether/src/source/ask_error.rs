//! Why the source has not answered, in the words a page shows, and what that means for the next try.

use bellwether_model::TimeDelta;

/// Why there is no answer that could be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// Something on our side: a file of the configuration cannot be read.
    #[error("{0}")]
    Setup(String),
    /// No connection, or one that broke off.
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("it has not answered within {0}; raise the timeout, or lower max_samples")]
    Slow(TimeDelta),
    /// It does not take us for whom we say we are.
    #[error(
        "it refuses us with status {status}: {said}; check basic_auth, authorization, headers and tenant"
    )]
    Denied {
        /// 401 or 403.
        status: u16,
        /// What it said.
        said: String,
    },
    /// It asks to be left alone for a while.
    #[error("it is asked too often (status {status}){}", wait_text(*.retry_after))]
    Limited {
        /// 429 or 503.
        status: u16,
        /// For how long.
        retry_after: Option<TimeDelta>,
    },
    /// It has trouble of its own.
    #[error("it has trouble of its own (status {status}): {said}")]
    Broken {
        /// 5xx.
        status: u16,
        /// What it said.
        said: String,
    },
    /// It will not do what was asked.
    #[error("it refuses the request (status {status}): {said}")]
    Refused {
        /// The status.
        status: u16,
        /// The kind of error in the words of Prometheus' API, such as `bad_data`; empty when it said none.
        kind: String,
        /// What it said.
        said: String,
    },
    /// The answer is too large, for it or for us: less has to be asked for at once.
    #[error("the answer is too large: {0}")]
    TooMuch(String),
    /// The answer cannot be read.
    #[error("its answer cannot be read: {0}")]
    Unreadable(String),
    /// The answer says that something is missing in it.
    #[error("its answer is not complete: {0}")]
    Partial(String),
    /// Samples lie further apart than they were scraped.
    #[error("{0}")]
    DownSampled(String),
}

fn wait_text(retry_after: Option<TimeDelta>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(" and wants to be left alone for {wait}"))
}

impl AskError {
    /// Whether asking for less may help.
    pub const fn may_be_split(&self) -> bool {
        match self {
            Self::TooMuch(_) | Self::Slow(_) => true,
            Self::Setup(_)
            | Self::Unreachable(_)
            | Self::Denied { .. }
            | Self::Limited { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::Unreadable(_)
            | Self::Partial(_)
            | Self::DownSampled(_) => false,
        }
    }

    /// How long it asked to be left alone.
    pub const fn retry_after(&self) -> Option<TimeDelta> {
        match self {
            Self::Limited { retry_after, .. } => *retry_after,
            Self::Setup(_)
            | Self::Unreachable(_)
            | Self::Slow(_)
            | Self::Denied { .. }
            | Self::Broken { .. }
            | Self::Refused { .. }
            | Self::TooMuch(_)
            | Self::Unreadable(_)
            | Self::Partial(_)
            | Self::DownSampled(_) => None,
        }
    }
}
