//! `bellwether query EXPR`: one PromQL expression, answered by a running server.

use bellwether_diag::{Diagnostic, Diagnostics, Sources, Span};
use serde_json::Value;

use crate::cli::{Format, Query};
use crate::client::Client;
use crate::failure::Failure;
use crate::output::{Rows, labels_text, print_json, say};
use crate::terminal;

/// Evaluates and prints.
pub async fn run(arguments: Query) -> Result<(), Failure> {
    check(&arguments.expression)?;
    let mut parameters = vec![("query", arguments.expression.as_str())];
    parameters.extend(arguments.time.as_deref().map(|time| ("time", time)));
    let client = Client::new(&arguments.remote.server)?;
    let answer = client.get("/api/v1/query", &parameters).await?;
    if !answer["data"]["resultType"].is_string() {
        return Err(client.stranger("/api/v1/query"));
    }
    if arguments.remote.format == Format::Json {
        print_json(&answer["data"]);
    } else {
        print_text(&answer["data"]);
    }
    for key in ["warnings", "infos"] {
        for note in answer[key].as_array().into_iter().flatten() {
            eprintln!("{}: {}", key.trim_end_matches('s'), note.as_str().unwrap_or_default());
        }
    }
    Ok(())
}

/// Finds what is wrong with an expression before anyone is asked, and shows where.
fn check(expression: &str) -> Result<(), Failure> {
    let Err(problems) = bellwether_promql::parse(expression) else { return Ok(()) };
    let (mut sources, mut diagnostics) = (Sources::new(), Diagnostics::new());
    let file = sources.add("query", expression);
    for problem in problems {
        let mut diagnostic = Diagnostic::error("promql", Span::new(file, problem.span), problem.message);
        diagnostic.help = problem.help;
        diagnostics.push(diagnostic);
    }
    eprint!("{}", diagnostics.render(&sources, terminal::style(&std::io::stderr())));
    Err(Failure::Reported)
}

fn print_text(data: &Value) {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("scalar" | "string") => say(result[1].as_str().unwrap_or_default()),
        Some("matrix") => {
            print_series(result, |series| series["values"].as_array().cloned().unwrap_or_default())
        }
        _ => print_series(result, |series| vec![series["value"].clone()]),
    }
}

fn print_series(result: &Value, points: impl Fn(&Value) -> Vec<Value>) {
    let mut rows = Rows::new(&["series", "value", "time"]);
    for series in result.as_array().into_iter().flatten() {
        for point in points(series) {
            let value = point[1].as_str().unwrap_or_default().to_owned();
            rows.push([labels_text(&series["metric"]), value, point[0].to_string()]);
        }
    }
    if rows.is_empty() { say("no series") } else { rows.print() }
}
