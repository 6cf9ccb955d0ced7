//! Cuts a query into tokens. Keywords are not decided here: `sum`, `by` and `offset` may also name a metric or a
//! label, so only the parser, which knows where a word stands, can tell.

use std::ops::Range;

use crate::parse_error::ParseError;

/// Byte offsets into the query's text.
pub type Span = Range<usize>;

/// The smallest unit of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A word; may contain colons outside brackets and braces.
    Word(String),
    /// A number.
    Number(f64),
    /// A duration such as `1h30m`, in milliseconds.
    Duration(i64),
    /// A text in quotes, unescaped.
    Text(String),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of the text.
    End,
}

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// Longest first, so that `>=` is not read as `>` and `=`.
const SIGNS: [&str; 28] = [
    "==", "=~", "!=", "!~", "<=", ">=", "</", ">/", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")",
    "{", "}", "[", "]", ",", ":", "@", "#", "!",
];

/// Cuts a whole query; the last token is always [`Token::End`].
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed>, ParseError> {
    let mut lexer = Lexer { text, at: 0, brackets: 0, braces: 0 };
    let mut out = Vec::new();
    loop {
        let placed = lexer.next()?;
        let is_end = placed.token == Token::End;
        out.push(placed);
        if is_end {
            return Ok(out);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Open `[`: inside them a colon separates range and step.
    brackets: u32,
    /// Open `{`: inside them a word has no colon.
    braces: u32,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn error(&self, span: Span, message: impl Into<String>, help: Option<&str>) -> ParseError {
        let mut error = ParseError::new(span, message);
        error.help = help.map(str::to_owned);
        error
    }

    fn next(&mut self) -> Result<Placed, ParseError> {
        self.skip_blank();
        let start = self.at;
        let Some(first) = self.rest().chars().next() else {
            return Ok(Placed { token: Token::End, span: start..start });
        };
        let second = self.rest()[first.len_utf8()..].chars().next();
        let digit_after_dot = first == '.' && second.is_some_and(|c| c.is_ascii_digit());
        let token = if first.is_ascii_digit() || digit_after_dot {
            self.number()?
        } else if is_word_start(first) || (first == ':' && self.colon_starts_word(second)) {
            self.word()
        } else if matches!(first, '"' | '\'' | '`') {
            self.quoted(first)?
        } else {
            self.sign(first)?
        };
        Ok(Placed { token, span: start..self.at })
    }

    fn skip_blank(&mut self) {
        loop {
            let trimmed = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
            let comment = trimmed.starts_with('#').then(|| trimmed.find('\n').unwrap_or(trimmed.len()));
            self.at = self.text.len() - trimmed.len() + comment.unwrap_or(0);
            if comment.is_none() {
                return;
            }
        }
    }

    fn colon_starts_word(&self, next: Option<char>) -> bool {
        self.brackets == 0 && self.braces == 0 && next.is_some_and(|c| is_word_start(c) || c == ':')
    }

    fn word(&mut self) -> Token {
        let with_colon = self.brackets == 0 && self.braces == 0;
        let end = self.rest().find(|c: char| !(is_word_part(c) || (with_colon && c == ':')));
        let word = self.rest()[..end.unwrap_or(self.rest().len())].to_owned();
        self.at += word.len();
        Token::Word(word)
    }

    fn sign(&mut self, first: char) -> Result<Token, ParseError> {
        let Some(sign) = SIGNS.into_iter().find(|s| self.rest().starts_with(s)) else {
            let span = self.at..self.at + first.len_utf8();
            let help = match first {
                '&' => Some("write `and`"),
                '|' => Some("write `or`"),
                ';' => Some("a query is one expression; leave the semicolon out"),
                '.' => Some("quote a name that contains dots: {\"http.requests\"}"),
                _ => None,
            };
            return Err(self.error(span, format!("unexpected character {first:?}"), help));
        };
        if sign == "!" {
            let help = Some("a matcher is written = != =~ or !~; `unless` excludes series");
            return Err(self.error(self.at..self.at + 1, "unexpected character '!'", help));
        }
        match sign {
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            "{" => self.braces += 1,
            "}" => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
        self.at += sign.len();
        Ok(Token::Sign(sign))
    }

    fn number(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        let rest = self.rest();
        if rest.starts_with("0x") || rest.starts_with("0X") {
            let end = rest.find(|c: char| !(is_word_part(c))).unwrap_or(rest.len());
            let digits: String = rest[2..end].chars().filter(|c| *c != '_').collect();
            self.at += end;
            let value = u64::from_str_radix(&digits, 16);
            return value.map(|v| Token::Number(v as f64)).map_err(|_| self.bad_number(start));
        }
        let mut end = digits_end(rest, 0);
        let after = rest[end..].chars().next();
        if after.is_some_and(|c| matches!(c, 's' | 'm' | 'h' | 'd' | 'w' | 'y')) && !rest.starts_with('.') {
            return self.duration();
        }
        if after == Some('.') {
            end = digits_end(rest, end + 1);
        }
        if rest[end..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
            end = digits_end(rest, end + 1 + sign);
        }
        let tail = rest[end..].find(|c: char| !is_word_part(c)).unwrap_or(rest.len() - end);
        let written = rest[..end].to_owned();
        self.at += end + tail;
        if tail > 0 {
            return Err(self.bad_number(start));
        }
        number_value(&written).map(Token::Number).ok_or_else(|| self.bad_number(start))
    }

    fn duration(&mut self) -> Result<Token, ParseError> {
        let start = self.at;
        let end = self.rest().find(|c: char| !is_word_part(c)).unwrap_or(self.rest().len());
        let parsed = self.rest()[..end].parse::<bellwether_model::TimeDelta>();
        self.at += end;
        parsed.map(|d| Token::Duration(d.0)).map_err(|error| {
            let help = Some("write a duration such as 30s, 5m or 1h30m");
            self.error(start..self.at, format!("bad number or duration: {error}"), help)
        })
    }

    fn bad_number(&self, start: usize) -> ParseError {
        let text = &self.text[start..self.at];
        let help = Some("write a number such as 0.5, 1e3 or 0x1f, or a duration such as 5m");
        self.error(start..self.at, format!("bad number or duration {text:?}"), help)
    }

    fn quoted(&mut self, quote: char) -> Result<Token, ParseError> {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let Some(c) = self.rest().chars().next() else {
                return Err(self.error(
                    start..self.at,
                    "unterminated quoted string",
                    Some("close the quote"),
                ));
            };
            if c == '\n' && quote != '`' {
                let help = Some("close the quote, write \\n for a line break, or quote with `backticks`");
                return Err(self.error(start..self.at, "unterminated quoted string", help));
            }
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
            if c == '\\' && quote != '`' {
                self.escape(quote, &mut bytes)?;
            } else {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Token::Text(text)),
            Err(_) => {
                Err(self.error(start..self.at, "the escapes of this string do not give valid UTF-8", None))
            }
        }
    }

    fn escape(&mut self, quote: char, out: &mut Vec<u8>) -> Result<(), ParseError> {
        let start = self.at - 1;
        let Some(c) = self.rest().chars().next() else {
            return Err(self.error(start..self.at, "unterminated escape sequence", None));
        };
        self.at += c.len_utf8();
        let simple = match c {
            'a' => 0x07,
            'b' => 0x08,
            'f' => 0x0c,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 0x0b,
            '\\' => b'\\',
            c if c == quote => c as u8,
            'x' => self.digits(start, 2, 16)? as u8,
            'u' | 'U' => {
                let code = self.digits(start, if c == 'u' { 4 } else { 8 }, 16)?;
                let c = char::from_u32(code);
                let c = c.ok_or_else(|| self.error(start..self.at, "not a Unicode character", None))?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            '0'..='7' => {
                self.at -= 1;
                let code = self.digits(start, 3, 8)?;
                u8::try_from(code)
                    .map_err(|_| self.error(start..self.at, "octal escape above \\377", None))?
            }
            other => {
                let help = Some("write \\\\ for a backslash, or quote with `backticks`");
                return Err(self.error(start..self.at, format!("unknown escape sequence \\{other}"), help));
            }
        };
        out.push(simple);
        Ok(())
    }

    fn digits(&mut self, start: usize, count: usize, radix: u32) -> Result<u32, ParseError> {
        let mut value = 0u32;
        for _ in 0..count {
            let digit = self.rest().chars().next().and_then(|c| c.to_digit(radix));
            let Some(digit) = digit else {
                return Err(self.error(start..self.at, format!("this escape needs {count} digits"), None));
            };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        Ok(value)
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_word_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn digits_end(text: &str, from: usize) -> usize {
    text[from..].find(|c: char| !(c.is_ascii_digit() || c == '_')).map_or(text.len(), |n| from + n)
}

/// A decimal number; a leading zero before whole octal digits means octal, as in Go, on which Prometheus rests.
fn number_value(written: &str) -> Option<f64> {
    let misplaced =
        written.ends_with('_') || written.contains("__") || written.contains("_.") || written.contains("._");
    let digits: String = written.chars().filter(|c| *c != '_').collect();
    if misplaced || written.contains("_e") || written.contains("_E") {
        return None;
    }
    let octal =
        digits.len() > 1 && digits.starts_with('0') && digits.chars().all(|c| ('0'..='7').contains(&c));
    if octal && let Ok(value) = u64::from_str_radix(&digits, 8) {
        return Some(value as f64);
    }
    digits.parse().ok()
}
