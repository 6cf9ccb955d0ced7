//! Units in names: UCUM's `By/s` is `bytes_per_second`. The tables are those of OpenTelemetry's rules for Prometheus.

use std::borrow::Cow;

/// The parts of a unit, as they are appended to names.
pub(super) struct UnitSuffixes<'a> {
    /// What is counted.
    pub(super) main: Cow<'a, str>,
    /// By what it is divided, such as `per_second`.
    pub(super) per: Cow<'a, str>,
}

/// Splits a unit at its first slash; annotations in braces name no unit.
pub(super) fn suffixes(unit: &str) -> UnitSuffixes<'_> {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let named = |part: &str| !part.is_empty() && !part.contains(['{', '}']);
    let main = Some(main.trim()).filter(|main| named(main)).map_or("", of_main);
    let per = Some(per.trim()).filter(|per| named(per));
    UnitSuffixes {
        main: Cow::Borrowed(main),
        per: per.map_or(Cow::Borrowed(""), |per| Cow::Owned(format!("per_{}", of_per(per)))),
    }
}

/// A unit as metadata says it.
pub(super) fn unit_name(unit: &str) -> String {
    let UnitSuffixes { main, per } = suffixes(unit);
    let parts = [clean(&main), clean(&per)];
    let parts: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let whole = parts.join("_");
    let whole = whole.strip_prefix('_').unwrap_or(&whole);
    whole.strip_suffix('_').unwrap_or(whole).to_owned()
}

/// In characters that a metric's name may have, with single underscores and none at the beginning.
pub(super) fn clean(unit: &str) -> String {
    let mut cleaned = String::with_capacity(unit.len());
    for c in unit.chars() {
        let c = if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
        if c != '_' || !(cleaned.is_empty() || cleaned.ends_with('_')) {
            cleaned.push(c);
        }
    }
    cleaned
}

fn of_main(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "1" => "",
        "%" => "percent",
        other => other,
    }
}

fn of_per(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other => other,
    }
}
