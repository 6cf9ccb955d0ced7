//! Reads the text exposition format 0.0.4, the language nearly every exporter speaks, in one pass without copying.
//!
//! A body is taken whole or refused whole, as Prometheus does: half a scrape would look like counters that vanished.
//! Unlike Prometheus, a last line without its line feed is refused too (see [`Limits::last_line_may_be_open`]):
//! a body cut off within a number would otherwise pass as a smaller number.

use bellwether_model::{METRIC_NAME, Timestamp};
use memchr::memchr;

use crate::scan_error::Fault;
use crate::series::{Part, bare_metric_name_end, decode_series, read_quoted, read_series, skip_blanks};
use crate::value::{read_timestamp, read_value};
use crate::{Problem, ScanError};

/// What one body may hold, and how strictly its end is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line.
    pub line_bytes_max: usize,
    /// Samples of one body.
    pub samples_max: usize,
    /// Labels of one series, its name not counted.
    pub labels_max: usize,
    /// Bytes of a metric's or label's name as written.
    pub name_bytes_max: usize,
    /// Bytes of a label's value as written.
    pub label_value_bytes_max: usize,
    /// Takes a last line without line feed for a whole line. Prometheus does; a cut-off body then goes unnoticed.
    pub last_line_may_be_open: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 1 << 20,
            samples_max: 5_000_000,
            labels_max: 512,
            name_bytes_max: 4096,
            label_value_bytes_max: 1 << 16,
            last_line_may_be_open: false,
        }
    }
}

/// What one line says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry<'a> {
    /// A value of a series.
    Sample(ScrapedSample<'a>),
    /// What a metric means; the text as written, see [`help_text`].
    Help {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// The text as written.
        text: &'a str,
    },
    /// What kind a metric is.
    Type {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// Its kind.
        kind: MetricKind,
    },
    /// What a metric is measured in.
    Unit {
        /// The metric's name as written, without quotes.
        name: &'a str,
        /// The unit.
        unit: &'a str,
    },
}

/// A line with a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScrapedSample<'a> {
    /// The metric's name as written, without quotes.
    pub name: &'a str,
    /// Name and labels as written: the key for a cache, and what [`decode_series`] decodes. Equal text means an
    /// equal series; the same series may be written in several ways.
    pub series: &'a str,
    /// The value; every NaN is the ordinary one.
    pub value: f64,
    /// The time, if the target gave one.
    pub timestamp: Option<Timestamp>,
}

/// What a metric is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Only grows, or starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, a sum and a count.
    Histogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Not said.
    Untyped,
}

impl MetricKind {
    /// As the format writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Histogram, Self::Summary, Self::Untyped]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// What a whole body held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// Lines, blank ones and comments included.
    pub lines: usize,
    /// Samples.
    pub samples: usize,
}

/// Reads a body and hands every entry to `sink`, in order. On an error the entries handed out so far must be
/// thrown away: the scrape as a whole is refused.
pub fn scan<'a>(
    body: &'a [u8],
    limits: &Limits,
    sink: &mut impl FnMut(Entry<'a>),
) -> Result<ScanSummary, ScanError> {
    let text = as_utf8(body)?;
    let mut scanner =
        Scanner { limits, label_names: Vec::with_capacity(16), summary: ScanSummary::default() };
    let mut rest = text;
    while !rest.is_empty() {
        scanner.summary.lines += 1;
        let end = memchr(b'\n', rest.as_bytes());
        let line = &rest[..end.unwrap_or(rest.len())];
        let entry = match end {
            Some(_) => scanner.read_line(line),
            None => scanner.read_last_line(line),
        };
        match entry {
            Ok(Some(entry)) => sink(entry),
            Ok(None) => {}
            Err(fault) => return Err(fault.on_line(line, scanner.summary.lines)),
        }
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    Ok(scanner.summary)
}

fn as_utf8(body: &[u8]) -> Result<&str, ScanError> {
    std::str::from_utf8(body).map_err(|error| {
        let at = error.valid_up_to();
        let (before, bad) = body.split_at(at);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&before[line_start..]).chars().count() + 1;
        let line = memchr::memchr_iter(b'\n', before).count() + 1;
        ScanError { line, column, problem: Problem::NotUtf8(bad.first().copied().unwrap_or(0)) }
    })
}

/// Up to this many labels, comparing each with each is faster than sorting.
const PAIRWISE_MAX: usize = 16;

struct Scanner<'a, 'l> {
    limits: &'l Limits,
    /// Names of the labels of the line at hand; kept to save an allocation per line.
    label_names: Vec<&'a str>,
    summary: ScanSummary,
}

impl<'a> Scanner<'a, '_> {
    /// A line without line feed: whole only if it says so itself.
    fn read_last_line(&mut self, line: &'a str) -> Result<Option<Entry<'a>>, Fault> {
        let is_whole = self.limits.last_line_may_be_open || matches!(line.trim_end(), "" | "# EOF");
        if is_whole { self.read_line(line) } else { Err(Fault::new(line.len(), Problem::Truncated)) }
    }

    #[inline]
    fn read_line(&mut self, line: &'a str) -> Result<Option<Entry<'a>>, Fault> {
        let limit = self.limits.line_bytes_max;
        if line.len() > limit {
            return Err(Fault::new(0, Problem::TooMuch { what: "bytes in one line", limit }));
        }
        let start = skip_blanks(line.as_bytes(), 0);
        match line.as_bytes().get(start) {
            None => Ok(None),
            Some(b'#') => read_comment(line, start),
            Some(_) => self.read_sample(line, start).map(|sample| Some(Entry::Sample(sample))),
        }
    }

    #[inline]
    fn read_sample(&mut self, line: &'a str, start: usize) -> Result<ScrapedSample<'a>, Fault> {
        self.summary.samples += 1;
        if self.summary.samples > self.limits.samples_max {
            let limit = self.limits.samples_max;
            return Err(Fault::new(0, Problem::TooMuch { what: "samples in one scrape", limit }));
        }
        let bytes = line.as_bytes();
        let (name, series_end) = self.read_checked_series(line, start)?;
        let value_start = skip_blanks(bytes, series_end);
        let value_end = token_end(bytes, value_start);
        if value_start == value_end {
            return Err(Fault::expected(line, value_start, "a value after the series"));
        }
        let value = read_value(&line[value_start..value_end])
            .map_err(|problem| number_fault(line, value_start..value_end, problem))?;
        let time_start = skip_blanks(bytes, value_end);
        let timestamp = if time_start == bytes.len() { None } else { Some(read_time(line, time_start)?) };
        Ok(ScrapedSample { name, series: &line[start..series_end], value, timestamp })
    }

    /// Reads a series and checks what its grammar does not say: sizes, and that every label is there once.
    #[inline]
    fn read_checked_series(&mut self, line: &'a str, start: usize) -> Result<(&'a str, usize), Fault> {
        let Self { limits, label_names, .. } = self;
        label_names.clear();
        let (mut metric_name, mut has_escaped_name) = ("", false);
        let end = read_series(line, start, &mut |at, part| {
            let too_much = |what, limit| Err(Fault::new(at, Problem::TooMuch { what, limit }));
            let name = match part {
                Part::Name(name) => {
                    metric_name = name.raw;
                    name
                }
                Part::Label { name, value } => {
                    if value.raw.len() > limits.label_value_bytes_max {
                        return too_much("bytes in a label value", limits.label_value_bytes_max);
                    }
                    if label_names.len() >= limits.labels_max {
                        return too_much("labels of one series", limits.labels_max);
                    }
                    label_names.push(name.raw);
                    has_escaped_name |= name.has_escapes;
                    name
                }
            };
            if name.raw.len() > limits.name_bytes_max {
                return too_much("bytes in a name", limits.name_bytes_max);
            }
            Ok(())
        })?;
        let twice = if has_escaped_name {
            decode_series(&line[start..end]).err().map(|error| error.problem)
        } else {
            name_twice(label_names).map(|name| Problem::LabelTwice(name.to_owned()))
        };
        match twice {
            Some(problem) => Err(Fault::new(start, problem)),
            None => Ok((metric_name, end)),
        }
    }
}

/// A label name that occurs twice, or is that of the metric's name, which the series has already.
#[inline]
fn name_twice<'a>(names: &[&'a str]) -> Option<&'a str> {
    if let Some(name) = names.iter().find(|name| **name == METRIC_NAME) {
        return Some(name);
    }
    if names.len() <= PAIRWISE_MAX {
        return names
            .iter()
            .enumerate()
            .find(|(at, name)| names[..*at].contains(name))
            .map(|(_, name)| *name);
    }
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|two| two[0] == two[1]).map(|two| two[0])
}

#[inline]
fn token_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// A number that does not read may be one with a carriage return behind it.
#[cold]
fn number_fault(line: &str, token: std::ops::Range<usize>, problem: Problem) -> Fault {
    match line[token.clone()].find('\r') {
        Some(at) if at > 0 => Fault::new(token.start + at, Problem::CarriageReturn),
        _ => Fault::new(token.start, problem),
    }
}

fn read_time(line: &str, start: usize) -> Result<Timestamp, Fault> {
    let bytes = line.as_bytes();
    let end = token_end(bytes, start);
    let time = read_timestamp(&line[start..end]).map_err(|problem| {
        let problem = if line[start..end] == *"\r" { Problem::CarriageReturn } else { problem };
        number_fault(line, start..end, problem)
    })?;
    let rest = skip_blanks(bytes, end);
    if rest < bytes.len() {
        return Err(Fault::expected(line, rest, "the end of the line after the timestamp"));
    }
    Ok(time)
}

/// `# HELP`, `# TYPE` and `# UNIT` with a blank on both sides say something; every other comment says nothing.
fn read_comment(line: &str, start: usize) -> Result<Option<Entry<'_>>, Fault> {
    let bytes = line.as_bytes();
    let word_start = skip_blanks(bytes, start + 1);
    let word_end = token_end(bytes, word_start);
    if word_start == start + 1 || word_end == bytes.len() {
        return Ok(None);
    }
    let (after_word, is_help) = match &line[word_start..word_end] {
        "HELP" => (skip_blanks(bytes, word_end), true),
        "TYPE" => (skip_blanks(bytes, word_end), false),
        "UNIT" => return Ok(read_unit(line, skip_blanks(bytes, word_end))),
        _ => return Ok(None),
    };
    let (name, name_end) = read_commented_name(line, after_word)?;
    let is_blank_next = matches!(bytes.get(name_end), None | Some(b' ' | b'\t'));
    if is_help {
        // One blank ends the name; more belong to the text. What follows a name without a blank is text as well:
        // a target whose numbers are readable is not refused for its prose.
        let text_start = if is_blank_next { (name_end + 1).min(bytes.len()) } else { name_end };
        return Ok(Some(Entry::Help { name, text: &line[text_start..] }));
    }
    if !is_blank_next {
        return Err(Fault::expected(line, name_end, "a blank after the metric name"));
    }
    let word_start = skip_blanks(bytes, name_end);
    let word = line[word_start..].trim_end_matches([' ', '\t']);
    match MetricKind::from_word(word) {
        Some(kind) => Ok(Some(Entry::Type { name, kind })),
        None if word.ends_with('\r') => Err(Fault::new(line.len() - 1, Problem::CarriageReturn)),
        None => Err(Fault::new(word_start, Problem::UnknownType(word.chars().take(40).collect()))),
    }
}

/// Units are not part of this format, but of its successor, and some targets mix the two; what is no unit is no more
/// than a comment.
fn read_unit(line: &str, start: usize) -> Option<Entry<'_>> {
    let (name, name_end) = read_commented_name(line, start).ok()?;
    let unit = line[name_end..].trim_matches([' ', '\t', '\r']);
    let is_word = !unit.is_empty() && unit.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_word && line.as_bytes().get(name_end) == Some(&b' ')).then_some(Entry::Unit { name, unit })
}

fn read_commented_name(line: &str, start: usize) -> Result<(&str, usize), Fault> {
    if line.as_bytes().get(start) == Some(&b'"') {
        let (name, end) = read_quoted(line, start)?;
        return Ok((name.raw, end));
    }
    let end = bare_metric_name_end(line.as_bytes(), start);
    if end == start {
        return Err(Fault::expected(line, start, "a metric name"));
    }
    Ok((&line[start..end], end))
}

/// The text of a HELP line as it is meant: `\\` and `\n` resolved.
pub fn help_text(raw: &str) -> String {
    let (mut text, mut chars) = (String::with_capacity(raw.len()), raw.chars().peekable());
    while let Some(c) = chars.next() {
        let meant = match (c, chars.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('\\')) => '\\',
            _ => {
                text.push(c);
                continue;
            }
        };
        chars.next();
        text.push(meant);
    }
    text
}
