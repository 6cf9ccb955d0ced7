//! What the header of every page says of silences that end soon.

use std::collections::BTreeMap;

use bellwether::listing::{expiring_silences, expiring_silences_count};
use bellwether_alerts::{AlertCore, AlertSource, Event, Restored, SilenceId, SilenceWish};
use bellwether_model::{Matcher, TimeDelta};

use crate::told::{alert, setup};

#[test]
fn a_silence_of_an_hour_is_announced_in_its_last_quarter_and_not_when_it_is_made() {
    let alert = alert(&[], &[]);
    let made_at = alert.starts_at;
    let mut core = AlertCore::restore(
        setup("webhook_configs: [{url: 'http://a.example'}]"),
        Restored::default(),
        made_at,
    );
    core.step(Event::Alerts { source: AlertSource::Rules, alerts: vec![alert] }, made_at);
    let wish = SilenceWish {
        id: None,
        new_id: SilenceId("s1".to_owned()),
        matchers: vec![Matcher::equal("alertname", "HighLatency")],
        starts_at: made_at,
        ends_at: made_at + TimeDelta::HOUR,
        created_by: "ana".to_owned(),
        comment: "a new disk".to_owned(),
        annotations: BTreeMap::new(),
    };
    core.step(Event::SetSilence(wish), made_at);
    assert_eq!(expiring_silences(&core, made_at), Vec::<String>::new());
    let later = made_at + TimeDelta::from_secs(50 * 60);
    let said = "the silence \"a new disk\" of ana ends in 10 min and still hides one firing alert";
    assert_eq!(expiring_silences(&core, later), [said]);
    assert_eq!(expiring_silences_count(&core, later), 1);
}
