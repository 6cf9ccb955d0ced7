//! Limits refuse what is new and nothing else, and what was refused is never taken for born later.

use bellwether_model::{Labels, LogPosition, SeriesId, Timestamp};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{AppendError, LimitKind, SeriesLimits, Store};

use crate::world::{batch, open};

fn named(job: &str, number: u32) -> Labels {
    Labels::from_pairs([("__name__", "m"), ("job", job), ("n", &number.to_string())])
}

fn limits(total: u64, per_job: u64) -> SeriesLimits {
    SeriesLimits { total, per_job, of_jobs: [("big".to_owned(), 5), ("free".to_owned(), 0)].into() }
}

fn refusal(store: &Store, labels: &Labels) -> (LimitKind, u64, String) {
    match store.series(labels) {
        Err(AppendError::SeriesLimit(reached)) => (reached.kind, reached.limit, reached.job),
        other => panic!("{other:?}"),
    }
}

fn fill(store: &Store, job: &str, count: u32) -> Vec<SeriesId> {
    let ids: Vec<_> = (0..count).map(|n| store.series(&named(job, n)).unwrap()).collect();
    store.append(&batch(10, ids.iter().map(|id| (*id, 1.0)).collect())).unwrap();
    ids
}

#[test]
fn new_series_beyond_a_limit_are_refused_and_existing_ones_go_on() {
    let disk = FaultDisk::new();
    let mut store = open(&disk).0;
    store.set_limits(limits(20, 2));
    let ids = fill(&store, "api", 2);
    fill(&store, "big", 5);
    fill(&store, "free", 10);
    let check = |store: &Store| {
        assert_eq!(refusal(store, &named("api", 2)), (LimitKind::Job, 2, "api".to_owned()));
        assert_eq!(refusal(store, &named("big", 5)), (LimitKind::Job, 5, "big".to_owned()));
        assert_eq!(store.series(&named("api", 1)).unwrap(), ids[1]);
        assert!(store.find(&named("api", 2)).is_none(), "nothing of it is kept");
    };
    check(&store);
    fill(&store, "web", 2);
    store.series(&Labels::from_pairs([("__name__", "without_job")])).unwrap();
    assert_eq!(refusal(&store, &named("free", 10)), (LimitKind::Total, 20, "free".to_owned()));
    store.own_series(&named("free", 11)).expect("of what we make ourselves there are only a few");
    let message = store.series(&named("api", 3)).unwrap_err().to_string();
    assert!(message.contains("job api") && message.contains("storage.series_limit_per_job"), "{message}");
    store.append(&batch(20, ids.iter().map(|id| (*id, 2.0)).collect())).unwrap();
    store.sync().unwrap();
    drop(store);
    disk.kill();
    store = open(&disk).0;
    store.set_limits(limits(0, 2));
    check(&store);
    store.set_limits(SeriesLimits::default());
    store.series(&named("api", 2)).unwrap();
}

#[test]
fn series_whose_samples_are_all_sealed_make_room_for_others() {
    let disk = FaultDisk::new();
    let store = open(&disk).0;
    store.set_limits(limits(0, 2));
    let old = fill(&store, "api", 2);
    refusal(&store, &named("api", 2));
    store.seal(Timestamp(11)).unwrap();
    assert_eq!(store.stats().series_in_use, 0);
    store.series(&named("api", 2)).unwrap();
    store.append(&batch(30, vec![(old[0], 1.0)])).expect("what exists goes on, whatever the limit");
}

#[test]
fn what_was_refused_is_known_for_it_when_it_is_made_after_any_restart() {
    for (is_sealed, is_reopened) in [(false, false), (false, true), (true, true)] {
        let disk = FaultDisk::new();
        let mut store = open(&disk).0;
        store.set_limits(limits(0, 2));
        fill(&store, "api", 2);
        refusal(&store, &named("api", 2));
        if is_sealed {
            store.release(store.position());
            assert_eq!(store.seal(Timestamp(11)).unwrap().log_files_removed, 1, "with what it said");
        }
        if is_reopened {
            store.sync().unwrap();
            drop(store);
            disk.kill();
            store = open(&disk).0;
        }
        store.set_limits(SeriesLimits::default());
        let (late, fresh) =
            (store.series(&named("api", 2)).unwrap(), store.series(&named("api", 3)).unwrap());
        for _ in 0..2 {
            assert!(store.was_refused(late) && !store.was_refused(fresh), "{is_sealed} {is_reopened}");
            store.sync().unwrap();
            drop(store);
            disk.kill();
            store = open(&disk).0;
            store.replay(LogPosition::default(), &mut |_| {}).unwrap();
        }
    }
}

#[test]
fn refusals_are_counted_by_job_and_limit() {
    let store = open(&FaultDisk::new()).0;
    store.set_limits(limits(0, 2));
    fill(&store, "api", 2);
    for n in [2, 3, 2] {
        refusal(&store, &named("api", n));
    }
    let counts: Vec<_> = store.refused_series().into_iter().map(|r| (r.reached.job, r.refusals)).collect();
    assert_eq!(counts, [("api".to_owned(), 3)]);
    assert_eq!((store.stats().refused_series, store.stats().series_in_use), (3, 2));
}
