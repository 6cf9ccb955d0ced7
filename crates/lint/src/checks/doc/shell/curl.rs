//! What curl and the shell make of an address and of a body.

use bellwether_diag::Severity;
use serde_json::Value;

use crate::Report;
use crate::setup::shell::{Command, Script, Word};

pub(super) fn look(script: &Script, report: &mut Report) {
    for command in script.commands.iter().filter(|command| command.is("curl") || command.is("wget")) {
        for word in command.arguments().filter(|word| word.text.contains("://")) {
            address(command, word, script, report);
        }
        for body in command.values(&super::super::DATA) {
            lost_quotes(body, script, report);
            not_replaced(body, script, report);
        }
    }
}

fn is_quoted(word: &Word) -> bool {
    word.raw.starts_with(['\'', '"'])
}

fn address(command: &Command, word: &Word, script: &Script, report: &mut Report) {
    let span = script.span(word.place.clone());
    if !is_quoted(word) && command.end == Some(('&', word.place.end)) && word.raw.contains('?') {
        report
            .find(span, "the shell ends the command at &, and runs it in the background without the rest of the address")
            .help("put the address in quotes");
        return;
    }
    // Braces of variables are the shell's, and those of a path are often a placeholder.
    let Some((before, query)) = word.raw.split_once('?') else { return };
    // curl leaves `match[]` alone.
    let query = query.replace("${", "").replace("[]", "");
    let (has_braces, has_brackets) = (query.contains('{'), query.contains('['));
    let globs = command.is("curl") && !command.has(&["-g", "--globoff"]);
    let is_changed = globs || !is_quoted(word);
    if !is_changed || !(has_braces || has_brackets) {
        return;
    }
    let start = word.place.start + before.len() + 1;
    let span = script.span(start..word.place.end);
    let what = if has_braces { "braces" } else { "brackets" };
    let message = match is_quoted(word) {
        true => format!("curl takes {what} of an address for a list, and sends something else"),
        false => format!("the shell removes the quotes and curl the {what}: the server gets another query"),
    };
    report.find(span, message).help("write curl -G ADDRESS --data-urlencode 'query=...'");
}

/// `-d "{"a": 1}"`: the quotes of the JSON end those of the shell.
fn lost_quotes(body: &Word, script: &Script, report: &mut Report) {
    let inner = body.raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or_default();
    let is_json = |text: &str| {
        serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object() || value.is_array())
    };
    if inner.contains('"') && is_json(inner) && !is_json(&body.text) {
        report
            .find(
                script.span(body.place.clone()),
                "the quotes of this JSON end those of the shell: it is sent without them",
            )
            .help("put the whole body in single quotes")
            .fix("use single quotes", script.span(body.place.clone()), format!("'{inner}'"));
    }
}

/// `-d '{"a": "$NAME"}'`: nothing is replaced in single quotes.
fn not_replaced(body: &Word, script: &Script, report: &mut Report) {
    if !body.raw.starts_with('\'') || body.raw.matches('\'').count() > 2 {
        return;
    }
    for name in script.variables.keys() {
        for written in [format!("${{{name}}}"), format!("\"${name}\"")] {
            if let Some(at) = body.raw.find(&written) {
                let start = body.place.start + at;
                report
                    .find(
                        script.span(start..start + written.len()),
                        format!("single quotes keep ${name} as it is: its value is not sent"),
                    )
                    .help("end the single quotes around it: '\"$NAME\"'")
                    .severity(Severity::Warning);
            }
        }
    }
}
