//! What is written, before it is YAML or JSON.

use bellwether_model::Labels;

use crate::yaml_text::{is_word_of_yaml, quoted};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Text(String),
    /// A number, as it is to be written.
    Number(String),
    Truth(bool),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Tree {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<f64> for Tree {
    fn from(number: f64) -> Self {
        Self::Number(number.to_string())
    }
}

impl From<u64> for Tree {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string())
    }
}

impl<T: Into<Self>> From<Vec<T>> for Tree {
    fn from(items: Vec<T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }
}

impl From<&Labels> for Tree {
    fn from(labels: &Labels) -> Self {
        Self::Map(labels.iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
    }
}

impl From<Fields> for Tree {
    fn from(fields: Fields) -> Self {
        Self::Map(fields.0)
    }
}

/// The fields of a mapping, in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, Tree)>);

impl Fields {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Tree>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    /// The same unless there is nothing to say.
    pub(super) fn with_some(self, name: &str, value: Option<impl Into<Tree>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(super) fn with_text(self, name: &str, text: &str) -> Self {
        self.with_some(name, Some(text).filter(|text| !text.is_empty()))
    }

    pub(super) fn with_labels(self, name: &str, labels: &Labels) -> Self {
        self.with_some(name, Some(labels).filter(|labels| !labels.is_empty()))
    }
}

impl Tree {
    /// As a YAML document.
    pub(super) fn yaml(&self) -> String {
        let mut out = String::new();
        self.write_yaml(0, &mut out);
        out
    }

    fn write_yaml(&self, indent: usize, out: &mut String) {
        let pad = " ".repeat(indent);
        match self {
            Self::Map(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    out.push_str(&format!("{pad}{}:", scalar(name)));
                    value.write_after_key(indent + 2, out);
                }
            }
            Self::List(items) if !items.is_empty() => {
                for item in items {
                    let mut text = String::new();
                    item.write_yaml(indent + 2, &mut text);
                    out.push_str(&format!("{pad}- {}", text.trim_start()));
                }
            }
            flat => out.push_str(&format!("{pad}{}\n", flat.flat())),
        }
    }

    fn write_after_key(&self, indent: usize, out: &mut String) {
        let is_deep = match self {
            Self::Map(fields) => !fields.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Text(_) | Self::Number(_) | Self::Truth(_) => false,
        };
        if is_deep {
            out.push('\n');
            self.write_yaml(indent, out);
        } else {
            out.push_str(&format!(" {}\n", self.flat()));
        }
    }

    fn flat(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Number(number) => number.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::List(_) => "[]".to_owned(),
            Self::Map(_) => "{}".to_owned(),
        }
    }

    /// As JSON.
    pub(super) fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(0, &mut out);
        out.push('\n');
        out
    }

    fn write_json(&self, indent: usize, out: &mut String) {
        let (pad, end) = ("  ".repeat(indent + 1), "  ".repeat(indent));
        match self {
            Self::Map(fields) if !fields.is_empty() => {
                out.push_str("{\n");
                for (index, (name, value)) in fields.iter().enumerate() {
                    out.push_str(&format!("{pad}{}: ", quoted(name)));
                    value.write_json(indent + 1, out);
                    out.push_str(if index + 1 < fields.len() { ",\n" } else { "\n" });
                }
                out.push_str(&format!("{end}}}"));
            }
            Self::List(items) if !items.is_empty() => {
                out.push_str("[\n");
                for (index, item) in items.iter().enumerate() {
                    out.push_str(&pad);
                    item.write_json(indent + 1, out);
                    out.push_str(if index + 1 < items.len() { ",\n" } else { "\n" });
                }
                out.push_str(&format!("{end}]"));
            }
            Self::Text(text) => out.push_str(&quoted(text)),
            flat => out.push_str(&flat.flat()),
        }
    }
}

/// A text as YAML: bare where nobody could take it for anything else.
fn scalar(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-' | ' '))
        && !text.ends_with(' ')
        && !text.contains("  ");
    if (is_word && !is_word_of_yaml(text)) || is_quantity(text) { text.to_owned() } else { quoted(text) }
}

/// A length such as 1h30m or a percentage: nothing but text to YAML.
fn is_quantity(text: &str) -> bool {
    let (digits, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let starts = text.starts_with(|c: char| c.is_ascii_digit());
    match unit {
        "s" | "m" | "h" | "d" | "w" | "y" => {
            starts && digits.chars().all(|c| c.is_ascii_digit() || "smhdwy".contains(c))
        }
        "%" => starts && digits.chars().all(|c| c.is_ascii_digit() || c == '.'),
        _ => false,
    }
}
