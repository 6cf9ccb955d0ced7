//! Findings as SARIF 2.1.0, the format code hosts and editors take results of static analysis in. Its specification:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Place;
use crate::{Check, Finding, Fix, Setup, catalogue, page};
use bellwether_diag::Span;

/// One run: every check with its page as a rule, and the findings as results.
pub fn sarif(setup: &Setup, findings: &[Finding]) -> Value {
    let rules: Vec<&Check> = catalogue::documented().collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "Bellwether",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|check| rule(check)).collect::<Vec<_>>(),
            }},
            // Columns are counted as people see characters, not in UTF-16 as is the default.
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|finding| result(setup, finding, &rules)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(check: &Check) -> Value {
    json!({
        "id": check.id,
        "shortDescription": { "text": check.title },
        "fullDescription": { "text": check.why },
        "help": { "text": check.why, "markdown": page::markdown(check) },
        "defaultConfiguration": { "level": check.severity.as_str() },
        "properties": { "tags": [check.area.name()] },
    })
}

fn result(setup: &Setup, finding: &Finding, rules: &[&Check]) -> Value {
    let problem = &finding.problem;
    let mut result = json!({
        "ruleId": problem.id,
        "level": problem.severity.as_str(),
        "message": { "text": problem.sentence() },
        "locations": problem.span.map(|span| location(setup, span)).into_iter().collect::<Vec<_>>(),
    });
    if let Some(index) = rules.iter().position(|check| check.id == problem.id) {
        result["ruleIndex"] = json!(index);
    }
    if !problem.related.is_empty() {
        let related = problem.related.iter().map(|related| {
            let mut place = location(setup, related.span);
            place["message"] = json!({ "text": related.message });
            place
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([mended(setup, fix)]);
    }
    result
}

fn mended(setup: &Setup, fix: &Fix) -> Value {
    let changes = fix.edits.iter().map(|edit| {
        let place = Place::of(&setup.sources, edit.span);
        json!({
            "artifactLocation": { "uri": uri(place.file) },
            "replacements": [{ "deletedRegion": region(place), "insertedContent": { "text": edit.text } }],
        })
    });
    json!({ "description": { "text": fix.title }, "artifactChanges": changes.collect::<Vec<_>>() })
}

fn location(setup: &Setup, span: Span) -> Value {
    let place = Place::of(&setup.sources, span);
    let artifact = json!({ "uri": uri(place.file) });
    json!({ "physicalLocation": { "artifactLocation": artifact, "region": region(place) } })
}

fn region(place: Place<'_>) -> Value {
    json!({
        "startLine": place.start.line,
        "startColumn": place.start.column,
        "endLine": place.end.line,
        "endColumn": place.end.column,
    })
}

/// A file's name as a reference to it (RFC 3986): what may not stand in one is written as `%` and two digits.
fn uri(name: &str) -> String {
    let name = name.strip_prefix("./").unwrap_or(name);
    let mut text = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}
