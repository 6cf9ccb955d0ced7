//! Where targets are found: written down, in files, asked of a server over HTTP, or of DNS. What Prometheus can ask
//! besides is refused by name: a program of its own can write a file for each.

use bellwether_alerts::HttpConfig;
use bellwether_diag::yaml::{Node, Value};
use bellwether_diag::{Cx, MapReader, Spanned};
use bellwether_model::TimeDelta;

use super::static_targets::{CheckTarget, check_address, decode_static};
use super::{TargetGroup, http_fields};
use crate::probe::RecordType;

/// Where targets are found.
#[derive(Clone, Debug, PartialEq)]
pub enum Discovery {
    /// Where they are written down.
    Static(Vec<TargetGroup>),
    /// In files.
    Files(FileDiscovery),
    /// Of a server.
    Http(Box<HttpDiscovery>),
    /// Of DNS.
    Dns(DnsDiscovery),
}

/// Targets in files.
#[derive(Clone, Debug, PartialEq)]
pub struct FileDiscovery {
    /// Patterns of files.
    pub files: Vec<String>,
    /// How often they are read at least.
    pub refresh_interval: TimeDelta,
}

/// Targets that a server names.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpDiscovery {
    /// Where it is asked.
    pub url: String,
    /// How often.
    pub refresh_interval: TimeDelta,
    /// How it is reached.
    pub http: HttpConfig,
}

/// Targets that DNS knows.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsDiscovery {
    /// What is asked for.
    pub names: Vec<String>,
    /// Records of which kind.
    pub kind: RecordType,
    /// The port of targets, where records do not say.
    pub port: u16,
    /// How often.
    pub refresh_interval: TimeDelta,
}

impl Discovery {
    /// As Prometheus calls it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Static(_) => "static",
            Self::Files(_) => "file",
            Self::Http(_) => "http",
            Self::Dns(_) => "dns",
        }
    }
}

/// Discoveries that we do not have.
const OTHERS: [&str; 32] = [
    "aws_sd_configs",
    "azure_sd_configs",
    "consul_sd_configs",
    "digitalocean_sd_configs",
    "docker_sd_configs",
    "dockerswarm_sd_configs",
    "ec2_sd_configs",
    "ecs_sd_configs",
    "elasticache_sd_configs",
    "eureka_sd_configs",
    "gce_sd_configs",
    "hetzner_sd_configs",
    "ionos_sd_configs",
    "kubernetes_sd_configs",
    "kuma_sd_configs",
    "lightsail_sd_configs",
    "linode_sd_configs",
    "marathon_sd_configs",
    "msk_sd_configs",
    "nerve_sd_configs",
    "nomad_sd_configs",
    "oci_sd_configs",
    "openstack_sd_configs",
    "outscale_sd_configs",
    "ovhcloud_sd_configs",
    "puppetdb_sd_configs",
    "scaleway_sd_configs",
    "serverset_sd_configs",
    "stackit_sd_configs",
    "triton_sd_configs",
    "uyuni_sd_configs",
    "vultr_sd_configs",
];

/// Refuses discoveries of Alertmanagers: their members are written down.
pub(in crate::config) fn refuse_discoveries(map: &mut MapReader<'_>, help: &str, cx: &mut Cx<'_>) {
    let ours = ["file_sd_configs", "http_sd_configs", "dns_sd_configs"];
    for name in ours.into_iter().chain(OTHERS) {
        if let Some((key, _)) = map.entry(name) {
            let message =
                format!("{name} is Prometheus', but Bellwether does not honour it for Alertmanagers");
            cx.error_help(key.span, message, help);
        }
    }
}

/// Reads the discoveries of a job.
pub(super) fn decode(map: &mut MapReader<'_>, is_relabelled: bool, cx: &mut Cx<'_>) -> Vec<Discovery> {
    for name in OTHERS {
        if let Some((key, _)) = map.entry(name) {
            let message = format!("{name} is Prometheus', but Bellwether does not have this discovery");
            let help =
                "use file_sd_configs or http_sd_configs, and let a program of your own write the targets";
            cx.error_help(key.span, message, help);
        }
    }
    let items = |map: &mut MapReader<'_>, name: &'static str, cx: &mut Cx<'_>| -> Vec<Node> {
        let items: Vec<Node> = map.optional(name, cx).unwrap_or_default();
        for item in items.iter().filter(|item| item.is_null()) {
            cx.error_help(item.span, format!("an empty item of {name}"), "write one, or remove the item");
        }
        items.into_iter().filter(|item| !item.is_null()).collect()
    };
    let groups = items(map, "static_configs", cx);
    let check: Option<CheckTarget> = if is_relabelled { None } else { Some(check_address) };
    let groups = groups.iter().filter_map(|node| decode_static(node, check, cx));
    let groups: Vec<TargetGroup> = groups.collect();
    let mut all = Vec::new();
    if !groups.is_empty() {
        all.push(Discovery::Static(groups));
    }
    all.extend(items(map, "file_sd_configs", cx).iter().filter_map(|node| files(node, cx)));
    all.extend(items(map, "http_sd_configs", cx).iter().filter_map(|node| http(node, cx)));
    all.extend(items(map, "dns_sd_configs", cx).iter().filter_map(|node| dns(node, cx)));
    all
}

/// How often is asked again; not so often that asking is all that is done.
fn refresh_interval(map: &mut MapReader<'_>, usual: TimeDelta, cx: &mut Cx<'_>) -> TimeDelta {
    let written: Option<Spanned<TimeDelta>> = map.optional("refresh_interval", cx);
    let Some(written) = written else { return usual };
    if written.value < TimeDelta::SECOND {
        let message = format!("refresh_interval of {} is too short", written.value);
        cx.error_help(written.span, message, "write 1s or longer");
        return usual;
    }
    written.value
}

fn files(node: &Node, cx: &mut Cx<'_>) -> Option<Discovery> {
    let mut map = MapReader::open(node, cx)?;
    let files: Option<Spanned<Vec<Spanned<String>>>> = map.required("files", cx);
    let refresh_interval = refresh_interval(&mut map, TimeDelta(5 * TimeDelta::MINUTE.0), cx);
    map.finish(cx);
    let files = files?;
    if files.value.is_empty() {
        cx.error_help(files.span, "file_sd_configs without a file", "name one, such as targets/*.yml");
    }
    for file in &files.value {
        if !is_target_file(&file.value) {
            let help = "write a path that ends in .json, .yml or .yaml; one star may stand in its last part";
            cx.error_help(file.span, format!("{:?} cannot be a file of targets", file.value), help);
        }
    }
    let files = files.value.into_iter().map(|file| file.value).collect();
    Some(Discovery::Files(FileDiscovery { files, refresh_interval }))
}

fn is_target_file(pattern: &str) -> bool {
    let (folder, name) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_read = ["json", "yml", "yaml", "JSON", "YML", "YAML"].contains(&extension);
    is_read && !folder.contains('*') && name.matches('*').count() <= 1
}

fn http(node: &Node, cx: &mut Cx<'_>) -> Option<Discovery> {
    let mut map = MapReader::open(node, cx)?;
    let url: Option<Spanned<String>> = map.required("url", cx);
    let refresh_interval = refresh_interval(&mut map, TimeDelta::MINUTE, cx);
    let http = http_fields(&mut map, node, cx);
    map.finish(cx);
    let url = url?;
    let after = url.value.strip_prefix("http://").or_else(|| url.value.strip_prefix("https://"));
    let host = after.map(|rest| &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())]);
    let wrong = match host {
        // It becomes a label of every target.
        Some(host) if host.contains('@') => {
            Some(("the address has a login in it", "write the login as basic_auth: {username, password}"))
        }
        Some(host) if !host.is_empty() && !url.value.contains(char::is_whitespace) => None,
        Some(_) | None => Some(("url is not a web address", "write it like http://targets:8080/metrics")),
    };
    if let Some((message, help)) = wrong {
        cx.error_help(url.span, message, help);
        return None;
    }
    Some(Discovery::Http(Box::new(HttpDiscovery { url: url.value, refresh_interval, http: http? })))
}

fn dns(node: &Node, cx: &mut Cx<'_>) -> Option<Discovery> {
    let mut map = MapReader::open(node, cx)?;
    let names: Option<Spanned<Vec<Spanned<String>>>> = map.required("names", cx);
    let kind: Option<Spanned<String>> = map.optional("type", cx);
    let port: Option<u16> = map.optional("port", cx);
    let refresh_interval = refresh_interval(&mut map, TimeDelta::from_secs(30), cx);
    map.finish(cx);
    let names = names?;
    if names.value.is_empty() {
        cx.error_help(
            names.span,
            "dns_sd_configs without a name",
            "name one, such as _metrics._tcp.example.org",
        );
    }
    for name in names.value.iter().filter(|name| !crate::probe::is_dns_name(&name.value)) {
        cx.error(name.span, format!("{:?} cannot be asked of DNS", name.value));
    }
    let written = kind.as_ref().map_or("SRV", |kind| kind.value.as_str());
    let kinds = [RecordType::Srv, RecordType::A, RecordType::Aaaa, RecordType::Mx, RecordType::Ns];
    let Some(found) = kinds.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(written)) else {
        let span = kind.as_ref().map_or(node.span, |kind| kind.span);
        let message = format!("records of type {written:?} name no targets");
        cx.error_help(span, message, "write SRV, A, AAAA, MX or NS");
        return None;
    };
    if found != RecordType::Srv && port.unwrap_or(0) == 0 {
        let message = format!("{} records name no port", found.as_str());
        let start = map_start(node, cx);
        cx.error_help(start, message, "add port: and that of the targets");
    }
    let names = names.value.into_iter().map(|name| name.value).collect();
    Some(Discovery::Dns(DnsDiscovery { names, kind: found, port: port.unwrap_or(0), refresh_interval }))
}

/// The first line of a mapping.
fn map_start(node: &Node, cx: &mut Cx<'_>) -> bellwether_diag::Span {
    match &node.value {
        Value::Mapping(_) => MapReader::open(node, cx).map_or(node.span, |map| map.span_first_line(cx)),
        Value::Null | Value::Scalar(_) | Value::Sequence(_) => node.span,
    }
}
