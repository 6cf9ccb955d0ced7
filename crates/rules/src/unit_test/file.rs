//! What a test file says. All of its problems are reported, each with its place; a file with one is not run.

use std::collections::BTreeMap;

use super::series;
use bellwether_diag::yaml::{self, Node};
use bellwether_diag::{
    Cx, Decode, Diagnostic, Diagnostics, FileId, MapReader, Severity, Sources, Span, Spanned,
};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_promql::SampleValue;

use crate::{RuleExpr, query_text};

/// Evaluations one test may need; a mistyped unit must not keep a machine busy for a year.
const EVALUATIONS_MAX: i64 = 1_000_000;

/// Furthest from 1970 that a test may start, and longest that it may take, in milliseconds: 285,000 years, far from
/// where calculating with moments ends.
const TIME_MAX: i64 = 1 << 53;

/// A test file.
#[derive(Clone, Debug, PartialEq)]
pub struct TestFile {
    /// Which rules are tested: names and patterns, relative to the file.
    pub rule_files: Vec<Spanned<String>>,
    /// How often all rules are evaluated, whatever their groups say.
    pub interval: TimeDelta,
    /// Names of groups that are evaluated in this order.
    pub group_order: Vec<Spanned<String>>,
    /// Whether neighbouring floating-point numbers count as equal.
    pub is_fuzzy: bool,
    /// Its tests in order.
    pub tests: Vec<UnitTest>,
}

/// A test: series that are given, and what is expected of rules and queries over them.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitTest {
    /// Its name, or its place in the file.
    pub name: String,
    /// Where it stands.
    pub span: Span,
    /// The distance of two given values.
    pub interval: TimeDelta,
    /// The moment of the first value and of the first evaluation.
    pub start: Timestamp,
    /// The series that are given.
    pub input: Vec<InputSeries>,
    /// What is expected of alerts.
    pub alert_tests: Vec<AlertTest>,
    /// What is expected of queries.
    pub query_tests: Vec<QueryTest>,
    /// What templates see as `$externalLabels`.
    pub external_labels: Labels,
    /// What templates see as `$externalURL`.
    pub external_url: String,
}

/// A series that is given.
#[derive(Clone, Debug, PartialEq)]
pub struct InputSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its value at each interval; `None` where it has none.
    pub values: Vec<Option<SampleValue>>,
    /// Where it stands.
    pub span: Span,
}

/// Which alerts of a name fire at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertTest {
    /// Since the start of the test.
    pub at: TimeDelta,
    /// The alert's name.
    pub alertname: Spanned<String>,
    /// All that fire.
    pub expected: Vec<ExpectedAlert>,
}

/// An alert that should fire.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedAlert {
    /// Its labels, `alertname` included.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
}

/// What a query gives at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryTest {
    /// Since the start of the test.
    pub at: TimeDelta,
    /// The query.
    pub expr: RuleExpr,
    /// All it gives, in any order.
    pub expected: Vec<ExpectedSample>,
}

/// A sample that a query should give.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedSample {
    /// Its labels, the metric's name included.
    pub labels: Labels,
    /// Its value.
    pub value: SampleValue,
}

impl TestFile {
    /// Reads a file. `Some` means that no error was found; warnings may have been added all the same. Fields that are
    /// unknown are reported as `unknown_fields` says.
    pub fn read(
        sources: &Sources,
        file: FileId,
        unknown_fields: Severity,
        out: &mut Diagnostics,
    ) -> Option<Self> {
        let errors_before = out.error_count();
        let documents = yaml::parse(sources, file, out);
        let mut cx = Cx::new(sources, out);
        let read = match documents.first() {
            Some(document) if !document.is_null() => Reader { unknown_fields }.file(document, &mut cx),
            Some(_) | None => {
                let message = "the file holds no tests";
                cx.error_help(Span::new(file, 0..0), message, "write them under tests:");
                None
            }
        };
        read.filter(|_| out.error_count() == errors_before)
    }
}

/// How strictly a file is read.
#[derive(Clone, Copy)]
struct Reader {
    unknown_fields: Severity,
}

impl Reader {
    fn file(self, document: &Node, cx: &mut Cx<'_>) -> Option<TestFile> {
        let mut map = MapReader::open(document, cx)?;
        let rule_files: Vec<Spanned<String>> = map.optional("rule_files", cx).unwrap_or_default();
        let interval = positive(map.optional("evaluation_interval", cx)).unwrap_or(TimeDelta::MINUTE);
        let group_order: Vec<Spanned<String>> = map.optional("group_eval_order", cx).unwrap_or_default();
        let is_fuzzy = map.optional("fuzzy_compare", cx).unwrap_or_default();
        let tests: Vec<Node> = map.optional("tests", cx).unwrap_or_default();
        map.finish_as(self.unknown_fields, cx);
        refuse_twice(&group_order, cx);
        let test = |(index, node)| self.test(node, &format!("unnamed#{index}"), interval, cx);
        let tests = tests.iter().enumerate().filter_map(test).collect();
        Some(TestFile { rule_files, interval, group_order, is_fuzzy, tests })
    }

    fn test(self, node: &Node, place: &str, evaluated_every: TimeDelta, cx: &mut Cx<'_>) -> Option<UnitTest> {
        let mut map = MapReader::open(node, cx)?;
        let name: Option<String> = map.optional("name", cx).filter(|name: &String| !name.is_empty());
        let interval = positive(map.optional("interval", cx)).unwrap_or(evaluated_every);
        let start = map.node("start_timestamp").and_then(|node| start(node, cx)).unwrap_or_default();
        let input: Vec<Node> = map.optional("input_series", cx).unwrap_or_default();
        let alert_tests: Vec<Node> = map.optional("alert_rule_test", cx).unwrap_or_default();
        let query_tests: Vec<Node> = map.optional("promql_expr_test", cx).unwrap_or_default();
        let external_labels = map.optional("external_labels", cx).unwrap_or_default();
        let external_url = map.optional("external_url", cx).unwrap_or_default();
        let span = map.span_first_line(cx);
        map.finish_as(self.unknown_fields, cx);
        let input: Vec<InputSeries> = input.iter().filter_map(|node| self.input_series(node, cx)).collect();
        warn_of_second_series(&input, cx);
        let check = Check { reader: self, evaluated_every };
        Some(UnitTest {
            name: name.unwrap_or_else(|| place.to_owned()),
            span,
            interval,
            start,
            input,
            alert_tests: alert_tests.iter().filter_map(|node| check.alert_test(node, cx)).collect(),
            query_tests: query_tests.iter().filter_map(|node| check.query_test(node, cx)).collect(),
            external_labels,
            external_url,
        })
    }

    fn input_series(self, node: &Node, cx: &mut Cx<'_>) -> Option<InputSeries> {
        let mut map = MapReader::open(node, cx)?;
        let labels = map.required("series", cx).and_then(|node: Node| series::labels(&node, cx));
        let values = map.required("values", cx).and_then(|node: Node| series::values(&node, cx));
        let span = map.key_span("series");
        map.finish_as(self.unknown_fields, cx);
        Some(InputSeries { labels: labels?, values: values?, span })
    }
}

/// Reads what a test expects.
#[derive(Clone, Copy)]
struct Check {
    reader: Reader,
    evaluated_every: TimeDelta,
}

impl Check {
    fn alert_test(self, node: &Node, cx: &mut Cx<'_>) -> Option<AlertTest> {
        let mut map = MapReader::open(node, cx)?;
        let at = self.eval_time(&mut map, cx);
        let alertname: Option<Spanned<String>> = map.required("alertname", cx);
        let expected: Vec<Node> = map.optional("exp_alerts", cx).unwrap_or_default();
        map.finish_as(self.reader.unknown_fields, cx);
        let alertname = alertname?;
        if alertname.is_empty() {
            cx.error_help(alertname.span, "alertname is empty", "write the name of the alert that is tested");
        }
        let expected = expected.iter().filter_map(|node| self.expected_alert(node, &alertname, cx)).collect();
        Some(AlertTest { at, alertname, expected })
    }

    fn expected_alert(self, node: &Node, alertname: &str, cx: &mut Cx<'_>) -> Option<ExpectedAlert> {
        if node.is_null() {
            let labels = Labels::from_pairs([("alertname", alertname)]);
            return Some(ExpectedAlert { labels, annotations: Labels::empty() });
        }
        let mut map = MapReader::open(node, cx)?;
        let labels: Option<BTreeMap<String, String>> = map.optional("exp_labels", cx);
        let annotations: Option<BTreeMap<String, String>> = map.optional("exp_annotations", cx);
        map.finish_as(self.reader.unknown_fields, cx);
        let labels = Labels::from_pairs(labels.unwrap_or_default()).with("alertname", alertname);
        Some(ExpectedAlert { labels, annotations: Labels::from_pairs(annotations.unwrap_or_default()) })
    }

    fn query_test(self, node: &Node, cx: &mut Cx<'_>) -> Option<QueryTest> {
        let mut map = MapReader::open(node, cx)?;
        let at = self.eval_time(&mut map, cx);
        let expr = query_text::read(&mut map, cx);
        let expected: Vec<Node> = map.optional("exp_samples", cx).unwrap_or_default();
        map.finish_as(self.reader.unknown_fields, cx);
        let expected = expected.iter().filter_map(|node| self.expected_sample(node, cx)).collect();
        Some(QueryTest { at, expr: expr?, expected })
    }

    fn expected_sample(self, node: &Node, cx: &mut Cx<'_>) -> Option<ExpectedSample> {
        let mut map = MapReader::open(node, cx)?;
        let labels = match map.node("labels") {
            Some(node) => series::labels(node, cx),
            None => Some(Labels::empty()),
        };
        let value: Option<f64> = map.optional("value", cx);
        let histogram =
            map.node("histogram").filter(|node| node.as_text().is_some_and(|text| !text.is_empty()));
        let value = match histogram {
            Some(node) => series::histogram(node, cx),
            None => Some(SampleValue::Float(value.unwrap_or_default())),
        };
        map.finish_as(self.reader.unknown_fields, cx);
        Some(ExpectedSample { labels: labels?, value: value? })
    }

    fn eval_time(self, map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> TimeDelta {
        let Some(at) = map.optional::<Spanned<TimeDelta>>("eval_time", cx) else { return TimeDelta::ZERO };
        let evaluations = at.value.0 / self.evaluated_every.0;
        if evaluations >= EVALUATIONS_MAX {
            let message = format!(
                "{} at an evaluation interval of {} is {evaluations} evaluations, more than {EVALUATIONS_MAX}",
                at.value, self.evaluated_every
            );
            cx.error_help(at.span, message, "write a shorter time or a longer evaluation_interval");
        } else if at.value.0 > TIME_MAX {
            cx.error_help(at.span, format!("{} is too long", at.value), "write a shorter time");
        }
        at.value
    }
}

/// Zero means the same as nothing, as in promtool.
fn positive(delta: Option<TimeDelta>) -> Option<TimeDelta> {
    delta.filter(|delta| *delta > TimeDelta::ZERO)
}

/// RFC 3339, or seconds since the epoch.
fn start(node: &Node, cx: &mut Cx<'_>) -> Option<Timestamp> {
    let text = String::decode(node, cx)?;
    if text.is_empty() {
        return None;
    }
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite());
    let moment = || Some(Timestamp(text.parse::<jiff::Timestamp>().ok()?.as_millisecond()));
    let start = seconds.map(Timestamp::from_secs_f64).or_else(moment);
    let start = start.filter(|start| start.0.unsigned_abs() <= TIME_MAX.unsigned_abs());
    if start.is_none() {
        let help = "write RFC 3339 such as 2026-11-21T03:04:05Z, or seconds since 1970";
        cx.error_help(node.span, format!("{text:?} is not a moment"), help);
    }
    start
}

fn refuse_twice(group_order: &[Spanned<String>], cx: &mut Cx<'_>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in group_order {
        if let Some(first) = seen.insert(name.as_str(), name.span) {
            let message = format!("group {:?} appears twice in the order of evaluation", name.value);
            cx.push(
                Diagnostic::error("test-group-order", name.span, message)
                    .with_help("remove one of the two")
                    .with_related(first, "the first one is here"),
            );
        }
    }
}

/// promtool keeps only the last of two series with the same labels, without a word.
fn warn_of_second_series(input: &[InputSeries], cx: &mut Cx<'_>) {
    let mut seen: BTreeMap<&Labels, Span> = BTreeMap::new();
    for series in input {
        if let Some(first) = seen.insert(&series.labels, series.span) {
            let message = format!("{} is given twice; only the last one counts", series.labels);
            cx.push(
                Diagnostic::warning("test-series-duplicate", series.span, message)
                    .with_help("remove the others, or write all values into one")
                    .with_related(first, "it is given here too"),
            );
        }
    }
}
