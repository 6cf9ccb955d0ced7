//! `source:` of `bellwether.yml`: the store that objectives, rules and queries are read from when this server does not
//! scrape itself: Prometheus, or whatever answers its HTTP API.
//!
//! A field that is known and not honoured would be worse than an error: a request without the tenant it was meant for
//! reads somebody else's numbers.

use std::collections::BTreeMap;
use std::path::Path;

use bellwether_alerts::{Auth, Secret, SecretSource};
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostic, Diagnostics, MapReader, Span, Spanned};
use bellwether_model::TimeDelta;

/// Where everything is read.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceConfig {
    /// Where the API is; `/api/v1/query` is below it.
    pub url: String,
    /// Headers to send.
    pub headers: BTreeMap<String, Secret>,
    /// Who we say we are.
    pub auth: Option<Auth>,
    /// How its certificate is checked, and ours.
    pub tls: SourceTls,
    /// Whose samples are read, where a store has those of several: sent as `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// The longest an answer may take.
    pub timeout: TimeDelta,
    /// How often new samples are fetched.
    pub interval: TimeDelta,
    /// How far back is read again, for samples that came late.
    pub overlap: TimeDelta,
    /// How far back reading begins at the first start; as far as the longest period when it is not said.
    pub history: Option<TimeDelta>,
    /// Most samples that one request may ask for.
    pub samples_max: u64,
    /// Requests at one time.
    pub concurrency: usize,
    /// Where it stands.
    pub span: Option<Span>,
}

/// Certificates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SourceTls {
    /// Whom to trust instead of the system's authorities.
    pub ca_file: Option<String>,
    /// Our own certificate.
    pub cert_file: Option<String>,
    /// The key of our own certificate.
    pub key_file: Option<String>,
    /// The name in the store's certificate, if it is another than that in its address.
    pub server_name: Option<String>,
    /// Whether any certificate will do.
    pub insecure_skip_verify: bool,
}

/// Most samples of a request: some ten megabytes of JSON.
const SAMPLES_MAX_DEFAULT: u64 = 500_000;
const SAMPLES_MAX_MIN: u64 = 1_000;
const CONCURRENCY_DEFAULT: usize = 4;
const CONCURRENCY_MAX: usize = 64;
const INTERVAL_MIN: TimeDelta = TimeDelta::SECOND;
const INTERVAL_MAX: TimeDelta = TimeDelta(5 * TimeDelta::MINUTE.0);
const OVERLAP_MAX: TimeDelta = TimeDelta(2 * TimeDelta::HOUR.0);

impl SourceConfig {
    /// With this address and everything else as it is when nothing is said.
    pub fn at(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').to_owned(),
            headers: BTreeMap::new(),
            auth: None,
            tls: SourceTls::default(),
            tenant: None,
            timeout: TimeDelta::from_secs(30),
            interval: TimeDelta::from_secs(15),
            overlap: TimeDelta(5 * TimeDelta::MINUTE.0),
            history: None,
            samples_max: SAMPLES_MAX_DEFAULT,
            concurrency: CONCURRENCY_DEFAULT,
            span: None,
        }
    }

    /// Makes the names of files independent of the working directory, and warns of those that are not there.
    pub fn resolve_files(&mut self, folder: &Path, out: &mut Diagnostics) {
        let secret_files = self.auth.iter_mut().flat_map(Auth::files_mut);
        let tls = [&mut self.tls.ca_file, &mut self.tls.cert_file, &mut self.tls.key_file];
        for file in tls.into_iter().flatten().chain(secret_files) {
            let path = folder.join(&*file);
            if !path.exists() {
                let message =
                    format!("{} does not exist yet; the source cannot be read without it", path.display());
                out.push(Diagnostic::warning("missing-secret-file", self.span, message));
            }
            *file = path.display().to_string();
        }
    }
}

impl Decode for SourceConfig {
    /// `{prometheus: URL}`, or a mapping in place of the address.
    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let mut map = MapReader::open(node, cx)?;
        let source: Option<Spanned<SourceNode>> = map.required("prometheus", cx);
        map.finish(cx);
        let source = source?;
        match source.value.0.value {
            Value::Mapping(_) => settings(&source.value.0, cx),
            Value::Null | Value::Scalar(_) | Value::Sequence(_) => {
                let url = address(&Spanned::decode(&source.value.0, cx)?, cx)?;
                Some(Self { span: Some(source.span), ..Self::at(&url) })
            }
        }
    }
}

/// A value that is looked at before it is read.
struct SourceNode(Node);

impl Decode for SourceNode {
    fn decode(node: &Node, _: &mut Cx<'_>) -> Option<Self> {
        Some(Self(node.clone()))
    }
}

fn settings(node: &Node, cx: &mut Cx<'_>) -> Option<SourceConfig> {
    let mut map = MapReader::open(node, cx)?;
    let url: Option<Spanned<String>> = map.required("url", cx);
    let url = url.and_then(|url| address(&url, cx));
    let default = SourceConfig::at("");
    let headers = map.node("headers").filter(|node| !node.is_null()).map(|node| headers(node, cx));
    let basic = map.node("basic_auth").filter(|node| !node.is_null()).and_then(|node| basic_auth(node, cx));
    let authorization =
        map.node("authorization").filter(|node| !node.is_null()).and_then(|node| authorization(node, cx));
    let bearer = secret(&mut map, "bearer_token", "bearer_token_file", cx);
    let bearer =
        bearer.map(|token| Auth::Authorization { scheme: "Bearer".to_owned(), credentials: Some(token) });
    let mut ways: Vec<Auth> = [basic, authorization, bearer].into_iter().flatten().collect();
    if ways.len() > 1 {
        let help = "keep one of basic_auth, authorization, bearer_token";
        cx.error_help(map.span_first_line(cx), "more than one way to authenticate", help);
    }
    let tls = map.node("tls_config").filter(|node| !node.is_null()).and_then(|node| tls(node, cx));
    let tenant: Option<Spanned<String>> = map.optional("tenant", cx);
    let config = SourceConfig {
        url: url.clone().unwrap_or_default().trim_end_matches('/').to_owned(),
        headers: headers.unwrap_or_default(),
        auth: ways.pop(),
        tls: tls.unwrap_or_default(),
        tenant: tenant.and_then(|tenant| header_value(&tenant, "tenant", cx)),
        timeout: length(&mut map, "timeout", Bounds::of(TimeDelta::SECOND, INTERVAL_MAX), cx)
            .unwrap_or(default.timeout),
        interval: length(&mut map, "interval", Bounds::of(INTERVAL_MIN, INTERVAL_MAX), cx)
            .unwrap_or(default.interval),
        overlap: length(&mut map, "overlap", Bounds::of(TimeDelta::ZERO, OVERLAP_MAX), cx)
            .unwrap_or(default.overlap),
        history: length(
            &mut map,
            "history",
            Bounds::of(TimeDelta::ZERO, TimeDelta(800 * TimeDelta::DAY.0)),
            cx,
        ),
        samples_max: number(&mut map, "max_samples", SAMPLES_MAX_MIN..=50_000_000, cx)
            .unwrap_or(SAMPLES_MAX_DEFAULT),
        concurrency: number(&mut map, "concurrency", 1..=CONCURRENCY_MAX as u64, cx)
            .map_or(CONCURRENCY_DEFAULT, |number| number as usize),
        span: Some(map.span_first_line(cx)),
    };
    map.finish(cx);
    url.map(|_| config)
}

/// The address without what everybody would see: a login in it is refused.
fn address(url: &Spanned<String>, cx: &mut Cx<'_>) -> Option<String> {
    let after = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    let host = after.map(|rest| &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]);
    let (message, help) = match host {
        Some(host) if host.contains('@') => {
            ("the address has a login in it", "write the login as basic_auth: {username, password}")
        }
        Some(host)
            if !host.is_empty() && !url.value.contains(|c: char| c.is_whitespace() || "?#".contains(c)) =>
        {
            return Some(url.value.clone());
        }
        Some(_) | None => {
            ("the source's address is not a web address", "write it like http://prometheus:9090")
        }
    };
    cx.error_help(url.span, message, help);
    None
}

fn headers(node: &Node, cx: &mut Cx<'_>) -> BTreeMap<String, Secret> {
    let mut all = BTreeMap::new();
    for (key, value) in bellwether_diag::entries(node, cx).unwrap_or_default() {
        let name = key.as_text().unwrap_or_default();
        let is_token =
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
        if !is_token {
            cx.error_help(key.span, "not a header's name", "write letters, digits and hyphens");
            continue;
        }
        let Some(value) = Spanned::decode(value, cx) else { continue };
        if let Some(value) = header_value(&value, "the header", cx) {
            all.insert(name.to_owned(), Secret::new(value));
        }
    }
    all
}

/// Only what may be sent in a header.
fn header_value(value: &Spanned<String>, what: &str, cx: &mut Cx<'_>) -> Option<String> {
    if value.value.is_empty() || value.value.chars().any(|c| c.is_control() || !c.is_ascii()) {
        cx.error(value.span, format!("{what} must be text without line breaks, in ASCII"));
        return None;
    }
    Some(value.value.clone())
}

/// A secret that stands there or in a file.
fn secret(
    map: &mut MapReader<'_>,
    here: &'static str,
    in_file: &'static str,
    cx: &mut Cx<'_>,
) -> Option<SecretSource> {
    let inline: Option<String> = map.optional(here, cx);
    let file: Option<String> = map.optional(in_file, cx);
    match (inline, file) {
        (Some(_), Some(_)) => {
            let message = format!("{here} and {in_file} are both written; which one counts?");
            cx.error_help(map.key_span(in_file), message, "remove one of them");
            None
        }
        (Some(text), None) => Some(SecretSource::Inline(Secret::new(text))),
        (None, Some(file)) => Some(SecretSource::File(file)),
        (None, None) => None,
    }
}

fn basic_auth(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let username: Option<String> = map.required("username", cx);
    let password = secret(&mut map, "password", "password_file", cx);
    map.finish(cx);
    Some(Auth::Basic { username: Some(SecretSource::inline(username?)), password })
}

fn authorization(node: &Node, cx: &mut Cx<'_>) -> Option<Auth> {
    let mut map = MapReader::open(node, cx)?;
    let scheme: Option<Spanned<String>> = map.optional("type", cx);
    let credentials = secret(&mut map, "credentials", "credentials_file", cx);
    map.finish(cx);
    if let Some(scheme) = scheme.as_ref().filter(|scheme| scheme.value.eq_ignore_ascii_case("basic")) {
        cx.error_help(scheme.span, "authorization cannot be basic", "use basic_auth");
    }
    let scheme = scheme.map_or_else(|| "Bearer".to_owned(), |scheme| scheme.value);
    Some(Auth::Authorization { scheme, credentials })
}

fn tls(node: &Node, cx: &mut Cx<'_>) -> Option<SourceTls> {
    let mut map = MapReader::open(node, cx)?;
    let tls = SourceTls {
        ca_file: map.optional("ca_file", cx),
        cert_file: map.optional("cert_file", cx),
        key_file: map.optional("key_file", cx),
        server_name: map.optional("server_name", cx),
        insecure_skip_verify: map.optional("insecure_skip_verify", cx).unwrap_or(false),
    };
    match (&tls.cert_file, &tls.key_file) {
        (Some(_), None) => {
            cx.error_help(map.key_span("cert_file"), "a certificate without its key", "add key_file")
        }
        (None, Some(_)) => {
            cx.error_help(map.key_span("key_file"), "a key without its certificate", "add cert_file")
        }
        (Some(_), Some(_)) | (None, None) => {}
    }
    map.finish(cx);
    Some(tls)
}

/// How long something may be.
struct Bounds {
    min: TimeDelta,
    max: TimeDelta,
}

impl Bounds {
    const fn of(min: TimeDelta, max: TimeDelta) -> Self {
        Self { min, max }
    }
}

fn length(map: &mut MapReader<'_>, name: &'static str, bounds: Bounds, cx: &mut Cx<'_>) -> Option<TimeDelta> {
    let length: Spanned<TimeDelta> = map.optional(name, cx)?;
    if length.value < bounds.min || length.value > bounds.max {
        let message = format!("{name} of {} is out of range", length.value);
        cx.error_help(length.span, message, format!("write {} to {}", bounds.min, bounds.max));
        return None;
    }
    Some(length.value)
}

fn number(
    map: &mut MapReader<'_>,
    name: &'static str,
    range: std::ops::RangeInclusive<u64>,
    cx: &mut Cx<'_>,
) -> Option<u64> {
    let number: Spanned<u64> = map.optional(name, cx)?;
    if !range.contains(&number.value) {
        let message = format!("{name} of {} is out of range", number.value);
        cx.error_help(number.span, message, format!("write {} to {}", range.start(), range.end()));
        return None;
    }
    Some(number.value)
}
