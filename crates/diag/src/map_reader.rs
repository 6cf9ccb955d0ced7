//! Reads a mapping field by field and keeps account of what was asked for, so that every field nobody asked for
//! is an error: a misspelt field that is silently ignored is an alert that never fires.

use crate::decode::shown;
use crate::yaml::{Node, Value};
use crate::{Cx, Decode, Diagnostic, Severity, Span, suggest};

/// A mapping being read.
pub struct MapReader<'n> {
    /// The mapping's place.
    pub span: Span,
    entries: &'n [(Node, Node)],
    /// Invariant: as long as `entries`; whether someone asked for the field.
    asked: Vec<bool>,
    /// Names asked for, also those that were not there: the candidates for "did you mean".
    known: Vec<&'static str>,
}

impl<'n> MapReader<'n> {
    /// Starts reading; reports an error if the node is not a mapping.
    pub fn open(node: &'n Node, cx: &mut Cx<'_>) -> Option<Self> {
        match &node.value {
            Value::Mapping(entries) => {
                let asked = vec![false; entries.len()];
                Some(Self { span: node.span, entries, asked, known: Vec::new() })
            }
            value @ (Value::Null | Value::Scalar(_) | Value::Sequence(_)) => {
                let message = format!("expected a mapping, found {}", value.kind());
                cx.error_help(node.span, message, "write it as `key: value` lines");
                None
            }
        }
    }

    /// A field's raw value; also one that is null.
    pub fn node(&mut self, name: &'static str) -> Option<&'n Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A field's key and raw value.
    pub fn entry(&mut self, name: &'static str) -> Option<(&'n Node, &'n Node)> {
        self.known.push(name);
        let index = self.entries.iter().position(|(key, _)| key.as_text() == Some(name))?;
        self.asked[index] = true;
        let (key, value) = &self.entries[index];
        Some((key, value))
    }

    /// The place of a field's key, or of the whole mapping if the field is not there.
    pub fn key_span(&self, name: &str) -> Span {
        let key = self.entries.iter().find(|(key, _)| key.as_text() == Some(name));
        key.map_or(self.span, |(key, _)| key.span)
    }

    /// The part of the mapping on its first line: what is missing from a mapping is not wrong on all of its lines.
    pub fn span_first_line(&self, cx: &Cx<'_>) -> Span {
        let text = cx.sources.slice(self.span);
        let len = text.find('\n').unwrap_or(text.len());
        Span { end: self.span.start + text[..len].trim_end().len() as u32, ..self.span }
    }

    /// Whether a field is there and not null. Does not count as asking for it.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|(key, value)| key.as_text() == Some(name) && !value.is_null())
    }

    /// A field that may be missing or null. `None` also after an error was reported.
    pub fn optional<T: Decode>(&mut self, name: &'static str, cx: &mut Cx<'_>) -> Option<T> {
        let node = self.node(name)?;
        if node.is_null() { None } else { T::decode(node, cx) }
    }

    /// A field that must be there; reports its absence.
    pub fn required<T: Decode>(&mut self, name: &'static str, cx: &mut Cx<'_>) -> Option<T> {
        match self.entry(name) {
            Some((_, value)) if !value.is_null() => T::decode(value, cx),
            Some((key, _)) => {
                cx.push(Diagnostic::error("missing-field", key.span, format!("{name} has no value")));
                None
            }
            None => {
                cx.push(Diagnostic::error(
                    "missing-field",
                    self.span_first_line(cx),
                    format!("{name} is missing"),
                ));
                None
            }
        }
    }

    /// Fields that are known, but not for us to read.
    pub fn ignore(&mut self, names: &[&'static str]) {
        for name in names {
            self.entry(name);
        }
    }

    /// Every field not asked for so far, with its key, and counts as asking for them.
    pub fn rest(&mut self) -> Vec<(&'n Node, &'n Node)> {
        let asked = std::mem::replace(&mut self.asked, vec![true; self.entries.len()]);
        let left = self.entries.iter().zip(asked).filter(|(_, asked)| !asked);
        left.map(|((key, value), _)| (key, value)).collect()
    }

    /// Reports every field that was not asked for as an error. Do not forget to call it.
    pub fn finish(self, cx: &mut Cx<'_>) {
        self.finish_as(Severity::Error, cx);
    }

    /// Reports every field that was not asked for, as something else than an error where files may hold more than
    /// is ours.
    pub fn finish_as(mut self, severity: Severity, cx: &mut Cx<'_>) {
        for (key, _) in self.rest() {
            let Some(name) = key.as_text() else {
                let message = format!("expected a field name, found {}", key.value.kind());
                cx.push(Diagnostic { severity, ..Diagnostic::error("unknown-field", key.span, message) });
                continue;
            };
            let missing = self.known.iter().copied().filter(|known| !self.has(known));
            let help = match suggest(name, missing).or_else(|| suggest(name, self.known.iter().copied())) {
                Some(known) => format!("did you mean {known}?"),
                None => format!("known fields here: {}", list(&self.known)),
            };
            let message = format!("unknown field {}", shown(name));
            let diagnostic = Diagnostic::error("unknown-field", key.span, message).with_help(help);
            cx.push(Diagnostic { severity, ..diagnostic });
        }
    }
}

fn list(names: &[&'static str]) -> String {
    const NAMES_SHOWN_MAX: usize = 20;
    let mut names: Vec<&str> = names.to_vec();
    names.sort_unstable();
    names.dedup();
    if names.len() > NAMES_SHOWN_MAX {
        return format!("{}, ...", names[..NAMES_SHOWN_MAX].join(", "));
    }
    names.join(", ")
}
