//! Go's texts for numbers and quoted strings, as `strconv` writes them.

/// Which of Go's floating formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `1.5e+06`
    Exponent,
    /// `1500000`
    Fixed,
    /// The shorter of both; trailing zeros go unless kept.
    General { keeps_zeros: bool },
}

/// Formats a number that is neither infinite nor NaN, without its sign. `None` means as few digits as read back the same.
pub(crate) fn float_digits(value: f64, form: Form, precision: Option<usize>) -> String {
    match form {
        Form::Exponent => exponent_text(&scientific(value, precision)),
        Form::Fixed => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        Form::General { keeps_zeros } => {
            let digits = precision.map(|p| p.max(1));
            let scientific = scientific(value, digits.map(|d| d - 1));
            let (mantissa, exponent) = split(&scientific);
            let significant = mantissa.chars().filter(char::is_ascii_digit).collect::<String>();
            let kept = if keeps_zeros { significant.as_str() } else { significant.trim_end_matches('0') };
            let kept = if kept.is_empty() { "0" } else { kept };
            let limit = match digits {
                Some(digits) if digits > kept.len() && kept.len() as i32 > exponent => kept.len() as i32,
                Some(digits) => digits as i32,
                // With the shortest digits Go decides as if six had been asked for.
                None => 6,
            };
            if exponent < -4 || exponent >= limit {
                let tail = if kept.len() > 1 { format!(".{}", &kept[1..]) } else { String::new() };
                return exponent_text(&format!("{}{tail}e{exponent}", &kept[..1]));
            }
            place_point(kept, exponent)
        }
    }
}

fn scientific(value: f64, precision: Option<usize>) -> String {
    match precision {
        Some(precision) => format!("{value:.precision$e}"),
        None => format!("{value:e}"),
    }
}

fn split(scientific: &str) -> (&str, i32) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    (mantissa, exponent.parse().unwrap_or(0))
}

/// Go writes exponents with a sign and at least two digits.
fn exponent_text(scientific: &str) -> String {
    let (mantissa, exponent) = split(scientific);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn place_point(digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        return format!("0.{}{digits}", "0".repeat((-exponent - 1) as usize));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{}.{}", &digits[..whole], &digits[whole..])
}

/// What Go prints for a floating number: `%v`.
pub(crate) fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let form = Form::General { keeps_zeros: false };
    format!("{sign}{}", float_digits(value.abs(), form, None))
}

/// `%.4g`: four significant digits.
pub(crate) fn four_digits(value: f64) -> String {
    if !value.is_finite() {
        return float_text(value);
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let form = Form::General { keeps_zeros: false };
    format!("{sign}{}", float_digits(value.abs(), form, Some(4)))
}

/// Whether Go prints a character as it is when it quotes.
fn is_printable(c: char) -> bool {
    match c {
        ' ' => true,
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{feff}'
        | '\u{e000}'..='\u{f8ff}' => false,
        _ => !c.is_control() && !c.is_whitespace(),
    }
}

/// `%q`; with `ascii` everything else is escaped (`%+q`).
pub(crate) fn quote(text: &str, ascii: bool) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        quote_char(&mut out, c, '"', ascii);
    }
    out.push('"');
    out
}

/// A character constant: `'x'`.
pub(crate) fn quote_rune(c: char, ascii: bool) -> String {
    let mut out = String::from("'");
    quote_char(&mut out, c, '\'', ascii);
    out.push('\'');
    out
}

fn quote_char(out: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        '\\' => out.push_str("\\\\"),
        c if c == quote => out.extend(['\\', c]),
        c if is_printable(c) && (c.is_ascii() || !ascii) => out.push(c),
        c if u32::from(c) < 0x20 || c == '\x7f' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// `%x` of a floating number: `0x1.8p+00`.
pub(crate) fn float_hex(value: f64, precision: Option<usize>) -> String {
    if value == 0.0 {
        let zeros = "0".repeat(precision.unwrap_or(0).min(1000));
        return format!("0x0{}{zeros}p+00", if zeros.is_empty() { "" } else { "." });
    }
    let bits = value.abs().to_bits();
    let (mut exponent, mut mantissa) = ((bits >> 52) as i32 - 1023, bits & ((1 << 52) - 1));
    if exponent == -1023 {
        let shift = mantissa.leading_zeros() as i32 - 11;
        exponent = -1022 - shift;
        mantissa <<= shift;
    } else {
        mantissa |= 1 << 52;
    }
    if let Some(digits) = precision.filter(|digits| *digits < 13) {
        let unit = 1u64 << (52 - 4 * digits);
        let (down, rest) = (mantissa / unit, mantissa % unit);
        let is_up = rest * 2 > unit || (rest * 2 == unit && down % 2 == 1);
        mantissa = (down + u64::from(is_up)) * unit;
        if mantissa >> 53 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = match precision {
        Some(digits) => format!("{fraction:0<digits$}")[..digits].to_owned(),
        None => fraction.trim_end_matches('0').to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("0x1{point}{fraction}p{sign}{:02}", exponent.abs())
}
