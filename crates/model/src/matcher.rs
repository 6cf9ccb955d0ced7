//! `name op "value"`: the one test that selectors, routes, silences and inhibitions share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::go_regex::from_go;
use crate::{Labels, is_valid_legacy_name};

/// How a label's value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MatchOp {
    /// `=`
    #[serde(rename = "=")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `=~`
    #[serde(rename = "=~")]
    Regex,
    /// `!~`
    #[serde(rename = "!~")]
    NotRegex,
}

impl MatchOp {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }
}

/// A test of one label. A label that is not there has the empty value.
#[derive(Clone)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// The comparison.
    pub op: MatchOp,
    /// What to compare with: a text, or the source of a regular expression that must match the whole value.
    pub value: String,
    /// Invariant: present exactly when `op` is one of the two regex operators.
    pattern: Option<Pattern>,
}

/// What a regular expression asks for. Most of them are a plain choice of words, and a month of rule files holds
/// tens of thousands: those are compared as words and never compiled.
#[derive(Clone)]
enum Pattern {
    /// One of these texts.
    OneOf(Vec<String>),
    /// Whatever this matches.
    Regex(Regex),
}

impl Pattern {
    fn read(source: &str, size_limit_bytes: usize) -> Result<Self, MatcherError> {
        const SPECIAL: &[char] = &['\\', '.', '+', '*', '?', '(', ')', '[', ']', '{', '}', '^', '$'];
        match source.contains(SPECIAL) {
            true => whole_value_regex(source, size_limit_bytes).map(Self::Regex),
            false => Ok(Self::OneOf(source.split('|').map(str::to_owned).collect())),
        }
    }

    fn is_match(&self, value: &str) -> bool {
        match self {
            Self::OneOf(texts) => texts.iter().any(|text| text == value),
            Self::Regex(regex) => regex.is_match(value),
        }
    }
}

/// The regular expression of a matcher does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("regular expression {pattern:?}: {reason}")]
pub struct MatcherError {
    /// The pattern as written.
    pub pattern: String,
    /// What is wrong with it, in one line.
    pub reason: String,
    /// Whether it is sound, but larger than was allowed.
    pub is_too_large: bool,
}

/// Compiled size allowed for one pattern; a pattern beyond it is refused rather than allowed to eat the memory.
pub const REGEX_BYTES_MAX: usize = 4 << 20;

impl Matcher {
    /// Builds a matcher; fails when a regular expression does not compile or would be too large.
    pub fn new(op: MatchOp, name: impl Into<String>, value: impl Into<String>) -> Result<Self, MatcherError> {
        Self::with_size_limit(op, name, value, REGEX_BYTES_MAX)
    }

    /// [`Matcher::new`] for somebody who reads many patterns and has a bound on all of them.
    pub fn with_size_limit(
        op: MatchOp,
        name: impl Into<String>,
        value: impl Into<String>,
        size_limit_bytes: usize,
    ) -> Result<Self, MatcherError> {
        let (name, value) = (name.into(), value.into());
        let pattern = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Pattern::read(&value, size_limit_bytes)?),
        };
        Ok(Self { name, op, value, pattern })
    }

    /// `name="value"`.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), pattern: None }
    }

    /// Whether a value passes.
    pub fn matches_value(&self, value: &str) -> bool {
        match (self.op, &self.pattern) {
            (MatchOp::Equal, _) => value == self.value,
            (MatchOp::NotEqual, _) => value != self.value,
            (MatchOp::Regex, Some(pattern)) => pattern.is_match(value),
            (MatchOp::NotRegex, Some(pattern)) => !pattern.is_match(value),
            (MatchOp::Regex | MatchOp::NotRegex, None) => {
                unreachable!("a regex matcher always carries its pattern")
            }
        }
    }

    /// Whether a label set passes.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.value_or_empty(&self.name))
    }

    /// Whether a set without this label passes; such a matcher cannot narrow a search by itself.
    pub fn matches_empty(&self) -> bool {
        self.matches_value("")
    }
}

/// Compiled size up to which a pattern is kept for whoever compiles it next.
const KEPT_BYTES_MAX: usize = 64 << 10;
/// Patterns that are kept.
const KEPT_MAX: usize = 256;

/// Small patterns that were compiled before. The same few (`5..`, `.+`) stand in tens of thousands of rules, and to
/// compile one costs more than to read the whole rule.
static KEPT: LazyLock<Mutex<HashMap<String, Regex>>> = LazyLock::new(Mutex::default);

/// A pattern in Go's dialect that has to match a whole value, as Prometheus anchors those of matchers and relabelling.
pub fn whole_value_regex(pattern: &str, size_limit_bytes: usize) -> Result<Regex, MatcherError> {
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if size_limit_bytes >= KEPT_BYTES_MAX
        && let Some(regex) = kept().get(pattern)
    {
        return Ok(regex.clone());
    }
    let regex = compiled(pattern, size_limit_bytes)?;
    if size_limit_bytes <= KEPT_BYTES_MAX {
        let mut kept = kept();
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
    }
    Ok(regex)
}

fn compiled(pattern: &str, size_limit_bytes: usize) -> Result<Regex, MatcherError> {
    let refused = |reason: &str, is_too_large| MatcherError {
        pattern: pattern.to_owned(),
        reason: reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        is_too_large,
    };
    let source = from_go(pattern).map_err(|reason| refused(reason, false))?;
    // Its parentheses are balanced, so that a pattern such as `a)(b` cannot balance itself against ours.
    let whole = format!("^(?s:{source})$");
    let compiled = regex::RegexBuilder::new(&whole).size_limit(size_limit_bytes).build();
    compiled.map_err(|error| refused(&error.to_string(), matches!(error, regex::Error::CompiledTooBig(_))))
}

/// Whether every matcher passes.
pub fn matches_all(matchers: &[Matcher], labels: &Labels) -> bool {
    matchers.iter().all(|m| m.matches(labels))
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}
impl Eq for Matcher {}
impl PartialOrd for Matcher {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Matcher {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.name, self.op, &self.value).cmp(&(&other.name, other.op, &other.value))
    }
}
impl std::hash::Hash for Matcher {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (&self.name, self.op, &self.value).hash(state);
    }
}

impl fmt::Display for Matcher {
    /// As every notation of matchers reads it back: only quotes, backslashes and line breaks are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_valid_legacy_name(&self.name, false) {
            f.write_str(&self.name)?;
        } else {
            quoted(&self.name, f)?;
        }
        f.write_str(self.op.as_str())?;
        quoted(&self.value, f)
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Serialize, Deserialize)]
struct MatcherFields {
    name: String,
    op: MatchOp,
    value: String,
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        MatcherFields { name: self.name.clone(), op: self.op, value: self.value.clone() }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let fields = MatcherFields::deserialize(d)?;
        Self::new(fields.op, fields.name, fields.value).map_err(serde::de::Error::custom)
    }
}
