//! The words of a monitoring filter, each with its place: `metric.type="x" AND metric.labels.a=one_of("b", "c")`.

use std::ops::Range;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// A name with its dots, or one of AND, OR, NOT.
    Name(String),
    /// A text, in quotes or bare.
    Text(String),
    Equal,
    NotEqual,
    Open,
    Close,
    Comma,
    Minus,
    /// A comparison that a selector cannot express.
    Other(char),
}

/// What is wrong with a filter, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) place: Range<usize>,
    pub(super) message: String,
    pub(super) help: String,
}

/// Longest filter that is read, as the interface itself bounds it.
const FILTER_BYTES_MAX: usize = 16 * 1024;

/// Cuts a filter into words.
pub(super) fn words(text: &str) -> Result<Vec<(Word, Range<usize>)>, Mistake> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(Mistake {
            place: 0..text.len(),
            message: "the filter is too long".to_owned(),
            help: format!("write at most {FILTER_BYTES_MAX} bytes"),
        });
    }
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(c) = text[at..].chars().next() {
        let start = at;
        let word = match c {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' | '\'' => {
                let (value, len) = quoted(&text[at..]).ok_or_else(|| Mistake {
                    place: at..text.len(),
                    message: "the quote is never closed".to_owned(),
                    help: format!("write {c} at the end of the text"),
                })?;
                at += len;
                Word::Text(value)
            }
            '!' if text[at..].starts_with("!=") => {
                at += 2;
                Word::NotEqual
            }
            c if is_name(c) => {
                at += name_len(&text[at..]);
                Word::Name(text[start..at].to_owned())
            }
            c => {
                at += c.len_utf8();
                match c {
                    '=' => Word::Equal,
                    '(' => Word::Open,
                    ')' => Word::Close,
                    ',' => Word::Comma,
                    '-' => Word::Minus,
                    other => Word::Other(other),
                }
            }
        };
        out.push((word, start..at));
    }
    Ok(out)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A name goes on over dots, and over quotes behind a dot: `metric.labels."odd name"`.
fn name_len(text: &str) -> usize {
    let mut len = 0;
    while let Some(c) = text[len..].chars().next() {
        if c == '"' && text[..len].ends_with('.') {
            let Some((_, quoted)) = quoted(&text[len..]) else { return len };
            len += quoted;
        } else if is_name(c) || matches!(c, '.' | '-' | '/') {
            len += c.len_utf8();
        } else {
            break;
        }
    }
    len
}

/// A text in quotes, and how many bytes it takes.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut chars = text.char_indices();
    let (_, quote) = chars.next()?;
    let mut out = String::new();
    while let Some((index, c)) = chars.next() {
        match c {
            c if c == quote => return Some((out, index + c.len_utf8())),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                // What stands before other characters belongs to a regular expression.
                c @ ('"' | '\'' | '\\') => out.push(c),
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    None
}
