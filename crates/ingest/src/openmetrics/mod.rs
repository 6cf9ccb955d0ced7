//! Reads OpenMetrics 1.0 text as strictly as Prometheus reads it: single blanks, no empty lines, no comments but its
//! own, and `# EOF` at the end, by which a body that was cut off is known. What Prometheus does not ask for is not
//! asked for here either: a series may come without a `TYPE`, and its suffix need not fit its kind.
//!
//! A `_created` line is handed out as the series it also is in Prometheus; who keeps the samples puts the two together.

mod series;

use std::borrow::Cow;

use bellwether_model::Timestamp;
use memchr::memchr;

use crate::checks::{Checks, Limits, as_utf8};
use crate::entry::{
    Entry, MetricKind, ScanSummary, ScrapeSink, ScrapedExemplar, ScrapedSample, WrittenLabels,
};
use crate::scan::number_fault;
use crate::scan_error::Fault;
use crate::series::{bare_metric_name_end, read_quoted};
use crate::value::{read_seconds, read_value};
use crate::{Problem, ScanError};
use series::{read_exemplar_labels, read_strict_series};

/// The last line.
const END: &str = "# EOF";

/// Reads a body and hands every entry to the sink, in order. On an error the entries handed out so far must be thrown
/// away: the scrape as a whole is refused.
pub fn scan_openmetrics(
    body: &[u8],
    limits: &Limits,
    sink: &mut impl for<'x> ScrapeSink<'x>,
) -> Result<ScanSummary, ScanError> {
    let mut rest = as_utf8(body)?;
    let mut scanner = Scanner { checks: Checks::new(limits), summary: ScanSummary::default() };
    let mut last_line = "";
    while !rest.is_empty() {
        scanner.summary.lines += 1;
        let end = memchr(b'\n', rest.as_bytes());
        let line = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or("", |end| &rest[end + 1..]);
        if line == END {
            if rest.is_empty() {
                return Ok(scanner.summary);
            }
            let after = Fault::new(0, Problem::AfterEof);
            return Err(after.on_line(rest.lines().next().unwrap_or(""), scanner.summary.lines + 1));
        }
        if end.is_none() {
            return Err(Fault::new(line.len(), Problem::NoEof).on_line(line, scanner.summary.lines));
        }
        scanner.read_line(line, sink).map_err(|fault| fault.on_line(line, scanner.summary.lines))?;
        last_line = line;
    }
    Err(Fault::new(last_line.len(), Problem::NoEof).on_line(last_line, scanner.summary.lines.max(1)))
}

struct Scanner<'a, 'l> {
    checks: Checks<'a, 'l>,
    summary: ScanSummary,
}

impl<'a> Scanner<'a, '_> {
    #[inline]
    fn read_line(&mut self, line: &'a str, sink: &mut impl for<'x> ScrapeSink<'x>) -> Result<(), Fault> {
        self.checks.line(line)?;
        match line.as_bytes().first() {
            None => Err(Fault::new(0, Problem::BlankLine)),
            Some(b'#') => read_comment(line, sink),
            Some(_) => {
                let sample = self.read_sample(line, sink.expected())?;
                sink.take(Entry::Sample(sample));
                Ok(())
            }
        }
    }

    #[inline]
    fn read_sample(&mut self, line: &'a str, expected: &str) -> Result<ScrapedSample<'a>, Fault> {
        self.summary.samples += 1;
        self.checks.samples(self.summary.samples)?;
        let bytes = line.as_bytes();
        // A blank ends what was expected: neither does a bare name go on, nor do braces follow it.
        let is_expected = !expected.is_empty()
            && bytes.starts_with(expected.as_bytes())
            && bytes.get(expected.len()) == Some(&b' ');
        let end = if is_expected { expected.len() } else { self.read_checked_series(line)? };
        let (value, mut at) = read_number(line, end, "a blank and a value after the series", read_value)?;
        let mut timestamp = None;
        if at < bytes.len() && !begins_exemplar(&bytes[at..]) {
            let (time, end) = read_number(line, at, "a timestamp, or an exemplar as `# {`", read_seconds)?;
            (timestamp, at) = (Some(time), end);
        }
        let exemplar = if at < bytes.len() { Some(read_exemplar(line, at)?) } else { None };
        Ok(ScrapedSample { series: &line[..end], is_expected, value, timestamp, since: None, exemplar })
    }

    fn read_checked_series(&mut self, line: &'a str) -> Result<usize, Fault> {
        let checks = &mut self.checks;
        checks.begin_series();
        let end = read_strict_series(line, &mut |at, part| checks.part(at, &part))?;
        checks.end_series(line, 0..end)?;
        Ok(end)
    }
}

/// One blank, and a word up to the next blank or the end, which `read` turns into what it means.
#[inline]
fn read_number<T>(
    line: &str,
    at: usize,
    wanted: &'static str,
    read: impl FnOnce(&str) -> Result<T, Problem>,
) -> Result<(T, usize), Fault> {
    let bytes = line.as_bytes();
    let start = at + 1;
    if bytes.get(at) != Some(&b' ') || matches!(bytes.get(start), None | Some(b' ')) {
        return Err(Fault::expected(line, at, wanted));
    }
    let mut end = start;
    while bytes.get(end).is_some_and(|byte| *byte != b' ') {
        end += 1;
    }
    match read(&line[start..end]) {
        Ok(number) => Ok((number, end)),
        Err(problem) => Err(number_fault(line, start..end, problem)),
    }
}

#[inline]
fn begins_exemplar(rest: &[u8]) -> bool {
    rest.starts_with(b" # {")
}

fn read_exemplar(line: &str, at: usize) -> Result<ScrapedExemplar<'_>, Fault> {
    if !begins_exemplar(&line.as_bytes()[at..]) {
        return Err(Fault::expected(line, at, "the end of the line, or an exemplar as `# {`"));
    }
    let open = at + " # ".len();
    let labels_end = read_exemplar_labels(line, open)?;
    let (value, end) = read_number(line, labels_end, "a blank and the exemplar's value", read_value)?;
    let (at, end) = if end < line.len() {
        let (at, end) = read_number(line, end, "the exemplar's timestamp", read_seconds)?;
        (Some(at), end)
    } else {
        (None, end)
    };
    if end < line.len() {
        return Err(Fault::expected(line, end, "the end of the line after the exemplar"));
    }
    Ok(ScrapedExemplar { written: WrittenLabels::Text(&line[open..labels_end]), value, at })
}

/// What a metric means, is, or is measured in; nothing else may stand behind a number sign.
fn read_comment(line: &str, sink: &mut impl for<'x> ScrapeSink<'x>) -> Result<(), Fault> {
    let words = ["# HELP ", "# TYPE ", "# UNIT "];
    let Some(word) = words.into_iter().find(|word| line.starts_with(word)) else {
        return Err(match line.find('\r') {
            Some(at) if line.trim_end() == END => Fault::new(at, Problem::CarriageReturn),
            _ => Fault::new(0, Problem::Comment),
        });
    };
    let (name, name_end) = read_name(line, word.len())?;
    if line.as_bytes().get(name_end) != Some(&b' ') {
        return Err(Fault::expected(line, name_end, "a blank and a text after the metric name"));
    }
    let start = name_end + 1;
    let text = &line[start..];
    match word {
        "# HELP " => sink.take(Entry::Help { name, text: &as_in_text(text) }),
        "# TYPE " => match MetricKind::from_openmetrics(text) {
            Some(kind) => sink.take(Entry::Type { name, kind }),
            None if text.ends_with('\r') => return Err(Fault::new(line.len() - 1, Problem::CarriageReturn)),
            None => {
                let shown = text.chars().take(WORD_CHARS_SHOWN).collect();
                return Err(Fault::new(start, Problem::UnknownOpenMetricsType(shown)));
            }
        },
        _ => {
            let is_end = text.is_empty() || name.strip_suffix(text).is_some_and(|base| base.ends_with('_'));
            if !is_end {
                let unit = text.chars().take(WORD_CHARS_SHOWN).collect();
                return Err(Fault::new(start, Problem::UnitNotInName(unit)));
            }
            sink.take(Entry::Unit { name, unit: text });
        }
    }
    Ok(())
}

/// How much of a word an error shows.
const WORD_CHARS_SHOWN: usize = 40;

/// OpenMetrics also escapes quotes in help texts; entries have them as the older format writes them.
fn as_in_text(help: &str) -> Cow<'_, str> {
    if !help.contains("\\\"") {
        return Cow::Borrowed(help);
    }
    let (mut text, mut chars) = (String::with_capacity(help.len()), help.chars());
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some('"')) => {}
            ('\\', Some('\\')) => {
                text.push_str("\\\\");
                chars.next();
            }
            _ => text.push(c),
        }
    }
    Cow::Owned(text)
}

fn read_name(line: &str, start: usize) -> Result<(&str, usize), Fault> {
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

/// Whether a name is that of a `_created` line of a metric that has such lines, and of which metric.
pub fn created_base(name: &str, kind: MetricKind) -> Option<&str> {
    match kind {
        MetricKind::Counter | MetricKind::Histogram | MetricKind::Summary => name.strip_suffix("_created"),
        MetricKind::Gauge
        | MetricKind::GaugeHistogram
        | MetricKind::Info
        | MetricKind::StateSet
        | MetricKind::Untyped => None,
    }
}

/// The moment a `_created` line tells, if it tells one.
pub fn created_moment(value: f64) -> Option<Timestamp> {
    let ms = value * 1000.0;
    (ms.is_finite() && ms > 0.0).then_some(Timestamp(ms as i64))
}
