//! Pages about alerts and their groups, and what people do there.

use axum::body::Body;
use axum::http::Request;
use bellwether_model::TimeDelta;
use bellwether_web::view::{ActionDeed, ActionSubject};

use crate::ask::{get, post, send};
use crate::fake::{Fake, GROUP, Mood, NOW};

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

async fn text(path: &str) -> String {
    get(Mood::Busy, path).await.text().replace('\u{a0}', " ")
}

/// The names on the cards of a page, in order.
async fn names(path: &str) -> Vec<String> {
    let text = text(path).await;
    let cards = text.split("<article id=\"a").skip(1);
    let name = |card: &str| {
        Some(card.split("<h2 class=\"name\">").nth(1)?.split('>').nth(1)?.split('<').next()?.to_owned())
    };
    cards.filter_map(name).collect()
}

#[tokio::test]
async fn filters_in_the_address_show_what_they_say() {
    let check = async |query: &str, expected: &[&str]| {
        assert_eq!(names(&format!("/alerts?{query}")).await, expected, "{query}");
    };
    check("state=unacked&severity=page", &["PaymentsSlow", "ChatLatencyBurn"]).await;
    check("state=acked", &["CheckoutErrors", "ChatEngagedBurn"]).await;
    check("state=held-back", &["TargetDown", "DiskSlow", "PodNotReady", "BatchLate"]).await;
    check("state=pending", &["DiskFillsUp"]).await;
    check("state=resolved", &["CacheCold"]).await;
    check("owner=kim", &["ChatEngagedBurn"]).await;
    check("receiver=team-slack&q=10.0.1.7:", &["InstanceDown"]).await;
    check("q=muted+batch", &["BatchLate"]).await;
    check("q=nothing-of-the-kind", &[]).await;
    check("state=acked&sort=name", &["ChatEngagedBurn", "CheckoutErrors"]).await;
    check("state=acked&sort=newest", &["CheckoutErrors", "ChatEngagedBurn"]).await;
}

#[tokio::test]
async fn what_is_most_urgent_and_has_nobody_comes_first() {
    let all = names("/alerts").await;
    assert_eq!(all[..4], ["PaymentsSlow", "ChatLatencyBurn", "CheckoutErrors", "InstanceDown"]);
    let last = names("/alerts?page=2").await;
    assert_eq!((all.len(), last.len()), (30, 20));
    assert_eq!(names("/alerts?page=99").await, last, "beyond the end is the last page");
    assert_eq!(names("/alerts?page=nonsense").await, all);
}

#[tokio::test]
async fn tabs_count_what_the_other_filters_leave() {
    let text = text("/alerts?severity=page&q=burn").await;
    for tab in ["All <b>1</b>", "Unacked <b>1</b>", "Held back <b>0</b>"] {
        assert!(text.contains(tab), "{tab}: {text}");
    }
    assert!(text.contains("/alerts?state=unacked&amp;severity=page&amp;q=burn"), "a tab keeps the rest");
}

#[tokio::test]
async fn who_has_it_is_said_on_every_card() {
    let text = text("/alerts").await;
    for phrase in ["UNACKED 4 m", "UNACKED 12 m</b> kim had it until", "&lt;/script&gt;</b> has it since"] {
        assert!(text.contains(phrase), "{phrase}: {text}");
    }
    let ended = self::text("/alerts?state=resolved").await;
    assert!(ended.contains("ended by hand</b> by sam; fires again only after its condition has cleared"));
    let nobody = self::text("/alerts?q=nothing-of-the-kind").await;
    assert!(
        nobody.contains("href=\"/alerts/nothing-of-the-kind\""),
        "an alert that never fired is explained"
    );
}

#[tokio::test]
async fn an_alert_is_explained_from_the_verdict_down() {
    let text = text("/alerts/00000000000000a1").await;
    let order = [
        "UNACKED 4 m",
        "oncall was told at 02:21:08",
        "Resolve by hand",
        "From the rule to a person",
        "deliver: stopped",
        "Goes to <b>oncall</b>",
        "team is not there",
        "an earlier route took it",
        "Too Many Requests, Retry-After 30",
        "Travels in",
        "What would happen to these labels now?",
    ];
    let mut rest = text.as_str();
    for phrase in order {
        let at = rest.find(phrase).unwrap_or_else(|| panic!("{phrase:?} is missing or too early: {text}"));
        rest = &rest[at..];
    }
    let never = self::text("/alerts/NeverFired").await;
    assert!(never.contains("it has never fired: rate(errors[5m]) is 0.2"), "{never}");
    let many = self::text("/alerts/InstanceDown").await;
    assert!(many.contains("InstanceDown: 40 alerts"), "{many}");
    assert_eq!(get(Mood::Busy, "/alerts/NoSuchAlert").await.status.as_u16(), 404);
}

#[tokio::test]
async fn notes_are_shown_the_newest_first() {
    let text = text("/alerts/00000000000000b2").await;
    let (new, old) = (text.find("errors fall since").unwrap(), text.find("release 41 went out").unwrap());
    assert!(new < old && text.contains("Marked as real."));
}

#[tokio::test]
async fn every_deed_reaches_the_process_as_it_was_meant() {
    let check = async |deed: &str, form: &str, expected: ActionDeed, note: &str| {
        let app = Fake::new(Mood::Busy);
        let back = "back=%2Falerts%2F00000000000000a1";
        let answer =
            post(&app, &format!("/alerts/00000000000000a1/{deed}"), SAME, &format!("{form}&{back}")).await;
        assert_eq!(answer.status.as_u16(), 303, "{deed}: {}", answer.text());
        assert_eq!(answer.headers["location"], "/alerts/00000000000000a1");
        let acted = app.acted.lock().unwrap();
        let action = &acted[0];
        assert_eq!(action.subject, ActionSubject::Alert("00000000000000a1".to_owned()));
        assert_eq!((action.deed, action.by.as_str(), action.note.as_str()), (expected, "ana", note));
    };
    let hour = Some(NOW + TimeDelta::HOUR);
    check("ack", "by=ana", ActionDeed::Acknowledge { until: None }, "").await;
    check("ack", "by=+ana+&for=1h&note=queue", ActionDeed::Acknowledge { until: hour }, "queue").await;
    check("unack", "by=ana", ActionDeed::Unacknowledge, "").await;
    check("resolve", "by=ana&note=known", ActionDeed::Resolve, "known").await;
    check("note", "by=ana&note=two%0Alines", ActionDeed::Note, "two\nlines").await;
    check("false-positive", "by=ana", ActionDeed::FalsePositive, "").await;
    check("real", "by=ana", ActionDeed::Real, "").await;
}

#[tokio::test]
async fn an_objective_s_button_takes_all_of_its_alerts() {
    let app = Fake::new(Mood::Busy);
    let two = "/alerts/00000000000000a1,00000000000000b1/ack";
    assert_eq!(post(&app, two, SAME, "by=ana").await.status.as_u16(), 303);
    let subjects: Vec<_> = app.acted.lock().unwrap().iter().map(|a| a.subject.clone()).collect();
    let alert = |fingerprint: &str| ActionSubject::Alert(fingerprint.to_owned());
    assert_eq!(subjects, [alert("00000000000000a1"), alert("00000000000000b1")]);
}

#[tokio::test]
async fn what_is_not_meant_is_refused_with_a_reason() {
    let check = async |deed: &str, form: &str, status: u16, reason: &str| {
        let app = Fake::new(Mood::Busy);
        let answer = post(&app, &format!("/alerts/00000000000000a1/{deed}"), SAME, form).await;
        assert_eq!(answer.status.as_u16(), status, "{deed} {form}");
        assert!(answer.text().contains(reason), "{reason}: {}", answer.text());
        assert!(app.acted.lock().unwrap().is_empty());
    };
    check("ack", "by=+", 400, "the name is empty").await;
    check("ack", "by=ana&for=soon", 400, "for how long").await;
    check("note", "by=ana&note=+", 400, "the note is empty").await;
    check("dance", "by=ana", 404, "dance").await;
    check("ack", &format!("by={}", "n".repeat(81)), 400, "longer than 80 characters").await;
    check("note", &format!("by=ana&note={}", "n".repeat(4001)), 400, "longer than 4000 characters").await;
}

#[tokio::test]
async fn a_form_leads_back_only_to_this_site() {
    let check = async |back: &str, expected: &str| {
        let form = format!("by=ana&back={back}");
        let answer = post(&Fake::new(Mood::Busy), "/alerts/00000000000000a1/ack", SAME, &form).await;
        assert_eq!(answer.headers["location"], expected, "{back}");
    };
    check("%2Falerts%3Fstate%3Dunacked", "/alerts?state=unacked").await;
    check("", "/").await;
    check("https%3A%2F%2Fevil.example", "/").await;
    check("%2F%2Fevil.example", "/").await;
    check("%2F%5Cevil.example", "/").await;
    check("%2Fa%0D%0Aset-cookie%3A+x", "/").await;
}

#[tokio::test]
async fn taking_a_group_leaves_to_others_what_they_have() {
    let key = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let app = Fake::new(Mood::Busy);
    let form = format!("by=ana&key={}", key(GROUP));
    let answer = post(&app, "/groups/ack", SAME, &form).await;
    assert_eq!(answer.status.as_u16(), 303);
    let subjects: Vec<_> = app.acted.lock().unwrap().iter().map(|a| a.subject.clone()).collect();
    assert_eq!(subjects, [ActionSubject::Alert("00000000000000a1".to_owned())], "kim keeps the other");

    let app = Fake::new(Mood::Busy);
    let whole = "{}:{alertname=\"InstanceDown\"}";
    post(&app, "/groups/ack", SAME, &format!("by=ana&key={}", key(whole))).await;
    let subjects: Vec<_> = app.acted.lock().unwrap().iter().map(|a| a.subject.clone()).collect();
    assert_eq!(subjects, [ActionSubject::Group(whole.to_owned())]);
    let gone = post(&app, "/groups/ack", SAME, "by=ana&key=nowhere").await;
    assert_eq!(gone.status.as_u16(), 404);
}

#[tokio::test]
async fn groups_say_who_is_told_and_what_can_be_done_to_all() {
    let list = text("/alerts?by=group").await;
    for phrase in [
        "Ack 1 of 2",
        "Ack all 40",
        "and 32 more",
        "told 4 m ago",
        "looked at again in 20 s",
        "repeated in 1 h",
        "not repeated while &lt;i&gt;ann has it",
    ] {
        assert!(list.contains(phrase), "{phrase}: {list}");
    }
    let narrowed = text("/alerts?by=group&q=10.0.1.7:").await;
    for phrase in ["Ack all 40", "and 39 more"] {
        assert!(narrowed.contains(phrase), "a button says what it does to all of the group: {narrowed}");
    }
    assert!(!narrowed.contains("10.0.1.8:"), "{narrowed}");
    let one = text("/groups?key=%7B%7D%3A%7Balertname%3D%22InstanceDown%22%7D&page=2").await;
    assert!(one.contains("31 to 40 of 40"), "{one}");
    let gone = get(Mood::Busy, "/groups?key=gone").await;
    assert_eq!(gone.status.as_u16(), 404);
    assert!(gone.text().contains("/deliveries?group=gone"));
}

#[tokio::test]
async fn labels_are_tried_without_sending_anything() {
    let check = async |labels: &str, expected: &str| {
        let text = text(&format!("/routing?labels={labels}")).await;
        assert!(text.contains(expected), "{labels}: {text}");
    };
    check("severity%3Dpage", "Goes to <b>oncall</b>").await;
    check("severity%3Dinfo", "Goes to <b>team-slack</b>").await;
    check("alertname%3DTargetDown", "would hide it").await;
    check("a%3D~%22b%22", "is not a label; write a=").await;
    check("", "bellwether routes test").await;
}

#[tokio::test]
async fn the_header_pulses_until_somebody_has_every_critical_alert() {
    let check = async |app: &std::sync::Arc<Fake>, expected: &str| {
        let page = send(app, Request::get("/targets").body(Body::empty()).unwrap()).await.text();
        assert!(page.contains(expected), "{expected}: {page}");
    };
    let app = Fake::new(Mood::Burning);
    check(
        &app,
        "<a class=\"tag bad pulse\" href=\"/alerts\"><span aria-hidden=\"true\">▲</span>1 critical alert</a>",
    )
    .await;
    post(&app, "/alerts/00000000000000a1/ack", SAME, "by=ana").await;
    check(
        &app,
        "<a class=\"tag bad\" href=\"/alerts\"><span aria-hidden=\"true\">▲</span>1 critical alert</a>",
    )
    .await;
    check(&Fake::new(Mood::Healthy), "✓</span>no alerts</a>").await;
}
