//! `probes:` of `bellwether.yml`: from YAML to [`Probe`], with every mistake where it stands and what to write.

use std::collections::BTreeMap;
use std::path::Path;

use bellwether_alerts::Auth;
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, Decode, Diagnostic, MapReader, Spanned, suggest};
use bellwether_model::{Labels, METRIC_NAME, TimeDelta};
use bellwether_slo::{Events, Slo};

use super::loader::Loader;
use super::probe_asks::{self, Asked};
use super::prometheus::Global;
use crate::probe::definition::{Ask, Probe, Target};
use crate::probe::{http, tcp};

/// More often than this, the probe is the load.
const INTERVAL_MIN: TimeDelta = TimeDelta::SECOND;
/// Labels that a probe's series set themselves.
const OWN_LABELS: [&str; 4] = ["probe", "phase", "reason", METRIC_NAME];

impl Loader {
    pub(super) fn load_probes(&mut self, nodes: &[Node], global: &Global, folder: &Path) -> Vec<Probe> {
        let mut cx = Cx::new(&self.sources, &mut self.diagnostics);
        let mut probes: Vec<Probe> = nodes.iter().filter_map(|node| decode(node, global, &mut cx)).collect();
        self.diagnostics.extend(refuse_same_names(&probes));
        for probe in &mut probes {
            for file in probe.files_mut() {
                let path = folder.join(&*file);
                if !path.exists() {
                    let message =
                        format!("{} does not exist yet; nothing is tried without it", path.display());
                    self.diagnostics.push(Diagnostic::warning("missing-secret-file", None, message));
                }
                *file = path.display().to_string();
            }
        }
        probes
    }

    /// An objective that counts a probe which does not exist would never measure anything.
    pub(super) fn refuse_unknown_probes(&mut self, slos: &[Slo], probes: &[Probe]) {
        for slo in slos {
            let Events::Probe(name) = &slo.indicator.events else { continue };
            if probes.iter().any(|probe| probe.name == *name) {
                continue;
            }
            let help = match suggest(name, probes.iter().map(|probe| probe.name.as_str())) {
                Some(near) => format!("did you mean {near:?}?"),
                None => "define it under probes:".to_owned(),
            };
            let message = format!("objective {:?} counts probe {name:?}, which does not exist", slo.id());
            self.diagnostics.push(Diagnostic::error("unknown-probe", slo.span, message).with_help(help));
        }
    }
}

/// Reads one probe.
fn decode(node: &Node, global: &Global, cx: &mut Cx<'_>) -> Option<Probe> {
    let mut map = MapReader::open(node, cx)?;
    let name: Option<Spanned<String>> = map.required("name", cx);
    let name = name.filter(|name| is_name(name, cx));
    let interval: Option<Spanned<TimeDelta>> = map.optional("interval", cx);
    let timeout: Option<Spanned<TimeDelta>> = map.optional("timeout", cx);
    let times = times(interval, timeout, global, cx);
    let labels = labels(map.node("labels"), cx);
    let places = Places { one: map.node("target"), many: map.node("targets") };
    let expect = map.node("expect").filter(|node| !node.is_null());
    let protocols =
        ["http", "tcp", "dns", "grpc"].map(|protocol| map.node(protocol).map(|node| (protocol, node)));
    let found: Vec<_> = protocols.into_iter().flatten().collect();
    let span = map.span_first_line(cx);
    map.finish(cx);
    let asked = match found.as_slice() {
        [] => {
            cx.error_help(span, "the probe asks nothing", "write one of http:, tcp:, dns:, grpc: below it");
            None
        }
        [("http", node)] => probe_asks::http(node, expect, cx),
        [("dns", node)] => probe_asks::dns(node, expect, cx),
        [("grpc", node)] => probe_asks::grpc(node, expect, cx),
        [(_, node)] => probe_asks::tcp(node, expect, cx),
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
        Ask::Tcp(_) | Ask::Grpc(_) => "address",
        Ask::Dns(_) => "server",
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
        Ask::Tcp(_) | Ask::Dns(_) | Ask::Grpc(_) => tcp::host_and_port(&address.value).map(|_| Some(())),
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
                Ask::Dns(_) => "write it like 192.0.2.53:53",
                Ask::Grpc(_) => "write it like orders.example.org:50051",
            };
            cx.error_help(address.span, why, help);
            None
        }
    }
}

impl Probe {
    /// Names of files that are read at every attempt.
    pub(super) fn files_mut(&mut self) -> Vec<&mut String> {
        let (wire, auth) = match &mut self.ask {
            Ask::Http(ask) => (&mut ask.wire, ask.auth.as_mut()),
            Ask::Tcp(ask) => (&mut ask.wire, None),
            Ask::Dns(ask) => (&mut ask.wire, None),
            Ask::Grpc(ask) => (&mut ask.wire, None),
        };
        let secrets = auth.into_iter().flat_map(Auth::files_mut);
        wire.tls.ca_file.iter_mut().chain(secrets).collect()
    }
}

/// Probes of one name would be one probe to whoever counts them.
fn refuse_same_names(probes: &[Probe]) -> Vec<Diagnostic> {
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
