//! The store on a real disk: what goes in comes out, before and after sealing, closing and opening.

use std::path::PathBuf;
use std::sync::Arc;

use bellwether_model::{
    Batch, Labels, LogPosition, Matcher, Origin, STALE_NAN, Sample, SeriesId, SeriesSource, TimeRange,
    Timestamp,
};
use bellwether_tsdb::{LogEvent, OpenError, Options, RealDisk, Store};

/// A directory that is removed at the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Store {
        Store::open(&self.0, Options::default(), Arc::new(RealDisk)).unwrap().0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn labels(name: &str, job: &str) -> Labels {
    Labels::from_pairs([("__name__", name), ("job", job)])
}

fn batch(at: i64, samples: &[(SeriesId, f64)]) -> Batch {
    let at = Timestamp(at);
    let samples = samples.iter().map(|(id, value)| (*id, Sample::new(at, *value))).collect();
    Batch::floats(Origin::Rules, at, samples)
}

fn read(store: &Store, matchers: &[Matcher]) -> Vec<(Labels, Vec<(i64, u64)>)> {
    let mut read = Vec::new();
    for view in store.snapshot().select(matchers, TimeRange::ALL).unwrap() {
        let mut samples = Vec::new();
        view.chunks.iter().for_each(|chunk| chunk.decode(&mut samples).unwrap());
        read.push((view.labels, samples.iter().map(|s| (s.at.0, s.value.to_bits())).collect()));
    }
    read
}

#[test]
fn what_was_appended_is_read_in_every_state_of_the_store() {
    let directory = Directory::new("every-state");
    let store = directory.open();
    let (up, load) = (labels("up", "api"), labels("load", "api"));
    let ids = [store.series(&up).unwrap(), store.series(&load).unwrap()];
    let odd = f64::from_bits(0x7ff8_dead_beef_0001);
    let mut expected = [Vec::new(), Vec::new()];
    for step in 0..1000i64 {
        let value = match step % 100 {
            7 => STALE_NAN,
            8 => odd,
            9 => f64::NEG_INFINITY,
            _ => step as f64 * 0.1,
        };
        store.append(&batch(step * 15_000, &[(ids[0], 1.0), (ids[1], value)])).unwrap();
        expected[0].push((step * 15_000, 1f64.to_bits()));
        expected[1].push((step * 15_000, value.to_bits()));
    }
    let [up_samples, load_samples] = expected;
    let expected = vec![(load, load_samples), (up, up_samples)];
    assert_eq!(read(&store, &[]), expected, "in the head");
    store.sync().unwrap();
    let report = store.seal(Timestamp(700 * 15_000)).unwrap();
    assert_eq!((report.series, report.samples), (2, 1400));
    assert_eq!(read(&store, &[]), expected, "partly sealed");
    drop(store);
    let store = directory.open();
    assert_eq!(read(&store, &[]), expected, "opened again");
    store.seal(Timestamp::MAX).unwrap();
    assert_eq!(read(&store, &[]), expected, "all sealed");
    assert_eq!(store.stats().head_samples, 0);
    drop(store);
    assert_eq!(read(&directory.open(), &[]), expected, "opened from segments");
}

#[test]
fn a_directory_has_one_store_at_a_time() {
    let directory = Directory::new("lock");
    let store = directory.open();
    let second = Store::open(&directory.0, Options::default(), Arc::new(RealDisk));
    let Err(error) = second else { panic!("opened twice") };
    let pid = format!("the process with PID {}", std::process::id());
    assert!(error.to_string().contains(&pid), "{error}");
    let OpenError::Locked { dir, .. } = error else { panic!("{error}") };
    assert_eq!(dir, directory.0);
    drop(store);
    directory.open();
}

#[test]
fn a_fold_over_the_log_continues_where_it_stopped_even_when_older_files_are_gone() {
    let directory = Directory::new("replay");
    let store = directory.open();
    let id = store.series(&labels("up", "api")).unwrap();
    let mut positions = Vec::new();
    for step in 0..10i64 {
        positions.push(store.append(&batch(step, &[(id, step as f64)])).unwrap().position);
    }
    let events = |store: &Store, from| {
        let mut values = Vec::new();
        let end = store.replay(from, &mut |event| match event {
            LogEvent::Batch { batch, .. } => values.extend(batch.samples.iter().map(|(_, s)| s.value)),
            LogEvent::Series { id, .. } => assert!(store.labels(id).is_some()),
            LogEvent::Lost { .. } => panic!("nothing is damaged"),
        });
        (values, end.unwrap())
    };
    let (all, end) = events(&store, LogPosition::default());
    assert_eq!(all, (0..10).map(f64::from).collect::<Vec<_>>());
    // Positions were handed out before the first sync gave the log its first file; they still mean the same.
    assert_eq!(events(&store, positions[6]).0, [7.0, 8.0, 9.0]);
    store.release(end);
    let report = store.seal(Timestamp(100)).unwrap();
    assert_eq!(report.log_files_removed, 1);
    store.append(&batch(50, &[(id, 50.0)])).unwrap();
    drop(store.sync());
    drop(store);
    let store = directory.open();
    assert_eq!(events(&store, end).0, [50.0]);
    assert_eq!(store.labels(id), Some(labels("up", "api")));
    assert!(store.replay(positions[2], &mut |_| ()).is_err(), "that part of the log is gone, and it says so");
}

#[test]
fn it_is_known_what_no_segment_has_yet_also_after_a_seal_and_another_start() {
    let directory = Directory::new("unsealed");
    let store = directory.open();
    let range = |store: &Store| store.unsealed().map(|range| (range.start.0, range.end.0));
    assert_eq!(range(&store), None);
    let id = store.series(&labels("up", "api")).unwrap();
    for at in [100, 200, 300] {
        store.append(&batch(at, &[(id, 1.0)])).unwrap();
    }
    store.sync().unwrap();
    assert_eq!(range(&store), Some((100, 300)));
    store.seal(Timestamp(250)).unwrap();
    assert_eq!(range(&store), Some((250, 300)));
    drop(store);
    let store = directory.open();
    assert_eq!(range(&store), Some((300, 300)));
    store.seal(Timestamp(1000)).unwrap();
    assert_eq!(range(&store), None);
}

#[test]
fn log_files_go_once_a_checkpoint_after_the_seal_needs_them_no_more() {
    let directory = Directory::new("trim");
    let store = directory.open();
    let id = store.series(&labels("up", "api")).unwrap();
    store.append(&batch(100, &[(id, 1.0)])).unwrap();
    store.seal(Timestamp(200)).unwrap();
    store.append(&batch(300, &[(id, 1.0)])).unwrap();
    store.sync().unwrap();
    assert_eq!((store.trim_log().unwrap(), store.stats().log_files), (0, 2), "nobody has counted it yet");
    store.release(store.position());
    assert_eq!((store.trim_log().unwrap(), store.stats().log_files), (1, 1));
    assert_eq!(store.trim_log().unwrap(), 0, "the last one is being written");
}
