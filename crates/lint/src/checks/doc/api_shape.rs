//! Requests and answers that do not have the shape their author thinks.

use bellwether_diag::{Severity, Span};
use serde_json::Value;

use super::{Request, requests};
use crate::setup::shell::Word;
use crate::{Area, Check, Report, Setup};

/// The check.
pub(crate) static CHECK: Check = Check {
    id: "api-shape",
    area: Area::Doc,
    severity: Severity::Warning,
    title: "a request or an answer of another shape",
    why: "A `jq` filter for a field that is not there prints `null` or an error, which reads as *nothing is wrong*. The API \
          v2 of Alertmanager answers alerts as a bare list and its configuration as `.config.original`; Prometheus wraps \
          everything in `.data`, and gives its configuration as one text in `.data.yaml`. A body without `Content-Type: \
          application/json` is refused with 415, a silence that has ended with 400.",
    wrong: &[(
        "README.md",
        "```sh\ncurl -s http://localhost:9090/api/v1/status/config | jq '.data.alerting'\n```\n",
    )],
    right: &[(
        "README.md",
        "```sh\ncurl -s http://localhost:9090/api/v1/status/config | jq -r '.data.yaml'\n```\n",
    )],
    run,
};

fn run(setup: &Setup, report: &mut Report) {
    for request in requests(setup) {
        if let Some(filter) = request.filter {
            if request.is_to_alertmanager() {
                of_alertmanager(&request, filter, report);
            } else if request.is_to_prometheus() {
                of_prometheus(&request, filter, report);
            }
        }
        if request.is_to_alertmanager() && request.posts() {
            content_type(&request, report);
            request.bodies().iter().for_each(|body| posted(&request, body, report));
        }
    }
}

/// The first path of a filter: `.data.groups` of `[.data.groups[] | …]`.
fn first_path(filter: &str) -> &str {
    let text = filter.trim_start_matches(['[', '(', ' ', '\n']);
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"._[]".contains(c)).unwrap_or(text.len());
    if text.starts_with('.') { &text[..end] } else { "" }
}

fn of_alertmanager(request: &Request<'_>, filter: &Word, report: &mut Report) {
    let (path, first) = (request.path(), first_path(&filter.text));
    let span = request.script.span(filter.place.clone());
    if path.ends_with("/status") && filter.text.contains("configYAML") {
        report
            .find(span, "the status has no configYAML: Alertmanager's API v2 gives its configuration as .config.original")
            .help("write jq -r '.config.original'");
        return;
    }
    let is_list =
        path.ends_with("/alerts") || path.ends_with("/silences") || path.ends_with("/alerts/groups");
    if path.contains("/api/v1/") && is_list && first.starts_with(".[") {
        report
            .find(span, "the answer of /api/v1 is no list but an envelope; only that of /api/v2 is the list this filter reads")
            .help("call /api/v2: the filter then fits")
            .severity(Severity::Note);
    } else if path.contains("/api/v2/") && first.starts_with(".data") {
        report
            .find(span, "the answers of Alertmanager's API v2 have no envelope: .data is null")
            .help(format!("write {}", first.replacen(".data", ".", 1).replace("..", ".")));
    }
    if filter.text.contains(".status.state") && filter.text.contains("\"firing\"") {
        report
            .find(
                span,
                "no alert of Alertmanager has the state firing: it is active, suppressed or unprocessed",
            )
            .help("compare with \"active\"");
    }
}

/// What stands below `.data`, by the call.
const BELOW_DATA: [(&str, &[&str]); 7] = [
    ("/api/v1/status/config", &["yaml"]),
    ("/api/v1/rules", &["groups", "groupNextToken"]),
    ("/api/v1/alerts", &["alerts"]),
    ("/api/v1/query", &["result", "resultType", "stats"]),
    ("/api/v1/query_range", &["result", "resultType", "stats"]),
    ("/api/v1/targets", &["activeTargets", "droppedTargets", "droppedTargetCounts"]),
    ("/api/v1/alertmanagers", &["activeAlertmanagers", "droppedAlertmanagers"]),
];

fn of_prometheus(request: &Request<'_>, filter: &Word, report: &mut Report) {
    let Some((call, fields)) = BELOW_DATA.iter().find(|(call, _)| request.path().ends_with(call)) else {
        return;
    };
    let first = first_path(&filter.text);
    let mut parts = first.trim_start_matches('.').split(['.', '[']);
    let (top, below) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let span = request.script.span(filter.place.clone());
    let known = ["status", "error", "errorType", "warnings", "infos", "data", ""];
    let usual = format!(".data.{}", fields[0]);
    if (top.is_empty() && first.starts_with(".[")) || !known.contains(&top) {
        report
            .find(span, format!("the answer of {call} is an envelope: {first} is not in it"))
            .help(format!("write {usual}"));
    } else if top == "data" && !below.is_empty() && !fields.contains(&below) {
        let found = report.find(span, format!("the answer of {call} has no .data.{below}: this prints null"));
        if fields[0] == "yaml" {
            found.help(format!("the configuration is one text: write jq -r '.data.yaml' | yq '.{below}'"));
        } else {
            found.help(format!("write {usual}"));
        }
    }
}

fn content_type(request: &Request<'_>, report: &mut Report) {
    let headers = request.command.values(&["-H", "--header"]);
    let says = headers.iter().any(|word| word.text.to_ascii_lowercase().contains("content-type"));
    if says || request.command.has(&["--json"]) || request.bodies().is_empty() || !request.command.is("curl")
    {
        return;
    }
    let option = request.command.arguments().find(|word| super::DATA.contains(&word.text.as_str()));
    let place = option.map_or(request.url.place.clone(), |word| word.place.clone());
    report
        .find(
            request.script.span(place),
            "curl sends this as a form, and Alertmanager answers 415 Unsupported Media Type",
        )
        .help("add -H 'Content-Type: application/json'");
}

/// A posted alert or silence.
fn posted(request: &Request<'_>, body: &Word, report: &mut Report) {
    let Ok(value) = serde_json::from_str::<Value>(&body.text) else { return };
    let span = request.script.span(body.place.clone());
    if request.path().ends_with("/alerts") && !value.is_array() {
        report.find(first_line(span, body), "alerts are posted as a list").help("put [ and ] around it");
    }
    if !request.path().ends_with("/silences") {
        return;
    }
    let missing: Vec<&str> = ["matchers", "startsAt", "endsAt", "createdBy", "comment"]
        .into_iter()
        .filter(|field| value.get(field).is_none())
        .collect();
    if !missing.is_empty() {
        let message = format!("a silence needs {} as well", missing.join(", "));
        report.find(first_line(span, body), message).help("add what is missing");
    }
    fixed_end(request, body, &value, report);
}

/// An end that is written as a date has passed for everyone who reads the document later.
fn fixed_end(request: &Request<'_>, body: &Word, value: &Value, report: &mut Report) {
    let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default();
    let (starts, ends) = (text("startsAt"), text("endsAt"));
    let is_date = ends.len() >= 19 && ends.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let Some(at) = body.raw.find(ends).filter(|_| is_date) else { return };
    let span = request.script.span(body.place.start + at..body.place.start + at + ends.len());
    let message = match ends <= starts {
        true => format!("the silence ends at {ends}, not after it starts"),
        false => format!(
            "the silence ends at a fixed date: from {ends} on it is refused, since an end must not have passed"
        ),
    };
    report.find(span, message).help("let the shell write it: \"$(date -u -d '+1 hour' +%FT%TZ)\"");
}

fn first_line(span: Span, body: &Word) -> Span {
    let len = body.raw.find('\n').unwrap_or(body.raw.len());
    Span { end: span.start + len as u32, ..span }
}
