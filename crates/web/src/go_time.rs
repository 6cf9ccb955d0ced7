//! Moments as Alertmanager's API takes them: RFC 3339 with any fraction, what lies close to it, and Go's zero time,
//! which means "none". Written by hand because every alert has two of them, and because years up to 9999 count.

use std::borrow::Cow;
use std::fmt;

use bellwether_model::Timestamp;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// The year 1 begins here: what Go sends for a time that was never set.
const ZERO_MS: i64 = -62_135_596_800_000;

/// A moment of a request; `None` when it is missing, null, or Go's zero time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoTime(pub(crate) Option<Timestamp>);

impl<'de> Deserialize<'de> for GoTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = GoTime;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time such as \"2026-11-21T03:04:05Z\"")
            }

            fn visit_unit<E: Error>(self) -> Result<GoTime, E> {
                Ok(GoTime(None))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<GoTime, E> {
                read(text).map(GoTime).ok_or_else(|| {
                    let shown: Cow<'_, str> = match text.char_indices().nth(40) {
                        Some((end, _)) => format!("{}…", &text[..end]).into(),
                        None => text.into(),
                    };
                    E::custom(format!("{shown:?} is not a time; write RFC 3339 such as 2026-11-21T03:04:05Z"))
                })
            }
        }
        deserializer.deserialize_any(Text)
    }
}

/// Reads a moment; the outer `None` says that it is none.
#[expect(clippy::option_option, reason = "no time and Go's zero time are two things")]
pub(crate) fn read(text: &str) -> Option<Option<Timestamp>> {
    if text.is_empty() {
        return Some(Some(Timestamp(0))); // as the library of Alertmanager reads it
    }
    let ms = milliseconds(text.as_bytes())?;
    Some((ms != ZERO_MS).then_some(Timestamp(ms)))
}

/// `YYYY-MM-DD`, then perhaps `T` or a space and `HH:MM`, `:SS`, a fraction, and a zone; UTC without one.
fn milliseconds(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let date = [number(date.get(..4)?)?, number(date.get(5..7)?)?, number(date.get(8..)?)?];
    if [text[4], text[7]] != *b"--" || !is_date(date) {
        return None;
    }
    let days = days_from_civil(date) * 86_400_000;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return rest.is_empty().then_some(days);
    };
    let (clock, rest) = rest.split_at_checked(5)?;
    let (hour, minute) = (number(&clock[..2])?, number(&clock[3..])?);
    let (second, fraction_ms, rest) = seconds(rest)?;
    let in_range = clock[2] == b':' && hour < 24 && minute < 60 && second < 60;
    let offset = in_range.then(|| zone(rest))??;
    Some(days + ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction_ms)
}

/// Digits, and nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, byte| byte.is_ascii_digit().then(|| n * 10 + i64::from(byte - b'0')))
}

fn is_date([year, month, day]: [i64; 3]) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    };
    (1..=12).contains(&month) && (1..=days).contains(&day)
}

/// Days since the epoch. Source: H. Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil([year, month, day]: [i64; 3]) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// `:SS` and a fraction, both of which may be missing; the fraction in milliseconds, and what follows.
fn seconds(text: &[u8]) -> Option<(i64, i64, &[u8])> {
    let Some((b':', rest)) = text.split_first() else { return Some((0, 0, text)) };
    let (digits, rest) = rest.split_at_checked(2)?;
    let second = number(digits)?;
    let Some((b'.' | b',', rest)) = rest.split_first() else { return Some((second, 0, rest)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = rest.split_at(length);
    let digit = |at: usize| fraction.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    (length > 0).then_some((second, digit(0) * 100 + digit(1) * 10 + digit(2), rest))
}

/// Minutes east of UTC.
fn zone(text: &[u8]) -> Option<i64> {
    match text {
        [] | [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let (hours, minutes) = match digits {
                [_, _, b':', _, _] => (number(&digits[..2])?, number(&digits[3..])?),
                [_, _, _, _] => (number(&digits[..2])?, number(&digits[2..])?),
                _ => return None,
            };
            let east = if *sign == b'+' { 1 } else { -1 };
            (hours < 24 && minutes < 60).then_some(east * (hours * 60 + minutes))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, read};

    #[test]
    fn moments_are_read_as_alertmanager_reads_them() {
        for (text, want) in [
            ("2026-11-21T03:04:05Z", "2026-11-21T03:04:05.000Z"),
            ("2026-11-21T03:04:05.123456789+02:00", "2026-11-21T01:04:05.123Z"),
            ("2026-11-21t03:04:05.1z", "2026-11-21T03:04:05.100Z"),
            ("2026-11-21T03:04:05-0130", "2026-11-21T04:34:05.000Z"),
            ("2026-11-21T03:04", "2026-11-21T03:04:00.000Z"),
            ("2026-11-21 03:04:05", "2026-11-21T03:04:05.000Z"),
            ("2024-02-29", "2024-02-29T00:00:00.000Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
            ("0001-01-01T00:00:01Z", "0001-01-01T00:00:01.000Z"),
            ("", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(
                read(text).flatten().map(|at: Timestamp| at.to_string()).as_deref(),
                Some(want),
                "{text}"
            );
        }
        assert_eq!(read("0001-01-01T00:00:00Z"), Some(None), "Go's zero time is none");
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let many = "9".repeat(1000);
        for text in [
            "x",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "2026-00-10",
            "2026-11-21T",
            "2026-11-21T25:00:00Z",
            "2026-11-21T03:60:00Z",
            "2026-11-21T03:04:05.Z",
            "2026-11-21T03:04:05+2",
            "2026-11-21T03:04:05Zx",
            "10000-12-31T23:59:59Z",
            "2026/11/21",
            "2026-11-21T03.04",
            "é026-11-21",
            &many,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
