//! gRPC probes against a fake that speaks HTTP/2: every state, refusals, and what is not gRPC at all.

use bellwether::probe::Reason;
use bytes::Bytes;
use hyper::{HeaderMap, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

use crate::forged::{Forged, certificate_until};
use crate::probe::check_at;
use crate::process::Folder;

/// What a fake answers to a health check.
#[derive(Clone, Copy)]
enum Fake {
    /// A state, and then that all is well.
    State(u8),
    /// A status in place of an answer.
    Refuse(&'static str, &'static str),
    /// Something else than a health check's answer.
    Bytes(&'static [u8]),
    /// An answer of HTTP, not of gRPC.
    Http(u16),
    /// Takes the call and says nothing.
    Hang,
    /// Answers that it serves only if it was asked for this service with this header.
    Only(&'static str, &'static str),
}

async fn open(fake: Fake, certificate: Option<&Forged>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = certificate.map(|forged| forged.acceptor(b"h2"));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                match acceptor {
                    None => serve(connection, fake).await,
                    Some(acceptor) => {
                        if let Ok(connection) = acceptor.accept(connection).await {
                            serve(connection, fake).await;
                        }
                    }
                }
            });
        }
    });
    address
}

async fn serve(connection: impl AsyncRead + AsyncWrite + Unpin, fake: Fake) {
    let Ok(mut connection) = h2::server::handshake(connection).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, fake));
    }
}

async fn answer(
    mut request: hyper::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    fake: Fake,
) {
    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
    let token = request.headers().get("x-token").map(|value| value.to_str().unwrap().to_owned());
    let mut asked = Vec::new();
    while let Some(Ok(piece)) = request.body_mut().data().await {
        asked.extend_from_slice(&piece);
    }
    let response =
        |status: u16| Response::builder().status(status).header("content-type", "application/grpc");
    let state = |state: u8| [0, 0, 0, 0, 2, 8, state].to_vec();
    let (message, status) = match fake {
        Fake::Hang => return std::future::pending().await,
        Fake::Http(status) => {
            let _ = respond.send_response(response(status).body(()).unwrap(), true);
            return;
        }
        Fake::Refuse(status, message) => {
            let refused = response(200).header("grpc-status", status).header("grpc-message", message);
            let _ = respond.send_response(refused.body(()).unwrap(), true);
            return;
        }
        Fake::State(number) => (state(number), "0"),
        Fake::Bytes(bytes) => (bytes.to_vec(), "0"),
        Fake::Only(service, wanted) => {
            let is_it = asked.ends_with(service.as_bytes()) && token.as_deref() == Some(wanted);
            if is_it { (state(1), "0") } else { (Vec::new(), "5") }
        }
    };
    let mut body = respond.send_response(response(200).body(()).unwrap(), false).unwrap();
    body.send_data(message.into(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", status.parse().unwrap());
    body.send_trailers(trailers).unwrap();
}

#[tokio::test]
async fn a_health_check_is_held_against_what_is_expected() {
    use Reason::{Connect, Protocol, Status, Timeout};
    let cases = [
        (Fake::State(1), "", "", None),
        (Fake::State(2), "", "", Some((Status, "expected the server is SERVING: NOT_SERVING"))),
        (Fake::State(2), "", "status: [SERVING, NOT_SERVING]", None),
        (Fake::State(9), "", "", Some((Status, "state 9"))),
        (
            Fake::Refuse("12", "no such method"),
            "",
            "",
            Some((Status, "refused with UNIMPLEMENTED: no such method")),
        ),
        (Fake::Only("orders", "t"), "service: orders, headers: {X-Token: t}", "", None),
        (
            Fake::Only("orders", "t"),
            "service: carts",
            "",
            Some((Status, "service carts is SERVING: refused with NOT_FOUND")),
        ),
        (
            Fake::Bytes(b"\x00\x00\x00\x00\x09\x08\x01"),
            "",
            "",
            Some((Protocol, "not that of a health check")),
        ),
        (
            Fake::Bytes(b"\x01\x00\x00\x00\x02\x08\x01"),
            "",
            "",
            Some((Protocol, "not that of a health check")),
        ),
        (Fake::Bytes(&[0; 9000]), "", "", Some((Protocol, "longer than a state"))),
        (Fake::Http(502), "", "", Some((Protocol, "answered 502"))),
        (Fake::Hang, "", "", Some((Timeout, "while waiting for the answer"))),
    ];
    for (fake, ask, expect, expected) in cases {
        let address = open(fake, None).await;
        check_at(&format!("grpc: {{address: '{address}', {ask}}}, expect: {{{expect}}}"), expected).await;
    }
    let absent = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    check_at(&format!("grpc: {{address: '{absent}'}}"), Some((Connect, "cannot connect"))).await;
}

#[tokio::test]
async fn a_health_check_can_be_encrypted() {
    let folder = Folder::new("probe-grpc");
    let forged = certificate_until("20600101000000Z");
    let trusted = folder.write("ca.pem", &forged.pem());
    let address = open(Fake::State(1), Some(&forged)).await;
    let ca = format!("tls: true, tls_config: {{ca_file: '{}'}}", trusted.display());
    check_at(&format!("grpc: {{address: '{address}', {ca}}}, expect: {{tls_expires_after: 1d}}"), None).await;
    let plain = open(Fake::State(1), None).await;
    check_at(&format!("grpc: {{address: '{plain}', {ca}}}"), Some((Reason::Tls, "no encryption"))).await;
    check_at(&format!("grpc: {{address: '{address}'}}"), Some((Reason::Protocol, "no HTTP/2"))).await;
}
