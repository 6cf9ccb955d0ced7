//! The page of silences: what they hide, and making, changing, importing them.

use bellwether_model::TimeDelta;

use crate::ask::{get, post};
use crate::fake::{Fake, Mood, NOW};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");
const ACTIVE: &str = "6b1f0e9c-0000-4000-8000-000000000001";
const OVER: &str = "6b1f0e9c-0000-4000-8000-000000000002";

async fn text(path: &str) -> String {
    get(Mood::Busy, path).await.text().replace('\u{a0}', " ")
}

#[tokio::test]
async fn a_silence_that_ends_soon_while_it_hides_something_says_so() {
    let text = text("/silences").await;
    assert!(text.contains("Ends in 12 m while it hides 1 firing alert"), "{text}");
    assert_eq!(text.matches("while it hides").count(), 1, "the other ends in an hour");
    assert!(text.contains("href=\"/alerts/00000000000000b6\""), "what it hides is linked");
}

#[tokio::test]
async fn the_preview_says_what_would_be_hidden_or_what_is_wrong() {
    let check = async |matchers: &str, expected: &str| {
        let text = text(&format!("/silences/preview?matchers={matchers}")).await;
        assert!(text.contains(expected) && !text.contains("<html"), "{matchers}: {text}");
    };
    check("alertname%3DInstanceDown", "Would hide 40 alerts now").await;
    check("alertname%3DInstanceDown", "and 30 more").await;
    check("alertname%3DCacheCold", "nothing that fires or is pending matches").await;
    check("alertname%3D~%22.*%22", "This would hide everything").await;
    check("nonsense", "is not a matcher").await;
    assert_eq!(text("/silences/preview?matchers=").await, "");
}

#[tokio::test]
async fn what_was_typed_is_still_there_after_asking_what_it_would_hide() {
    let path = "/silences?matchers=a%3D%22b%22&by=ana&comment=a+%22reason%22&for=8h&until=2026-11-22T10%3A00";
    let text = text(path).await;
    for phrase in [
        "value=\"ana\"",
        "value=\"a &quot;reason&quot;\"",
        "<option value=\"8h\" selected>",
        "2026-11-22T10:00",
    ] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
}

#[tokio::test]
async fn a_silence_is_changed_prolonged_or_made_anew() {
    let check = async |path: &str, form: &str, id: Option<&str>, starts: i64, ends: i64| {
        let app = Fake::new(Mood::Busy);
        let answer = post(&app, path, SAME, form).await;
        assert_eq!(answer.status.as_u16(), 303, "{path} {form}: {}", answer.text());
        let added = app.added.lock().unwrap();
        let (starts_at, ends_at) = ((added[0].starts_at - NOW).0 / 1000, (added[0].ends_at - NOW).0 / 1000);
        assert_eq!((added[0].id.as_deref(), starts_at, ends_at), (id, starts, ends), "{path} {form}");
        assert_eq!(added[0].annotations.contains_key("ticket"), id.is_some(), "they stay: {path} {form}");
    };
    let rest = "matchers=a%3Db&by=ana&comment=c";
    check("/silences", &format!("{rest}&for=1h"), None, 0, 3600).await;
    check("/silences", &format!("{rest}&for=&id={ACTIVE}"), Some(ACTIVE), -7200, 3600).await;
    check("/silences", &format!("{rest}&for=30m&id={ACTIVE}"), Some(ACTIVE), -7200, 1800).await;
    check("/silences", &format!("{rest}&for=30m&id={OVER}"), Some(OVER), 0, 1800).await;
    let from = "from=2026-11-21T03%3A25&until=2026-11-21T04%3A25";
    check("/silences", &format!("{rest}&for=30m&{from}"), None, 3592, 7192).await;
    check("/silences", &format!("{rest}&for=30m&from=2026-11-21T03%3A25"), None, 3592, 5392).await;
    check(&format!("/silences/{ACTIVE}/extend"), "for=1h", Some(ACTIVE), -7200, 7200).await;
    let over = post(&Fake::new(Mood::Busy), &format!("/silences/{OVER}/extend"), SAME, "for=1h").await;
    assert_eq!(over.status.as_u16(), 404);
    let wrong = post(&Fake::new(Mood::Busy), "/silences", SAME, &format!("{rest}&for=1h&from=soon")).await;
    assert!(wrong.text().contains("is no moment"), "{}", wrong.text());
}

#[tokio::test]
async fn silences_are_imported_as_amtool_writes_them() {
    let encode = |json: &str| json.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let app = Fake::new(Mood::Busy);
    let json = r#"[
        {"id":"x","matchers":[{"name":"a","value":"b.*","isRegex":true,"isEqual":true}],"startsAt":"2026-11-21T02:00:00.000Z",
         "endsAt":"2026-11-21T12:00:00.000Z","createdBy":"sam","comment":"rack","annotations":{"ticket":"OPS-7","empty":null},"status":{"state":"active"},"updatedAt":"2026-11-21T02:00:00.000Z"},
        {"matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":"2026-11-20T02:00:00Z","endsAt":"2026-11-20T03:00:00Z"},
        {"matchers":[{"name":"a","value":"(","isRegex":true}],"startsAt":"2026-11-21T02:00:00Z","endsAt":"2026-11-21T12:00:00Z"}]"#;
    let answer = post(&app, "/silences/import", SAME, &format!("by=ana&json={}", encode(json))).await;
    let text = answer.text();
    for phrase in ["Imported 1 silence", "1 silence left out", "silence 3: "] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    let added = app.added.lock().unwrap().clone();
    assert_eq!((added.len(), added[0].id.as_ref(), added[0].created_by.as_str()), (1, None, "sam"));
    assert_eq!(added[0].matchers[0].to_string(), "a=~\"b.*\"");
    let said: Vec<_> =
        added[0].annotations.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(said, [("empty", ""), ("ticket", "OPS-7")]);
    assert_eq!(added[0].ends_at - NOW, TimeDelta::from_secs(34_492));
    let wrong = post(&app, "/silences/import", SAME, "json=%7B").await;
    assert_eq!(wrong.status.as_u16(), 400);
    assert!(wrong.text().contains("this is no list of silences"));
}

#[tokio::test]
async fn an_import_by_hand_makes_new_silences_names_whoever_imports_and_skips_only_what_is_wrong() {
    let encode = |json: &str| json.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let app = Fake::new(Mood::Busy);
    let rest = r#""matchers":[{"name":"a","value":"b","isRegex":false}],"startsAt":null,"endsAt":"2026-11-21 12:00:00"#;
    let json = format!(
        r#"[7, {{"id":"{ACTIVE}",{rest}+01:00","createdBy":" "}}, {{"endsAt":"soon"}}, {{{rest}","createdBy":"sam","comment":"rack"}}]"#
    );
    let answer = post(&app, "/silences/import", SAME, &format!("by=ana&json={}", encode(&json))).await;
    let text = answer.text();
    for phrase in ["Imported 2 silences", "2 problems", "silence 1: ", "silence 3: ", "is not a time"] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    let added = app.added.lock().unwrap().clone();
    let made: Vec<_> = added.iter().map(|s| (s.id.as_deref(), s.created_by.as_str(), s.starts_at)).collect();
    assert_eq!(made, [(None, "ana", NOW), (None, "sam", NOW)]);
    assert_eq!(added[1].ends_at - added[0].ends_at, TimeDelta::HOUR);
    let many = format!("[{}]", vec!["{}"; 5001].join(","));
    let answer = post(&app, "/silences/import", SAME, &format!("json={}", encode(&many))).await;
    assert!(answer.text().contains("5001 silences are more than 5000 at once"), "{}", answer.text());
}
