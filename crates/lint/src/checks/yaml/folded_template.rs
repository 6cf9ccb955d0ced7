//! Line breaks that YAML takes out of a text before any template sees it.

use bellwether_diag::Severity;

use super::scalars::entries;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "folded-template",
    area: Area::Yaml,
    severity: Severity::Warning,
    title: "a message of several lines that YAML makes one line of",
    why: "In double or single quotes, and after `>`, a line break in the file is a blank in the text. A message that was \
          laid out in lines arrives as one. Write `|` and indent the lines below, or write `\\n` in double quotes.",
    wrong: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    text: \"{{ range .Alerts }}\n      *Alert:* {{ .Annotations.summary }}\n      \
         *Since:* {{ .StartsAt }}\n      {{ end }}\"\n",
    )],
    right: &[(
        "alertmanager.yml",
        "route: {receiver: r}\nreceivers:\n- name: r\n  slack_configs:\n  - api_url: https://example.com/x\n    channel: \
         '#a'\n    send_resolved: true\n    text: |\n      {{ range .Alerts }}\n      *Alert:* {{ .Annotations.summary \
         }}\n      *Since:* {{ .StartsAt }}\n      {{ end }}\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for tree in setup.trees.iter().filter(|tree| matches!(tree.form, Form::Alertmanager | Form::Rules)) {
        for entry in entries(&tree.node) {
            let raw = setup.sources.slice(entry.node.span);
            let is_template = entry.scalar.text.contains("{{");
            if is_template && folds(raw) && is_laid_out(raw, tree.form == Form::Alertmanager) {
                let place = bellwether_diag::Span::new(
                    entry.node.span.file,
                    entry.node.span.start as usize..entry.node.span.start as usize + first_line(raw).len(),
                );
                let field = entry.key.as_text().unwrap_or("this text");
                report
                    .find(
                        place,
                        format!("the lines of {field} become one line: YAML folds breaks in this notation"),
                    )
                    .help(format!("write `{field}: |` and indent the lines below it"));
            }
        }
    }
}

fn first_line(raw: &str) -> &str {
    raw.lines().next().unwrap_or_default()
}

/// Whether breaks in this notation become blanks.
fn folds(raw: &str) -> bool {
    raw.contains('\n') && raw.starts_with(['"', '\'', '>'])
}

/// Whether what follows the first line is laid out in lines, and not a sentence that was wrapped: lines begin with marks,
/// with a name and a colon, or in a message with a block of a template. Generated rules are wrapped wherever it fits.
fn is_laid_out(raw: &str, is_message: bool) -> bool {
    let lines: Vec<&str> = raw.lines().skip(1).map(str::trim).collect();
    // A blank line, and in double quotes a backslash, keeps the break.
    if lines.iter().any(|line| line.is_empty())
        || raw.lines().any(|line| line.ends_with('\\') || line.ends_with("\\n"))
    {
        return false;
    }
    let begins = |line: &&&str| {
        let rest = line.trim_start_matches(['*', '_', '-', '•', '·']);
        let marked = rest.len() < line.len();
        let block = is_message
            && [
                "{{ range",
                "{{ end",
                "{{ if",
                "{{ else",
                "{{range",
                "{{end",
                "{{- range",
                "{{- end",
                "{{if",
                "{{- if",
            ]
            .iter()
            .any(|word| line.starts_with(word));
        let named = line.split_once(':').is_some_and(|(name, after)| {
            name.starts_with(|c: char| c.is_uppercase())
                && name.chars().all(|c| c.is_alphanumeric() || c == ' ' || c == '_')
                && name.len() <= 24
                && after.trim_start().starts_with("{{")
        });
        marked || block || named
    };
    lines.iter().filter(begins).count() >= 2
}
