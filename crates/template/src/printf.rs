//! Go's `fmt`: `%v` and its relatives for every kind of value, and the `%!verb(type=value)` texts that stand where
//! verb and value do not fit.

use crate::moment::duration_text;
use crate::number::{Form, float_digits, float_hex, float_text, quote, quote_rune};
use crate::value::Value;

/// Widths and precisions beyond this are refused as Go refuses them.
const WIDTH_MAX: usize = 1_000_000;
/// Values inside values deeper than this print as `...`.
const DEPTH_MAX: usize = 50;
/// No text grows much beyond this: a list that holds itself twice, sixty times over, must not be printed whole.
pub(crate) const TEXT_BYTES_MAX: usize = 8 << 20;

#[derive(Clone, Debug, Default)]
struct Flags {
    plus: bool,
    minus: bool,
    sharp: bool,
    /// `%+v`: names of fields, not signs.
    names: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The text of a value as an action shows it.
pub(crate) fn show(value: &Value) -> String {
    match value {
        Value::Missing | Value::Nil => "<no value>".to_owned(),
        _ => text(value),
    }
}

/// `%v`.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 'v', &Flags::default(), 0);
    out
}

/// `print`: a space between two operands of which neither is a text.
pub(crate) fn print(args: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in args.iter().enumerate() {
        let both_no_text = index > 0 && value.as_text().is_none() && args[index - 1].as_text().is_none();
        if both_no_text {
            out.push(' ');
        }
        if out.len() <= TEXT_BYTES_MAX {
            out.push_str(&text(value));
        }
    }
    out
}

/// `println`.
pub(crate) fn println(args: &[Value]) -> String {
    join(" ", args) + "\n"
}

/// The texts of values with something between them.
pub(crate) fn join(between: &str, values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if out.len() > TEXT_BYTES_MAX {
            break;
        }
        out.push_str(if index > 0 { between } else { "" });
        out.push_str(&text(value));
    }
    out
}

struct Printer<'a> {
    rest: &'a str,
    args: &'a [Value],
    next: usize,
    reordered: bool,
    good_index: bool,
    out: String,
}

/// `printf`.
pub(crate) fn printf(format: &str, args: &[Value]) -> String {
    let mut p =
        Printer { rest: format, args, next: 0, reordered: false, good_index: true, out: String::new() };
    while let Some(at) = p.rest.find('%').filter(|_| p.out.len() <= TEXT_BYTES_MAX) {
        p.out.push_str(&p.rest[..at]);
        p.rest = &p.rest[at + 1..];
        p.directive();
    }
    p.out.push_str(p.rest);
    if !p.reordered && p.next < args.len() {
        let extra: Vec<String> = args[p.next..].iter().map(typed).collect();
        p.out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    p.out
}

fn typed(value: &Value) -> String {
    match value {
        Value::Missing | Value::Nil => "<nil>".to_owned(),
        _ => format!("{}={}", value.type_name(), text(value)),
    }
}

impl Printer<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn bump(&mut self) {
        let len = self.peek().map_or(0, char::len_utf8);
        self.rest = &self.rest[len..];
    }

    fn digits(&mut self) -> Option<usize> {
        let len = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, rest) = self.rest.split_at(len);
        self.rest = rest;
        if digits.is_empty() { None } else { Some(digits.parse().unwrap_or(WIDTH_MAX + 1)) }
    }

    /// `[n]`: the argument to take next. Returns whether there was one.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return false;
        }
        self.reordered = true;
        let Some(end) = self.rest.find(']') else {
            self.good_index = false;
            self.bump();
            return false;
        };
        let number = self.rest[1..end].parse::<usize>().ok().filter(|n| (1..=self.args.len()).contains(n));
        self.rest = &self.rest[end + 1..];
        match number {
            Some(number) => self.next = number - 1,
            None => self.good_index = false,
        }
        number.is_some()
    }

    fn star(&mut self) -> Option<i64> {
        let value = self.args.get(self.next).cloned();
        self.next += usize::from(value.is_some());
        match value {
            Some(Value::Int(n)) if n.unsigned_abs() <= WIDTH_MAX as u64 => Some(n),
            _ => None,
        }
    }

    fn directive(&mut self) {
        self.good_index = true;
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                '#' => flags.sharp = true,
                ' ' => flags.space = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.bump();
        }
        let mut after_index = self.index();
        if self.peek() == Some('*') {
            self.bump();
            match self.star() {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = Some(width.unsigned_abs() as usize);
                }
                None => self.out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            match self.digits() {
                Some(width) if width > WIDTH_MAX => self.out.push_str("%!(BADWIDTH)"),
                Some(width) => {
                    self.good_index &= !after_index;
                    flags.width = Some(width);
                }
                None => {}
            }
        }
        if self.peek() == Some('.') {
            self.bump();
            self.good_index &= !after_index;
            after_index = self.index();
            if self.peek() == Some('*') {
                self.bump();
                match self.star() {
                    Some(n) if n >= 0 => flags.precision = Some(n as usize),
                    Some(_) => {}
                    None => self.out.push_str("%!(BADPREC)"),
                }
                after_index = false;
            } else {
                match self.digits() {
                    Some(n) if n > WIDTH_MAX => self.out.push_str("%!(BADPREC)"),
                    n => flags.precision = Some(n.unwrap_or(0)),
                }
            }
        }
        if !after_index {
            self.index();
        }
        self.verb(flags);
    }

    fn verb(&mut self, mut flags: Flags) {
        let Some(verb) = self.peek() else { return self.out.push_str("%!(NOVERB)") };
        self.bump();
        if verb == 'v' {
            flags.names = std::mem::take(&mut flags.plus);
        }
        if verb == '%' {
            return self.out.push('%');
        }
        if !self.good_index {
            return self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        }
        let Some(value) = self.args.get(self.next) else {
            return self.out.push_str(&format!("%!{verb}(MISSING)"));
        };
        self.next += 1;
        match (verb, value) {
            ('T', _) => pad(&mut self.out, &value.type_name(), &flags),
            (_, Value::Missing | Value::Nil) if verb == 'v' => pad(&mut self.out, "<nil>", &flags),
            _ => write_value(&mut self.out, value, verb, &flags, 0),
        }
    }
}

fn pad(out: &mut String, text: &str, flags: &Flags) {
    let missing = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    match (flags.minus, flags.zero) {
        (true, _) => {
            out.push_str(text);
            out.extend(std::iter::repeat_n(' ', missing));
        }
        (false, zero) => {
            out.extend(std::iter::repeat_n(if zero { '0' } else { ' ' }, missing));
            out.push_str(text);
        }
    }
}

fn bad_verb(out: &mut String, value: &Value, verb: char, flags: &Flags) {
    if matches!(value, Value::Missing | Value::Nil) {
        return out.push_str(&format!("%!{verb}(<nil>)"));
    }
    out.push_str(&format!("%!{verb}({}=", value.type_name()));
    write_value(out, value, 'v', flags, 1);
    out.push(')');
}

fn write_value(out: &mut String, value: &Value, verb: char, flags: &Flags, depth: usize) {
    if out.len() > TEXT_BYTES_MAX {
        return;
    }
    if depth > DEPTH_MAX {
        return out.push_str("...");
    }
    // A vector of one sample stands for its value wherever a number is asked for.
    if matches!(verb, 'e' | 'E' | 'f' | 'F' | 'g' | 'G')
        && !matches!(value, Value::Int(_) | Value::Float(_))
        && let Some(number) = value.as_number()
    {
        return write_float(out, number, verb, flags);
    }
    match value {
        Value::Missing | Value::Nil if verb == 'v' => pad(out, "<nil>", flags),
        Value::Missing | Value::Nil => bad_verb(out, value, verb, flags),
        Value::Bool(b) => match verb {
            't' | 'v' => pad(out, if *b { "true" } else { "false" }, flags),
            _ => bad_verb(out, value, verb, flags),
        },
        Value::Int(n) => write_int(out, *n, verb, flags),
        Value::Float(n) => match verb {
            'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'v' | 'x' | 'X' => write_float(out, *n, verb, flags),
            _ => bad_verb(out, value, verb, flags),
        },
        Value::Text(text) | Value::Safe(_, text) => write_text(out, text, value, verb, flags),
        Value::Time(moment) => write_text(out, &moment.text(), value, verb, flags),
        Value::Duration(ns) => match verb {
            'v' | 's' | 'q' => write_text(out, &duration_text(*ns), value, verb, flags),
            _ => write_int(out, *ns, verb, flags),
        },
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                write_value(out, item, verb, flags, depth + 1);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push_str("map[");
            for (index, (key, item)) in map.entries.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                write_value(out, &Value::text(key.as_str()), verb, flags, depth + 1);
                out.push(':');
                write_value(out, item, verb, flags, depth + 1);
            }
            out.push(']');
        }
        Value::Object(object) => {
            if let Some(text) = object.text() {
                return write_text(out, &text, value, verb, flags);
            }
            if let Some(plain) = object.underlying() {
                return write_value(out, &plain, verb, flags, depth + 1);
            }
            out.push('{');
            for (index, (name, item)) in object.fields().iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                if flags.names {
                    out.push_str(&format!("{name}:"));
                }
                write_value(out, item, verb, flags, depth + 1);
            }
            out.push('}');
        }
    }
}

fn write_text(out: &mut String, text: &str, value: &Value, verb: char, flags: &Flags) {
    let cut: String = match flags.precision {
        Some(precision) if !matches!(verb, 'x' | 'X') => text.chars().take(precision).collect(),
        _ => text.to_owned(),
    };
    match verb {
        'v' if flags.sharp => pad(out, &quote(&cut, false), flags),
        'v' | 's' => pad(out, &cut, flags),
        'q' if flags.sharp && !cut.contains(['`', '\n']) => pad(out, &format!("`{cut}`"), flags),
        'q' => pad(out, &quote(&cut, flags.plus), flags),
        'x' | 'X' => {
            let prefix = if verb == 'x' { "0x" } else { "0X" };
            let bytes = text.bytes().take(flags.precision.unwrap_or(usize::MAX));
            let hex: Vec<String> =
                bytes.map(|b| if verb == 'x' { format!("{b:02x}") } else { format!("{b:02X}") }).collect();
            let joined = match (flags.space, flags.sharp) {
                (true, true) => hex.iter().map(|h| format!("{prefix}{h}")).collect::<Vec<_>>().join(" "),
                (true, false) => hex.join(" "),
                (false, true) if !hex.is_empty() => format!("{prefix}{}", hex.concat()),
                (false, _) => hex.concat(),
            };
            pad(out, &joined, flags);
        }
        _ => bad_verb(out, value, verb, flags),
    }
}

fn write_int(out: &mut String, n: i64, verb: char, flags: &Flags) {
    let abs = n.unsigned_abs();
    let (digits, prefix) = match verb {
        'd' | 'v' => (abs.to_string(), ""),
        'b' => (format!("{abs:b}"), if flags.sharp { "0b" } else { "" }),
        'o' => (format!("{abs:o}"), if flags.sharp { "0" } else { "" }),
        'O' => (format!("{abs:o}"), "0o"),
        'x' => (format!("{abs:x}"), if flags.sharp { "0x" } else { "" }),
        'X' => (format!("{abs:X}"), if flags.sharp { "0X" } else { "" }),
        'c' | 'q' | 'U' => return write_rune(out, n, verb, flags),
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | 's' | 't' => return bad_verb(out, &Value::Int(n), verb, flags),
        _ => return bad_verb(out, &Value::Int(n), verb, flags),
    };
    let sign = if n < 0 {
        "-"
    } else if flags.plus {
        "+"
    } else if flags.space {
        " "
    } else {
        ""
    };
    let digits = match flags.precision {
        Some(0) if n == 0 => return pad(out, "", &Flags { zero: false, ..flags.clone() }),
        Some(precision) => format!("{digits:0>precision$}"),
        None if flags.zero && !flags.minus => {
            // Zero padding counts the sign but not a prefix.
            let width = flags.width.unwrap_or(0).saturating_sub(sign.len());
            format!("{digits:0>width$}")
        }
        None => digits,
    };
    pad(out, &format!("{sign}{prefix}{digits}"), &Flags { zero: false, ..flags.clone() });
}

fn write_rune(out: &mut String, n: i64, verb: char, flags: &Flags) {
    let c = u32::try_from(n).ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    let text = match verb {
        'c' => c.to_string(),
        'q' => quote_rune(c, flags.plus),
        _ if flags.sharp => format!("U+{:04X} '{c}'", n),
        _ => format!("U+{n:04X}"),
    };
    pad(out, &text, &Flags { zero: flags.zero && verb != 'U', ..flags.clone() });
}

fn write_float(out: &mut String, value: f64, verb: char, flags: &Flags) {
    let lower = verb.to_ascii_lowercase();
    let digits = if !value.is_finite() {
        float_text(value).trim_start_matches(['+', '-']).to_owned()
    } else {
        let default = if matches!(lower, 'e' | 'f') { Some(6) } else { None };
        let form = match lower {
            'e' => Form::Exponent,
            'f' => Form::Fixed,
            _ => Form::General { keeps_zeros: flags.sharp },
        };
        let precision = flags.precision.or(default);
        let shortest = (flags.sharp && precision.is_none()).then(|| float_digits(value.abs(), form, None));
        let is_short = shortest.is_some_and(|text| text.bytes().filter(u8::is_ascii_digit).count() < 6);
        match lower {
            'x' => float_hex(value, precision),
            _ => float_digits(value.abs(), form, if is_short { Some(6) } else { precision }),
        }
    };
    let digits = if verb.is_ascii_uppercase() && value.is_finite() { digits.to_uppercase() } else { digits };
    let negative = value.is_sign_negative() && !value.is_nan();
    let is_infinite = value.is_infinite();
    let sign = match (negative, flags.plus, flags.space) {
        (true, _, _) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        (false, false, false) if is_infinite => "+",
        (false, false, false) => "",
    };
    let zero = flags.zero && !flags.minus && value.is_finite();
    let digits = if zero {
        let width = flags.width.unwrap_or(0).saturating_sub(sign.len());
        format!("{digits:0>width$}")
    } else {
        digits
    };
    pad(out, &format!("{sign}{digits}"), &Flags { zero: false, ..flags.clone() });
}
