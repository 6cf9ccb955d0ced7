//! What is left when the power comes back.

use std::path::PathBuf;

use super::{Inner, Inode};

/// What is written is kept or lost in pieces of this size: far smaller than any disk's, so that small files have some.
const PAGE_BYTES: usize = 64;

impl Inner {
    /// Loses what was not synced, or some of it.
    pub(super) fn lose_unsynced(&mut self, random: &mut Random) {
        self.forget_names(random);
        self.forget_dirs(random);
        for inode in &mut self.inodes {
            inode.lose(random);
        }
    }

    /// Each name that was made, taken away or changed is as it was or as it is.
    fn forget_names(&mut self, random: &mut Random) {
        let mut names = self.names_synced.clone();
        let paths: Vec<PathBuf> = self.names.keys().chain(self.names_synced.keys()).cloned().collect();
        for path in paths.into_iter().filter(|_| random.below(2) == 0) {
            match self.names.get(&path) {
                Some(inode) => names.insert(path, *inode),
                None => names.remove(&path),
            };
        }
        (self.names, self.names_synced) = (names.clone(), names);
    }

    /// With a directory that is lost all that is in it is lost, synced or not.
    fn forget_dirs(&mut self, random: &mut Random) {
        let made: Vec<PathBuf> =
            self.dirs.iter().filter(|(_, is_synced)| !**is_synced).map(|(dir, _)| dir.clone()).collect();
        for dir in made {
            if random.below(2) == 0 {
                self.dirs.insert(dir, true);
            } else {
                self.dirs.retain(|path, _| !path.starts_with(&dir));
                self.names.retain(|path, _| !path.starts_with(&dir));
                self.names_synced.retain(|path, _| !path.starts_with(&dir));
            }
        }
    }
}

impl Inode {
    /// Keeps what was synced and some of the rest: its beginning and perhaps a stretch of zeros or noise, or any of its
    /// pages.
    fn lose(&mut self, random: &mut Random) {
        let unsynced = self.bytes.len() - self.synced;
        if unsynced > 0 && random.below(2) == 0 {
            self.lose_pages(random);
        } else {
            self.lose_end(random);
        }
        (self.synced, self.forgotten) = (self.bytes.len(), None);
    }

    fn lose_end(&mut self, random: &mut Random) {
        let unsynced = self.bytes.len() - self.synced;
        let kept = random.below(unsynced as u64 + 1) as usize;
        let torn = random.below((unsynced - kept) as u64 + 1) as usize;
        let noise = random.below(2) == 0;
        self.bytes.truncate(self.synced + kept);
        for _ in 0..torn {
            self.bytes.push(if noise { random.below(256) as u8 } else { 0 });
        }
    }

    /// Pages reach a disk in any order: of those that did not there are zeros, as long as one behind them did.
    fn lose_pages(&mut self, random: &mut Random) {
        let end = self.synced + random.below((self.bytes.len() - self.synced) as u64 + 1) as usize;
        self.bytes.truncate(end);
        let mut at = self.synced;
        while at < end {
            let next = ((at / PAGE_BYTES + 1) * PAGE_BYTES).min(end);
            if random.below(2) == 0 {
                self.bytes[at..next].fill(0);
            }
            at = next;
        }
    }
}

/// A small generator, so that a seed replays a power cut exactly. Source: S. Vigna, "splitmix64".
pub(super) struct Random(pub(super) u64);

impl Random {
    /// A number below a limit, which is not 0.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
