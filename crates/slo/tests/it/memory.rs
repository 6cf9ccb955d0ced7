//! Thirty days of a stream fit in 100 KB.

use bellwether_model::{Batch, Origin, Sample, SeriesId, TimeDelta, Timestamp};
use bellwether_slo::{Budgeting, Events, Indicator, Ledger, LedgerSettings, Ratio, Selector};

use crate::world::{SCRAPE, series};

/// Heap bytes of a stream that was scraped for thirty days with counts that spread like a Poisson process.
fn heap_bytes_after_30_days(per_minute: f64) -> usize {
    let selector = |text: &str| vec![Selector::parse(text).unwrap()];
    let events = Events::Ratio(Ratio::BadTotal { bad: selector("bad"), total: selector("total") });
    let indicator =
        Indicator { events, budgeting: Budgeting::Occurrences, group_by: Vec::new(), streams_max: 1 };
    let mut ledger = Ledger::new(LedgerSettings::default());
    ledger.set_indicators([&indicator]);
    ledger.series_born(SeriesId(1), &series("total"));
    ledger.series_born(SeriesId(2), &series("bad"));
    let (mut total, mut bad, mut state) = (0.0, 0.0, 7u64);
    // Four uniform numbers sum up to nearly a normal one of variance 1/3, and so does a Poisson count of this size.
    let mut draw = |mean: f64| {
        let mut sum = -2.0;
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (state >> 11) as f64 / (1u64 << 53) as f64;
        }
        (mean + sum * (3.0 * mean).sqrt()).round().max(0.0)
    };
    let origin = Origin::Scrape { target: SeriesId(0), ok: true, interval: SCRAPE };
    for step in 0..30 * TimeDelta::DAY.0 / SCRAPE.0 {
        let at = Timestamp(1_700_000_010_000 + step * SCRAPE.0);
        total += draw(per_minute / 4.0);
        bad += draw(per_minute / 400.0);
        let samples = vec![(SeriesId(1), Sample::new(at, total)), (SeriesId(2), Sample::new(at, bad))];
        ledger.apply(&Batch::floats(origin, at, samples));
    }
    let stream = ledger.streams(&indicator.key())[0].1;
    let month = ledger.window(stream, TimeDelta(29 * TimeDelta::DAY.0)).unwrap();
    assert_eq!(month.measured, month.length, "nothing has been dropped");
    ledger.stream_heap_bytes(stream)
}

#[test]
fn thirty_days_of_150_events_a_minute_fit_in_100_kb() {
    let bytes = heap_bytes_after_30_days(150.0);
    assert!(bytes <= 100_000, "{bytes}");
}

#[test]
fn thirty_days_of_100_000_events_a_minute_cost_what_their_noise_costs() {
    // The counts themselves hold 17.4 bits of noise a minute (log2 of sigma times sqrt(2 pi e), for all events and for
    // bad ones): 94 KB that nothing can compress. What is added: the
    // spread of a block instead of its entropy, room to grow, the block index, and six hours slot by slot.
    let bytes = heap_bytes_after_30_days(100_000.0);
    assert!(bytes <= 155_000, "{bytes}");
}
