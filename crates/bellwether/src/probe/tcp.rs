//! A TCP probe: a connection, and maybe something said and heard over it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::attempt::{Broken, Check, Ended, Phase, Reason, Trace};
use super::definition::TcpAsk;
use super::dial::{Dial, dial};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What the target said.
#[derive(Debug)]
pub(super) struct Answer(Vec<u8>);

/// Connects, says what there is to say, and listens until everything expected was heard.
pub(super) async fn ask(
    ask: &TcpAsk,
    address: &str,
    timeout: Duration,
    trace: &mut Trace,
) -> Result<Answer, Ended> {
    let (host, port) = host_and_port(address).map_err(Ended::NotTried)?;
    let tls = ask.tls.then_some(b"".as_slice());
    let mut connection = dial(Dial { host, port, wire: &ask.wire, tls, timeout }, trace).await?;
    if let Some(send) = &ask.send {
        trace.enter(Phase::Processing);
        let sent = connection.write_all(send.expose().as_bytes()).await;
        let sent = sent.and(connection.flush().await);
        sent.map_err(|error| Broken::new(Reason::Protocol, format!("cannot send: {error}")))?;
    }
    let mut heard = Vec::new();
    if ask.listens() {
        trace.enter(Phase::Processing);
        listen(ask, &mut connection, &mut heard, trace).await?;
    }
    trace.leave();
    Ok(Answer(heard))
}

async fn listen(
    ask: &TcpAsk,
    connection: &mut Box<dyn super::dial::Connection>,
    heard: &mut Vec<u8>,
    trace: &mut Trace,
) -> Result<(), Broken> {
    let mut piece = [0; 4096];
    while heard.len() < ANSWER_BYTES_MAX {
        let read = connection.read(&mut piece).await;
        let read =
            read.map_err(|error| Broken::new(Reason::Protocol, format!("the answer broke off: {error}")))?;
        if heard.is_empty() {
            trace.enter(Phase::Transfer);
        }
        let room = ANSWER_BYTES_MAX - heard.len();
        heard.extend_from_slice(&piece[..read.min(room)]);
        trace.facts.body_bytes = Some(heard.len() as u64);
        if read == 0 || is_enough(ask, heard) {
            break;
        }
    }
    Ok(())
}

fn is_enough(ask: &TcpAsk, heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard);
    ask.answer_contains.iter().all(|part| text.contains(part.as_str()))
        && ask.answer_matches.iter().all(|pattern| pattern.is_match(&text))
}

/// `host:port`, `[::1]:port`.
pub fn host_and_port(text: &str) -> Result<(&str, u16), String> {
    let wrong = || format!("{text:?} is not host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let is_bad = |c: char| c.is_whitespace() || "/@?#[]".contains(c);
    match bare {
        Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => Ok((v6, port)),
        None if !host.is_empty() && !host.contains(':') && !host.contains(is_bad) => Ok((host, port)),
        Some(_) | None => Err(wrong()),
    }
}

/// What is expected; with an answer, whether it was so.
pub(super) fn judge(ask: &TcpAsk, answer: Option<&Answer>) -> Vec<Check> {
    let text = answer.map(|answer| String::from_utf8_lossy(&answer.0));
    let mut checks = vec![match answer {
        Some(_) => Check::of("a connection", "connected", None),
        None => Check::not_reached("a connection"),
    }];
    let mut content = |expected: String, is_met: &dyn Fn(&str) -> bool| {
        checks.push(match &text {
            None => Check::not_reached(expected),
            Some(text) if is_met(text) => Check::of(expected, "heard", None),
            Some(text) => {
                Check::of(expected, format!("not heard in {} bytes", text.len()), Some(Reason::Content))
            }
        });
    };
    for part in &ask.answer_contains {
        content(format!("answer contains {part:?}"), &|text| text.contains(part.as_str()));
    }
    for pattern in &ask.answer_matches {
        content(format!("answer matches /{pattern}/"), &|text| pattern.is_match(text));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for (text, expected) in [
            ("db:5432", Some(("db", 5432))),
            ("[::1]:53", Some(("::1", 53))),
            ("::1:53", None),
            ("db", None),
            ("db:0", None),
            ("db:70000", None),
            (":80", None),
            ("http://a:80", None),
            ("[x]:80", None),
            ("a b:80", None),
        ] {
            assert_eq!(host_and_port(text).ok(), expected, "{text}");
        }
    }
}
