//! A place in a text that is read from left to right.

use crate::parse::named_number;
use crate::parse_error::ParseError;

pub(super) struct Cursor<'a> {
    text: &'a str,
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Skips blanks; says whether there were any.
    pub(super) fn skip_blanks(&mut self) -> bool {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start().len();
        self.at += blanks;
        blanks > 0
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes letters and underscores.
    pub(super) fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic() && c != '_').unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// What stands here up to the next blank, for messages.
    pub(super) fn error(&self, message: impl Into<String>) -> ParseError {
        let rest = self.rest();
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        ParseError::new(self.at..self.at + end, message)
    }

    /// A number without a sign.
    pub(super) fn number(&mut self) -> Result<f64, ParseError> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| from + bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if end > 0 && matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if digits(signed) > signed {
                end = digits(signed);
            }
        }
        if end == 0 {
            let letters = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            // No name of a number contains an x, which may follow as the sign of repetition.
            let letters = rest[..letters].find('x').unwrap_or(letters);
            if let Some(value) = named_number(&rest[..letters]) {
                self.at += letters;
                return Ok(value);
            }
        }
        let Ok(value) = rest[..end].parse() else {
            return Err(self.error("expected a number"));
        };
        self.at += end;
        Ok(value)
    }

    /// A number that may have a sign.
    pub(super) fn signed_number(&mut self) -> Result<f64, ParseError> {
        let is_negative = self.take("-");
        if !is_negative {
            self.take("+");
        }
        let value = self.number()?;
        Ok(if is_negative { -value } else { value })
    }

    /// A whole number that may have a sign.
    pub(super) fn integer(&mut self) -> Result<i32, ParseError> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest.as_bytes()[sign..].iter().take_while(|b| b.is_ascii_digit()).count();
        let Ok(value) = rest[..sign + digits].parse() else {
            return Err(self.error("expected a whole number"));
        };
        self.at += sign + digits;
        Ok(value)
    }

    /// How often something is repeated.
    pub(super) fn repetitions(&mut self) -> Result<usize, ParseError> {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Ok(count) = rest[..digits].parse() else {
            let error = self.error("expected a whole number of repetitions after \"x\"");
            return Err(error.with_help("write it without blanks, such as 1+2x10"));
        };
        self.at += digits;
        Ok(count)
    }
}
