//! What a push comes to, as HTTP and the page of targets tell of it.

use bellwether_model::Timestamp;

/// The message of remote write that a push holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteVersion {
    /// `prometheus.WriteRequest`.
    One,
    /// `io.prometheus.write.v2.Request`.
    Two,
}

/// What was stored of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Numbers.
    pub samples: u64,
    /// Native histograms.
    pub histograms: u64,
    /// Exemplars.
    pub exemplars: u64,
    /// Nothing was, since another replica of the sender tells the same.
    pub is_duplicate: bool,
    /// Why the rest was not, a line for each reason; empty when all was.
    pub refused: String,
}

/// Why nothing was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteRefused {
    /// The body is not packed as it says; sending it again is of no use.
    Broken(String),
    /// The body is none of the protocol, likewise.
    Malformed(String),
    /// There is too much of it.
    TooLarge(String),
    /// It is to be sent again.
    Unavailable(String),
}

/// Why nothing was taken of a request that pushes, whatever its protocol; for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestRefusal {
    /// Of a content type that is not known.
    ContentType,
    /// Packed in a way that is not known.
    ContentEncoding,
    /// Too large, packed or unpacked.
    TooLarge,
    /// It did not arrive whole, or is not packed as it says.
    Broken,
    /// It is not of the protocol.
    Malformed,
}

impl RequestRefusal {
    /// All of them, for metrics that are there before the first refusal.
    pub const ALL: [Self; 5] =
        [Self::ContentType, Self::ContentEncoding, Self::TooLarge, Self::Broken, Self::Malformed];

    /// As the metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContentType => "content_type",
            Self::ContentEncoding => "content_encoding",
            Self::TooLarge => "too_large",
            Self::Broken => "broken",
            Self::Malformed => "malformed",
        }
    }
}

/// What came in one format since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushedView {
    /// Which format, as people call it.
    pub format: &'static str,
    /// Requests that were answered.
    pub requests: u64,
    /// Numbers and native histograms stored.
    pub samples: u64,
    /// Those that were not taken.
    pub refused: u64,
    /// When the last request came.
    pub last_at: Timestamp,
    /// When something was last not taken, and why.
    pub last_refusal: Option<(Timestamp, String)>,
}
