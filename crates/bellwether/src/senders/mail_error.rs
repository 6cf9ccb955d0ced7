//! Why a conversation with a mail server ended before the message was taken.

use lettre::transport::smtp::Error;

use crate::http::Unsendable;

/// Why a conversation ended early.
pub(super) enum Broken {
    /// The server said no, or went away.
    Smtp(Error),
    /// It could not be done as configured.
    Unsendable(Unsendable),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

impl From<Unsendable> for Broken {
    fn from(why: Unsendable) -> Self {
        Self::Unsendable(why)
    }
}

/// The code of a refusal.
pub(super) fn code(error: &Error) -> Option<u16> {
    error.status().map(u16::from)
}
