//! Faults over HTTP: what can be set and how it is, read and written as JSON with the paths of scenario files.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

use crate::scenario::definition::{ServiceDefinition, SetValue};

/// What is wrong, each with the path that it is about.
pub type Problems = Vec<(String, String)>;

/// Every setting with its value, and those that are not as at the beginning.
pub(super) fn shown(now: &[ServiceDefinition], healthy: &[ServiceDefinition]) -> Response {
    let (settings, before) = (all(now), all(healthy));
    let changed: Map<String, Value> = settings
        .iter()
        .filter(|(path, value)| before.get(path.as_str()) != Some(value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    Json(json!({ "settings": settings, "changed": changed })).into_response()
}

fn all(definitions: &[ServiceDefinition]) -> Map<String, Value> {
    let of = |service: &ServiceDefinition| {
        let name = service.name.clone();
        service
            .settings()
            .into_iter()
            .map(move |(path, value)| (format!("{name}.{path}"), Value::String(value)))
            .collect::<Vec<_>>()
    };
    definitions.iter().flat_map(of).collect()
}

/// Reads `{"PATH": VALUE}`; a value is a text, a number, a truth value, or parts with their shares.
pub(super) fn read(body: &[u8]) -> Result<Vec<(String, SetValue)>, Problems> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| vec![(String::new(), format!("the body is no JSON: {error}"))])?;
    let Value::Object(settings) = value else {
        let why = "write an object such as {\"app.up\": false}";
        return Err(vec![(String::new(), why.to_owned())]);
    };
    let (mut read, mut wrong) = (Vec::new(), Vec::new());
    for (path, value) in settings {
        match set_value(&value) {
            Some(value) => read.push((path, value)),
            None => wrong
                .push((path, "write a number, a text, true or false, or parts with their shares".to_owned())),
        }
    }
    if read.is_empty() && wrong.is_empty() {
        wrong.push((String::new(), "nothing is set; GET /faults lists what can be".to_owned()));
    }
    if wrong.is_empty() { Ok(read) } else { Err(wrong) }
}

fn set_value(value: &Value) -> Option<SetValue> {
    if let Value::Object(parts) = value {
        let parts = parts.iter().map(|(name, share)| text(share).map(|share| (name.clone(), share)));
        return parts.collect::<Option<_>>().map(SetValue::Parts);
    }
    text(value).map(SetValue::Text)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Every problem, with the path it is about.
pub(super) fn refusal(wrong: &[(String, String)]) -> Response {
    let errors: Vec<Value> =
        wrong.iter().map(|(field, message)| json!({ "field": field, "message": message })).collect();
    let answer = json!({ "message": "everything stays as it was", "errors": errors });
    (StatusCode::BAD_REQUEST, Json(answer)).into_response()
}
