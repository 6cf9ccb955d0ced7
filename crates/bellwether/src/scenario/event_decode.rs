//! Reads what people and programs do in a run.

use bellwether_alerts::parse_matcher;
use bellwether_diag::yaml::Node;
use bellwether_diag::{Cx, Decode, MapReader, Spanned, entries};
use bellwether_model::{Labels, METRIC_NAME, Matcher, TimeDelta};

use super::definition_decode::{nearest, take};
use super::model::{Action, ConfigChoice, Event, HandDeed};
use super::quantity::Moment;

/// Who acts where nobody is named.
const SOMEBODY: &str = "somebody";
/// A silence without a length lasts this long.
const SILENCE: TimeDelta = TimeDelta(TimeDelta::HOUR.0);

const KINDS: [&str; 8] = ["reload", "rules", "silence", "ack", "unack", "resolve", "note", "post"];

/// One event.
pub(super) fn event(node: &Node, cx: &mut Cx<'_>) -> Option<Event> {
    let mut map = MapReader::open(node, cx)?;
    let span = map.span_first_line(cx);
    let at: Option<Moment> = map.optional("at", cx);
    let by = map.optional("by", cx).unwrap_or_else(|| SOMEBODY.to_owned());
    let length: Option<TimeDelta> = map.optional("for", cx);
    let comment: Option<String> = map.optional("comment", cx);
    let body: Option<String> = map.optional("body", cx);
    let given: Vec<(&str, &Node, &Node)> =
        KINDS.into_iter().filter_map(|kind| map.entry(kind).map(|(key, value)| (kind, key, value))).collect();
    let text: Option<String> = map.optional("text", cx);
    map.finish(cx);
    let (kind, key, value) = match given.as_slice() {
        [one] => *one,
        [] => {
            cx.error_help(span, "nothing says what is done", nearest(node, &KINDS));
            return None;
        }
        [_, second, ..] => {
            cx.error_help(second.1.span, "one event does one thing", "make it an event of its own");
            return None;
        }
    };
    let words = text.or_else(|| comment.clone()).unwrap_or_default();
    let mut handle = |deed: HandDeed| {
        let alert = alert(value, cx)?;
        Some(Action::Handle { deed, alert, by: by.clone(), note: words.clone() })
    };
    let action = match kind {
        "reload" => Action::Reload(config_choice(value, cx)?),
        "rules" => Action::AddRules(value.clone()),
        "ack" => handle(HandDeed::Acknowledge(length))?,
        "unack" => handle(HandDeed::Unacknowledge)?,
        "resolve" => handle(HandDeed::Resolve)?,
        "note" => handle(HandDeed::Note)?,
        "post" => {
            let Some(body) = body else {
                cx.error_help(key.span, "what is posted is missing", "write body: |, and the JSON below it");
                return None;
            };
            Action::Post { path: path(value, cx)?, body }
        }
        _ => {
            let matchers = matchers(value, cx)?;
            let comment = comment.unwrap_or_else(|| "silenced by the scenario".to_owned());
            Action::Silence { matchers, length: length.unwrap_or(SILENCE), by, comment }
        }
    };
    Some(Event { at: at.unwrap_or_default(), span, action })
}

/// A file, or sections that name files.
pub(super) fn config_choice(node: &Node, cx: &mut Cx<'_>) -> Option<ConfigChoice> {
    match node.as_text() {
        Some(file) => Some(ConfigChoice::File(file.to_owned(), node.span)),
        None => {
            entries(node, cx)?;
            Some(ConfigChoice::Sections(Box::new(node.clone())))
        }
    }
}

/// Paths of Alertmanager's API that take alerts and silences.
const PATHS: [&str; 4] = ["/api/v1/alerts", "/api/v2/alerts", "/api/v1/silences", "/api/v2/silences"];

fn path(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
    let path = String::decode(node, cx)?;
    if !PATHS.contains(&path.as_str()) {
        cx.error_help(
            node.span,
            format!("nothing can be posted to {path:?}"),
            format!("write one of {}", PATHS.join(", ")),
        );
        return None;
    }
    Some(path)
}

fn matchers(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<Matcher>> {
    let texts: Vec<Spanned<String>> = match node.as_text() {
        Some(_) => vec![Spanned::decode(node, cx)?],
        None => Vec::decode(node, cx)?,
    };
    let parse = |text: &Spanned<String>| {
        let parsed = parse_matcher(&text.value).map_err(|error| error.to_string());
        take(parsed, text.span, cx)
    };
    let parsed: Vec<Option<Matcher>> = texts.iter().map(parse).collect();
    let parsed: Vec<Matcher> = parsed.into_iter().collect::<Option<_>>()?;
    if parsed.is_empty() {
        cx.error_help(node.span, "a silence needs a matcher", "write it like 'alertname=\"HighErrorRate\"'");
        return None;
    }
    Some(parsed)
}

/// Which alerts: a name, or labels.
pub(super) fn alert(node: &Node, cx: &mut Cx<'_>) -> Option<Labels> {
    if let Some(name) = node.as_text() {
        return Some(Labels::from_pairs([("alertname", name)]));
    }
    let labels = Labels::decode(node, cx)?;
    if labels.is_empty() || labels.get(METRIC_NAME).is_some() {
        cx.error_help(
            node.span,
            "which alert is meant is not said",
            "write its name, or labels such as {slo: login, alert: fast-burn}",
        );
        return None;
    }
    Some(labels)
}
