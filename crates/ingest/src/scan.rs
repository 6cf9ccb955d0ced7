//! Reads the text exposition format 0.0.4, the language nearly every exporter speaks, in one pass without copying.
//!
//! A body is taken whole or refused whole, as Prometheus does: half a scrape would look like counters that vanished.
//! Unlike Prometheus, a last line without its line feed is refused too (see [`Limits::last_line_may_be_open`]):
//! a body cut off within a number would otherwise pass as a smaller number.

use bellwether_model::Timestamp;
use memchr::memchr;

use crate::checks::{Checks, Limits, as_utf8};
use crate::entry::{EachEntry, Entry, MetricKind, ScanSummary, ScrapeSink, ScrapedSample};
use crate::scan_error::Fault;
use crate::series::{bare_metric_name_end, read_quoted, read_series, skip_blanks};
use crate::value::{read_timestamp, read_value};
use crate::{Problem, ScanError};

/// Reads a body and hands every entry to `sink`, in order. On an error the entries handed out so far must be
/// thrown away: the scrape as a whole is refused.
pub fn scan<'a>(
    body: &'a [u8],
    limits: &Limits,
    sink: &mut impl FnMut(Entry<'a>),
) -> Result<ScanSummary, ScanError> {
    scan_into(body, limits, &mut EachEntry(sink))
}

/// As [`scan`], for a sink that knows what to expect.
pub fn scan_into<'a>(
    body: &'a [u8],
    limits: &Limits,
    sink: &mut impl ScrapeSink<'a>,
) -> Result<ScanSummary, ScanError> {
    let text = as_utf8(body)?;
    let mut scanner = Scanner { checks: Checks::new(limits), summary: ScanSummary::default() };
    let mut rest = text;
    while !rest.is_empty() {
        scanner.summary.lines += 1;
        let end = memchr(b'\n', rest.as_bytes());
        let line = &rest[..end.unwrap_or(rest.len())];
        let entry = match end {
            Some(_) => scanner.read_line(line, sink.expected()),
            None => scanner.read_last_line(line, sink.expected()),
        };
        match entry {
            Ok(Some(entry)) => sink.take(entry),
            Ok(None) => {}
            Err(fault) => return Err(fault.on_line(line, scanner.summary.lines)),
        }
        rest = end.map_or("", |end| &rest[end + 1..]);
    }
    Ok(scanner.summary)
}

struct Scanner<'a, 'l> {
    checks: Checks<'a, 'l>,
    summary: ScanSummary,
}

impl<'a> Scanner<'a, '_> {
    /// A line without line feed: whole only if it says so itself.
    fn read_last_line(&mut self, line: &'a str, expected: &str) -> Result<Option<Entry<'a>>, Fault> {
        let may_be_open = self.checks.limits.last_line_may_be_open;
        if may_be_open || matches!(line.trim_end(), "" | "# EOF") {
            self.read_line(line, expected)
        } else {
            Err(Fault::new(line.len(), Problem::Truncated))
        }
    }

    #[inline]
    fn read_line(&mut self, line: &'a str, expected: &str) -> Result<Option<Entry<'a>>, Fault> {
        self.checks.line(line)?;
        let start = skip_blanks(line.as_bytes(), 0);
        match line.as_bytes().get(start) {
            None => Ok(None),
            Some(b'#') => read_comment(line, start),
            Some(_) => self.read_sample(line, start, expected).map(|sample| Some(Entry::Sample(sample))),
        }
    }

    #[inline]
    fn read_sample(
        &mut self,
        line: &'a str,
        start: usize,
        expected: &str,
    ) -> Result<ScrapedSample<'a>, Fault> {
        self.summary.samples += 1;
        self.checks.samples(self.summary.samples)?;
        let bytes = line.as_bytes();
        let is_expected = begins_with_series(&bytes[start..], expected);
        let series_end =
            if is_expected { start + expected.len() } else { self.read_checked_series(line, start)? };
        let value_start = skip_blanks(bytes, series_end);
        let value_end = token_end(bytes, value_start);
        if value_start == value_end {
            return Err(Fault::expected(line, value_start, "a value after the series"));
        }
        let value = read_value(&line[value_start..value_end])
            .map_err(|problem| number_fault(line, value_start..value_end, problem))?;
        let time_start = skip_blanks(bytes, value_end);
        let timestamp = if time_start == bytes.len() { None } else { Some(read_time(line, time_start)?) };
        let series = &line[start..series_end];
        Ok(ScrapedSample { series, is_expected, value, timestamp, since: None, exemplar: None })
    }

    /// Gives where the series that starts here ends.
    fn read_checked_series(&mut self, line: &'a str, start: usize) -> Result<usize, Fault> {
        let checks = &mut self.checks;
        checks.begin_series();
        let end = read_series(line, start, &mut |at, part| checks.part(at, &part))?;
        checks.end_series(line, start..end)?;
        Ok(end)
    }
}

/// Whether a line begins with a series that was read before, as it was written then. A bare name could go on, or have
/// braces after a blank.
#[inline]
fn begins_with_series(line: &[u8], series: &str) -> bool {
    if series.is_empty() || !line.starts_with(series.as_bytes()) {
        return false;
    }
    if series.ends_with('}') {
        return true;
    }
    let next = skip_blanks(line, series.len());
    next > series.len() && line.get(next).is_some_and(|byte| *byte != b'{')
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
pub(crate) fn number_fault(line: &str, token: std::ops::Range<usize>, problem: Problem) -> Fault {
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
    match MetricKind::from_text(word) {
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
