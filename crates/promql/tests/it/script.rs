//! Reads and runs PromQL test scripts: `load` series, `eval` queries, compare with what the script expects.

use bellwether_model::{Labels, Matcher, STALE_NAN, Sample, TimeDelta, Timestamp};
use bellwether_promql::{
    EvalOptions, Evaluated, Expr, ExprKind, InstantSeries, RangeSpec, Value, eval_instant, eval_range, parse,
    selectors,
};

use crate::memory::Memory;

/// How the evaluations of a script went.
#[derive(Default)]
pub(crate) struct Outcome {
    pub passed: usize,
    /// Touches native histograms or start timestamps.
    pub later: usize,
    pub failures: Vec<String>,
}

struct Runner {
    memory: Memory,
    /// Series that hold what samples cannot hold yet.
    beyond: Vec<Labels>,
    outcome: Outcome,
}

/// Runs a whole script; chunks of `chunk_samples` decide between decoding and summaries, never the result.
pub(crate) fn run(text: &str, chunk_samples: usize) -> Outcome {
    let mut runner =
        Runner { memory: Memory::new(chunk_samples), beyond: Vec::new(), outcome: Outcome::default() };
    let lines: Vec<_> = text.lines().collect();
    let mut next = 0;
    while next < lines.len() {
        let line = lines[next].trim();
        next += 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let start = next;
        while next < lines.len() && !lines[next].trim().is_empty() {
            next += 1;
        }
        let block = lines[start..next].iter().map(|l| l.trim()).filter(|l| !l.starts_with('#'));
        let block: Vec<_> = block.collect();
        if line == "clear" {
            runner.memory.series.clear();
            runner.beyond.clear();
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
        for line in block {
            let (series, values) = split_series(line);
            if series.ends_with("@st") || values.contains("{{") {
                self.beyond.push(labels(series.trim_end_matches("@st")));
                continue;
            }
            let labels = labels(series);
            if with_histograms {
                let name = labels.value_or_empty("__name__");
                let base = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(*end));
                let base = base.unwrap_or(name);
                self.beyond.push(labels.without(&["le"]).with("__name__", base));
            }
            let slots = expand(values).into_iter().enumerate();
            let samples =
                slots.filter_map(|(n, v)| v.map(|v| Sample::new(Timestamp(interval.0 * n as i64), v)));
            self.memory.add(labels, samples);
        }
    }

    fn eval(&mut self, line: &str, block: &[&str], number: usize) {
        let case = Case::of(line, block);
        let expr = parse(&case.query);
        let touches =
            |matchers: &[Matcher]| self.beyond.iter().any(|l| bellwether_model::matches_all(matchers, l));
        let is_beyond =
            |expr: &Expr| selectors(expr).iter().any(|s| touches(&s.matchers)) || uses_native(expr);
        if case.expected.iter().any(|l| l.contains("{{")) || expr.as_ref().is_ok_and(is_beyond) {
            self.outcome.later += 1;
            return;
        }
        let problem = match expr {
            Err(errors) if case.must_fail() => case.failure_is(&errors[0].message),
            Err(errors) => Err(format!("does not parse: {errors:?}")),
            Ok(expr) => case.run(&expr, &self.memory),
        };
        match problem {
            Ok(()) => self.outcome.passed += 1,
            Err(problem) => {
                self.outcome.failures.push(format!("line {number}: {}\n      {problem}", case.query))
            }
        }
    }
}

/// Queries that ask for native histograms by their very form.
fn uses_native(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |node| {
        found |= matches!(&node.kind, ExprKind::Binary(b) if ["</", ">/"].contains(&b.op.as_str()));
    });
    found
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

    fn must_fail(&self) -> bool {
        self.command == "eval_fail" || self.directive("fail").is_some()
    }

    fn failure_is(&self, message: &str) -> Result<(), String> {
        matches_expectation(self.directive("fail").unwrap_or(""), message)
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
            if let Some(wanted) = self.directive(name)
                && !texts.iter().any(|text| matches_expectation(wanted, text).is_ok())
            {
                return Err(format!("expected {name} {wanted:?}, got {texts:?}"));
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
                let sample = |r: &InstantSeries| Some(Sample::new(r.at, r.value.as_float()?));
                let rows: Vec<_> =
                    rows.iter().map(|r| (r.labels.clone(), sample(r).into_iter().collect())).collect();
                let at = match self.when {
                    When::At(at) => at,
                    When::Range(range) => range.start,
                };
                self.compare_rows(&rows, RangeSpec { start: at, end: at, step: TimeDelta(1) })
            }
            Value::Matrix(rows) => {
                let rows: Vec<_> = rows.iter().map(|r| (r.labels.clone(), r.points.clone())).collect();
                let times = match (&self.when, self.directive("range vector")) {
                    (_, Some(words)) => {
                        let words: Vec<_> = words.split_whitespace().collect();
                        let [start, end, step] = [1, 3, 5].map(|n| duration(words[n]));
                        RangeSpec { start: Timestamp(start.0), end: Timestamp(end.0), step }
                    }
                    (When::Range(range), None) => *range,
                    (When::At(_), None) => return Err("a matrix was not expected".into()),
                };
                self.compare_rows(&rows, times)
            }
        }
    }

    fn compare_rows(&self, rows: &[(Labels, Vec<Sample>)], times: RangeSpec) -> Result<(), String> {
        let mut expected = Vec::new();
        for line in &self.expected {
            let (series, values) = split_series(line);
            let (series, values) = if number(series).is_some() { ("{}", *line) } else { (series, values) };
            let at = |n: usize| Timestamp(times.start.0 + times.step.0 * n as i64);
            let slots = expand(values).into_iter().enumerate();
            let points = slots.filter_map(|(n, v)| v.map(|v| Sample::new(at(n), v)));
            expected.push((labels(series), points.filter(|p| p.at <= times.end).collect::<Vec<_>>()));
        }
        expected.retain(|(_, points)| !points.is_empty());
        let mut got = rows.to_vec();
        if self.directive("ordered").is_none() && self.command != "eval_ordered" {
            expected.sort_by(|a, b| a.0.cmp(&b.0));
            got.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let same_point = |(a, b): (&Sample, &Sample)| a.at == b.at && almost_equal(a.value, b.value);
        let same_row = |a: &(Labels, Vec<Sample>), b: &(Labels, Vec<Sample>)| {
            a.0 == b.0 && a.1.len() == b.1.len() && a.1.iter().zip(&b.1).all(same_point)
        };
        if expected.len() == got.len() && expected.iter().zip(&got).all(|(a, b)| same_row(a, b)) {
            return Ok(());
        }
        let short = |rows: &[(Labels, Vec<Sample>)]| {
            let line = |(labels, points): &(Labels, Vec<Sample>)| {
                let values: Vec<_> =
                    points.iter().map(|p| format!("{}@{}", p.value, p.at.0 / 1000)).collect();
                format!("{labels} {}", values.join(" "))
            };
            rows.iter().map(line).collect::<Vec<_>>().join("; ")
        };
        Err(format!("expected {}\n      got      {}", short(&expected), short(&got)))
    }
}

fn matches_expectation(wanted: &str, text: &str) -> Result<(), String> {
    let is_met = if let Some(message) = wanted.strip_prefix("msg:") {
        text.contains(message.trim())
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

fn duration(text: &str) -> TimeDelta {
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

/// A series' labels, read by the parser itself.
fn labels(series: &str) -> Labels {
    if series == "{}" {
        return Labels::empty();
    }
    // Of an empty selector only the type checker complains; a name that matches everything stands in.
    let expr = parse(series).unwrap_or_else(|errors| panic!("{series}: {errors:?}"));
    let pairs = selectors(&expr)[0].matchers.iter().map(|m| (m.name.clone(), m.value.clone()));
    Labels::from_pairs(pairs)
}

/// A number as scripts write it.
fn number(text: &str) -> Option<f64> {
    match text {
        "stale" => Some(STALE_NAN),
        text => text.trim_start_matches('+').parse().ok(),
    }
}

/// Expands `1+2x3 _ 4x2 stale`; a blank slot is `None`.
fn expand(values: &str) -> Vec<Option<f64>> {
    let mut out = Vec::new();
    for word in values.split_whitespace().take_while(|w| !w.starts_with('#')) {
        if let Some(value) = number(word) {
            out.push(Some(value));
        } else if word.starts_with('_') {
            let times = word.strip_prefix("_x").and_then(|n| n.parse().ok()).unwrap_or(1);
            out.extend(std::iter::repeat_n(None, times));
        } else {
            let (head, times) = word.rsplit_once('x').unwrap_or_else(|| panic!("not a value: {word:?}"));
            let times: usize = times.parse().expect("a count follows x");
            let split = head
                .char_indices()
                .skip(1)
                .filter(|(i, c)| matches!(c, '+' | '-') && !head[..*i].ends_with(['e', 'E']));
            let (start, step) = match split.last() {
                Some((at, _)) => (&head[..at], number(&head[at..]).expect("a step")),
                None => (head, 0.0),
            };
            let mut value = number(start).expect("a start");
            for _ in 0..=times {
                out.push(Some(value));
                value += step;
            }
        }
    }
    out
}
