//! One task per target, for scrapes and probes alike. A new configuration leaves those alone whose target stays as it
//! is: nobody's counters begin anew because somebody else's target came or went.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bellwether_model::Labels;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Not yet.
    No,
    /// The target is no longer wanted: its series end.
    Leave,
    /// Another task goes on with its series.
    HandOver,
}

/// A running task.
pub struct TargetTask<A, V, S> {
    /// What it does: if any of it changes, the task is replaced.
    pub assignment: A,
    /// What others see of it.
    pub shown: V,
    /// Tells it to end.
    pub stop: watch::Sender<Stop>,
    /// Ends with what a successor goes on with.
    pub task: JoinHandle<S>,
}

/// The running tasks, by their targets' labels.
pub struct TargetTasks<A, V, S>(Mutex<BTreeMap<Labels, TargetTask<A, V, S>>>);

impl<A, V, S> Default for TargetTasks<A, V, S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<A: PartialEq, V, S> TargetTasks<A, V, S> {
    /// Runs these from now on. What stays as it is keeps its task; what is no longer wanted says goodbye, so that its
    /// series end. A task that goes on with the series of another is handed that one, and begins when it has ended.
    pub fn assign(
        &self,
        wanted: BTreeMap<Labels, A>,
        start: impl Fn(A, Option<JoinHandle<S>>) -> TargetTask<A, V, S>,
    ) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *running);
        for (labels, assignment) in wanted {
            let task = match before.remove(&labels) {
                Some(task) if task.assignment == assignment => task,
                Some(task) => {
                    let _ = task.stop.send(Stop::HandOver);
                    start(assignment, Some(task.task))
                }
                None => start(assignment, None),
            };
            running.insert(labels, task);
        }
        for task in before.into_values() {
            let _ = task.stop.send(Stop::Leave);
        }
    }

    /// What is seen of every task, in order of labels.
    pub fn map<T>(&self, look: impl Fn(&Labels, &V) -> T) -> Vec<T> {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().map(|(labels, task)| look(labels, &task.shown)).collect()
    }

    /// Whether something is seen of some task.
    pub fn any(&self, look: impl Fn(&V) -> bool) -> bool {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().any(|task| look(&task.shown))
    }

    /// Stops all. No goodbyes are said: after a restart the same targets go on.
    pub fn stop(&self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in std::mem::take(&mut *running).into_values() {
            task.task.abort();
        }
    }
}
