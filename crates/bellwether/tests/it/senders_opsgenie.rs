//! Calls to Opsgenie: the key, their order, and what answers mean.

use bellwether::senders::Senders;
use bellwether_alerts::{Next, Reason, Receipt};

use crate::senders_fake::{Fake, delivery, next, refused, says, send, setup};

#[tokio::test]
async fn every_call_carries_the_key_and_goes_where_it_belongs() {
    let fake = Fake::start().await;
    let setup = setup(&format!(
        "opsgenie_configs: [{{api_url: 'http://{}/api', api_key: '{{{{ .GroupLabels.job }}}}-K3Y', update_alerts: true}}]",
        fake.address
    ));
    let senders = Senders::new(setup.clone());
    let first = delivery(&setup);
    let outcome = senders.send(first.clone()).await;
    assert_eq!((outcome.receipt.clone(), outcome.parts_accepted), (Receipt::Accepted { status: 200 }, 3));
    let mut calls = fake.seen();
    for reason in [Reason::Acknowledged, Reason::Unacknowledged, Reason::AllResolved] {
        senders.send(next(&setup, &first, &outcome, reason)).await;
        calls.extend(fake.seen());
    }
    let alias = calls[0].json()["alias"].as_str().unwrap().to_owned();
    let lines: Vec<String> = calls.iter().map(|call| format!("{} {}", call.method, call.uri)).collect();
    let on_alert = |call: &str| format!("/api/v2/alerts/{alias}/{call}?identifierType=alias");
    assert_eq!(
        lines,
        [
            "POST /api/v2/alerts".to_owned(),
            format!("PUT {}", on_alert("message")),
            format!("PUT {}", on_alert("description")),
            format!("POST {}", on_alert("acknowledge")),
            format!("POST {}", on_alert("unacknowledge")),
            format!("POST {}", on_alert("close")),
        ]
    );
    assert!(calls.iter().all(|call| call.header("authorization") == "GenieKey login-K3Y"));
    let keys: Vec<&str> = calls.iter().map(|call| call.header("idempotency-key")).collect();
    assert_eq!((keys[0], keys[2]), (&*format!("{}.1", first.key), &*format!("{}.3", first.key)));
    assert_eq!(calls[3].json()["user"], "ann");
}

#[tokio::test]
async fn a_call_that_fails_holds_up_those_behind_it_and_is_the_only_one_repeated() {
    let fake = Fake::start().await;
    let setup = setup(&format!(
        "opsgenie_configs: [{{api_url: 'http://{}/', api_key: K3Y-K3Y, update_alerts: true}}]",
        fake.address
    ));
    let senders = Senders::new(setup.clone());
    fake.will_say([says(202, "{}"), says(503, "down")]);
    let mut delivery = delivery(&setup);
    let outcome = senders.send(delivery.clone()).await;
    assert_eq!((outcome.receipt, outcome.parts_accepted), (refused(503, "down", None), 1));
    assert_eq!(fake.seen().len(), 2);
    delivery.parts_accepted = outcome.parts_accepted;
    let outcome = senders.send(delivery).await;
    assert_eq!(outcome.parts_accepted, 3);
    let calls: Vec<String> = fake.seen().iter().map(|call| call.method.to_string()).collect();
    assert_eq!(calls, ["PUT", "PUT"]);
}

#[tokio::test]
async fn answers_become_receipts() {
    let fake = Fake::start().await;
    let check = async |answer, want: Receipt, next: Next| {
        fake.will_say([answer]);
        let outcome =
            send(&format!("opsgenie_configs: [{{api_url: 'http://{}/', api_key: K3Y-K3Y}}]", fake.address))
                .await;
        assert_eq!(outcome.receipt, want);
        assert_eq!(outcome.receipt.next(), next, "{want:?}");
    };
    check(says(202, "{}"), Receipt::Accepted { status: 202 }, Next::Done).await;
    check(says(401, "K3Y-K3Y is unknown"), refused(401, "<secret> is unknown", None), Next::Final).await;
    check(says(422, "no"), refused(422, "no", None), Next::Final).await;
    check(says(429, "slow"), refused(429, "slow", None), Next::Again { after: None }).await;
    check(says(500, ""), refused(500, "", None), Next::Again { after: None }).await;
}
