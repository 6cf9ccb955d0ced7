//! Webhooks over HTTP: addresses that are secret, signatures, and how long to wait.

use bellwether_alerts::Receipt;
use ring::hmac;

use crate::senders_fake::{Fake, refused, says, send};

#[tokio::test]
async fn an_address_may_be_a_template_and_is_never_shown() {
    let fake = Fake::start().await;
    let base = format!("http://{}", fake.address);
    let outcome =
        send(&format!("webhook_configs: [{{url: '{base}/{{{{ .GroupLabels.job }}}}?token=T0K3N-0123456'}}]"))
            .await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
    assert_eq!(fake.seen()[0].uri, "/login?token=T0K3N-0123456");
    fake.will_say([says(400, "/login with T0K3N-0123456 is bad")]);
    let outcome =
        send(&format!("webhook_configs: [{{url: '{base}/{{{{ .GroupLabels.job }}}}?token=T0K3N-0123456'}}]"))
            .await;
    assert_eq!(outcome.receipt, refused(400, "/login with <secret> is bad", None));
    let path = std::env::temp_dir().join(format!("bellwether-webhook-url-{}", std::process::id()));
    std::fs::write(&path, format!("{base}/file/{{{{ .GroupLabels.job }}}}\n")).unwrap();
    let outcome = send(&format!("webhook_configs: [{{url_file: '{}'}}]", path.display())).await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
    assert_eq!(fake.seen()[1].uri, "/file/login");
    let outcome = send("webhook_configs: [{url: '{{ .GroupLabels.job }}'}]").await;
    let reason =
        "the configured address is not a web address; it must begin with https:// or http://".to_owned();
    assert_eq!(outcome.receipt, Receipt::Unsendable { reason });
}

#[tokio::test]
async fn a_signed_message_can_be_verified_with_the_secret() {
    let fake = Fake::start().await;
    let path = std::env::temp_dir().join(format!("bellwether-signing-{}", std::process::id()));
    std::fs::write(&path, "wh1sper\n").unwrap();
    for field in ["signing_secret: wh1sper".to_owned(), format!("signing_secret_file: '{}'", path.display())]
    {
        let outcome = send(&format!("webhook_configs: [{{url: 'http://{}/', {field}}}]", fake.address)).await;
        assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
        let seen = fake.seen().remove(0);
        let moment = seen.header("x-bellwether-timestamp");
        let signature = seen.header("x-bellwether-signature").strip_prefix("v1=").unwrap();
        let bytes: Vec<u8> = (0..signature.len() / 2)
            .map(|n| u8::from_str_radix(&signature[2 * n..2 * n + 2], 16).unwrap())
            .collect();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"wh1sper");
        let signed = |body: &str| hmac::verify(&key, format!("{moment}.{body}").as_bytes(), &bytes).is_ok();
        assert!(signed(&seen.body));
        assert!(!signed(&seen.body.replace("login", "logout")));
        let age = jiff::Timestamp::now().as_second() - moment.parse::<i64>().unwrap();
        assert!((0..60).contains(&age), "{age}");
        assert!(!seen.body.contains("wh1sper"));
    }
    std::fs::remove_file(&path).unwrap();
    let outcome = send(&format!("webhook_configs: [{{url: 'http://{}/'}}]", fake.address)).await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 200 });
    assert_eq!(fake.seen()[0].header("x-bellwether-signature"), "");
}

#[tokio::test]
async fn how_long_to_wait_is_understood_however_it_is_said() {
    let fake = Fake::start().await;
    let check = async |header, value: &str, want: Option<i64>| {
        fake.will_say([says(429, "").with(header, value)]);
        let outcome = send(&format!("webhook_configs: [{{url: 'http://{}/'}}]", fake.address)).await;
        assert_eq!(outcome.receipt, refused(429, "", want), "{header}: {value}");
    };
    check("retry-after", "7", Some(7)).await;
    check("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT", Some(0)).await;
    check("x-ratelimit-reset-after", "3", Some(3)).await;
    check("x-ratelimit-reset", "12", Some(12)).await;
    check("ratelimit-reset", "5", Some(5)).await;
    check("x-ratelimit-reset", "1445412480", Some(0)).await;
    check("x-ratelimit-reset", "1445412480000", Some(0)).await;
    check("x-ratelimit-reset", "soon", None).await;
    check("x-ratelimit-reset", "-1", None).await;
    check("x-ratelimit-reset", "NaN", None).await;
}
