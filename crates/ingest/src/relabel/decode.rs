//! Reads rules of relabelling, with Prometheus' defaults, and refuses what it refuses: a rule that says more than its
//! action uses was meant for another one.

use std::num::NonZeroU64;

use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Span, Spanned, suggest};

use super::{Action, NameScheme, Pattern, Relabelling, Rule, Source, Template};

const SEPARATOR_DEFAULT: &str = ";";
const REGEX_DEFAULT: &str = "(.*)";
const REPLACEMENT_DEFAULT: &str = "$1";

impl Relabelling {
    /// Reads a list of rules; names that they make are held against the scheme.
    pub fn decode(node: &Node, names: NameScheme, cx: &mut Cx<'_>) -> Option<Self> {
        let items = match &node.value {
            Value::Null => &[][..],
            Value::Sequence(items) => items,
            value @ (Value::Scalar(_) | Value::Mapping(_)) => {
                let message = format!("expected a list of relabelling rules, found {}", value.kind());
                cx.error_help(node.span, message, "write each as an item: `- `");
                return None;
            }
        };
        let rules: Vec<Option<Rule>> = items.iter().map(|item| rule(item, names, cx)).collect();
        Some(Self::new(rules.into_iter().collect::<Option<_>>()?, names))
    }
}

/// What a rule says, before it is known what of it counts.
struct Written {
    span: Span,
    action: Action,
    source_labels: Option<Vec<String>>,
    separator: Option<Spanned<String>>,
    regex: Option<Spanned<String>>,
    modulus: Option<Spanned<u64>>,
    target_label: Option<Spanned<String>>,
    replacement: Option<Spanned<String>>,
}

fn rule(node: &Node, names: NameScheme, cx: &mut Cx<'_>) -> Option<Rule> {
    if node.is_null() {
        cx.error_help(node.span, "an empty relabelling rule", "write one, or remove the item");
        return None;
    }
    let errors = cx.out.error_count();
    let mut map = MapReader::open(node, cx)?;
    let written = Written {
        span: map.span_first_line(cx),
        action: action(&mut map, cx),
        source_labels: map.node("source_labels").and_then(|node| Vec::decode(node, cx)),
        separator: text(&mut map, "separator", cx),
        regex: text(&mut map, "regex", cx),
        modulus: map.optional("modulus", cx),
        target_label: text(&mut map, "target_label", cx),
        replacement: text(&mut map, "replacement", cx),
    };
    map.finish(cx);
    let pattern = written.pattern(cx);
    written.check_fields(&map_key_spans(node), cx);
    written.check_names(names, cx);
    let pattern = pattern.filter(|_| cx.out.error_count() == errors)?;
    written.rule(pattern)
}

/// A text; nothing after the colon is the empty one, as in Go.
fn text(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Option<Spanned<String>> {
    map.node(name).and_then(|node| Spanned::decode(node, cx))
}

fn action(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Action {
    let Some(written) = text(map, "action", cx) else { return Action::Replace };
    if let Some(action) = Action::named(&written.value) {
        return action;
    }
    let all: Vec<&'static str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    let help = match suggest(&written.value.to_lowercase(), all.iter().copied()) {
        Some(known) => format!("did you mean {known}?"),
        None => format!("write one of {}", all.join(", ")),
    };
    cx.error_help(written.span, format!("unknown relabel action {:?}", written.value), help);
    Action::Replace
}

/// Where the keys of a rule stand.
fn map_key_spans(node: &Node) -> Vec<(&str, Span)> {
    let entries = node.as_mapping().unwrap_or(&[]).iter();
    entries.filter_map(|(key, _)| key.as_text().map(|name| (name, key.span))).collect()
}

impl Written {
    fn separator(&self) -> &str {
        self.separator.as_ref().map_or(SEPARATOR_DEFAULT, |separator| &separator.value)
    }

    fn replacement(&self) -> &str {
        self.replacement.as_ref().map_or(REPLACEMENT_DEFAULT, |replacement| &replacement.value)
    }

    fn target(&self) -> &str {
        self.target_label.as_ref().map_or("", |target| &target.value)
    }

    fn modulus(&self) -> Option<NonZeroU64> {
        self.modulus.as_ref().and_then(|modulus| NonZeroU64::new(modulus.value))
    }

    fn pattern(&self, cx: &mut Cx<'_>) -> Option<Pattern> {
        let text = self.regex.as_ref().map_or(REGEX_DEFAULT, |regex| &regex.value);
        Pattern::new(text)
            .map_err(|error| {
                let span = self.regex.as_ref().map_or(self.span, |regex| regex.span);
                cx.error_help(span, error.to_string(), "write it in RE2 syntax; it matches whole values");
            })
            .ok()
    }

    /// What an action needs, and what it does not use.
    fn check_fields(&self, keys: &[(&str, Span)], cx: &mut Cx<'_>) {
        let name = self.action.as_str();
        if self.action.needs_target() && self.target().is_empty() {
            let span = self.target_label.as_ref().map_or(self.span, |target| target.span);
            let help = "add target_label: and the name of the label to write";
            let help = match self.action {
                Action::KeepEqual | Action::DropEqual => "add target_label: and the label to compare with",
                _ => help,
            };
            cx.error_help(span, format!("relabel action {name} needs a target_label"), help);
        }
        if self.action == Action::HashMod && self.modulus().is_none() {
            let span = self.modulus.as_ref().map_or(self.span, |modulus| modulus.span);
            let help = "add modulus: and the number of parts";
            cx.error_help(span, "relabel action hashmod needs a modulus that is not zero", help);
        }
        for field in self.unused() {
            let span = keys.iter().find(|(key, _)| *key == field).map_or(self.span, |(_, span)| *span);
            let help = match self.action {
                Action::LabelDrop | Action::LabelKeep => {
                    format!("{name} looks at names only: keep its regex")
                }
                Action::KeepEqual | Action::DropEqual => {
                    format!("{name} takes source_labels and target_label only")
                }
                _ => "remove it".to_owned(),
            };
            cx.error_help(span, format!("relabel action {name} does not use {field}"), help);
        }
    }

    /// Fields that say something the action does not use, as far as Prometheus refuses them.
    fn unused(&self) -> Vec<&'static str> {
        let separator = (self.separator() != SEPARATOR_DEFAULT).then_some("separator");
        let replacement = (self.replacement() != REPLACEMENT_DEFAULT).then_some("replacement");
        let modulus = self.modulus().map(|_| "modulus");
        let regex = self.regex.as_ref().map(|_| "regex");
        let source = self.source_labels.as_ref().map(|_| "source_labels");
        let target = (!self.target().is_empty()).then_some("target_label");
        let unused = match self.action {
            Action::Lowercase | Action::Uppercase => [replacement, None, None, None, None],
            Action::KeepEqual | Action::DropEqual => [regex, modulus, separator, replacement, None],
            Action::LabelDrop | Action::LabelKeep => [source, target, modulus, separator, replacement],
            Action::Replace | Action::Keep | Action::Drop | Action::HashMod | Action::LabelMap => [None; 5],
        };
        unused.into_iter().flatten().collect()
    }

    fn check_names(&self, names: NameScheme, cx: &mut Cx<'_>) {
        let (field, written) = match self.action {
            Action::LabelMap => ("replacement", self.replacement.as_ref()),
            action if action.needs_target() && !self.target().is_empty() => {
                ("target_label", self.target_label.as_ref())
            }
            _ => return,
        };
        let Some(written) = written else { return };
        let has_references = matches!(self.action, Action::Replace | Action::LabelMap);
        let is_name = match names {
            NameScheme::Utf8 => names.is_label_name(&written.value),
            NameScheme::Legacy if has_references => is_legacy_template(&written.value),
            NameScheme::Legacy => names.is_label_name(&written.value),
        };
        if !is_name {
            let message =
                format!("{:?} is no {field} for relabel action {}", written.value, self.action.as_str());
            let help = match names {
                NameScheme::Utf8 => "write the name of a label",
                NameScheme::Legacy => "metric_name_validation_scheme is legacy: use letters, digits and _",
            };
            cx.error_help(written.span, message, help);
        }
    }

    fn rule(self, pattern: Pattern) -> Option<Rule> {
        let template = |text: &str| Template::new(text, &pattern.regex);
        let target = self.target().to_owned();
        let (target_template, replacement) = (template(&target), template(self.replacement()));
        let separator = self.separator().to_owned();
        let modulus = self.modulus();
        let source = Source { labels: self.source_labels.unwrap_or_default(), separator };
        Some(match self.action {
            Action::Replace => Rule::Replace { source, pattern, target: target_template, replacement },
            Action::Keep => Rule::Keep { source, pattern },
            Action::Drop => Rule::Drop { source, pattern },
            Action::KeepEqual => Rule::KeepEqual { source, target },
            Action::DropEqual => Rule::DropEqual { source, target },
            Action::HashMod => Rule::HashMod { source, target, modulus: modulus? },
            Action::LabelMap => Rule::LabelMap { pattern, replacement },
            Action::LabelDrop => Rule::LabelDrop { pattern },
            Action::LabelKeep => Rule::LabelKeep { pattern },
            Action::Lowercase => Rule::Lowercase { source, target },
            Action::Uppercase => Rule::Uppercase { source, target },
        })
    }
}

/// A classic name, with references in the place of letters.
fn is_legacy_template(text: &str) -> bool {
    static SHAPE: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"^(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))(?:\w|\$(?:\{\w+\}|\w+))*$")
            .expect("a constant pattern")
    });
    text.is_ascii() && SHAPE.is_match(text)
}
