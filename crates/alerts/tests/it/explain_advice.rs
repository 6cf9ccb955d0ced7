//! What is advised: the questions people ask of an alert, and the next step that answers each.

use bellwether_alerts::{
    Facts, Handled, Judged, Judgement, MemberFacts, RuleFacts, RuleState, TargetFacts, explain,
};
use bellwether_model::Timestamp;

use crate::explain::{errors, facts_after, life, rule};

/// What is advised of what is known.
fn advised(facts: &Facts, now: Timestamp, part: &str) {
    let advice = explain(facts, now).advice;
    assert!(advice.iter().any(|one| one.contains(part)), "{part:?} is not among {advice:#?}");
}

#[test]
fn why_does_nothing_fire() {
    let now = Timestamp::from_secs(60);
    let silent = |rule: RuleFacts| Facts { rule: Some(rule), ..Facts::default() };
    let absent = RuleFacts { absent: vec!["errors_total".to_owned()], ..rule(RuleState::Inactive) };
    let down = TargetFacts {
        job: "api".to_owned(),
        url: "http://api:9000/metrics".to_owned(),
        error: "connection refused".to_owned(),
    };
    advised(&silent(absent.clone()), now, "nothing exports errors_total: check the name and the labels");
    advised(
        &Facts { targets_down: vec![down], ..silent(absent) },
        now,
        "target http://api:9000/metrics of job api does not answer: connection refused",
    );
    let broken = RuleFacts { error: Some("bad".to_owned()), ..rule(RuleState::Inactive) };
    advised(&silent(broken), now, "mend the query of rule api of group web in alerts.yml, which fails: bad");
    let late = RuleFacts { missed: 7, ..rule(RuleState::Inactive) };
    advised(
        &silent(late),
        now,
        "7 evaluations of rule api of group web in alerts.yml did not happen in time",
    );
    let low = RuleFacts { measured: vec![errors(Some(4.2))], ..rule(RuleState::Inactive) };
    advised(&silent(low), now, "the highest value of rate(errors_total[5m]) in the last 1h was 4.25");
    let unread = RuleFacts { evaluated_at: None, ..rule(RuleState::Inactive) };
    advised(&silent(unread), now, "wait for the first evaluation");
    let troubles = vec!["the last reload was refused".to_owned()];
    advised(
        &Facts { troubles, ..silent(rule(RuleState::Inactive)) },
        now,
        "this server is in trouble: the last reload was refused",
    );
}

#[test]
fn why_does_it_not_reach_the_router() {
    let now = Timestamp::from_secs(60);
    let fired = RuleState::Firing { since: Timestamp(0), fired_at: Some(Timestamp(0)), kept: false };
    let facts = Facts { rule: Some(rule(fired)), ..Facts::default() };
    advised(&facts, now, "the rule fires and routing does not know of it");
    let member = MemberFacts {
        name: "http://am:9093".to_owned(),
        since: Timestamp(0),
        error: "connection refused".to_owned(),
    };
    advised(
        &Facts { members_failing: vec![member], ..facts },
        now,
        "Alertmanager http://am:9093 takes no alerts since 00:00 UTC (connection refused): check its address",
    );
    let (posted, now) = facts_after("0s post api team=web\n 1m end", "api", "web");
    advised(
        &posted,
        now,
        "its sender last repeated it 1m ago, and it is over at 00:05 UTC unless it is repeated",
    );
}

#[test]
fn why_was_nobody_notified() {
    let check = |script: &str, team: &str, part: &str| {
        let (facts, now) = facts_after(script, "api", team);
        advised(&facts, now, part);
    };
    check(
        "0s silence s1 4h alertname=api\n 0s fire api team=web\n 1m end",
        "web",
        "bellwether silence expire s1",
    );
    check("0s fire down team=web\n 0s fire api team=web\n 1m end", "web", "look at down first");
    check("0s fire api team=lost\n 1m end", "lost", "give receiver nobody an integration");
    check(
        "0s fire api team=nights\n 1m end",
        "nights",
        "receiver nights hears of it at 06:00 UTC: small-hours",
    );
    for (answer, part) in [
        ("401", "it does not accept the key or token"),
        ("404", "nothing is at its address any more: check the URL"),
        ("400", "it does not understand the message"),
        ("413", "the message is too long for it"),
    ] {
        check(&format!("0s answer {answer}\n 0s fire api team=web\n 31s end"), "web", part);
    }
    for (answer, part) in [
        ("429 1m", "it asks for fewer messages"),
        ("503", "it is in trouble itself"),
        ("lost", "it cannot be reached: check the address"),
    ] {
        check(&format!("0s answer {answer}\n 0s fire api team=web\n 31s end"), "web", part);
    }
}

#[test]
fn why_does_it_fire_though_all_is_well() {
    let (mut facts, now) = facts_after("0s fire api team=web\n 1m end", "api", "web");
    let fingerprint = facts.alert.as_ref().unwrap().view.fingerprint;
    advised(&facts, now, &format!("bellwether mark --false-positive {fingerprint}"));

    let judged = |judgement| Handled {
        judged: Some(Box::new(Judged { judgement, by: "ann".to_owned(), at: now })),
        ..Handled::default()
    };
    facts.episodes = vec![
        life("web", 0, 60, judged(Judgement::FalsePositive)),
        life("web", 100, 160, judged(Judgement::FalsePositive)),
        life("web", 200, 260, judged(Judgement::Real)),
        life("web", 300, 360, Handled::default()),
        life("web", 400, 4000, Handled::default()),
    ];
    advised(&facts, now, "people called 2 of 3 judged alerts of this name false");
    advised(&facts, now, "4 of its last 5 lives were over within 1m: `for: 1m` would have kept them quiet");

    let state = RuleState::Firing { since: Timestamp(0), fired_at: None, kept: false };
    facts.rule = Some(RuleFacts { measured: vec![errors(Some(10.2))], ..rule(state) });
    advised(&facts, now, "rate(errors_total[5m]) is 10.2, within 5% of its bound 10");
    advised(&facts, now, "`for: 3m` would have kept them quiet");
}
