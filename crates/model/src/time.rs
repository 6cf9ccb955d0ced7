//! Time as the whole house counts it: signed milliseconds, either since the Unix epoch or between two moments.
//!
//! Durations are written the way Prometheus writes them (`1h30m`), because that is what every file we read uses.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// A signed distance between two moments, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeDelta(pub i64);

impl Timestamp {
    /// The earliest moment that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest moment that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// From milliseconds since the epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(s: i64) -> Self {
        Self(s.saturating_mul(1000))
    }

    /// From seconds since the epoch as Prometheus' API writes them, rounded to the millisecond.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1000.0).round() as i64)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The latest multiple of `step` that is not after this moment. `step` must be positive.
    pub fn floor_to(self, step: TimeDelta) -> Self {
        assert!(step.0 > 0, "a grid needs a positive step");
        Self(self.0.div_euclid(step.0).saturating_mul(step.0))
    }

    /// The earliest multiple of `step` that is not before this moment. `step` must be positive.
    pub fn ceil_to(self, step: TimeDelta) -> Self {
        let floor = self.floor_to(step);
        if floor == self { self } else { floor + step }
    }

    /// Adds in a constant; like `+`, it stops at [`Timestamp::MAX`] and [`Timestamp::MIN`].
    pub const fn saturating_add(self, d: TimeDelta) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds, e.g. `2026-11-21T03:04:05.006Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_date(days);
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{:03}Z", ms % 1000)
    }
}

/// Year, month and day of a day counted from the epoch, in the proleptic Gregorian calendar.
/// Source: H. Hinnant, "chrono-compatible low-level date algorithms".
pub fn civil_date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

impl TimeDelta {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// One second.
    pub const SECOND: Self = Self(1000);
    /// One minute.
    pub const MINUTE: Self = Self(60_000);
    /// One hour.
    pub const HOUR: Self = Self(3_600_000);
    /// Twenty-four hours.
    pub const DAY: Self = Self(86_400_000);

    /// From milliseconds.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// From whole seconds.
    pub const fn from_secs(s: i64) -> Self {
        Self(s * 1000)
    }

    /// From seconds with a fraction, rounded to the millisecond.
    pub fn from_secs_f64(s: f64) -> Self {
        Self((s * 1000.0).round() as i64)
    }

    /// Milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds, with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// As the standard library's duration; negative becomes zero.
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.max(0) as u64)
    }
}

/// Why a text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// There was nothing to read.
    #[error("empty duration; write a number and a unit, such as 30s or 5m")]
    Empty,
    /// A number stands without its unit.
    #[error("{0} has no unit; write one of ms, s, m, h, d, w, y after the number, such as {0}s")]
    NoUnit(String),
    /// The unit is not one of Prometheus' seven.
    #[error("unknown unit {0:?}; use ms, s, m, h, d, w or y")]
    UnknownUnit(String),
    /// Units must go from large to small, each once.
    #[error("units out of order; write large before small, each once, such as 1h30m")]
    OutOfOrder,
    /// More than about 292 million years.
    #[error("duration too long")]
    TooLong,
    /// Something else where a number was expected.
    #[error("{0:?} is not a duration; write a number and a unit, such as 30s, 5m or 1h30m")]
    NotANumber(String),
}

/// Units from large to small with their milliseconds; a year is 365 days, as in Prometheus.
pub const DURATION_UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

impl FromStr for TimeDelta {
    type Err = DurationError;

    /// Reads Prometheus' notation: `90s`, `1h30m`, `100ms`, `0`. A sign is not part of it.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        if text.is_empty() {
            return Err(DurationError::Empty);
        }
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let (mut rest, mut total, mut next_unit) = (text, 0i64, 0usize);
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return Err(DurationError::NotANumber(text.to_owned()));
            }
            let (number, tail) = rest.split_at(digits);
            let letters = tail.len() - tail.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
            if letters == 0 {
                return Err(DurationError::NoUnit(number.to_owned()));
            }
            let (unit, tail) = tail.split_at(letters);
            let index = DURATION_UNITS
                .iter()
                .position(|(name, _)| *name == unit)
                .ok_or_else(|| DurationError::UnknownUnit(unit.to_owned()))?;
            if index < next_unit {
                return Err(DurationError::OutOfOrder);
            }
            next_unit = index + 1;
            let number: i64 = number.parse().map_err(|_| DurationError::TooLong)?;
            total = number
                .checked_mul(DURATION_UNITS[index].1)
                .and_then(|ms| total.checked_add(ms))
                .ok_or(DurationError::TooLong)?;
            rest = tail;
        }
        Ok(Self(total))
    }
}

impl fmt::Display for TimeDelta {
    /// Prometheus' notation: `1h30m`, `15s`, `0s`. Weeks and years appear only when they divide evenly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let mut rest = self.0.unsigned_abs();
        for (index, (unit, ms)) in DURATION_UNITS.iter().enumerate() {
            let ms = *ms as u64;
            let only_whole = index < 2; // 9d reads better than 1w2d
            if rest >= ms && (!only_whole || rest.is_multiple_of(ms)) {
                write!(f, "{}{unit}", rest / ms)?;
                rest %= ms;
            }
        }
        Ok(())
    }
}

impl Serialize for TimeDelta {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeDelta {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.as_str()),
        };
        let delta: Self =
            if digits == "0s" { Self::ZERO } else { digits.parse().map_err(serde::de::Error::custom)? };
        Ok(Self(delta.0 * sign))
    }
}

// Whatever a sender writes is a moment, the first and the last there can be among them: all of it stops at the ends.
impl Add<TimeDelta> for Timestamp {
    type Output = Self;
    fn add(self, d: TimeDelta) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}
impl Sub<TimeDelta> for Timestamp {
    type Output = Self;
    fn sub(self, d: TimeDelta) -> Self {
        Self(self.0.saturating_sub(d.0))
    }
}
impl Sub for Timestamp {
    type Output = TimeDelta;
    fn sub(self, other: Self) -> TimeDelta {
        TimeDelta(self.0.saturating_sub(other.0))
    }
}
impl AddAssign<TimeDelta> for Timestamp {
    fn add_assign(&mut self, d: TimeDelta) {
        *self = *self + d;
    }
}
impl SubAssign<TimeDelta> for Timestamp {
    fn sub_assign(&mut self, d: TimeDelta) {
        *self = *self - d;
    }
}
impl Add for TimeDelta {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for TimeDelta {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl Neg for TimeDelta {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.saturating_neg())
    }
}
impl Mul<i64> for TimeDelta {
    type Output = Self;
    fn mul(self, n: i64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}
