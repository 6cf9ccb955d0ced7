//! Go's constants: quoted text with its escapes, and numbers in four bases.

use crate::value::Value;

/// Resolves the escapes of a quoted text or character; `quote` is the one that may be escaped.
pub(crate) fn unquote(text: &str, quote: char) -> Result<String, String> {
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        let Some((_, escape)) = chars.next() else { return Err("\\ stands alone at the end".to_owned()) };
        let mut digits = |count: usize, radix: u32, from: usize| -> Result<u32, String> {
            let digits = text.get(from..from + count).filter(|d| d.chars().all(|c| c.is_digit(radix)));
            let value = digits.and_then(|d| u32::from_str_radix(d, radix).ok());
            let value = value
                .ok_or_else(|| format!("unknown escape in {text:?}: \\{escape} needs {count} digits"))?;
            for _ in from..from + count - usize::from(from == at + 1) {
                chars.next();
            }
            Ok(value)
        };
        match escape {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            '\\' => out.push(b'\\'),
            'x' => push_byte(&mut out, digits(2, 16, at + 2)?, quote),
            '0'..='7' => match digits(3, 8, at + 1)? {
                value @ 0..=255 => push_byte(&mut out, value, quote),
                _ => return Err(format!("an octal escape in {text:?} is above \\377")),
            },
            'u' | 'U' => {
                let count = if escape == 'u' { 4 } else { 8 };
                let code = digits(count, 16, at + 2)?;
                let c = char::from_u32(code)
                    .ok_or_else(|| format!("\\{escape} in {text:?} is not a character"))?;
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
            c if c == quote => out.push(c as u8),
            c => return Err(format!("unknown escape \\{c} in {text:?}; write \\\\ for a backslash")),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// `\xNN` is a byte of a text, but a whole character in a character constant.
fn push_byte(out: &mut Vec<u8>, value: u32, quote: char) {
    match char::from_u32(value) {
        Some(c) if quote == '\'' => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        _ => out.push(value as u8),
    }
}

/// How many bytes at the start of a text look like a number.
pub(crate) fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let lower = text.get(at..at + 2).unwrap_or("").to_ascii_lowercase();
    let radix = match lower.as_str() {
        "0x" => 16,
        "0o" => 8,
        "0b" => 2,
        _ => 10,
    };
    if radix != 10 {
        at += 2;
    }
    let digits = |at: &mut usize, radix: u32| {
        while bytes.get(*at).is_some_and(|b| *b == b'_' || char::from(*b).is_digit(radix)) {
            *at += 1;
        }
    };
    digits(&mut at, radix);
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        digits(&mut at, radix);
    }
    let exponent: &[u8] = if radix == 16 { b"pP" } else { b"eE" };
    if radix != 8 && radix != 2 && bytes.get(at).is_some_and(|b| exponent.contains(b)) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        digits(&mut at, 10);
    }
    at + usize::from(bytes.get(at) == Some(&b'i'))
}

/// Reads a number as Go does: without a point or exponent it is whole, otherwise floating.
pub(crate) fn number(text: &str) -> Result<Value, String> {
    let bad = || format!("{text:?} is not a number");
    if text.ends_with('i') {
        return Err(format!(
            "{text:?} is a complex number; templates here know whole and floating numbers only"
        ));
    }
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let is_hex = lower.starts_with("0x");
    if lower.contains('.') || lower.contains('p') || (!is_hex && lower.contains('e')) {
        let plain = without_underscores(&lower).ok_or_else(bad)?;
        let value =
            if is_hex { hex_float(&plain) } else { plain.parse().ok().filter(|v: &f64| v.is_finite()) };
        let value = value.ok_or_else(bad)?;
        return Ok(Value::Float(if negative { -value } else { value }));
    }
    let plain = without_underscores(&lower).ok_or_else(bad)?;
    let (radix, plain) = match plain.as_bytes() {
        [b'0', b'x', ..] => (16, &plain[2..]),
        [b'0', b'o', ..] => (8, &plain[2..]),
        [b'0', b'b', ..] => (2, &plain[2..]),
        [b'0', _, ..] => (8, &plain[1..]),
        _ => (10, plain.as_str()),
    };
    if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(bad());
    }
    let value = i128::from_str_radix(plain, radix).map(|v| if negative { -v } else { v });
    match value.ok().and_then(|v| i64::try_from(v).ok()) {
        Some(value) => Ok(Value::Int(value)),
        None => Err(format!("{text} does not fit into 64 bits; write it with a point, such as {text}.0")),
    }
}

/// Underscores may stand between digits and after a base prefix, in whole and hexadecimal numbers.
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.to_owned());
    }
    let is_float = text.contains('.') || (text.contains('e') && !text.starts_with("0x"));
    if is_float || text.ends_with('_') || text.contains("__") {
        return None;
    }
    Some(text.replace('_', ""))
}

fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.strip_prefix("0x")?.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 13 {
        return None;
    }
    let mantissa = u64::from_str_radix(&digits, 16).ok()? as f64;
    let value = mantissa * 2f64.powi(exponent.checked_sub(4 * fraction.len() as i32)?);
    value.is_finite().then_some(value)
}
