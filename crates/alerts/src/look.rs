//! When, and for what, a group is looked at.

use bellwether_model::Timestamp;

/// A look at a group: what time it is, which moment on the group's grid it stands for, and what it is for.
#[derive(Clone, Copy)]
pub(crate) struct Look {
    pub(crate) now: Timestamp,
    pub(crate) at: Timestamp,
    pub(crate) occasion: Occasion,
}

/// Why a group is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Its own time has come.
    Flush,
    /// The pause of a message to one integration is over.
    Retry,
    /// One integration should know of it already, and does not.
    Late,
    /// Somebody took what fires or gave it back, or their time is over. Everything else waits for the group's own time.
    Ack,
}
