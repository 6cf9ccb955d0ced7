//! Prometheus' own test scripts, read in place: how many of their evaluations agree.
//!
//! The data is no part of this project; without it the test says so and passes.

use bellwether_testkit::cases;

use crate::script;

/// Evaluations that agreed when this was last raised; fewer is a regression.
const PASSED_MIN: usize = 1272;

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

#[test]
fn evaluations_agree_with_prometheus() {
    let Some(scripts) = scripts() else { return };
    let (mut passed, mut failed, mut later) = (0, 0, 0);
    for (name, text) in &scripts {
        let outcome = script::run(text, usize::MAX);
        eprintln!(
            "{name:28} passed {:4}  failed {:4}  later {:4}",
            outcome.passed,
            outcome.failures.len(),
            outcome.later
        );
        outcome.failures.iter().for_each(|failure| eprintln!("    {failure}"));
        passed += outcome.passed;
        failed += outcome.failures.len();
        later += outcome.later;
    }
    eprintln!("{:28} passed {passed:4}  failed {failed:4}  later {later:4}", "all");
    cases::ran("conformance/promqltest", passed as u64);
    assert!(passed >= PASSED_MIN, "{passed} evaluations agree, {PASSED_MIN} did before");
}

/// Short chunks are read through their summaries; only sums that need every bit of Kahan's method may differ.
const PASSED_IN_CHUNKS_MIN: usize = 1271;

#[test]
fn evaluations_agree_when_read_through_summaries() {
    let Some(scripts) = scripts() else { return };
    let mut passed = 0;
    for (name, text) in &scripts {
        let outcome = script::run(text, 3);
        outcome.failures.iter().for_each(|failure| eprintln!("{name}: {failure}"));
        passed += outcome.passed;
    }
    eprintln!("in chunks of 3: passed {passed}");
    cases::ran("conformance/promqltest-in-chunks", passed as u64);
    assert!(passed >= PASSED_IN_CHUNKS_MIN, "{passed} evaluations agree, {PASSED_IN_CHUNKS_MIN} did before");
}
