//! Every member of a cluster is told everything, whatever the others do.

use bellwether_alerts::{HELD_MAX, HandOver, Post, Posted};
use bellwether_model::{Alert, Labels, TimeDelta, Timestamp};

const SECOND: TimeDelta = TimeDelta::SECOND;

fn at(seconds: i64) -> Timestamp {
    Timestamp(1_700_000_000_000) + TimeDelta(seconds * SECOND.0)
}

fn alert(name: &str, ends_at: Option<Timestamp>) -> Alert {
    Alert {
        labels: Labels::from_pairs([("alertname", name)]),
        annotations: Labels::empty(),
        starts_at: at(0),
        ends_at,
        generator_url: "http://here/slos/a".to_owned(),
    }
}

fn cluster() -> HandOver {
    let mut hand_over = HandOver::default();
    hand_over.set_members(vec!["one".to_owned(), "two".to_owned(), "one".to_owned()], at(0));
    hand_over
}

fn unreachable() -> Posted {
    Posted::Unreachable { why: "no connection".to_owned() }
}

/// `member: firing a for 240s, over b`
fn shown(post: &Post, now: Timestamp) -> String {
    let alerts = post.alerts.iter().map(|alert| match alert.is_resolved(now) {
        true => format!("over {}", alert.name()),
        false => format!("firing {} for {}", alert.name(), alert.ends_at.unwrap() - now),
    });
    format!("{}: {}", post.member, alerts.collect::<Vec<_>>().join(", "))
}

/// Makes what is due, with the answers of the members; gives what was posted.
fn play(hand_over: &mut HandOver, now: Timestamp, answer: impl Fn(&str) -> Posted) -> Vec<String> {
    let posts = hand_over.posts(now);
    let shown = posts.iter().map(|post| shown(post, now)).collect();
    posts.iter().for_each(|post| hand_over.posted(post.id, answer(&post.member), now));
    shown
}

fn taken(_: &str) -> Posted {
    Posted::Taken
}

fn only_one(member: &str) -> Posted {
    if member == "one" { Posted::Taken } else { unreachable() }
}

#[test]
fn every_member_is_told_again_each_minute_and_once_that_it_is_over() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    assert_eq!(play(&mut cluster, at(0), taken), ["one: firing a for 4m", "two: firing a for 4m"]);
    assert_eq!(cluster.next_wake(), Some(at(60)));
    cluster.hear(&[alert("a", None)], at(30));
    assert_eq!(play(&mut cluster, at(30), taken), [""; 0], "no news");
    assert_eq!(play(&mut cluster, at(60), taken), ["one: firing a for 4m", "two: firing a for 4m"]);
    cluster.hear(&[alert("a", Some(at(70)))], at(70));
    assert_eq!(play(&mut cluster, at(70), taken), ["one: over a", "two: over a"]);
    assert_eq!(cluster.next_wake(), None, "nothing is left to say");
    cluster.hear(&[alert("never heard of", Some(at(71)))], at(71));
    assert_eq!(cluster.next_wake(), None);
}

#[test]
fn a_member_that_is_gone_holds_up_no_other_and_gets_everything_that_fires_when_it_is_back() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None), alert("b", None)], at(0));
    play(&mut cluster, at(0), only_one);
    assert_eq!(cluster.next_wake(), Some(at(1)), "the other one is tried again");
    assert_eq!(
        cluster.trouble().as_deref(),
        Some("alerts do not reach two since 2023-11-14T22:13:20.000Z: no connection")
    );
    let mut tries = Vec::new();
    for second in 1..300 {
        let posted = play(&mut cluster, at(second), only_one);
        tries.extend(posted.iter().filter(|post| post.starts_with("two")).map(|_| second));
        if second == 120 {
            cluster.hear(&[alert("b", Some(at(120)))], at(120));
            assert_eq!(play(&mut cluster, at(120), only_one), ["one: over b"]);
        }
    }
    assert_eq!(tries[..6], [1, 3, 7, 15, 30, 45], "twice as long each time, up to a quarter of a minute");
    let back: Vec<String> = (300..316).flat_map(|second| play(&mut cluster, at(second), taken)).collect();
    // Labels are hashed: which comes first does not matter.
    let two = back.iter().find(|post| post.starts_with("two")).expect("it is tried");
    assert!(two.contains("firing a for 4m") && two.contains("over b"), "{two}");
    assert_eq!(cluster.trouble(), None);
    assert_eq!(cluster.status().iter().map(|m| m.waiting).collect::<Vec<_>>(), [1, 1], "a, in a minute");
}

#[test]
fn a_member_that_comes_back_may_have_forgotten_what_it_was_told() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    play(&mut cluster, at(0), taken);
    cluster.hear(&[alert("b", None)], at(10));
    assert_eq!(play(&mut cluster, at(10), only_one), ["one: firing b for 4m", "two: firing b for 4m"]);
    assert_eq!(play(&mut cluster, at(11), taken), ["two: firing b for 4m"]);
    assert_eq!(play(&mut cluster, at(11), taken), ["two: firing a for 4m"], "not only in a minute");
    assert_eq!(play(&mut cluster, at(12), taken), [""; 0]);
}

#[test]
fn what_is_over_is_offered_to_a_member_that_is_gone_for_a_quarter_of_an_hour() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    play(&mut cluster, at(0), only_one);
    cluster.hear(&[alert("a", Some(at(10)))], at(10));
    let last = (10..3600).filter(|second| !play(&mut cluster, at(*second), only_one).is_empty()).max();
    let last = last.expect("it is tried");
    assert!((900..930).contains(&(last - 10)), "{last}");
    assert_eq!(cluster.next_wake(), None);
}

#[test]
fn what_changes_while_a_request_is_under_way_is_told_next() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    let posts = cluster.posts(at(0));
    cluster.hear(&[alert("a", Some(at(1)))], at(1));
    assert_eq!(cluster.posts(at(1)), [], "one request at a time, or they might arrive in the wrong order");
    posts.iter().for_each(|post| cluster.posted(post.id, Posted::Taken, at(2)));
    assert_eq!(play(&mut cluster, at(2), taken), ["one: over a", "two: over a"]);
}

#[test]
fn an_alert_with_an_end_of_its_own_is_over_then_unless_repeated() {
    let mut cluster = cluster();
    cluster.hear(&[alert("rule", Some(at(600)))], at(0));
    assert_eq!(play(&mut cluster, at(0), taken)[0], "one: firing rule for 10m", "the later end counts");
    let posted: Vec<String> = (1..700).flat_map(|second| play(&mut cluster, at(second), taken)).collect();
    assert_eq!(posted.last().map(String::as_str), Some("two: over rule"));
    assert_eq!(cluster.next_wake(), None);
}

#[test]
fn what_a_member_refuses_is_counted_and_does_not_block_the_rest() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    let refuse = |_: &str| Posted::Refused { why: "400: bad label".to_owned() };
    play(&mut cluster, at(0), refuse);
    assert_eq!(
        cluster.status().iter().map(|m| (m.refused, m.error.as_str())).collect::<Vec<_>>(),
        [(1, "400: bad label"); 2]
    );
    cluster.hear(&[alert("b", None)], at(1));
    assert_eq!(play(&mut cluster, at(1), taken), ["one: firing b for 4m", "two: firing b for 4m"]);
}

#[test]
fn more_than_can_be_held_is_counted() {
    let mut cluster = cluster();
    let many: Vec<Alert> = (0..HELD_MAX + 3).map(|n| alert(&n.to_string(), None)).collect();
    cluster.hear(&many, at(0));
    assert_eq!(cluster.dropped(), 3);
    assert!(cluster.trouble().is_some_and(|text| text.starts_with("3 alerts were not handed over")));
    let sizes: Vec<usize> = cluster.posts(at(0)).iter().map(|post| post.alerts.len()).collect();
    assert_eq!(sizes, [256, 256], "in requests of a bounded size");
    // What is over makes room for what fires.
    cluster.hear(&[alert("0", Some(at(1)))], at(1));
    cluster.hear(&[alert("one more", None)], at(2));
    assert_eq!(cluster.dropped(), 4, "the end of the first");
    assert_eq!(cluster.status()[0].waiting, HELD_MAX);
}

#[test]
fn a_new_member_is_told_everything_and_one_that_left_nothing() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    play(&mut cluster, at(0), taken);
    cluster.set_members(vec!["two".to_owned(), "three".to_owned()], at(10));
    assert_eq!(play(&mut cluster, at(10), taken), ["three: firing a for 4m"]);
    assert_eq!(play(&mut cluster, at(70), taken), ["two: firing a for 4m", "three: firing a for 4m"]);
}

#[test]
fn the_body_is_what_alertmanager_reads() {
    let mut cluster = cluster();
    cluster.hear(&[alert("a", None)], at(0));
    let body = cluster.posts(at(0))[0].body();
    let expected = "[{\"labels\":{\"alertname\":\"a\"},\"annotations\":{},\"startsAt\":\"2023-11-14T22:13:20.000Z\",\
                    \"endsAt\":\"2023-11-14T22:17:20.000Z\",\"generatorURL\":\"http://here/slos/a\"}]";
    assert_eq!(body, expected);
}
