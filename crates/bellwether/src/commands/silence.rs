//! `bellwether silence add|list|expire`: for as long as it takes, tell nobody.

use bellwether_model::{MatchOp, Matcher, TimeDelta};
use serde_json::{Value, json};

use crate::cli::{Format, Remote, Silence};
use crate::client::Client;
use crate::clock;
use crate::failure::Failure;
use crate::output::{Rows, print_json, say};

/// Runs one of the three.
pub async fn run(command: Silence) -> Result<(), Failure> {
    match command {
        Silence::Add { matchers, duration, comment, author, remote } => {
            add(&remote, Wish { matchers, duration, comment, author }).await
        }
        Silence::List { expired, remote } => list(&remote, expired).await,
        Silence::Expire { ids, remote } => expire(&remote, &ids).await,
    }
}

/// What `add` was asked for.
struct Wish {
    matchers: Vec<String>,
    duration: TimeDelta,
    comment: String,
    author: String,
}

async fn add(remote: &Remote, wish: Wish) -> Result<(), Failure> {
    let (matchers, problems): (Vec<_>, Vec<_>) =
        wish.matchers.iter().map(|text| parse_matcher(text)).partition(Result::is_ok);
    if !problems.is_empty() {
        let sentences: Vec<String> = problems.into_iter().filter_map(Result::err).collect();
        return Err(Failure::wrong(sentences.join("\n")));
    }
    let matchers: Vec<Value> = matchers.into_iter().flatten().map(|matcher| matcher_json(&matcher)).collect();
    let starts_at = clock::now();
    let body = json!({
        "matchers": matchers,
        "startsAt": starts_at.to_string(),
        "endsAt": (starts_at + wish.duration).to_string(),
        "createdBy": wish.author,
        "comment": wish.comment,
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

async fn list(remote: &Remote, expired: bool) -> Result<(), Failure> {
    let answer = Client::new(&remote.server)?.get_list("/api/v2/silences").await?;
    let shown: Vec<Value> =
        answer.into_iter().filter(|silence| expired || silence["status"]["state"] != "expired").collect();
    if remote.format == Format::Json {
        print_json(&Value::Array(shown));
        return Ok(());
    }
    let mut rows = Rows::new(&["id", "state", "matchers", "ends", "by", "comment"]);
    for silence in &shown {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        rows.push([
            text(&silence["id"]),
            text(&silence["status"]["state"]),
            matchers_text(&silence["matchers"]),
            text(&silence["endsAt"]),
            text(&silence["createdBy"]),
            text(&silence["comment"]),
        ]);
    }
    if rows.is_empty() {
        say("no silences")
    } else {
        rows.print()
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
