//! Structured values whose texts are templates: PagerDuty's details, a webhook's payload. As in Alertmanager a text that
//! renders to a number, a truth value or JSON becomes one; that is how `toJson` is used in them.

use bellwether_diag::Cx;
use bellwether_diag::yaml::{self, Node, Scalar};
use serde_json::{Map, Value};

/// Deeper is nothing that a person wrote.
const DEPTH_MAX: usize = 32;

/// A value as it is written, its texts not rendered yet.
pub(super) fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Value> {
    let value = plain(node, 0);
    if value.is_none() {
        cx.error(node.span, format!("this is more than {DEPTH_MAX} deep"));
    }
    value
}

/// Renders its texts, keys included.
pub(super) fn render(
    value: &Value,
    expand: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => typed(expand(text)?),
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| render(item, expand)).collect::<Result<_, _>>()?)
        }
        Value::Object(fields) => {
            let field = |(key, item): (&String, &Value)| Ok((expand(key)?, render(item, expand)?));
            Value::Object(fields.iter().map(field).collect::<Result<Map<_, _>, String>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

/// What a rendered text stands for: JSON is what it says, and a number or truth value is one. Alertmanager reads any
/// YAML into it, so that `disk full: /var` becomes a mapping where somebody waits for a text; here that stays a text.
/// What is inside is data and is not looked at again.
fn typed(text: String) -> Value {
    match serde_json::from_str(&text) {
        Ok(Value::String(_)) => Value::String(text),
        Ok(value) => value,
        Err(_) => {
            let plain = Scalar { text: text.trim().to_owned(), quoted: false };
            match scalar_value(&plain) {
                Value::String(_) => Value::String(text),
                value => value,
            }
        }
    }
}

/// A tree of YAML as JSON; `None` when it is too deep. Keys that are no texts are left out, as Alertmanager does.
fn plain(node: &Node, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    Some(match &node.value {
        yaml::Value::Null => Value::Null,
        yaml::Value::Scalar(scalar) => scalar_value(scalar),
        yaml::Value::Sequence(items) => {
            Value::Array(items.iter().map(|item| plain(item, depth + 1)).collect::<Option<_>>()?)
        }
        yaml::Value::Mapping(entries) => {
            let texts = entries.iter().filter_map(|(key, item)| Some((key.as_text()?, item)));
            let field = |(key, item): (&str, &Node)| Some((key.to_owned(), plain(item, depth + 1)?));
            Value::Object(texts.map(field).collect::<Option<_>>()?)
        }
    })
}

/// What YAML 1.1 takes a plain scalar for.
fn scalar_value(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    if scalar.quoted {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
            Value::from(true)
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            Value::from(false)
        }
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let digits = text.replace('_', "");
    let unsigned = digits.trim_start_matches('+');
    if let Ok(whole) = unsigned.parse::<i64>() {
        return Some(Value::from(whole));
    }
    if let Some(hex) = unsigned.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(Value::from);
    }
    let is_float = unsigned.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    let float: f64 = unsigned.parse().ok().filter(|_| is_float)?;
    serde_json::Number::from_f64(float).map(Value::Number)
}
