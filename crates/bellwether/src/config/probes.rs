//! `probes:` of `bellwether.yml`: from YAML to [`Probe`], with every mistake where it stands and what to write.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use bellwether_alerts::{Auth, Secret, SecretSource};
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Spanned};
use bellwether_model::{Labels, METRIC_NAME, TimeDelta};

use super::prometheus::Global;
use crate::probe::definition::{
    Ask, Bounds, Family, HttpAsk, Pattern, Probe, REDIRECTS_DEFAULT, STATUSES_DEFAULT, Target, TcpAsk, Tls,
    Wire,
};
use crate::probe::{http, tcp};

/// More is a loop.
const REDIRECTS_LIMIT: u32 = 30;
/// More often than this, the probe is the load.
const INTERVAL_MIN: TimeDelta = TimeDelta::SECOND;
/// Labels that a probe's series set themselves.
const OWN_LABELS: [&str; 4] = ["probe", "phase", "reason", METRIC_NAME];

/// Reads one probe.
pub(super) fn decode(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Option<Probe> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    let name = name.filter(|name| is_name(name, cx));
    let interval: Option<Spanned<TimeDelta>> = map.optional("interval", cx);
    let timeout: Option<Spanned<TimeDelta>> = map.optional("timeout", cx);
    let times = times(interval, timeout, global, cx);
    let labels = labels(map.node("labels"), cx);
    let places = Places { one: map.node("target"), many: map.node("targets") };
    let expect = map.node("expect").filter(|node| !node.is_null());
    let protocols = ["http", "tcp"].map(|protocol| map.node(protocol).map(|node| (protocol, node)));
    let found: Vec<_> = protocols.into_iter().flatten().collect();
    let span = map.span_first_line(cx);
    map.finish(cx);
    let asked = match found.as_slice() {
        [] => {
            cx.error_help(span, "the probe asks nothing", "write one of http:, tcp: below it");
            None
        }
        [("http", node)] => decode_http(node, expect, cx),
        [(_, node)] => decode_tcp(node, expect, cx),
        [_, second, ..] => {
            let what = format!("the probe asks in two ways; is it {} or {}?", found[0].0, second.0);
            cx.error_help(second.1.span, what, "make two probes of it");
            None
        }
    };
    let (name, (interval, timeout), labels, asked) = (name?, times?, labels?, asked?);
    let targets = targets(&name.value, &places, &asked, &labels, span, cx)?;
    let Asked { ask, bounds, .. } = asked;
    Some(Probe { name: name.value, interval, timeout, targets, ask, bounds, span: Some(name.span) })
}

fn is_name(name: &Spanned<String>, cx: &mut Cx<'_>) -> bool {
    let is_good = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c));
    if !is_good {
        let help = "write letters, digits, and - _ . / between them, such as frontend";
        cx.error_help(name.span, format!("{:?} cannot be the name of a probe", name.value), help);
    }
    is_good
}

fn times(
    interval: Option<Spanned<TimeDelta>>,
    timeout: Option<Spanned<TimeDelta>>,
    global: &Global,
    cx: &mut Cx<'_>,
) -> Option<(TimeDelta, TimeDelta)> {
    let mut is_good = true;
    if let Some(short) = interval.as_ref().filter(|interval| interval.value < INTERVAL_MIN) {
        let help = format!("write at least {INTERVAL_MIN}");
        cx.error_help(short.span, format!("an interval of {} is too short", short.value), help);
        is_good = false;
    }
    let length = interval.map_or(global.scrape_interval, |interval| interval.value);
    let patience = timeout.as_ref().map_or(global.scrape_timeout.min(length), |timeout| timeout.value);
    if let Some(timeout) = timeout {
        let wrong = match patience {
            TimeDelta::ZERO => Some("the timeout is zero".to_owned()),
            patience if patience > length => {
                Some(format!("the timeout {patience} is longer than the interval {length}"))
            }
            _ => None,
        };
        if let Some(wrong) = wrong {
            cx.error_help(timeout.span, wrong, format!("write a duration up to {length}"));
            is_good = false;
        }
    }
    is_good.then_some((length, patience))
}

fn labels(node: Option<&Node>, cx: &mut Cx<'_>) -> Option<Labels> {
    let Some(node) = node else { return Some(Labels::empty()) };
    let labels = Labels::decode(node, cx)?;
    let own = labels.iter().map(|(name, _)| name).find(|name| OWN_LABELS.contains(name));
    if let Some(name) = own {
        cx.error_help(node.span, format!("label {name} is set by the probe itself"), "use another name");
        return None;
    }
    Some(labels)
}

/// A protocol's settings, with what concerns all of them.
struct Asked {
    ask: Ask,
    bounds: Bounds,
    /// The one target that the protocol's settings name.
    address: Option<Spanned<String>>,
}

/// Where targets may be written.
struct Places<'n> {
    one: Option<&'n Node>,
    many: Option<&'n Node>,
}

fn targets(
    probe: &str,
    places: &Places<'_>,
    asked: &Asked,
    shared: &Labels,
    span: bellwether_diag::Span,
    cx: &mut Cx<'_>,
) -> Option<Vec<Target>> {
    let field = match asked.ask {
        Ask::Http(_) => "url",
        Ask::Tcp(_) => "address",
    };
    let mut written: Vec<Option<(Spanned<String>, Labels)>> = Vec::new();
    written.extend(asked.address.clone().map(|address| Some((address, Labels::empty()))));
    written.extend(places.one.filter(|node| !node.is_null()).map(|node| target(node, cx)));
    match places.many.map(|node| (&node.value, node.span)) {
        None | Some((Value::Null, _)) => {}
        Some((Value::Sequence(items), _)) => written.extend(items.iter().map(|item| target(item, cx))),
        Some((value @ (Value::Scalar(_) | Value::Mapping(_)), span)) => {
            let what = format!("expected a list of targets, found {}", value.kind());
            cx.error_help(span, what, "write one with target:, or each as an item: `- ` before it");
            return None;
        }
    }
    if written.is_empty() {
        let protocol = asked.ask.as_str();
        let help = format!("write {field}: below {protocol}:, or targets: and a list");
        cx.error_help(span, "the probe has nobody to ask", help);
        return None;
    }
    let mut seen = BTreeMap::new();
    let mut made = Vec::new();
    for one in written {
        made.push(one.and_then(|(address, own)| {
            let checked = checked_address(&asked.ask, &address, cx)?;
            let base = Labels::from_pairs([("instance", checked.as_str())]);
            let all = base.iter().chain(shared.iter()).chain(own.iter()).chain([("probe", probe)]);
            let labels = Labels::from_pairs(all);
            if seen.insert(labels.clone(), ()).is_some() {
                let help = "give each a label of its own: {target: …, labels: {instance: …}}";
                cx.error_help(address.span, "a second target has the same labels", help);
                return None;
            }
            Some(Target { address: checked, labels })
        }));
    }
    made.into_iter().collect()
}

/// A target is an address, or one with labels of its own.
fn target(node: &Node, cx: &mut Cx<'_>) -> Option<(Spanned<String>, Labels)> {
    let Value::Mapping(_) = &node.value else {
        return Spanned::decode(node, cx).map(|address| (address, Labels::empty()));
    };
    let mut map = MapReader::open(node, cx)?;
    let address = map.required("target", cx);
    let labels = labels(map.node("labels"), cx);
    map.finish(cx);
    Some((address?, labels?))
}

/// An address of the kind that the protocol asks. A login in a URL would be shown wherever the target is.
fn checked_address(ask: &Ask, address: &Spanned<String>, cx: &mut Cx<'_>) -> Option<String> {
    let checked = match ask {
        Ask::Http(_) => http::url_of(&address.value).map(|url| {
            let has_login = !url.username().is_empty() || url.password().is_some();
            (!has_login).then_some(())
        }),
        Ask::Tcp(_) => tcp::host_and_port(&address.value).map(|_| Some(())),
    };
    match checked {
        Ok(Some(())) => Some(address.value.clone()),
        Ok(None) => {
            cx.error_help(address.span, "the URL holds a login", "write it as basic_auth: below http:");
            None
        }
        Err(why) => {
            let help = match ask {
                Ask::Http(_) => "write it like https://shop.example.org/health",
                Ask::Tcp(_) => "write it like db.example.org:5432",
            };
            cx.error_help(address.span, why, help);
            None
        }
    }
}

fn decode_http(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
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
    Some(Auth::Basic { username: username?, password: password? })
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
    let family = match map.node("ip_version").filter(|node| !node.is_null()) {
        None => Some(Family::Any),
        Some(node) => match u32::decode(node, cx)? {
            4 => Some(Family::V4),
            6 => Some(Family::V6),
            _ => {
                cx.error_help(node.span, "there is no such version of IP", "write 4 or 6");
                None
            }
        },
    };
    let tls = match map.node("tls_config").filter(|node| !node.is_null()) {
        None => Some(Tls::default()),
        Some(node) => tls(node, cx),
    };
    Some(Wire { family: family?, tls: tls? })
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

fn decode_tcp(node: &Node, expect: Option<&Node>, cx: &mut Cx<'_>) -> Option<Asked> {
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

impl Probe {
    /// Names of files that are read at every attempt.
    pub(super) fn files_mut(&mut self) -> Vec<&mut String> {
        let (wire, auth) = match &mut self.ask {
            Ask::Http(ask) => (&mut ask.wire, ask.auth.as_mut()),
            Ask::Tcp(ask) => (&mut ask.wire, None),
        };
        let secret = match auth {
            Some(Auth::Basic { password, .. }) => password.as_mut(),
            Some(Auth::Authorization { credentials, .. }) => credentials.as_mut(),
            None => None,
        };
        let secret = secret.and_then(|source| match source {
            SecretSource::File(path) => Some(path),
            SecretSource::Inline(_) => None,
        });
        wire.tls.ca_file.iter_mut().chain(secret).collect()
    }
}

/// Probes of one name would be one probe to whoever counts them.
pub(super) fn refuse_same_names(probes: &[Probe]) -> Vec<Diagnostic> {
    let mut first: BTreeMap<&str, &Probe> = BTreeMap::new();
    let mut found = Vec::new();
    for probe in probes {
        let Some(before) = first.insert(&probe.name, probe) else { continue };
        let message = format!("a second probe is named {:?}", probe.name);
        let mut diagnostic =
            Diagnostic::error("duplicate-probe", probe.span, message).with_help("give each its own name");
        if let Some(span) = before.span {
            diagnostic = diagnostic.with_related(span, "the first is here");
        }
        found.push(diagnostic);
    }
    found
}
