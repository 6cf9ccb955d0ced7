//! Everything that `http_config` says, against real servers: certificates on both sides, tokens that expire, proxies,
//! headers, and files that change between two messages.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bellwether::senders::Senders;
use bellwether_alerts::{Receipt, Setup};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::forged::{Forged, certificate_for, certificate_until};
use crate::process::Folder;
use crate::senders_fake::{delivery, setup};

/// Requests as they came: the first line and the headers in small letters, one per line, then the body.
type Seen = Arc<Mutex<Vec<String>>>;

fn webhook(url: &str, http_config: &str) -> Setup {
    bellwether::install_tls();
    setup(&format!("webhook_configs: [{{url: '{url}', http_config: {{{http_config}}}}}]"))
}

async fn send(url: &str, http_config: &str) -> Receipt {
    let setup = webhook(url, http_config);
    Senders::new(setup.clone()).send(delivery(&setup)).await.receipt
}

fn accepted(receipt: &Receipt) {
    assert!(matches!(receipt, Receipt::Accepted { .. }), "{receipt:?}");
}

fn why_not(receipt: Receipt) -> String {
    match receipt {
        Receipt::Unreachable { reason } | Receipt::Unsendable { reason } => reason,
        other => panic!("{other:?}"),
    }
}

/// Reads one request and answers it.
async fn exchange(
    connection: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    seen: &Seen,
    answer: impl Fn(&str) -> String,
) {
    let mut connection = BufReader::new(connection);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if connection.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let (first, headers) = head.split_once("\r\n").unwrap();
        let headers = headers.to_lowercase().replace("\r\n", "\n");
        let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        connection.read_exact(&mut body).await.unwrap();
        // Values of headers keep their letters where a test looks at them.
        let request = format!("{first}\n{head}\n{}", String::from_utf8_lossy(&body));
        let answer = answer(&request);
        seen.lock().unwrap().push(request);
        connection.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn http(status: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A plain server that answers as it is told.
async fn plain(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (shared, answer) = (shared.clone(), answer.clone());
            tokio::spawn(async move { exchange(connection, &shared, answer).await });
        }
    });
    (address, seen)
}

fn ok(_: &str) -> String {
    http("200 OK", "ok")
}

/// A server with a certificate, which may ask for ours.
async fn encrypted(acceptor: tokio_rustls::TlsAcceptor) -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (shared, acceptor) = (shared.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Ok(connection) = acceptor.accept(connection).await {
                    exchange(connection, &shared, ok).await;
                }
            });
        }
    });
    (address, seen)
}

/// Takes only those who show a certificate that `trusted` vouches for.
fn asks_for_certificate(own: &Forged, trusted: &Forged) -> tokio_rustls::TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(trusted.certificate.clone()).unwrap();
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![own.certificate.clone()], own.key.clone_key())
        .unwrap();
    tokio_rustls::TlsAcceptor::from(Arc::new(config))
}

const LATE: &str = "20400101000000Z";

#[tokio::test]
async fn a_server_is_trusted_through_a_file_or_a_text_and_otherwise_not() {
    let (forged, folder) = (certificate_until(LATE), Folder::new("http-ca"));
    let (address, _) = encrypted(forged.acceptor(b"")).await;
    let url = format!("https://{address}/");
    let file = folder.write("ca.pem", &forged.pem());
    accepted(&send(&url, &format!("tls_config: {{ca_file: '{}'}}", file.display())).await);
    let inline = forged.pem().replace('\n', "\\n");
    accepted(&send(&url, &format!("tls_config: {{ca: \"{inline}\"}}")).await);
    accepted(&send(&url, "tls_config: {insecure_skip_verify: true}").await);
    assert!(why_not(send(&url, "").await).contains("no connection"), "the system does not know it");
    let why = why_not(send(&url, "tls_config: {ca_file: /nowhere/ca.pem}").await);
    assert!(why.starts_with("ca_file /nowhere/ca.pem cannot be read"), "{why}");
}

#[tokio::test]
async fn a_certificate_that_is_renewed_is_trusted_with_the_next_message() {
    let (forged, folder) = (certificate_until(LATE), Folder::new("http-renewed"));
    let (address, _) = encrypted(forged.acceptor(b"")).await;
    let file = folder.write("ca.pem", &certificate_until(LATE).pem());
    let setup =
        webhook(&format!("https://{address}/"), &format!("tls_config: {{ca_file: '{}'}}", file.display()));
    let senders = Senders::new(setup.clone());
    assert!(why_not(senders.send(delivery(&setup)).await.receipt).contains("no connection"));
    folder.write("ca.pem", &forged.pem());
    accepted(&senders.send(delivery(&setup)).await.receipt);
}

#[tokio::test]
async fn our_own_certificate_is_shown_to_who_asks_for_it() {
    let (theirs, ours, folder) = (certificate_until(LATE), certificate_until(LATE), Folder::new("http-mtls"));
    let (address, _) = encrypted(asks_for_certificate(&theirs, &ours)).await;
    let url = format!("https://{address}/");
    let ca = folder.write("ca.pem", &theirs.pem());
    let (cert, key) = (folder.write("cert.pem", &ours.pem()), folder.write("key.pem", &ours.key_pem()));
    let own = format!(
        "ca_file: '{}', cert_file: '{}', key_file: '{}'",
        ca.display(),
        cert.display(),
        key.display()
    );
    accepted(&send(&url, &format!("tls_config: {{{own}}}")).await);
    let none = send(&url, &format!("tls_config: {{ca_file: '{}'}}", ca.display())).await;
    assert!(matches!(none, Receipt::Unreachable { .. }), "{none:?}");
}

#[tokio::test]
async fn the_name_in_the_certificate_may_be_another_than_that_in_the_address() {
    let (forged, folder) = (certificate_for("hooks.internal"), Folder::new("http-name"));
    let (address, seen) = encrypted(forged.acceptor(b"")).await;
    let file = folder.write("ca.pem", &forged.pem());
    let url = format!("https://{address}/services/x");
    let ca = format!("ca_file: '{}'", file.display());
    accepted(&send(&url, &format!("tls_config: {{{ca}, server_name: hooks.internal}}")).await);
    let request = seen.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST /services/x HTTP/1.1"), "{request}");
    assert!(request.to_lowercase().contains(&format!("host: {address}")), "{request}");
    assert!(why_not(send(&url, &format!("tls_config: {{{ca}}}")).await).contains("no connection"));
    let other = send(&url, &format!("tls_config: {{{ca}, server_name: other.internal}}")).await;
    assert!(why_not(other).contains("no connection"));
}

#[tokio::test]
async fn versions_of_tls_are_bounded() {
    let (forged, folder) = (certificate_until(LATE), Folder::new("http-versions"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![forged.certificate.clone()], forged.key.clone_key())
        .unwrap();
    let (address, _) = encrypted(tokio_rustls::TlsAcceptor::from(Arc::new(config))).await;
    let file = folder.write("ca.pem", &forged.pem());
    let with = |more: &str| format!("tls_config: {{ca_file: '{}', {more}}}", file.display());
    let url = format!("https://{address}/");
    accepted(&send(&url, &with("min_version: TLS10, max_version: TLS13")).await);
    accepted(&send(&url, &with("max_version: TLS12")).await);
    assert!(why_not(send(&url, &with("min_version: TLS13")).await).contains("no connection"));
}

#[tokio::test]
async fn names_passwords_and_headers_come_from_files_that_may_change() {
    let folder = Folder::new("http-files");
    let (address, seen) = plain(ok).await;
    for (name, text) in [("user", "ann\n"), ("password", "first\n"), ("header", "one\n")] {
        folder.write(name, text);
    }
    let path = |name: &str| folder.path(name).display().to_string();
    let setup = webhook(
        &format!("http://{address}/"),
        &format!(
            "basic_auth: {{username_file: '{}', password_file: '{}'}}, \
             http_headers: {{X-Key: {{values: [a], secrets: [b], files: ['{}']}}}}",
            path("user"),
            path("password"),
            path("header")
        ),
    );
    let senders = Senders::new(setup.clone());
    accepted(&senders.send(delivery(&setup)).await.receipt);
    folder.write("password", "second");
    folder.write("header", "two");
    accepted(&senders.send(delivery(&setup)).await.receipt);
    let requests = seen.lock().unwrap().clone();
    // `printf 'ann:first' | base64`
    assert!(requests[0].contains("Basic YW5uOmZpcnN0\r\n"), "{}", requests[0]);
    assert!(requests[1].contains("Basic YW5uOnNlY29uZA==\r\n"), "{}", requests[1]);
    for (request, last) in requests.iter().zip(["one", "two"]) {
        let values: Vec<&str> = request.lines().filter_map(|line| line.strip_prefix("x-key: ")).collect();
        assert_eq!(values, ["a", "b", last], "{request}");
    }
}

/// Hands out numbered tokens.
async fn token_server(expires_in: &'static str) -> (SocketAddr, Seen) {
    let number = Arc::new(std::sync::atomic::AtomicU32::new(0));
    plain(move |request| {
        if !request.contains("Basic Y2xpZW50OnMlMkZjcmV0") {
            return http("401 Unauthorized", r#"{"error": "invalid_client"}"#);
        }
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let body =
            format!(r#"{{"access_token": "t{number}", "token_type": "bearer", "expires_in": {expires_in}}}"#);
        http("200 OK", &body)
    })
    .await
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_again_before_it_expires() {
    for (expires_in, asked) in [("3600", 1), ("\"3600\"", 1), ("5", 3)] {
        let (tokens, asked_for) = token_server(expires_in).await;
        let (address, seen) = plain(ok).await;
        // The password is encoded before it goes into the header: `client:s%2Fcret`.
        let setup = webhook(
            &format!("http://{address}/"),
            &format!(
                "oauth2: {{client_id: client, client_secret: s/cret, token_url: 'http://{tokens}/token', \
                 scopes: [write, read], endpoint_params: {{audience: hooks}}}}"
            ),
        );
        let senders = Senders::new(setup.clone());
        for _ in 0..3 {
            accepted(&senders.send(delivery(&setup)).await.receipt);
        }
        let asked_for = asked_for.lock().unwrap().clone();
        assert_eq!(asked_for.len(), asked, "a token that lasts {expires_in} s");
        assert!(asked_for[0].ends_with("grant_type=client_credentials&scope=write+read&audience=hooks"));
        let last = seen.lock().unwrap()[2].clone();
        assert!(last.contains(&format!("Bearer t{asked}\r\n")), "{last}");
    }
}

#[tokio::test]
async fn a_token_that_was_withdrawn_is_replaced_and_the_message_is_taken() {
    let (tokens, asked_for) = token_server("3600").await;
    let (address, _) = plain(|request| match request.contains("Bearer t1\r\n") {
        true => http("401 Unauthorized", "token expired"),
        false => http("200 OK", "ok"),
    })
    .await;
    let oauth2 =
        format!("oauth2: {{client_id: client, client_secret: s/cret, token_url: 'http://{tokens}/'}}");
    accepted(&send(&format!("http://{address}/"), &oauth2).await);
    assert_eq!(asked_for.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_server_that_wants_credentials_among_the_parameters_gets_them_there() {
    let (tokens, asked_for) = plain(|request| match request.contains("client_id=client&client_secret=s") {
        true => http("200 OK", r#"{"access_token": "t"}"#),
        false => http("401 Unauthorized", r#"{"error": "invalid_client"}"#),
    })
    .await;
    let (address, _) = plain(ok).await;
    let oauth2 = format!("oauth2: {{client_id: client, client_secret: s, token_url: 'http://{tokens}/'}}");
    let setup = webhook(&format!("http://{address}/"), &oauth2);
    let senders = Senders::new(setup.clone());
    accepted(&senders.send(delivery(&setup)).await.receipt);
    accepted(&senders.send(delivery(&setup)).await.receipt);
    assert_eq!(asked_for.lock().unwrap().len(), 2, "refused once, then kept");
}

#[tokio::test]
async fn without_a_token_nothing_is_sent_and_no_secret_is_told() {
    let (tokens, _) =
        plain(|_| http("400 Bad Request", r#"{"error_description": "wrong secret hunter22"}"#)).await;
    let (address, seen) = plain(ok).await;
    let oauth2 = format!("oauth2: {{client_id: c, client_secret: hunter22, token_url: 'http://{tokens}/'}}");
    let why = why_not(send(&format!("http://{address}/"), &oauth2).await);
    assert_eq!(why, "there is no token from 127.0.0.1: it answers 400: wrong secret <secret>");
    assert!(seen.lock().unwrap().is_empty());
}

/// A proxy that notes what it is asked for, and opens tunnels.
async fn proxy() -> (SocketAddr, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), Seen::default());
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let shared = shared.clone();
            tokio::spawn(async move {
                let mut connection = BufReader::new(connection);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if connection.read_line(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                shared.lock().unwrap().push(head.clone());
                let Some(target) = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next())
                else {
                    let _ = connection.write_all(http("200 OK", "ok").as_bytes()).await;
                    return;
                };
                let mut beyond = TcpStream::connect(target).await.unwrap();
                connection.write_all(b"HTTP/1.1 200 established\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut connection, &mut beyond).await;
            });
        }
    });
    (address, seen)
}

#[tokio::test]
async fn a_proxy_stands_in_between_except_for_what_is_excepted() {
    let (through, seen) = proxy().await;
    let (address, direct) = plain(ok).await;
    let proxied = format!("proxy_url: 'http://ann:pa55word@{through}'");
    accepted(&send("http://hooks.example/x", &proxied).await);
    let request = seen.lock().unwrap()[0].clone();
    assert!(request.starts_with("POST http://hooks.example/x HTTP/1.1"), "{request}");
    // `printf 'ann:pa55word' | base64`
    assert!(request.to_lowercase().contains("proxy-authorization: basic yw5uonbhntv3b3jk"), "{request}");
    accepted(&send(&format!("http://{address}/"), &format!("{proxied}, no_proxy: '127.0.0.0/8'")).await);
    assert_eq!((seen.lock().unwrap().len(), direct.lock().unwrap().len()), (1, 1));
}

#[tokio::test]
async fn a_tunnel_is_asked_for_with_headers_that_only_the_proxy_sees() {
    let (forged, folder) = (certificate_until(LATE), Folder::new("http-tunnel"));
    let (address, received) = encrypted(forged.acceptor(b"")).await;
    let (through, seen) = proxy().await;
    let file = folder.write("ca.pem", &forged.pem());
    let settings = format!(
        "proxy_url: 'http://{through}', proxy_connect_header: {{X-Proxy-Key: [pr0xy]}}, tls_config: {{ca_file: '{}'}}",
        file.display()
    );
    accepted(&send(&format!("https://{address}/"), &settings).await);
    let asked = seen.lock().unwrap()[0].to_lowercase();
    assert!(
        asked.starts_with(&format!("connect {address} ")) && asked.contains("x-proxy-key: pr0xy"),
        "{asked}"
    );
    assert!(!received.lock().unwrap()[0].contains("pr0xy"));
    // Without a tunnel the header would reach whoever the message is for.
    let plain = format!("proxy_url: 'http://{through}', proxy_connect_header: {{X-Proxy-Key: [pr0xy]}}");
    accepted(&send("http://hooks.example/", &plain).await);
    assert!(!seen.lock().unwrap()[1].contains("pr0xy"));
}
