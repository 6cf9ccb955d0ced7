//! Targets that a name server knows, against a server of our own.

use std::sync::Arc;

use bellwether::config::prometheus::DnsDiscovery;
use bellwether::discovery::core::{Found, Part};
use bellwether::discovery::dns::ask_with;
use bellwether::discovery::resolver::ResolverConfig;
use bellwether::probe::RecordType;
use bellwether_model::TimeDelta;
use tokio::net::UdpSocket;

/// What a question for a name is answered with: a code, and records with their type.
type Zone = Vec<(&'static str, u8, Vec<(u16, Vec<u8>)>)>;

/// Answers questions of a zone; gives its address.
async fn open(zone: Zone) -> String {
    let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    let address = socket.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut asked = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut asked).await {
            let question = &asked[..length];
            let (name, end) = name_in(question);
            let known = zone.iter().find(|(known, ..)| *known == name);
            let (code, records) =
                known.map_or((3, &[][..]), |(_, code, records)| (*code, records.as_slice()));
            let mut reply = question[..2].to_vec();
            reply.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
            reply.extend(&question[12..end + 4]);
            for (kind, data) in records {
                reply.extend([0xc0, 12]);
                reply.extend(kind.to_be_bytes());
                reply.extend([0, 1, 0, 0, 0, 60]);
                reply.extend((data.len() as u16).to_be_bytes());
                reply.extend(data);
            }
            let _ = socket.send_to(&reply, from).await;
        }
    });
    address
}

/// The name in a question, and where it ends.
fn name_in(question: &[u8]) -> (String, usize) {
    let (mut name, mut at) = (String::new(), 12);
    while question[at] != 0 {
        let end = at + 1 + usize::from(question[at]);
        name += &String::from_utf8_lossy(&question[at + 1..end]);
        name.push('.');
        at = end;
    }
    (name, at + 1)
}

/// A name as it stands in a record.
fn wire(name: &str) -> Vec<u8> {
    let labels =
        name.split('.').flat_map(|label| [vec![label.len() as u8], label.as_bytes().to_vec()].concat());
    labels.chain([0]).collect()
}

/// What is found, as text.
async fn found(server: &str, names: &[&str], kind: RecordType, search: &[&str]) -> Vec<String> {
    let discovery = DnsDiscovery {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        kind,
        port: 9100,
        refresh_interval: TimeDelta::MINUTE,
    };
    let resolver = ResolverConfig {
        servers: vec![server.to_owned()],
        search: search.iter().map(|domain| (*domain).to_owned()).collect(),
        dots_min: 1,
    };
    let shown = |Part { name, found }: Part| match found {
        Found::Groups(groups, _) => {
            let targets = groups.iter().flat_map(|group| &group.targets);
            let targets: Vec<String> = targets.map(ToString::to_string).collect();
            format!("{name}: {}", targets.join(" "))
        }
        Found::Unchanged => format!("{name} unchanged"),
        Found::Failed(why) => format!("{name} failed: {why}"),
    };
    ask_with(&discovery, &resolver).await.into_iter().map(shown).collect()
}

#[tokio::test]
async fn records_become_targets_with_prometheus_labels() {
    let server = open(vec![
        ("a.example.", 0, vec![(1, vec![10, 0, 0, 2]), (1, vec![10, 0, 0, 1]), (5, wire("b.example"))]),
        ("six.example.", 0, vec![(28, [vec![0x20, 1, 0xd, 0xb8], vec![0; 11], vec![1]].concat())]),
        ("srv.example.", 0, vec![(33, [vec![0, 1, 0, 2, 0x1f, 0x90], wire("c.example")].concat())]),
        ("mail.example.", 0, vec![(15, [vec![0, 10], wire("mx.example")].concat())]),
        ("broken.example.", 2, vec![]),
        ("empty.example.", 0, vec![]),
    ])
    .await;
    let check = async |names: &[&str], kind, search: &[&str], expected: &[&str]| {
        assert_eq!(found(&server, names, kind, search).await, expected);
    };
    check(
        &["a.example"],
        RecordType::A,
        &[],
        &["a.example: {__address__=\"10.0.0.1:9100\", __meta_dns_name=\"a.example\"} \
           {__address__=\"10.0.0.2:9100\", __meta_dns_name=\"a.example\"}"],
    )
    .await;
    check(
        &["six.example"],
        RecordType::Aaaa,
        &[],
        &["six.example: {__address__=\"[2001:db8::1]:9100\", __meta_dns_name=\"six.example\"}"],
    )
    .await;
    check(
        &["srv.example"],
        RecordType::Srv,
        &[],
        &["srv.example: {__address__=\"c.example:8080\", __meta_dns_name=\"srv.example\", \
           __meta_dns_srv_record_port=\"8080\", __meta_dns_srv_record_target=\"c.example.\"}"],
    )
    .await;
    check(
        &["mail.example"],
        RecordType::Mx,
        &[],
        &["mail.example: {__address__=\"mx.example:9100\", __meta_dns_mx_record_target=\"mx.example.\", \
           __meta_dns_name=\"mail.example\"}"],
    )
    .await;
    // Found below a domain that is searched; unknown everywhere; known to nobody for sure.
    check(
        &["srv", "nobody", "broken"],
        RecordType::Srv,
        &["example"],
        &[
            &format!("broken failed: {server} says SERVFAIL of broken.example."),
            "nobody: ",
            "srv: {__address__=\"c.example:8080\", __meta_dns_name=\"srv\", \
             __meta_dns_srv_record_port=\"8080\", __meta_dns_srv_record_target=\"c.example.\"}",
        ],
    )
    .await;
    check(&["empty.example"], RecordType::A, &[], &["empty.example: "]).await;
}
