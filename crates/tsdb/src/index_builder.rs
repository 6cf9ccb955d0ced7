//! Builds the index on a thread of its own while a store opens: who reads the log need not wait for ten labels of each
//! series to be sorted in.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bellwether_model::{Labels, SeriesId};

use crate::index::Index;

/// Series handed over at once.
const GROUP_SERIES: usize = 1024;
/// Groups that may wait.
const GROUPS_WAITING_MAX: usize = 64;

type Group = Vec<(SeriesId, Labels)>;

/// Takes series in the order in which they were created.
pub(crate) struct IndexBuilder {
    group: Group,
    /// All numbers below are taken, whether their labels are known or not.
    reserved: usize,
    builder: Builder,
}

/// A system that gives no thread must open its store all the same.
enum Builder {
    Beside(SyncSender<Group>, JoinHandle<Index>),
    Here(Index),
}

impl IndexBuilder {
    pub(crate) fn start() -> Self {
        let (groups, coming) = sync_channel(GROUPS_WAITING_MAX);
        let thread = std::thread::Builder::new().name("index".to_owned()).spawn(move || build(coming));
        let builder = match thread {
            Ok(thread) => Builder::Beside(groups, thread),
            Err(_) => Builder::Here(Index::default()),
        };
        Self { group: Vec::new(), reserved: 0, builder }
    }

    /// Takes in a series under its number.
    pub(crate) fn insert(&mut self, id: SeriesId, labels: Labels) {
        self.group.push((id, labels));
        if self.group.len() >= GROUP_SERIES {
            self.hand_over();
        }
    }

    /// Takes all numbers below one, so that none of them is given to another series.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.reserved = self.reserved.max(count);
    }

    fn hand_over(&mut self) {
        let group = std::mem::take(&mut self.group);
        match &mut self.builder {
            // Fails only after a panic there, which `finish` passes on.
            Builder::Beside(groups, _) => drop(groups.send(group)),
            Builder::Here(index) => group.into_iter().for_each(|(id, labels)| index.collect(id, labels)),
        }
    }

    pub(crate) fn finish(mut self) -> Index {
        self.hand_over();
        let mut index = match self.builder {
            Builder::Here(index) => index,
            Builder::Beside(groups, thread) => {
                drop(groups);
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            }
        };
        index.settle();
        index.reserve(self.reserved);
        index
    }
}

fn build(groups: Receiver<Group>) -> Index {
    let mut index = Index::default();
    for group in groups {
        group.into_iter().for_each(|(id, labels)| index.collect(id, labels));
    }
    index
}
