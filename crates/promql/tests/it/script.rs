//! Reads and runs PromQL test scripts: `load` series, `eval` queries, compare with what the script expects.

use bellwether_model::{Bucket, Labels, Matcher, STALE_NAN, TimeDelta, Timestamp};
use bellwether_promql::series_notation::{self, SeriesValue};
use bellwether_promql::{
    EvalOptions, Evaluated, Expr, RangeSeries, RangeSpec, SampleValue, Value, eval_instant, eval_range,
    parse, selectors,
};

use crate::memory::{Entry, Memory};
use crate::script_load::{classic_to_custom, start_offsets};

/// How the evaluations of a script went.
#[derive(Default)]
pub(crate) struct Outcome {
    pub passed: usize,
    /// Of `passed`, those whose query or expectation is about native histograms.
    pub with_histograms: usize,
    pub failures: Vec<String>,
}

struct Runner {
    memory: Memory,
    outcome: Outcome,
}

/// Runs a whole script; chunks of `chunk_samples` decide between decoding and summaries, never the result.
pub(crate) fn run(text: &str, chunk_samples: usize) -> Outcome {
    let mut runner = Runner { memory: Memory::new(chunk_samples), outcome: Outcome::default() };
    let lines: Vec<_> = text.lines().collect();
    let mut next = 0;
    while next < lines.len() {
        let line = lines[next].trim();
        next += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let start = next;
        while next < lines.len() && !lines[next].trim().is_empty() && !lines[next].trim().starts_with('#') {
            next += 1;
        }
        let block: Vec<_> = lines[start..next].iter().map(|l| l.trim()).collect();
        if line == "clear" {
            runner.memory.series.clear();
            next = start;
        } else if let Some(rest) = line.strip_prefix("load_with_nhcb ") {
            runner.load(rest, &block, true);
        } else if let Some(rest) = line.strip_prefix("load ") {
            runner.load(rest, &block, false);
        } else if line.starts_with("eval") {
            runner.eval(line, &block, start);
        } else {
            runner.outcome.failures.push(format!("line {start}: unknown command {line:?}"));
        }
    }
    runner.outcome
}

impl Runner {
    fn load(&mut self, interval: &str, block: &[&str], with_histograms: bool) {
        let interval = duration(interval.split('#').next().unwrap_or_default().trim());
        let mut starts = Vec::new();
        let mut classic = Vec::new();
        for line in block {
            let (series, values) = split_series(line);
            if series.ends_with("@st") {
                starts = start_offsets(values);
                continue;
            }
            let (labels, values) =
                series_notation::series(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
            let starts = std::mem::take(&mut starts);
            let entry = |(n, value): (usize, SeriesValue)| {
                let at = Timestamp(interval.0 * n as i64);
                let start = starts.get(n).copied().flatten().map(|offset| at + offset);
                Some(Entry { at, value: value.value?, start })
            };
            let entries: Vec<Entry> = values.into_iter().enumerate().filter_map(entry).collect();
            if with_histograms {
                classic.push((labels.clone(), entries.clone()));
            }
            self.memory.add_entries(labels, entries);
        }
        for (labels, entries) in classic_to_custom(&classic) {
            self.memory.add_entries(labels, entries);
        }
    }

    fn eval(&mut self, line: &str, block: &[&str], number: usize) {
        let case = Case::of(line, block);
        let expr = parse(&case.query);
        let touches = |matchers: &[Matcher]| {
            let touched =
                self.memory.series.iter().filter(|(l, _)| bellwether_model::matches_all(matchers, l));
            touched.flat_map(|(_, entries)| entries).any(|e| e.value.as_histogram().is_some())
        };
        let has_histograms = case.expected.iter().any(|l| l.contains("{{"))
            || expr.as_ref().is_ok_and(|expr| selectors(expr).iter().any(|s| touches(&s.matchers)));
        let problem = match expr {
            Err(errors) if case.must_fail() => case.failure_is(&errors[0].message),
            Err(errors) => Err(format!("does not parse: {errors:?}")),
            Ok(expr) => case.run(&expr, &self.memory),
        };
        match problem {
            Ok(()) => {
                self.outcome.passed += 1;
                self.outcome.with_histograms += usize::from(has_histograms);
            }
            Err(problem) => {
                self.outcome.failures.push(format!("line {number}: {}\n      {problem}", case.query))
            }
        }
    }
}

enum When {
    At(Timestamp),
    Range(RangeSpec),
}

struct Case<'a> {
    when: When,
    query: String,
    command: &'a str,
    expected: Vec<&'a str>,
    directives: Vec<&'a str>,
}

impl<'a> Case<'a> {
    fn of(line: &'a str, block: &[&'a str]) -> Self {
        let (command, rest) = line.split_once(' ').expect("eval has arguments");
        let (mode, rest) = rest.trim().split_once(' ').expect("eval has a mode");
        let mut words = rest.trim();
        let mut word = || {
            let (word, rest) = words.split_once([' ', '\t']).expect("eval has more words");
            words = rest.trim_start();
            word
        };
        let moment = |text: &str| Timestamp(duration(text).0);
        let when = if mode == "instant" {
            word();
            When::At(moment(word()))
        } else {
            let [_, start, _, end, _, step] = [(); 6].map(|()| word());
            When::Range(RangeSpec { start: moment(start), end: moment(end), step: duration(step) })
        };
        let is_directive = |l: &&&str| l.starts_with("expect ");
        let directives = block.iter().filter(is_directive).copied().collect();
        let expected = block.iter().filter(|l| !is_directive(l)).copied().collect();
        Self { when, query: words.to_owned(), command, expected, directives }
    }

    fn directive(&self, name: &str) -> Option<&str> {
        let found =
            self.directives.iter().filter_map(|d| d.strip_prefix("expect ")?.trim().strip_prefix(name));
        found.map(str::trim).next()
    }

    /// All that the script expects of a kind.
    fn directives(&self, name: &str) -> Vec<&str> {
        let words =
            self.directives.iter().filter_map(|d| d.strip_prefix("expect ")?.trim().strip_prefix(name));
        words.filter(|rest| rest.is_empty() || rest.starts_with(' ')).map(str::trim).collect()
    }

    fn must_fail(&self) -> bool {
        self.command == "eval_fail" || self.directive("fail").is_some()
    }

    /// A message may say more than the script asks for.
    fn failure_is(&self, message: &str) -> Result<(), String> {
        let wanted = self.directive("fail").unwrap_or("");
        if wanted.strip_prefix("msg:").is_some_and(|wanted| message.contains(wanted.trim())) {
            return Ok(());
        }
        matches_expectation(wanted, message)
    }

    fn run(&self, expr: &Expr, memory: &Memory) -> Result<(), String> {
        let options =
            EvalOptions { delayed_name_removal: true, type_and_unit_labels: true, ..EvalOptions::default() };
        let result = match self.when {
            When::At(at) => eval_instant(expr, at, memory, &options),
            When::Range(range) => eval_range(expr, range, memory, &options),
        };
        match result {
            Err(error) if self.must_fail() => self.failure_is(&error.to_string()),
            Err(error) => Err(format!("failed: {error}")),
            Ok(evaluated) if self.must_fail() => {
                Err(format!("should have failed, gave {:?}", evaluated.value))
            }
            Ok(evaluated) => {
                self.notes(&evaluated)?;
                self.compare(&evaluated.value)
            }
        }
    }

    fn notes(&self, evaluated: &Evaluated) -> Result<(), String> {
        for (name, prefix, notes) in
            [("warn", "PromQL warning: ", &evaluated.warnings), ("info", "PromQL info: ", &evaluated.infos)]
        {
            let texts: Vec<_> =
                notes.iter().map(|n| format!("{prefix}{}", n.with_position(&self.query))).collect();
            if self.directive(&format!("no_{name}")).is_some() && !texts.is_empty() {
                return Err(format!("unexpected {texts:?}"));
            }
            let wanted = self.directives(name);
            for one in &wanted {
                if !texts.iter().any(|text| matches_expectation(one, text).is_ok()) {
                    return Err(format!("expected {name} {one:?}, got {texts:?}"));
                }
            }
            let is_expected =
                |text: &&String| wanted.iter().any(|one| matches_expectation(one, text).is_ok());
            if !wanted.is_empty() && !texts.iter().all(|text| is_expected(&text)) {
                return Err(format!("expected only {name} {wanted:?}, got {texts:?}"));
            }
        }
        Ok(())
    }

    fn compare(&self, value: &Value) -> Result<(), String> {
        match value {
            Value::String(text) => {
                let quoted = self.directive("string").unwrap_or_default();
                let expected = &quoted[1..quoted.len().max(2) - 1];
                if expected == text { Ok(()) } else { Err(format!("got {text:?}")) }
            }
            Value::Scalar(sample) => {
                let expected: f64 =
                    number(self.expected.first().unwrap_or(&"nothing")).ok_or("no number expected")?;
                if almost_equal(expected, sample.value) {
                    Ok(())
                } else {
                    Err(format!("got {}", sample.value))
                }
            }
            Value::Vector(rows) => {
                let rows = rows.iter().map(|r| (r.labels.clone(), vec![(r.at, r.value.clone())]));
                let at = match self.when {
                    When::At(at) => at,
                    When::Range(range) => range.start,
                };
                self.compare_rows(rows.collect(), RangeSpec { start: at, end: at, step: TimeDelta(1) })
            }
            Value::Matrix(rows) => {
                let times = match (&self.when, self.directive("range vector")) {
                    (_, Some(words)) => {
                        let words: Vec<_> = words.split_whitespace().collect();
                        let [start, end, step] = [1, 3, 5].map(|n| duration(words[n]));
                        RangeSpec { start: Timestamp(start.0), end: Timestamp(end.0), step }
                    }
                    (When::Range(range), None) => *range,
                    (When::At(_), None) => return Err("a matrix was not expected".into()),
                };
                self.compare_rows(rows.iter().map(points).collect(), times)
            }
        }
    }

    fn compare_rows(&self, mut got: Vec<Row>, times: RangeSpec) -> Result<(), String> {
        let mut expected: Vec<Expected> = Vec::new();
        for line in &self.expected {
            let line = if number(line).is_some() { format!("{{}} {line}") } else { (*line).to_owned() };
            let read = series_notation::series(&line);
            let (labels, values) = read.unwrap_or_else(|error| panic!("{line}: {error:?}"));
            let at = |n: usize| Timestamp(times.start.0 + times.step.0 * n as i64);
            let points = values.into_iter().enumerate().map(|(n, value)| (at(n), value));
            let points = points.filter(|(at, value)| value.value.is_some() && *at <= times.end);
            expected.push((labels, points.collect()));
        }
        expected.retain(|(_, points)| !points.is_empty());
        if self.directive("ordered").is_none() && self.command != "eval_ordered" {
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            got.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let same_point =
            |((at, wanted), (got_at, got)): (&(Timestamp, SeriesValue), &(Timestamp, SampleValue))| {
                at == got_at
                    && wanted
                        .value
                        .as_ref()
                        .is_some_and(|value| is_value(value, got, wanted.states_counter_reset))
            };
        let same_row = |(wanted, got): (&Expected, &Row)| {
            wanted.0 == got.0 && wanted.1.len() == got.1.len() && wanted.1.iter().zip(&got.1).all(same_point)
        };
        if expected.len() == got.len() && expected.iter().zip(&got).all(same_row) {
            return Ok(());
        }
        let strip = |(labels, points): Expected| {
            (labels, points.into_iter().filter_map(|(at, v)| Some((at, v.value?))).collect::<Vec<_>>())
        };
        let expected: Vec<Row> = expected.into_iter().map(strip).collect();
        Err(format!("expected {}\n      got      {}", short(&expected), short(&got)))
    }
}

/// A series as a script expects it.
type Expected = (Labels, Vec<(Timestamp, SeriesValue)>);

/// A series with its values over time.
type Row = (Labels, Vec<(Timestamp, SampleValue)>);

fn points(row: &RangeSeries) -> Row {
    let floats = row.points.iter().map(|p| (p.at, SampleValue::Float(p.value)));
    let histograms =
        row.histograms.iter().map(|h| (h.at, SampleValue::Histogram(std::sync::Arc::clone(&h.histogram))));
    let mut points: Vec<_> = floats.chain(histograms).collect();
    points.sort_by_key(|(at, _)| *at);
    (row.labels.clone(), points)
}

fn short(rows: &[Row]) -> String {
    let value = |value: &SampleValue| match value {
        SampleValue::Float(value) => value.to_string(),
        SampleValue::Histogram(histogram) => series_notation::write_histogram(histogram),
    };
    let line = |(labels, points): &Row| {
        let values: Vec<_> = points.iter().map(|(at, v)| format!("{}@{}", value(v), at.0 / 1000)).collect();
        format!("{labels} {}", values.join(" "))
    };
    rows.iter().map(line).collect::<Vec<_>>().join("; ")
}

/// As Prometheus' test engine compares; how a histogram relates to others only where the script states it.
fn is_value(wanted: &SampleValue, got: &SampleValue, states_counter_reset: bool) -> bool {
    match (wanted, got) {
        (SampleValue::Float(a), SampleValue::Float(b)) => almost_equal(*a, *b),
        (SampleValue::Histogram(a), SampleValue::Histogram(b)) => {
            let same_buckets = |a: &[Bucket], b: &[Bucket]| {
                a.len() == b.len()
                    && a.iter().zip(b).all(|(a, b)| a.index == b.index && almost_equal(a.count, b.count))
            };
            a.schema == b.schema
                && almost_equal(a.count, b.count)
                && almost_equal(a.sum, b.sum)
                && a.custom_bounds == b.custom_bounds
                && almost_equal(a.zero_threshold, b.zero_threshold)
                && almost_equal(a.zero_count, b.zero_count)
                && same_buckets(&a.positive, &b.positive)
                && same_buckets(&a.negative, &b.negative)
                && (!states_counter_reset || a.counter_reset == b.counter_reset)
        }
        (SampleValue::Float(_), SampleValue::Histogram(_))
        | (SampleValue::Histogram(_), SampleValue::Float(_)) => false,
    }
}

fn matches_expectation(wanted: &str, text: &str) -> Result<(), String> {
    let is_met = if let Some(message) = wanted.strip_prefix("msg:") {
        text == message.trim()
    } else if let Some(pattern) = wanted.strip_prefix("regex:") {
        regex_is_match(pattern.trim(), text)
    } else {
        true
    };
    if is_met { Ok(()) } else { Err(format!("expected {wanted:?}, got {text:?}")) }
}

fn regex_is_match(pattern: &str, text: &str) -> bool {
    let whole = format!("(?s).*{pattern}.*");
    Matcher::new(bellwether_model::MatchOp::Regex, "text", whole).is_ok_and(|m| m.matches_value(text))
}

/// As Prometheus' test engine compares: a relative difference up to a millionth is none.
fn almost_equal(a: f64, b: f64) -> bool {
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let (difference, sum) = ((a - b).abs(), a.abs() + b.abs());
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < 1e-6 * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < 1e-6
}

pub(crate) fn duration(text: &str) -> TimeDelta {
    let plain = text.parse::<f64>().ok().map(TimeDelta::from_secs_f64);
    plain.or_else(|| text.parse().ok()).unwrap_or_else(|| panic!("not a duration: {text:?}"))
}

/// Cuts a line into its series and the rest; braces may hold blanks.
fn split_series(line: &str) -> (&str, &str) {
    let mut quote = None;
    let mut depth = 0;
    for (index, c) in line.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c && !line[..index].ends_with('\\') => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') => depth -= 1,
            (None, ' ' | '\t') if depth == 0 => {
                let rest = line[index..].trim_start();
                return if rest.starts_with('{') && !rest.starts_with("{{") {
                    let end = rest.find('}').map_or(line.len(), |n| line.len() - rest.len() + n + 1);
                    (&line[..end], line[end..].trim())
                } else {
                    (&line[..index], rest)
                };
            }
            (None, _) => {}
        }
    }
    (line, "")
}

/// A number as scripts write it.
fn number(text: &str) -> Option<f64> {
    match text {
        "stale" => Some(STALE_NAN),
        text => text.trim_start_matches('+').parse().ok(),
    }
}
