//! All that `http_config` takes is read, and what contradicts itself is refused.

use crate::seed_routing::problems;

/// The problems of `http_config`, without their places.
fn check(http_config: &str, want: &[&str]) {
    let yaml = format!(
        "global: {{http_config: {{{http_config}}}}}\nroute: {{receiver: a}}\nreceivers: [{{name: a}}]\n"
    );
    let found = problems(&yaml);
    let found: Vec<&str> = found.iter().map(|problem| problem.split_once(' ').unwrap().1).collect();
    assert_eq!(found, want, "{http_config}");
}

#[test]
fn all_that_alertmanager_takes_is_taken() {
    check("", &[]);
    check(
        "basic_auth: {username_file: u, password_file: p}, enable_http2: false, follow_redirects: false",
        &[],
    );
    check("authorization: {type: GenieKey, credentials_file: c}", &[]);
    check("bearer_token: t, proxy_url: foo, no_proxy: 'a.example,10.0.0.0/8'", &[]);
    check("proxy_from_environment: true, proxy_connect_header: {X-A: [b, c]}", &[]);
    check(
        "oauth2: {client_id: c, client_secret_file: s, token_url: 'https://t.example/', scopes: [a], tls_config: {ca_file: f}, proxy_url: 'http://p.example'}",
        &[],
    );
    check(
        "tls_config: {ca: c, cert: c, key_file: k, server_name: n, min_version: TLS10, max_version: TLS13}",
        &[],
    );
    check("http_headers: {X-A: {values: [a], secrets: [b], files: [c]}}", &[]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    check(
        "basic_auth: {username: u, username_file: f, password: p, password_file: f}",
        &[
            "error username and username_file are both written; which one counts?",
            "error password and password_file are both written; which one counts?",
        ],
    );
    check(
        "bearer_token: t, oauth2: {client_id: c, token_url: 'http://t.example/'}",
        &["error more than one way to authenticate"],
    );
    check("authorization: {type: Basic}", &["error authorization cannot be basic"]);
    check("oauth2: {scopes: [a]}", &["error client_id is missing", "error token_url is missing"]);
    check(
        "oauth2: {client_id: c, token_url: 'http://t.example/', grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer'}",
        &["error grant_type \"urn:ietf:params:oauth:grant-type:jwt-bearer\" is not supported yet"],
    );
    check("tls_config: {cert: c}", &["error a client certificate is nothing without its key"]);
    check("tls_config: {key_file: c}", &["error a key is nothing without its certificate"]);
    check("tls_config: {max_version: TLS11}", &["error no version as old as this is spoken"]);
    check(
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        &["error max_version is older than min_version"],
    );
    check("tls_config: {min_version: SSL3}", &["error unknown version of TLS \"SSL3\""]);
    check(
        "proxy_url: 'http://p.example', proxy_from_environment: true",
        &["error proxy_url and proxy_from_environment are both written; which one counts?"],
    );
    check("no_proxy: a.example", &["error no_proxy says nothing without a proxy"]);
    check("proxy_connect_header: {X-A: [b]}", &["error proxy_connect_header says nothing without a proxy"]);
    check(
        "proxy_url: 'http://p.example', tls_config: {server_name: n}",
        &["error server_name is not supported through a proxy yet: the proxy would be asked for that name"],
    );
    check(
        "http_headers: {authorization: {values: [a]}}",
        &["error the header authorization cannot be set here"],
    );
    check("http_headers: {'X A': {values: [a]}}", &["error \"X A\" cannot be the name of a header"]);
    check(
        "basic_auth: {username: u, password_ref: p}",
        &["error password_ref names a secret of a secret manager, and there is none here"],
    );
    check("proxy: 'http://p.example'", &["error unknown field \"proxy\""]);
}
