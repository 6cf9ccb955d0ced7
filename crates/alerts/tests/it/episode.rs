//! What remains of an alert when its life is over: when it fired, who was told and when, what people did.

use bellwether_alerts::{EpisodeRow, Judgement};
use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player};

fn episodes(script: &str) -> Vec<EpisodeRow> {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play(script);
    player.ledger.episodes.into_values().collect()
}

fn second(at: Timestamp) -> i64 {
    at.0 / 1000
}

#[test]
fn a_life_that_is_over_leaves_who_was_told_when_and_what_was_done() {
    let all = episodes(
        "0s fire api\n 5m ack api by ann\n 6m note api by bob\n 7m judge api false by ann\n 9m resolve api\n 1h end",
    );
    let [row] = all.as_slice() else { panic!("one life: {all:?}") };
    assert_eq!(row.alert.ends_at.map(second), Some(540));
    assert_eq!(row.told_at.map(second), Some(30));
    assert_eq!(row.receivers.iter().collect::<Vec<_>>(), ["hook"]);
    assert_eq!(row.handled.first_ack_at.map(second), Some(300));
    assert_eq!(row.handled.notes.iter().map(|note| note.by.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(row.handled.judged.as_ref().map(|judged| judged.judgement), Some(Judgement::FalsePositive));
}

#[test]
fn nothing_is_left_of_what_still_fires_and_of_what_never_fired() {
    assert_eq!(episodes("0s fire api\n 0s resolve db\n 9h end").len(), 0);
}

#[test]
fn a_life_nobody_was_told_of_is_one_all_the_same() {
    let all = episodes("0s fire api\n 10s resolve api\n 1h end");
    assert_eq!((all.len(), all[0].told_at), (1, None));
}

#[test]
fn an_alert_that_fires_again_before_everybody_knew_of_its_end_has_two_lives() {
    let all =
        episodes("0s fire api\n 1m ack api by ann\n 2m resolve api\n 3m fire api\n 9m resolve api\n 1h end");
    let lives: Vec<_> =
        all.iter().map(|row| (second(row.alert.starts_at), row.alert.ends_at.map(second))).collect();
    assert_eq!(lives, [(0, Some(120)), (180, Some(540))]);
    assert!(all[0].handled.ack.is_some() && all[1].handled.ack.is_none());
}

#[test]
fn when_it_was_told_survives_restarts_and_repeats() {
    for script in [
        "0s fire api\n 0s answer 503\n 31s answer ok\n 2h crash\n 3h resolve api\n 4h end",
        "0s fire api\n 0s answer 503\n 31s answer ok\n 5h crash\n 9h crash\n 10h resolve api\n 11h end",
    ] {
        let all = episodes(script);
        assert_eq!(all[0].told_at.map(second), Some(33), "{script}");
    }
}

#[test]
fn what_is_only_repeated_is_not_written_down_again() {
    let mut player = Player::new(ONE_WEBHOOK);
    player.play("0s post api");
    let script: String = (1..60).map(|minute| format!("{minute}m post-again api\n")).collect();
    player.play(&script);
    assert_eq!(player.ledger.alerts_written, 1);
}

#[test]
fn a_report_of_an_earlier_life_changes_nothing() {
    use bellwether_alerts::AlertSource;
    let mut player = Player::new(ONE_WEBHOOK);
    let at = Timestamp::from_secs;
    let labels = crate::script::labels_of("api", &[]);
    let report = |start, end: Option<i64>| crate::script::alert(labels.clone(), at(start), end.map(at));
    player.hear(AlertSource::Api, report(100, Some(10_000)), at(100));
    player.hear(AlertSource::Api, report(10, Some(90)), at(101));
    let view = player.core.alerts(at(102)).remove(0);
    assert!(!view.resolved, "the end of the life before came late");
    // Another evaluator saw it begin earlier and says it lasts longer: one life.
    player.play("103s ack api by ann");
    player.hear(AlertSource::Api, report(95, Some(20_000)), at(104));
    let view = player.core.alerts(at(105)).remove(0);
    assert_eq!((view.alert.starts_at, view.handled.ack.is_some()), (at(95), true));
}
