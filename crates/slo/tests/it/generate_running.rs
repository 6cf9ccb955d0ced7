//! A running Prometheus with generated rules of both shapes, over a small target that counts at random and begins anew
//! now and then. Whatever it records is computed again by our evaluation of the same expressions, over the raw samples
//! read back from it, at the very moments at which it recorded.
//!
//! A scrape that was taken just before an evaluation, or what another group recorded then, may not have been stored yet
//! when the rule was evaluated. So either is right: with it, or without.

#![allow(clippy::disallowed_methods)] // A peer is a program that runs on its own time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bellwether_diag::{Diagnostics, Sources, Style};
use bellwether_model::{
    Labels, Matcher, PlainChunk, Sample, SeriesSource, SeriesView, SourceError, TimeDelta, TimeRange,
    Timestamp, matches_all,
};
use bellwether_promql::{EvalOptions, Expr, SampleValue, Value, eval_instant, parse};
use bellwether_slo::Documents;
use bellwether_slo::generate::{GenerateOptions, Rule, RuleKind, Shape, generate, to_yaml};
use bellwether_testkit::cases::ran;
use bellwether_testkit::peers;
use serde_json::Value as Json;

use crate::trace::Draw;

/// How long Prometheus records, once it has begun.
const RECORDING: Duration = Duration::from_secs(15);
/// How long it may take until there is something to see.
const DEADLINE: Duration = Duration::from_secs(20);
/// Scrapes so shortly before an evaluation may have come too late for it.
const STORING: TimeDelta = TimeDelta(900);
const TOLERANCE: f64 = 1e-9;

const OBJECTIVES: &str = "slos:\n- name: paid\n  service: shop\n  window: 30m\n  group_by: [region]\n  goal: 0.9\n  indicator:\n    \
ratio: {good: 'r{code=\"200\"}', total: r}\n  alerts: [{name: fast, severity: page, factor: 1, long: 5m, short: 1m}]\n\
- name: fast\n  service: shop\n  window: 30m\n  goal: 0.9\n  indicator:\n    latency: {histogram: d, threshold: 0.5}\n  \
alerts: [{name: fast, severity: page, factor: 1, long: 5m, short: 1m}]\n";

/// What the target counts; both regions are always there.
struct Counting {
    draw: Draw,
    values: BTreeMap<String, u64>,
}

impl Counting {
    /// What it exposes now.
    fn page(&mut self) -> String {
        if self.draw.one_in(8) {
            self.values.clear();
        }
        for region in ["north", "south"] {
            let mut grow = |name: &str, by: u64| {
                *self.values.entry(format!("{name}region=\"{region}\"}}")).or_default() += by;
            };
            let [good, bad, slow] = [40, 10, 8].map(|most| self.draw.below(most));
            grow("r{code=\"200\",", good);
            grow("r{code=\"500\",", bad);
            grow("d_bucket{le=\"0.5\",", good);
            grow("d_bucket{le=\"+Inf\",", good + slow);
            grow("d_count{", good + slow);
        }
        let mut page = String::new();
        for (name, value) in &self.values {
            let _ = writeln!(page, "{name} {value}");
        }
        page
    }
}

/// Serves a target's page until the test ends.
fn target() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut counting = Counting { draw: Draw::new(7), values: BTreeMap::new() };
        for stream in listener.incoming() {
            let _ = stream.and_then(|stream| answer(stream, &counting.page()));
        }
    });
    address
}

fn answer(mut stream: TcpStream, page: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let head = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{page}", page.len())
}

/// The rules of both shapes, and their file.
fn rules() -> (Vec<Rule>, String) {
    let (mut rules, mut file) = (Vec::new(), String::from("groups:\n"));
    for shape in [Shape::Exact, Shape::Sloth] {
        let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
        let mut documents = Documents::default();
        let source = sources.add("slo.yaml", OBJECTIVES);
        documents.add_file(&sources, source, &mut out);
        let options = GenerateOptions { shape, ..GenerateOptions::default() };
        let made = generate(&documents, &sources, &options, &mut out);
        assert_eq!(out.render(&sources, Style { color: false }), "");
        file += to_yaml(&made, "").trim_start_matches("groups:\n");
        rules.extend(made.into_iter().flat_map(|made| made.groups).flat_map(|group| group.rules));
    }
    (rules, file)
}

struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Prometheus {
    fn start(program: &Path, folder: &Path, rules: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("rules.yml"), rules).unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\nscrape_configs:\n\
             - {{job_name: shop, static_configs: [{{targets: ['{}']}}]}}\n",
            target()
        );
        std::fs::write(folder.join("prometheus.yml"), config).unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, address }
    }

    /// The series of a selector with their last two minutes of raw samples.
    fn read(&self, selector: &str) -> std::io::Result<Samples> {
        let query: String = format!("{selector}[2m]").bytes().map(|byte| format!("%{byte:02x}")).collect();
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "GET /api/v1/query?query={query} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        let Ok(answer) = serde_json::from_str::<Json>(body) else { return Ok(Samples::default()) };
        let result = answer["data"]["result"].as_array().cloned().unwrap_or_default();
        Ok(Samples(result.iter().map(series).collect()))
    }
}

fn series(json: &Json) -> (Labels, Vec<Sample>) {
    let labels = json["metric"].as_object().unwrap().iter();
    let labels = Labels::from_pairs(labels.map(|(name, value)| (name.as_str(), value.as_str().unwrap())));
    let sample = |pair: &Json| {
        let at = Timestamp((pair[0].as_f64().unwrap() * 1000.0).round() as i64);
        Sample::new(at, pair[1].as_str().unwrap().parse().unwrap())
    };
    (labels, json["values"].as_array().unwrap().iter().map(sample).collect())
}

#[derive(Clone, Debug, Default)]
struct Samples(BTreeMap<Labels, Vec<Sample>>);

/// What could be seen at a moment.
struct Seen<'a> {
    raw: &'a Samples,
    recorded: &'a Samples,
    /// What came after this was not stored yet.
    scraped: Timestamp,
    /// The same for what was recorded, but for what this very evaluation recorded before.
    evaluated: Timestamp,
    now: Timestamp,
}

impl SeriesSource for Seen<'_> {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<SeriesView>, SourceError> {
        let raw = self.raw.0.iter().map(|own| (own, self.scraped, false));
        let own = raw.chain(self.recorded.0.iter().map(|own| (own, self.evaluated, true)));
        let own = own.filter(|((labels, _), ..)| matches_all(matchers, labels));
        let chosen = own.filter_map(|((labels, samples), stored, is_recorded)| {
            let is_seen = |sample: &&Sample| {
                range.start <= sample.at
                    && sample.at <= range.end
                    && (sample.at <= stored || (is_recorded && sample.at == self.now))
            };
            let chunk = PlainChunk::of(samples.iter().filter(is_seen).copied().collect())?;
            Some(SeriesView { labels: labels.clone(), chunks: vec![chunk] })
        });
        Ok(chosen.collect())
    }
}

/// A recording rule as it is compared.
struct Recording {
    name: String,
    labels: BTreeMap<String, String>,
    expr: Expr,
}

impl Recording {
    fn of(rule: Rule) -> Option<Self> {
        let RuleKind::Record(name) = rule.kind else { return None };
        Some(Self { name, labels: rule.labels, expr: parse(&rule.expr).unwrap() })
    }

    fn has(&self, labels: &Labels) -> bool {
        labels.metric_name() == Some(&self.name)
            && self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }

    /// What we record of one series at a moment.
    fn value(&self, seen: &Seen<'_>, labels: &Labels) -> Option<f64> {
        let value = eval_instant(&self.expr, seen.now, seen, &EvalOptions::default()).unwrap().value;
        let Value::Vector(found) = value else { panic!("{} gives no vector", self.name) };
        found.into_iter().find_map(|series| {
            let own = [("__name__", &self.name)]
                .into_iter()
                .chain(self.labels.iter().map(|(name, value)| (name.as_str(), value)));
            let mut all: BTreeMap<&str, &str> = series.labels.iter().collect();
            all.extend(own.map(|(name, value)| (name, value.as_str())));
            let is_it = Labels::from_pairs(all) == *labels;
            match series.value {
                SampleValue::Float(value) => is_it.then_some(value),
                SampleValue::Histogram(_) => None,
            }
        })
    }
}

fn is_near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= TOLERANCE * a.abs().max(b.abs())
}

/// Prometheus' raw samples and what it recorded, after it has done so for a while.
fn record(program: &Path, rules: &str) -> (Samples, Samples) {
    let folder = std::env::temp_dir().join(format!("bellwether-running-{}", std::process::id()));
    let prometheus = Prometheus::start(program, &folder, rules);
    let begun = Instant::now();
    let mut first = None;
    while first.is_none_or(|first: Instant| first.elapsed() < RECORDING) {
        assert!(begun.elapsed() < DEADLINE + RECORDING, "nothing is recorded");
        std::thread::sleep(Duration::from_millis(100));
        let is_there = || prometheus.read("slo:burn_rate:ratio1m").is_ok_and(|found| !found.0.is_empty());
        if first.is_none() && is_there() {
            first = Some(Instant::now());
        }
    }
    // First what was recorded: then everything that it was made of is there too.
    let recorded = prometheus.read("{__name__=~\"slo:.+|sloth.+\"}").unwrap();
    let raw = prometheus.read("{job=\"shop\"}").unwrap();
    drop(prometheus);
    std::fs::remove_dir_all(&folder).unwrap();
    (raw, recorded)
}

#[test]
fn a_running_prometheus_records_what_we_evaluate() {
    let Some(program) = peers::program("prometheus") else { return };
    let (rules, file) = rules();
    let (raw, recorded) = record(&program, &file);
    let recordings: Vec<Recording> = rules.into_iter().filter_map(Recording::of).collect();
    let (mut compared, mut late) = (0, 0);
    for (labels, samples) in &recorded.0 {
        let rule = recordings.iter().find(|rule| rule.has(labels)).unwrap_or_else(|| panic!("{labels}"));
        for Sample { at: now, value } in samples.iter().copied() {
            let earlier = now - STORING;
            let known = [(now, now), (earlier, now), (now, earlier), (earlier, earlier)];
            let ours = known.map(|(scraped, evaluated)| {
                let (raw, recorded) = (&raw, &recorded);
                rule.value(&Seen { raw, recorded, scraped, evaluated, now }, labels)
            });
            let right = ours.iter().position(|ours| ours.is_some_and(|ours| is_near(ours, value)));
            let what = || format!("{labels} at {now:?}: Prometheus has {value}, we {ours:?}");
            late += u64::from(right.unwrap_or_else(|| panic!("{}", what())) > 0);
            compared += 1;
        }
    }
    assert!(compared > 400, "{compared} values in {} series", recorded.0.len());
    assert!(late * 2 < compared, "{late} of {compared} values are without the last scrape");
    ran("generate/running-prometheus", compared);
}
