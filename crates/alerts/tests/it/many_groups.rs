use std::collections::BTreeSet;

use bellwether_alerts::{AlertCore, AlertSource, Delivery, Effect, Event, Receipt, Restored};
use bellwether_model::{Alert, Labels, Timestamp};

use crate::script::setup;

const EACH_ALONE: &str = "
route: {receiver: hook, group_by: ['...'], group_wait: 10s, group_interval: 1m}
receivers: [{name: hook, webhook_configs: [{url: 'http://hook.example/'}]}]
";
const GROUPS: usize = 1000;

#[test]
fn a_thousand_groups_that_are_due_at_once_are_told_in_parts_and_each_once() {
    let (mut core, due) = (core_with_groups(), Timestamp::from_secs(10));
    let (mut told, mut parts) = (BTreeSet::new(), 0);
    while core.next_wake().is_some_and(|wake| wake <= due) {
        let part = deliveries(core.step(Event::Tick, due));
        assert!((1..=512).contains(&part.len()), "{} at once", part.len());
        told.extend(part.into_iter().map(|delivery| delivery.key));
        parts += 1;
    }
    assert_eq!((told.len(), parts), (GROUPS, 2));
}

#[test]
fn a_receipt_waits_for_no_other_group() {
    let (mut core, due) = (core_with_groups(), Timestamp::from_secs(10));
    let first = deliveries(core.step(Event::Tick, due)).remove(0);
    let outcome = Receipt::Accepted { status: 200 }.into();
    let effects = core.step(Event::Delivered { delivery: first.key, outcome }, due);
    assert_eq!(deliveries(effects), []);
    assert_eq!(core.next_wake(), Some(due), "the others are still due");
}

#[test]
fn a_clock_that_was_ahead_and_came_back_leaves_no_group_waiting_until_then() {
    let day = bellwether_model::TimeDelta::DAY;
    let mut core = core_with_groups();
    let due = Timestamp::from_secs(10) + day;
    while core.next_wake().is_some_and(|wake| wake <= due) {
        for delivery in deliveries(core.step(Event::Tick, due)) {
            let outcome = Receipt::Accepted { status: 200 }.into();
            core.step(Event::Delivered { delivery: delivery.key, outcome }, due);
        }
    }
    assert_eq!(core.next_wake(), Some(due + bellwether_model::TimeDelta::MINUTE));
    let now = Timestamp::from_secs(30);
    core.clock_set_back(day, now);
    let wake = core.next_wake().unwrap();
    assert!(now <= wake && wake <= now + bellwether_model::TimeDelta::MINUTE, "{wake}");
}

fn core_with_groups() -> AlertCore {
    let mut core = AlertCore::restore(setup(EACH_ALONE), Restored::default(), Timestamp(0));
    let alert = |number: usize| Alert {
        labels: Labels::from_pairs([("alertname", format!("a{number}"))]),
        annotations: Labels::empty(),
        starts_at: Timestamp(0),
        ends_at: None,
        generator_url: String::new(),
    };
    let alerts = (0..GROUPS).map(alert).collect();
    core.step(Event::Alerts { source: AlertSource::Rules, alerts }, Timestamp(0));
    core
}

fn deliveries(effects: Vec<Effect>) -> Vec<Delivery> {
    let deliveries = effects.into_iter().filter_map(|effect| match effect {
        Effect::Deliver(delivery) => Some(*delivery),
        Effect::Record(_) | Effect::Answer(_) => None,
    });
    deliveries.collect()
}
