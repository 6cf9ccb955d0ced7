//! Generated rules of both shapes over random histories: counters that begin anew, series that are born, hidden and
//! gone, scrapes that fail or never come. Our rules engine and promtool record the same to a thousand millionth at every
//! step, alerts included, because they evaluate the same PromQL.
//!
//! The ledger counts otherwise, and how much otherwise follows from the trace: `generate_trace.rs` computes it.

#![allow(clippy::disallowed_methods)] // A peer is a program, and reads files.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use bellwether_diag::{Diagnostics, Severity, Sources, Style};
use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_promql::SampleValue;
use bellwether_promql::series_notation;
use bellwether_rules::unit_test::{Coverage, Mismatch, Suite, TestFile};
use bellwether_rules::{ReadOptions, RuleFile};
use bellwether_slo::generate::{GenerateOptions, RuleDocument, Shape, generate, to_yaml};
use bellwether_slo::{Documents, StreamStatus, WindowStatus};
use bellwether_testkit::cases::ran;
use bellwether_testkit::peers;

use crate::generate_trace::{Histograms, Instance, Look, SCRAPES, Shown, is_native, limits, trace};
use crate::world::{SCRAPE, World};

/// Rules are evaluated every minute.
const SCRAPES_PER_STEP: usize = 4;
const STEPS: usize = SCRAPES / SCRAPES_PER_STEP;
const PERIOD: TimeDelta = TimeDelta(30 * TimeDelta::MINUTE.0);
const FACTOR: f64 = 2.0;
/// How far two evaluations of one expression may lie apart, relatively.
const TOLERANCE: f64 = 1e-9;

const OBJECTIVES: [(&str, &str, f64); 4] = [
    ("paid", "ratio: {good: 'r{code=\"200\"}', total: r}", 0.9),
    ("both", "ratio: {bad: [e, f], total: [a, b]}", 0.8),
    ("fast", "latency: {histogram: d, threshold: 0.5}", 0.9),
    ("native", "latency: {histogram: n, threshold: 4}", 0.9),
];

fn objectives() -> String {
    let one = |(name, indicator, goal): &(&str, &str, f64)| {
        format!(
            "- name: {name}\n  service: shop\n  window: 30m\n  group_by: [region]\n  goal: {goal}\n  indicator:\n    \
             {indicator}\n  alerts: [{{name: fast, severity: page, factor: {FACTOR}, long: 15m, short: 5m}}]\n"
        )
    };
    format!("slos:\n{}", OBJECTIVES.iter().map(one).collect::<String>())
}

/// A specification of Sloth, which has its own eight windows.
const SLOTH: &str = "version: prometheus/v1\nservice: till\nslos:\n- name: available\n  objective: 90\n  sli:\n    events:\n      \
                     error_query: sum(rate(r{code=\"500\"}[{{.window}}]))\n      total_query: sum(rate(r[{{.window}}]))\n  \
                     alerting: {name: Till, page_alert: {labels: {severity: page}}, ticket_alert: {labels: {severity: ticket}}}\n";

/// A moment's series by their labels.
type Recorded = BTreeMap<Labels, f64>;

fn made(shape: Shape) -> Vec<RuleDocument> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let mut documents = Documents::default();
    for (name, text) in [("slo.yaml", objectives()), ("sloth.yaml", SLOTH.to_owned())] {
        let file = sources.add(name, text);
        documents.add_file(&sources, file, &mut out);
    }
    let options = GenerateOptions { shape, ..GenerateOptions::default() };
    let made = generate(&documents, &sources, &options, &mut out);
    assert_eq!(out.render(&sources, Style { color: false }), "");
    made
}

fn rules(shape: Shape) -> String {
    // Whole periods are asked at every step too, so that one grid holds for all.
    to_yaml(&made(shape), "made by a test").replace("    interval: 2m\n", "")
}

/// Asks for all that is recorded at every step, expecting nothing: so all is shown.
fn test_file(trace: &[Instance]) -> String {
    let mut out =
        "rule_files: [exact.yaml, sloth.yaml]\nevaluation_interval: 1m\ngroup_eval_order:\n".to_owned();
    for group in [Shape::Exact, Shape::Sloth].into_iter().flat_map(made).flat_map(|made| made.groups) {
        let _ = writeln!(out, "- '{}'", group.name);
    }
    out.push_str("tests:\n- interval: 15s\n  input_series:\n");
    for (name, points) in trace.iter().flat_map(|instance| &instance.series) {
        let values = points.iter().map(|point| match point {
            None => "_".to_owned(),
            Some(Shown::Stale) => "stale".to_owned(),
            Some(Shown::Counts([a, b, c])) if is_native(name) => {
                format!("{{{{schema:0 count:{} buckets:[{a} 0 {b} 0 {c}]}}}}", a + b + c)
            }
            Some(Shown::Counts([value, ..])) => value.to_string(),
        });
        let _ = writeln!(out, "  - {{series: '{name}', values: '{}'}}", values.collect::<Vec<_>>().join(" "));
    }
    out.push_str("  promql_expr_test:\n");
    for scrape in (0..SCRAPES).step_by(SCRAPES_PER_STEP) {
        let seconds = scrape as i64 * SCRAPE.0 / 1000;
        let _ = writeln!(out, "  - {{expr: '{{__name__=~\"slo.+|ALERTS.*\"}}', eval_time: {seconds}s}}");
    }
    out
}

/// What our rules engine records, by step.
fn ours(test: &str) -> Vec<Recorded> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("test.yaml", test);
    let read = TestFile::read(&sources, file, Severity::Error, &mut out).unwrap();
    let files = [("exact.yaml", Shape::Exact), ("sloth.yaml", Shape::Sloth)];
    let files: Vec<(String, RuleFile)> = files
        .into_iter()
        .map(|(name, shape)| {
            let file = sources.add(name, rules(shape));
            (name.to_owned(), RuleFile::read(&sources, file, ReadOptions::default(), &mut out).unwrap())
        })
        .collect();
    let outcome = Suite::new(&read, &files, &mut out).run(&read.tests[0], false, &mut Coverage::default());
    assert_eq!(out.render(&sources, Style { color: false }), "");
    let recorded = |mismatches: &[Mismatch]| {
        let items = mismatches.iter().map(|mismatch| match mismatch {
            Mismatch::Unexpected(item) => match &item.value {
                Some(SampleValue::Float(value)) => (item.labels.clone(), *value),
                other => panic!("{} has {other:?}", item.labels),
            },
            other => panic!("nothing was expected: {other:?}"),
        });
        items.collect::<Recorded>()
    };
    assert!(outcome.failures.iter().all(|failure| !failure.mismatches.is_empty()), "{:?}", outcome.failures);
    outcome.failures.iter().map(|failure| recorded(&failure.mismatches)).collect()
}

/// What Prometheus' own engine records, read from what promtool says that it got.
fn theirs(program: &std::path::Path, test: &str, seed: usize) -> Vec<Recorded> {
    let folder = std::env::temp_dir().join(format!("bellwether-random-{}-{seed}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("exact.yaml"), rules(Shape::Exact)).unwrap();
    std::fs::write(folder.join("sloth.yaml"), rules(Shape::Sloth)).unwrap();
    std::fs::write(folder.join("test.yaml"), test).unwrap();
    let output = Command::new(program).args(["test", "rules", "test.yaml"]).current_dir(&folder).output();
    let output = output.unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    let got: Vec<Recorded> =
        said.lines().filter_map(|line| Some(got(line.trim().strip_prefix("got:")?))).collect();
    assert!(!got.is_empty(), "{}", said.chars().take(2000).collect::<String>());
    got
}

/// `{a="b"} 1E+00, …`
fn got(mut text: &str) -> Recorded {
    let mut found = Recorded::new();
    while let Some(begin) = text.find('{') {
        // No label of these holds a brace.
        let end = begin + text[begin..].find('}').unwrap() + 1;
        let labels = series_notation::labels(&text[begin..end]).unwrap();
        let value = text[end..].split([',', '"', ']']).next().unwrap().trim();
        let value = value.parse().unwrap_or_else(|_| panic!("{value:?} in {text}"));
        assert!(found.insert(labels, value).is_none(), "{text}");
        text = &text[end..];
    }
    found
}

fn is_near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs()).max(1e-6)
}

/// Values of both that are one. Where histograms begin anew, what Prometheus records of them is what it extends to
/// before zero.
fn compare(ours: &[Recorded], theirs: &[Recorded], trace: &[Instance], histograms: Histograms) -> u64 {
    assert_eq!((ours.len(), theirs.len()), (STEPS, STEPS));
    let mut compared = 0;
    for (step, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let is_extended = |labels: &Labels| {
            histograms == Histograms::BeginAnew && labels.iter().any(|(_, value)| value.contains("native"))
        };
        let names = |of: &Recorded| of.keys().filter(|own| !is_extended(own)).cloned().collect::<Vec<_>>();
        assert_eq!(names(ours), names(theirs), "step {step}");
        for (labels, theirs) in theirs {
            let expected = match is_extended(labels) {
                true => extended(trace, labels, step),
                false => ours.get(labels).copied(),
            };
            let Some(expected) = expected else { continue };
            assert!(is_near(expected, *theirs), "step {step} {labels}: {expected}, Prometheus {theirs}");
            compared += 1;
        }
    }
    compared
}

/// What a count of histograms is with growth that is extended to before zero.
fn extended(trace: &[Instance], labels: &Labels, step: usize) -> Option<f64> {
    let (kind, window) = labels.metric_name()?.strip_prefix("slo:")?.split_once("_events:increase")?;
    let window: TimeDelta = window.parse().unwrap();
    let now = (step * SCRAPES_PER_STEP) as f64;
    let look = Look { window: window.0 as f64 / SCRAPE.0 as f64, now, known: now };
    let [bad, total] = limits(trace, "native", labels.value_or_empty("region"), look);
    Some(if kind == "bad" { bad.extended } else { total.extended })
}

/// How much of what rules count the limits leave open.
#[derive(Debug, Default)]
struct Slack {
    counted: f64,
    open: f64,
    values: u64,
    alerts: u64,
}

/// Plays a trace to the ledger, and holds every step of it against what rules recorded.
fn hold_against_ledger(trace: &[Instance], recorded: &[Recorded], slack: &mut Slack) {
    let mut world = World::new(&objectives());
    let begin = world.now;
    let mut steps = recorded.iter();
    for scrape in 0..SCRAPES {
        trace.iter().for_each(|instance| instance.tell(&mut world, scrape));
        if scrape % SCRAPES_PER_STEP == 0 {
            let recorded = steps.next().unwrap();
            for (name, _, goal) in OBJECTIVES {
                for stream in &world.status(&format!("shop/{name}")).streams {
                    let at = At { name, goal, scrape, begin, stream };
                    at.check(trace, recorded, slack);
                }
            }
        }
        world.wait(SCRAPE);
    }
}

/// A stream of an objective at a step.
struct At<'a> {
    name: &'a str,
    goal: f64,
    scrape: usize,
    begin: Timestamp,
    stream: &'a StreamStatus,
}

impl At<'_> {
    fn recorded(&self, recorded: &Recorded, metric: &str) -> Option<f64> {
        let own = [("__name__", metric), ("slo", self.name), ("service", "shop")];
        let id = format!("shop/{}", self.name);
        let labels = own.into_iter().chain([("slo_id", id.as_str())]).chain(self.stream.labels.iter());
        recorded.get(&Labels::from_pairs(labels)).copied()
    }

    fn check(&self, trace: &[Instance], recorded: &Recorded, slack: &mut Slack) {
        let windows: Vec<&WindowStatus> = self.stream.burns.iter().chain([&self.stream.total]).collect();
        let mut burns = Vec::new();
        for window in windows {
            burns.extend(self.check_window(window, trace, recorded, slack).map(|burn| (window.window, burn)));
        }
        self.check_alert(&burns, recorded, slack);
    }

    /// Counts of a window; the least and the most that its burn rate may be.
    fn check_window(
        &self,
        window: &WindowStatus,
        trace: &[Instance],
        recorded: &Recorded,
        slack: &mut Slack,
    ) -> Option<(f64, f64)> {
        let known = self.stream.watermark?;
        let in_scrapes = |time: TimeDelta| time.0 as f64 / SCRAPE.0 as f64;
        let look = Look {
            window: in_scrapes(window.window),
            now: self.scrape as f64,
            known: in_scrapes(known - self.begin),
        };
        let region = self.stream.labels.value_or_empty("region");
        let counted = limits(trace, self.name, region, look);
        let names = ["bad", "total"].map(|kind| format!("slo:{kind}_events:increase{}", window.window));
        let ledger = [window.total - window.good, window.total];
        for ((limits, metric), ledger) in counted.iter().zip(&names).zip(ledger) {
            let what = format!("{metric} of {} {} at {}", self.name, self.stream.labels, self.scrape);
            let Some(rules) = self.recorded(recorded, metric) else {
                assert!(!counted[1].is_seen, "{what} is not recorded");
                continue;
            };
            let near = TOLERANCE * counted[1].rules.max(1.0);
            assert!((rules - limits.rules).abs() <= near, "{what}: recorded {rules}, {limits:?}");
            let is_within = limits.low - near <= ledger && ledger <= limits.high + near;
            assert!(is_within, "{what}: the ledger has {ledger}, {limits:?}");
            slack.counted += limits.rules;
            slack.open += limits.high - limits.low;
            slack.values += 1;
        }
        let [bad, total] = counted;
        let allowed = 1.0 - self.goal;
        let burn = |bad: f64, total: f64| bad / (allowed * total);
        (total.rules > 0.0 && total.low > 0.0).then(|| {
            // Both sides of the same coin: what rules say, and what the ledger may say.
            let (rules, low, high) =
                (burn(bad.rules, total.rules), burn(bad.low, total.high), burn(bad.high, total.low));
            (rules.min(low), rules.max(high))
        })
    }

    /// Where no limit lies between burning and not burning, the rules' alert and the ledger's are one.
    fn check_alert(&self, burns: &[(TimeDelta, (f64, f64))], recorded: &Recorded, slack: &mut Slack) {
        let pair = burns.iter().filter(|(window, _)| *window < PERIOD);
        let pair: Vec<(f64, f64)> = pair.map(|(_, burn)| *burn).collect();
        let [(a_low, a_high), (b_low, b_high)] = pair[..] else { return };
        let surely = a_low.min(b_low) > FACTOR * (1.0 + TOLERANCE);
        let never = a_high.min(b_high) < FACTOR * (1.0 - TOLERANCE);
        if !surely && !never {
            return;
        }
        let is_own = |labels: &Labels| {
            labels.metric_name() == Some("ALERTS")
                && labels.get("slo") == Some(self.name)
                && labels.get("sloth_severity").is_none()
                && labels.get("region") == self.stream.labels.get("region")
        };
        let of_rules = recorded.keys().any(is_own);
        let of_ledger = self.stream.alerts.iter().all(|alert| {
            let exceeds = |burn: Option<f64>| burn.is_some_and(|burn| burn > alert.factor);
            exceeds(alert.burn_rate_long) && exceeds(alert.burn_rate_short)
        });
        let what = format!("{} {} at {}: {burns:?}", self.name, self.stream.labels, self.scrape);
        assert_eq!((of_rules, of_ledger), (surely, surely), "{what}");
        slack.alerts += 1;
    }
}

#[test]
fn rules_of_both_shapes_agree_with_prometheus_and_with_the_ledger() {
    let program = peers::program("promtool");
    let (mut slack, mut compared) = (Slack::default(), 0);
    for (seed, histograms) in [Histograms::GoOn, Histograms::BeginAnew].into_iter().enumerate() {
        let trace = trace(seed as u64, histograms);
        let test = test_file(&trace);
        let ours = ours(&test);
        let alerts =
            ours.iter().flat_map(BTreeMap::keys).filter(|labels| labels.metric_name() == Some("ALERTS"));
        assert!(alerts.count() > 20, "nothing burns in seed {seed}");
        hold_against_ledger(&trace, &ours, &mut slack);
        if let Some(program) = &program {
            compared += compare(&ours, &theirs(program, &test, seed), &trace, histograms);
        }
    }
    // The limits say something: they leave open a small part only.
    assert!(slack.open < slack.counted / 10.0, "{slack:?}");
    ran("generate/random-ledger", slack.values + slack.alerts);
    ran("generate/random-prometheus", compared);
}
