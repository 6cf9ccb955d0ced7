//! JSON that is none: in blocks of documents, in files, in bodies that commands send.

use std::collections::BTreeMap;

use bellwether_diag::{Severity, Span};
use serde_json::Value;

use super::bodies;
use crate::setup::shell::Script;
use crate::{Area, Check, Form, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "json",
    area: Area::Doc,
    severity: Severity::Error,
    title: "JSON that cannot be read",
    why: "A body with a comma too many, or with a variable that lacks its quotes, is refused by whoever it is sent to, often \
          with a message about a *token*. In a here-document quotes of the shell are none: `\"name\": ${NAME}` sends the bare \
          word.",
    wrong: &[(
        "README.md",
        "```sh\nNAME=checkout\ncurl -d \"$(cat <<EOF\n{\"name\": ${NAME}}\nEOF\n)\" http://localhost:8080/services\n```\n",
    )],
    right: &[(
        "README.md",
        "```sh\nNAME=checkout\ncurl -d \"$(cat <<EOF\n{\"name\": \"${NAME}\"}\nEOF\n)\" http://localhost:8080/services\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for block in setup.documents.iter().flat_map(|document| &document.blocks) {
        if block.language == "json" {
            look(setup.sources.text(block.file), Span::new(block.file, 0..0), report);
        }
    }
    for file in setup.files.iter().filter(|file| file.form == Form::Json) {
        look(setup.sources.text(file.file), Span::new(file.file, 0..0), report);
    }
    for script in &setup.scripts {
        for here in script.here_documents.iter().filter(|here| is_meant(&here.text)) {
            expanded(&here.text, here.place.start, here.expands, script, report);
        }
    }
    for (script, body) in bodies(setup) {
        // What stands in double quotes has lost them: `shell` is about that.
        let text = body.raw.strip_prefix('\'').and_then(|raw| raw.strip_suffix('\''));
        if let Some(text) = text.filter(|text| is_meant(text) && !text.contains('\'')) {
            expanded(text, body.place.start + 1, false, script, report);
        }
    }
}

/// Whether a text is meant to be JSON.
fn is_meant(text: &str) -> bool {
    let text = text.trim();
    let has = |open: char, close: char| text.starts_with(open) && text.ends_with(close);
    // `{{ ... }}` is a template.
    (has('{', '}') || has('[', ']')) && !text.starts_with("{{") && text.contains('"')
}

/// What is wrong with a text, and where: line and column from 1.
fn error_in(text: &str) -> Option<(String, usize, usize)> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let error = values.into_iter().find_map(Result::err)?;
    let (said, line, column) = (error.to_string(), error.line(), error.column());
    let message = said.split(" at line ").next().unwrap_or_default().to_owned();
    Some((message, line, column))
}

/// Whether parts are left out or described, as people do who show what matters.
fn is_abridged(text: &str) -> bool {
    ["...", "…", "//", "/*", "<", "{{"].iter().any(|mark| text.contains(mark))
}

/// Whether it is a piece of something: some fields of an object, some items of a list.
fn is_part(text: &str) -> bool {
    let text = text.trim().trim_end_matches(',');
    let reads = |whole: String| serde_json::from_str::<Value>(&whole).is_ok();
    reads(format!("{{{text}}}")) || reads(format!("[{text}]"))
}

fn look(text: &str, begins: Span, report: &mut Report) {
    let Some((message, line, column)) = error_in(text) else { return };
    if text.trim().is_empty() || is_abridged(text) || is_part(text) {
        return;
    }
    let at = offset(text, line, column);
    let place = Span { start: begins.start + at.start as u32, end: begins.start + at.end as u32, ..begins };
    report.find(place, format!("this is no JSON: {message}")).help("what reads it refuses all of it");
}

/// The place of an error: the character before the column, which is where the reader stopped.
fn offset(text: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let begins: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let here = text[begins..].split('\n').next().unwrap_or_default();
    let indent = here.len() - here.trim_start().len();
    let mut at = column.saturating_sub(1).min(here.len());
    while !here.is_char_boundary(at) {
        at -= 1;
    }
    let start = begins + if at < indent { indent } else { at };
    start..(start + 1).min(begins + here.len()).max(start)
}

/// A text in which the shell may replace variables.
fn expanded(text: &str, begins: usize, expands: bool, script: &Script, report: &mut Report) {
    let (replaced, bare) =
        if expands { replace(text, &script.variables) } else { (text.to_owned(), BTreeMap::new()) };
    let Some((message, line, column)) = error_in(&replaced) else { return };
    if is_abridged(text) {
        return;
    }
    if let Some((name, place)) = bare.get(&line) {
        let span = script.span(begins + place.start..begins + place.end);
        let value = script.variables.get(name).map_or("", String::as_str);
        let found = report.find(span, format!("this becomes {value}, which is no JSON: a text needs quotes"));
        found.help(format!("write \"${{{name}}}\"")).fix("add quotes", span, format!("\"${{{name}}}\""));
        return;
    }
    let at = offset(text, line, if expands { 0 } else { column });
    let span = script.span(begins + at.start..begins + at.end);
    report.find(span, format!("this body is no JSON: {message}")).help("who receives it refuses it");
}

/// Variables that stand outside of quotes, by line.
type Bare = BTreeMap<usize, (String, std::ops::Range<usize>)>;

/// Puts the values of variables in, `0` for those that are not known, and says which stand outside of quotes.
fn replace(text: &str, variables: &BTreeMap<String, String>) -> (String, Bare) {
    let (mut done, mut bare) = (String::new(), Bare::new());
    let mut at = 0;
    let (mut is_quoted, mut line) = (false, 1);
    while let Some(found) = text[at..].find('$').map(|found| at + found) {
        let before = &text[at..found];
        is_quoted ^= before.replace("\\\"", "").matches('"').count() % 2 == 1;
        line += before.matches('\n').count();
        done.push_str(before);
        let rest = &text[found + 1..];
        let (name, len) = match rest.strip_prefix('{') {
            Some(inner) => {
                (inner.split('}').next().unwrap_or_default(), inner.find('}').map_or(1, |end| end + 2))
            }
            None if rest.starts_with('(') => ("", closing_bracket(rest)),
            None => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                (&rest[..end], end)
            }
        };
        let value = variables.get(name).map_or("0", |value| value.trim_matches(['"', '\'']));
        if !is_quoted && variables.contains_key(name) && serde_json::from_str::<Value>(value).is_err() {
            bare.entry(line).or_insert((name.to_owned(), found..found + 1 + len));
        }
        done.push_str(value);
        at = (found + 1 + len).min(text.len());
        line += text[found..at].matches('\n').count();
    }
    done.push_str(&text[at..]);
    (done, bare)
}

/// The length of what stands in brackets, those included.
fn closing_bracket(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return at + 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}
