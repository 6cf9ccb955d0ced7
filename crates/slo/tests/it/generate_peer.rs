//! Generated rules, the ledger and the real Prometheus agree at every step, within what PromQL can express: of samples
//! every fifteen seconds, a window of five minutes holds the growth of four minutes and three quarters, and what is
//! missing is guessed to have been like the rest. So the burn rate that rules record over a window is the ledger's
//! over that window less one scrape, and the counts are the ledger's in proportion.

#![allow(clippy::disallowed_methods)] // A peer is a program, and reads files.
#![allow(clippy::print_stderr)] // What is skipped is said.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

use bellwether_diag::{Diagnostics, Severity, Sources, Style};
use bellwether_model::{Labels, TimeDelta};
use bellwether_rules::unit_test::{Coverage, Suite, TestFile, render_failure};
use bellwether_rules::{ReadOptions, RuleFile};
use bellwether_slo::generate::{GenerateOptions, generate, to_yaml};
use bellwether_slo::{Documents, StreamStatus};
use bellwether_testkit::cases::ran;
use bellwether_testkit::peers;

use crate::world::{SCRAPE, World};

/// Objectives with windows of one hour and five minutes, or whatever is handed in.
fn objectives(long: &str, short: &str) -> String {
    let alerts = format!("alerts: [{{name: fast, severity: page, factor: 2, long: {long}, short: {short}}}]");
    let people = "service: shop\n  window: 30d\n  group_by: [region]";
    format!(
        "slos:\n- name: paid\n  {people}\n  goal: 99%\n  indicator:\n    ratio: {{good: 'r{{code=\"200\"}}', total: r}}\n  \
         {alerts}\n- name: fast\n  {people}\n  goal: 95%\n  indicator:\n    latency: {{histogram: d, threshold: 0.5}}\n  \
         {alerts}\n- name: both\n  {people}\n  goal: 90%\n  indicator:\n    ratio: {{bad: [e, f], total: [a, b]}}\n  \
         {alerts}\n"
    )
}

/// Counters of two pods in two regions.
const COUNTERS: [&str; 8] =
    ["r{code=\"200\",", "r{code=\"500\",", "d_bucket{le=\"0.5\",", "d_count{", "a{", "b{", "e{", "f{"];
const PODS: [&str; 2] = ["region=\"north\",pod=\"1\"}", "region=\"south\",pod=\"2\"}"];
/// A little more than two hours of scrapes.
const SCRAPES: usize = 510;
const SCRAPES_PER_STEP: usize = 4;

/// Values are compared after rounding; moved by this, quotients of counts do not lie between two of them.
const NUDGE: f64 = 0.000_013_7;

/// Numbers without a pattern that are the same every time.
struct Draw(u64);
impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// What every counter shows at every scrape. Counters begin high, so that PromQL never guesses that one began at zero.
fn trace(draw: &mut Draw) -> BTreeMap<String, Vec<f64>> {
    let mut all = BTreeMap::new();
    for pod in PODS {
        let (mut values, mut busy) = (COUNTERS.map(|_| 100_000.0), 0);
        for scrape in 0..SCRAPES {
            if scrape % 20 == 0 {
                busy = draw.below(40) + 1;
            }
            let mut grown = COUNTERS.map(|_| draw.below(busy) as f64);
            // A bucket holds a part of the count, and what is bad is a part of all.
            grown[3] += grown[2];
            grown[4] += grown[6];
            grown[5] += grown[7];
            for (counter, grown) in grown.iter().enumerate() {
                values[counter] += grown;
                all.entry(format!("{}{pod}", COUNTERS[counter]))
                    .or_insert_with(Vec::new)
                    .push(values[counter]);
            }
        }
    }
    all
}

/// What the ledger says of every step: tests of the recorded series, in promtool's notation.
fn expected(trace: &BTreeMap<String, Vec<f64>>) -> (String, u64) {
    // One scrape less, as said above.
    let mut world = World::new(&objectives("3585s", "285s"));
    let (mut out, mut values) = (String::new(), 0);
    for scrape in 0..SCRAPES {
        for pod in PODS {
            let of_pod: Vec<(&str, f64)> = trace
                .iter()
                .filter(|(name, _)| name.ends_with(pod))
                .map(|(name, values)| (name.as_str(), values[scrape]))
                .collect();
            world.scrape(pod, &of_pod);
        }
        if scrape % SCRAPES_PER_STEP == 0 && scrape >= 240 {
            for name in ["paid", "fast", "both"] {
                let streams = world.status(&format!("shop/{name}")).streams;
                assert_eq!(streams.len(), 3, "{name}");
                for (window, is_long) in [("5m", false), ("1h", true)] {
                    step(&mut out, name, window, is_long, scrape, &streams);
                    values += 3 * streams.len() as u64;
                }
            }
        }
        world.wait(SCRAPE);
    }
    (out, values)
}

fn step(out: &mut String, name: &str, window: &str, is_long: bool, scrape: usize, streams: &[StreamStatus]) {
    let seconds = if is_long { 3600.0 } else { 300.0 };
    for series in ["bad_events:increase", "total_events:increase", "burn_rate:ratio"] {
        let metric = format!("slo:{series}{window}");
        let _ = writeln!(
            out,
            "  - expr: 'round({metric}{{slo_id=\"shop/{name}\"}} + {NUDGE}, 0.0001)'\n    eval_time: {}s\n    exp_samples:",
            scrape as i64 * SCRAPE.0 / 1000
        );
        for stream in streams {
            let own = if is_long { stream.burns.last() } else { stream.burns.first() };
            let own = own.unwrap();
            assert_eq!(own.window, TimeDelta((seconds as i64 - 15) * 1000));
            let guessed = seconds / (seconds - 15.0);
            let value = match series {
                "bad_events:increase" => (own.total - own.good) * guessed,
                "total_events:increase" => own.total * guessed,
                _ => own.burn_rate.unwrap(), // The third of the three.
            };
            let labels = Labels::from_pairs(
                [("slo", name), ("slo_id", &format!("shop/{name}")), ("service", "shop")]
                    .into_iter()
                    .chain(stream.labels.iter()),
            );
            let _ = writeln!(
                out,
                "    - {{labels: '{labels}', value: {}}}",
                ((value + NUDGE) * 1e4 + 0.5).floor() / 1e4
            );
        }
    }
}

fn rules() -> String {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("slo.yaml", objectives("1h", "5m"));
    let mut documents = Documents::default();
    documents.add_file(&sources, file, &mut out);
    let rules = generate(&documents, &sources, &GenerateOptions::default(), &mut out);
    assert_eq!(out.render(&sources, Style { color: false }), "");
    // Whole periods are asked at every step too, so that one grid holds for all.
    to_yaml(&rules, "made by a test").replace("    interval: 2m\n", "")
}

fn test_file(trace: &BTreeMap<String, Vec<f64>>, expected: &str) -> String {
    let series: String = trace
        .iter()
        .map(|(name, values)| {
            let values: Vec<String> = values.iter().map(f64::to_string).collect();
            format!("  - {{series: '{name}', values: '{}'}}\n", values.join(" "))
        })
        .collect();
    format!(
        "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n- interval: 15s\n  \
         input_series:\n{series}  promql_expr_test:\n{expected}"
    )
}

/// Our own rules engine on the same files.
fn our_failures(rules: &str, test: &str) -> Vec<String> {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("test.yaml", test);
    let read = TestFile::read(&sources, file, Severity::Error, &mut out).unwrap();
    let file = sources.add("rules.yaml", rules);
    let content = RuleFile::read(&sources, file, ReadOptions::default(), &mut out).unwrap();
    let rules = vec![(read.rule_files[0].value.clone(), content)];
    let suite = Suite::new(&read, &rules, &mut out);
    let outcome = suite.run(&read.tests[0], false, &mut Coverage::default());
    assert_eq!(out.render(&sources, Style { color: false }), "");
    outcome.failures.iter().map(|f| render_failure(f, &sources, Style { color: false })).collect()
}

#[test]
fn rules_record_what_the_ledger_counts_at_every_step() {
    let folder = std::env::temp_dir().join(format!("bellwether-generate-{}", std::process::id()));
    for seed in 0..2 {
        let trace = trace(&mut Draw(seed));
        let (expected, values) = expected(&trace);
        let (rules, test) = (rules(), test_file(&trace, &expected));
        assert_eq!(our_failures(&rules, &test).into_iter().take(3).collect::<Vec<_>>(), Vec::<String>::new());
        ran("generate/ledger", values);
        // What would be wrong is found: one event more in one window.
        assert_ne!(our_failures(&rules, &test.replacen("value: ", "value: 1", 1)), Vec::<String>::new());
        let Some(promtool) = peers::program("promtool") else { continue };
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("rules.yaml"), &rules).unwrap();
        std::fs::write(folder.join("test.yaml"), &test).unwrap();
        for command in [["check", "rules", "rules.yaml"], ["test", "rules", "test.yaml"]] {
            let output = Command::new(&promtool).args(command).current_dir(&folder).output().unwrap();
            let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
            assert!(
                output.status.success(),
                "{command:?}\n{}",
                text.concat().chars().take(2000).collect::<String>()
            );
        }
        ran("generate/prometheus", values);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
