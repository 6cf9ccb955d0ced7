//! The values a template computes with. They behave as Go's do: a one-character difference in what a number or an
//! absent key prints as is a difference in somebody's page.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bellwether_model::Labels;

use crate::moment::Moment;

/// Anything a template can hold.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// Nothing at all: a key that is not there. Prints `<no value>`.
    #[default]
    Missing,
    /// Go's `nil`: something that is there and holds nothing.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(Arc<str>),
    /// A text that html escaping leaves alone where its kind allows.
    Safe(SafeKind, Arc<str>),
    /// A moment, with the time zone it is shown in.
    Time(Moment),
    /// A length of time in nanoseconds.
    Duration(i64),
    /// A sequence.
    List(Arc<Vec<Value>>),
    /// Keys and values, in key order.
    Map(Arc<Map>),
    /// Something of another crate with fields and methods.
    Object(Arc<dyn Object>),
}

/// Where a safe text may stand unescaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SafeKind {
    /// Between tags.
    Html,
    /// As the value of a link attribute.
    Url,
}

/// A map with text keys.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// The entries, in the order they are visited.
    pub entries: BTreeMap<String, Value>,
    /// What its values are, which decides what a key that is not there reads as.
    pub element: Element,
}

/// The type of a map's values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Element {
    /// Anything; a key that is not there is no value.
    #[default]
    Any,
    /// Text only; a key that is not there can read as the empty text.
    Text,
}

/// A struct of another crate, as templates see it. Field and method names are written as in Go: `StartsAt`.
pub trait Object: Send + Sync + fmt::Debug {
    /// The type's name in messages and for `%T`.
    fn type_name(&self) -> &str;

    /// The fields in their order; also what `%v` prints.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// One field.
    fn field(&self, name: &str) -> Option<Value> {
        self.fields().into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }

    /// The methods' names.
    fn methods(&self) -> &'static [&'static str] {
        &[]
    }

    /// Calls one of [`Object::methods`].
    fn call(&self, name: &str, args: &[Value]) -> Result<Value, String> {
        let _ = args;
        Err(format!("{} has no method {name}", self.type_name()))
    }

    /// The list, map or text this is when it is not a struct.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// How it prints, when not field by field.
    fn text(&self) -> Option<String> {
        None
    }

    /// The number it stands for where a number is expected.
    fn number(&self) -> Option<f64> {
        None
    }
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A map of anything.
    pub fn map<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), v)).collect();
        Self::Map(Arc::new(Map { entries, element: Element::Any }))
    }

    /// A map of texts, such as labels.
    pub fn text_map<K: Into<String>, V: Into<Arc<str>>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(k, v)| (k.into(), Value::Text(v.into()))).collect();
        Self::Map(Arc::new(Map { entries, element: Element::Text }))
    }

    /// An object.
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Arc::new(object))
    }

    /// The value with an object that is a list, map or text replaced by what it is.
    pub(crate) fn plain(&self) -> Value {
        match self {
            Self::Object(object) => object.underlying().unwrap_or_else(|| self.clone()),
            _ => self.clone(),
        }
    }

    /// The text, if this is one (safe texts are texts).
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Safe(_, text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is one or is a vector of exactly one sample.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Int(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            Self::Object(object) => object.number(),
            Self::List(items) => match items.as_slice() {
                [Self::Object(sample)] => sample.number(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Go's name of the type, as `%T` prints it.
    pub fn type_name(&self) -> String {
        match self {
            Self::Missing | Self::Nil => "<nil>".to_owned(),
            Self::Bool(_) => "bool".to_owned(),
            Self::Int(_) => "int".to_owned(),
            Self::Float(_) => "float64".to_owned(),
            Self::Text(_) => "string".to_owned(),
            Self::Safe(SafeKind::Html, _) => "template.HTML".to_owned(),
            Self::Safe(SafeKind::Url, _) => "template.URL".to_owned(),
            Self::Time(_) => "time.Time".to_owned(),
            Self::Duration(_) => "time.Duration".to_owned(),
            Self::List(_) => "[]interface {}".to_owned(),
            Self::Map(map) => match map.element {
                Element::Any => "map[string]interface {}".to_owned(),
                Element::Text => "map[string]string".to_owned(),
            },
            Self::Object(object) => object.type_name().to_owned(),
        }
    }

    /// Whether `if`, `and`, `or`, `not` and `with` take it as true: not empty, not zero.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Missing | Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) | Self::Duration(n) => *n != 0,
            Self::Float(n) => *n != 0.0,
            Self::Text(text) | Self::Safe(_, text) => !text.is_empty(),
            Self::Time(_) => true,
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Object(object) => object.underlying().is_none_or(|value| value.is_true()),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}
impl From<f64> for Value {
    fn from(n: f64) -> Self {
        Self::Float(n)
    }
}
impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }
}
impl From<&Labels> for Value {
    fn from(labels: &Labels) -> Self {
        Self::text_map(labels.iter())
    }
}
