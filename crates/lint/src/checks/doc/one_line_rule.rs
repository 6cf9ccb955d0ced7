//! A rule written in one line as YAML cannot be.

use bellwether_diag::Severity;

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "one-line-rule",
    area: Area::Doc,
    severity: Severity::Note,
    title: "a rule in one line that is no YAML",
    why: "`alert: X expr: y` in one line is a mapping inside a mapping, which YAML refuses: whoever pastes it gets a file that \
          Prometheus does not load. Show it as a block, or in braces with commas.",
    wrong: &[("README.md", "Try `alert: Always expr: vector(1)`.\n")],
    right: &[("README.md", "Try `{alert: Always, expr: vector(1)}`.\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for inline in setup.documents.iter().flat_map(|document| &document.inline) {
        let begins = inline.text.starts_with("alert: ") || inline.text.starts_with("- alert: ");
        if begins && inline.text.contains(" expr: ") && !inline.text.contains('\n') {
            let written = inline.text.trim_start_matches("- ").replacen(" expr: ", "\n  expr: ", 1);
            report
                .find(inline.span, "a rule in one line is no YAML: two fields need two lines")
                .help(format!("write it in a block:\n- {written}"));
        }
    }
}
