//! Why a protobuf body is refused, and in which of its metric families.

use super::native::NativeError;
use super::wire::WireError;

/// Why a body is refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {problem}", place(*.number, .name))]
pub struct ProtobufError {
    /// Which metric family, from 1.
    pub number: usize,
    /// Its name, if that was read.
    pub name: String,
    /// What is wrong in it.
    pub problem: ProtobufProblem,
}

fn place(number: usize, name: &str) -> String {
    if name.is_empty() {
        format!("metric family {number}")
    } else {
        format!("metric family {number}, {name:?}")
    }
}

/// What can be wrong with a metric family.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProtobufProblem {
    /// Not a message.
    #[error(
        "not a protobuf message: {0}; the body may be cut off, or of another format than its Content-Type says"
    )]
    Wire(String),
    /// No name, or none that is text.
    #[error("a metric family needs a name of UTF-8 text")]
    Name,
    /// Text that is none.
    #[error("{0} is not valid UTF-8")]
    NotUtf8(&'static str),
    /// A kind of metric that is not known.
    #[error("unknown metric type {0}; 0 (counter) to 5 (gauge histogram) are known")]
    UnknownType(u64),
    /// The name does not end with the unit.
    #[error("the unit {unit:?} is not how the name ends; name it ..._{unit}, or leave the unit out")]
    Unit {
        /// The unit.
        unit: String,
    },
    /// A label without a name.
    #[error("a label needs a name of UTF-8 text")]
    LabelName,
    /// A native histogram that is none.
    #[error("native histogram: {0}")]
    Native(#[from] NativeError),
    /// More of something than is accepted.
    #[error("{what}: more than the limit of {limit}")]
    TooMuch {
        /// What was counted.
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },
}

impl From<WireError> for ProtobufProblem {
    fn from(error: WireError) -> Self {
        Self::Wire(error.to_string())
    }
}
