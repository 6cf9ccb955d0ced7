//! Counter selectors of indicators: `name{label="value"}`, read with the position of whatever is wrong.
//!
//! An indicator selects counters and nothing else: no ranges, no functions. A full PromQL parser would accept
//! much that cannot be credited exactly, so this grammar stays as small as what it means.

use std::fmt;
use std::ops::Range;

use bellwether_model::{Labels, METRIC_NAME, MatchOp, Matcher};

/// Which series: matchers that must all pass, the metric's name among them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// The name, when it is stated with `=`.
    pub name: Option<String>,
    /// All other matchers, sorted.
    pub matchers: Vec<Matcher>,
}

/// Why a text is not a selector, and which bytes of it are to blame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SelectorError {
    /// What is wrong.
    pub message: String,
    /// Where, in bytes of the selector's text.
    pub range: Range<usize>,
}

/// Longest selector that is read.
const TEXT_LEN_MAX: usize = 16 * 1024;

impl Selector {
    /// Reads a selector.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.len() > TEXT_LEN_MAX {
            return Err(SelectorError { message: "selector is too long".into(), range: 0..text.len() });
        }
        let mut reader = Reader { text, at: 0 };
        let selector = reader.selector()?;
        reader.skip_space();
        match reader.rest().chars().next() {
            None => Ok(selector),
            Some('[') => Err(reader.error_here("an indicator counts events itself: leave out the range")),
            Some('(') => {
                Err(reader.error_here("an indicator selects counters: functions cannot be used here"))
            }
            Some(c) => Err(reader.error_here(format!("unexpected {c:?} after the selector"))),
        }
    }

    /// Whether a series passes.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.name.as_deref().is_none_or(|name| labels.metric_name() == Some(name))
            && self.matchers.iter().all(|m| m.matches(labels))
    }

    /// Everything that must match, the metric name first.
    pub fn all_matchers(&self) -> Vec<Matcher> {
        let name = self.name.iter().map(|name| Matcher::equal(METRIC_NAME, name.as_str()));
        name.chain(self.matchers.iter().cloned()).collect()
    }

    /// The same labels under another metric name, as a histogram's base name becomes its `_bucket` series.
    pub fn with_name(&self, name: String) -> Self {
        Self { name: Some(name), matchers: self.matchers.clone() }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or(""))?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        let matchers: Vec<String> = self.matchers.iter().map(Matcher::to_string).collect();
        write!(f, "{{{}}}", matchers.join(", "))
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn selector(&mut self) -> Result<Selector, SelectorError> {
        self.skip_space();
        let mut name = self.word(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':').map(str::to_owned);
        if name.as_deref().is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit())) {
            return Err(SelectorError {
                message: "a metric's name starts with a letter".into(),
                range: 0..self.at,
            });
        }
        let mut matchers = Vec::new();
        self.skip_space();
        if self.take('{') {
            self.matchers(&mut name, &mut matchers)?;
        }
        let narrows = name.is_some() || matchers.iter().any(|m: &Matcher| !m.matches_empty());
        if !narrows {
            let message = "selector matches every series; name a metric".into();
            return Err(SelectorError { message, range: 0..self.text.len() });
        }
        matchers.sort();
        matchers.dedup();
        Ok(Selector { name, matchers })
    }

    fn matchers(&mut self, name: &mut Option<String>, out: &mut Vec<Matcher>) -> Result<(), SelectorError> {
        loop {
            self.skip_space();
            if self.take('}') {
                return Ok(());
            }
            let start = self.at;
            let label = self.label_name()?;
            self.skip_space();
            if matches!(self.rest().chars().next(), Some(',' | '}'))
                && self.text[start..].starts_with(['"', '\''])
            {
                *name = Some(label); // {"a name that needs quotes"}
            } else {
                let matcher = self.matcher(label, start)?;
                match (&name, matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal) {
                    (None, true) => *name = Some(matcher.value),
                    (Some(_), true) => {
                        let message = "the metric's name is stated twice".into();
                        return Err(SelectorError { message, range: start..self.at });
                    }
                    (_, false) => out.push(matcher),
                }
            }
            self.skip_space();
            if !self.take(',') && !self.rest().starts_with('}') {
                return Err(self.error_here("expected \",\" or \"}\""));
            }
        }
    }

    fn label_name(&mut self) -> Result<String, SelectorError> {
        if self.rest().starts_with(['"', '\'']) {
            return self.quoted();
        }
        match self.word(|c| c.is_ascii_alphanumeric() || c == '_') {
            Some(word) => Ok(word.to_owned()),
            None => Err(self.error_here("expected a label's name")),
        }
    }

    fn matcher(&mut self, label: String, start: usize) -> Result<Matcher, SelectorError> {
        let ops = [
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ];
        let Some((sign, op)) = ops.into_iter().find(|(sign, _)| self.rest().starts_with(sign)) else {
            return Err(self.error_here("expected =, !=, =~ or !~"));
        };
        self.at += sign.len();
        self.skip_space();
        let value = self.quoted()?;
        Matcher::new(op, label, value)
            .map_err(|error| SelectorError { message: error.to_string(), range: start..self.at })
    }

    fn quoted(&mut self) -> Result<String, SelectorError> {
        let start = self.at;
        let Some(quote) = self.rest().chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
            return Err(self.error_here("expected a quoted value"));
        };
        self.at += 1;
        let mut value = String::new();
        while let Some(c) = self.next() {
            match c {
                c if c == quote => return Ok(value),
                '\\' if quote != '`' => value.push(self.escaped(start)?),
                c => value.push(c),
            }
        }
        Err(SelectorError { message: "the quote is never closed".into(), range: start..self.text.len() })
    }

    fn escaped(&mut self, start: usize) -> Result<char, SelectorError> {
        match self.next() {
            Some('n') => Ok('\n'),
            Some('t') => Ok('\t'),
            Some('r') => Ok('\r'),
            Some(c @ ('\\' | '"' | '\'')) => Ok(c),
            Some(c) => {
                let message = format!("unknown escape \\{c}; write \\\\{c} for a backslash");
                Err(SelectorError { message, range: start..self.at })
            }
            None => Err(SelectorError { message: "the quote is never closed".into(), range: start..self.at }),
        }
    }

    fn word(&mut self, allowed: impl Fn(char) -> bool) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let len = rest.find(|c| !allowed(c)).unwrap_or(rest.len());
        self.at += len;
        (len > 0).then(|| &rest[..len])
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take(&mut self, expected: char) -> bool {
        let found = self.rest().starts_with(expected);
        self.at += if found { expected.len_utf8() } else { 0 };
        found
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error_here(&self, message: impl Into<String>) -> SelectorError {
        let len = self.rest().chars().next().map_or(0, char::len_utf8);
        SelectorError { message: message.into(), range: self.at..self.at + len }
    }
}
