//! Commands that do something else than the document says, because of how the shell or the program reads them.

use bellwether_diag::Severity;

use crate::setup::shell::Script;
use crate::{Area, Check, Report, Setup};

mod curl;
mod habits;

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "shell",
    area: Area::Doc,
    severity: Severity::Warning,
    title: "a command that does not do what it shows",
    why: "People paste commands in the middle of an outage. A blank line after a backslash ends the command; `&` in an address \
          without quotes sends it to the background; curl takes braces and brackets of an address for a list; a \
          placeholder in angle brackets reads a file. Each of these fails in a way that looks like the system's fault.",
    wrong: &[("README.md", "```sh\ncurl -s http://localhost:9090/api/v1/query?query=up{job=\"app\"}\n```\n")],
    right: &[(
        "README.md",
        "```sh\ncurl -s http://localhost:9090/api/v1/query --data-urlencode 'query=up{job=\"app\"}'\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    let mut known = habits::Known::of(setup);
    for script in &setup.scripts {
        let text = setup.sources.text(script.file);
        continuations(text, script, report);
        placeholders(script, report);
        queries(script, report);
        curl::look(script, report);
        habits::look(script, &mut known, report);
    }
}

/// A backslash continues a command only when it is the last on its line, and the next line says something.
fn continuations(text: &str, script: &Script, report: &mut Report) {
    for place in &script.continuations {
        let after = &text[place.end..];
        let mut lines = after.split('\n').skip(1);
        let next = lines.next().unwrap_or_default();
        let rest = lines.find(|line| !line.trim().is_empty());
        if next.trim().is_empty()
            && let Some(rest) = rest.filter(|rest| !rest.trim_start().starts_with('#'))
        {
            let message =
                format!("the blank line ends this command: {:?} becomes one of its own", rest.trim());
            report.find(script.span(place.clone()), message).help("remove the blank line");
        }
    }
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = at;
        at += line.len();
        let line = line.trim_end_matches('\n');
        let trimmed = line.trim_end();
        let ends = begins + line.len();
        let is_meant =
            trimmed.ends_with('\\') && !trimmed.ends_with("\\\\") && !trimmed.trim_start().starts_with('#');
        if is_meant && trimmed.len() < line.len() && !is_text(script, ends) {
            let place = begins + trimmed.len() - 1..ends;
            report
                .find(script.span(place), "a blank after the backslash: the command ends here")
                .help("remove the blanks at the end of the line");
        }
    }
}

/// Whether a place is within quotes or a here-document.
fn is_text(script: &Script, at: usize) -> bool {
    script.here_documents.iter().any(|here| here.place.contains(&at))
        || script.commands.iter().flat_map(|command| &command.words).any(|word| word.place.contains(&at))
}

/// `KEY=<your key>` without quotes is a redirection, as is a placeholder that stands for the whole command. Among other
/// words everyone knows that it is to be replaced.
fn placeholders(script: &Script, report: &mut Report) {
    let found = script.commands.iter().find_map(|command| {
        let redirection = command.redirections.first()?;
        let is_name = redirection.raw.starts_with(|c: char| c.is_ascii_alphabetic());
        let is_whole = match command.words.first() {
            None => true,
            Some(first) => first.raw.ends_with('=') && first.place.end == redirection.place.start,
        };
        (is_name && is_whole && command.redirections.len() == 1).then_some(redirection)
    });
    let Some(placeholder) = found else { return };
    report
        .find(
            script.span(placeholder.place.clone()),
            "angle brackets redirect: the shell looks for a file of this name",
        )
        .help("write it in quotes, or as a variable that is set first")
        .severity(Severity::Note);
}

/// A query where commands belong.
fn queries(script: &Script, report: &mut Report) {
    for command in &script.commands {
        let Some(first) = command.words.first() else { continue };
        let inner = first.raw.strip_prefix('{').unwrap_or_default();
        let name_len = inner.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let operator = &inner[name_len..];
        let is_matcher =
            name_len > 0 && ["=\"", "=~\"", "!=\"", "!~\""].iter().any(|it| operator.starts_with(it));
        if is_matcher {
            report
                .find(script.span(first.place.clone()), "this is a query, and the block says it is a command")
                .help("put it into a block of its own (```logql or ```promql), or hand it to logcli or promtool");
        }
    }
}
