//! Matchers as people write them: `severity="critical"`, `{team=~"a|b", env!=prod}`. Alertmanager's UTF-8 notation
//! is read first; what only its classic notation takes (values with odd characters outside of quotes) is read as well.

use bellwether_model::{MatchOp, Matcher};

/// Why a text is not a matcher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MatcherSyntaxError(pub String);

fn wrong<T>(message: impl Into<String>) -> Result<T, MatcherSyntaxError> {
    Err(MatcherSyntaxError(message.into()))
}

/// Reads exactly one matcher.
pub fn parse_matcher(text: &str) -> Result<Matcher, MatcherSyntaxError> {
    let mut all = parse_matchers(text)?;
    match (all.pop(), all.is_empty()) {
        (Some(matcher), true) => Ok(matcher),
        (Some(_), false) => {
            wrong(format!("{text:?} holds more than one matcher; write each as its own item"))
        }
        (None, _) => wrong("no matcher; write one such as severity=\"critical\""),
    }
}

/// Reads a list: commas between matchers, braces around all of them if wanted.
pub fn parse_matchers(text: &str) -> Result<Vec<Matcher>, MatcherSyntaxError> {
    let trimmed = text.trim();
    let inner = match (trimmed.strip_prefix('{'), trimmed.strip_suffix('}')) {
        (Some(_), Some(_)) if trimmed.len() >= 2 => &trimmed[1..trimmed.len() - 1],
        (None, None) => trimmed,
        (Some(_), _) => return wrong(format!("{text:?} opens a brace and does not close it")),
        (None, Some(_)) => return wrong(format!("{text:?} closes a brace that was not opened")),
    };
    let mut reader = Reader { text: inner, rest: inner };
    let mut matchers = Vec::new();
    loop {
        reader.skip_space();
        if reader.rest.is_empty() {
            return Ok(matchers);
        }
        matchers.push(reader.matcher()?);
        reader.skip_space();
        if !reader.rest.is_empty() && !reader.take(",") {
            return wrong(format!("expected a comma before {:?} in {:?}", reader.rest, reader.text));
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, token: &str) -> bool {
        let after = self.rest.strip_prefix(token);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn matcher(&mut self) -> Result<Matcher, MatcherSyntaxError> {
        let name = match self.rest.starts_with('"') {
            true => self.quoted()?,
            false => self.bare(|c| "=!~,\"{}'`".contains(c) || c.is_whitespace()).to_owned(),
        };
        if name.is_empty() {
            return wrong(format!("expected a label name before {:?} in {:?}", self.rest, self.text));
        }
        self.skip_space();
        let op = self.operator()?;
        self.skip_space();
        let value = match self.rest.starts_with('"') {
            true => self.quoted()?,
            false => self.bare_value()?,
        };
        Matcher::new(op, name, value).map_err(|error| MatcherSyntaxError(error.to_string()))
    }

    fn bare(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn bare_value(&mut self) -> Result<String, MatcherSyntaxError> {
        let value = self.bare(|c| c == ',').trim_end();
        match value.contains('"') {
            true => wrong(format!("the value {value} has a quote in the middle; put all of it in quotes")),
            false => Ok(value.to_owned()),
        }
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

    /// A text in double quotes; `\"`, `\\` and `\n` are escapes, any other backslash stands for itself so that
    /// regular expressions need not be escaped twice.
    fn quoted(&mut self) -> Result<String, MatcherSyntaxError> {
        let mut value = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(value);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => value.push('\n'),
                    Some((_, c @ ('"' | '\\'))) => value.push(c),
                    Some((_, c)) => value.extend(['\\', c]),
                    None => break,
                },
                c => value.push(c),
            }
        }
        wrong(format!("the quote before {:?} is not closed", &self.rest[1..]))
    }
}
