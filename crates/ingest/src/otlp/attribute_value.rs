//! The value of an attribute as the value of a label: texts as they are, numbers as JSON writes them, lists and maps as
//! JSON with sorted names, bytes in base64. The same text as Prometheus makes of it, so that series join.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use super::base64;
use super::message::AnyValue;

/// As the value of a label.
pub(super) fn label_value<'v>(value: &'v AnyValue<'_>) -> Cow<'v, str> {
    match value {
        AnyValue::Empty => Cow::Borrowed(""),
        AnyValue::Text(text) => Cow::Borrowed(text),
        AnyValue::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        AnyValue::Int(value) => Cow::Owned(value.to_string()),
        AnyValue::Double(value) => Cow::Owned(number(*value)),
        AnyValue::Bytes(bytes) => Cow::Owned(base64::encode(bytes)),
        AnyValue::List(_) | AnyValue::Map(_) => {
            let mut text = String::new();
            write_json(value, &mut text);
            Cow::Owned(text)
        }
    }
}

/// The fewest digits that read back as the same number; an exponent below 1e-6 and from 1e21 on.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".to_owned()
        } else {
            format!("{}Infinity", if value < 0.0 { "-" } else { "" })
        };
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if size < 1.0 { text } else { text.replace('e', "e+") };
    }
    value.to_string()
}

fn write_json(value: &AnyValue<'_>, out: &mut String) {
    match value {
        AnyValue::Empty => out.push_str("null"),
        AnyValue::Text(text) => write_text(text, out),
        AnyValue::Bytes(bytes) => write_text(&base64::encode(bytes), out),
        AnyValue::Bool(_) | AnyValue::Int(_) => out.push_str(&label_value(value)),
        AnyValue::Double(value) if value.is_finite() => out.push_str(&number(*value)),
        AnyValue::Double(_) => out.push_str("null"), // JSON knows no such number
        AnyValue::List(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_json(value, out);
            }
            out.push(']');
        }
        AnyValue::Map(entries) => {
            let sorted: BTreeMap<&str, &AnyValue<'_>> =
                entries.iter().map(|entry| (entry.key.as_ref(), &entry.value)).collect();
            out.push('{');
            for (index, (name, value)) in sorted.into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_text(name, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            // Separators of lines that JavaScript once stumbled over are escaped, too.
            '\0'..'\x20' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
