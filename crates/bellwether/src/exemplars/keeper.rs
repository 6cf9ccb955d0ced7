//! Keeps exemplars over a restart, beside everything else: whoever adds one waits for nothing. Once a second what is new is
//! appended to a file and synced, and once more at the end. So a crash loses those of its last second, which no decision
//! rests on; and when the disk refuses, those that came meanwhile are written when it takes them again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bellwether_model::{Labels, SeriesId};
use bellwether_tsdb::Store;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;
use tracing::warn;

use super::file::{self, ExemplarFile, FILE};
use super::{Exemplars, Unsaved};

/// How often what is new is written.
const EVERY: Duration = Duration::from_secs(1);
/// After a failure the whole is tried again so much later.
const AGAIN_AFTER: u32 = 30;
/// A file with so many times as many as are kept is written anew ...
const WASTE_MAX: usize = 2;
/// ... unless it has few.
const COUNT_MIN: usize = 1000;

/// The exemplars of a data directory, and their file.
#[derive(Debug)]
pub struct Keeper {
    exemplars: Arc<Exemplars>,
    file: ExemplarFile,
    /// How many rounds nothing is tried, since the disk refused.
    waits: u32,
}

impl Keeper {
    /// Reads what was kept, of series that the store still has.
    pub fn open(data: &std::path::Path, exemplars: Arc<Exemplars>, store: &Store) -> Self {
        let path: PathBuf = data.join(FILE);
        match file::read(&path) {
            Ok(found) => {
                if found.is_cut {
                    let (path, read) = (path.display(), found.exemplars.len());
                    warn!(%path, read, "the rest of the file of exemplars cannot be read, and is dropped");
                }
                let known = found.exemplars.into_iter();
                let known = known.filter_map(|(labels, one)| Some((store.find(&labels)?, one)));
                exemplars.restore(known);
            }
            Err(error) => warn!(%error, path = %path.display(), "exemplars of before cannot be read"),
        }
        Self { exemplars, file: ExemplarFile::new(path), waits: 0 }
    }

    /// Writes what is new until told to stop, and then the rest.
    pub async fn run(mut self, store: Arc<Store>, mut stop: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_over = tokio::select! {
                _ = stop.changed() => true,
                _ = ticks.tick() => false,
            };
            if is_over {
                self.waits = 0;
            }
            let store = Arc::clone(&store);
            let written = tokio::task::spawn_blocking(move || {
                self.write(&|id| store.labels(id));
                self
            });
            match written.await {
                Ok(keeper) if !is_over => self = keeper,
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Writes what is new.
    fn write(&mut self, labels: &dyn Fn(SeriesId) -> Option<Labels>) {
        if self.waits > 0 {
            self.waits -= 1;
            return;
        }
        let is_wasteful = self.file.count > COUNT_MIN.max(WASTE_MAX * self.exemplars.count());
        let written = match self.exemplars.unsaved(!self.file.is_sound() || is_wasteful) {
            Unsaved::None => return,
            Unsaved::Some(new) => self.file.append(&new, labels),
            Unsaved::All(all) => self.file.write_anew(&all, labels),
        };
        if let Err(error) = written {
            warn!(%error, "exemplars cannot be written, and would be lost by a restart");
            self.exemplars.save_all();
            self.waits = AGAIN_AFTER;
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_model::{Exemplar, TimeRange, Timestamp};
    use bellwether_tsdb::Options;
    use bellwether_tsdb::fault_disk::FaultDisk;

    use super::*;

    fn labels(name: &str) -> Labels {
        Labels::from_pairs([("__name__", name)])
    }

    fn moments(exemplars: &Exemplars, store: &Store) -> Vec<i64> {
        let found = exemplars.select(TimeRange::ALL, &mut |id| store.labels(id));
        let moments = found.iter().flat_map(|(_, of_series)| of_series.iter().filter_map(|one| one.at));
        let mut moments: Vec<i64> = moments.map(|at| at.0).collect();
        moments.sort_unstable();
        moments
    }

    #[test]
    fn what_was_written_is_there_after_a_restart_and_the_file_stays_small() {
        let folder = std::env::temp_dir().join(format!("bellwether-keeper-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let disk = Arc::new(FaultDisk::new());
        let (store, _) = Store::open(std::path::Path::new("data"), Options::default(), disk).unwrap();
        let ids = ["a", "b"].map(|name| store.series(&labels(name)).unwrap());
        let open = |max| {
            let exemplars = Arc::new(Exemplars::new(max));
            (Keeper::open(&folder, Arc::clone(&exemplars), &store), exemplars)
        };
        let write = |keeper: &mut Keeper| keeper.write(&|id| store.labels(id));
        let (mut keeper, exemplars) = open(700);
        for at in 0..5000i64 {
            let one = Exemplar { labels: labels("x"), value: 1.0, at: Some(Timestamp(at)) };
            exemplars.add(ids[(at % 2) as usize], one, Timestamp(0)).unwrap();
            if at % 97 == 0 {
                write(&mut keeper);
            }
        }
        write(&mut keeper);
        let bytes = std::fs::metadata(folder.join(FILE)).unwrap().len();
        assert!(bytes < 250_000, "{bytes} bytes");
        let expected: Vec<i64> = (4300..5000).collect();
        assert_eq!(moments(&exemplars, &store), expected);
        let (mut keeper, exemplars) = open(700);
        assert_eq!(moments(&exemplars, &store), expected);
        // Less is kept now; a series of another name is not known any more.
        write(&mut keeper);
        let (_, exemplars) = open(10);
        assert_eq!(moments(&exemplars, &store), (4990..5000).collect::<Vec<_>>());
        let (other, _) =
            Store::open(std::path::Path::new("data"), Options::default(), Arc::new(FaultDisk::new()))
                .unwrap();
        other.series(&labels("c")).unwrap();
        other.series(&labels("b")).unwrap();
        let exemplars = Arc::new(Exemplars::new(700));
        Keeper::open(&folder, Arc::clone(&exemplars), &other);
        assert_eq!(moments(&exemplars, &other), (4301..5000).step_by(2).collect::<Vec<_>>());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
