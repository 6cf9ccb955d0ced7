//! Numbers as Prometheus' text parser accepts them: Go's decimal floats, without underscores and without the
//! hexadecimal floats that came with Go 1.13. Too large is an error there and here, not infinity.

use bellwether_model::Timestamp;

use crate::Problem;

/// Integers of at most this many digits are exact in a float, so they need no float parser.
const EXACT_DIGITS_MAX: usize = 15;

/// Reads a sample's value.
#[inline]
pub(crate) fn read_value(token: &str) -> Result<f64, Problem> {
    let bytes = token.as_bytes();
    if bytes.len() <= EXACT_DIGITS_MAX && !bytes.is_empty() {
        let (mut number, mut only_digits) = (0u64, true);
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            only_digits &= digit < 10;
            number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
        if only_digits {
            return Ok(number as f64);
        }
    }
    read_float(token)
}

fn read_float(token: &str) -> Result<f64, Problem> {
    let value: f64 = token.parse().map_err(|_| Problem::NotANumber(shortened(token)))?;
    // Go reads "nan" without a sign only; Rust also reads "+nan".
    if value.is_nan() && token.starts_with(['+', '-']) {
        return Err(Problem::NotANumber(shortened(token)));
    }
    if value.is_infinite() && token.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(Problem::NumberTooLarge(shortened(token)));
    }
    // One NaN for all: no body can smuggle in the staleness marker.
    Ok(if value.is_nan() { f64::NAN } else { value })
}

/// Reads a sample's time.
pub(crate) fn read_timestamp(token: &str) -> Result<Timestamp, Problem> {
    let ms: i64 = token.parse().map_err(|_| Problem::NotATimestamp(shortened(token)))?;
    Ok(Timestamp::from_millis(ms))
}

/// Reads a time as OpenMetrics writes it: seconds, with a fraction perhaps. What is finer than a millisecond is cut off;
/// a time beyond all times becomes the last.
pub(crate) fn read_seconds(token: &str) -> Result<Timestamp, Problem> {
    match read_value(token) {
        Ok(seconds) if seconds.is_finite() => Ok(Timestamp((seconds * 1000.0) as i64)),
        Ok(_) | Err(_) => Err(Problem::NotSeconds(shortened(token))),
    }
}

fn shortened(token: &str) -> String {
    token.chars().take(40).collect()
}
