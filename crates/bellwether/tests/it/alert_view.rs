//! The header of every page counts what reaches people; the page of all alerts shows the same ones.

use std::collections::BTreeMap;

use bellwether::alert_view::{alerts, loud};
use bellwether_alerts::{
    Action, AlertCore, AlertSource, Deed, Event, Restored, SilenceId, SilenceWish, Subject,
};
use bellwether_model::{Matcher, TimeDelta};
use bellwether_web::view::LoudAlerts;

use crate::told::{alert, setup_of};

const ROUTING: &str = "
time_intervals: [{name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}]
route:
  receiver: a
  group_by: [alertname]
  routes: [{matchers: [team=asleep], receiver: a, mute_time_intervals: [always]}]
inhibit_rules: [{source_matchers: [team=db], target_matchers: [team=web]}]
receivers: [{name: a, webhook_configs: [{url: 'http://a.example'}]}]
";

/// What fires, as severity and team; the team whose alerts are silenced; the severity whose alerts somebody takes for
/// an hour; and after how many minutes it is counted.
struct Night {
    fire: &'static [(&'static str, &'static str)],
    silenced: &'static str,
    taken: &'static str,
    minutes: i64,
}

fn check(night: &Night, want: [usize; 3]) {
    let start = alert(&[], &[]).starts_at;
    let mut core = AlertCore::restore(setup_of(ROUTING), Restored::default(), start);
    let all = night.fire.iter().map(|(severity, team)| alert(&[("severity", severity), ("team", team)], &[]));
    core.step(Event::Alerts { source: AlertSource::Rules, alerts: all.collect() }, start);
    let silence = SilenceWish {
        id: None,
        new_id: SilenceId("s1".to_owned()),
        matchers: vec![Matcher::equal("team", night.silenced)],
        starts_at: start,
        ends_at: start + TimeDelta::HOUR * 2,
        created_by: "ana".to_owned(),
        comment: "moving".to_owned(),
        annotations: BTreeMap::new(),
    };
    core.step(Event::SetSilence(silence), start);
    for view in core.alerts(start) {
        if view.alert.labels.get("severity") == Some(night.taken) {
            let (subject, until) = (Subject::Alert(view.fingerprint), Some(start + TimeDelta::HOUR));
            let deed = Deed::Acknowledge { until };
            core.step(Event::Act(Action { subject, deed, by: "kim".to_owned(), note: String::new() }), start);
        }
    }
    let now = start + TimeDelta(night.minutes * 60_000);
    core.step(Event::Tick, now);
    let counted = loud(&core, now);
    let [total, critical, critical_wanted] = want;
    assert_eq!(counted, LoudAlerts { total, critical, critical_wanted }, "{:?}", night.fire);
    assert_eq!(counted, LoudAlerts::of(&alerts(&core, now), now), "views say the same: {:?}", night.fire);
}

#[test]
fn the_header_counts_what_nothing_keeps_quiet_and_what_of_it_nobody_has() {
    let quiet = Night { fire: &[], silenced: "none", taken: "none", minutes: 0 };
    check(&quiet, [0, 0, 0]);
    let many = &[("page", "db"), ("critical", "ops"), ("ticket", "ops"), ("info", "ops"), ("", "ops")];
    check(&Night { fire: many, ..quiet }, [5, 2, 2]);
    check(&Night { fire: many, taken: "page", ..quiet }, [5, 2, 1]);
    check(&Night { fire: many, taken: "page", minutes: 61, ..quiet }, [5, 2, 2]);
    check(&Night { fire: many, silenced: "ops", ..quiet }, [1, 1, 1]);
    check(&Night { fire: many, silenced: "ops", minutes: 121, ..quiet }, [5, 2, 2]);
    check(&Night { fire: &[("page", "asleep"), ("page", "ops")], ..quiet }, [1, 1, 1]);
    check(&Night { fire: &[("page", "web"), ("ticket", "db")], ..quiet }, [1, 0, 0]);
}
