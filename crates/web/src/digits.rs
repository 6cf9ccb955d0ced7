//! How numbers are written for people: never more digits than help, never so few that two different values look
//! alike. 99.995 % must not print as 100 %, a burn rate of 14.38 must not print as its threshold of 14.4.

use bellwether_model::TimeDelta;

/// Decimals beyond which two floating-point numbers no longer differ in anything but noise.
const DECIMALS_MAX: usize = 10;

/// A ratio as a percentage with at least two decimals, and with as many more as it takes to differ from 0 %, from
/// 100 % and from every value of `beside` that it is not equal to: `99.995%`.
pub fn percent(ratio: f64, beside: &[f64]) -> String {
    if !ratio.is_finite() {
        return "unknown".to_owned();
    }
    let others = [&[0.0, 1.0], beside].concat();
    let decimals = decimals_of((1.0 - ratio) * 100.0).max(decimals_of(ratio * 100.0));
    format!("{}%", trimmed(apart(ratio * 100.0, decimals, others.iter().map(|r| r * 100.0))))
}

/// A ratio as a percentage that is read at a glance: whole where whole suffices, `9.4%` below ten, `0.04%` near zero.
pub fn percent_short(ratio: f64) -> String {
    if !ratio.is_finite() {
        return "unknown".to_owned();
    }
    let decimals = usize::from(ratio.abs() < 0.1);
    format!("{}%", trimmed(apart(ratio * 100.0, decimals, [0.0, 100.0])))
}

/// A burn rate in about three digits: `14.4×`; more where it would look like its threshold without being equal.
pub fn burn(rate: f64, beside: &[f64]) -> String {
    if !rate.is_finite() {
        return "unknown".to_owned();
    }
    let decimals = match rate.abs() {
        x if x >= 100.0 => 0,
        x if x >= 10.0 => 1,
        _ => 2,
    };
    let others = [&[0.0], beside].concat();
    format!("{}×", trimmed(apart(rate, decimals, others)))
}

/// Decimals that show two digits of a small distance, at least two: people read 99.9951 % by what is missing.
fn decimals_of(distance_percent: f64) -> usize {
    // Nearer than this is floating-point noise.
    let is_noise = distance_percent.abs() < 1e-9;
    if is_noise { 2 } else { (1.0 - distance_percent.abs().log10().floor()).clamp(2.0, 10.0) as usize }
}

/// Writes `value` with at least `decimals` decimals and enough of them to print differently from every other value.
fn apart(value: f64, decimals: usize, others: impl IntoIterator<Item = f64>) -> String {
    let mut decimals = decimals;
    for other in others {
        let differs = |d: usize| trimmed(format!("{value:.d$}")) != trimmed(format!("{other:.d$}"));
        // Equal but for floating-point noise is equal.
        if value != other && differs(DECIMALS_MAX) {
            while !differs(decimals) {
                decimals += 1;
            }
        }
    }
    format!("{value:.decimals$}")
}

/// Without zeros that say nothing: `99.90` becomes `99.9`, `-0.00` becomes `0`.
fn trimmed(text: String) -> String {
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if short == "-0" { "0".to_owned() } else { short.to_owned() }
}

/// A count of events with thousands apart: `1,204,311`; one decimal only for what is not whole.
pub fn count(events: f64) -> String {
    if !events.is_finite() {
        return "unknown".to_owned();
    }
    let text = trimmed(format!("{events:.1}"));
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A value of any size in about four digits, for the axes of charts: `0.25`, `1,204`, `3.200e9`.
pub fn value(value: f64) -> String {
    match value.abs() {
        _ if value.is_nan() => "NaN".to_owned(),
        x if x.is_infinite() => if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        0.0 => "0".to_owned(),
        x if !(1e-4..1e9).contains(&x) => format!("{value:.3e}"),
        x if x >= 1000.0 => count(value),
        x => {
            let whole_digits = x.log10().floor().max(-4.0) as i32;
            trimmed(format!("{value:.*}", (3 - whole_digits) as usize))
        }
    }
}

/// A length of time in its two largest units, as people say it: `1 h 52 m`, `8 s`, `3 d`. Its
/// spaces do not break, since a number torn from its unit is read twice.
pub fn length(delta: TimeDelta) -> String {
    let seconds = delta.0.unsigned_abs() / 1000;
    let (d, h, m, s) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let parts = [(d, "d"), (h, "h"), (m, "m"), (s, "s")];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    // Seconds say something only beside a few minutes.
    let second = parts.get(first + 1).filter(|(n, unit)| *n > 0 && (*unit != "s" || m < 10));
    let (n, unit) = parts[first];
    let tail = second.map(|(n, unit)| format!("\u{a0}{n}\u{a0}{unit}")).unwrap_or_default();
    format!("{n}\u{a0}{unit}{tail}")
}

/// As [`length`], without seconds once there are minutes.
pub fn length_coarse(delta: TimeDelta) -> String {
    let is_short = delta.0.abs() < TimeDelta::MINUTE.0;
    length(if is_short { delta } else { TimeDelta(delta.0 / TimeDelta::MINUTE.0 * TimeDelta::MINUTE.0) })
}
