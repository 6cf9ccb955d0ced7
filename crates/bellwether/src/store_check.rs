//! Checks what lies on the disk, slowly and all the time, and says what was lost: a bit that flips in a file nobody reads
//! is found within a day, while there is a backup that still has it.
//!
//! A segment that fails is set aside by the store and the rest is served. What is missing stays said, after a restart
//! too, until the file is back, a person takes the damaged one away, or its time is over.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bellwether_model::Timestamp;
use bellwether_tsdb::{Missing, ScrubPlace, ScrubReport, Store};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info};

use crate::clock;
use crate::health::{Health, Trouble};

/// How fast is checked.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often a little is checked; what a query met is checked then too.
    pub every: Duration,
    /// How long a round over everything takes, and how often one begins.
    pub round: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { every: Duration::from_secs(5), round: Duration::from_secs(24 * 3600) }
    }
}

/// Checked at one time, so that a small store is not cut into crumbs.
const BYTES_MIN: u64 = 64 << 10;
/// And at most: at this rate a disk is busy for some hundredths of the time. A store of more than half a terabyte takes
/// longer than a day.
const BYTES_MAX: u64 = 32 << 20;
/// Files that a sentence names.
const NAMED_MAX: usize = 3;

/// A store that is checked.
#[derive(Clone)]
pub struct CheckedStore {
    /// As the metrics name it.
    pub name: &'static str,
    /// Where it lies.
    pub folder: PathBuf,
    /// The store.
    pub store: Arc<Store>,
}

/// How checking one store has gone since the start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Bytes read for it.
    pub bytes: u64,
    /// Segments found to be whole.
    pub segments: u64,
    /// When the last round was over.
    pub completed_at: Option<Timestamp>,
    /// Why segments could not be read in this round, or in the one before.
    pub unreadable: Vec<String>,
}

/// All stores, and how far it is with each.
pub struct StoreChecks {
    stores: Vec<CheckedStore>,
    progress: Mutex<Vec<Progress>>,
}

impl StoreChecks {
    /// Nothing has been checked yet.
    pub fn new(stores: Vec<CheckedStore>) -> Self {
        let progress = Mutex::new(vec![Progress::default(); stores.len()]);
        Self { stores, progress }
    }

    /// Each store with its progress.
    pub fn seen(&self) -> Vec<(&CheckedStore, Progress)> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        self.stores.iter().zip(progress.iter().cloned()).collect()
    }

    /// Says what is missing, or that nothing is.
    pub fn tell(&self, health: &Health) {
        let seen = self.seen();
        let missing: Vec<(PathBuf, Missing)> = seen
            .iter()
            .flat_map(|(store, _)| {
                store.store.missing().into_iter().map(|missing| (store.folder.clone(), missing))
            })
            .collect();
        let unreadable: Vec<&String> = seen.iter().flat_map(|(_, progress)| &progress.unreadable).collect();
        let mut sentences = Vec::new();
        if !missing.is_empty() {
            sentences.push(lost(&missing));
        }
        if let Some(why) = unreadable.first() {
            let count = unreadable.len();
            let files =
                if count == 1 { "a file of samples".to_owned() } else { format!("{count} files of samples") };
            sentences.push(format!(
                "{files} cannot be read back from the disk, which may be failing: {why}; make a snapshot while you can"
            ));
        }
        match sentences.is_empty() {
            true => health.clear(Trouble::Quarantined),
            false => health.report(Trouble::Quarantined, sentences.join(". ")),
        }
    }

    /// Checks until told to stop.
    pub async fn run(self: Arc<Self>, pace: Pace, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
        let mut rounds: Vec<Round> = self.stores.iter().map(|store| Round::begin(&store.store)).collect();
        loop {
            tokio::select! {
                _ = stop.changed() => return,
                () = tokio::time::sleep(pace.every) => {}
            }
            for (index, round) in rounds.iter_mut().enumerate() {
                self.check_some(index, round, pace, &health).await;
            }
            self.tell(&health);
        }
    }

    async fn check_some(&self, index: usize, round: &mut Round, pace: Pace, health: &Health) {
        let store = self.stores[index].store.clone();
        let is_due = !round.is_over || round.began.elapsed() >= pace.round;
        if round.is_over && is_due {
            *round = Round { place: round.place, ..Round::begin(&store) };
        }
        let (mut place, bytes_max) = (round.place, if is_due { share(&store, pace) } else { 0 });
        let checking = tokio::task::spawn_blocking(move || {
            store.look_for_missing();
            let report = store.scrub_some(&mut place, bytes_max);
            (report, place)
        });
        let Ok((report, place)) = checking.await else { return };
        round.place = place;
        match report {
            Ok(report) => self.note(index, round, report),
            Err(error) => {
                let why = format!("a damaged file cannot be put aside: {error}");
                health.report(Trouble::Quarantined, why);
            }
        }
    }

    fn note(&self, index: usize, round: &mut Round, report: ScrubReport) {
        for file in &report.quarantined {
            error!(file = %file.path.display(), why = file.reason, "damaged and put aside, the rest is served");
        }
        let mut all = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = &mut all[index];
        progress.bytes += report.bytes;
        progress.segments += report.segments;
        round.segments += report.segments;
        round.unreadable.extend(report.unreadable);
        // What could not be read in the round before counts until this one has come to it.
        if !round.unreadable.is_empty() || report.is_round_over {
            progress.unreadable = round.unreadable.clone();
        }
        if report.is_round_over && round.has_begun_at_first {
            round.is_over = true;
            progress.completed_at = Some(clock::now());
            let (store, segments) = (self.stores[index].name, round.segments);
            info!(store, segments, "everything on the disk was checked");
        }
        round.has_begun_at_first |= report.is_round_over;
    }
}

/// How much of a store is checked at one time so that a round takes as long as it should.
fn share(store: &Store, pace: Pace) -> u64 {
    let steps = (pace.round.as_millis() / pace.every.as_millis().max(1)).max(1) as u64;
    // A quarter more: segments are added meanwhile, and compacted ones are checked again.
    (store.stats().segment_bytes / steps * 5 / 4).clamp(BYTES_MIN, BYTES_MAX)
}

/// One look at everything.
struct Round {
    place: ScrubPlace,
    began: Instant,
    is_over: bool,
    /// The first one begins somewhere in the middle, and is over when the end was reached twice.
    has_begun_at_first: bool,
    segments: u64,
    unreadable: Vec<String>,
}

impl Round {
    fn begin(store: &Store) -> Self {
        let place = ScrubPlace::somewhere(store, clock::now().0.unsigned_abs());
        Self {
            has_begun_at_first: place == ScrubPlace::default(),
            place,
            began: Instant::now(),
            is_over: false,
            segments: 0,
            unreadable: Vec::new(),
        }
    }
}

/// What is lost and what to do, for whoever is woken by it.
fn lost(missing: &[(PathBuf, Missing)]) -> String {
    let named: Vec<String> = missing
        .iter()
        .take(NAMED_MAX)
        .map(|(folder, missing)| {
            let path = folder.join(&missing.name);
            match (missing.range, missing.samples) {
                (Some(range), Some(samples)) => {
                    format!("{} ({samples} samples from {} to {})", path.display(), range.start, range.end)
                }
                _ => format!("{} (it does not tell what was in it)", path.display()),
            }
        })
        .collect();
    let more = missing.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let files = if missing.len() == 1 {
        "a damaged file was".to_owned()
    } else {
        format!("{} damaged files were", missing.len())
    };
    format!(
        "{files} put aside and samples are missing, everything else is served: {}{more}. To get them back, stop the server, \
         copy the file of that name without .quarantined from a snapshot to the same place, and start; to accept the loss, \
         remove the .quarantined file",
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_model::{Batch, Labels, Origin, Sample};
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::FaultDisk;

    use super::*;

    /// A store with three segments.
    fn filled(disk: &FaultDisk) -> Arc<Store> {
        let opened = Store::open(Path::new("metrics"), Options::default(), Arc::new(disk.clone()));
        let store = Arc::new(opened.unwrap().0);
        let id = store.series(&Labels::from_pairs([("__name__", "up")])).unwrap();
        for at in 0..300 {
            let at = Timestamp(at);
            let sample = Sample::new(at, 0.5);
            store.append(&Batch::floats(Origin::Backfill, at, vec![(id, sample)])).unwrap();
            if at.0 % 100 == 99 {
                store.seal(Timestamp(at.0 + 1)).unwrap();
            }
        }
        store
    }

    /// Waits until something is so.
    async fn until(what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_file_that_is_damaged_under_a_running_server_is_found_in_the_next_round_and_said_until_it_is_gone()
     {
        let disk = FaultDisk::new();
        let store = CheckedStore { name: "samples", folder: "metrics".into(), store: filled(&disk) };
        let checks = Arc::new(StoreChecks::new(vec![store]));
        let health = Arc::new(Health::default());
        let (_go_on, stop) = watch::channel(false);
        let pace = Pace { every: Duration::from_millis(2), round: Duration::from_millis(50) };
        let running = tokio::spawn(checks.clone().run(pace, health.clone(), stop));
        let progress = || checks.seen().remove(0).1;
        until("all is checked", || progress().completed_at.is_some() && progress().segments >= 6).await;
        assert!(!health.has(Trouble::Quarantined));
        let file = Path::new("metrics/segment-0000000000000002.bwg");
        let aside = Path::new("metrics/segment-0000000000000002.bwg.quarantined");
        disk.damage(file, |bytes| bytes[40] ^= 1);
        until("damage is found", || health.has(Trouble::Quarantined)).await;
        let told = health.sentences().join("\n");
        let named = format!("{} (100 samples from 1970-01-01T00:00:00.100Z to", aside.display());
        assert!(told.contains(&named) && told.contains("snapshot") && told.contains("remove"), "{told}");
        bellwether_tsdb::Disk::remove(&disk, aside).unwrap();
        until("a person has removed it", || !health.has(Trouble::Quarantined)).await;
        running.abort();
    }

    #[test]
    fn a_day_is_enough_for_every_segment_and_little_is_read_at_a_time() {
        let disk = FaultDisk::new();
        let store = filled(&disk);
        let bytes = store.stats().segment_bytes;
        assert_eq!(share(&store, Pace::default()), BYTES_MIN, "{bytes} bytes are few");
        let fast = Pace { every: Duration::from_secs(60), round: Duration::from_secs(60) };
        assert_eq!(share(&store, fast), BYTES_MIN.max(bytes * 5 / 4));
    }
}
