//! Prometheus' own test scripts, read in place: how many of their evaluations agree.
//!
//! The data is no part of this project; without it the test says so and passes.

use bellwether_testkit::cases;

use crate::script;

/// Evaluations that do not agree, each with the rule it misses: script, query, rule. None is left.
const KNOWN: [(&str, &str, &str); 0] = [];

/// Evaluations there were when this was last looked at; fewer means that a script was not read to its end.
const PASSED_MIN: usize = 2214;

#[allow(clippy::disallowed_methods)] // The test data lies outside; finding it is this test's task.
fn scripts() -> Option<Vec<(String, String)>> {
    let entries = std::fs::read_dir(cases::conformance("promqltest")?).ok()?;
    let mut scripts = Vec::new();
    for entry in entries {
        let path = entry.ok()?.path();
        let name = path.file_name()?.to_string_lossy().into_owned();
        scripts.push((name, String::from_utf8_lossy(&std::fs::read(&path).ok()?).into_owned()));
    }
    scripts.sort();
    Some(scripts)
}

fn run(name: &str, chunk_samples: usize) {
    let Some(scripts) = scripts() else { return };
    let (mut passed, mut with_histograms, mut unknown) = (0, 0, Vec::new());
    for (script, text) in &scripts {
        let outcome = script::run(text, chunk_samples);
        let (count, histograms) = (outcome.passed, outcome.with_histograms);
        eprintln!("{script:28} passed {count:4}, of them {histograms:4} with native histograms");
        passed += count;
        with_histograms += histograms;
        for failure in outcome.failures {
            let rule = KNOWN.iter().find(|(s, query, _)| s == script && failure.contains(query));
            match rule {
                Some((_, _, rule)) => eprintln!("    {failure}\n      known: {rule}"),
                None => unknown.push(format!("{script}: {failure}")),
            }
        }
    }
    eprintln!("{:28} passed {passed:4}, of them {with_histograms:4} with native histograms", "all");
    cases::ran(name, passed as u64);
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(passed >= PASSED_MIN, "{passed} evaluations agree, {PASSED_MIN} did before");
}

#[test]
fn evaluations_agree_with_prometheus() {
    run("conformance/promqltest", usize::MAX);
}

/// Short chunks are read through their summaries.
#[test]
fn evaluations_agree_when_read_through_summaries() {
    run("conformance/promqltest-in-chunks", 3);
}
