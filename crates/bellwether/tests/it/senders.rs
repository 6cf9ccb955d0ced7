use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use bellwether::senders::{Senders, parse_retry_after};
use bellwether_alerts::Receipt;
use bellwether_model::{TimeDelta, Timestamp};

use crate::senders_fake::{delivery, refused, setup};

type Seen = Arc<Mutex<Vec<(Uri, HeaderMap, String)>>>;

/// A receiver that answers what its path says.
async fn answer(State(seen): State<Seen>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let path = uri.path().to_owned();
    seen.lock().unwrap().push((uri, headers, body));
    match path.as_str() {
        "/ok" => "ok".into_response(),
        "/json" => "{\"ok\":true}".into_response(),
        "/invalid" => "invalid_payload".into_response(),
        "/limited" => "rate_limited".into_response(),
        "/accepted" => StatusCode::ACCEPTED.into_response(),
        "/busy" => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "7")], "slow down").into_response(),
        "/broken-secret" => {
            (StatusCode::INTERNAL_SERVER_ERROR, "at /broken-secret:\n\tit broke").into_response()
        }
        "/long" => (StatusCode::BAD_REQUEST, "x".repeat(100_000)).into_response(),
        "/moved" => Redirect::permanent("/ok").into_response(),
        "/see-other" => Redirect::to("/ok").into_response(),
        "/file" => (StatusCode::TEMPORARY_REDIRECT, [("location", "file:///etc/passwd")]).into_response(),
        "/slow" => {
            tokio::time::sleep(std::time::Duration::from_secs(30)).await;
            "ok".into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn receiver() -> (SocketAddr, Seen) {
    bellwether::install_tls();
    let seen = Seen::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(answer).with_state(seen.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, seen)
}

async fn send(integration: &str) -> Receipt {
    let setup = setup(integration);
    Senders::new(setup.clone()).send(delivery(&setup)).await.receipt
}

#[tokio::test]
async fn answers_become_receipts() {
    let (address, _) = receiver().await;
    let check = async |kind: &str, path: &str, want: Receipt| {
        let url = if kind == "slack" { "api_url" } else { "url" };
        let got = send(&format!("{kind}_configs: [{{{url}: 'http://{address}{path}'}}]")).await;
        assert_eq!(got, want, "{kind} {path}");
    };
    check("slack", "/ok", Receipt::Accepted { status: 200 }).await;
    check("slack", "/json", Receipt::Accepted { status: 200 }).await;
    check("slack", "/invalid", refused(200, "invalid_payload", None)).await;
    check("slack", "/limited", refused(429, "rate_limited (its status was 200)", None)).await;
    check("slack", "/busy", refused(429, "slow down", Some(7))).await;
    check("webhook", "/invalid", Receipt::Accepted { status: 200 }).await;
    check("webhook", "/accepted", Receipt::Accepted { status: 202 }).await;
    check("webhook", "/nowhere", refused(404, "", None)).await;
    check("webhook", "/broken-secret", refused(500, "at /<secret>:  it broke", None)).await;
    check("webhook", "/moved", Receipt::Accepted { status: 200 }).await;
    check("webhook", "/see-other", refused(303, "", None)).await;
}

#[tokio::test]
async fn an_answer_is_kept_only_in_part() {
    let (address, _) = receiver().await;
    let receipt = send(&format!("webhook_configs: [{{url: 'http://{address}/long'}}]")).await;
    let Receipt::Refused { status: 400, body, .. } = receipt else { panic!("{receipt:?}") };
    assert_eq!(body.chars().count(), 201);
}

#[tokio::test]
async fn no_answer_is_told_without_the_address() {
    let (address, _) = receiver().await;
    let receipt = send(&format!("webhook_configs: [{{url: 'http://{address}/slow', timeout: 50ms}}]")).await;
    let Receipt::Unreachable { reason } = &receipt else { panic!("{receipt:?}") };
    assert!(reason.starts_with("no answer in time"), "{reason}");
    // A port that was free a moment ago.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let receipt = send(&format!("webhook_configs: [{{url: 'http://{gone}/SECRET'}}]")).await;
    let Receipt::Unreachable { reason } = &receipt else { panic!("{receipt:?}") };
    assert!(reason.starts_with("no connection") && !reason.contains("SECRET"), "{reason}");
}

#[tokio::test]
async fn a_redirect_leads_to_no_file() {
    let (address, _) = receiver().await;
    let receipt = send(&format!("webhook_configs: [{{url: 'http://{address}/file'}}]")).await;
    assert_ne!(receipt.next(), bellwether_alerts::Next::Done, "{receipt:?}");
}

#[tokio::test]
async fn a_request_carries_its_key_its_body_and_its_credentials() {
    let (address, seen) = receiver().await;
    let setup = setup(&format!(
        "webhook_configs: [{{url: 'http://{address}/accepted', http_config: {{authorization: {{credentials: t0p}}, \
         http_headers: {{X-Team: {{values: [web]}}}}}}}}]"
    ));
    let delivery = delivery(&setup);
    let (key, body) = (delivery.key.clone(), delivery.message.text().to_owned());
    assert_eq!(Senders::new(setup).send(delivery).await.receipt, Receipt::Accepted { status: 202 });
    let (_, headers, got) = seen.lock().unwrap()[0].clone();
    let header = |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned());
    assert_eq!(header("idempotency-key"), Some(key.to_string()));
    assert_eq!(header("x-bellwether-delivery"), Some(format!("{key}-1")));
    assert_eq!(header("authorization").as_deref(), Some("Bearer t0p"));
    assert_eq!(header("x-team").as_deref(), Some("web"));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(got, body);
}

#[tokio::test]
async fn an_address_file_is_read_at_every_delivery() {
    let (address, _) = receiver().await;
    let path = std::env::temp_dir().join(format!("bellwether-address-{}", std::process::id()));
    let setup = setup(&format!("slack_configs: [{{api_url_file: '{}'}}]", path.display()));
    let senders = Senders::new(setup.clone());
    let receipt = senders.send(delivery(&setup)).await;
    let Receipt::Unsendable { reason } = &receipt.receipt else { panic!("{receipt:?}") };
    assert!(reason.contains("cannot be read"), "{reason}");
    std::fs::write(&path, format!("http://{address}/ok\n")).unwrap();
    assert_eq!(senders.send(delivery(&setup)).await.receipt, Receipt::Accepted { status: 200 });
    std::fs::write(&path, "SECRET").unwrap();
    let receipt = senders.send(delivery(&setup)).await;
    let Receipt::Unsendable { reason } = &receipt.receipt else { panic!("{receipt:?}") };
    assert!(reason.contains("is not a web address") && !reason.contains("SECRET"), "{reason}");
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    // 2015-10-21T07:28:00Z
    let date = Timestamp::from_secs(1_445_412_480);
    let check = |text: &str, want: Option<i64>| {
        assert_eq!(
            parse_retry_after(text, date - TimeDelta::MINUTE),
            want.map(TimeDelta::from_secs),
            "{text}"
        );
    };
    check("120", Some(120));
    check(" 0 ", Some(0));
    check("Wed, 21 Oct 2015 07:28:00 GMT", Some(60));
    check("Wed, 21 Oct 2015 07:20:00 GMT", Some(0));
    check("soon", None);
    check("-5", None);
    check("99999999999999999999", None);
}
