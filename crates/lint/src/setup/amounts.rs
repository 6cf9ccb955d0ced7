//! Amounts in sentences: percentages, lengths of time, factors such as `14.4x`. People write them in many ways; what is
//! none of the known ones is no amount.

use std::ops::Range;

use bellwether_model::TimeDelta;

/// An amount and where it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount<T> {
    /// How much.
    pub value: T,
    /// Where, the unit included.
    pub range: Range<usize>,
}

/// Units of time as people and Prometheus write them, longer ones of a beginning first, with their seconds.
const UNITS: &[(&str, f64)] = &[
    ("milliseconds", 0.001),
    ("millisecond", 0.001),
    ("msec", 0.001),
    ("ms", 0.001),
    ("minutes", 60.0),
    ("minute", 60.0),
    ("mins", 60.0),
    ("min", 60.0),
    ("months", 2_592_000.0),
    ("month", 2_592_000.0),
    ("m", 60.0),
    ("seconds", 1.0),
    ("second", 1.0),
    ("secs", 1.0),
    ("sec", 1.0),
    ("s", 1.0),
    ("hours", 3600.0),
    ("hour", 3600.0),
    ("hrs", 3600.0),
    ("hr", 3600.0),
    ("h", 3600.0),
    ("days", 86_400.0),
    ("day", 86_400.0),
    ("d", 86_400.0),
    ("weeks", 604_800.0),
    ("week", 604_800.0),
    ("w", 604_800.0),
];

/// All percentages: `99.5%`, `0.1 %`, `95 percent`. The value is the number as written.
pub fn percentages(text: &str) -> Vec<Amount<f64>> {
    numbers(text)
        .into_iter()
        .filter_map(|number| {
            let rest = &text[number.range.end..];
            let blanks = rest.len() - rest.trim_start_matches(' ').len();
            let unit =
                ["%", "percent", "per cent"].into_iter().find(|unit| rest[blanks..].starts_with(unit))?;
            let range = number.range.start..number.range.end + blanks + unit.len();
            (blanks <= 1).then_some(Amount { value: number.value, range })
        })
        .collect()
}

/// All lengths of time: `2 hours`, `28-day`, `200ms`, `30d`.
pub fn durations(text: &str) -> Vec<Amount<TimeDelta>> {
    numbers(text)
        .into_iter()
        .filter_map(|number| {
            let rest = &text[number.range.end..];
            let gap = usize::from(rest.starts_with([' ', '-']));
            let word_end = |unit: &str| {
                !rest[gap + unit.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            };
            let lower = rest.get(gap..)?.to_ascii_lowercase();
            let (unit, seconds) = UNITS.iter().find(|(unit, _)| lower.starts_with(unit) && word_end(unit))?;
            let range = number.range.start..number.range.end + gap + unit.len();
            Some(Amount { value: TimeDelta::from_secs_f64(number.value * seconds), range })
        })
        .collect()
}

/// All factors: `14.4x`, `10×`. Of `1.5-2.0x` only the second has the sign.
pub fn factors(text: &str) -> Vec<Amount<f64>> {
    numbers(text)
        .into_iter()
        .filter_map(|number| {
            let rest = &text[number.range.end..];
            let sign = ["x", "X", "×"].into_iter().find(|sign| rest.starts_with(sign))?;
            let after = rest[sign.len()..].chars().next();
            let range = number.range.start..number.range.end + sign.len();
            (!after.is_some_and(char::is_alphanumeric)).then_some(Amount { value: number.value, range })
        })
        .collect()
}

/// All plain decimal numbers that do not belong to a word: `14.4`, not the `2` of `v2`.
pub fn numbers(text: &str) -> Vec<Amount<f64>> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let begins = at;
        while at < bytes.len() && is_digit_at(bytes, at) {
            at += 1;
        }
        let is_in_word = begins > 0
            && (bytes[begins - 1].is_ascii_alphanumeric()
                || bytes[begins - 1] == b'_'
                || bytes[begins - 1] == b'.');
        let written = text[begins..at].replace(',', "");
        if let (false, Ok(value)) = (is_in_word, written.parse::<f64>()) {
            found.push(Amount { value, range: begins..at });
        }
    }
    found
}

/// A digit, or a point or a thousands' comma between digits.
fn is_digit_at(bytes: &[u8], at: usize) -> bool {
    let digit = |index: usize| bytes.get(index).is_some_and(u8::is_ascii_digit);
    match bytes[at] {
        b'.' => digit(at + 1),
        b',' => digit(at + 1) && digit(at + 2) && digit(at + 3) && !digit(at + 4),
        other => other.is_ascii_digit(),
    }
}

/// A length of time as people say it: `50 h`, `1 h 40 min`, `5 d`.
pub fn spoken(delta: TimeDelta) -> String {
    let seconds = delta.as_secs_f64();
    let short = |value: f64| {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let whole = |unit: f64| (seconds / unit).fract() == 0.0;
    match seconds {
        s if s < 1.0 => format!("{} ms", short(s * 1000.0)),
        s if s < 120.0 && !whole(60.0) => format!("{} s", short(s)),
        s if s < 7200.0 && !whole(3600.0) => format!("{} min", short(s / 60.0)),
        s if s < 172_800.0 || (s < 345_600.0 && !whole(86_400.0)) => format!("{} h", short(s / 3600.0)),
        s => format!("{} d", short(s / 86_400.0)),
    }
}

/// A number with at most four digits after the point and no trailing zeros.
pub fn short_number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Whole numbers wherever they stand, inside words too: the `5` of `rate5m`.
pub(crate) fn numbers_anywhere(text: &str) -> Vec<Amount<u64>> {
    let (bytes, mut found, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let begins = at;
        while at < bytes.len() && bytes[at].is_ascii_digit() {
            at += 1;
        }
        if let Some(Ok(value)) = text.get(begins..at).map(str::parse) {
            found.push(Amount { value, range: begins..at });
        }
        at += 1;
    }
    found
}
