//! How numbers are written into labels and messages: the fewest digits that read back as the same number, as Go writes
//! them, since series and alerts are told apart by them.

/// Digits behind the first from which on two texts of the fewest digits may be equally near.
const TIES_FROM: usize = 14;
/// So many more digits show whether a number lies exactly in the middle.
const EXACT_DIGITS: usize = 40;

/// All digits, without an exponent, as in labels.
pub(super) fn plain(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    match value {
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        value => with_even_digit(value).unwrap_or_else(|| value.to_string()),
    }
}

/// With an exponent from a million on, and for what is very small, as in messages.
pub(super) fn short(value: f64) -> String {
    with_exponent_from(1e6, value)
}

/// The first two digits that count.
pub(super) fn two_digits(value: f64) -> String {
    let rounded = format!("{value:.1e}").parse();
    with_exponent_from(100.0, rounded.unwrap_or(value))
}

fn with_exponent_from(large: f64, value: f64) -> String {
    if value == 0.0 || !value.is_finite() || (1e-4..large).contains(&value.abs()) {
        return plain(value);
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{exponent:0>2}")
}

/// The text where a number lies in the middle between two of the fewest digits: Go takes the one with an even last
/// digit, Rust the larger one. `None` where they agree.
fn with_even_digit(value: f64) -> Option<String> {
    let text = format!("{value:e}");
    let (mantissa, _) = text.split_once('e')?;
    let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    if decimals < TIES_FROM {
        return None;
    }
    let exact = format!("{value:.*e}", decimals + EXACT_DIGITS);
    let (digits, exponent) = exact.split_once('e')?;
    let (kept, rest) = digits.split_at(digits.len() - EXACT_DIGITS);
    let is_middle = rest.starts_with('5') && rest[1..].bytes().all(|digit| digit == b'0');
    if !is_middle || !kept.ends_with(['0', '2', '4', '6', '8']) {
        return None;
    }
    let lower: f64 = format!("{kept}e{exponent}").parse().ok()?;
    // The same number, or the fewest digits would not have been enough.
    (lower == value).then(|| laid_out(kept, exponent.parse().ok())).flatten()
}

/// A mantissa and an exponent as digits with a decimal point.
fn laid_out(mantissa: &str, exponent: Option<i32>) -> Option<String> {
    let exponent = exponent?;
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let Ok(whole) = usize::try_from(exponent + 1) else {
        let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
        return Some(format!("{sign}0.{zeros}{digits}"));
    };
    Some(match digits.split_at_checked(whole) {
        Some((whole, "")) => format!("{sign}{whole}"),
        Some(("", part)) => format!("{sign}0.{part}"),
        Some((whole, part)) => format!("{sign}{whole}.{part}"),
        None => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
    })
}
