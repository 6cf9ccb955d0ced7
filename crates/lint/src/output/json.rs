//! Findings as a list of JSON objects: what scripts read.

use serde_json::{Value, json};

use super::Place;
use crate::{Finding, Setup};

/// `[{id, severity, file, line, column, message, help}]`, empty when nothing is wrong. The place is missing (`null`) where
/// something is about no file.
pub fn json(setup: &Setup, findings: &[Finding]) -> Value {
    Value::Array(findings.iter().map(|finding| object(setup, finding)).collect())
}

fn object(setup: &Setup, finding: &Finding) -> Value {
    let problem = &finding.problem;
    let place = problem.span.map(|span| Place::of(&setup.sources, span));
    json!({
        "id": problem.id,
        "severity": problem.severity.as_str(),
        "file": place.map(|place| place.file),
        "line": place.map(|place| place.start.line),
        "column": place.map(|place| place.start.column),
        "message": problem.message,
        "help": problem.help,
    })
}
