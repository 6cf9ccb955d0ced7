//! Pushed counters: what a first value counts, in whatever order requests arrive, across restarts and gaps.

use bellwether_model::{Batch, Labels, Origin, STALE_NAN, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    Budgeting, Events, Indicator, Ledger, LedgerSettings, Ratio, Selector, StreamId, Window,
};

use crate::world::series;

const START: Timestamp = Timestamp(1_700_002_800_000);
const BAD: u32 = 0;
const TOTAL: u32 = 1;
/// Another series of all events, of the same instance.
const MORE: u32 = 2;
/// One of another instance.
const OTHER: u32 = 3;
/// Series that say nothing of whose they are.
const NOBODYS: u32 = 4;
const NOBODYS_TOO: u32 = 5;

/// Seconds after the start, the series, its value, and since when it counts.
type Pushed = (i64, u32, f64, Option<i64>);

fn fold(batches: &[&[Pushed]]) -> Window {
    let selectors = |text: &str| vec![Selector::parse(text).unwrap()];
    let indicator = Indicator {
        budgeting: Budgeting::Occurrences,
        events: Events::Ratio(Ratio::BadTotal { bad: selectors("bad"), total: selectors("total") }),
        group_by: Vec::new(),
        streams_max: 100,
    };
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([&indicator]);
    let names = [
        "bad{job=api,instance=a}",
        "total{job=api,instance=a}",
        "total{job=api,instance=a,more=1}",
        "total{job=api,instance=b}",
        "total{of=one}",
        "total{of=two}",
    ];
    for (id, name) in names.iter().enumerate() {
        ledger.series_born(SeriesId(id as u32), &series(name));
    }
    let time = |seconds: i64| START + TimeDelta::from_secs(seconds);
    for pushed in batches {
        let samples = pushed.iter().map(|(at, id, value, _)| (SeriesId(*id), Sample::new(time(*at), *value)));
        let last = pushed.iter().map(|(at, ..)| time(*at)).max().unwrap();
        let mut batch = Batch::floats(Origin::Pushed, last, samples.collect());
        for (place, (.., since)) in pushed.iter().enumerate() {
            batch.start_times.extend(since.map(|since| (place as u32, time(since))));
        }
        ledger.apply(&batch);
    }
    let everything: StreamId = ledger.stream_of(&indicator.key(), &Labels::empty()).unwrap();
    ledger.window(everything, TimeDelta::HOUR).unwrap()
}

#[test]
fn a_first_value_counts_from_zero_where_its_target_was_seen_before() {
    let check = |batches: &[&[Pushed]], bad: f64, total: f64| {
        let counts = fold(batches).counts;
        assert_eq!((counts.bad, counts.total), (bad, total), "{batches:?}");
    };
    let number = |at, id, value| (at, id, value, None);
    let first = [number(15, BAD, 5.0), number(15, TOTAL, 100.0)];
    let second = [number(30, BAD, 6.0), number(30, TOTAL, 110.0)];
    check(&[&first], 0.0, 0.0);
    check(&[&first, &second], 1.0, 10.0);
    // Born while its instance was watched, in whichever request.
    check(&[&first, &second, &[number(45, MORE, 3.0)]], 1.0, 13.0);
    check(&[&first, &[number(30, MORE, 3.0)], &second], 1.0, 13.0);
    // One request of a scrape is slow; its moment is that of the first.
    check(&[&first[..1], &second[..1], &first[1..], &second[1..]], 1.0, 10.0);
    // All in one request, many samples of a series.
    check(&[&[first[0], second[0], first[1], second[1]]], 1.0, 10.0);
    // Another instance, seen for the first time.
    check(&[&first, &second, &[number(45, OTHER, 1000.0)], &[number(60, OTHER, 1001.0)]], 1.0, 11.0);
    // A restart of the counter, and the same sample again.
    check(&[&first, &second, &second, &[number(45, TOTAL, 4.0)]], 1.0, 14.0);
    // Between two samples that are known.
    check(&[&first, &[number(45, TOTAL, 120.0)], &[number(30, TOTAL, 107.0)]], 0.0, 20.0);
    check(&[&first, &[number(45, TOTAL, 20.0)], &[number(30, TOTAL, 110.0)]], 0.0, 30.0);
    // Whose they are is not said, so that none tells that another was born.
    let nobodys = [number(15, NOBODYS, 7.0), number(30, NOBODYS, 8.0), number(45, NOBODYS_TOO, 500.0)];
    check(&[&first, &nobodys, &[number(60, NOBODYS_TOO, 502.0)]], 0.0, 3.0);
    // A start decides, where it is said.
    check(&[&first, &second, &[(45, OTHER, 9.0, Some(40))]], 1.0, 19.0);
    check(&[&first, &second, &[(45, MORE, 9.0, Some(-3600))]], 1.0, 10.0);
    check(&[&first, &[(30, TOTAL, 110.0, Some(20))]], 0.0, 110.0);
}

#[test]
fn a_target_of_which_only_markers_come_is_not_heard_of() {
    let number = |at, value| (at, TOTAL, value, None);
    let watched = fold(&[&[number(15, 1.0)], &[number(30, 2.0)]]);
    let marked = fold(&[&[number(15, 1.0)], &[number(30, 2.0)], &[number(600, STALE_NAN)]]);
    assert_eq!(watched, marked);
}
