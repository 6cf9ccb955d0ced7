//! Amazon's signature, version 4, of a POST without a query.
//! https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html

use bellwether_model::Timestamp;
use reqwest::Url;
use ring::{digest, hmac};

/// What a request is signed with.
pub(super) struct Keys {
    pub(super) access: String,
    pub(super) secret: String,
    /// Of keys that are lent for a time.
    pub(super) token: Option<String>,
}

/// The content type that is signed with the request.
const FORM: &str = "application/x-www-form-urlencoded";

/// The headers that prove who sends a form.
pub(super) fn sign(
    keys: &Keys,
    region: &str,
    service: &str,
    url: &Url,
    body: &[u8],
    now: Timestamp,
) -> Vec<(String, String)> {
    let moment = moment(now);
    let mut signed =
        vec![("content-type", FORM.to_owned()), ("host", host(url)), ("x-amz-date", moment.clone())];
    signed.extend(keys.token.iter().map(|token| ("x-amz-security-token", token.clone())));
    let authorization =
        authorization(keys, Scope { region, service, moment: &moment }, &signed, url.path(), body);
    let sent = signed.into_iter().filter(|(name, _)| *name != "host");
    let sent = sent.chain([("authorization", authorization)]);
    sent.map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a signature is good for.
#[derive(Clone, Copy)]
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
    moment: &'a str,
}

/// `headers` in order of their names.
fn authorization(
    keys: &Keys,
    scope: Scope<'_>,
    headers: &[(&str, String)],
    path: &str,
    body: &[u8],
) -> String {
    let Scope { region, service, moment } = scope;
    let day = &moment[..8];
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let canonical = format!("POST\n{path}\n\n{lines}\n{names}\n{}", sha256(body));
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{moment}\n{scope}\n{}", sha256(canonical.as_bytes()));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for piece in [day, region, service, "aws4_request"] {
        key = hmac_sha256(&key, piece.as_bytes());
    }
    let signature = hex(&hmac_sha256(&key, text.as_bytes()));
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        keys.access
    )
}

/// As `20150830T123600Z`.
fn moment(now: Timestamp) -> String {
    let text = now.to_string();
    let seconds = text.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

/// As it stands in the request: the port only where it is not the usual one.
fn host(url: &Url) -> String {
    let name = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `post-vanilla` and `post-x-www-form-urlencoded` of Amazon's own test suite for version 4.
    #[test]
    fn the_signature_is_amazons() {
        let keys = Keys {
            access: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        };
        let at = Timestamp::from_secs(1_440_938_160);
        assert_eq!(moment(at), "20150830T123600Z");
        let scope = Scope { region: "us-east-1", service: "service", moment: "20150830T123600Z" };
        let headers = [("host", "example.amazonaws.com".to_owned()), ("x-amz-date", scope.moment.to_owned())];
        let signed = authorization(&keys, scope, &headers, "/", b"");
        let want = "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert!(signed.ends_with(want), "{signed}");
        let url = Url::parse("https://example.amazonaws.com/").unwrap();
        let sent = sign(&keys, "us-east-1", "service", &url, b"Param1=value1", at);
        let (_, signed) = &sent[sent.len() - 1];
        let want = "SignedHeaders=content-type;host;x-amz-date, \
                    Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a";
        assert!(signed.ends_with(want), "{signed}");
    }
}
