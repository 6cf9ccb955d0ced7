//! Moments, lengths of time and lists, as a sentence for people needs them.

use bellwether_model::{TimeDelta, Timestamp};

/// `03:04 UTC`, with seconds where there are some and with the day when it is not today's.
pub fn clock(at: Timestamp, now: Timestamp) -> String {
    if at >= Timestamp(253_402_300_800_000) {
        return "the end of time".to_owned(); // later than the year 9999
    }
    let (text, today) = (at.to_string(), now.to_string());
    let (Some(day), Some(minutes), Some(seconds)) = (text.get(..10), text.get(11..16), text.get(16..19))
    else {
        return text;
    };
    let seconds = if seconds == ":00" { "" } else { seconds };
    match today.get(..10) == Some(day) {
        true => format!("{minutes}{seconds} UTC"),
        false => format!("{day} {minutes}{seconds} UTC"),
    }
}

/// A length of time in at most two units, without milliseconds: `31s`, `4m10s`, `2h`, `3d4h`.
pub fn lasted(length: TimeDelta) -> String {
    let s = length.0.unsigned_abs() / 1000;
    let units = [("d", s / 86_400), ("h", s / 3600 % 24), ("m", s / 60 % 60), ("s", s % 60)];
    let Some(first) = units.iter().position(|(_, n)| *n > 0) else { return "0s".to_owned() };
    let shown = units[first..].iter().take(2).filter(|(_, n)| *n > 0);
    shown.map(|(unit, n)| format!("{n}{unit}")).collect()
}

/// How much later one moment is than another; senders may state moments at the ends of time.
pub(super) fn between(later: Timestamp, earlier: Timestamp) -> TimeDelta {
    TimeDelta(later.0.saturating_sub(earlier.0))
}

/// `a`, `a and b`, `a, b and c`.
pub fn listed<T: AsRef<str>>(all: &[T]) -> String {
    match all {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [before @ .., last] => {
            let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", before.join(", "), last.as_ref())
        }
    }
}

/// In brackets behind a sentence; nothing when there is nothing to say.
pub(super) fn in_brackets(text: &str) -> String {
    if text.trim().is_empty() { String::new() } else { format!(" ({})", text.trim()) }
}

/// A number as short as it can be said without being wrong in the first four digits.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (value.fract() == 0.0 && value.abs() < 1e15) {
        return format!("{value}");
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    match digits {
        0..=12 => {
            let text = format!("{value:.*}", digits as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ if digits < 0 => format!("{value:.0}"),
        _ => format!("{value:e}"),
    }
}
