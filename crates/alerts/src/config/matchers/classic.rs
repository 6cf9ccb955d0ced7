//! The notation of before: plain label names, and values that may hold nearly anything without quotes. An unknown
//! escape stands for itself, so that regular expressions need not be escaped twice.

use bellwether_model::{MatchOp, Matcher, is_valid_legacy_name};

use super::{MatcherSyntaxError, matcher, wrong};

pub(super) fn parse(text: &str) -> Result<Vec<Matcher>, MatcherSyntaxError> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = split(text);
    // A comma may end the list.
    if parts.last().is_some_and(|last| last.trim().is_empty()) {
        parts.pop();
    }
    parts.into_iter().map(one).collect()
}

/// At commas outside of quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            '"' => {
                quoted ^= !escaped;
                escaped = false;
            }
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Without the blanks that go with the notation; others belong to the value.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\u{c}'])
}

fn one(text: &str) -> Result<Matcher, MatcherSyntaxError> {
    let trimmed = trim(text);
    let end =
        trimmed.find(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c))).unwrap_or(trimmed.len());
    let (name, rest) = trimmed.split_at(end);
    if !is_valid_legacy_name(name, true) {
        return wrong(format!("expected a label name in {text:?}"));
    }
    let rest = trim(rest);
    // The longer operator first, so that a tilde is not taken for part of the value.
    let operators = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];
    let Some((op, value)) = operators.into_iter().find_map(|op| Some((op, rest.strip_prefix(op.as_str())?)))
    else {
        return wrong(format!("expected =, !=, =~ or !~ in {text:?}"));
    };
    matcher(op, name, unquote(trim(value))?)
}

fn unquote(written: &str) -> Result<String, MatcherSyntaxError> {
    let inner = written.strip_prefix('"');
    let mut open = inner.is_some();
    let mut value = String::new();
    let mut chars = inner.unwrap_or(written).chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek().copied()) {
            ('\\', Some(next)) => {
                chars.next();
                match next {
                    'n' => value.push('\n'),
                    '"' | '\\' => value.push(next),
                    other => value.extend(['\\', other]),
                }
            }
            ('"', None) if open => open = false,
            ('"', _) => {
                return wrong(format!(
                    "the value {written} has a quote in the middle; put all of it in quotes"
                ));
            }
            (c, _) => value.push(c),
        }
    }
    match open {
        true => wrong(format!("the quote before {value:?} is not closed")),
        false => Ok(value),
    }
}
