//! The functions of Prometheus' rule templates, and the arithmetic we add to them.

use std::sync::Arc;

use bellwether_model::{TimeDelta, Timestamp, regex_from_go};
use regex::Regex;

use crate::context::QuerySample;
use crate::function_table::{Call, Functions};
use crate::html::escape_query;
use crate::humanize;
use crate::moment::Moment;
use crate::number::float_text;
use crate::printf::TEXT_BYTES_MAX;
use crate::value::{Object, SafeKind, Value};

type Outcome = Result<Value, String>;
type Render = fn(f64) -> String;
type Compute = fn(f64, f64) -> f64;

/// Functions no other product has.
const OWN: [&str; 4] = ["mul", "div", "add", "sub"];

pub(crate) fn add(functions: &mut Functions) {
    let one = (1, Some(1));
    functions.add("query", one, |call| {
        let samples = call.context.query(call.text(0)?)?;
        Ok(Value::list(samples.into_iter().map(|sample| Value::object(Sample(sample)))))
    });
    functions.add("first", one, |call| {
        let samples = call.list(0)?;
        samples
            .first()
            .cloned()
            .ok_or_else(|| "the query's result is empty; guard it with {{ with query ... }}".to_owned())
    });
    functions.add("label", (2, Some(2)), |call| label(call, 1, call.text(0)?));
    functions.add("value", one, |call| call.number(0).map(Value::Float));
    functions.add("strvalue", one, |call| label(call, 0, "__value__"));
    functions.add("sortByLabel", (2, Some(2)), sort_by_label);
    functions.add("args", (0, None), |call| {
        Ok(Value::map(call.args.iter().enumerate().map(|(index, arg)| (format!("arg{index}"), arg.clone()))))
    });
    // Rendered by the evaluator, which alone knows the templates.
    functions.add("tmpl", (2, Some(2)), |_| Err("tmpl is not available here".to_owned()));
    functions
        .add("toTime", one, |call| Ok(Value::Time(Moment::utc(Timestamp::from_secs_f64(call.number(0)?)))));
    functions.add("toDuration", one, |call| Ok(Value::Duration((call.number(0)? * 1e9) as i64)));
    functions.add("now", (0, Some(0)), |call| Ok(Value::Float(call.context.now().as_secs_f64())));
    functions.add("pathPrefix", (0, Some(0)), |call| Ok(Value::text(call.context.path_prefix())));
    functions.add("externalURL", (0, Some(0)), |call| Ok(Value::text(call.context.external_url())));
    functions.add("parseDuration", one, |call| {
        let delta: TimeDelta =
            call.text(0)?.parse().map_err(|e: bellwether_model::DurationError| e.to_string())?;
        Ok(Value::Float(delta.as_secs_f64()))
    });
    functions.add("urlQueryEscape", one, |call| Ok(Value::text(escape_query(call.text(0)?))));
    functions.add("title", one, |call| Ok(Value::text(title(call.text(0)?))));
    functions.add("graphLink", one, |call| Ok(Value::text(link(call.text(0)?, 0))));
    functions.add("tableLink", one, |call| Ok(Value::text(link(call.text(0)?, 1))));
    functions.add("stripPort", one, |call| Ok(Value::text(strip_port(call.text(0)?))));
    functions.add("stripDomain", one, |call| Ok(Value::text(strip_domain(call.text(0)?))));
    add_shared(functions);
    add_humanize(functions);
    add_arithmetic(functions);
}

/// What Alertmanager's templates have too.
pub(crate) fn add_shared(functions: &mut Functions) {
    functions.add("toUpper", (1, Some(1)), |call| Ok(Value::text(call.text(0)?.to_uppercase())));
    functions.add("toLower", (1, Some(1)), |call| Ok(Value::text(call.text(0)?.to_lowercase())));
    functions.add("safeHtml", (1, Some(1)), |call| Ok(Value::Safe(SafeKind::Html, Arc::from(call.text(0)?))));
    functions.add("match", (2, Some(2)), |call| Ok(Value::Bool(pattern(call)?.is_match(call.text(1)?))));
    functions.add("reReplaceAll", (3, Some(3)), |call| {
        replace_all(&pattern(call)?, call.text(1)?, call.text(2)?).map(Value::text)
    });
    functions.add("humanizeDuration", (1, Some(1)), |call| {
        Ok(Value::text(humanize::humanize_duration(call.number(0)?)))
    });
}

fn add_humanize(functions: &mut Functions) {
    let table: [(&str, Render); 4] = [
        ("humanize", humanize::humanize),
        ("humanize1024", humanize::humanize_1024),
        ("humanizePercentage", humanize::humanize_percentage),
        ("humanizeTimestamp", humanize::humanize_timestamp),
    ];
    for (name, render) in table {
        functions.add(name, (1, Some(1)), move |call| Ok(Value::text(render(call.number(0)?))));
    }
}

fn add_arithmetic(functions: &mut Functions) {
    let table: [(&str, Compute); 4] =
        [("mul", |a, b| a * b), ("div", |a, b| a / b), ("add", |a, b| a + b), ("sub", |a, b| a - b)];
    for (name, compute) in table {
        functions
            .add(name, (2, Some(2)), move |call| Ok(Value::Float(compute(call.number(0)?, call.number(1)?))));
    }
    functions.mark_own(&OWN);
}

/// One element of `query`'s result.
#[derive(Debug)]
struct Sample(QuerySample);

impl Object for Sample {
    fn type_name(&self) -> &str {
        "*template.sample"
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Labels", Value::from(&self.0.labels)), ("Value", Value::Float(self.0.value))]
    }

    fn number(&self) -> Option<f64> {
        Some(self.0.value)
    }

    fn text(&self) -> Option<String> {
        Some(format!("{} => {}", self.0.labels, float_text(self.0.value)))
    }
}

fn label_of(sample: &Value, name: &str) -> Option<String> {
    let Value::Object(object) = sample else { return None };
    let Value::Map(labels) = object.field("Labels")? else { return None };
    Some(labels.entries.get(name).and_then(Value::as_text).unwrap_or("").to_owned())
}

fn label(call: &Call<'_>, sample: usize, name: &str) -> Outcome {
    let found = label_of(&call.args[sample], name);
    found.map(Value::text).ok_or_else(|| {
        format!(
            "argument {} must be one sample, not {}; take one with first",
            sample + 1,
            call.args[sample].type_name()
        )
    })
}

fn sort_by_label(call: &Call<'_>) -> Outcome {
    let name = call.text(0)?;
    let mut samples: Vec<Value> = call.list(1)?.to_vec();
    samples.sort_by_cached_key(|sample| label_of(sample, name));
    Ok(Value::from(samples))
}

fn pattern(call: &Call<'_>) -> Result<Regex, String> {
    let text = call.text(0)?;
    let wrong = |reason: &str| format!("{text:?} is not a regular expression: {reason}");
    let source = regex_from_go(text).map_err(wrong)?;
    let compiled = regex::RegexBuilder::new(&source).size_limit(1 << 20).build();
    compiled.map_err(|error| wrong(last_line(&error.to_string())))
}

/// Every match replaced, within bounds: many matches and a long replacement multiply.
fn replace_all(pattern: &Regex, replacement: &str, text: &str) -> Result<String, String> {
    let (mut out, mut at) = (String::new(), 0);
    for found in pattern.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[at..whole.start()]);
        found.expand(replacement, &mut out);
        at = whole.end();
        if out.len() > TEXT_BYTES_MAX {
            return Err(format!("the result is longer than {TEXT_BYTES_MAX} bytes"));
        }
    }
    out.push_str(&text[at..]);
    Ok(out)
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or(text).trim_start_matches("error: ")
}

/// Every word's first letter in upper case; the rest stays.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let starts = !(before.is_alphanumeric() || before == '_' || before == '\'');
        match starts {
            true => out.extend(c.to_uppercase()),
            false => out.push(c),
        }
        before = c;
    }
    out
}

fn link(expr: &str, tab: u8) -> String {
    format!("/graph?g0.expr={}&g0.tab={tab}", escape_query(expr))
}

/// `host:port` without its port; anything else stays.
fn strip_port(address: &str) -> &str {
    let Some((host, _)) = address.rsplit_once(':') else { return address };
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner,
        None if host.contains(':') => address,
        None => host,
    }
}

/// The first part of a host's name, with its port; addresses stay.
fn strip_domain(address: &str) -> String {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, format!(":{port}")),
        _ => (address, String::new()),
    };
    if host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        return address.to_owned();
    }
    format!("{}{port}", host.split('.').next().unwrap_or(host))
}
