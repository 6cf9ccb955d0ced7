//! `bellwether silence …`: for as long as it takes, tell nobody.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use bellwether_alerts::clock as clock_text;
use bellwether_model::{Labels, MatchOp, Matcher, TimeDelta, Timestamp};
use serde_json::{Value, json};

use crate::cli::silence::Silence;
use crate::cli::{Format, Remote};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{Rows, WIDTH, cut, print_json, say};

/// Runs one of them.
pub async fn run(command: Silence) -> Result<(), Failure> {
    match command {
        Silence::Add { matchers, duration, comment, author, annotations, remote } => {
            add(&remote, Wish { matchers, duration, comment, author, annotations }).await
        }
        Silence::List { expired, remote } => list(&remote, expired).await,
        Silence::Update { id, duration, comment, author, remote } => {
            update(&remote, &id, Changes { duration, comment, author }).await
        }
        Silence::Preview { matchers, remote } => preview(&remote, &matchers).await,
        Silence::Export { expired, server } => export(&server, expired).await,
        Silence::Import { file, remote } => import(&remote, file.as_deref()).await,
        Silence::Expire { ids, remote } => expire(&remote, &ids).await,
    }
}

/// What `add` was asked for.
struct Wish {
    matchers: Vec<String>,
    duration: TimeDelta,
    comment: String,
    author: String,
    annotations: Vec<(String, String)>,
}

/// All matchers, or all that is wrong with them.
fn parse_all(texts: &[String]) -> Result<Vec<Matcher>, Failure> {
    let (matchers, problems): (Vec<_>, Vec<_>) =
        texts.iter().map(|text| parse_matcher(text)).partition(Result::is_ok);
    if !problems.is_empty() {
        let sentences: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
        return Err(Failure::wrong(sentences.join("\n")));
    }
    Ok(matchers.into_iter().flatten().collect())
}

async fn add(remote: &Remote, wish: Wish) -> Result<(), Failure> {
    let matchers: Vec<Value> = parse_all(&wish.matchers)?.iter().map(matcher_json).collect();
    let starts_at = clock::now();
    let body = json!({
        "matchers": matchers,
        "startsAt": starts_at.to_string(),
        "endsAt": (starts_at + wish.duration).to_string(),
        "createdBy": wish.author,
        "comment": wish.comment,
        "annotations": wish.annotations.into_iter().collect::<BTreeMap<_, _>>(),
    });
    let client = Client::new(&remote.server)?;
    let answer = client.post("/api/v2/silences", &body).await?;
    let Some(id) = answer["silenceID"].as_str() else { return Err(client.stranger("/api/v2/silences")) };
    match remote.format {
        Format::Json => print_json(&answer),
        Format::Text => say(id),
    }
    Ok(())
}

fn matcher_json(matcher: &Matcher) -> Value {
    json!({
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex),
        "isEqual": matches!(matcher.op, MatchOp::Equal | MatchOp::Regex),
    })
}

/// Reads `name=value`, `name!=value`, `name=~value` or `name!~value`; quotes around the value may be left out.
fn parse_matcher(text: &str) -> Result<Matcher, String> {
    let wrong =
        || format!("{text:?} is not a matcher; write name=value, name!=value, name=~regex or name!~regex");
    let at = text.find(['=', '!']).ok_or_else(wrong)?;
    let (name, rest) = text.split_at(at);
    let ops =
        [("=~", MatchOp::Regex), ("!~", MatchOp::NotRegex), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];
    let (op, value) =
        ops.iter().find_map(|(sign, op)| Some((*op, rest.strip_prefix(sign)?))).ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(wrong());
    }
    let value = value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value);
    Matcher::new(op, name, value).map_err(|error| error.to_string())
}

/// When it ends, in the words of all other commands.
fn ends(at: &Value, now: Timestamp) -> String {
    let text = at.as_str().unwrap_or_default();
    let written = |at: jiff::Timestamp| clock_text(Timestamp::from_millis(at.as_millisecond()), now);
    text.parse().map_or_else(|_| text.to_owned(), written)
}

async fn list(remote: &Remote, expired: bool) -> Result<(), Failure> {
    let answer = Client::new(&remote.server)?.get_list("/api/v2/silences").await?;
    let shown: Vec<Value> =
        answer.into_iter().filter(|silence| expired || silence["status"]["state"] != "expired").collect();
    if remote.format == Format::Json {
        print_json(&Value::Array(shown));
        return Ok(());
    }
    let (now, mut comments) = (clock::now(), Vec::new());
    let mut rows = Rows::new(&["id", "state", "matchers", "ends", "by"]);
    for silence in &shown {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.push([
            text(&silence["id"]),
            text(&silence["status"]["state"]),
            matchers_text(&silence["matchers"]),
            ends(&silence["endsAt"], now),
            text(&silence["createdBy"]),
        ]);
        comments.push(Some(cut(&format!("  {}", text(&silence["comment"])), WIDTH)));
    }
    if rows.is_empty() {
        say("no silences")
    } else {
        rows.print_with(comments)
    }
    Ok(())
}

fn matchers_text(matchers: &Value) -> String {
    let one = |matcher: &Value| {
        let equal = matcher["isEqual"].as_bool().unwrap_or(true);
        let sign = match (equal, matcher["isRegex"].as_bool().unwrap_or(false)) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        let part = |field: &str| matcher[field].as_str().unwrap_or_default().to_owned();
        format!("{}{sign}{:?}", part("name"), part("value"))
    };
    matchers.as_array().into_iter().flatten().map(one).collect::<Vec<_>>().join(", ")
}

/// What `update` was asked to change.
struct Changes {
    duration: Option<TimeDelta>,
    comment: Option<String>,
    author: Option<String>,
}

async fn update(remote: &Remote, id: &str, changes: Changes) -> Result<(), Failure> {
    let client = Client::new(&remote.server)?;
    let path = format!("/api/v2/silence/{}", bellwether_web::url::encode(id, ""));
    let mut silence = client.get(&path, &[]).await?;
    if !silence.is_object() {
        return Err(client.stranger(&path));
    }
    if let Some(duration) = changes.duration {
        silence["endsAt"] = json!((clock::now() + duration).to_string());
    }
    for (field, value) in [("comment", changes.comment), ("createdBy", changes.author)] {
        if let Some(value) = value {
            silence[field] = json!(value);
        }
    }
    let answer = client.post("/api/v2/silences", &silence).await?;
    let Some(id) = answer["silenceID"].as_str() else { return Err(client.stranger("/api/v2/silences")) };
    match remote.format {
        Format::Json => print_json(&answer),
        Format::Text => say(id),
    }
    Ok(())
}

const PREVIEW: &str = "/api/bellwether/v1/silences/preview";

async fn preview(remote: &Remote, matchers: &[String]) -> Result<(), Failure> {
    let matchers: Vec<String> = parse_all(matchers)?.iter().map(ToString::to_string).collect();
    let client = Client::new(&remote.server)?;
    let answer = client.post(PREVIEW, &json!({ "matchers": matchers })).await?;
    let (Some(count), Some(hidden)) = (answer["alerts"].as_u64(), answer["hidden"].as_array()) else {
        return Err(client.stranger(PREVIEW));
    };
    if remote.format == Format::Json {
        print_json(&answer);
        return Ok(());
    }
    let plural = if count == 1 { "" } else { "s" };
    say(&format!("it would hide {count} firing alert{plural}"));
    let mut rows = Rows::new(&["alert", "labels", "receivers"]);
    for alert in hidden {
        let labels: Labels = serde_json::from_value(alert["labels"].clone()).unwrap_or_default();
        let receivers = alert["receivers"].as_array().into_iter().flatten().filter_map(Value::as_str);
        rows.push([
            labels.value_or_empty("alertname").to_owned(),
            labels.without(&["alertname"]).to_string(),
            receivers.collect::<Vec<_>>().join(", "),
        ]);
    }
    if !rows.is_empty() {
        rows.print();
    }
    Ok(())
}

async fn export(server: &str, expired: bool) -> Result<(), Failure> {
    let (client, path) = (Client::new(server)?, "/api/bellwether/v1/silences/export");
    let asked = if expired { vec![("expired", "true")] } else { Vec::new() };
    match client.get(path, &asked).await? {
        list @ Value::Array(_) => print_json(&list),
        _ => return Err(client.stranger(path)),
    }
    Ok(())
}

/// A file larger than this is no list of silences.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The text of a file, or of standard input.
fn read_input(file: Option<&Path>) -> Result<String, Failure> {
    let (name, read) = match file {
        Some(path) => (path.display().to_string(), std::fs::File::open(path).and_then(read_text)),
        None => ("standard input".to_owned(), read_text(std::io::stdin())),
    };
    read.map_err(|error| Failure::wrong(format!("cannot read {name}: {error}")))
}

fn read_text(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

async fn import(remote: &Remote, file: Option<&Path>) -> Result<(), Failure> {
    let silences: Value = serde_json::from_str(&read_input(file)?).map_err(|why| {
        Failure::wrong(format!("this is not JSON as `bellwether silence export` or amtool writes it: {why}"))
    })?;
    let (client, path) = (Client::new(&remote.server)?, "/api/bellwether/v1/silences/import");
    let answer = client.post(path, &silences).await?;
    let (Some(imported), Some(refused)) = (answer["imported"].as_array(), answer["refused"].as_array())
    else {
        return Err(client.stranger(path));
    };
    match remote.format {
        Format::Json => print_json(&answer),
        Format::Text => imported.iter().filter_map(Value::as_str).for_each(say),
    }
    let over = answer["over"].as_u64().unwrap_or_default();
    if over > 0 {
        eprintln!("{over} left out: over already");
    }
    if refused.is_empty() {
        return Ok(());
    }
    let lines = refused
        .iter()
        .map(|one| format!("silence {}: {}", one["index"], one["why"].as_str().unwrap_or_default()));
    Err(Failure::wrong(lines.collect::<Vec<_>>().join("\n")))
}

async fn expire(remote: &Remote, ids: &[String]) -> Result<(), Failure> {
    let client = Client::new(&remote.server)?;
    for id in ids {
        client.delete(&format!("/api/v2/silence/{}", bellwether_web::url::encode(id, ""))).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: Result<&str, &str>) {
        let got = parse_matcher(text).map(|matcher| matcher.to_string());
        match want {
            Ok(matcher) => assert_eq!(got.as_deref(), Ok(matcher), "{text}"),
            Err(part) => {
                assert!(got.as_ref().is_err_and(|sentence| sentence.contains(part)), "{text}: {got:?}")
            }
        }
    }

    #[test]
    fn matchers_are_read_with_or_without_quotes() {
        check("alertname=High", Ok(r#"alertname="High""#));
        check(r#"job=~"api|web""#, Ok(r#"job=~"api|web""#));
        check("env!=prod", Ok(r#"env!="prod""#));
        check("path!~/a=b", Ok(r#"path!~"/a=b""#));
        check("alertname", Err("write name=value"));
        check("=x", Err("write name=value"));
        check("a=~(", Err("unclosed group"));
    }
}
