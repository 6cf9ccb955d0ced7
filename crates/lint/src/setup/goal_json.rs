//! Goals in JSON that documents show or send with a command: `"goal": 0.8` beside `"calendarPeriod": "DAY"`. The text
//! around the JSON is a shell's, with variables in it, so that no reader of JSON would take it.

use bellwether_diag::{Sources, Span};
use bellwether_model::TimeDelta;

use super::SectionId;
use super::goal::{Goal, GoalSource};
use super::markdown::Markdown;

/// Goals in a document's blocks of commands and of JSON.
pub(super) fn goals(sources: &Sources, document: &Markdown, index: usize) -> Vec<Goal> {
    let mut found = Vec::new();
    let blocks = document.blocks.iter();
    for block in
        blocks.filter(|block| matches!(block.language.as_str(), "sh" | "bash" | "shell" | "json" | "console"))
    {
        let text = sources.text(block.file);
        let mut at = 0;
        while let Some((value, range)) = member(text, "goal", at) {
            at = range.end;
            let Ok(share) = value.parse::<f64>() else { continue };
            let (begins, ends) = object_around(text, range.start);
            let object = &text[begins..ends];
            let calendar = member(object, "calendarPeriod", 0).and_then(|(name, _)| calendar(&name));
            let period = member(object, "calendarPeriod", 0);
            let period =
                period.map(|(_, place)| Span::new(block.file, begins + place.start..begins + place.end));
            let rolling = member(object, "rollingPeriod", 0).and_then(|(length, _)| length.parse().ok());
            found.push(Goal {
                name: member(object, "displayName", 0).map(|(name, _)| name),
                share,
                window: calendar.or(rolling),
                span: Span::new(block.file, range),
                source: GoalSource::Json,
                section: Some(SectionId { document: index, section: block.section }),
                states_bad: false,
                is_calendar: calendar.is_some(),
                window_span: period,
                threshold: None,
            });
        }
    }
    found
}

/// The value of a member and where it stands, without quotes.
pub(crate) fn member(text: &str, name: &str, from: usize) -> Option<(String, std::ops::Range<usize>)> {
    let key = format!("\"{name}\"");
    let after = from + text.get(from..)?.find(&key)? + key.len();
    let rest = &text[after..];
    let value = rest.trim_start().strip_prefix(':')?.trim_start();
    let start = after + (rest.len() - value.len());
    if let Some(inner) = value.strip_prefix('"') {
        let length = inner.find('"')?;
        return Some((inner[..length].to_owned(), start + 1..start + 1 + length));
    }
    let length = value.find([',', '}', '\n', ' ']).unwrap_or(value.len());
    Some((value[..length].to_owned(), start..start + length))
}

/// The braces around a place, as far as they can be told without reading strings.
fn object_around(text: &str, at: usize) -> (usize, usize) {
    let begins = text[..at].rfind('{').unwrap_or(0);
    let mut depth = 0_i32;
    for (offset, c) in text[begins..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (begins, begins + offset + 1);
        }
    }
    (begins, text.len())
}

/// How long a period of the calendar is, a month as 30 days.
fn calendar(name: &str) -> Option<TimeDelta> {
    let days = match name {
        "DAY" => 1,
        "WEEK" => 7,
        "FORTNIGHT" => 14,
        "MONTH" => 30,
        _ => return None,
    };
    Some(TimeDelta::DAY * days)
}
