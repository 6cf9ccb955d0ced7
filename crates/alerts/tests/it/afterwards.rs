//! What people say of a life that is over.

use bellwether_alerts::{
    Action, ActionError, Answer, Deed, Effect, EpisodeRow, Event, Judgement, Record, Subject,
};
use bellwether_model::Timestamp;

use crate::script::{ONE_WEBHOOK, Player, alert, labels_of};

#[test]
fn a_life_that_is_over_can_be_judged_and_noted_and_nothing_else() {
    let mut player = Player::new(ONE_WEBHOOK);
    let now = Timestamp::from_secs(1000);
    let labels = labels_of("api", &[]);
    let alert = alert(labels, Timestamp(0), Some(Timestamp::from_secs(60)));
    let life =
        EpisodeRow { alert, receivers: Default::default(), told_at: None, handled: Default::default() };
    let mut say = |deed: Deed, by: &str, note: &str| {
        let subject = Subject::Alert(life.alert.fingerprint());
        let action = Action { subject, deed, by: by.to_owned(), note: note.to_owned() };
        let effects = player.core.step(Event::SayAfterwards(Box::new(life.clone()), action), now);
        let row = effects.iter().find_map(|effect| match effect {
            Effect::Record(Record::Episode(row)) => Some(row.handled.clone()),
            Effect::Record(_) | Effect::Answer(_) | Effect::Deliver(_) => None,
        });
        let answer = effects.into_iter().find_map(|effect| match effect {
            Effect::Answer(Answer::Acted(result)) => Some(result),
            Effect::Record(_) | Effect::Answer(_) | Effect::Deliver(_) => None,
        });
        (answer.unwrap(), row)
    };
    let (answer, row) = say(Deed::Judge(Judgement::FalsePositive), "ann", "");
    assert_eq!(answer, Ok(vec![life.alert.fingerprint()]));
    assert_eq!(row.unwrap().judged.unwrap().judgement, Judgement::FalsePositive);
    let (answer, row) = say(Deed::Note, "ann", "the deploy");
    assert!(answer.is_ok());
    assert_eq!(row.unwrap().notes[0].text, "the deploy");
    for (deed, by, note, why) in [
        (Deed::Note, "ann", " ", ActionError::NoText),
        (Deed::Judge(Judgement::Real), "", "", ActionError::NoName),
        (Deed::Resolve, "ann", "", ActionError::NotFiring(format!("alert {}", life.alert.fingerprint()))),
        (
            Deed::Acknowledge { until: None },
            "ann",
            "",
            ActionError::NotFiring(format!("alert {}", life.alert.fingerprint())),
        ),
    ] {
        assert_eq!(say(deed, by, note), (Err(why), None));
    }
}
