//! Today's notation: names and values are plain words without reserved characters, or texts in double quotes with the
//! escapes of Go.

use bellwether_model::{MatchOp, Matcher};

use super::{MatcherSyntaxError, matcher, wrong};

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatcherSyntaxError> {
    let mut reader = Reader { text, rest: text };
    reader.skip_space();
    let braces = reader.take("{");
    let mut matchers = Vec::new();
    loop {
        reader.skip_space();
        if reader.rest.is_empty() || reader.rest.starts_with('}') {
            break;
        }
        matchers.push(reader.matcher()?);
        reader.skip_space();
        if reader.rest.is_empty() || reader.rest.starts_with('}') {
            break;
        }
        if !reader.take(",") {
            return wrong(format!("expected a comma before {:?} in {text:?}", reader.rest));
        }
    }
    match (braces, reader.take("}")) {
        (true, false) => return wrong(format!("{text:?} opens a brace and does not close it")),
        (false, true) => return wrong(format!("{text:?} closes a brace that was not opened")),
        (true, true) | (false, false) => {}
    }
    reader.skip_space();
    match reader.rest {
        "" => Ok(matchers),
        rest => wrong(format!("nothing can follow the closing brace, but {rest:?} does")),
    }
}

fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherSyntaxError> {
        let name = self.word("a label name")?;
        self.skip_space();
        let op = self.operator()?;
        self.skip_space();
        let value = self.word("a value")?;
        matcher(op, name, value)
    }

    fn word(&mut self, what: &str) -> Result<String, MatcherSyntaxError> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let end = self.rest.find(is_reserved).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() {
            return wrong(format!("expected {what} before {:?} in {:?}", self.rest, self.text));
        }
        self.rest = rest;
        Ok(word.to_owned())
    }

    fn operator(&mut self) -> Result<MatchOp, MatcherSyntaxError> {
        for op in [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal] {
            if self.take(op.as_str()) {
                return match self.rest.starts_with(['=', '~']) {
                    true => wrong(format!("unknown operator in {:?}; use =, !=, =~ or !~", self.text)),
                    false => Ok(op),
                };
            }
        }
        wrong(format!("expected =, !=, =~ or !~ before {:?} in {:?}", self.rest, self.text))
    }

    fn quoted(&mut self) -> Result<String, MatcherSyntaxError> {
        let inner = &self.rest[1..];
        let mut escaped = false;
        let end = inner.find(|c| {
            let is_end = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            is_end
        });
        let Some(end) = end else {
            return wrong(format!("the quote before {inner:?} is not closed"));
        };
        let (inner, rest) = inner.split_at(end);
        self.rest = &rest[1..];
        unescape(inner).ok_or_else(|| {
            MatcherSyntaxError(format!("{inner:?} has an unknown escape; write \\\\ for a backslash"))
        })
    }
}

/// What a text between double quotes means in Go, unless it means nothing.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return None,
            '\\' => {
                let (kind, rest) = (chars.next()?, chars.as_str());
                let (value, taken) = escape(kind, rest)?;
                match value {
                    Escaped::Byte(byte) => bytes.push(byte),
                    Escaped::Char(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                chars = rest[taken..].chars();
            }
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    String::from_utf8(bytes).ok()
}

enum Escaped {
    Byte(u8),
    Char(char),
}

/// What an escape stands for, and how many bytes after its letter belong to it.
fn escape(kind: char, rest: &str) -> Option<(Escaped, usize)> {
    let number = |digits: &str, radix| {
        let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
        all.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
    };
    let hexadecimal = |len: usize| number(rest.get(..len)?, 16);
    let simple = |c: char| Some((Escaped::Char(c), 0));
    match kind {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{b}'),
        '\\' | '"' => simple(kind),
        'x' => Some((Escaped::Byte(hexadecimal(2)? as u8), 2)),
        'u' => Some((Escaped::Char(char::from_u32(hexadecimal(4)?)?), 4)),
        'U' => Some((Escaped::Char(char::from_u32(hexadecimal(8)?)?), 8)),
        '0'..='7' => {
            let high = kind.to_digit(8)?;
            let byte = u8::try_from(high * 64 + number(rest.get(..2)?, 8)?).ok()?;
            Some((Escaped::Byte(byte), 2))
        }
        _ => None,
    }
}
