//! How long a receiver asks to be left alone: seconds, or a date (RFC 9110, 10.2.3), or one of the headers that were in
//! use before there was agreement.

use bellwether_model::{TimeDelta, Timestamp};

/// Headers whose number is a time to wait in seconds.
const SECONDS_LEFT: [&str; 2] = ["x-ratelimit-reset-after", "ratelimit-reset"];
/// Its number is a moment for some (Discord, GitHub), a time to wait for others.
const RESET: &str = "x-ratelimit-reset";
/// Seconds above this are a moment: nobody asks for thirty years.
const MOMENT_SECONDS_MIN: f64 = 1e9;
/// And above this the moment is in milliseconds.
const MOMENT_MILLISECONDS_MIN: f64 = 1e12;
/// Whoever asks for more is not understood.
const WAIT_SECONDS_MAX: f64 = 1e9;

/// Reads a `Retry-After` header; `None` when it says nothing that can be understood. A date in the past is no wait.
pub fn parse_retry_after(text: &str, now: Timestamp) -> Option<TimeDelta> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::from_secs(i64::from(seconds)));
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some((Timestamp(date.as_millisecond()) - now).max(TimeDelta::ZERO))
}

/// What the headers of an answer ask for; `Retry-After` counts before all others.
pub(super) fn pause<'h>(header: impl Fn(&str) -> Option<&'h str>, now: Timestamp) -> Option<TimeDelta> {
    let retry_after = header("retry-after").and_then(|text| parse_retry_after(text, now));
    retry_after.or_else(|| {
        // With calls left, the reset is when there are all of them again; no reason to wait for it.
        if ["x-ratelimit-remaining", "ratelimit-remaining"]
            .iter()
            .any(|name| header(name).is_some_and(|n| n.trim() != "0"))
        {
            return None;
        }
        let left = SECONDS_LEFT.iter().find_map(|name| seconds(header(name)?));
        left.or_else(|| reset(header(RESET)?, now))
    })
}

/// A number of seconds, fractions allowed, rounded up to a millisecond: a moment too early is refused again.
pub(super) fn seconds(text: &str) -> Option<TimeDelta> {
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..WAIT_SECONDS_MAX).contains(&seconds).then(|| TimeDelta((seconds * 1000.0).ceil() as i64))
}

fn reset(text: &str, now: Timestamp) -> Option<TimeDelta> {
    let number: f64 = text.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)?;
    if number < MOMENT_SECONDS_MIN {
        return seconds(text);
    }
    let at_ms = if number < MOMENT_MILLISECONDS_MIN { number * 1000.0 } else { number };
    Some((Timestamp(at_ms.ceil() as i64) - now).max(TimeDelta::ZERO))
}
