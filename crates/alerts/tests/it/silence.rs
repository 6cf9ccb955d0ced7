use bellwether_alerts::{
    AlertState, Answer, Effect, Event, SilenceError, SilenceId, SilenceState, SilenceWish, parse_matchers,
};
use std::collections::BTreeMap;

use bellwether_model::{TimeDelta, Timestamp};

use crate::script::{ONE_WEBHOOK, Player, check};

#[test]
fn a_silenced_alert_is_told_when_the_silence_ends_and_it_still_fires() {
    check("0s silence s1 12m alertname=\"api\"\n 1s fire api\n 20m end", &["15m31s First firing api"]);
    check(
        "0s silence s1 1h alertname=\"api\"\n 0s fire api\n 6m expire s1\n 20m end",
        &["10m30s First firing api"],
    );
}

#[test]
fn what_was_told_before_a_silence_is_told_to_be_over_after_it() {
    check(
        "0s fire api\n 1m silence s1 10m alertname=\"api\"\n 5m resolve api\n 1h end",
        &["30s First firing api", "15m30s AllResolved resolved api"],
    );
}

#[test]
fn a_silenced_alert_is_visible_with_the_silence() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s fire api\n 0s fire db\n 1m silence s1 1h alertname=\"api\"\n 2m end");
    let views = player.core.alerts(Timestamp::from_secs(120));
    let states: Vec<_> = views.iter().map(|v| (v.alert.name(), v.status.state)).collect();
    assert_eq!(states, [("api", AlertState::Suppressed), ("db", AlertState::Active)]);
    assert!(views[0].status.silenced_by.contains(&SilenceId("s1".into())));
}

fn wish(id: Option<&str>, matchers: &str, starts: i64, ends: i64) -> SilenceWish {
    SilenceWish {
        id: id.map(|id| SilenceId(id.into())),
        new_id: SilenceId("new".into()),
        matchers: parse_matchers(matchers).unwrap(),
        starts_at: Timestamp::from_secs(starts),
        ends_at: Timestamp::from_secs(ends),
        created_by: "ann".into(),
        comment: "deploy".into(),
        annotations: BTreeMap::from([("ticket".to_owned(), "OPS-7".to_owned())]),
    }
}

fn ask(player: &mut Player, wish: SilenceWish, now_s: i64) -> Result<String, SilenceError> {
    let effects = player.step(Event::SetSilence(wish), Timestamp::from_secs(now_s));
    let answer = effects.iter().find_map(|e| match e {
        Effect::Answer(Answer::Silence(result)) => Some(result.clone()),
        Effect::Record(_) | Effect::Answer(_) | Effect::Deliver(_) => None,
    });
    answer.expect("an answer").map(|id| id.0)
}

#[test]
fn a_silence_that_cannot_be_is_refused_with_the_reason() {
    let mut player = Player::new(ONE_WEBHOOK);
    let mut check = |wish, want: &str| assert_eq!(ask(&mut player, wish, 100).unwrap_err().to_string(), want);
    check(wish(None, "", 0, 200), "invalid silence: at least one matcher required");
    check(
        wish(None, "a=~\".*\"", 0, 200),
        "invalid silence: at least one matcher must not match the empty text",
    );
    check(wish(None, "a=b", 150, 120), "invalid silence: end time must not be before start time");
    check(wish(None, "a=b", 0, 99), "invalid silence: end time can't be in the past");
    check(wish(Some("nobody"), "a=b", 0, 200), "silence nobody not found");
}

#[test]
fn a_change_of_what_is_covered_ends_the_old_silence() {
    let mut player = Player::new(ONE_WEBHOOK);
    assert_eq!(ask(&mut player, wish(None, "a=b", 10, 1000), 10), Ok("new".into()));
    // A later end of an active silence keeps it.
    let longer = SilenceWish { new_id: SilenceId("second".into()), ..wish(Some("new"), "a=b", 10, 2000) };
    assert_eq!(ask(&mut player, longer, 20), Ok("new".into()));
    let other = SilenceWish { new_id: SilenceId("second".into()), ..wish(Some("new"), "a=c", 10, 2000) };
    assert_eq!(ask(&mut player, other, 30), Ok("second".into()));
    let now = Timestamp::from_secs(31);
    let state = |id: &str| player.core.silence(&SilenceId(id.into()), now).map(|v| v.state);
    assert_eq!((state("new"), state("second")), (Some(SilenceState::Expired), Some(SilenceState::Active)));
}

#[test]
fn an_ended_silence_is_forgotten_after_a_while() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s silence s1 1h a=b");
    assert_eq!(player.core.silences(Timestamp(0)).len(), 1);
    player.run_until(Timestamp(0) + TimeDelta::DAY * 6);
    assert_eq!(player.core.silences(Timestamp(0)).len(), 0);
    assert_eq!(player.ledger.restored().silences.len(), 0);
}
