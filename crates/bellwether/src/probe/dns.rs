//! A DNS probe: one question to one server, over UDP, and again over TCP when the answer does not fit a datagram.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::attempt::{Broken, Check, Ended, Phase, Reason, Trace};
use super::definition::DnsAsk;
use super::dial::{Dial, connect, resolve};
use super::dns_message::{self, Response, ResponseCode};
use super::tcp::host_and_port;

/// Largest datagram: no more was offered to the server, but some send more.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Asks.
pub(crate) async fn ask(
    ask: &DnsAsk,
    address: &str,
    timeout: Duration,
    trace: &mut Trace,
) -> Result<Response, Ended> {
    let (host, port) = host_and_port(address).map_err(Ended::NotTried)?;
    let question = dns_message::question(crate::entropy::seed() as u16, &ask.name, ask.kind)
        .ok_or_else(|| Ended::NotTried(format!("{:?} cannot be asked for", ask.name)))?;
    trace.enter(Phase::Resolve);
    let addresses = resolve(&Dial { host, port, wire: &ask.wire, tls: None, timeout }).await?;
    if !ask.tcp {
        let response = over_udp(&question, addresses[0], trace).await?;
        if !response.is_truncated {
            return Ok(response);
        }
    }
    trace.enter(Phase::Connect);
    let stream = connect(&addresses, timeout, trace).await?;
    Ok(over_tcp(&question, stream, trace).await?)
}

async fn over_udp(
    question: &[u8],
    address: std::net::SocketAddr,
    trace: &mut Trace,
) -> Result<Response, Broken> {
    trace.enter(Phase::Connect);
    trace.facts.address = Some(address);
    let here = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let broken =
        |error: std::io::Error| Broken::new(Reason::Connect, format!("cannot ask {address}: {error}"));
    let socket = UdpSocket::bind(here).await.map_err(broken)?;
    socket.connect(address).await.map_err(broken)?;
    socket.send(question).await.map_err(broken)?;
    trace.enter(Phase::Processing);
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let length = socket.recv(&mut datagram).await.map_err(broken)?;
        match dns_message::response(&datagram[..length], question) {
            Ok(response) => {
                trace.leave();
                return Ok(response);
            }
            // Whoever else knows the port may send anything; the server's own answer is still to come.
            Err(_) if datagram.get(..2) != question.get(..2) => {}
            Err(why) => return Err(Broken::new(Reason::Protocol, why)),
        }
    }
}

async fn over_tcp(question: &[u8], mut stream: TcpStream, trace: &mut Trace) -> Result<Response, Broken> {
    trace.enter(Phase::Processing);
    let broken = |error: std::io::Error| Broken::new(Reason::Protocol, format!("no answer: {error}"));
    let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
    let message = [&length.to_be_bytes(), question].concat();
    stream.write_all(&message).await.map_err(broken)?;
    let length = stream.read_u16().await.map_err(broken)?;
    trace.enter(Phase::Transfer);
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await.map_err(broken)?;
    trace.leave();
    dns_message::response(&answer, question).map_err(|why| Broken::new(Reason::Protocol, why))
}

/// What is expected; with an answer, whether it was so.
pub(super) fn judge(ask: &DnsAsk, answer: Option<&Response>) -> Vec<Check> {
    let codes = ask.codes.iter().map(ResponseCode::to_string).collect::<Vec<_>>().join(" or ");
    let expected = format!("{codes} for {} {}", ask.name, ask.kind.as_str());
    let Some(answer) = answer else {
        return std::iter::once(expected).chain(contents(ask)).map(Check::not_reached).collect();
    };
    let wrong = (!ask.codes.contains(&answer.code)).then_some(Reason::Status);
    let values: Vec<&str> = answer.answers.iter().map(|answer| answer.value.as_str()).collect();
    let found = if values.is_empty() { "no answers".to_owned() } else { values.join(", ") };
    let any = |pattern: &super::definition::Pattern| values.iter().any(|value| pattern.is_match(value));
    let met = std::iter::once(values.len() as u64 >= u64::from(ask.answers_min))
        .take(usize::from(ask.answers_min > 0))
        .chain(ask.answers_match.iter().map(any))
        .chain(ask.answers_not_match.iter().map(|pattern| !any(pattern)));
    let checks = contents(ask).into_iter().zip(met);
    let checks =
        checks.map(|(expected, met)| Check::of(expected, &*found, (!met).then_some(Reason::Content)));
    std::iter::once(Check::of(expected, answer.code.to_string(), wrong)).chain(checks).collect()
}

fn contents(ask: &DnsAsk) -> Vec<String> {
    let count = match ask.answers_min {
        0 => None,
        1 => Some("at least one answer".to_owned()),
        n => Some(format!("at least {n} answers")),
    };
    let matching = ask.answers_match.iter().map(|pattern| format!("an answer that matches /{pattern}/"));
    let others = ask.answers_not_match.iter().map(|pattern| format!("no answer that matches /{pattern}/"));
    count.into_iter().chain(matching).chain(others).collect()
}
