//! What the engine is told, and what it says.

use std::sync::Arc;

use bellwether_model::{Alert, Batch, Labels, SeriesId, TimeDelta};

use crate::definition::Slo;
use crate::sampled::question::{Answer, Question};
use crate::selector::Selector;

/// What may happen.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// The store numbered a new series.
    SeriesBorn {
        /// Its number.
        id: SeriesId,
        /// Its labels.
        labels: &'a Labels,
    },
    /// A series that existed before is announced; its first value is a baseline.
    SeriesKnown {
        /// Its number.
        id: SeriesId,
        /// Its labels.
        labels: &'a Labels,
    },
    /// A batch of the sample log, in log order.
    Batch(&'a Batch),
    /// A stretch of the sample log cannot be read: what was measured then is not known.
    Lost,
    /// Time has passed.
    Tick,
    /// These objectives from now on.
    Reload(Vec<Arc<Slo>>),
    /// The past of a new indicator, read from raw samples.
    Backfill(Backfill<'a>),
    /// A question has been answered, or cannot be.
    Answer(Answer),
}

/// The past of one indicator.
#[derive(Clone, Copy, Debug)]
pub struct Backfill<'a> {
    /// The key from [`WantedBackfill`].
    pub key: &'a str,
    /// Every series that matches.
    pub series: &'a [(SeriesId, Labels)],
    /// Their samples in order of time, up to and including the last batch the engine has seen.
    pub batches: &'a [Batch],
}

/// An indicator whose past the engine has not seen.
#[derive(Clone, Debug, PartialEq)]
pub struct WantedBackfill {
    /// Identity of the indicator.
    pub key: String,
    /// What to select.
    pub selectors: Vec<Selector>,
    /// How far back its longest period reaches.
    pub reach: TimeDelta,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Route this alert: new, still firing, or resolved.
    Alert(Alert),
    /// Evaluate these queries and come back with the answer. Only ticks and answers ask.
    Ask(Question),
}

/// Whether some objective has an alert that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// It has, and says when it is over.
    Known,
    /// None has: the objective is gone, goes by another name, or knows nothing of what the alert speaks of.
    Orphaned,
}
