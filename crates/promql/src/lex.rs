//! Cuts a query into tokens. Keywords are not decided here: `sum`, `by` and `offset` may also name a metric or a
//! label, so only the parser, which knows where a word stands, can tell.
//!
//! What cannot be cut is noted and read as what was probably meant, so that the rest can be looked at too.

use crate::comment::Comment;
use crate::parse_error::ParseError;
use crate::span::Span;

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
    /// Something that cannot be read; its problem is noted already.
    Unknown,
    /// The end of the text.
    End,
}

/// A token and its place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) span: Span,
}

/// A query cut up.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// The last one is always [`Token::End`].
    pub(crate) tokens: Vec<Placed>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) problems: Vec<ParseError>,
    /// From here on structure says nothing, because a quote was never closed.
    pub(crate) lost_at: Option<usize>,
}

/// Problems that are collected before reading ends.
pub(crate) const PROBLEMS_MAX: usize = 30;

/// Longest first, so that `>=` is not read as `>` and `=`.
const SIGNS: [&str; 27] = [
    "==", "=~", "!=", "!~", "<=", ">=", "</", ">/", "=", "<", ">", "+", "-", "*", "/", "%", "^", "(", ")",
    "{", "}", "[", "]", ",", ":", "@", "#",
];

/// Cuts a whole query.
pub(crate) fn tokens(text: &str) -> Lexed {
    let mut lexer = Lexer { text, at: 0, brackets: 0, braces: 0, out: Lexed::default() };
    while lexer.out.problems.len() < PROBLEMS_MAX {
        lexer.skip_blank();
        let start = lexer.at;
        let Some(first) = lexer.rest().chars().next() else { break };
        if let Some(token) = lexer.token(first) {
            let span = start..lexer.at;
            lexer.out.tokens.push(Placed { token, span });
        }
    }
    let end = lexer.at;
    lexer.out.tokens.push(Placed { token: Token::End, span: end..end });
    lexer.out
}

pub(crate) struct Lexer<'a> {
    pub(crate) text: &'a str,
    pub(crate) at: usize,
    /// Open `[`: inside them a colon separates range and step.
    brackets: u32,
    /// Open `{`: inside them a word has no colon.
    braces: u32,
    pub(crate) out: Lexed,
}

impl<'a> Lexer<'a> {
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(crate) fn problem(&mut self, span: Span, message: impl Into<String>, help: Option<&str>) {
        let mut error = ParseError::new(span, message);
        error.help = help.map(str::to_owned);
        self.out.problems.push(error);
    }

    /// The next token, or none where something was skipped.
    fn token(&mut self, first: char) -> Option<Token> {
        let second = self.rest()[first.len_utf8()..].chars().next();
        let digit_after_dot = first == '.' && second.is_some_and(|c| c.is_ascii_digit());
        if first.is_ascii_digit() || digit_after_dot {
            return Some(self.number());
        }
        if is_word_start(first) || (first == ':' && self.colon_starts_word(second)) || first.is_alphabetic() {
            return Some(self.word());
        }
        if matches!(first, '"' | '\'' | '`') {
            return Some(self.quoted(first));
        }
        match SIGNS.into_iter().find(|sign| self.rest().starts_with(sign)) {
            Some(sign) => Some(self.sign(sign)),
            None => self.look_alike(first).unwrap_or_else(|| self.misplaced(first)),
        }
    }

    fn skip_blank(&mut self) {
        loop {
            let trimmed = self.rest().trim_start_matches([' ', '\t', '\n', '\r']);
            self.at = self.text.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                return;
            }
            let end = trimmed.find('\n').unwrap_or(trimmed.len());
            let line_start = self.text[..self.at].rfind('\n').map_or(0, |n| n + 1);
            let is_own_line = self.text[line_start..self.at].trim().is_empty();
            let text = trimmed[..end].trim_end().to_owned();
            self.out.comments.push(Comment { text, at: self.at, is_own_line });
            self.at += end;
        }
    }

    fn colon_starts_word(&self, next: Option<char>) -> bool {
        self.brackets == 0 && self.braces == 0 && next.is_some_and(|c| is_word_start(c) || c == ':')
    }

    fn word(&mut self) -> Token {
        let (start, with_colon) = (self.at, self.brackets == 0 && self.braces == 0);
        let is_part = |c: char| is_word_part(c) || (with_colon && c == ':');
        self.at += self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        let plain = self.at;
        // Dots and letters beyond ASCII are read as part of the name they were meant to be part of.
        loop {
            let mut chars = self.rest().chars();
            let goes_on = match chars.next() {
                Some('.') => chars.next().is_some_and(|c| is_word_start(c) || c.is_alphabetic()),
                Some(c) => !c.is_ascii() && c.is_alphanumeric(),
                None => false,
            };
            if !goes_on {
                break;
            }
            let first = self.rest().chars().next().map_or(0, char::len_utf8);
            self.at += first;
            self.at += self.rest().find(|c| !is_part(c)).unwrap_or(self.rest().len());
        }
        let word = &self.text[start..self.at];
        if self.at > plain {
            let wrong = self.text[plain..].chars().next().unwrap_or(' ');
            let place = if self.braces > 0 { " inside braces" } else { "" };
            let shown = clipped(word);
            let help = match self.braces > 0 {
                true => {
                    format!("quote a name that contains other than letters, digits and _: {shown:?}=\"...\"")
                }
                false => format!(
                    "quote a name that contains other than letters, digits, _ and colons: {{{shown:?}}}"
                ),
            };
            let span = plain..plain + wrong.len_utf8();
            self.problem(span, format!("unexpected character{place}: {wrong:?}"), Some(&help));
        }
        Token::Word(word.to_owned())
    }

    fn sign(&mut self, sign: &'static str) -> Token {
        match sign {
            "[" => self.brackets += 1,
            "]" => self.brackets = self.brackets.saturating_sub(1),
            "{" => self.braces += 1,
            "}" => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
        self.at += sign.len();
        Token::Sign(sign)
    }

    fn quoted(&mut self, quote: char) -> Token {
        let start = self.at;
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let next = self.rest().chars().next();
            let Some(c) = next.filter(|c| *c != '\n' || quote == '`') else {
                let what =
                    if quote == '`' { "unterminated raw string" } else { "unterminated quoted string" };
                let help = match next {
                    None => format!("close it with {quote}"),
                    Some(_) => format!(
                        "close it with {quote}; write \\n for a line break, or quote with `backticks`"
                    ),
                };
                self.problem(start..self.at, what, Some(&help));
                self.out.lost_at.get_or_insert(start);
                break;
            };
            self.at += c.len_utf8();
            if c == quote {
                break;
            }
            if c == '\\' && quote != '`' {
                self.escape(quote, &mut bytes);
            } else {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        let text = String::from_utf8(bytes).unwrap_or_else(|error| {
            let text = clipped(&self.text[start..self.at]).to_owned();
            let help = "escapes such as \\xc3\\xa9 must together give whole characters";
            self.problem(start..self.at, format!("string {text} is not valid UTF-8"), Some(help));
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        });
        Token::Text(text)
    }

    fn escape(&mut self, quote: char, out: &mut Vec<u8>) {
        let start = self.at - 1;
        let Some(c) = self.rest().chars().next().filter(|c| *c != '\n') else { return };
        self.at += c.len_utf8();
        let simple = match c {
            'a' => Some(0x07),
            'b' => Some(0x08),
            'f' => Some(0x0c),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(0x0b),
            '\\' => Some(b'\\'),
            c if c == quote => Some(c as u8),
            'x' => self.digits(start, 2, 16).map(|value| value as u8),
            'u' | 'U' => {
                let code = self.digits(start, if c == 'u' { 4 } else { 8 }, 16);
                match code.map(char::from_u32) {
                    Some(Some(c)) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Some(None) => {
                        self.problem(
                            start..self.at,
                            "escape sequence is an invalid Unicode code point",
                            None,
                        );
                    }
                    None => {}
                }
                None
            }
            '0'..='7' => {
                self.at -= 1;
                let code = self.digits(start, 3, 8);
                if code.is_some_and(|code| code > 0xff) {
                    self.problem(start..self.at, "octal escape sequence above \\377", None);
                }
                code.map(|code| code as u8)
            }
            other => {
                let help = Some("write \\\\ for a backslash, or quote with `backticks`");
                self.problem(start..self.at, format!("unknown escape sequence \\{other}"), help);
                None
            }
        };
        out.extend(simple);
    }

    fn digits(&mut self, start: usize, count: usize, radix: u32) -> Option<u32> {
        let mut value = 0u32;
        for _ in 0..count {
            let digit = self.rest().chars().next().and_then(|c| c.to_digit(radix));
            let Some(digit) = digit else {
                let message = format!("escape sequence {} needs {count} digits", &self.text[start..self.at]);
                self.problem(start..self.at, message, None);
                return None;
            };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.at += 1;
        }
        Some(value)
    }
}

pub(crate) fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(crate) fn is_word_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The beginning of a text, for messages: nobody reads a megabyte.
pub(crate) fn clipped(text: &str) -> &str {
    const SHOWN_CHARS_MAX: usize = 60;
    text.char_indices().nth(SHOWN_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
