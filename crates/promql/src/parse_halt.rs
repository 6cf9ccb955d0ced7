//! How reading a part of a query ends without a tree.

use crate::parse_error::ParseError;

/// Why a part of the text gave no tree.
#[derive(Debug)]
pub(crate) enum Halt {
    /// For this reason; what follows can be read.
    Problem(Box<ParseError>),
    /// For a reason that is noted already; nothing more can be read.
    Reported,
    /// It is nested too deeply; going on would only find more of it.
    TooDeep(Box<ParseError>),
}

impl From<ParseError> for Halt {
    fn from(error: ParseError) -> Self {
        Self::Problem(Box::new(error))
    }
}

/// A part of the tree, or why there is none.
pub(crate) type Parsed<T> = Result<T, Halt>;
