//! Amounts as scenarios write them, kept as whole numbers so that what is dealt out is exact: rates, shares of a whole,
//! sizes of observations, and moments counted from the start of the story.

use std::fmt;

use bellwether_model::TimeDelta;

/// Amounts are counted in billionths: every decimal with up to nine digits is exact.
pub const WHOLE: i128 = 1_000_000_000;

/// Events per time: `50/s`, `5/m`, `400/15s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many events, in billionths.
    pub events: i128,
    /// In this many milliseconds; above zero.
    pub per_ms: i64,
}

impl Rate {
    /// Reads it; a number alone is per second.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (events, per) = text.split_once('/').unwrap_or((text, "s"));
        let wrong = || format!("{text:?} is not a rate; write events per time, such as 50/s or 12/m");
        let events = decimal(events.trim()).filter(|events| (0..=WHOLE * 1_000_000_000).contains(events));
        let per = per.trim();
        let per: TimeDelta = match per.starts_with(|c: char| c.is_ascii_digit()) {
            true => per.parse().map_err(|_| wrong())?,
            false => format!("1{per}").parse().map_err(|_| wrong())?,
        };
        match events {
            Some(events) if per > TimeDelta::ZERO => Ok(Self { events, per_ms: per.0 }),
            _ => Err(wrong()),
        }
    }

    /// How much of an event a millisecond brings to whoever gets this share, in billionths of billionths, for so many
    /// milliseconds.
    pub fn over(self, share: i128, length: TimeDelta) -> i128 {
        self.events * share * i128::from(length.0) / i128::from(self.per_ms)
    }

    /// Events per second, for people.
    pub fn per_second(self) -> f64 {
        self.events as f64 / WHOLE as f64 * 1000.0 / self.per_ms as f64
    }
}

impl fmt::Display for Rate {
    /// As it could have been written: `50/s`, `400/15s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events as f64 / WHOLE as f64;
        match TimeDelta(self.per_ms) {
            TimeDelta::SECOND => write!(f, "{events}/s"),
            per => write!(f, "{events}/{per}"),
        }
    }
}

/// A share in billionths as it could have been written: `2%`.
pub fn share_text(share: i128) -> String {
    format!("{}%", share as f64 / (WHOLE / 100) as f64)
}

/// A decimal number in billionths; `None` for anything else.
pub fn decimal(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let too_long = whole.len() > 15 || fraction.len() > 9;
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) || too_long {
        return None;
    }
    let number = |text: &str| if text.is_empty() { Some(0) } else { text.parse::<i128>().ok() };
    let scale = 10_i128.pow(9 - fraction.len() as u32);
    Some(sign * (number(whole)? * WHOLE + number(fraction)? * scale))
}

/// A share of a whole in billionths: `0.02`, `2%`.
pub fn share(text: &str) -> Result<i128, String> {
    let wrong = || format!("{text:?} is not a share; write a number from 0 to 1 such as 0.02, 2%, or rest");
    let amount = match text.strip_suffix('%') {
        Some(percent) => decimal(percent.trim()).ok_or_else(wrong)? / 100,
        None => decimal(text).ok_or_else(wrong)?,
    };
    if (0..=WHOLE).contains(&amount) { Ok(amount) } else { Err(wrong()) }
}

/// Named parts of a whole; one of them may be whatever the others leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shares {
    /// The parts in the order written; `None` for the rest.
    pub parts: Vec<(String, Option<i128>)>,
}

impl Shares {
    /// Reads them from names and texts.
    pub fn parse(parts: &[(String, String)]) -> Result<Self, String> {
        let part = |(name, text): &(String, String)| match text.as_str() {
            "rest" => Ok((name.clone(), None)),
            text => Ok::<_, String>((name.clone(), Some(share(text)?))),
        };
        let shares = Self { parts: parts.iter().map(part).collect::<Result<_, _>>()? };
        shares.checked()
    }

    /// The same with one of them changed; what is the rest gives way.
    pub fn with(&self, name: &str, text: &str) -> Result<Self, String> {
        let mut shares = self.clone();
        let Some(part) = shares.parts.iter_mut().find(|(known, _)| known == name) else {
            let known: Vec<&str> = self.parts.iter().map(|(name, _)| name.as_str()).collect();
            return Err(format!("there is no part {name:?}; there are {}", known.join(", ")));
        };
        part.1 = if text == "rest" { None } else { Some(share(text)?) };
        shares.checked()
    }

    /// The same parts with other shares, all of them stated.
    pub fn replaced(&self, parts: &[(String, String)]) -> Result<Self, String> {
        let known = |name: &String| self.parts.iter().any(|(own, _)| own == name);
        if parts.len() != self.parts.len() || !parts.iter().all(|(name, _)| known(name)) {
            let names: Vec<&str> = self.parts.iter().map(|(name, _)| name.as_str()).collect();
            return Err(format!("state all of the parts, which are {}", names.join(", ")));
        }
        let mut shares = Self::parse(parts)?;
        shares.parts.sort_by_key(|(name, _)| self.parts.iter().position(|(own, _)| own == name));
        Ok(shares)
    }

    fn checked(self) -> Result<Self, String> {
        let stated: i128 = self.parts.iter().filter_map(|(_, share)| *share).sum();
        let rests = self.parts.iter().filter(|(_, share)| share.is_none()).count();
        let percent = (stated as f64 / 10.0).round() / 1e6;
        match rests {
            _ if self.parts.is_empty() => Err("there are no parts; write at least one".to_owned()),
            0 if stated != WHOLE => {
                Err(format!("the shares add up to {percent} %, not 100 %; write rest for one of them"))
            }
            0 | 1 if stated > WHOLE => Err(format!("the shares add up to {percent} %, more than 100 %")),
            0 | 1 => Ok(self),
            _ => Err("only one part can be the rest".to_owned()),
        }
    }

    /// Each part with its share in billionths; together the whole.
    pub fn all(&self) -> impl Iterator<Item = (&str, i128)> {
        let stated: i128 = self.parts.iter().filter_map(|(_, share)| *share).sum();
        self.parts.iter().map(move |(name, share)| (name.as_str(), share.unwrap_or(WHOLE - stated)))
    }
}

/// How large an observation is: a fixed size, or any size in a range alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    low: f64,
    high: f64,
}

impl Sizes {
    /// Reads `6` or `0.02..0.08`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a size; write a number such as 6, or a range such as 0.02..0.08");
        let (low, high) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match (number(low), number(high)) {
            (Some(low), Some(high)) if low <= high => Ok(Self { low, high }),
            _ => Err(wrong()),
        }
    }

    /// Which part of all observations is at or below a bound, in billionths.
    pub fn at_or_below(&self, bound: f64) -> i128 {
        if bound >= self.high {
            return WHOLE;
        }
        if bound < self.low {
            return 0;
        }
        ((bound - self.low) / (self.high - self.low) * WHOLE as f64).round() as i128
    }

    /// The size that this part of all observations is at or below.
    pub fn at(&self, part: f64) -> f64 {
        self.low + (self.high - self.low) * part
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        (self.low + self.high) / 2.0
    }
}

impl fmt::Display for Sizes {
    /// As it could have been written: `6`, `0.02..0.08`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.low == self.high {
            write!(f, "{}", self.low)
        } else {
            write!(f, "{}..{}", self.low, self.high)
        }
    }
}

/// A moment, counted from the start of the story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub TimeDelta);

impl Moment {
    /// Reads `+330s`, `5m30s`, `277.5s`, `0`, and sums such as `30m+277.5s`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a moment; write the time since the start, such as +330s or 1h30m");
        let mut sum = TimeDelta::ZERO;
        for part in text.trim().trim_start_matches('+').split('+') {
            sum = TimeDelta(sum.0.checked_add(length(part.trim()).ok_or_else(wrong)?.0).ok_or_else(wrong)?);
        }
        Ok(Self(sum))
    }
}

/// A duration; of seconds also one with a fraction.
fn length(text: &str) -> Option<TimeDelta> {
    let seconds = || text.strip_suffix('s').and_then(decimal).filter(|amount| *amount >= 0);
    let whole = text.parse::<TimeDelta>().ok();
    whole.or_else(|| Some(TimeDelta(i64::try_from(seconds()? / 1_000_000).ok()?)))
}

impl fmt::Display for Moment {
    /// As people read it: `+5m30s`, `+4m37.5s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.0.abs();
        let sign = if self.0 < TimeDelta::ZERO { "-" } else { "+" };
        let (whole, fraction) = (TimeDelta(ms / 1000 * 1000), ms % 1000);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let fraction = format!("{fraction:03}");
        let whole = whole.to_string();
        let (before, seconds) = match whole.strip_suffix('s') {
            Some(text) => text.rsplit_once('m').map_or((String::new(), text), |(m, s)| (format!("{m}m"), s)),
            None => (whole.clone(), "0"),
        };
        write!(f, "{sign}{before}{seconds}.{}s", fraction.trim_end_matches('0'))
    }
}
