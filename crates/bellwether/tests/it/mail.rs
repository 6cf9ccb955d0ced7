//! Mail against a server of our own: what is said to it, in which order, under which encryption, and what its answers
//! come to.

use bellwether::senders::Senders;
use bellwether_alerts::{Next, Outcome, Receipt};

use crate::fake_smtp::FakeSmtp;
use crate::forged::{Forged, certificate_until};
use crate::process::Folder;
use crate::told;

fn forged() -> Forged {
    certificate_until("20400101000000Z")
}

/// Settings as they stand in the file, for a server at this address.
fn yaml(address: &str, more: &str) -> String {
    format!(
        "email_configs: [{{to: 'Ann <ann@example.org>, bob@example.org', from: 'Bellwether <bw@example.org>', \
         smarthost: '{address}'{more}}}]"
    )
}

async fn send(fake: &FakeSmtp, more: &str) -> Outcome {
    let setup = told::setup(&yaml(&fake.open().await, more));
    let alert = told::alert(&[("severity", "critical")], &[("summary", "logins are slow")]);
    let delivery = told::delivery(&setup, alert);
    Senders::new(setup).send(delivery).await
}

const PLAIN: &str = ", require_tls: false";

#[tokio::test]
async fn a_mail_is_text_first_then_the_page_with_headers_that_say_what_it_is() {
    let fake = FakeSmtp::default();
    let outcome = send(&fake, &format!("{PLAIN}, threading: {{enabled: true, thread_by_date: daily}}")).await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 250 });
    assert_eq!(outcome.parts_accepted, 1);
    let said = fake.commands();
    assert_eq!(
        said[..4],
        [
            "EHLO localhost",
            "MAIL FROM:<bw@example.org>",
            "RCPT TO:<ann@example.org>",
            "RCPT TO:<bob@example.org>"
        ]
    );
    let message = &fake.messages()[0];
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let unfolded = head.replace("\r\n ", " ");
        let line = unfolded.lines().find(|line| line.starts_with(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {head}"))[name.len() + 2..].to_owned()
    };
    assert_eq!(header("From"), "Bellwether <bw@example.org>");
    assert_eq!(header("To"), "Ann <ann@example.org>, bob@example.org");
    assert_eq!(header("Subject"), "[FIRING:1] HighLatency (critical)");
    assert_eq!(header("Date"), "Fri, 01 Jan 2027 00:00:00 +0000");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert_eq!(header("In-Reply-To"), header("References"));
    assert!(header("References").ends_with(".2027-01-01@bellwether>"), "{head}");
    assert!(header("Message-ID").ends_with("@example.org>"), "{head}");
    assert!(header("Content-Type").starts_with("multipart/alternative"), "{head}");
    let places: Vec<_> = ["text/plain", "logins are slow", "text/html", "<!DOCTYPE html>"]
        .map(|text| body.find(text).unwrap_or_else(|| panic!("no {text} in {body}")))
        .into();
    assert!(places.is_sorted(), "{body}");
}

#[tokio::test]
async fn a_message_sent_twice_carries_the_same_identity() {
    let fake = FakeSmtp::default();
    let setup = told::setup(&yaml(&fake.open().await, PLAIN));
    let delivery = told::delivery(&setup, told::alert(&[], &[]));
    let senders = Senders::new(setup);
    senders.send(delivery.clone()).await;
    senders.send(delivery).await;
    let id = |message: &String| message.lines().find(|l| l.starts_with("Message-ID")).unwrap().to_owned();
    let messages = fake.messages();
    assert_eq!((messages.len(), id(&messages[0])), (2, id(&messages[1])));
}

#[tokio::test]
async fn labels_become_no_headers_and_no_markup() {
    let fake = FakeSmtp::default();
    let setup = told::setup(&yaml(
        &fake.open().await,
        ", require_tls: false, headers: {Subject: '{{ .CommonLabels.job }} ü', X-Team: '{{ .CommonLabels.job }}'}",
    ));
    let hostile = "x\r\nBcc: eve@example.org\r\n\r\n<script>alert(1)</script>\r\n.\r\nRSET";
    let alert =
        told::alert(&[("job", hostile)], &[("summary", hostile), ("runbook_url", "javascript:alert(1)")]);
    let outcome = Senders::new(setup.clone()).send(told::delivery(&setup, alert)).await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 250 });
    let message = &fake.messages()[0];
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
    assert!(head.contains("Subject: x Bcc: eve@example.org"), "{head}");
    assert!(head.contains("=?utf-8?"), "{head}");
    let page = body.split("text/html").nth(1).unwrap();
    assert!(!page.contains("<script>") && !page.contains("javascript:"), "{page}");
    assert!(fake.commands().iter().all(|c| c != "RSET"), "{:?}", fake.commands());
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_unless_that_is_written() {
    let fake = FakeSmtp { offers: vec!["AUTH PLAIN LOGIN"], ..FakeSmtp::default() };
    let outcome = send(&fake, ", auth_username: u, auth_password: SECRET1").await;
    let Receipt::Unsendable { reason } = &outcome.receipt else { panic!("{outcome:?}") };
    assert!(
        reason.contains("offers no STARTTLS, and require_tls is true (the default): nothing was sent"),
        "{reason}"
    );
    assert!(
        fake.commands().iter().all(|c| !c.contains("AUTH") && !c.contains("MAIL")),
        "{:?}",
        fake.commands()
    );
}

#[tokio::test]
async fn with_starttls_everything_after_it_is_encrypted() {
    let (forged, folder) = (forged(), Folder::new("mail-starttls"));
    let ca = folder.write("ca.pem", &forged.pem());
    let fake = FakeSmtp::with_starttls(&forged);
    let tls = format!(", tls_config: {{ca_file: '{}'}}, auth_username: u, auth_password: p", ca.display());
    let outcome = send(&fake, &tls).await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 250 }, "{:?}", fake.commands());
    let said = fake.commands();
    assert_eq!(said[..2], ["EHLO localhost", "STARTTLS"]);
    assert!(said[2..].iter().all(|command| command.starts_with("(tls) ")), "{said:?}");
    assert!(said.iter().any(|command| command == "(tls) AUTH PLAIN AHUAcA=="), "{said:?}");
    // The same server without the file is a stranger.
    let outcome = send(&FakeSmtp::with_starttls(&forged), "").await;
    let Receipt::Unreachable { reason } = &outcome.receipt else { panic!("{outcome:?}") };
    assert!(reason.contains("certificate"), "{reason}");
    let skips = ", tls_config: {insecure_skip_verify: true}";
    assert_eq!(
        send(&FakeSmtp::with_starttls(&forged), skips).await.receipt,
        Receipt::Accepted { status: 250 }
    );
}

#[tokio::test]
async fn with_implicit_encryption_the_first_word_is_encrypted() {
    let (forged, folder) = (forged(), Folder::new("mail-implicit"));
    let ca = folder.write("ca.pem", &forged.pem());
    let fake = FakeSmtp { implicit: Some(forged.acceptor(b"")), ..FakeSmtp::default() };
    let tls = format!(", force_implicit_tls: true, tls_config: {{ca_file: '{}'}}", ca.display());
    assert_eq!(send(&fake, &tls).await.receipt, Receipt::Accepted { status: 250 });
    assert!(fake.commands().iter().all(|command| command.starts_with("(tls) ")), "{:?}", fake.commands());
}

#[tokio::test]
async fn who_we_are_is_said_in_the_way_the_server_prefers() {
    let check = async |offer: &'static str, more: &str, want: &[&str]| {
        let fake = FakeSmtp { offers: vec![offer], ..FakeSmtp::default() };
        let outcome = send(&fake, &format!("{PLAIN}, auth_username: u{more}")).await;
        assert_eq!(outcome.receipt, Receipt::Accepted { status: 250 }, "{offer}");
        let said = fake.commands();
        let auth = said.iter().skip_while(|c| !c.starts_with("AUTH")).take_while(|c| !c.starts_with("MAIL"));
        assert_eq!(auth.map(String::as_str).collect::<Vec<_>>(), want, "{offer}");
    };
    check("AUTH PLAIN LOGIN", ", auth_password: p", &["AUTH PLAIN AHUAcA=="]).await;
    check("AUTH PLAIN", ", auth_password: p, auth_identity: i", &["AUTH PLAIN aQB1AHA="]).await;
    check("AUTH LOGIN PLAIN", ", auth_password: p", &["AUTH LOGIN", "dQ==", "cA=="]).await;
    // HMAC-MD5 of <1234> with the key s, computed with another program.
    let proof = "dSA4MTFkOGVjYWVlMDM0YzUxMTBjMjAxYTFmODQ4ZWEwMg==";
    check("AUTH CRAM-MD5 PLAIN", ", auth_secret: s", &["AUTH CRAM-MD5", proof]).await;
    check("AUTH XOAUTH2 PLAIN", ", auth_password: p", &["AUTH PLAIN AHUAcA=="]).await;
    check("HELP", ", auth_password: p", &[]).await;
}

#[tokio::test]
async fn a_password_is_shown_nowhere_when_it_is_refused_and_may_be_right_next_time() {
    let refusal = ("AUTH PLAIN", "535 5.7.8 AHUAU0VDUkVUMQ== is not SECRET1");
    let fake = FakeSmtp { offers: vec!["AUTH PLAIN"], answers: vec![refusal], ..FakeSmtp::default() };
    let outcome = send(&fake, ", require_tls: false, auth_username: u, auth_password: SECRET1").await;
    let Receipt::Unsendable { reason } = &outcome.receipt else { panic!("{outcome:?}") };
    assert_eq!(reason, "the mail server refuses who we are (535): 5.7.8 <secret> is not <secret>");
    assert_eq!(outcome.receipt.next(), Next::Again { after: None });
    let fake = FakeSmtp { offers: vec!["AUTH NTLM"], ..FakeSmtp::default() };
    let outcome = send(&fake, ", require_tls: false, auth_username: u, auth_password: SECRET1").await;
    let Receipt::Unsendable { reason } = &outcome.receipt else { panic!("{outcome:?}") };
    assert_eq!(reason, "no way to say who we are: NTLM is not spoken here");
}

#[tokio::test]
async fn what_a_server_answers_decides_what_follows() {
    let check = async |command: &'static str, answer: &'static str, want: Receipt, next: Next| {
        let fake = FakeSmtp { answers: vec![(command, answer)], ..FakeSmtp::default() };
        let receipt = send(&fake, PLAIN).await.receipt;
        assert_eq!((receipt.next(), &receipt), (next, &want), "{command}: {answer}");
    };
    let refused = |code: u16, answer: &str| Receipt::MailRefused { code, answer: answer.to_owned() };
    let again = || Next::Again { after: None };
    check("MAIL", "451 try later", refused(451, "try later"), again()).await;
    check("MAIL", "550 we know you", refused(550, "we know you"), Next::Final).await;
    check("DATA", "554 no", refused(554, "no"), Next::Final).await;
    check(".", "552 too large", refused(552, "too large"), Next::Final).await;
    check(".", "452 full", refused(452, "full"), again()).await;
    check("EHLO", "421 busy", refused(421, "busy"), again()).await;
    let lost = |why: &str| Receipt::Unreachable { reason: format!("the mail server was lost: {why}") };
    check(".", "", lost("incomplete response"), again()).await;
    let asks = "the mail server refuses who we are: permanent error (530): say who you are";
    check("MAIL", "530 say who you are", Receipt::Unsendable { reason: asks.to_owned() }, again()).await;
}

#[tokio::test]
async fn one_full_mailbox_keeps_nobody_else_from_hearing_and_is_tried_again_alone() {
    let mut fake = FakeSmtp { answers: vec![("RCPT TO:<bob", "452 mailbox full")], ..FakeSmtp::default() };
    let setup = told::setup(&yaml(&fake.open().await, PLAIN));
    let mut delivery = told::delivery(&setup, told::alert(&[], &[]));
    let outcome = Senders::new(setup).send(delivery.clone()).await;
    let answer = "mailbox full (for bob@example.org; taken for 1 other)".to_owned();
    assert_eq!(outcome.receipt, Receipt::MailRefused { code: 452, answer });
    assert_eq!((fake.messages().len(), outcome.parts_accepted), (1, 0));
    // The core hands back what the last attempt said.
    delivery.thread = outcome.thread;
    fake.answers.clear();
    fake.seen.lock().unwrap().commands.clear();
    let setup = told::setup(&yaml(&fake.open().await, PLAIN));
    let outcome = Senders::new(setup).send(delivery).await;
    assert_eq!(outcome.receipt, Receipt::Accepted { status: 250 });
    let asked: Vec<_> = fake.commands().into_iter().filter(|c| c.starts_with("RCPT")).collect();
    assert_eq!(asked, ["RCPT TO:<bob@example.org>"]);
}

#[tokio::test]
async fn a_recipient_who_is_refused_for_good_is_not_tried_again_while_others_are_told() {
    let fake = FakeSmtp { answers: vec![("RCPT TO:<bob", "550 no such user")], ..FakeSmtp::default() };
    let outcome = send(&fake, PLAIN).await;
    let left_out = "bob@example.org (550 no such user)".to_owned();
    let receipt = Receipt::AcceptedInPart { status: 250, left_out };
    assert_eq!((&outcome.receipt, outcome.parts_accepted, fake.messages().len()), (&receipt, 1, 1));
    assert_eq!(receipt.next(), Next::Done);
    assert_eq!(
        receipt.describe(),
        "accepted with status 250, but not for bob@example.org (550 no such user)"
    );
    let fake = FakeSmtp { answers: vec![("RCPT", "550 no such user")], ..FakeSmtp::default() };
    let outcome = send(&fake, PLAIN).await;
    let answer = "no such user (for ann@example.org)".to_owned();
    assert_eq!(outcome.receipt, Receipt::MailRefused { code: 550, answer });
    assert_eq!((outcome.receipt.next(), fake.messages().len()), (Next::Final, 0));
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_not_left_out_silently() {
    let check = async |to: &str, why: &str| {
        let fake = FakeSmtp::default();
        let address = fake.open().await;
        let yaml = format!(
            "email_configs: [{{to: '{to}', from: bw@example.org, smarthost: '{address}', require_tls: false}}]"
        );
        let setup = told::setup(&yaml);
        let receipt =
            Senders::new(setup.clone()).send(told::delivery(&setup, told::alert(&[], &[]))).await.receipt;
        assert_eq!(receipt, Receipt::Unsendable { reason: why.to_owned() }, "{to}");
        assert_eq!(fake.messages(), Vec::<String>::new());
    };
    check("ann@example.org bob@example.org", "to: \"ann@example.org bob@example.org\" is no mail address")
        .await;
    check("{{ .CommonLabels.nobody }}", "to names nobody").await;
    check("ann@example.org, {{ .CommonLabels.alertname }}", "to: \"HighLatency\" is no mail address").await;
}
