//! What a receiver's answer means, kind by kind.

use std::error::Error;

use bellwether_alerts::{IntegrationKind, Receipt};
use reqwest::Response;

use super::parse_retry_after;
use crate::clock;

/// How much of an answer is read.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How much of it is kept.
const EXCERPT_CHARS_MAX: usize = 200;

pub(super) async fn receipt(response: Response, kind: IntegrationKind, address: &str) -> Receipt {
    let status = response.status().as_u16();
    let header = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| parse_retry_after(text, clock::now()));
    let body = match beginning(response).await {
        Ok(body) => body,
        // A 2xx whose body broke off was still taken by a webhook; Slack's "ok" is in the body, so it is not known.
        Err(error) if kind == IntegrationKind::Slack || !(200..300).contains(&status) => {
            return Receipt::Unreachable { reason: describe(error, address) };
        }
        Err(_) => String::new(),
    };
    let accepted = match kind {
        IntegrationKind::Slack => (200..300).contains(&status) && is_slack_ok(&body),
        _ => (200..300).contains(&status),
    };
    if accepted {
        return Receipt::Accepted { status };
    }
    // Slack says some passing troubles in the body of a 200.
    let limited =
        kind == IntegrationKind::Slack && ["rate_limited", "ratelimited"].iter().any(|w| body.contains(w));
    let status = if limited && status == 200 { 429 } else { status };
    Receipt::Refused { status, body: redact(&excerpt(&body), address), retry_after }
}

/// An incoming webhook answers `ok`; compatible servers answer JSON.
fn is_slack_ok(body: &str) -> bool {
    let json = serde_json::from_str::<serde_json::Value>(body).ok();
    body.trim() == "ok" || json.and_then(|value| value.get("ok")?.as_bool()).unwrap_or(false)
}

async fn beginning(mut response: Response) -> Result<String, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk[..chunk.len().min(BODY_BYTES_MAX - bytes.len())]);
        if bytes.len() >= BODY_BYTES_MAX {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// One line that is safe to show.
fn excerpt(body: &str) -> String {
    let printable = body.chars().map(|c| if c.is_control() { ' ' } else { c });
    let line: String = printable.take(EXCERPT_CHARS_MAX + 1).collect();
    match line.chars().count() > EXCERPT_CHARS_MAX {
        true => line.chars().take(EXCERPT_CHARS_MAX).chain(['…']).collect(),
        false => line.trim().to_owned(),
    }
}

/// Why there was no answer, without the address.
pub(super) fn describe(error: reqwest::Error, address: &str) -> String {
    let error = error.without_url();
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else if error.is_builder() {
        "the request cannot be built"
    } else {
        "the connection broke off"
    };
    let mut cause: &dyn Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    redact(&excerpt(&format!("{what}: {cause}")), address)
}

/// A shorter path is no secret, and hiding it would garble ordinary words.
const SECRET_CHARS_MIN: usize = 12;

/// Hides the address and its secret part, should either appear.
fn redact(text: &str, address: &str) -> String {
    let path = address.splitn(4, '/').nth(3).unwrap_or_default();
    let text = text.replace(address, "<secret>");
    if path.len() < SECRET_CHARS_MIN { text } else { text.replace(path, "<secret>") }
}
