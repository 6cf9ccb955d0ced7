//! The store does what a table would do, whatever is done to it in whatever order. A failure is shrunk: what is printed
//! is the shortest history that shows it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_model::{
    LogPosition, Matcher, STALE_NAN, Sample, SeriesId, SeriesSource, TimeDelta, TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::{FaultDisk, Faults};
use bellwether_tsdb::{AppendError, DiskError, LogEvent, Options, SeriesLimits, Snapshot, Store};
use proptest::prelude::*;

use crate::model_table::{Table, labels, name};
use crate::world::{
    Contents, DIR, Value, above, assert_same, contents, contents_of, mixed_batch, print, value,
};

#[derive(Clone, Debug)]
enum Step {
    Append {
        series: u8,
        at: i64,
        count: i64,
        value: f64,
    },
    /// Floats and histograms in turn, some with start times, markers among both.
    Mixed {
        series: u8,
        at: i64,
        count: i64,
    },
    /// An entry that is there once more, or another value for its moment.
    Again {
        series: u8,
        place: usize,
        is_same: bool,
    },
    /// To every number that the series ever had.
    ToOldNumbers {
        series: u8,
        at: i64,
    },
    Make {
        series: u8,
        is_own: bool,
    },
    Limit {
        total: u64,
        per_job: u64,
    },
    Import {
        series: u8,
        at: i64,
        count: i64,
    },
    Sync,
    Seal {
        before: i64,
        is_released: bool,
    },
    Retain(i64),
    /// To so many bytes.
    Shrink(u64),
    /// Up to a moment, in spans of a length.
    Compact(i64, i64),
    Forget,
    /// All that maintenance does at a moment, so that what is old goes for good.
    Tidy(i64),
    /// A copy is a store of its own.
    Copy,
    /// A view is held while other things happen.
    Hold,
    LetGo,
    /// The disk has room for so many bytes more.
    Fill(u64),
    Free,
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
    let count = prop_oneof![3 => 1i64..40, 1 => 40i64..300];
    prop_oneof![
        8 => (0u8..4, 0i64..4000, count.clone(), value)
            .prop_map(|(series, at, count, value)| Step::Append { series, at, count, value }),
        4 => (0u8..4, 0i64..4000, count).prop_map(|(series, at, count)| Step::Mixed { series, at, count }),
        3 => (0u8..4, 0usize..300, any::<bool>())
            .prop_map(|(series, place, is_same)| Step::Again { series, place, is_same }),
        1 => (0u8..8, 0i64..4000).prop_map(|(series, at)| Step::ToOldNumbers { series, at }),
        2 => (0u8..10, any::<bool>()).prop_map(|(series, is_own)| Step::Make { series, is_own }),
        1 => (0u64..6, 0u64..4).prop_map(|(total, per_job)| Step::Limit { total, per_job }),
        1 => (0u8..4, 0i64..4000, 1i64..60).prop_map(|(series, at, count)| Step::Import { series, at, count }),
        1 => Just(Step::Sync),
        3 => (0i64..5000, any::<bool>()).prop_map(|(before, is_released)| Step::Seal { before, is_released }),
        1 => (0i64..2500).prop_map(Step::Retain),
        1 => (0u64..3000).prop_map(Step::Shrink),
        2 => (0i64..5000, 100i64..2000).prop_map(|(over, span)| Step::Compact(over, span)),
        2 => Just(Step::Forget),
        2 => (0i64..5000).prop_map(Step::Tidy),
        1 => Just(Step::Copy),
        1 => Just(Step::Hold),
        1 => Just(Step::LetGo),
        1 => (0u64..2000).prop_map(Step::Fill),
        1 => Just(Step::Free),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
    ]
}

/// How far back a series takes late entries in some of the runs.
const WINDOW: i64 = 700;

/// A store, the table it is held against, and the disk it is on.
struct World {
    disk: FaultDisk,
    store: Store,
    table: Table,
    held: Vec<(Snapshot, Contents)>,
    copies: usize,
}

fn open(disk: &FaultDisk, dir: &Path, window: i64) -> Store {
    let options = Options {
        log_file_bytes_max: 2000,
        out_of_order_window: TimeDelta(window),
        reserve_bytes: 300,
        ..Options::default()
    };
    let (store, recovery) = Store::open(dir, options, Arc::new(disk.clone())).unwrap();
    assert!(recovery.quarantined.is_empty() && recovery.damaged_bytes == 0, "{recovery:?}");
    store
}

impl World {
    fn new(window: i64) -> Self {
        let disk = FaultDisk::new();
        let store = open(&disk, Path::new(DIR), window);
        Self { disk, store, table: Table::new(window), held: Vec::new(), copies: 0 }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Append { series, at, count, value } => {
                for n in 0..count {
                    self.append(series, at + n * 3, &Value::Float(value + n as f64), None);
                }
            }
            Step::Mixed { series, at, count } => {
                for at in (at..at + count * 3).step_by(3) {
                    let (value, since) = value(at);
                    self.append(series, at, &value, since);
                }
            }
            Step::Again { series, place, is_same } => self.append_again(series, place, is_same),
            Step::ToOldNumbers { series, at } => self.append_to_old_numbers(series, at),
            Step::Make { series, is_own } => _ = self.number(series, is_own),
            Step::Limit { total, per_job } => {
                let limits = SeriesLimits { total, per_job, ..SeriesLimits::default() };
                self.store.set_limits(limits.clone());
                self.table.set_limits(limits);
            }
            Step::Import { series, at, count } => self.import(series, at, count),
            Step::Sync => drop(self.store.sync()),
            Step::Seal { before, is_released } => {
                if is_released {
                    self.store.release(self.store.position());
                }
                self.seal(before);
            }
            Step::Retain(oldest) => {
                // On a full disk it may not be written down yet, and holds all the same.
                let _ = self.store.enforce_retention(Timestamp(oldest));
                self.table.raise_floor(oldest);
            }
            Step::Shrink(bytes) => self.shrink(bytes),
            Step::Compact(over, span) => {
                while self.store.compact(Timestamp(over), TimeDelta(span)).is_ok_and(|done| done.segments > 0)
                {
                }
            }
            // Chosen by one, gone with the next.
            Step::Forget => (0..2).for_each(|_| self.forget()),
            Step::Tidy(now) => {
                self.store.release(self.store.position());
                self.seal(now);
                self.forget();
                let _ = self.store.enforce_retention(Timestamp(now - 500));
                self.table.raise_floor(now - 500);
                self.forget();
            }
            Step::Copy => self.copy(),
            Step::Hold => self.held.push((self.store.snapshot(), self.table.shown())),
            Step::LetGo => drop(self.held.pop()),
            Step::Fill(room) => {
                let used = |path: &PathBuf| self.disk.bytes(path).map_or(0, |bytes| bytes.len() as u64);
                let used: u64 = self.disk.paths().iter().map(used).sum();
                self.disk.set_faults(Faults { capacity_bytes: Some(used + room), ..Faults::default() });
            }
            Step::Free => self.free(),
            Step::Reopen | Step::Kill => self.open_again(matches!(step, Step::Kill)),
        }
    }

    fn free(&mut self) {
        self.disk.set_faults(Faults::default());
        self.store.restore_reserve().unwrap();
        assert!(self.store.is_accepting());
    }

    /// The number of a series, which is made if the limits allow it and there is room.
    fn number(&mut self, series: u8, is_own: bool) -> Option<SeriesId> {
        let labels = labels(series);
        let found = if is_own { self.store.own_series(&labels) } else { self.store.series(&labels) };
        let admitted = if is_own { Ok(()) } else { self.table.admit(series) };
        match (found, self.table.known.get(&series), admitted) {
            (Ok(id), Some(known), _) => {
                assert_eq!(id, *known);
                Some(id)
            }
            (Ok(id), None, Ok(())) => {
                self.table.made(series, id, self.store.was_refused(id));
                Some(id)
            }
            (Err(AppendError::SeriesLimit(reached)), None, Err(expected)) => {
                assert_eq!(reached, expected);
                self.table.refused(series);
                None
            }
            (Err(AppendError::Log(error)), None, _) if error.is_full() => None,
            other => panic!("{series}: {other:?}"),
        }
    }

    fn append(&mut self, series: u8, at: i64, value: &Value, since: Option<Timestamp>) {
        if let Some(id) = self.number(series, false) {
            self.append_to(id, series, at, value, since);
        }
    }

    fn append_to(&mut self, id: SeriesId, series: u8, at: i64, value: &Value, since: Option<Timestamp>) {
        let is_accepting = self.store.is_accepting();
        match self.store.append(&mixed_batch(at, &[(id, value.clone(), since)])) {
            Ok(done) => {
                assert!(is_accepting, "nothing is taken from a full disk on");
                assert_eq!(done.taken + done.known + done.refused.len(), 1, "{done:?}");
                let done = done.refused.first().map_or(Ok(done.taken == 1), |refused| Err(refused.reason));
                let moment = (at, print(value, None));
                assert_eq!(done, self.table.judge(series, moment), "series {series} at {at}");
                if done == Ok(true) {
                    self.table.taken(series, moment, print(value, since));
                }
            }
            Err(AppendError::Log(error)) if error.is_full() => assert!(!self.store.is_accepting()),
            Err(error) => panic!("{error}"),
        }
    }

    fn append_again(&mut self, series: u8, place: usize, is_same: bool) {
        let Some(samples) =
            self.table.contents.get(&name(series)).filter(|_| self.table.known.contains_key(&series))
        else {
            return;
        };
        let (at, bits) = samples.iter().nth(place % samples.len()).map(|(at, bits)| (*at, *bits)).unwrap();
        let (mixed, since) = value(at);
        let as_it_is = if print(&mixed, since) == bits {
            (mixed, since)
        } else {
            (Value::Float(f64::from_bits(bits)), None)
        };
        let (value, since) = if is_same { as_it_is } else { (Value::Float(1e300), None) };
        // A number with a start time is the same entry without it, but shown otherwise: only plain ones are sent twice.
        if since.is_none() && (is_same || bits != 1e300f64.to_bits()) {
            self.append(series, at, &value, None);
        }
    }

    fn append_to_old_numbers(&mut self, series: u8, at: i64) {
        let numbers: Vec<SeriesId> =
            self.table.numbers.iter().filter(|(of, _)| *of == series).map(|(_, id)| *id).collect();
        for id in numbers {
            if self.table.known.get(&series) == Some(&id) {
                self.append_to(id, series, at, &Value::Float(0.5), None);
            } else if self.store.labels(id).is_none()
                && let Ok(done) = self.store.append(&mixed_batch(at, &[(id, Value::Float(0.5), None)]))
            {
                let reasons: Vec<_> = done.refused.iter().map(|refused| refused.reason).collect();
                assert_eq!(reasons, [bellwether_tsdb::Refusal::UnknownSeries { series: id }]);
            }
        }
    }

    /// After a seal that failed for want of room nobody knows what of it was done: so it is done again with room.
    fn seal(&mut self, before: i64) {
        match self.store.seal(Timestamp(before)) {
            Ok(_) => self.table.sealed(before),
            Err(error) => {
                self.check_shown();
                assert!(error.to_string().contains("full"), "{error}");
                self.free();
                self.store.seal(Timestamp(before)).unwrap();
                self.table.sealed(before);
            }
        }
    }

    fn import(&mut self, series: u8, at: i64, count: i64) {
        let Some(id) = self.number(series, false) else { return };
        self.seal(i64::MAX);
        let Ok(mut importer) = self.store.importer(TimeRange::ALL) else { return };
        self.table.sealed(i64::MAX);
        let samples: Vec<(i64, f64)> = (0..count).map(|n| (at + n * 2, (n * 5) as f64)).collect();
        for (at, value) in &samples {
            importer.push(id, Sample::new(Timestamp(*at), *value));
        }
        // What was taken of it on a full disk is all in one segment, or none.
        if importer.write().is_ok() {
            let floor = self.table.floor;
            for (at, value) in samples.iter().filter(|(at, _)| *at >= floor) {
                self.table.put(series, (*at, value.to_bits()), value.to_bits());
            }
        }
    }

    fn shrink(&mut self, bytes_max: u64) {
        let before = self.store.stats();
        let done = self.store.enforce_size(bytes_max);
        let after = self.store.stats();
        if before.log_bytes + before.segment_bytes <= bytes_max {
            assert_eq!((after.floor, after.segments), (before.floor, before.segments), "there was room");
        }
        if done.is_ok() {
            let bytes = before.log_bytes + after.segment_bytes;
            assert!(bytes <= bytes_max || after.segments <= 2, "{bytes} of {bytes_max} bytes, {after:?}");
        }
        self.table.raise_floor(after.floor.map_or(i64::MIN, |floor| floor.0));
    }

    fn forget(&mut self) {
        let _ = self.store.forget();
        let store = &self.store;
        self.table.forgotten(&|id| store.labels(id).is_some());
        // Nothing speaks of a number whose labels are gone.
        let _ = store.replay(LogPosition::default(), &mut |event| {
            if let LogEvent::Batch { batch, .. } = event {
                assert!(
                    batch.series().all(|id| store.labels(id).is_some()),
                    "the log has a number without labels"
                );
            }
        });
    }

    fn copy(&mut self) {
        let target = PathBuf::from(format!("copy-{}", self.copies));
        self.copies += 1;
        let done = self.store.copy_to::<DiskError>(&target, &mut || Ok(()));
        if done.is_ok() {
            let faults = self.disk.faults();
            self.disk.set_faults(Faults::default());
            let copied = open(&self.disk, &target, self.table.window);
            assert_same(&above(contents(&copied), self.table.floor), &self.table.shown(), "the copy");
            drop(copied);
            self.disk.set_faults(faults);
        }
    }

    fn open_again(&mut self, is_killed: bool) {
        self.held.clear();
        if self.store.sync().is_err() {
            self.free();
            self.store.sync().unwrap();
        }
        let stand_in = open(&FaultDisk::new(), Path::new(DIR), 0);
        drop(std::mem::replace(&mut self.store, stand_in));
        if is_killed {
            let faults = self.disk.faults();
            self.disk.kill();
            self.disk.set_faults(faults);
        }
        self.store = open(&self.disk, Path::new(DIR), self.table.window);
        let store = &self.store;
        self.table.opened(&|id| store.labels(id).is_some());
        store.set_limits(self.table.limits.clone());
    }

    fn check_shown(&self) {
        assert_same(&above(contents(&self.store), self.table.floor), &self.table.shown(), "the store");
        for (snapshot, had) in &self.held {
            let (shown, had) = (contents_of(snapshot), had.clone());
            let floor = self.table.floor;
            assert_same(&above(shown, floor), &above(had, floor), "a view of before");
        }
    }
}

fn check(steps: &[Step], window: i64) {
    let mut world = World::new(window);
    for step in steps {
        world.step(step);
        world.check_shown();
    }
    check_queries(&world.store, &contents(&world.store));
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

/// A history, and whether late entries are taken in it.
fn history() -> impl Strategy<Value = (Vec<Step>, bool)> {
    (prop::collection::vec(step(), 1..25), any::<bool>())
}

fn window(takes_late: bool) -> i64 {
    if takes_late { WINDOW } else { 0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_store_is_a_table_of_samples((steps, takes_late) in history()) {
        check(&steps, window(takes_late));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    #[ignore = "takes minutes"]
    fn a_store_is_a_table_of_samples_through_many_histories((steps, takes_late) in history()) {
        check(&steps, window(takes_late));
    }
}
