//! What answers to questions are booked as.

use bellwether_model::{Labels, TimeDelta, Timestamp};
use bellwether_slo::{
    Ask, Budgeting, Counts, Events, Indicator, Ledger, LedgerSettings, QueryEvents, Stretch, Window,
};

const START: Timestamp = Timestamp(1_700_002_800_000);

fn asked(group_by: &[&str], streams_max: u32) -> Indicator {
    let ask = Ask::BadTotal { bad: "b".to_owned(), total: "t".to_owned() };
    Indicator {
        events: Events::Query(QueryEvents { ask, slice: TimeDelta::MINUTE }),
        budgeting: Budgeting::Occurrences,
        group_by: group_by.iter().map(|&name| name.to_owned()).collect(),
        streams_max,
    }
}

fn ledger(indicator: &Indicator) -> Ledger {
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([indicator]);
    ledger
}

/// `60 1/5`: the minute up to second 60 held one bad event of five; `60 ?`: nobody answered.
fn answer(ledger: &mut Ledger, indicator: &Indicator, shop: &str, line: &str) -> usize {
    let (end, said) = line.split_once(' ').unwrap();
    let end = START + TimeDelta::from_secs(end.parse().unwrap());
    let counts = said
        .split_once('/')
        .map(|(bad, total)| Counts { bad: bad.parse().unwrap(), total: total.parse().unwrap() });
    let labels = match shop {
        "" => Labels::empty(),
        shop => Labels::from_pairs([("shop", shop)]),
    };
    ledger.book(&indicator.key(), &labels, Stretch { begin: end - TimeDelta::MINUTE, end }, counts).len()
}

fn show(window: Option<Window>) -> String {
    window.map_or("unknown".to_owned(), |w| {
        format!("{} of {}, measured {} of {}", w.counts.bad, w.counts.total, w.measured, w.watched)
    })
}

fn check(answers: &[&str], expected: &str) {
    let indicator = asked(&[], 10);
    let mut ledger = ledger(&indicator);
    for line in answers {
        answer(&mut ledger, &indicator, "", line);
    }
    let stream = ledger.streams(&indicator.key())[0].1;
    assert_eq!(show(ledger.window(stream, TimeDelta(300_000))), expected, "{answers:?}");
}

#[test]
fn an_answer_vouches_for_the_time_it_was_asked_about() {
    check(&[], "unknown");
    check(&["60 ?"], "unknown");
    check(&["60 1/5"], "1 of 5, measured 1m of 1m");
    check(&["60 0/0"], "0 of 0, measured 1m of 1m");
    check(&["60 1/5", "120 0/7"], "1 of 12, measured 2m of 2m");
    check(&["60 1/5", "120 ?", "180 2/4"], "3 of 9, measured 2m of 3m");
    check(&["60 1/5", "180 2/4"], "3 of 9, measured 2m of 3m");
    check(&["60 1/5", "120 ?", "300 0/0"], "1 of 5, measured 2m of 5m");
    check(&["60 1/5", "120 ?"], "1 of 5, measured 1m of 1m");
}

#[test]
fn asking_twice_counts_once() {
    check(&["60 1/5", "60 1/5"], "1 of 5, measured 1m of 1m");
    check(&["60 1/5", "120 0/7", "60 3/3"], "1 of 12, measured 2m of 2m");
    check(&["60 1/5", "90 2/4"], "3 of 9, measured 1m30s of 1m30s");
}

#[test]
fn the_first_answer_may_be_about_a_long_time() {
    let indicator = asked(&[], 10);
    let mut ledger = ledger(&indicator);
    let stretch = Stretch { begin: START, end: START + TimeDelta(300_000) };
    ledger.book(&indicator.key(), &Labels::empty(), stretch, Some(Counts { bad: 1.0, total: 8.0 }));
    let stream = ledger.streams(&indicator.key())[0].1;
    assert_eq!(show(ledger.window(stream, TimeDelta(600_000))), "1 of 8, measured 5m of 5m");
}

#[test]
fn what_cannot_be_a_count_is_no_answer() {
    for answer in ["60 NaN/5", "60 1/inf", "60 -1/5", "60 6/5"] {
        check(&[answer], "unknown");
    }
}

#[test]
fn groups_make_streams_of_their_own_while_there_are_not_too_many() {
    let indicator = asked(&["shop"], 2);
    let mut ledger = ledger(&indicator);
    let known: Vec<usize> = [("x", "60 1/5"), ("y", "60 0/3"), ("z", "60 2/2"), ("z", "120 1/1")]
        .into_iter()
        .map(|(shop, line)| answer(&mut ledger, &indicator, shop, line))
        .collect();
    assert_eq!(known, [2, 2, 1, 1]);
    let shown: Vec<(String, String)> = ledger
        .streams(&indicator.key())
        .into_iter()
        .map(|(labels, id)| (labels.to_string(), show(ledger.window(id, TimeDelta(300_000)))))
        .collect();
    // Of three groups the second minute is known of one.
    let expected = [
        ("{}", "4 of 11, measured 1m20s of 2m"),
        ("{shop=\"x\"}", "1 of 5, measured 1m of 1m"),
        ("{shop=\"y\"}", "0 of 3, measured 1m of 1m"),
    ];
    assert_eq!(shown, expected.map(|(labels, text)| (labels.to_owned(), text.to_owned())));
}

#[test]
fn a_group_of_which_nothing_is_heard_for_an_hour_is_no_longer_expected() {
    let indicator = asked(&["shop"], 2);
    let mut ledger = ledger(&indicator);
    answer(&mut ledger, &indicator, "x", "60 0/1");
    for minute in 1..=120 {
        answer(&mut ledger, &indicator, "y", &format!("{} 0/1", minute * 60));
    }
    let everything = ledger.streams(&indicator.key())[0].1;
    assert_eq!(show(ledger.window(everything, TimeDelta(1_800_000))), "0 of 30, measured 30m of 30m");
}
