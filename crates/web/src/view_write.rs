//! What a push comes to, as HTTP tells of it.

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
    /// The body is none of the protocol; sending it again is of no use.
    Malformed(String),
    /// There is too much of it.
    TooLarge(String),
    /// It is to be sent again.
    Unavailable(String),
}
