//! From trees to types, collecting every problem on the way.
//!
//! A decoder that fails has said why and goes on with the next field: people fix a file in one round, not in ten.
//! Scalars mean what Go's YAML packages take them for when the target is known: `yes` is a truth value only where
//! one is wanted, and a number in quotes is text.

use std::collections::BTreeMap;

use bellwether_model::{Labels, TimeDelta};

use crate::yaml::{Node, Scalar, Value};
use crate::{Diagnostic, Diagnostics, Sources, Span};

/// What decoders share: the sources and the problems found so far.
pub struct Cx<'a> {
    /// The files, for decoders that look at the text itself.
    pub sources: &'a Sources,
    /// The problems.
    pub out: &'a mut Diagnostics,
}

impl<'a> Cx<'a> {
    /// A context that adds to `out`.
    pub fn new(sources: &'a Sources, out: &'a mut Diagnostics) -> Self {
        Self { sources, out }
    }

    /// Reports any problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.out.push(diagnostic);
    }

    /// Reports what is wrong with a value.
    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.out.push(Diagnostic::error("invalid-value", span, message));
    }

    /// Reports what is wrong with a value and what to write instead.
    pub fn error_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.out.push(Diagnostic::error("invalid-value", span, message).with_help(help));
    }

    /// Reports a value that can be used but is probably not what was meant.
    pub fn warning(&mut self, span: Span, message: impl Into<String>) {
        self.out.push(Diagnostic::warning("doubtful-value", span, message));
    }
}

/// Something that can be read from a tree.
pub trait Decode: Sized {
    /// The value, or `None` after at least one problem has been reported.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self>;
}

/// A value and where it stood, for checks that come after decoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stood.
    pub span: Span,
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// Reads a file that holds one document. `Some` means that no error was found in it; `None` that at least one was
/// reported, which includes an empty file and a second document.
pub fn decode_file<T: Decode>(sources: &Sources, file: crate::FileId, out: &mut Diagnostics) -> Option<T> {
    let errors_before = out.error_count();
    let documents = crate::yaml::parse(sources, file, out);
    let broken = out.error_count() > errors_before;
    let mut cx = Cx::new(sources, out);
    if let Some(second) = documents.get(1) {
        cx.error_help(second.span, "the file has more than one document", "put each in a file of its own");
    }
    let decoded = match documents.first() {
        Some(document) => T::decode(document, &mut cx),
        None if broken => None,
        None => {
            cx.error(Span::new(file, 0..0), "the file is empty");
            None
        }
    };
    decoded.filter(|_| out.error_count() == errors_before)
}

/// The scalar of a node, or an error that says what was expected.
pub fn scalar<'n>(node: &'n Node, expected: &str, cx: &mut Cx<'_>) -> Option<&'n Scalar> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar),
        value @ (Value::Null | Value::Sequence(_) | Value::Mapping(_)) => {
            let message = format!("expected {expected}, found {}", value.kind());
            match cx.sources.slice(node.span).starts_with("{{") {
                true => {
                    cx.error_help(node.span, message, "`{{` begins a mapping of YAML: put the text in quotes")
                }
                false => cx.error(node.span, message),
            }
            None
        }
    }
}

/// A scalar that must not be quoted, since quotes make text of it.
fn unquoted<'n>(node: &'n Node, expected: &str, cx: &mut Cx<'_>) -> Option<&'n str> {
    let scalar = scalar(node, expected, cx)?;
    if scalar.quoted {
        let message = format!("expected {expected}, found text in quotes");
        cx.error_help(node.span, message, "remove the quotes");
        return None;
    }
    Some(&scalar.text)
}

/// The text for a message, cut to a length that fits on a line.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    if text.chars().count() <= SHOWN_CHARS_MAX {
        return format!("{text:?}");
    }
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("{:?}", format!("{cut}..."))
}

impl Decode for Node {
    fn decode(node: &Node, _: &mut Cx<'_>) -> Option<Self> {
        Some(node.clone())
    }
}

impl Decode for String {
    /// Any scalar as it was written. Nothing is the empty text, as in Go.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if node.is_null() {
            return Some(Self::new());
        }
        scalar(node, "text", cx).map(|scalar| scalar.text.clone())
    }
}

impl Decode for bool {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = unquoted(node, "true or false", cx)?;
        match text {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
                Some(false)
            }
            _ => {
                cx.error_help(
                    node.span,
                    format!("{} is not a truth value", shown(text)),
                    "write true or false",
                );
                None
            }
        }
    }
}

/// A whole number in Go's notations: decimal, `0x`, `0o`, `0b`, a leading zero for octal, `_` between digits.
fn whole_number(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match (lower.get(..2), lower.strip_prefix('0')) {
        (Some("0x"), _) => (16, &lower[2..]),
        (Some("0o"), _) => (8, &lower[2..]),
        (Some("0b"), _) => (2, &lower[2..]),
        (_, Some(octal)) if !octal.is_empty() => (8, octal),
        (_, _) => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().map(|number| number * sign)
}

fn decode_whole<T: TryFrom<i128>>(node: &Node, range: &str, cx: &mut Cx<'_>) -> Option<T> {
    let text = unquoted(node, "a whole number", cx)?;
    // A float without a fraction, such as 1e3, is a whole number to Go as well.
    let exact = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i128);
    let Some(number) = whole_number(text).or_else(|| float(text).and_then(exact)) else {
        cx.error(node.span, format!("{} is not a whole number", shown(text)));
        return None;
    };
    let Ok(number) = T::try_from(number) else {
        cx.error_help(node.span, format!("{text} is out of range"), format!("write a number {range}"));
        return None;
    };
    Some(number)
}

macro_rules! decode_whole_as {
    ($($type:ty),*) => {$(
        impl Decode for $type {
            fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
                decode_whole(node, &format!("from {} to {}", Self::MIN, Self::MAX), cx)
            }
        }
    )*};
}
decode_whole_as!(i64, i32, u64, u32, u16, u8, usize);

/// A floating-point number in YAML's notations.
fn float(text: &str) -> Option<f64> {
    match text {
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Some(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Some(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Some(f64::NAN),
        _ => {}
    }
    // Rust would also read "inf" and "nan", which YAML takes for text.
    let digits = text.trim_start_matches(['+', '-']);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    text.replace('_', "").parse().ok()
}

impl Decode for f64 {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = unquoted(node, "a number", cx)?;
        let number = float(text).or_else(|| whole_number(text).map(|number| number as f64));
        if number.is_none() {
            cx.error(node.span, format!("{} is not a number", shown(text)));
        }
        number
    }
}

impl Decode for TimeDelta {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = &scalar(node, "a duration such as 30s or 5m", cx)?.text;
        text.parse()
            .map_err(|error: bellwether_model::DurationError| cx.error(node.span, error.to_string()))
            .ok()
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        T::decode(node, cx).map(|value| Self { value, span: node.span })
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        T::decode(node, cx).map(Self::new)
    }
}

impl<T: Decode> Decode for Option<T> {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if node.is_null() { Some(None) } else { T::decode(node, cx).map(Some) }
    }
}

impl<T: Decode> Decode for Vec<T> {
    /// Every item is read, also after one has failed. Nothing is the empty list.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        match &node.value {
            Value::Null => Some(Self::new()),
            Value::Sequence(items) => {
                let decoded: Vec<Option<T>> = items.iter().map(|item| T::decode(item, cx)).collect();
                decoded.into_iter().collect()
            }
            value @ (Value::Scalar(_) | Value::Mapping(_)) => {
                let message = format!("expected a list, found {}", value.kind());
                cx.error_help(node.span, message, "write it as an item: `- ` before the value");
                None
            }
        }
    }
}

impl<T: Decode> Decode for BTreeMap<String, T> {
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let entries = entries(node, cx)?;
        let decode = |(key, value): &(Node, Node)| {
            let key = String::decode(key, cx);
            let value = T::decode(value, cx);
            key.zip(value)
        };
        let decoded: Vec<Option<(String, T)>> = entries.iter().map(decode).collect();
        decoded.into_iter().collect()
    }
}

impl Decode for Labels {
    /// Names may be any text but the empty one, as in Prometheus 3; a label with an empty value is no label.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let entries = entries(node, cx)?;
        let decode = |(key, value): &(Node, Node)| {
            let name = String::decode(key, cx)?;
            if name.is_empty() {
                cx.error(key.span, "a label needs a name");
                return None;
            }
            Some((name, String::decode(value, cx)?))
        };
        let decoded: Vec<Option<(String, String)>> = entries.iter().map(decode).collect();
        decoded.into_iter().collect::<Option<Vec<_>>>().map(Self::from_pairs)
    }
}

/// The entries of a mapping, none for nothing, or an error.
pub fn entries<'n>(node: &'n Node, cx: &mut Cx<'_>) -> Option<&'n [(Node, Node)]> {
    match &node.value {
        Value::Null => Some(&[]),
        Value::Mapping(entries) => Some(entries),
        value @ (Value::Scalar(_) | Value::Sequence(_)) => {
            cx.error(node.span, format!("expected a mapping, found {}", value.kind()));
            None
        }
    }
}
