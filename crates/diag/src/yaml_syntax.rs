//! What libyaml's syntax errors mean and what to do about them.
//!
//! libyaml names the state of its parser (`did not find expected key`); people need to know which line to align.

use libyaml_safer::Mark;

use crate::{Diagnostic, FileId, Span};

/// Says what one of libyaml's errors means and what to do about it.
pub(crate) fn explain(error: &libyaml_safer::Error, text: &str, file: FileId, offset: usize) -> Diagnostic {
    let place = |mark: Mark| {
        let start = text.floor_char_boundary((mark.index as usize + offset).min(text.len()));
        let len = text[start..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
        Span::new(file, start..start + len)
    };
    let problem = error.problem_mark().map_or(Span::new(file, 0..0), place);
    let context = error.context_mark().map(place);
    let Explained { at, message, help } = meaning(error, text, problem, context);
    let mut diagnostic = Diagnostic::error("yaml-syntax", at, message);
    diagnostic.help = help.map(str::to_owned);
    if let (Some(context), Some(doing)) = (context, error.context())
        && context.start != at.start
    {
        diagnostic = diagnostic.with_related(context, doing.to_owned());
    }
    diagnostic
}

struct Explained {
    at: Span,
    message: String,
    help: Option<&'static str>,
}

fn meaning(error: &libyaml_safer::Error, text: &str, problem: Span, context: Option<Span>) -> Explained {
    let explained = |at: Span, message: &str, help: &'static str| Explained {
        at,
        message: message.to_owned(),
        help: Some(help),
    };
    if let Some(tab) = tab_in_indentation(text, problem) {
        return explained(tab, "a tab is used for indentation", "indent with spaces");
    }
    if let Some(braces) = braces_before(text, problem) {
        return explained(
            braces,
            "`{{` begins a mapping of YAML here, not a template",
            "put the text in quotes",
        );
    }
    let context_text = error.context().unwrap_or("");
    match error.problem() {
        "found unexpected end of stream" | "found unexpected document indicator"
            if context_text.contains("quoted") =>
        {
            explained(
                context.unwrap_or(problem),
                "the quote that opens here is never closed",
                "add the closing quote",
            )
        }
        "could not find expected ':'" => explained(
            context.unwrap_or(problem),
            "this line is neither a `key: value` nor indented as part of the value above",
            "write a colon and a blank after the key, or indent the line",
        ),
        "mapping values are not allowed in this context" => explained(
            problem,
            "a `key: value` cannot start here",
            "check the indentation of this line, or put text that holds \": \" in quotes",
        ),
        "did not find expected key" if context_text.contains("mapping") => explained(
            problem,
            "expected another key of the mapping that began above",
            "align this line with the keys before it",
        ),
        "did not find expected '-' indicator" => explained(
            problem,
            "expected another `- ` item of the list that began above",
            "align this line with the items before it, or indent it as part of the last item",
        ),
        "did not find expected ',' or ']'" => explained(
            problem,
            "the list in brackets goes on or is not closed",
            "write `,` or `]` before this",
        ),
        "did not find expected ',' or '}'" => explained(
            problem,
            "the mapping in braces goes on or is not closed",
            "write `,` or `}` before this",
        ),
        "found character that cannot start any token" => {
            explained(problem, "no value can start with this character", "put the text in quotes")
        }
        "found unknown escape character" => explained(
            problem,
            "unknown escape in double quotes",
            "write the backslash twice, or use single quotes",
        ),
        "did not find expected alphabetic or numeric character" if context_text.contains("alias") => {
            explained(
                problem,
                "`*` starts an alias and needs a name",
                "put text that starts with `*` in quotes",
            )
        }
        "did not find expected alphabetic or numeric character" => explained(
            problem,
            "`&` starts an anchor and needs a name",
            "put text that starts with `&` in quotes",
        ),
        "block sequence entries are not allowed in this context" => {
            explained(problem, "a `- ` item cannot start here", "put the list on its own lines below the key")
        }
        "mapping keys are not allowed in this context" => {
            explained(problem, "a `? ` key cannot start here", "put text that starts with `? ` in quotes")
        }
        "did not find expected <document start>" => explained(
            problem,
            "text goes on after the end of the document",
            "check the indentation of this line, or start a new document with `---`",
        ),
        "found undefined tag handle" => {
            explained(problem, "unknown tag", "remove the tag, or put the text in quotes")
        }
        other => Explained { at: problem, message: plain(other, context_text), help: None },
    }
}

/// libyaml's own words, for what is too rare to have ours.
fn plain(problem: &str, context: &str) -> String {
    if context.is_empty() { problem.to_owned() } else { format!("{problem} {context}") }
}

/// A tab among the blanks at the start of the line with the problem.
fn tab_in_indentation(text: &str, problem: Span) -> Option<Span> {
    let at = (problem.start as usize).min(text.len());
    let line_start = text[..at].rfind('\n').map_or(0, |index| index + 1);
    let line = &text[line_start..];
    let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
    let tab = line[..blanks].find('\t')?;
    Some(Span::new(problem.file, line_start + tab..line_start + tab + 1))
}

/// A template without quotes, which YAML reads as a mapping in a mapping, on the line with the problem or just above it.
fn braces_before(text: &str, problem: Span) -> Option<Span> {
    let at = (problem.start as usize).min(text.len());
    let begins = |end: usize| text[..end].rfind('\n').map_or(0, |index| index + 1);
    let on_line = |start: usize| {
        let line = text[start..].lines().next()?;
        let value = [": {{", "- {{"].iter().find_map(|mark| line.find(mark))? + 2;
        // In quotes, in a comment and after `|` it is text.
        let is_text = line[..value].contains(['"', '\'', '#', '|']);
        (!is_text).then(|| Span::new(problem.file, start + value..start + value + 2))
    };
    let line = begins(at);
    on_line(line).or_else(|| on_line(begins(line.checked_sub(1)?)))
}
