//! A question to both sides: a query, and the moment or the moments.

use std::fmt;

/// A query and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    pub query: String,
    pub when: When,
}

/// Moments in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(i64),
    Over { start: i64, end: i64, step: i64 },
}

impl Ask {
    /// The path of the API and the fields of its form.
    pub fn request(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let query = ("query", self.query.clone());
        match self.when {
            When::At(at) => ("/api/v1/query", vec![query, ("time", seconds(at))]),
            When::Over { start, end, step } => {
                let times = [("start", seconds(start)), ("end", seconds(end)), ("step", seconds(step))];
                ("/api/v1/query_range", [query].into_iter().chain(times).collect())
            }
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.when {
            When::At(at) => write!(f, "{}    at {}", self.query, seconds(at)),
            When::Over { start, end, step } => {
                write!(
                    f,
                    "{}    from {} to {} by {}",
                    self.query,
                    seconds(start),
                    seconds(end),
                    seconds(step)
                )
            }
        }
    }
}

/// Milliseconds as decimal seconds.
pub fn seconds(ms: i64) -> String {
    let (sign, ms) = (if ms < 0 { "-" } else { "" }, ms.unsigned_abs());
    match ms % 1000 {
        0 => format!("{sign}{}", ms / 1000),
        part => format!("{sign}{}.{part:03}", ms / 1000),
    }
}
