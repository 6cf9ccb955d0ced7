//! How a probe asks and what it expects, protocol by protocol: from YAML to [`Ask`] and [`Bounds`].

use std::ops::RangeInclusive;

use bellwether_alerts::{Auth, Secret, SecretSource};
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, MapReader, Spanned};
use bellwether_model::TimeDelta;

use crate::probe::definition::{
    Ask, Bounds, DnsAsk, Family, GrpcAsk, HttpAsk, Pattern, REDIRECTS_DEFAULT, STATUSES_DEFAULT, TcpAsk, Tls,
    Wire,
};
use crate::probe::dns_message::{self, RecordType, ResponseCode};
use crate::probe::serving::Serving;

/// More is a loop.
const REDIRECTS_LIMIT: u32 = 30;

/// A protocol's settings, with what concerns all of them.
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) bounds: Bounds,
    /// The one target that the protocol's settings name.
    pub(super) address: Option<Spanned<String>>,
}

pub(super) fn http(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
    let mut map = MapReader::open(node, cx)?;
    let address: Option<Spanned<String>> = map.optional("url", cx);
    let method: Option<Spanned<String>> = map.optional("method", cx);
    let method = method.map_or(Some("GET".to_owned()), |method| checked_method(&method, cx));
    let headers = map.node("headers").map_or(Some(Vec::new()), |node| headers(node, cx));
    let body = map.optional::<String>("body", cx).map(Secret::new);
    let redirects = redirects(&mut map, cx);
    let auth = auth(&mut map, cx);
    let wire = wire(&mut map, cx);
    map.finish(cx);
    let mut ask = HttpAsk::default();
    let mut bounds = Some(Bounds::default());
    if let Some(expect) = expect {
        let mut map = MapReader::open(expect, cx)?;
        ask.statuses = match map.node("status").filter(|node| !node.is_null()) {
            Some(node) => statuses(node, cx).unwrap_or_default(),
            None => vec![STATUSES_DEFAULT],
        };
        ask.body_contains = one_or_more(&mut map, "body_contains", cx);
        ask.body_matches = patterns(&mut map, "body_matches", cx);
        ask.body_not_matches = patterns(&mut map, "body_not_matches", cx);
        bounds = decode_bounds(&mut map, cx);
        map.finish(cx);
    }
    let ask = HttpAsk {
        wire: wire?,
        method: method?,
        headers: headers?,
        body,
        auth: auth?,
        redirects_max: redirects?,
        ..ask
    };
    Some(Asked { ask: Ask::Http(Box::new(ask)), bounds: bounds?, address })
}

fn checked_method(method: &Spanned<String>, cx: &mut Cx<'_>) -> Option<String> {
    let is_good = !method.is_empty() && method.chars().all(|c| c.is_ascii_uppercase());
    if !is_good || method.value == "CONNECT" {
        let what = format!("{:?} is not a method of a request", method.value);
        cx.error_help(method.span, what, "write GET, HEAD, POST, PUT, DELETE, OPTIONS or PATCH");
        return None;
    }
    Some(method.value.clone())
}

fn headers(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<(String, Secret)>> {
    let mut all = Vec::new();
    for (key, value) in bellwether_diag::entries(node, cx)? {
        let (name, text) = (String::decode(key, cx)?, String::decode(value, cx)?);
        let is_name = hyper::header::HeaderName::try_from(name.as_str()).is_ok();
        if !is_name || hyper::header::HeaderValue::try_from(text.as_str()).is_err() {
            cx.error(if is_name { value.span } else { key.span }, format!("header {name:?} cannot be sent"));
            return None;
        }
        all.push((name, Secret::new(text)));
    }
    Some(all)
}

fn redirects(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<u32> {
    let follow: bool = map.optional("follow_redirects", cx).unwrap_or(true);
    let most: Option<Spanned<u32>> = map.optional("redirects_max", cx);
    match (follow, most) {
        (true, None) => Some(REDIRECTS_DEFAULT),
        (false, None) => Some(0),
        (false, Some(most)) => {
            cx.error_help(most.span, "redirects are not followed at all", "remove one of the two fields");
            None
        }
        (true, Some(most)) if most.value > REDIRECTS_LIMIT => {
            cx.error(most.span, format!("redirects_max is above {REDIRECTS_LIMIT}"));
            None
        }
        (true, Some(most)) => Some(most.value),
    }
}

fn auth(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Option<Auth>> {
    let basic = map.node("basic_auth").filter(|node| !node.is_null()).map(|node| basic_auth(node, cx));
    let bearer = secret(map, "bearer_token", "bearer_token_file", cx)?;
    let span = map.key_span("basic_auth");
    let bearer =
        bearer.map(|token| Auth::Authorization { scheme: "Bearer".to_owned(), credentials: Some(token) });
    match (basic, bearer) {
        (Some(_), Some(_)) => {
            cx.error_help(span, "more than one way to authenticate", "keep basic_auth or bearer_token");
            None
        }
        (Some(basic), None) => basic.map(Some),
        (None, bearer) => Some(bearer),
    }
}

fn basic_auth(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let username: Option<String> = map.required("username", cx);
    let password = secret(&mut map, "password", "password_file", cx);
    map.finish(cx);
    Some(Auth::Basic { username: Some(SecretSource::inline(username?)), password: password? })
}

fn secret(
    map: &mut MapReader<'_>,
    inline: &'static str,
    file: &'static str,
    cx: &mut Cx<'_>,
) -> Option<Option<SecretSource>> {
    let text: Option<String> = map.optional(inline, cx);
    let path: Option<String> = map.optional(file, cx);
    match (text, path) {
        (Some(_), Some(_)) => {
            let message = format!("{inline} and {file} are both written; which one counts?");
            cx.error_help(map.key_span(file), message, "remove one of them");
            None
        }
        (Some(text), None) => Some(Some(SecretSource::Inline(Secret::new(text)))),
        (None, Some(path)) => Some(Some(SecretSource::File(path))),
        (None, None) => Some(None),
    }
}

fn wire(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Wire> {
    let family = family(map, cx);
    let tls = match map.node("tls_config").filter(|node| !node.is_null()) {
        None => Some(Tls::default()),
        Some(node) => tls(node, cx),
    };
    Some(Wire { family: family?, tls: tls? })
}

fn family(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Family> {
    let Some(node) = map.node("ip_version").filter(|node| !node.is_null()) else { return Some(Family::Any) };
    match u32::decode(node, cx)? {
        4 => Some(Family::V4),
        6 => Some(Family::V6),
        _ => {
            cx.error_help(node.span, "there is no such version of IP", "write 4 or 6");
            None
        }
    }
}

fn tls(node: &Node, cx: &mut Cx<'_>) -> Option<Tls> {
    let mut map = MapReader::open(node, cx)?;
    let tls = Tls {
        ca_file: map.optional("ca_file", cx),
        insecure: map.optional("insecure_skip_verify", cx).unwrap_or(false),
        server_name: map.optional("server_name", cx),
    };
    map.finish(cx);
    Some(tls)
}

pub(super) fn tcp(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
    let mut map = MapReader::open(node, cx)?;
    let address = map.optional("address", cx);
    let tls = map.optional("tls", cx).unwrap_or(false);
    let send = map.optional::<String>("send", cx).map(Secret::new);
    let wire = wire(&mut map, cx);
    map.finish(cx);
    let (mut ask, mut bounds) = (TcpAsk { tls, send, ..TcpAsk::default() }, Some(Bounds::default()));
    if let Some(expect) = expect {
        let mut map = MapReader::open(expect, cx)?;
        ask.answer_contains = one_or_more(&mut map, "answer_contains", cx);
        ask.answer_matches = patterns(&mut map, "answer_matches", cx);
        bounds = decode_bounds(&mut map, cx);
        map.finish(cx);
    }
    Some(Asked { ask: Ask::Tcp(TcpAsk { wire: wire?, ..ask }), bounds: bounds?, address })
}

pub(super) fn dns(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
    let mut map = MapReader::open(node, cx)?;
    let address = map.optional("server", cx);
    let name: Option<Spanned<String>> = map.required("query", cx);
    let name = name.filter(|name| {
        let is_good = !name.is_empty() && dns_message::is_name(name);
        if !is_good {
            cx.error_help(name.span, format!("{:?} is no name", name.value), "write it like example.org");
        }
        is_good
    });
    let mut types = RecordType::ALL.into_iter();
    let kind = choice(&mut map, "type", types.clone().map(RecordType::as_str), cx)?;
    let kind = types.find(|known| Some(known.as_str()) == kind).unwrap_or_default();
    let tcp = choice(&mut map, "transport", ["udp", "tcp"].into_iter(), cx)? == Some("tcp");
    let family = family(&mut map, cx);
    map.finish(cx);
    let mut ask = DnsAsk { kind, tcp, codes: vec![ResponseCode::NO_ERROR], ..DnsAsk::default() };
    let mut bounds = Some(Bounds::default());
    let mut answers_min = None;
    if let Some(expect) = expect {
        let mut map = MapReader::open(expect, cx)?;
        let codes = named(&mut map, "rcode", ResponseCode::names(), cx)?;
        if !codes.is_empty() {
            ask.codes = codes.into_iter().filter_map(ResponseCode::named).collect();
        }
        answers_min = map.optional("answers_min", cx);
        ask.answers_match = patterns(&mut map, "answers_match", cx);
        ask.answers_not_match = patterns(&mut map, "answers_not_match", cx);
        bounds = decode_bounds(&mut map, cx);
        map.finish(cx);
    }
    // A name without the record asked for is answered without an error, and helps nobody.
    ask.answers_min = answers_min.unwrap_or(u32::from(ask.codes == [ResponseCode::NO_ERROR]));
    let wire = Wire { family: family?, ..Wire::default() };
    Some(Asked { ask: Ask::Dns(DnsAsk { name: name?.value, wire, ..ask }), bounds: bounds?, address })
}

pub(super) fn grpc(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
    let mut map = MapReader::open(node, cx)?;
    let address = map.optional("address", cx);
    let service = map.optional("service", cx).unwrap_or_default();
    let tls = map.optional("tls", cx).unwrap_or(false);
    let headers = map.node("headers").map_or(Some(Vec::new()), |node| headers(node, cx));
    let wire = wire(&mut map, cx);
    map.finish(cx);
    let (mut states, mut bounds) = (vec![Serving::SERVING], Some(Bounds::default()));
    if let Some(expect) = expect {
        let mut map = MapReader::open(expect, cx)?;
        let names = named(&mut map, "status", Serving::names(), cx)?;
        if !names.is_empty() {
            states = names.into_iter().filter_map(Serving::named).collect();
        }
        bounds = decode_bounds(&mut map, cx);
        map.finish(cx);
    }
    let ask = GrpcAsk { wire: wire?, tls, service, headers: headers?, states };
    Some(Asked { ask: Ask::Grpc(ask), bounds: bounds?, address })
}

/// One of a few words, if one is written. `None` after a mistake.
fn choice(
    map: &mut MapReader<'_>,
    field: &'static str,
    words: impl Iterator<Item = &'static str> + Clone,
    cx: &mut Cx<'_>,
) -> Option<Option<&'static str>> {
    match named(map, field, words, cx)?.as_slice() {
        [] => Some(None),
        [word] => Some(Some(word)),
        [..] => {
            cx.error(map.key_span(field), format!("{field} is one word, not a list"));
            None
        }
    }
}

/// A word or a list of them, out of a few. `None` after a mistake.
fn named(
    map: &mut MapReader<'_>,
    field: &'static str,
    words: impl Iterator<Item = &'static str> + Clone,
    cx: &mut Cx<'_>,
) -> Option<Vec<&'static str>> {
    let read = |text: Spanned<String>, cx: &mut Cx<'_>| {
        let found = words.clone().find(|word| word.eq_ignore_ascii_case(&text.value));
        if found.is_none() {
            let list = words.clone().collect::<Vec<_>>().join(", ");
            let help = match bellwether_diag::suggest(&text.value, words.clone()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("write one of {list}"),
            };
            cx.error_help(text.span, format!("{:?} is not known as {field}", text.value), help);
        }
        found
    };
    let texts = spanned_texts(map, field, cx);
    texts.into_iter().map(|text| read(text, cx)).collect::<Vec<_>>().into_iter().collect()
}

fn decode_bounds(map: &mut MapReader<'_>, cx: &mut Cx<'_>) -> Option<Bounds> {
    let latency: Option<Spanned<TimeDelta>> = map.optional("latency_below", cx);
    let tls_expires_after = map.optional("tls_expires_after", cx);
    if let Some(zero) = latency.as_ref().filter(|latency| latency.value == TimeDelta::ZERO) {
        cx.error_help(zero.span, "no answer takes less than no time", "write a duration such as 500ms");
        return None;
    }
    Some(Bounds { latency_below: latency.map(|latency| latency.value), tls_expires_after })
}

/// One text, or a list of them.
fn one_or_more(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Vec<String> {
    spanned_texts(map, name, cx).into_iter().map(|text| text.value).collect()
}

fn spanned_texts(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Vec<Spanned<String>> {
    let Some(node) = map.node(name).filter(|node| !node.is_null()) else { return Vec::new() };
    let items = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    };
    let texts: Vec<Spanned<String>> = items.iter().filter_map(|item| Spanned::decode(item, cx)).collect();
    for empty in texts.iter().filter(|text| text.is_empty()) {
        cx.error_help(empty.span, "everything contains the empty text", "write what to look for");
    }
    texts
}

fn patterns(map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>) -> Vec<Pattern> {
    let read = |text: Spanned<String>, cx: &mut Cx<'_>| match Pattern::new(&text.value) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            cx.error(text.span, format!("not a regular expression: {why}"));
            None
        }
    };
    spanned_texts(map, name, cx).into_iter().filter_map(|text| read(text, cx)).collect()
}

/// `200`, `2xx`, `200-299`, or a list of these.
fn statuses(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<RangeInclusive<u16>>> {
    let texts = match &node.value {
        Value::Sequence(items) => items.as_slice(),
        Value::Null | Value::Scalar(_) | Value::Mapping(_) => std::slice::from_ref(node),
    };
    let read: Vec<Option<RangeInclusive<u16>>> = texts
        .iter()
        .map(|node| {
            let text = String::decode(node, cx)?;
            let range = status_range(&text);
            if range.is_none() {
                let help = "write 200, 2xx, 200-299, or a list of these";
                cx.error_help(node.span, format!("{text:?} is no status"), help);
            }
            range
        })
        .collect();
    if read.is_empty() {
        cx.error_help(node.span, "no status is good", "write 200, 2xx, 200-299, or a list of these");
        return None;
    }
    read.into_iter().collect()
}

fn status_range(text: &str) -> Option<RangeInclusive<u16>> {
    let status = |text: &str| text.trim().parse::<u16>().ok().filter(|status| (100..=599).contains(status));
    if let Some(class) = text.strip_suffix("xx") {
        let first = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class))? * 100;
        return Some(first..=first + 99);
    }
    match text.split_once('-') {
        None => status(text).map(|status| status..=status),
        Some((first, last)) => {
            let (first, last) = (status(first)?, status(last)?);
            (first <= last).then_some(first..=last)
        }
    }
}
