//! The pages about what is sent: the ledger, one message, receivers and drills, statistics.

use crate::ask::{get, post};
use crate::fake::{Fake, Mood};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn text(path: &str) -> String {
    get(Mood::Busy, path).await.text().replace('\u{a0}', " ")
}

/// The ids of the messages of a page, and the address of the next one.
async fn rows(path: &str) -> (Vec<String>, Option<String>) {
    let text = text(path).await;
    let ids = text.split("<th scope=\"row\" data-k=\"Receiver\"><a href=\"/deliveries/").skip(1);
    let next = text.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next());
    let first = |rest: &str| rest.split('"').next().unwrap_or_default().to_owned();
    (ids.map(first).collect(), next.map(|href| href.replace("&amp;", "&")))
}

#[tokio::test]
async fn pages_of_the_ledger_leave_nothing_out_and_repeat_nothing() {
    let (mut all, mut next) = rows("/deliveries").await;
    assert_eq!(all.len(), 50);
    let mut pages = 1;
    while let Some(href) = next {
        let (ids, after) = rows(&href).await;
        all.extend(ids);
        (next, pages) = (after, pages + 1);
    }
    let mut expected = vec!["k1".to_owned(), "k2".to_owned()];
    expected.extend((0..130).map(|n| format!("old{n}")));
    assert_eq!((all, pages), (expected, 3));
}

#[tokio::test]
async fn the_ledger_is_filtered_by_the_address() {
    assert_eq!(rows("/deliveries?receiver=team-slack").await.0, ["k2"]);
    assert_eq!(rows("/deliveries?within=1h").await.0.len(), 5);
    assert_eq!(rows("/deliveries?outcome=failed").await.0.len(), 0);
    assert!(text("/deliveries?outcome=failed").await.contains("No notification matches"));
    assert!(get(Mood::Healthy, "/deliveries").await.text().contains("bellwether drill --all"));
}

#[tokio::test]
async fn a_message_shows_every_attempt_and_what_was_sent() {
    let text = text("/deliveries/k2").await;
    for phrase in
        ["no connection within 5 s", "Attempt 2: <b>500</b> not accepted", "again", "Part 1 of 2", "#oncall"]
    {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    for phrase in ["<dd>repetition</dd>", "(first message)", "(another attempt)"] {
        assert!(text.contains(phrase), "reasons in words of people, {phrase}: {text}");
    }
    assert_eq!(get(Mood::Busy, "/deliveries/nope").await.status.as_u16(), 404);
}

#[tokio::test]
async fn a_drill_leads_to_what_came_back() {
    let app = Fake::new(Mood::Busy);
    let one = post(&app, "/receivers/drill", SAME, "receiver=oncall&by=ana").await;
    assert_eq!(one.headers["location"], "/receivers/drill?id=drill1");
    let all = post(&app, "/receivers/drill", SAME, "receiver=&by=ana").await;
    let to = all.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(to, "/receivers/drill?id=drill1&id=k2&unanswered=team-slack%2Femail%5B0%5D");
    let drilled = app.drilled.lock().unwrap().clone();
    assert_eq!(drilled, [(Some("oncall".to_owned()), "ana".to_owned()), (None, "ana".to_owned())]);
    let text = text(&to).await;
    for phrase in
        ["Drill: 1 of 3 test messages arrived", "202 Accepted, dedup key 4f2a", "has not answered in time"]
    {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    let check = async |form: &str, header, status: u16| {
        let app = Fake::new(Mood::Busy);
        let answer = post(&app, "/receivers/drill", header, form).await;
        assert_eq!(answer.status.as_u16(), status, "{form}");
    };
    check("receiver=nope&by=ana", SAME, 404).await;
    check("receiver=oncall&by=+", SAME, 400).await;
    check("receiver=oncall&by=ana", ("sec-fetch-site", "cross-site"), 403).await;
}

#[tokio::test]
async fn receivers_say_how_they_do() {
    let text = text("/receivers").await;
    for phrase in ["failing", "2 messages waiting", "never used", "told to nobody", "Drill all"] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    assert!(get(Mood::Healthy, "/receivers").await.text().contains("Nobody is told of anything"));
}

#[tokio::test]
async fn statistics_are_ordered_by_the_address() {
    let check = async |query: &str, first: &str| {
        let text = text(&format!("/statistics?{query}")).await;
        let row = text.split("<tbody>").nth(1).unwrap_or_default();
        let name = row.split("/alerts/").nth(1).unwrap_or_default();
        assert!(name.starts_with(first), "{query}: {name}");
    };
    check("", "DiskFillsUp").await;
    check("sort=name", "ChatLatencyBurn").await;
    check("sort=late", "DiskFillsUp").await;
    check("sort=never&within=7d", "DiskFillsUp").await;
    check("sort=nonsense&within=forever", "DiskFillsUp").await;
    let text = text("/statistics").await;
    for phrase in ["asked for 30 m", "88%", "0.47 a day", "20 m", "212 ms", "aria-sort=\"descending\""] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    assert!(get(Mood::Healthy, "/statistics").await.text().contains("bellwether stats"));
}
