//! One reader for `name{label="value"}`: the scanner checks with it, [`decode_series`] decodes with it, so that what
//! one accepts the other can read.
//!
//! Accepts what Prometheus' text parser accepts: blanks anywhere between parts, a trailing comma, a missing comma
//! between labels, the name quoted inside the braces, quoted label names, unknown escapes left as they stand. Three
//! of its accidents are not repeated: a raw line feed inside a value, a value glued to a bare name (`a+1`), and blanks
//! at the start of a line that become part of the name.

use std::borrow::Cow;

use bellwether_model::{Labels, METRIC_NAME};

use crate::scan_error::{Fault, excerpt};
use crate::{Problem, ScanError};

/// A name or value as it stands in the line, without its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a str,
    pub(crate) has_escapes: bool,
}

impl<'a> Text<'a> {
    /// What is meant: `\\`, `\"` and `\n` resolved, every other backslash kept.
    pub(crate) fn decoded(self) -> Cow<'a, str> {
        if self.has_escapes { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw) }
    }
}

/// Resolves escapes as in a label's value.
fn unescape(raw: &str) -> String {
    let (mut text, mut chars) = (String::with_capacity(raw.len()), raw.chars());
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some(kept @ ('"' | '\\')) => text.push(kept),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}

/// One part of a series, in the order of the text.
pub(crate) enum Part<'a> {
    /// The metric's name.
    Name(Text<'a>),
    /// A label.
    Label { name: Text<'a>, value: Text<'a> },
}

const NAME_START: u8 = 1;
const NAME_INNER: u8 = 2;
const COLON: u8 = 4;
const QUOTE_STOP: u8 = 8;

/// What each byte may be part of.
const CLASS: [u8; 256] = {
    let mut class = [0u8; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphabetic() || b == b'_' {
            class[byte] = NAME_START | NAME_INNER;
        } else if b.is_ascii_digit() {
            class[byte] = NAME_INNER;
        } else if b == b':' {
            class[byte] = COLON;
        } else if b == b'"' || b == b'\\' {
            class[byte] = QUOTE_STOP;
        }
        byte += 1;
    }
    class
};

#[inline]
fn is(bytes: &[u8], at: usize, class: u8) -> bool {
    bytes.get(at).is_some_and(|byte| CLASS[*byte as usize] & class != 0)
}

/// The first byte from `at` on that is neither blank nor tab.
#[inline]
pub(crate) fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// The end of a bare metric name that starts at `start`; equal to `start` when there is none.
#[inline]
pub(crate) fn bare_metric_name_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if is(bytes, at, NAME_START | COLON) {
        while is(bytes, at, NAME_INNER | COLON) {
            at += 1;
        }
    }
    at
}

#[inline]
pub(crate) fn bare_label_name_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    if is(bytes, at, NAME_START) {
        while is(bytes, at, NAME_INNER) {
            at += 1;
        }
    }
    at
}

/// Reads a quoted text whose opening quote is at `open`; gives it and the byte after its closing quote.
#[inline]
pub(crate) fn read_quoted(line: &str, open: usize) -> Result<(Text<'_>, usize), Fault> {
    let bytes = line.as_bytes();
    let (mut at, mut has_escapes) = (open + 1, false);
    while let Some(byte) = bytes.get(at) {
        if CLASS[*byte as usize] & QUOTE_STOP == 0 {
            at += 1;
        } else if *byte == b'"' {
            return Ok((Text { raw: &line[open + 1..at], has_escapes }, at + 1));
        } else {
            has_escapes = true;
            at += 2;
        }
    }
    Err(Fault::new(open, Problem::QuoteNotClosed))
}

/// Reads a series that starts at `start` (not a blank); tells its parts and gives the byte after it.
#[inline]
pub(crate) fn read_series<'a>(
    line: &'a str,
    start: usize,
    tell: &mut impl FnMut(usize, Part<'a>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let bytes = line.as_bytes();
    let name_end = bare_metric_name_end(bytes, start);
    let mut has_name = name_end > start;
    if has_name {
        tell(start, Part::Name(Text { raw: &line[start..name_end], has_escapes: false }))?;
        let next = skip_blanks(bytes, name_end);
        if bytes.get(next) != Some(&b'{') {
            return bare_series_end(line, name_end, next);
        }
    }
    let open = skip_blanks(bytes, name_end);
    if bytes.get(open) != Some(&b'{') {
        return Err(Fault::expected(line, open, "a metric name, an opening brace or a comment"));
    }
    let mut at = skip_blanks(bytes, open + 1);
    while bytes.get(at) != Some(&b'}') {
        at = read_label(line, at, &mut has_name, tell)?;
    }
    if !has_name {
        return Err(Fault::new(open, Problem::NameMissing));
    }
    Ok(at + 1)
}

/// A name without braces ends where it ends, if a blank follows.
#[inline]
fn bare_series_end(line: &str, name_end: usize, next: usize) -> Result<usize, Fault> {
    if next == name_end && next < line.len() {
        return Err(match line.as_bytes()[next] {
            b'\r' => Fault::new(next, Problem::CarriageReturn),
            _ => Fault::new(next, Problem::BareName { found: excerpt(line, next) }),
        });
    }
    Ok(name_end)
}

/// A name inside braces, bare or quoted, and where it ends.
#[inline]
pub(crate) fn read_label_name(line: &str, start: usize) -> Result<(Text<'_>, usize), Fault> {
    let bytes = line.as_bytes();
    let (name, end) = if bytes.get(start) == Some(&b'"') {
        read_quoted(line, start)?
    } else {
        let end = bare_label_name_end(bytes, start);
        if end == start {
            return Err(Fault::expected(line, start, "a label name or a closing brace"));
        }
        (Text { raw: &line[start..end], has_escapes: false }, end)
    };
    if name.raw.is_empty() {
        return Err(Fault::new(start, Problem::NameEmpty));
    }
    Ok((name, end))
}

/// Reads one item inside the braces and the comma after it; gives where the next one starts.
#[inline]
fn read_label<'a>(
    line: &'a str,
    start: usize,
    has_name: &mut bool,
    tell: &mut impl FnMut(usize, Part<'a>) -> Result<(), Fault>,
) -> Result<usize, Fault> {
    let bytes = line.as_bytes();
    let is_quoted = bytes.get(start) == Some(&b'"');
    let (name, name_end) = read_label_name(line, start)?;
    let mut at = skip_blanks(bytes, name_end);
    if is_quoted && matches!(bytes.get(at), Some(b',' | b'}')) {
        if *has_name {
            return Err(Fault::new(start, Problem::NameTwice(name.decoded().into_owned())));
        }
        *has_name = true;
        tell(start, Part::Name(name))?;
    } else {
        if bytes.get(at) != Some(&b'=') {
            return Err(Fault::expected(line, at, "= after the label name"));
        }
        at = skip_blanks(bytes, at + 1);
        if bytes.get(at) != Some(&b'"') {
            return Err(Fault::expected(line, at, "a value in double quotes"));
        }
        let (value, value_end) = read_quoted(line, at)?;
        tell(start, Part::Label { name, value })?;
        at = skip_blanks(bytes, value_end);
    }
    if bytes.get(at) == Some(&b',') {
        at = skip_blanks(bytes, at + 1);
    }
    Ok(at)
}

/// The labels of a scraped series as they were written: sorted, unique, the name among them as `__name__`.
/// Empty values are still there, since with `honor_labels` an empty value keeps a target's label away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesLabels<'a> {
    pairs: Vec<Pair<'a>>,
}

impl SeriesLabels<'_> {
    /// All pairs in name order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// The value of a label, if it was written, even when it is empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.binary_search_by(|(n, _)| n.as_ref().cmp(name)).ok().map(|at| self.pairs[at].1.as_ref())
    }

    /// As a label set: without empty values.
    pub fn labels(&self) -> Labels {
        let pairs: Vec<_> = self.iter().collect();
        Labels::from_sorted(&pairs)
    }
}

/// Decodes a series as [`crate::ScrapedSample::series`] hands it out. The error's line is always 1.
pub fn decode_series(series: &str) -> Result<SeriesLabels<'_>, ScanError> {
    decode(series).map_err(|fault| fault.on_line(series, 1))
}

/// A name and a value, decoded.
pub(crate) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The labels of an exemplar, braces included, in the order of the text.
pub(crate) fn decode_pairs(text: &str) -> Option<Vec<Pair<'_>>> {
    let (bytes, mut pairs, mut at) = (text.as_bytes(), Vec::with_capacity(4), 1);
    while bytes.get(at) != Some(&b'}') {
        at = read_label(text, at, &mut true, &mut |_, part| {
            if let Part::Label { name, value } = part {
                pairs.push((name.decoded(), value.decoded()));
            }
            Ok(())
        })
        .ok()?;
    }
    Some(pairs)
}

fn decode(series: &str) -> Result<SeriesLabels<'_>, Fault> {
    let mut pairs = Vec::with_capacity(8);
    let start = skip_blanks(series.as_bytes(), 0);
    let end = read_series(series, start, &mut |_, part| {
        pairs.push(match part {
            Part::Name(name) => (Cow::Borrowed(METRIC_NAME), name.decoded()),
            Part::Label { name, value } => (name.decoded(), value.decoded()),
        });
        Ok(())
    })?;
    let rest = skip_blanks(series.as_bytes(), end);
    if rest < series.len() {
        return Err(Fault::expected(series, rest, "the end of the series"));
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    match pairs.windows(2).find(|two| two[0].0 == two[1].0) {
        Some(two) => Err(Fault::new(start, Problem::LabelTwice(two[0].0.to_string()))),
        None => Ok(SeriesLabels { pairs }),
    }
}
