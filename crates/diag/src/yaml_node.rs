//! The tree a YAML file is read into: values, and where each stood.

use crate::source::Span;

/// A value and where it stood. What came through an alias stands where its anchor is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The value's text in the file, without anchors and tags.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a value is. Plain scalars keep their text: whether `yes` is a truth value is for the field to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Text, a number, a truth value.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping in the order it was written, merge keys resolved, later duplicates dropped.
    Mapping(Vec<(Node, Node)>),
}

/// A single value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text, with quotes removed and escapes and line folding resolved.
    pub text: String,
    /// Whether it is text by its notation (quotes, `|`, `>` or the tag `!!str`), whatever it looks like.
    pub quoted: bool,
}

impl Value {
    /// What it is, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

impl Node {
    /// The text of a scalar.
    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// The items of a list.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            Value::Null | Value::Scalar(_) | Value::Mapping(_) => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_mapping(&self) -> Option<&[(Node, Node)]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            Value::Null | Value::Scalar(_) | Value::Sequence(_) => None,
        }
    }

    /// The value of a mapping's field, without keeping account of who asked; see [`crate::MapReader`] for that.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let (_, value) = self.as_mapping()?.iter().find(|(key, _)| key.as_text() == Some(name))?;
        Some(value)
    }

    /// Whether there is nothing.
    pub const fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }
}
