//! How long a receiver asks to be left alone: seconds, or a date (RFC 9110, 10.2.3).

use bellwether_model::{TimeDelta, Timestamp};

/// Reads a `Retry-After` header; `None` when it says nothing that can be understood. A date in the past is no wait.
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<TimeDelta> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::from_secs(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some((Timestamp(date.as_millisecond()) - now).max(TimeDelta::ZERO))
}
