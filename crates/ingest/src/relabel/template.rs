//! Texts with `$1` and `${name}` in them, filled in with what a regular expression matched. The notation is Go's:
//! <https://pkg.go.dev/regexp#Regexp.Expand>. A dollar that begins no reference stands for itself, `$$` for one dollar,
//! and a group that there is not for nothing.

use regex::{Captures, Regex};

/// A text with references to groups of one regular expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Group(usize),
}

/// Go gives up on numbers from here on and takes them for names.
const NUMBER_MAX: usize = 100_000_000;

impl Template {
    /// Reads a text for a regular expression.
    pub fn new(text: &str, regex: &Regex) -> Self {
        let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), text);
        while let Some(dollar) = rest.find('$') {
            literal.push_str(&rest[..dollar]);
            let after = &rest[dollar + 1..];
            if let Some(after) = after.strip_prefix('$') {
                literal.push('$');
                rest = after;
            } else if let Some((name, after)) = reference(after) {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.extend(group(name, regex).map(Piece::Group));
                rest = after;
            } else {
                literal.push('$');
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self { pieces }
    }

    /// The text with what was matched in it.
    pub fn expand(&self, captures: &Captures<'_>) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(index) => out.push_str(captures.get(*index).map_or("", |group| group.as_str())),
            }
        }
        out
    }
}

/// The name after a dollar, with or without braces, and what follows it.
fn reference(after: &str) -> Option<(&str, &str)> {
    let is_braced = after.starts_with('{');
    let name = if is_braced { &after[1..] } else { after };
    let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
    let (name, rest) = name.split_at(end);
    let rest = if is_braced { rest.strip_prefix('}')? } else { rest };
    (!name.is_empty()).then_some((name, rest))
}

/// The place of a group, if there is one of that number or name.
fn group(name: &str, regex: &Regex) -> Option<usize> {
    let is_number = name.bytes().all(|b| b.is_ascii_digit()) && (name.len() == 1 || !name.starts_with('0'));
    let number = name.parse().ok().filter(|number| is_number && *number < NUMBER_MAX);
    match number {
        Some(number) => Some(number).filter(|number| *number < regex.captures_len()),
        None => regex.capture_names().position(|known| known == Some(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_go_reads_them() {
        let regex = Regex::new("^(?s:(?P<host>[^:]+):(\\d+))$").unwrap();
        let captures = regex.captures("a.example:80").unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(Template::new(text, &regex).expand(&captures), expected, "{text:?}");
        };
        check("$1", "a.example");
        check("${1}-${2}", "a.example-80");
        check("$1-$2", "a.example-80");
        check("$1_$2", "80"); // `1_` is a name that no group has
        check("$10", "");
        check("${host}:9", "a.example:9");
        check("$host", "a.example");
        check("$$1", "$1");
        check("$", "$");
        check("a$-b", "a$-b");
        check("${1", "${1");
        check("${1-}", "${1-}");
        check("${}", "${}");
        check("$0", "a.example:80");
        check("$01", "");
        check("$é", "");
        check("", "");
    }
}
