//! Slack over HTTP: one message per group and its thread, and what answers mean.

use bellwether::senders::Senders;
use bellwether_alerts::{Delivery, Next, Outcome, Reason, Receipt, Setup, Thread};
use bellwether_model::TimeDelta;

use crate::senders_fake::{Fake, delivery, next, refused, says, send, setup};

fn kept(fake: &Fake) -> Setup {
    setup(&format!(
        "slack_configs: [{{app_url: 'http://{}/api/chat.postMessage', app_token: xoxb-S3CRET, channel: '#ops', \
         update_message: true, send_resolved: true}}]",
        fake.address
    ))
}

fn posted(ts: &str) -> String {
    format!("{{\"ok\":true,\"channel\":\"C1\",\"ts\":\"{ts}\",\"message\":{{}}}}")
}

fn no(error: &str) -> String {
    format!("{{\"ok\":false,\"error\":\"{error}\"}}")
}

/// The first message of a group has been posted.
async fn told_once(fake: &Fake) -> (Setup, Senders, Delivery, Outcome) {
    let setup = kept(fake);
    let senders = Senders::new(setup.clone());
    let first = delivery(&setup);
    fake.will_say([says(200, posted("1.5"))]);
    let outcome = senders.send(first.clone()).await;
    (setup, senders, first, outcome)
}

fn thread(pairs: &[(&str, &str)]) -> Thread {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_group_has_one_message_and_a_thread() {
    let fake = Fake::start().await;
    let (setup, senders, first, outcome) = told_once(&fake).await;
    let firing = first.notification.alerts[0].alert.fingerprint().to_string();
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
    let kept_thread = thread(&[("ts", "1.5"), ("channel", "C1"), ("asked", "#ops"), ("firing", &firing)]);
    assert_eq!(outcome.thread, kept_thread);
    let seen = fake.seen().remove(0);
    assert_eq!(seen.uri.path(), "/api/chat.postMessage");
    assert_eq!(seen.header("authorization"), "Bearer xoxb-S3CRET");
    assert_eq!(seen.header("content-type"), "application/json; charset=utf-8");
    assert_eq!(seen.json()["channel"], "#ops");

    fake.will_say([says(200, posted("1.5")), says(200, posted("1.7"))]);
    let outcome = senders.send(next(&setup, &first, &outcome, Reason::Acknowledged)).await;
    assert_eq!((outcome.parts_accepted, outcome.thread.clone()), (2, kept_thread));
    let seen = fake.seen();
    assert_eq!(seen[0].uri.path(), "/api/chat.update");
    assert_eq!((&seen[0].json()["ts"], &seen[0].json()["channel"]), (&"1.5".into(), &"C1".into()));
    assert_eq!(seen[0].json()["attachments"][0]["fields"][0]["value"], "ann: mine");
    assert_eq!(seen[1].uri.path(), "/api/chat.postMessage");
    assert_eq!(seen[1].json()["thread_ts"], "1.5");
    assert_eq!(seen[1].json()["text"], "*ann has it*: mine");

    fake.will_say([says(200, posted("1.5")), says(200, posted("1.8"))]);
    let outcome = senders.send(next(&setup, &first, &outcome, Reason::AllResolved)).await;
    assert_eq!(outcome.thread["firing"], "");
    assert_eq!(fake.seen()[0].json()["attachments"][0]["color"], "good");
}

#[tokio::test]
async fn a_message_that_was_deleted_is_posted_anew_and_the_thread_follows_it() {
    let fake = Fake::start().await;
    let (setup, senders, first, outcome) = told_once(&fake).await;
    fake.seen();
    fake.will_say([says(200, no("message_not_found")), says(200, posted("2.5")), says(200, posted("2.6"))]);
    let outcome = senders.send(next(&setup, &first, &outcome, Reason::Repeat)).await;
    assert_eq!((outcome.receipt, outcome.parts_accepted), (Receipt::Accepted { status: 200 }, 2));
    assert_eq!(outcome.thread["ts"], "2.5");
    let seen = fake.seen();
    assert!(seen[1].json().get("ts").is_none());
    assert_eq!(seen[1].json()["channel"], "#ops");
    assert_eq!(seen[2].json()["thread_ts"], "2.5");
}

#[tokio::test]
async fn a_reply_that_is_limited_is_repeated_alone() {
    let fake = Fake::start().await;
    let (setup, senders, first, outcome) = told_once(&fake).await;
    let mut again = next(&setup, &first, &outcome, Reason::Repeat);
    fake.will_say([says(200, posted("1.5")), says(429, no("ratelimited")).with("retry-after", "1")]);
    let outcome = senders.send(again.clone()).await;
    assert_eq!(outcome.parts_accepted, 1);
    assert_eq!(outcome.receipt.next(), Next::Again { after: Some(TimeDelta::SECOND) });
    fake.seen();
    again.parts_accepted = 1;
    fake.will_say([says(200, posted("1.9"))]);
    let outcome = senders.send(again).await;
    assert_eq!((outcome.receipt, outcome.thread["ts"].as_str()), (Receipt::Accepted { status: 200 }, "1.5"));
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_200_is_not_yet_a_yes() {
    let fake = Fake::start().await;
    let ask = async |config: &str, answer: &str| -> Outcome {
        fake.will_say([says(200, answer)]);
        send(&format!("slack_configs: [{{{config}}}]")).await
    };
    let app = format!("app_url: 'http://{}/', app_token: xoxb-S3CRET, channel: c", fake.address);
    let hook = format!("api_url: 'http://{}/'", fake.address);
    let check = async |config: &str, answer: &str, want: Receipt, next: Next| {
        let outcome = ask(config, answer).await;
        assert_eq!(outcome.receipt, want, "{answer}");
        assert_eq!(outcome.receipt.next(), next, "{answer}");
    };
    let again = || Next::Again { after: None };
    let was = |word: &str| format!("{word} (its status was 200)");
    check(&app, &posted("1"), Receipt::Accepted { status: 200 }, Next::Done).await;
    check(&app, &no("channel_not_found"), refused(200, "channel_not_found", None), Next::Final).await;
    check(&app, &no("invalid_auth"), refused(200, "invalid_auth", None), Next::Final).await;
    check(&app, &no("ratelimited"), refused(429, &was("ratelimited"), None), again()).await;
    check(&app, &no("internal_error"), refused(503, &was("internal_error"), None), again()).await;
    check(&app, &no("fatal_error"), refused(503, &was("fatal_error"), None), again()).await;
    check(&app, &no("service_unavailable"), refused(503, &was("service_unavailable"), None), again()).await;
    check(&app, "ok", refused(502, &was("ok"), None), again()).await;
    check(&app, "<html>Log in</html>", refused(502, &was("<html>Log in</html>"), None), again()).await;
    check(&app, &no("xoxb-S3CRET is bad"), refused(200, "<secret> is bad", None), Next::Final).await;
    check(&hook, "ok", Receipt::Accepted { status: 200 }, Next::Done).await;
    check(&hook, "no_service", refused(200, "no_service", None), Next::Final).await;
    check(&hook, &no("channel_is_archived"), refused(200, "channel_is_archived", None), Next::Final).await;
    check(&hook, "<html>Log in</html>", refused(502, &was("<html>Log in</html>"), None), again()).await;
}

#[tokio::test]
async fn a_token_may_stand_in_a_file_in_the_http_settings_or_under_global() {
    let fake = Fake::start().await;
    let path = std::env::temp_dir().join(format!("bellwether-slack-token-{}", std::process::id()));
    std::fs::write(&path, "xoxb-file\n").unwrap();
    let url = format!("http://{}/api/chat.postMessage", fake.address);
    let check = async |config: &str, want: &str| {
        fake.will_say([says(200, posted("1"))]);
        let outcome = send(&format!("slack_configs: [{{channel: c, {config}}}]")).await;
        assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 }, "{config}");
        assert_eq!(fake.seen()[0].header("authorization"), want);
    };
    check(&format!("app_url: '{url}', app_token_file: '{}'", path.display()), "Bearer xoxb-file").await;
    std::fs::remove_file(&path).unwrap();
    let before = format!("api_url: '{url}', http_config: {{authorization: {{credentials: xoxb-old}}}}");
    check(&before, "Bearer xoxb-old").await;
}
