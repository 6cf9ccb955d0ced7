//! Rule files and their unit tests: read whole, every problem with a place that can be shown.

use bellwether_diag::{Diagnostics, Severity, Sources, Style};
use bellwether_rules::unit_test::{Coverage, Suite, TestFile, UnitTest, render_failure};
use bellwether_rules::{ReadOptions, RuleFile};

pub(crate) fn reads(bytes: &[u8]) {
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add_bytes("rules.yaml", bytes.to_vec(), &mut out);
    let read = RuleFile::read(&sources, file, ReadOptions::default(), &mut out);
    assert!(read.is_some() || out.has_errors(), "a refusal has a reason");
    let _ = out.render(&sources, Style { color: true });
}

/// Runs a unit test of rules over the rule file that stands before it, above a line of `---`.
pub(crate) fn tests(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (rules, test) = text.split_once("\n---\n").unwrap_or(("groups: []", &text));
    let (mut sources, mut out) = (Sources::new(), Diagnostics::new());
    let file = sources.add("test.yaml", test);
    let read = TestFile::read(&sources, file, Severity::Error, &mut out);
    let file = sources.add("rules.yaml", rules);
    let rules = RuleFile::read(&sources, file, ReadOptions::default(), &mut out);
    let Some((read, rules)) = read.zip(rules).filter(|_| !out.has_errors()) else { return };
    let rules = [("rules.yaml".to_owned(), rules)];
    let suite = Suite::new(&read, &rules, &mut out);
    let mut coverage = Coverage::default();
    // What a test may cost is its author's matter; here it has to end.
    let is_short = |test: &&UnitTest| {
        let moments = test
            .alert_tests
            .iter()
            .map(|alert| alert.at)
            .chain(test.query_tests.iter().map(|query| query.at));
        moments.max().unwrap_or_default().0 / read.interval.0.max(1) < 200
    };
    for test in read.tests.iter().filter(is_short).take(2) {
        for failure in suite.run(test, true, &mut coverage).failures {
            let _ = render_failure(&failure, &sources, Style { color: false });
        }
    }
}
