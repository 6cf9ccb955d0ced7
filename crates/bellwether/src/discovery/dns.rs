//! `dns_sd_configs`: targets that DNS knows. A name that nobody knows has no targets; one that nobody can be asked for
//! keeps those it had.

use std::time::Duration;

use bellwether_model::{Labels, LabelsBuilder};

use super::core::{Found, Part};
use super::resolver::ResolverConfig;
use crate::config::prometheus::{ADDRESS, DnsDiscovery, TargetGroup};
use crate::probe::attempt::{Ended, Trace};
use crate::probe::definition::DnsAsk;
use crate::probe::dns_message::{RecordType, Response, ResponseCode};

/// Where the servers are written down.
const RESOLVER_FILE: &str = "/etc/resolv.conf";
/// How long one server may take.
const TIMEOUT: Duration = Duration::from_secs(4);

/// Asks for all names.
pub async fn ask(discovery: &DnsDiscovery) -> Vec<Part> {
    match tokio::fs::read_to_string(RESOLVER_FILE).await {
        Ok(text) => ask_with(discovery, &ResolverConfig::read(&text)).await,
        Err(error) => {
            let failed = |name: &String| Part {
                name: name.clone(),
                found: Found::Failed(format!("{RESOLVER_FILE} cannot be read: {error}")),
            };
            discovery.names.iter().map(failed).collect()
        }
    }
}

/// The same of these servers.
pub async fn ask_with(discovery: &DnsDiscovery, resolver: &ResolverConfig) -> Vec<Part> {
    let mut parts = Vec::new();
    for name in &discovery.names {
        let found = match look_up(name, discovery.kind, resolver).await {
            Ok(values) => {
                let targets = values.iter().filter_map(|value| target(discovery, name, value));
                let group = TargetGroup { targets: targets.collect(), labels: Labels::empty() };
                Found::Groups(vec![group], None)
            }
            Err(why) => Found::Failed(why),
        };
        parts.push(Part { name: name.clone(), found });
    }
    // A name that is written twice is one.
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    parts.dedup_by(|a, b| a.name == b.name);
    parts
}

/// The records of a name, sorted: servers give them in another order every time.
async fn look_up(name: &str, kind: RecordType, resolver: &ResolverConfig) -> Result<Vec<String>, String> {
    let mut trouble = None;
    for name in resolver.names(name) {
        match of_any_server(&name, kind, resolver).await {
            Ok(response) if response.code == ResponseCode::NO_ERROR => {
                let of_kind = response.answers.into_iter().filter(|answer| answer.kind == kind.number());
                let mut values: Vec<String> = of_kind.map(|answer| answer.value).collect();
                values.sort();
                return Ok(values);
            }
            Ok(_) => {}
            Err(why) => trouble = Some(why),
        }
    }
    // Only if every server says of every name that there is none, there is none.
    trouble.map_or(Ok(Vec::new()), Err)
}

/// The first answer that says what there is, or that there is nothing.
async fn of_any_server(name: &str, kind: RecordType, resolver: &ResolverConfig) -> Result<Response, String> {
    let ask = DnsAsk { name: name.to_owned(), kind, ..DnsAsk::default() };
    let mut why = "no server is known".to_owned();
    for server in &resolver.servers {
        let mut trace = Trace::begin();
        let asked = crate::probe::dns::ask(&ask, server, TIMEOUT, &mut trace);
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(Ok(response)) if [ResponseCode::NO_ERROR, NO_NAME].contains(&response.code) => {
                return Ok(response);
            }
            Ok(Ok(response)) => why = format!("{server} says {} of {name}", response.code),
            Ok(Err(Ended::Broken(broken))) => why = broken.what,
            Ok(Err(Ended::NotTried(reason))) => why = reason,
            Err(_) => why = format!("{server} does not answer within {} s", TIMEOUT.as_secs()),
        }
    }
    Err(why)
}

const NO_NAME: ResponseCode = ResponseCode(3);

/// The target that a record names.
fn target(discovery: &DnsDiscovery, name: &str, value: &str) -> Option<Labels> {
    let mut labels = LabelsBuilder::default();
    labels.set("__meta_dns_name", name);
    let words: Vec<&str> = value.split(' ').collect();
    let usual = discovery.port.to_string();
    let (host, port) = match (discovery.kind, words.as_slice()) {
        (RecordType::Srv, [_, _, port, host]) => {
            labels.set("__meta_dns_srv_record_target", *host).set("__meta_dns_srv_record_port", *port);
            (*host, *port)
        }
        (RecordType::Mx, [_, host]) => {
            labels.set("__meta_dns_mx_record_target", *host);
            (*host, usual.as_str())
        }
        (RecordType::Ns, [host]) => {
            labels.set("__meta_dns_ns_record_target", *host);
            (*host, usual.as_str())
        }
        (RecordType::A | RecordType::Aaaa, [host]) => (*host, usual.as_str()),
        (_, _) => return None,
    };
    let host = host.trim_end_matches('.');
    let address = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    labels.set(ADDRESS, address);
    Some(labels.build())
}
