//! Why somebody was or was not told: a situation in virtual time, the sentence that is said of it, and the step that
//! decided.

use bellwether_alerts::{
    AlertRow, AttemptRow, EpisodeRow, Facts, Fallback, HandResolved, Handled, LedgerEntry, Measured, Reason,
    Receipt, RuleFacts, RulePast, RuleState, Setup, explain,
};
use bellwether_model::{AlertFingerprint, Labels, TimeDelta, Timestamp};
use bellwether_testkit::cases;

use crate::script::{Player, alert, labels_of, setup};

const YAML: &str = "
route:
  receiver: hook
  group_by: [team]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  routes:
    - {receiver: nobody, matchers: [team=lost]}
    - {receiver: nights, matchers: [team=nights], mute_time_intervals: [small-hours]}
    - {receiver: other, matchers: [team=both], continue: true}
    - {receiver: hook, matchers: [team=both]}
receivers:
  - {name: hook, webhook_configs: [{url: 'http://hook.example/'}]}
  - {name: other, webhook_configs: [{url: 'http://other.example/'}]}
  - {name: nights, webhook_configs: [{url: 'http://nights.example/'}]}
  - {name: nobody}
time_intervals:
  - name: small-hours
    time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}]}]
inhibit_rules: [{source_matchers: [alertname=down], target_matchers: [alertname=api], equal: [team]}]
";

/// What is known after a script, at the moment of its last line.
pub(crate) fn facts_after(script: &str, name: &str, team: &str) -> (Facts, Timestamp) {
    facts_of(Player::new(YAML), script, name, team)
}

fn facts_of(mut player: Player, script: &str, name: &str, team: &str) -> (Facts, Timestamp) {
    player.play(script);
    let last = script.trim().lines().last().unwrap().trim();
    let now = Timestamp(0) + last.split(' ').next().unwrap().parse::<TimeDelta>().unwrap();
    let labels = labels_of(name, &[&format!("team={team}")]);
    let fingerprint = AlertFingerprint(labels.fingerprint());
    let view = player.core.alert(fingerprint, now);
    let rows = player.ledger.deliveries.values().filter(|row| {
        row.delivery.notification.alerts.iter().any(|told| told.alert.fingerprint() == fingerprint)
    });
    let mut ledger: Vec<_> = rows.map(|row| LedgerEntry { row: row.clone(), attempts: Vec::new() }).collect();
    ledger.sort_by_key(|entry| std::cmp::Reverse(entry.row.delivery.decided_at));
    let facts = Facts {
        name: name.to_owned(),
        alert: view.map(|view| player.core.alert_facts_with_mutes(view, now)),
        ledger,
        ..Facts::default()
    };
    (facts, now)
}

/// One situation: what happened, to which team's alert `api`, the verdict, and the beginning of a decisive step,
/// `✓` or `✕` first.
fn check(script: &str, team: &str, verdict: &str, step: &str) {
    let (facts, now) = facts_after(script, "api", team);
    said(&facts, now, verdict, step);
}

fn said(facts: &Facts, now: Timestamp, verdict: &str, step: &str) {
    let said = explain(facts, now);
    let steps: Vec<String> = (said.steps.iter())
        .map(|step| format!("{} {} {}", if step.passed { "✓" } else { "✕" }, step.stage.as_str(), step.text))
        .collect();
    assert_eq!(said.verdict, verdict, "{steps:#?}");
    assert!(steps.iter().any(|one| one.contains(step)), "{step:?} is not among {steps:#?}");
}

#[test]
fn every_stage_says_why() {
    let table = [
        (
            "0s fire api team=web\n 10s end",
            "web",
            "nobody has been told yet: its group waits for company until 00:00:30 UTC (group_wait 30s)",
            "✕ group its group waits for company",
        ),
        (
            "0s fire api team=web\n 1m end",
            "web",
            "hook was told at 00:00:30 UTC, 30s after it fired",
            "✓ deliver hook/webhook[0] knows that it fires, last told at 00:00:30 UTC; repeated after 4h",
        ),
        (
            "0s answer 503\n 0s fire api team=web\n 31s end",
            "web",
            "nobody has been told yet: hook/webhook[0] has not taken the message (refused with status 503: busy); it is tried again at 00:00:33 UTC",
            "✕ deliver hook/webhook[0] has not taken",
        ),
        (
            "0s answer none\n 0s fire api team=web\n 31s end",
            "web",
            "nobody has been told yet: the message to hook/webhook[0] is on its way",
            "✕ deliver the message to hook/webhook[0] is on its way",
        ),
        (
            "0s answer 404\n 0s fire api team=web\n 31s end",
            "web",
            "nobody was told: hook/webhook[0] does not take the message (refused with status 404: busy); it is tried anew at 00:05:30 UTC",
            "✕ deliver hook/webhook[0] does not take the message",
        ),
        (
            "0s silence s1 4h alertname=api\n 0s fire api team=web\n 1m end",
            "web",
            "nobody was told: silenced by ann until 04:00 UTC (testing)",
            "✕ silence silenced by ann until 04:00 UTC (testing): s1",
        ),
        (
            "0s fire api team=web\n 1m silence s1 1h alertname=api\n 2m end",
            "web",
            "hook was told at 00:00:30 UTC, 30s after it fired; now silenced by ann until 01:01 UTC (testing)",
            "✕ silence silenced by ann",
        ),
        (
            "0s fire down team=web\n 0s fire api team=web\n 1m end",
            "web",
            "nobody was told: inhibited by down, which fires",
            "✕ inhibit {alertname=\"down\", team=\"web\"} fires (alertname=\"down\" inhibits alertname=\"api\" with equal team)",
        ),
        (
            "0s fire api team=nights\n 1m end",
            "nights",
            "nobody was told: muted by time interval small-hours until 06:00 UTC",
            "✕ mute nights: muted by time interval small-hours until 06:00 UTC",
        ),
        (
            "0s fire api team=lost\n 1m end",
            "lost",
            "nobody was told: receiver nobody has no integrations",
            "✕ route to nobody",
        ),
        (
            "0s fire api team=both\n 1m end",
            "both",
            "hook and other were told at 00:00:30 UTC, 30s after it fired",
            "✓ route to other by {}/{team=\"both\"}",
        ),
        (
            "0s fire api team=web\n 1m answer none\n 2m resolve api team=web\n 5m40s end",
            "web",
            "it is over: it fired from 00:00 UTC to 00:02 UTC (2m); hook was told at 00:00:30 UTC, 30s after it fired",
            "✕ rule it fired from 00:00 UTC to 00:02 UTC",
        ),
    ];
    for (script, team, verdict, step) in table {
        check(script, team, verdict, step);
    }
    cases::ran("alerts/explained", table.len() as u64);
}

#[test]
fn when_it_was_told_first_is_known_though_only_the_latest_messages_are() {
    let (mut facts, now) = facts_after("0s fire api team=web\n 9h end", "api", "web");
    let latest = facts.ledger.iter().max_by_key(|entry| entry.row.delivery.decided_at).cloned().unwrap();
    assert!(latest.row.delivery.decided_at > Timestamp::from_secs(30), "it was repeated");
    facts.ledger = vec![latest];
    let told = "hook was told at 00:00:30 UTC, 30s after it fired";
    assert_eq!(explain(&facts, now).verdict, told);
}

#[test]
fn what_people_did_is_part_of_the_sentence() {
    let (mut facts, now) = facts_after("0s fire api team=web\n 1m end", "api", "web");
    let handled = |facts: &mut Facts, handled: Handled| facts.alert.as_mut().unwrap().view.handled = handled;
    let ack = bellwether_alerts::Ack {
        by: "ann".to_owned(),
        note: "on it".to_owned(),
        at: now,
        until: Some(Timestamp::from_secs(7200)),
    };
    handled(&mut facts, Handled { ack: Some(Box::new(ack)), ..Handled::default() });
    said(
        &facts,
        now,
        "hook was told at 00:00:30 UTC, 30s after it fired; ann has it until 02:00 UTC (on it), so that it is not repeated",
        "✕ ack ann has it until 02:00 UTC (on it): repeats have stopped",
    );
    said(
        &facts,
        Timestamp::from_secs(7200),
        "hook was told at 00:00:30 UTC, 30s after it fired",
        "✓ ack ann had it until 02:00 UTC",
    );
    facts.ack_deadline = Some(TimeDelta::MINUTE * 5);
    handled(&mut facts, Handled::default());
    let told = "hook was told at 00:00:30 UTC, 30s after it fired";
    said(&facts, now, told, "✓ ack somebody should take it by 00:05 UTC, within 5m of firing");
    let late = "✕ ack nobody took it by 00:05 UTC, within 5m of firing, as its severity asks";
    said(&facts, Timestamp::from_secs(301), told, late);
    let resolved = HandResolved { by: "bob".to_owned(), note: "deploy".to_owned(), at: now };
    handled(&mut facts, Handled { resolved: Some(Box::new(resolved)), ..Handled::default() });
    said(
        &facts,
        now,
        "hook was told at 00:00:30 UTC, 30s after it fired; now bob ended it by hand at 00:01 UTC (deploy)",
        "✕ ack bob ended it by hand at 00:01 UTC (deploy); it fires again once its condition has cleared",
    );
}

#[test]
fn who_stands_in_for_a_receiver_is_named() {
    let fallback = Fallback { receiver: "other".to_owned(), after: TimeDelta::MINUTE * 10 };
    let player = Player::with(Setup { fallback: Some(fallback), ..setup(YAML) });
    let script = "0s answer 404 to hook\n 0s fire api team=web\n 31s end";
    let (mut facts, now) = facts_of(player, script, "api", "web");
    let verdict = "other was told at 00:00:30 UTC, 30s after it fired; not everybody was: hook/webhook[0] does not take the message (refused with status 404: busy); it is tried anew at 00:05:30 UTC";
    said(&facts, now, verdict, "✓ deliver other/webhook[0] stands in for hook, which is not reached");
    facts.ledger.clear();
    said(&facts, now, verdict, "✕ deliver hook/webhook[0] does not take the message");
}

pub(crate) fn rule(state: RuleState) -> RuleFacts {
    RuleFacts {
        place: "rule api of group web in alerts.yml".to_owned(),
        condition: "rate(errors_total[5m]) > 10".to_owned(),
        evaluated_at: Some(Timestamp::from_secs(55)),
        interval: TimeDelta::from_secs(15),
        hold: TimeDelta::from_secs(120),
        state,
        ..RuleFacts::default()
    }
}

pub(crate) fn errors(value: Option<f64>) -> Measured {
    let past = Some(RulePast { over: TimeDelta::HOUR, lowest: 0.5, highest: 4.25 });
    Measured { what: "rate(errors_total[5m])".to_owned(), value, op: ">", bound: 10.0, past }
}

#[test]
fn what_did_not_fire_has_a_reason_too() {
    let now = Timestamp::from_secs(60);
    let check = |rule: RuleFacts, verdict: &str, step: &str| {
        said(&Facts { rule: Some(rule), ..Facts::default() }, now, verdict, step);
    };
    check(
        rule(RuleState::Pending { since: Timestamp::from_secs(30) }),
        "nobody is told yet: its condition has held for 30s, and must hold for 2m (1m30s left)",
        "✕ for it must hold for 2m and fires at 00:02:30 UTC if it does until then",
    );
    check(
        RuleFacts { error: Some("many-to-many matching".to_owned()), ..rule(RuleState::Inactive) },
        "it cannot fire: its query fails: many-to-many matching",
        "✕ rule its last evaluation failed: many-to-many matching",
    );
    check(
        RuleFacts { absent: vec!["errors_total".to_owned()], ..rule(RuleState::Inactive) },
        "it does not fire: its query gives nothing, because no series matches errors_total",
        "✕ rule no series matches errors_total",
    );
    check(
        RuleFacts { measured: vec![errors(Some(4.2))], ..rule(RuleState::Inactive) },
        "it does not fire: rate(errors_total[5m]) is 4.2, and must be > 10",
        "✕ rule rate(errors_total[5m]) is 4.2, and must be > 10; over the last 1h between 0.5 and 4.25",
    );
    check(
        RuleFacts { evaluated_at: None, ..rule(RuleState::Inactive) },
        "it does not fire: its rule has not been evaluated yet",
        "✕ rule it has not been evaluated yet",
    );
    check(
        RuleFacts { evaluated_at: None, is_objective: true, ..rule(RuleState::Inactive) },
        "it does not fire: nothing of its objective has been measured yet",
        "✕ rule nothing of its objective has been measured yet",
    );
    check(
        rule(RuleState::Inactive),
        "it does not fire: its query gives nothing",
        "✕ rule its condition does not hold",
    );
    let fired = RuleState::Firing { since: Timestamp(0), fired_at: Some(Timestamp(0)), kept: false };
    check(
        rule(fired),
        "nobody has been told yet: it fires since 00:00 UTC, and routing has not heard of it",
        "✓ rule its condition holds since 00:00 UTC",
    );
    said(
        &Facts::default(),
        now,
        "it is not known here: no rule raises it, and nobody has sent it",
        "✕ rule no rule or objective here raises it",
    );
}

/// A life of `api` of a team, in seconds.
pub(crate) fn life(team: &str, from: i64, to: i64, handled: Handled) -> EpisodeRow {
    let labels = labels_of("api", &[&format!("team={team}")]);
    let alert = alert(labels, Timestamp::from_secs(from), Some(Timestamp::from_secs(to)));
    EpisodeRow { alert, receivers: ["hook".to_owned()].into(), told_at: None, handled }
}

#[test]
fn a_life_that_is_over_is_explained_by_its_record_and_the_ledger() {
    let core = |script: &str| {
        let mut player = Player::new(YAML);
        player.play(script);
        player
    };
    let now = Timestamp::from_secs(86_400 + 600);
    let check = |script: &str, row: EpisodeRow, verdict: &str| {
        let player = core(script);
        let fingerprint = row.alert.fingerprint();
        let spoke = |row: &&bellwether_alerts::DeliveryRow| {
            row.delivery.notification.alerts.iter().any(|told| told.alert.fingerprint() == fingerprint)
        };
        let rows = player.ledger.deliveries.values().filter(spoke);
        let attempt = |row: &bellwether_alerts::DeliveryRow| AttemptRow {
            delivery: row.delivery.key.clone(),
            attempt: 1,
            at: row.delivery.decided_at + TimeDelta::SECOND,
            reason: Reason::First,
            receipt: Receipt::Accepted { status: 200 },
        };
        let ledger = rows.map(|row| LedgerEntry { row: row.clone(), attempts: vec![attempt(row)] }).collect();
        let facts = Facts { life: Some(player.core.life_facts(row)), ledger, ..Facts::default() };
        said(&facts, now, verdict, "");
    };
    let over = "it is over: it fired from 1970-01-01 00:00 UTC to 1970-01-01";
    check(
        "0s fire api team=web\n 10m resolve api team=web\n 20m end",
        life("web", 0, 600, Handled::default()),
        &format!(
            "{over} 00:10 UTC (10m); hook was told at 1970-01-01 00:00:31 UTC, 31s after it fired, and of the end at 1970-01-01 00:10:31 UTC"
        ),
    );
    check(
        "0s fire api team=web\n 10s resolve api team=web\n 20m end",
        life("web", 0, 10, Handled::default()),
        &format!(
            "{over} 00:00:10 UTC (10s); nobody was told: it was over before its group was first looked at (group_wait 30s)"
        ),
    );
    check(
        "0s silence s1 4h alertname=api\n 0s fire api team=web\n 10m resolve api team=web\n 20m end",
        life("web", 0, 600, Handled::default()),
        &format!(
            "{over} 00:10 UTC (10m); nobody was told: silenced by ann until 1970-01-01 04:00 UTC (testing)"
        ),
    );
}

#[test]
fn what_would_happen_to_labels_is_said_without_an_alert() {
    let check = |script: &str, labels: &[&str], verdict: &str, quiet: &[&str]| {
        let mut player = Player::new(YAML);
        player.play(script);
        let last = script.trim().lines().last().unwrap().trim();
        let now = Timestamp(0) + last.split(' ').next().unwrap().parse::<TimeDelta>().unwrap();
        let what_if = player.core.what_if(&labels_of("api", labels), now);
        assert_eq!(what_if.explain(now).verdict, verdict);
        assert_eq!(what_if.quiet(now), quiet);
    };
    check("0s end", &["team=web"], "hook would be told, 30s after it fires (group_wait)", &[]);
    check("0s end", &["team=both"], "other and hook would be told, 30s after it fires (group_wait)", &[]);
    check(
        "0s fire db team=web\n 1m end",
        &["team=web"],
        "hook would be told, at the next look at its group at 00:05:30 UTC",
        &[],
    );
    check(
        "0s silence s1 1h team=web\n 1m end",
        &["team=web"],
        "nobody would be told: silenced by ann until 01:00 UTC (testing)",
        &["silenced by ann until 01:00 UTC (testing)"],
    );
    check(
        "0s fire down team=web\n 1m end",
        &["team=web"],
        "nobody would be told: inhibited by down, which fires",
        &["inhibited by down, which fires"],
    );
    check(
        "0s end",
        &["team=lost"],
        "nobody would be told: receiver nobody has no integrations",
        &["receiver nobody has no integrations"],
    );
    check(
        "0s end",
        &["team=nights"],
        "nobody would be told: nights: muted by time interval small-hours until 06:00 UTC",
        &["nights: muted by time interval small-hours until 06:00 UTC"],
    );
}

#[test]
fn a_row_without_labels_is_explained_without_panic() {
    let row = AlertRow {
        alert: alert(Labels::empty(), Timestamp::MIN, Some(Timestamp::MAX)),
        updated_at: Timestamp(0),
        ends_by_timeout: false,
        ended: false,
        held: None,
        told_at: None,
        handled: Handled::default(),
    };
    let life = EpisodeRow {
        alert: row.alert,
        receivers: Default::default(),
        told_at: None,
        handled: Handled::default(),
    };
    let player = Player::new(YAML);
    let facts = Facts { life: Some(player.core.life_facts(life)), ..Facts::default() };
    assert!(explain(&facts, Timestamp(0)).verdict.starts_with("it is over"));
}
