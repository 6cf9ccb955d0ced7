//! Results in the XML that build servers show, in the shape promtool writes: one suite per file, one case per test.

/// A file's results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseSuite {
    /// The file's name.
    pub name: String,
    /// When it was run, as `2006-01-02T15:04:05`.
    pub timestamp: String,
    /// Its tests.
    pub cases: Vec<Case>,
    /// Why the file could not be run.
    pub error: Option<String>,
}

/// A test's result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// What is not as expected; none if it passed.
    pub failures: Vec<String>,
}

/// All results as one document.
pub fn junit_xml(suites: &[CaseSuite]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    suites.iter().for_each(|suite| write_suite(&mut out, suite));
    out.push_str("</testsuites>\n");
    out
}

fn write_suite(out: &mut String, suite: &CaseSuite) {
    let failures: usize = suite.cases.iter().map(|case| case.failures.len()).sum();
    let (errors, tests) = (usize::from(suite.error.is_some()), suite.cases.len());
    out.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" timestamp=\"{}\">\n",
        escaped(&suite.name),
        tests + errors,
        escaped(&suite.timestamp)
    ));
    if let Some(error) = &suite.error {
        // What could not be run has no tests; promtool calls the case so.
        out.push_str(&format!(
            "    <testcase name=\"unknown\">\n      <error>{}</error>\n    </testcase>\n",
            escaped(error)
        ));
    }
    for case in &suite.cases {
        let name = escaped(&case.name);
        if case.failures.is_empty() {
            out.push_str(&format!("    <testcase name=\"{name}\"></testcase>\n"));
            continue;
        }
        out.push_str(&format!("    <testcase name=\"{name}\">\n"));
        for failure in &case.failures {
            out.push_str(&format!("      <failure>{}</failure>\n", escaped(failure)));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str("  </testsuite>\n");
}

/// Text as XML writes it. Characters that XML 1.0 does not know are replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
