//! Samples of another store that come late: the log has them for whoever folds over it, the head goes on in order.

use std::path::Path;
use std::sync::Arc;

use bellwether_model::{
    Batch, Births, Labels, LogPosition, METRIC_NAME, Matcher, Origin, Sample, SeriesSource, TimeDelta,
    TimeRange, Timestamp,
};
use bellwether_tsdb::fault_disk::FaultDisk;
use bellwether_tsdb::{LogEvent, Options, Store};

fn open(disk: &FaultDisk) -> Store {
    Store::open(Path::new("data"), Options::default(), Arc::new(disk.clone())).unwrap().0
}

fn logged(store: &Store) -> Vec<(Origin, i64)> {
    let mut found = Vec::new();
    let replayed = store.replay(LogPosition::default(), &mut |event| {
        if let LogEvent::Batch { batch, .. } = event {
            found.extend(batch.times().map(|at| (batch.origin, at.0)));
        }
    });
    replayed.unwrap();
    found
}

fn stored(store: &Store) -> Vec<i64> {
    let matchers = [Matcher::equal(METRIC_NAME, "a")];
    let mut samples = Vec::new();
    for view in store.snapshot().select(&matchers, TimeRange::ALL).unwrap() {
        view.chunks.iter().for_each(|chunk| chunk.decode(&mut samples).unwrap());
    }
    samples.into_iter().map(|sample| sample.at.0).collect()
}

#[test]
fn late_samples_of_another_store_are_in_the_log_only() {
    let disk = FaultDisk::new();
    let store = open(&disk);
    let id = store.series(&Labels::from_pairs([(METRIC_NAME, "a")])).unwrap();
    let births = Births::Counted;
    let remote = Origin::Remote { target: id, ok: true, interval: TimeDelta(15_000), births };
    let pushed = Origin::RemotePushed { births: Births::Baseline };
    let append = |origin, at| {
        let at = Timestamp(at);
        let appended = store.append(&Batch::floats(origin, at, vec![(id, Sample::new(at, 1.0))])).unwrap();
        (appended.taken, appended.late, appended.refused.len())
    };
    assert_eq!(append(remote, 30), (1, 0, 0));
    assert_eq!(append(remote, 10), (0, 1, 0), "late");
    assert_eq!(append(pushed, 20), (0, 1, 0), "late");
    assert_eq!(append(Origin::Rules, 25), (0, 0, 1), "refused");
    assert_eq!(append(remote, 40), (1, 0, 0));
    store.sync().unwrap();
    let in_log = vec![(remote, 30), (remote, 10), (pushed, 20), (remote, 40)];
    assert_eq!((logged(&store), stored(&store)), (in_log.clone(), vec![30, 40]));
    drop(store);
    let store = open(&disk);
    assert_eq!((logged(&store), stored(&store)), (in_log, vec![30, 40]), "and after another start");
}
