//! Why a body is refused, and where: a scrape is taken whole or not at all, so its error must lead to the line.

use std::fmt;

/// The first thing wrong in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

impl fmt::Display for ScanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

impl std::error::Error for ScanError {}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else stands where the format asks for something.
    #[error("expected {wanted}, found {found}")]
    Expected {
        /// What the format asks for.
        wanted: &'static str,
        /// What stands there, as an excerpt.
        found: String,
    },
    /// A carriage return where a line should end.
    #[error("carriage return before the end of the line; lines end with a line feed alone")]
    CarriageReturn,
    /// A quoted text goes on to the end of the line.
    #[error("the quote opened here is not closed on this line; write a line feed inside a value as \\n")]
    QuoteNotClosed,
    /// A character that only a quoted name may hold.
    #[error(
        "{found} cannot stand in a bare metric name; write the name quoted inside the braces: {{\"name\", label=\"value\"}}"
    )]
    BareName {
        /// What stands there.
        found: String,
    },
    /// Braces without a metric name before or inside them.
    #[error("this series has no metric name; write it before the brace, or quoted inside")]
    NameMissing,
    /// Two metric names for one series.
    #[error("a second metric name, {0:?}; a series has one")]
    NameTwice(String),
    /// A metric or label name of no characters.
    #[error("a name may not be empty")]
    NameEmpty,
    /// One label is named twice.
    #[error("label {0:?} is given twice")]
    LabelTwice(String),
    /// Not a number as Prometheus reads numbers.
    #[error("{0:?} is not a number; write digits such as 12, 0.5 or 1e9, or NaN, +Inf or -Inf")]
    NotANumber(String),
    /// A number beyond what a float can hold.
    #[error("{0:?} is too large for a 64-bit float")]
    NumberTooLarge(String),
    /// Not a time in whole milliseconds.
    #[error("{0:?} is not a timestamp; write whole milliseconds since 1970")]
    NotATimestamp(String),
    /// A TYPE line with an unknown type.
    #[error("unknown metric type {0:?}; use counter, gauge, histogram, summary or untyped")]
    UnknownType(String),
    /// The body stops within a line.
    #[error("the body ends within this line, without a line feed: it was cut off")]
    Truncated,
    /// An OpenMetrics body without its last line.
    #[error(
        "the body does not end with # EOF: it was cut off, or is not OpenMetrics as its Content-Type says"
    )]
    NoEof,
    /// More after the last line.
    #[error("something stands after # EOF; it is the last line")]
    AfterEof,
    /// An empty line in OpenMetrics.
    #[error("OpenMetrics has no empty lines; leave it out")]
    BlankLine,
    /// A comment in OpenMetrics.
    #[error("OpenMetrics has no comments but `# HELP `, `# TYPE `, `# UNIT ` and `# EOF`; leave it out")]
    Comment,
    /// A TYPE line of OpenMetrics with an unknown type.
    #[error(
        "unknown metric type {0:?}; use counter, gauge, histogram, gaugehistogram, summary, info, stateset or unknown"
    )]
    UnknownOpenMetricsType(String),
    /// A unit that the metric's name does not end with.
    #[error("the unit {0:?} is not how the name ends; name the metric ..._{0}, or leave the unit out")]
    UnitNotInName(String),
    /// Not a time in seconds.
    #[error("{0:?} is not a timestamp; write seconds since 1970, such as 1520879607.789")]
    NotSeconds(String),
    /// Bytes that are not text.
    #[error("byte 0x{0:02x} is not valid UTF-8 here")]
    NotUtf8(u8),
    /// More of something than is accepted.
    #[error("{what}: more than the limit of {limit}")]
    TooMuch {
        /// What was counted.
        what: &'static str,
        /// The most that is accepted.
        limit: usize,
    },
}

/// A problem at a byte of a line, before its line and column are known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: Problem,
}

impl Fault {
    #[cold]
    pub(crate) fn new(at: usize, problem: Problem) -> Self {
        Self { at, problem }
    }

    /// Something else than `wanted` stands at a byte of the line.
    #[cold]
    pub(crate) fn expected(line: &str, at: usize, wanted: &'static str) -> Self {
        if line.as_bytes().get(at) == Some(&b'\r') {
            return Self::new(at, Problem::CarriageReturn);
        }
        Self::new(at, Problem::Expected { wanted, found: excerpt(line, at) })
    }

    /// Turns the place in the line into a column.
    #[cold]
    pub(crate) fn on_line(self, line: &str, number: usize) -> ScanError {
        let column = line.char_indices().take_while(|(at, _)| *at < self.at).count() + 1;
        ScanError { line: number, column, problem: self.problem }
    }
}

/// How much of a line an error shows.
const EXCERPT_CHARS_MAX: usize = 24;

/// What stands at a byte of the line, short enough for a message.
pub(crate) fn excerpt(line: &str, at: usize) -> String {
    let rest = line.get(at..).unwrap_or("");
    if rest.is_empty() {
        return "the end of the line".to_owned();
    }
    let mut shown: String = rest.chars().take(EXCERPT_CHARS_MAX).collect();
    if shown.len() < rest.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}
