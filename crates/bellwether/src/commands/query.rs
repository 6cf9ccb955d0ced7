//! `bellwether query EXPR`: one PromQL expression, answered by a running server, at a moment or over a range.

use bellwether_model::{TimeDelta, Timestamp};

use crate::cli::{Query, QueryFormat};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::print_json;
use crate::query_output::{print_csv, print_table};
use crate::terminal;

/// Points of a range unless a step says otherwise: as many as a line of text can show.
const POINTS: i64 = 60;

/// Evaluates and prints.
pub async fn run(arguments: Query) -> Result<(), Failure> {
    check(&arguments.expression)?;
    let (path, parameters) = request(&arguments)?;
    let client = Client::new(&arguments.server)?;
    let pairs: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = client.get(path, &pairs).await?;
    if !answer["data"]["resultType"].is_string() {
        return Err(client.stranger(path));
    }
    match arguments.format {
        QueryFormat::Json => print_json(&answer["data"]),
        QueryFormat::Csv => print_csv(&answer["data"]),
        QueryFormat::Table => print_table(&answer["data"]),
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
    let style = terminal::style(&std::io::stderr());
    eprint!("{}", bellwether_promql::render_errors(&problems, expression, style));
    Err(Failure::Reported)
}

type Parameters = Vec<(&'static str, String)>;

/// The path and its parameters: a moment is the server's to choose, a range is not.
fn request(arguments: &Query) -> Result<(&'static str, Parameters), Failure> {
    let mut parameters = vec![("query", arguments.expression.clone())];
    let Some(range) = arguments.range else {
        parameters.extend(arguments.time.clone().map(|time| ("time", time)));
        return Ok(("/api/v1/query", parameters));
    };
    if range.0 <= 0 {
        return Err(Failure::wrong(format!(
            "--range {range} is not a length of time; write it like 30m or 6h"
        )));
    }
    let end = match &arguments.time {
        Some(text) => moment(text)?,
        None => clock::now(),
    };
    let usual = TimeDelta((range.0 / POINTS / 1000).max(1) * 1000);
    let step = arguments.step.unwrap_or(usual);
    parameters.push(("start", (end - range).as_secs_f64().to_string()));
    parameters.push(("end", end.as_secs_f64().to_string()));
    parameters.push(("step", step.as_secs_f64().to_string()));
    Ok(("/api/v1/query_range", parameters))
}

/// RFC 3339 or Unix seconds.
fn moment(text: &str) -> Result<Timestamp, Failure> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.abs() < 1e12);
    let written = || text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond());
    seconds.map(Timestamp::from_secs_f64).or_else(|| written().map(Timestamp::from_millis)).ok_or_else(|| {
        Failure::wrong(format!(
            "--time {text:?} is not a time; write it like 2026-11-21T03:04:05Z, or as seconds since 1970"
        ))
    })
}
