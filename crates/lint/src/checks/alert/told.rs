//! What texts say of times and bounds: `for 5 minutes`, `above 90%`.

use std::ops::Range;

use bellwether_diag::{Span, yaml};

use crate::{Rule, Setup};

/// A text about a rule.
pub(crate) struct Told<'a> {
    /// The text.
    pub(crate) text: &'a str,
    place: Place<'a>,
}

enum Place<'a> {
    Annotation(&'a yaml::Node),
    Prose(Span),
}

impl Told<'_> {
    /// Where a part of it stands.
    pub(crate) fn span(&self, setup: &Setup, part: Range<usize>) -> Span {
        match self.place {
            Place::Annotation(node) => yaml::span_within(&setup.sources, node, part),
            Place::Prose(span) => {
                let start = span.start as usize;
                Span::new(span.file, start + part.start..start + part.end)
            }
        }
    }

    /// Whether it stands in a document beside the rule.
    pub(crate) fn is_prose(&self) -> bool {
        matches!(self.place, Place::Prose(_))
    }
}

/// The annotations of a rule, and the lines of its section where it is the only alert of it.
pub(crate) fn texts<'a>(setup: &'a Setup, rule: &'a Rule) -> Vec<Told<'a>> {
    let annotations = rule
        .annotations
        .iter()
        .filter(|field| !field.name.value.contains("url") && !field.name.value.contains("runbook"));
    let mut found: Vec<Told<'a>> = annotations
        .map(|field| Told { text: field.text(), place: Place::Annotation(&field.value) })
        .collect();
    if let Some(section) = rule.section {
        let is_only = setup.alerts().filter(|other| other.section == Some(section)).count() == 1;
        if is_only {
            found.extend(
                setup.prose_of(section).map(|line| Told { text: &line.text, place: Place::Prose(line.span) }),
            );
        }
    }
    found
}

/// A number in a text, and what stands behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Number {
    pub(crate) value: f64,
    /// The letters or the sign behind it, in lower case.
    pub(crate) unit: String,
    /// The number with its unit.
    pub(crate) place: Range<usize>,
}

/// The number right behind a place in a text, filler words such as `the last` left out.
pub(crate) fn number_after(text: &str, at: usize) -> Option<Number> {
    const FILLERS: [&str; 13] = [
        "more than ",
        "longer than ",
        "at least ",
        "over ",
        "the last ",
        "the past ",
        "about ",
        "the ",
        "a ",
        "of ",
        "than ",
        "to ",
        "<",
    ];
    let mut start = at;
    while let Some(filler) = FILLERS.iter().find(|filler| {
        text.get(start..start + filler.len()).is_some_and(|it| it.eq_ignore_ascii_case(filler))
    }) {
        start += filler.len();
    }
    start += text.get(start..)?.bytes().take_while(|byte| *byte == b' ').count();
    let rest = &text[start..];
    let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(rest.len());
    let number = rest[..digits].trim_end_matches(['.', ',']);
    let value = number.replace(',', "").parse().ok()?;
    let behind = &rest[number.len()..];
    let gap = behind.len() - behind.trim_start_matches([' ', '-']).len();
    let behind = &behind[gap.min(1)..];
    let unit = match behind.starts_with('%') {
        true => "%",
        false => &behind[..behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len())],
    };
    let end = start + number.len() + gap.min(1) + unit.len();
    Some(Number { value, unit: unit.to_ascii_lowercase(), place: start..end })
}

/// How many seconds a unit of time has.
pub(crate) fn seconds_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        _ => return None,
    })
}

/// Where words stand in a text, each with a word boundary before it; the places behind them.
pub(crate) fn behind_words<'a>(
    text: &'a str,
    words: &'a [&'a str],
) -> impl Iterator<Item = (usize, &'a str)> {
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for word in words {
        let mut at = 0;
        while let Some(start) = lower[at..].find(word).map(|start| at + start) {
            at = start + word.len();
            if !lower[..start].ends_with(|c: char| c.is_alphanumeric()) {
                found.push((at, word));
            }
        }
    }
    found.into_iter()
}
