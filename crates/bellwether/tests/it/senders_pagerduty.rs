//! Events to PagerDuty: the key, and what answers mean.

use bellwether_alerts::{Next, Receipt};

use crate::senders_fake::{Fake, refused, says, send};

#[tokio::test]
async fn the_key_travels_with_the_event_and_is_nowhere_else() {
    let fake = Fake::start().await;
    let check = async |key: &str, field: &str, want: &str| {
        let outcome =
            send(&format!("pagerduty_configs: [{{url: 'http://{}/x', {key}}}]", fake.address)).await;
        assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
        let seen = fake.seen().remove(0);
        assert_eq!(seen.uri.path(), "/x");
        assert_eq!(seen.header("content-type"), "application/json");
        let event = seen.json();
        assert_eq!(event[field], want);
        assert!(event["event_action"] == "trigger" || event["event_type"] == "trigger", "{event}");
    };
    check("routing_key: R0UT1NG", "routing_key", "R0UT1NG").await;
    check("service_key: S3RV1CE", "service_key", "S3RV1CE").await;
    check(
        "routing_key: '{{ .GroupLabels.job }}-{{ .CommonLabels.alertname }}'",
        "routing_key",
        "login-SlowLogin",
    )
    .await;
    let path = std::env::temp_dir().join(format!("bellwether-routing-key-{}", std::process::id()));
    std::fs::write(&path, "from a file\n").unwrap();
    check(&format!("routing_key_file: '{}'", path.display()), "routing_key", "from a file").await;
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn a_key_that_is_missing_or_fails_is_said_without_it() {
    let fake = Fake::start().await;
    let check = async |key: &str, want: &str| {
        let outcome = send(&format!("pagerduty_configs: [{{url: 'http://{}/', {key}}}]", fake.address)).await;
        assert_eq!(outcome.receipt, Receipt::Unsendable { reason: want.to_owned() });
    };
    check("routing_key: '{{ .CommonLabels.nosuch }}'", "routing_key is empty").await;
    check("routing_key: '{{ template \"S3CRET\" }}'", "the template of routing_key cannot be rendered").await;
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn answers_become_receipts() {
    let fake = Fake::start().await;
    let check = async |key: &str, answer, want: Receipt, next: Next| {
        fake.will_say([answer]);
        let outcome =
            send(&format!("pagerduty_configs: [{{url: 'http://{}/', {key}: K3Y-K3Y}}]", fake.address)).await;
        assert_eq!(outcome.receipt, want, "{key}");
        assert_eq!(outcome.receipt.next(), next, "{want:?}");
    };
    let again = || Next::Again { after: None };
    check(
        "routing_key",
        says(202, "{\"status\":\"success\"}"),
        Receipt::Accepted { status: 202 },
        Next::Done,
    )
    .await;
    let invalid = "{\"message\":\"Event object is invalid\",\"errors\":[\"K3Y-K3Y is no key\"]}";
    let shown = invalid.replace("K3Y-K3Y", "<secret>");
    check("routing_key", says(400, invalid), refused(400, &shown, None), Next::Final).await;
    check("routing_key", says(403, "no"), refused(403, "no", None), Next::Final).await;
    check("routing_key", says(429, ""), refused(429, "", None), again()).await;
    check("routing_key", says(500, ""), refused(500, "", None), again()).await;
    let later = bellwether_model::TimeDelta::from_secs(30);
    check(
        "routing_key",
        says(429, "").with("retry-after", "30"),
        refused(429, "", Some(30)),
        Next::Again { after: Some(later) },
    )
    .await;
    let limited = "too many (its status was 403)";
    check("service_key", says(403, "too many"), refused(429, limited, None), again()).await;
    check("service_key", says(400, "bad"), refused(400, "bad", None), Next::Final).await;
}
