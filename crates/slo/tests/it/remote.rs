//! What another store has of a scrape may arrive in parts and late: the ledger comes out as if it had been there whole.

use bellwether_model::{Batch, Births, Labels, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{
    Budgeting, Events, Indicator, Ledger, LedgerSettings, Ratio, Selector, StreamId, Window,
};

use crate::world::{SCRAPE, series};

const START: Timestamp = Timestamp(1_700_002_800_000);
const UP: SeriesId = SeriesId(0);
const BAD: SeriesId = SeriesId(1);
const TOTAL: SeriesId = SeriesId(2);
/// A second series of all events.
const MORE: SeriesId = SeriesId(3);

fn ledger() -> (Ledger, String) {
    let selectors = |text: &str| vec![Selector::parse(text).unwrap()];
    let indicator = Indicator {
        budgeting: Budgeting::Occurrences,
        events: Events::Ratio(Ratio::BadTotal { bad: selectors("bad"), total: selectors("total") }),
        group_by: Vec::new(),
        streams_max: 100,
    };
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([&indicator]);
    for (id, name) in [(UP, "up"), (BAD, "bad"), (TOTAL, "total"), (MORE, "total{more=1}")] {
        ledger.series_born(id, &series(name));
    }
    (ledger, indicator.key())
}

/// Seconds after the start, whether it worked, and the samples.
type Part<'a> = (i64, bool, Births, &'a [(SeriesId, f64)]);

fn fold(parts: &[Part<'_>]) -> Window {
    let (mut ledger, key) = ledger();
    for (seconds, ok, births, samples) in parts {
        let at = START + TimeDelta::from_secs(*seconds);
        let samples = samples.iter().map(|(id, value)| (*id, Sample::new(at, *value))).collect();
        let origin = Origin::Remote { target: UP, ok: *ok, interval: SCRAPE, births: *births };
        ledger.apply(&Batch::floats(origin, at, samples));
    }
    let everything: StreamId = ledger.stream_of(&key, &Labels::empty()).unwrap();
    ledger.window(everything, TimeDelta::HOUR).unwrap()
}

const NEW: Births = Births::Counted;
const OLD: Births = Births::Baseline;

#[test]
fn a_scrape_in_parts_counts_like_a_whole_one() {
    let whole = fold(&[
        (15, true, OLD, &[(UP, 1.0), (BAD, 5.0), (TOTAL, 10.0)]),
        (30, true, NEW, &[(UP, 1.0), (BAD, 6.0), (TOTAL, 20.0)]),
        (45, true, NEW, &[(UP, 1.0), (BAD, 7.0), (TOTAL, 30.0), (MORE, 4.0)]),
        (60, true, NEW, &[(UP, 1.0), (BAD, 9.0), (TOTAL, 40.0), (MORE, 6.0)]),
    ]);
    assert_eq!((whole.counts.bad, whole.counts.total), (4.0, 36.0));
    let parts = fold(&[
        (15, true, OLD, &[(UP, 1.0)]),
        (15, true, OLD, &[(BAD, 5.0), (TOTAL, 10.0)]),
        (30, true, NEW, &[(UP, 1.0), (TOTAL, 20.0)]),
        (30, true, NEW, &[(BAD, 6.0)]),
        (45, true, NEW, &[(UP, 1.0), (BAD, 7.0), (TOTAL, 30.0)]),
        (45, true, NEW, &[(MORE, 4.0)]),
        (60, true, NEW, &[(UP, 1.0), (BAD, 9.0), (TOTAL, 40.0), (MORE, 6.0)]),
    ]);
    assert_eq!(parts, whole);
    let twice = fold(&[
        (15, true, OLD, &[(UP, 1.0), (BAD, 5.0), (TOTAL, 10.0)]),
        (15, true, OLD, &[(UP, 1.0), (BAD, 5.0), (TOTAL, 10.0)]),
        (30, true, NEW, &[(UP, 1.0), (BAD, 6.0), (TOTAL, 20.0)]),
        (30, true, NEW, &[(UP, 1.0), (BAD, 6.0), (TOTAL, 20.0)]),
        (45, true, NEW, &[(UP, 1.0), (BAD, 7.0), (TOTAL, 30.0), (MORE, 4.0)]),
        (60, true, NEW, &[(UP, 1.0), (BAD, 9.0), (TOTAL, 40.0), (MORE, 6.0)]),
        (60, true, NEW, &[(UP, 1.0), (BAD, 9.0), (TOTAL, 40.0), (MORE, 6.0)]),
    ]);
    assert_eq!(twice, whole);
}

#[test]
fn where_reading_begins_a_series_is_no_birth() {
    let window = fold(&[
        (15, true, OLD, &[(UP, 1.0), (TOTAL, 100.0)]),
        (30, true, OLD, &[(UP, 1.0), (TOTAL, 110.0), (MORE, 1000.0)]),
        (45, true, NEW, &[(UP, 1.0), (TOTAL, 120.0), (MORE, 1001.0), (BAD, 2.0)]),
    ]);
    assert_eq!((window.counts.bad, window.counts.total), (2.0, 21.0));
}

#[test]
fn the_past_of_a_new_indicator_is_measured_while_its_target_is_long_known() {
    // The target has been read up to 60 s; the past of what counts is read after that.
    let window = fold(&[
        (15, true, OLD, &[(UP, 1.0)]),
        (30, true, NEW, &[(UP, 1.0)]),
        (45, true, NEW, &[(UP, 1.0)]),
        (60, true, NEW, &[(UP, 1.0)]),
        (15, true, OLD, &[(TOTAL, 100.0)]),
        (30, true, NEW, &[(TOTAL, 110.0)]),
        (45, true, NEW, &[(TOTAL, 120.0), (BAD, 3.0)]),
        (60, true, NEW, &[(TOTAL, 130.0), (BAD, 3.0)]),
    ]);
    assert_eq!((window.counts.bad, window.counts.total), (3.0, 30.0));
    assert_eq!(window.measured, TimeDelta::from_secs(45));
}

#[test]
fn a_failure_heard_of_late_takes_nothing_back() {
    let parts: [Part<'_>; 4] = [
        (15, true, OLD, &[(UP, 1.0), (TOTAL, 100.0)]),
        (30, false, NEW, &[(UP, 0.0)]),
        (45, true, NEW, &[(UP, 1.0), (TOTAL, 120.0)]),
        (60, true, NEW, &[(UP, 1.0), (TOTAL, 130.0)]),
    ];
    let in_order = fold(&parts);
    let again = fold(&[parts[0], parts[1], parts[2], parts[3], parts[1]]);
    assert_eq!(again, in_order);
    assert_eq!(again.counts.total, 30.0);
}
