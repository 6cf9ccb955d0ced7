//! What objectives counted, as ordinary series: written minute by minute into a store of its own, which is kept long, and
//! read by every query beside the samples.

pub mod course;
pub mod source;
pub mod task;
pub mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bellwether_model::{Labels, SeriesSource};
use bellwether_slo::Slo;
use bellwether_tsdb::Store;

use crate::pipeline::Pipeline;
use course::Course;
use source::WithRows;

/// All events.
pub const EVENTS: &str = "bellwether_sli_events_total";
/// Bad ones among them.
pub const BAD_EVENTS: &str = "bellwether_sli_bad_events_total";
/// Time that was measured.
pub const MEASURED: &str = "bellwether_sli_measured_seconds_total";
/// The share of events that should have been good.
pub const GOAL: &str = "bellwether_slo_objective_ratio";

/// What a row of a stream consists of, in this order.
pub const COUNTERS: [&str; 3] = [EVENTS, BAD_EVENTS, MEASURED];
/// Names of all series of rows.
pub const NAMES: [&str; 4] = [EVENTS, BAD_EVENTS, MEASURED, GOAL];

/// Whether series of this name are rows of objectives.
pub fn is_row(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Labels of the rows of a stream, without a name. None of `group_by` is called like one of ours: that is refused.
pub fn labels_of(slo: &Slo, stream: &Labels) -> Labels {
    let ours = [("slo", slo.name.as_str()), ("service", slo.service.as_str())];
    Labels::from_pairs(stream.iter().chain(ours))
}

/// How rows go on from those stored, by their labels.
pub type Courses = BTreeMap<Labels, Course>;

/// The rows, for whoever reads them.
#[derive(Clone)]
pub struct LedgerRows {
    store: Arc<Store>,
    pipeline: Arc<RwLock<Pipeline>>,
    courses: Arc<Mutex<Arc<Courses>>>,
}

impl LedgerRows {
    /// Rows that lie in a store, and those that follow from what was counted since.
    pub fn new(store: Arc<Store>, pipeline: Arc<RwLock<Pipeline>>) -> Self {
        Self { store, pipeline, courses: Arc::default() }
    }

    /// Another source and the rows as one.
    pub fn beside(&self, other: Arc<dyn SeriesSource>) -> Arc<dyn SeriesSource> {
        // The courses first: rows that are stored between the two are then seen twice, not never.
        let courses = self.courses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Arc::new(WithRows {
            other,
            stored: Arc::new(self.store.snapshot()),
            pipeline: self.pipeline.clone(),
            courses,
        })
    }

    /// The store, for its counts.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The store, for whoever copies it.
    pub fn shared_store(&self) -> Arc<Store> {
        self.store.clone()
    }

    fn publish(&self, courses: Courses) {
        *self.courses.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(courses);
    }
}
