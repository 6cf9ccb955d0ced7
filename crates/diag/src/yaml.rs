//! YAML as a tree that knows where everything stood.
//!
//! Events come from a port of libyaml because Go programs, whose files we read, accept what libyaml accepts:
//! quoted text whose continuation lines start at column 0, for one, which strict YAML 1.2 readers refuse.
//! Aliases and merge keys are resolved as yaml.v2 and yaml.v3 do, within limits. JSON is read by the same way in.

pub use crate::yaml_node::{Node, Scalar, Value};
pub use crate::yaml_reader::{ALIAS_NODES_MAX, DEPTH_MAX, FILE_BYTES_MAX, NODES_MAX};
use crate::{Diagnostics, FileId, Sources, Span, yaml_reader};

/// Reads a file into one tree per document. Problems of form (indentation, quotes, unknown anchors, duplicate keys,
/// limits) are reported; documents before the place where reading had to stop are still given.
/// A file without any value has no document.
pub fn parse(sources: &Sources, file: FileId, out: &mut Diagnostics) -> Vec<Node> {
    yaml_reader::read(sources, file, out)
}

/// Where a part of a scalar's text stood in the file, so that an error inside an expression can be underlined
/// inside the YAML it was written in, across quotes, escapes and folded lines. `part` counts bytes of the
/// scalar's text. Falls back to the whole scalar where the text cannot be followed.
pub fn span_within(sources: &Sources, node: &Node, part: std::ops::Range<usize>) -> Span {
    let Some(text) = node.as_text() else { return node.span };
    let raw = sources.slice(node.span);
    let Some(offsets) = text_offsets(raw, text) else { return node.span };
    let at = |index: usize| node.span.start as usize + offsets[index.min(offsets.len() - 1)];
    let start = at(part.start);
    let end = if part.end > part.start {
        at(part.end - 1) + raw_char_len(raw, &offsets, part.end - 1)
    } else {
        start
    };
    Span::new(node.span.file, start..end.max(start))
}

/// The length in the file of the character written at a byte of the text: an escape is longer than what it means.
fn raw_char_len(raw: &str, offsets: &[usize], index: usize) -> usize {
    let index = index.min(offsets.len() - 1);
    let here = offsets[index];
    if raw.starts_with('"') && raw[here..].starts_with('\\') {
        return escape(&raw[here..]).map_or(1, |(_, len)| len);
    }
    raw[here..].chars().next().map_or(0, char::len_utf8)
}

/// For every byte of a scalar's text (and for its end) the byte of the raw notation it came from.
fn text_offsets(raw: &str, text: &str) -> Option<Vec<usize>> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''));
    let block = raw.starts_with(['|', '>']);
    let mut at = match (quote, block) {
        (Some(_), _) => 1,
        (None, true) => raw.find('\n')? + 1,
        (None, false) => 0,
    };
    let mut offsets = Vec::with_capacity(text.len() + 1);
    for c in text.chars() {
        at = advance(raw, at, c, quote)?;
        offsets.extend(std::iter::repeat_n(at, c.len_utf8()));
        at += written_len(raw, at, c, quote);
    }
    offsets.push(at.min(raw.len()));
    Some(offsets)
}

/// The place at or after `at` where a character of the text is written.
fn advance(raw: &str, mut at: usize, wanted: char, quote: Option<char>) -> Option<usize> {
    loop {
        let rest = raw.get(at..)?;
        let Some(next) = rest.chars().next() else {
            // Folding may promise a line break that the trimmed notation no longer shows.
            return wanted.is_whitespace().then_some(at);
        };
        if quote == Some('"') && next == '\\' {
            let (meant, len) = escape(rest)?;
            match meant {
                Some(c) if c == wanted => return Some(at),
                Some(_) => return None,
                None => at += len, // an escaped line break means nothing
            }
        } else if next == wanted {
            return Some(at);
        } else if wanted.is_whitespace() && next.is_whitespace() {
            return Some(at); // a folded line break is a blank
        } else if next.is_whitespace() {
            at += next.len_utf8();
        } else if wanted.is_whitespace() {
            return Some(at);
        } else {
            return None;
        }
    }
}

/// How far reading a character moves on in the raw notation.
fn written_len(raw: &str, at: usize, c: char, quote: Option<char>) -> usize {
    let rest = &raw[at..];
    match quote {
        Some('"') if rest.starts_with('\\') => escape(rest).map_or(1, |(_, len)| len),
        Some('\'') if rest.starts_with("''") => 2,
        _ if rest.starts_with(c) => c.len_utf8(),
        _ if c.is_whitespace() => rest.chars().next().filter(|c| c.is_whitespace()).map_or(0, char::len_utf8),
        _ => 0,
    }
}

/// What an escape sequence of double quotes means (`None`: nothing, it joins lines) and how long it is.
fn escape(rest: &str) -> Option<(Option<char>, usize)> {
    let mut chars = rest.chars();
    chars.next()?;
    let letter = chars.next()?;
    let hex = |len: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + len)?, 16).ok()?;
        Some((Some(char::from_u32(code)?), 2 + len))
    };
    let short = |c: char| Some((Some(c), 1 + letter.len_utf8()));
    match letter {
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        '0' => short('\0'),
        'a' => short('\u{7}'),
        'b' => short('\u{8}'),
        't' | '\t' => short('\t'),
        'n' => short('\n'),
        'v' => short('\u{b}'),
        'f' => short('\u{c}'),
        'r' => short('\r'),
        'e' => short('\u{1b}'),
        'N' => short('\u{85}'),
        '_' => short('\u{a0}'),
        'L' => short('\u{2028}'),
        'P' => short('\u{2029}'),
        '\n' => Some((None, 2)),
        '\r' => Some((None, if rest[2..].starts_with('\n') { 3 } else { 2 })),
        other => short(other),
    }
}
