//! Reads numbers and durations: `0.5`, `1e3`, `0x1f`, `1_000`, `1h30m`; and what people write for durations that are
//! none, such as `5min`, `1.5h` or `1h30`.

use bellwether_model::{DURATION_UNITS, TimeDelta};

use crate::lex::{Lexer, Token, clipped, is_word_part};

/// Longest number: more digits than this say nothing that fewer do not.
const NUMBER_BYTES_MAX: usize = 1_000;

impl Lexer<'_> {
    /// Reads a number or a duration; what is neither is noted, and its likely meaning given back.
    pub(crate) fn number(&mut self) -> Token {
        let (start, rest) = (self.at, self.rest());
        let end = literal_end(rest);
        let written = &rest[..end];
        self.at += end;
        let span = start..self.at;
        if written.len() > NUMBER_BYTES_MAX {
            let message = format!(
                "number of {} characters is too long; at most {NUMBER_BYTES_MAX} are read",
                written.len()
            );
            self.problem(span, message, None);
            return Token::Number(0.0);
        }
        if let Some(value) = number_value(written) {
            if value.is_infinite() {
                let message = format!("number {:?} is out of range", clipped(written));
                self.problem(span, message, Some("write Inf for infinity"));
            }
            return Token::Number(value);
        }
        let looks_like_duration = written.bytes().any(|b| b.is_ascii_alphabetic())
            && written.starts_with(|c: char| c.is_ascii_digit())
            && !written.starts_with("0x")
            && !written.starts_with("0X");
        match written.parse::<TimeDelta>() {
            Ok(duration) if looks_like_duration => Token::Duration(duration.0),
            _ => self.neither(written, span, looks_like_duration),
        }
    }

    fn neither(&mut self, written: &str, span: std::ops::Range<usize>, is_duration: bool) -> Token {
        let message = format!("bad number or duration syntax: {:?}", clipped(written));
        if !is_duration {
            let help = "write a number such as 0.5, 1e3 or 0x1f, or a duration such as 5m";
            self.problem(span, message, Some(help));
            return Token::Number(0.0);
        }
        match read_loosely(written) {
            Ok(meant) if meant.0 > 0 => {
                self.problem(span, message, Some(&format!("write {meant}")));
                Token::Duration(meant.0)
            }
            Ok(_) => {
                self.problem(span, message, Some("write a duration such as 30s, 5m or 1h30m"));
                Token::Duration(TimeDelta::MINUTE.0)
            }
            Err(help) => {
                self.problem(span, message, Some(&help));
                Token::Duration(TimeDelta::MINUTE.0)
            }
        }
    }
}

/// Where a number or a duration ends: after letters, digits and underscores, one dot among digits, and the sign of an
/// exponent.
fn literal_end(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let is_hex = rest.starts_with("0x") || rest.starts_with("0X");
    let (mut end, mut has_dot) = (0, false);
    while let Some(byte) = bytes.get(end) {
        let goes_on = match byte {
            b'.' => !has_dot && !is_hex && bytes[..end].iter().all(|b| b.is_ascii_digit() || *b == b'_'),
            b'+' | b'-' => {
                let number = &bytes[..end];
                let is_exponent = matches!(number.last(), Some(b'e' | b'E')) && !is_hex;
                let before = &number[..number.len().saturating_sub(1)];
                is_exponent && before.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_'))
            }
            byte => is_word_part(*byte as char),
        };
        if !goes_on {
            break;
        }
        has_dot |= *byte == b'.';
        end += 1;
    }
    end
}

/// A number as Prometheus reads it. A leading zero before whole octal digits means octal, as in Go, on which it rests.
fn number_value(written: &str) -> Option<f64> {
    let digit_beside = |at: usize, is_digit: &dyn Fn(u8) -> bool| {
        let bytes = written.as_bytes();
        at > 0 && is_digit(bytes[at - 1]) && bytes.get(at + 1).copied().is_some_and(is_digit)
    };
    let hex = written.strip_prefix("0x").or_else(|| written.strip_prefix("0X"));
    let is_digit: &dyn Fn(u8) -> bool = if hex.is_some() {
        &|b| b.is_ascii_hexdigit() || b == b'x' || b == b'X'
    } else {
        &|b| b.is_ascii_digit()
    };
    // An underscore stands between two digits.
    if written.match_indices('_').any(|(at, _)| !digit_beside(at, is_digit)) {
        return None;
    }
    let digits: String = hex.unwrap_or(written).chars().filter(|c| *c != '_').collect();
    if hex.is_some() {
        return u64::from_str_radix(&digits, 16).ok().map(|value| value as f64);
    }
    let is_octal =
        digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if is_octal && let Ok(value) = u64::from_str_radix(&digits, 8) {
        return Some(value as f64);
    }
    let is_decimal =
        digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if is_decimal { digits.parse().ok() } else { None }
}

/// What somebody meant who wrote a duration that is none, or why it cannot be told.
fn read_loosely(written: &str) -> Result<TimeDelta, String> {
    let mut rest = written;
    let mut total = 0.0;
    let mut last: Option<usize> = None;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let index = match (unit_of(unit)?, last) {
            (Some(index), _) => index,
            // 1h30 is an hour and half of one.
            (None, Some(last)) if last + 1 < DURATION_UNITS.len() => last + 1,
            (None, _) => return Err("write a unit behind every number, such as 30s, 5m or 1h30m".to_owned()),
        };
        let Ok(number) = number.parse::<f64>() else {
            return Err("write a duration such as 30s, 5m or 1h30m".to_owned());
        };
        total += number * DURATION_UNITS[index].1 as f64;
        last = Some(index);
        rest = after;
    }
    let is_countable = total < TimeDelta::DAY.0 as f64 * 365.0 * 1_000.0;
    if is_countable {
        Ok(TimeDelta(total.round() as i64))
    } else {
        Err("write fewer than a thousand years".to_owned())
    }
}

/// The unit a word stands for; none for no word.
fn unit_of(word: &str) -> Result<Option<usize>, String> {
    let unit = match word.to_ascii_lowercase().as_str() {
        "" => return Ok(None),
        "mo" | "mon" | "month" | "months" => {
            return Err("months differ in length; write days, such as 30d".to_owned());
        }
        _ if word == "M" => {
            return Err("write m for minutes; months differ in length, write days, such as 30d".to_owned());
        }
        "us" | "ns" | "usec" | "nsec" | "micros" | "nanos" => {
            return Err("the smallest unit is ms".to_owned());
        }
        "y" | "yr" | "yrs" | "year" | "years" => "y",
        "w" | "wk" | "wks" | "week" | "weeks" => "w",
        "d" | "day" | "days" => "d",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "m" | "mi" | "min" | "mins" | "minute" | "minutes" => "m",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => "ms",
        other => {
            let message = format!("unknown unit {:?}; units are ms, s, m, h, d, w and y", clipped(other));
            return Err(message);
        }
    };
    Ok(DURATION_UNITS.iter().position(|(known, _)| *known == unit))
}
