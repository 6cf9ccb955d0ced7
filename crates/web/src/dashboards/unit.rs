//! Values as people read them, by what they are.

use bellwether_model::TimeDelta;

use crate::digits;
use crate::view::PanelUnit;

/// A value with its unit.
pub(super) fn text(value: f64, unit: PanelUnit) -> String {
    if !value.is_finite() {
        return digits::value(value);
    }
    match unit {
        PanelUnit::Plain => digits::value(value),
        PanelUnit::Ratio => digits::percent(value, &[]),
        PanelUnit::Percent => format!("{}%", digits::value(value)),
        PanelUnit::Seconds => seconds(value),
        PanelUnit::Milliseconds => seconds(value / 1000.0),
        PanelUnit::Bytes => bytes(value),
        PanelUnit::PerSecond => format!("{}\u{a0}/s", digits::value(value)),
    }
}

fn seconds(value: f64) -> String {
    match value.abs() {
        0.0 => "0\u{a0}s".to_owned(),
        x if x < 0.001 => format!("{}\u{a0}µs", digits::value(value * 1e6)),
        x if x < 1.0 => format!("{}\u{a0}ms", digits::value(value * 1e3)),
        x if x < 60.0 => format!("{}\u{a0}s", digits::value(value)),
        _ => digits::length(TimeDelta::from_secs_f64(value)),
    }
}

fn bytes(value: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut value, mut at) = (value, 0);
    while value.abs() >= 1024.0 && at + 1 < units.len() {
        value /= 1024.0;
        at += 1;
    }
    format!("{}\u{a0}{}", digits::value(value), units[at])
}
