//! A sentence that counts what follows, and a list of another length.

use bellwether_diag::{Severity, Span};

use crate::setup::markdown::{Markdown, Prose};
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "list-count",
    area: Area::Doc,
    severity: Severity::Note,
    title: "a sentence announces more or fewer things than the list below it has",
    why: "\"There are four dashboards:\" above a list of three: one of them was forgotten, or removed in one place only. \
          Readers look for the fourth.",
    wrong: &[("README.md", "There are three dashboards:\n\n- Login\n- Chat\n")],
    right: &[("README.md", "There are two dashboards:\n\n- Login\n- Chat\n")],
    run,
};

const NUMBERS: [&str; 9] = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

fn run(setup: &Setup, report: &mut Report) {
    for document in &setup.documents {
        for (index, line) in document.prose.iter().enumerate() {
            let Some((count, noun, at)) = announced(&line.text) else { continue };
            let items = items_after(setup, document, index);
            if items < 2 || items == count || is_item(&line.text) {
                continue;
            }
            let start = line.span.start + at as u32;
            let span = Span { start, end: start + (line.text.len() - at) as u32, ..line.span };
            report
                .find(span, format!("{count} {noun} are announced, and {items} listed"))
                .help("add what is missing, or change the number");
        }
    }
}

/// The number of a sentence that ends in a colon, what is counted, and where the number stands. Only one number, right
/// before its noun: anything else may count something else.
fn announced(line: &str) -> Option<(usize, &str, usize)> {
    let sentence = line.trim_end_matches(['*', '_']).strip_suffix(':')?;
    let begins = sentence.rfind(". ").map_or(0, |at| at + 2);
    let sentence = &sentence[begins..];
    let words: Vec<&str> = sentence.split(' ').collect();
    let number = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_ascii_lowercase();
        NUMBERS.iter().position(|number| *number == word).map(|index| index + 2)
    };
    let numbers: Vec<usize> = (0..words.len()).filter(|index| number(words[*index]).is_some()).collect();
    let [only] = numbers.as_slice() else { return None };
    let clean = |word: &'_ str| word.trim_matches(|c: char| !c.is_alphanumeric()).len();
    // Up to one adjective: `four key dashboards`.
    let noun = words.get(only + 1..)?.iter().take(2).find(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.len() > 3 && word.ends_with('s') && !word.ends_with("ss")
    })?;
    let has_digits = sentence.contains(|c: char| c.is_ascii_digit());
    let lower = sentence.to_ascii_lowercase();
    let others = [
        "at least",
        "at most",
        "of the",
        "up to",
        "more than",
        "or more",
        "next",
        ", we ",
        ", you ",
        ", it ",
    ];
    let is_choice = others.iter().any(|it| lower.contains(it));
    if has_digits || is_choice || clean(noun) == 0 {
        return None;
    }
    let at = begins + words[..*only].iter().map(|word| word.len() + 1).sum::<usize>();
    Some((number(words[*only])?, noun.trim_matches(|c: char| !c.is_alphanumeric()), at))
}

/// How many items of one level follow a line, before anything else does.
fn items_after(setup: &Setup, document: &Markdown, index: usize) -> usize {
    let line = &document.prose[index];
    let row = |line: &Prose| setup.sources.position(line.span).line;
    let mut level = None;
    let mut count = 0;
    let mut last = line;
    let mut is_numbered = false;
    for next in &document.prose[index + 1..] {
        let indent = column(setup, next);
        let goes_on = row(next) == row(last) + 1 && !is_item(&next.text);
        last = next;
        match level {
            None if is_item(&next.text) && next.section == line.section => {
                level = Some(indent);
                is_numbered = starts_with_number(&next.text);
            }
            None => return 0,
            Some(_) if goes_on => continue,
            Some(own) if next.section != line.section || indent < own => break,
            Some(own) if indent > own => continue,
            Some(_) if !is_item(&next.text) || starts_with_number(&next.text) != is_numbered => break,
            Some(_) if is_another_list(&next.text, count) => break,
            Some(_) => {}
        }
        count += 1;
    }
    count
}

fn starts_with_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a numbered item begins another list: its number is not the next one, nor always the same.
fn is_another_list(text: &str, items: usize) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..digits].parse::<usize>().is_ok_and(|number| number == 1 && items > 1)
}

fn column(setup: &Setup, line: &Prose) -> u32 {
    setup.sources.position(line.span).column
}

fn is_item(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    if digits > 0 {
        rest.starts_with(". ") || rest.starts_with(") ")
    } else {
        rest.starts_with("- ") || rest.starts_with("* ")
    }
}
