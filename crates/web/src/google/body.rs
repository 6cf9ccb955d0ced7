//! Bodies of requests: JSON, whose mistakes are said with line and column and what to write instead.

use serde_json::{Map, Value};

/// Reads an object.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("body:1:1: the body is not an object; write {\"displayName\": ...}".to_owned()),
        Err(error) => Err(mistake(text, &error)),
    }
}

fn mistake(text: &str, error: &serde_json::Error) -> String {
    let whole = error.to_string();
    let what = whole.split(" at line ").next().unwrap_or_default();
    let (line, column) = (error.line().max(1), error.column().max(1));
    let rest = text.lines().nth(line - 1).unwrap_or_default();
    let at = rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at);
    let word = rest[at..].split([',', '}', ']']).next().unwrap_or_default().trim();
    // A word that a shell put where a text belongs.
    let is_bare = word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '$' | '_'));
    match is_bare {
        true => format!("body:{line}:{column}: {word} is not in quotes; write \"{word}\""),
        false if what.contains("trailing comma") => {
            format!("body:{line}:{column}: {what}; leave the comma before it out")
        }
        false => format!("body:{line}:{column}: {what}; the body must be JSON"),
    }
}

/// Fields of a service, whatever sort it is of.
const SERVICE_FIELDS: [&str; 16] = [
    "appEngine",
    "basicService",
    "cloudEndpoints",
    "cloudRun",
    "clusterIstio",
    "custom",
    "displayName",
    "gkeNamespace",
    "gkeService",
    "gkeWorkload",
    "istioCanonicalService",
    "meshIstio",
    "name",
    "telemetry",
    "userLabels",
    "gkeCluster",
];

/// Refuses fields that no service has.
pub(super) fn is_service(body: &Map<String, Value>) -> Result<(), String> {
    match body.keys().find(|key| !SERVICE_FIELDS.contains(&key.as_str())) {
        Some(unknown) => Err(format!(
            "unknown field {unknown:?}; known fields of a service: {}",
            SERVICE_FIELDS.join(", ")
        )),
        None => Ok(()),
    }
}

/// Fields of an objective.
const OBJECTIVE_FIELDS: [&str; 7] =
    ["calendarPeriod", "displayName", "goal", "name", "rollingPeriod", "serviceLevelIndicator", "userLabels"];

/// What an object is with some of its fields replaced: those of a mask, or all that are sent.
pub(super) fn patched(
    old: Map<String, Value>,
    changes: Map<String, Value>,
    mask: Option<&str>,
) -> Result<Map<String, Value>, String> {
    let mut new = old;
    let Some(mask) = mask else {
        new.extend(changes);
        return without_twin(new);
    };
    for field in mask.split(',').map(str::trim).filter(|field| !field.is_empty()) {
        // Deeper masks replace the whole field: what is sent holds the rest, too.
        let field = camel(field.split('.').next().unwrap_or(field));
        if !OBJECTIVE_FIELDS.contains(&field.as_str()) {
            let known = OBJECTIVE_FIELDS.join(", ");
            return Err(format!("updateMask names {field:?}, which no objective has; there are {known}"));
        }
        match changes.get(&field) {
            Some(value) => drop(new.insert(field, value.clone())),
            None => drop(new.remove(&field)),
        }
    }
    without_twin(new)
}

/// Of two periods the older one goes: they exclude each other.
fn without_twin(mut body: Map<String, Value>) -> Result<Map<String, Value>, String> {
    let has = |body: &Map<String, Value>, field: &str| body.get(field).is_some_and(|value| !value.is_null());
    if has(&body, "rollingPeriod") && has(&body, "calendarPeriod") {
        return Err(
            "an objective has one period; send the other one as null, or name both in updateMask".to_owned()
        );
    }
    body.retain(|_, value| !value.is_null());
    Ok(body)
}

/// `rolling_period` as the field is called in JSON.
fn camel(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (index, word) in text.split('_').enumerate() {
        let mut chars = word.chars();
        match chars.next().filter(|_| index > 0) {
            Some(first) => out.extend(first.to_uppercase()),
            None => chars = word.chars(),
        }
        out.push_str(chars.as_str());
    }
    out
}
