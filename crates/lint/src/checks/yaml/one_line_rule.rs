//! A rule on one line is no YAML.

use bellwether_diag::{Severity, Span};

use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "one-line-rule",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "a rule in a document's line that cannot be pasted",
    why: "`alert: A expr: up == 0` is no mapping of two fields: YAML refuses a second `key: value` on a line. Whoever \
          pastes it into the rule file gets an error, and until it is gone Prometheus loads none of the file's rules.",
    wrong: &[("setup.md", "Add `alert: Trial expr: vector(1)` to the rules.\n")],
    right: &[("setup.md", "Add `{alert: Trial, expr: vector(1)}` to the rules.\n")],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for inline in setup.documents.iter().flat_map(|document| &document.inline) {
        let text = inline.text.trim_start_matches("- ");
        let is_rule = text.starts_with("alert: ") || text.starts_with("record: ");
        let Some(at) = inline.text.find(" expr: ").filter(|_| is_rule && !inline.text.contains('\n')) else {
            continue;
        };
        let name = text.split_whitespace().nth(1).unwrap_or_default();
        let start = inline.span.start as usize + at + 1;
        let is_constant = inline.text[at..].contains("vector(");
        let message = "a second field on one line is no YAML: a rule file with this line is refused";
        let help = match is_constant {
            true => format!(
                "write `expr` on a line of its own, and remove {name} again after the trial: it never resolves"
            ),
            false => "write `expr` on a line of its own, indented as `alert`".to_owned(),
        };
        report.find(Span::new(inline.span.file, start..start + "expr".len()), message).help(help);
    }
}
