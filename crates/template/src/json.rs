//! `toJson` and base64: what webhooks are built from.

use std::fmt::Write;

use crate::moment::Moment;
use crate::number::float_text;
use crate::printf::TEXT_BYTES_MAX;
use crate::value::Value;

const DEPTH_MAX: usize = 50;

/// A value as JSON, with Go's escapes of `<`, `>` and `&`.
pub(crate) fn to_json(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    write(&mut out, value, 0)?;
    Ok(out)
}

fn write(out: &mut String, value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("the value is more than {DEPTH_MAX} deep"));
    }
    if out.len() > TEXT_BYTES_MAX {
        return Err(format!("the text is longer than {TEXT_BYTES_MAX} bytes"));
    }
    match value {
        Value::Missing | Value::Nil => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Int(n) | Value::Duration(n) => out.push_str(&n.to_string()),
        Value::Float(n) if n.is_finite() => out.push_str(&number(*n)),
        Value::Float(n) => return Err(format!("{} is not a number of JSON", float_text(*n))),
        Value::Text(text) | Value::Safe(_, text) => string(out, text),
        Value::Time(moment) => string(out, &Moment::rfc3339(moment)),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(out, item, depth + 1)?;
            }
            out.push(']');
        }
        Value::Map(map) => object(out, map.entries.iter().map(|(k, v)| (k.clone(), v.clone())), depth)?,
        Value::Object(inner) => match inner.underlying() {
            Some(plain) => write(out, &plain, depth + 1)?,
            None => object(out, inner.fields().into_iter().map(|(k, v)| (json_name(k), v)), depth)?,
        },
    }
    Ok(())
}

/// JSON numbers of Go's encoder: an exponent below 1e-6 and from 1e21 on.
fn number(value: f64) -> String {
    let is_plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
    if is_plain { format!("{value}") } else { float_text(value).replace("e-0", "e-") }
}

/// `StartsAt` is `startsAt` in JSON, `GeneratorURL` is `generatorURL`.
fn json_name(field: &str) -> String {
    let mut chars = field.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

fn object(
    out: &mut String,
    entries: impl Iterator<Item = (String, Value)>,
    depth: usize,
) -> Result<(), String> {
    out.push('{');
    for (index, (key, item)) in entries.enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        string(out, &key);
        out.push(':');
        write(out, &item, depth + 1)?;
    }
    out.push('}');
    Ok(())
}

fn string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64 that may stand in an address, with padding (RFC 4648, section 5): people build links of it.
pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let is_padding = at > chunk.len();
            let index = (word >> (18 - 6 * at) & 63) as usize;
            out.push(if is_padding { '=' } else { char::from(ALPHABET[index]) });
        }
    }
    out
}

pub(crate) fn base64_decode(text: &str) -> Result<String, String> {
    let bad = || "this is not base64".to_owned();
    let text: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r')).collect();
    if !text.len().is_multiple_of(4) {
        return Err(bad());
    }
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(&text);
    let (mut out, mut word, mut bits) = (Vec::new(), 0u32, 0);
    for digit in digits {
        let value = ALPHABET.iter().position(|known| known == digit).ok_or_else(bad)?;
        word = (word << 6 | value as u32) & 0xff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}
