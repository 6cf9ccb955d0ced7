//! A check's page: what it finds, why that matters, an example of either side, and how to switch it off. The same text
//! stands in the documents, in SARIF and on the terminal.

use std::fmt::Write as _;

use crate::{Area, Check, Example, catalogue};

/// The page as Markdown.
pub fn markdown(check: &Check) -> String {
    let mut page = format!("# {}\n\n", check.id);
    let _ = writeln!(page, "{} · {} · {}\n", capital(check.title), check.severity, check.area.about());
    let _ = writeln!(page, "{}\n", check.why.trim());
    examples(&mut page, "Wrong", check.wrong);
    examples(&mut page, "Right", check.right);
    let _ = write!(page, "{}", switched_off(check));
    page
}

/// The page that lists all, by area.
pub fn index() -> String {
    let mut page = String::from(
        "# What the linter finds\n\n\
         Each id has a page; `bellwether lint --explain ID` prints it. How findings are printed, switched off and mended: \
         [`bellwether lint`](../cli.md#lint).\n",
    );
    for area in Area::ALL {
        let checks: Vec<&Check> = catalogue::documented().filter(|check| check.area == area).collect();
        if checks.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {}\n\n| id | severity | what it finds |\n|---|---|---|\n", area.about());
        for check in checks {
            let title = check.title.replace('|', "\\|");
            let _ = writeln!(page, "| [`{0}`]({0}.md) | {1} | {title} |", check.id, check.severity);
        }
    }
    page
}

fn examples(page: &mut String, title: &str, files: Example) {
    if files.is_empty() {
        return;
    }
    let _ = writeln!(page, "## {title}\n");
    for (name, text) in files {
        // A fence must be longer than any in the text.
        let inner = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(inner.max(2) + 1);
        let _ = write!(page, "`{name}`\n\n{fence}{}\n{}\n{fence}\n\n", language(name), text.trim_end());
    }
}

fn language(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, end)| end) {
        "yml" | "yaml" => "yaml",
        "md" | "markdown" | "txt" => "markdown",
        "promql" => "promql",
        "json" => "json",
        "sh" | "bash" => "sh",
        _ => "text",
    }
}

fn switched_off(check: &Check) -> String {
    let id = check.id;
    format!(
        "## Switching it off\n\n\
         With a reason, in front of what it is about or at the end of its line:\n\n\
         ```yaml\n# bellwether-lint: off {id} because REASON\n```\n\n\
         In a document, in front of the paragraph or block: `<!-- bellwether-lint: off {id} because REASON -->`.\n"
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
