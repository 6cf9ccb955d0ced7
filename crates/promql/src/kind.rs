//! The kinds of value there are. Operators, functions and expressions say in them what they take and give.

/// What an expression evaluates to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// One number per moment.
    Scalar,
    /// A text.
    Text,
    /// At most one sample per series and moment.
    Vector,
    /// Several samples per series and moment.
    Range,
}

impl Kind {
    /// As error messages call it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "instant vector",
            Self::Range => "range vector",
        }
    }
}
