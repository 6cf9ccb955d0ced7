//! Names of metrics and labels as Prometheus makes them of OTLP's: `http.server.request.duration` in `s` is
//! `http_server_request_duration_seconds`, a sum that only grows ends in `_total`, a ratio in `_ratio`.

use super::OtlpSettings;
use super::unit::{clean, suffixes};

/// What a name's endings depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedKind {
    /// A sum that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Everything else.
    Other,
}

/// The name of a metric, or why there is none.
pub(super) fn metric_name(
    name: &str,
    unit: &str,
    kind: NamedKind,
    settings: &OtlpSettings,
) -> Result<String, String> {
    let strategy = settings.strategy;
    let built = match (strategy.escapes(), strategy.adds_suffixes()) {
        (false, false) => name.to_owned(),
        (false, true) => with_suffixes_kept(name, unit, kind),
        (true, false) => escaped(name),
        (true, true) => with_suffixes(name, unit, kind),
    };
    if built.is_empty() || (built != name && built.bytes().all(|byte| byte == b'_')) {
        return Err(format!("the metric name {name:?} has no character that a name may have"));
    }
    Ok(built)
}

const fn is_metric_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == ':'
}

/// Parts that a name may have, joined with single underscores, then unit and kind.
fn with_suffixes(name: &str, unit: &str, kind: NamedKind) -> String {
    let mut tokens: Vec<&str> =
        name.split(|c| !is_metric_char(c)).filter(|token| !token.is_empty()).collect();
    let unit_suffixes = suffixes(unit);
    let (main, per) = (clean(&unit_suffixes.main), clean(&unit_suffixes.per));
    let main = if tokens.contains(&main.as_str()) { "" } else { main.as_str() };
    let per = per.strip_suffix('_').unwrap_or(&per);
    let per = if per == "per" || tokens.contains(&per) { "" } else { per };
    // A unit that is followed by another does not keep its last underscore.
    let main = if per.is_empty() { main } else { main.strip_suffix('_').unwrap_or(main) };
    tokens.extend([main, per].into_iter().filter(|token| !token.is_empty()));
    let ending = match kind {
        NamedKind::Counter => Some("total"),
        NamedKind::Gauge if unit == "1" => Some("ratio"),
        NamedKind::Gauge | NamedKind::Other => None,
    };
    if let Some(ending) = ending {
        tokens.retain(|token| *token != ending);
        tokens.push(ending);
    }
    not_with_a_digit(tokens.join("_"))
}

/// Runs of characters that a name may not have become one underscore each, and none at its ends.
fn escaped(name: &str) -> String {
    let tokens: Vec<&str> =
        name.split(|c| !is_metric_char(c) && c != '_').filter(|token| !token.is_empty()).collect();
    not_with_a_digit(tokens.join("_"))
}

fn not_with_a_digit(name: String) -> String {
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// The name as it is, then unit and kind, unless it ends with them already.
fn with_suffixes_kept(name: &str, unit: &str, kind: NamedKind) -> String {
    let unit_suffixes = suffixes(unit);
    let ending = match kind {
        NamedKind::Counter => Some("total"),
        NamedKind::Gauge if unit == "1" => Some("ratio"),
        NamedKind::Gauge | NamedKind::Other => None,
    };
    let per = Some(unit_suffixes.per.as_ref()).filter(|per| !per.is_empty());
    let bare = ending.map_or(name, |ending| without_ending(name, ending));
    let bare = per.map_or(bare, |per| without_ending(bare, per));
    let mut built = bare.to_owned();
    if !unit_suffixes.main.is_empty() && !bare.ends_with(unit_suffixes.main.as_ref()) {
        built.push('_');
        built.push_str(&unit_suffixes.main);
    }
    for suffix in [per, ending].into_iter().flatten() {
        built.push('_');
        built.push_str(suffix);
    }
    built
}

/// Without an ending and the character before it; a name is never shortened to nothing.
fn without_ending<'a>(name: &'a str, ending: &str) -> &'a str {
    let Some(before) = name.strip_suffix(ending) else { return name };
    let mut chars = before.chars();
    match chars.next_back() {
        Some(_) if !chars.as_str().is_empty() => chars.as_str(),
        Some(_) | None => name,
    }
}

/// The name of a label, or why there is none.
pub(super) fn label_name(name: &str, settings: &OtlpSettings) -> Result<String, String> {
    if name.is_empty() {
        return Err("an attribute has no name".to_owned());
    }
    let mut built = if settings.strategy.escapes() { label_escaped(name, settings) } else { name.to_owned() };
    if settings.strategy.escapes() {
        if built.starts_with(|c: char| c.is_ascii_digit()) {
            built.insert_str(0, "key_");
        } else if settings.sanitizes_leading_underscore && built.starts_with('_') && !built.starts_with("__")
        {
            built.insert_str(0, "key");
        }
    }
    if built.bytes().all(|byte| byte == b'_') {
        return Err(format!("the attribute name {name:?} has no character that a label name may have"));
    }
    Ok(built)
}

fn label_escaped(name: &str, settings: &OtlpSettings) -> String {
    let replace = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    if settings.preserves_multiple_underscores {
        return name.chars().map(replace).collect();
    }
    // Names between double underscores are reserved; these underscores stay.
    let reserved = name.strip_prefix("__").and_then(|rest| rest.strip_suffix("__"));
    let mut built = String::with_capacity(name.len());
    for c in reserved.unwrap_or(name).chars().map(replace) {
        if c != '_' || !built.ends_with('_') {
            built.push(c);
        }
    }
    if reserved.is_some() { format!("__{built}__") } else { built }
}
