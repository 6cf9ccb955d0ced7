//! The store does what a table would do, whatever is done to it in whatever order.

use bellwether_model::{Matcher, STALE_NAN, SeriesSource, TimeDelta, TimeRange, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use proptest::prelude::*;

use crate::world::{Contents, above, batch, contents, labels, mixed_batch, open, print, value};

#[derive(Clone, Debug)]
enum Step {
    Append {
        series: u8,
        at: i64,
        count: i64,
        value: f64,
    },
    /// Floats and histograms in turn, some with start times.
    Mixed {
        series: u8,
        at: i64,
        count: i64,
    },
    Sync,
    Seal(i64),
    Retain(i64),
    /// Up to a moment, in spans of a length.
    Compact(i64, i64),
    Reopen,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    let value = prop_oneof![
        (-50i32..50).prop_map(f64::from),
        any::<u64>().prop_map(f64::from_bits),
        Just(STALE_NAN),
        Just(-0.0),
    ];
    prop_oneof![
        8 => (0u8..4, 0i64..4000, 1i64..300, value)
            .prop_map(|(series, at, count, value)| Step::Append { series, at, count, value }),
        4 => (0u8..4, 0i64..4000, 1i64..300).prop_map(|(series, at, count)| Step::Mixed { series, at, count }),
        1 => Just(Step::Sync),
        1 => (0i64..5000).prop_map(Step::Seal),
        1 => (0i64..2500).prop_map(Step::Retain),
        2 => (0i64..5000, 100i64..2000).prop_map(|(over, span)| Step::Compact(over, span)),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// How far back a series takes late entries in some of the runs.
const WINDOW: i64 = 700;

/// What the store is held against.
struct Table {
    contents: Contents,
    lasts: [i64; 4],
    floor: i64,
    window: i64,
}

impl Table {
    /// Times go forward in a series, but for what is late inside the window; nothing goes below the floor, and what
    /// was there first stays.
    fn append(&mut self, series: u8, (at, print): (i64, u64)) {
        let last = &mut self.lasts[usize::from(series)];
        if at >= self.floor && at > last.saturating_sub(self.window) {
            *last = at.max(*last);
            self.contents.entry(format!("series_{series}")).or_default().entry(at).or_insert(print);
        }
    }
}

fn check(steps: &[Step], window: i64) {
    let disk = FaultDisk::new();
    let open = || {
        let store = open(&disk).0;
        store.set_out_of_order_window(TimeDelta(window));
        store
    };
    let mut store = open();
    // An entry exactly as old as the window is taken; of no window at all, nothing.
    let window = if window > 0 { window + 1 } else { 0 };
    let mut table = Table { contents: Contents::new(), lasts: [i64::MIN; 4], floor: i64::MIN, window };
    for step in steps {
        match *step {
            Step::Append { series, at, count, value } => {
                let id = store.series(&labels(series)).unwrap();
                for n in 0..count {
                    let sample = (at + n * 3, value + n as f64);
                    store.append(&batch(sample.0, vec![(id, sample.1)])).unwrap();
                    table.append(series, (sample.0, sample.1.to_bits()));
                }
            }
            Step::Mixed { series, at, count } => {
                let id = store.series(&labels(series)).unwrap();
                for at in (at..at + count * 3).step_by(3) {
                    let (value, since) = value(at);
                    let printed = print(&value, since);
                    store.append(&mixed_batch(at, &[(id, value, since)])).unwrap();
                    table.append(series, (at, printed));
                }
            }
            Step::Sync => drop(store.sync().unwrap()),
            Step::Seal(before) => {
                store.release(store.position());
                store.seal(Timestamp(before)).unwrap();
            }
            Step::Retain(oldest) => {
                store.enforce_retention(Timestamp(oldest)).unwrap();
                table.floor = table.floor.max(oldest);
            }
            Step::Compact(over, span) => {
                while store.compact(Timestamp(over), TimeDelta(span)).unwrap().segments > 0 {}
            }
            Step::Reopen | Step::Kill => {
                store.sync().unwrap();
                drop(store);
                if matches!(step, Step::Kill) {
                    disk.kill();
                }
                store = open();
            }
        }
        let shown = contents(&store);
        assert_eq!(above(shown, table.floor), above(table.contents.clone(), table.floor));
    }
    check_queries(&store, &contents(&store));
}

/// Label queries agree with what a selection shows.
fn check_queries(store: &bellwether_tsdb::Store, shown: &Contents) {
    let snapshot = store.snapshot();
    for range in [TimeRange::ALL, TimeRange::new(Timestamp(1000), Timestamp(1001))] {
        for matchers in [vec![], vec![Matcher::equal("parity", "1")]] {
            let views = snapshot.select(&matchers, range).unwrap();
            let is_inside = |name: &str| shown[name].keys().any(|at| range.contains(Timestamp(*at)));
            let selected = views.into_iter().map(|view| view.labels);
            // A selection may have series more, whose chunks begin before the range and end behind it.
            let labels: Vec<_> = selected.filter(|labels| is_inside(labels.metric_name().unwrap())).collect();
            let names: Vec<_> = labels.iter().filter_map(|l| l.metric_name()).collect();
            assert_eq!(snapshot.label_values("__name__", &matchers, range).unwrap(), names);
            assert_eq!(snapshot.label_names(&matchers, range).unwrap().is_empty(), labels.is_empty());
            assert_eq!(snapshot.series(&matchers, range).unwrap(), labels);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_store_is_a_table_of_samples(steps in prop::collection::vec(step(), 1..25), takes_late: bool) {
        check(&steps, if takes_late { WINDOW } else { 0 });
    }
}
