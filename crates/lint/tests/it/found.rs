//! What tables of cases share: texts in, findings of one check out, as `line: message`.

use bellwether_lint::{Setup, lint};

/// Lints files and gives what one check finds.
pub(crate) fn found(id: &str, files: &[(&str, &str)]) -> Vec<String> {
    let setup = Setup::read(files.iter().copied());
    let findings = lint(&setup);
    let of_check = findings.iter().filter(|finding| finding.problem.id == id);
    let line = |finding: &bellwether_lint::Finding| {
        let line = finding.problem.span.map_or(0, |span| setup.sources.position(span).line);
        format!("{line}: {}", finding.problem.message)
    };
    of_check.map(line).collect()
}

/// Holds the beginnings of what a check finds against what is expected.
pub(crate) fn check(id: &str, files: &[(&str, &str)], expected: &[&str]) {
    let found = found(id, files);
    let fits = found.len() == expected.len()
        && found.iter().zip(expected).all(|(one, wanted)| one.starts_with(wanted));
    assert!(fits, "{id}: found {found:#?}, expected {expected:#?}");
}
