//! What others ask of the task that decides: whoever has something to say about alerts, rules or the configuration
//! sends it here and never touches the pipeline itself.

use bellwether_alerts::{Answer, Event, PostId, Posted};
use bellwether_model::Timestamp;
use bellwether_slo::{Correction, CorrectionError, CorrectionEvent};
use tokio::sync::oneshot;

use crate::pipeline::{Outcome, Pipeline};

/// Requests that may wait.
pub const REQUESTS_MAX: usize = 4096;

/// What became of a correction, or why it was refused.
pub type Corrected = Result<Correction, CorrectionError>;

/// What others ask of the task.
#[derive(Debug)]
pub enum Request {
    /// Something about alerts or silences; the answer comes when it is recorded.
    Alerts(Event, Option<oneshot::Sender<Result<Answer, String>>>),
    /// A rule's query has been answered.
    Rules(bellwether_rules::Event),
    /// A question of an objective has been answered, or cannot be.
    Answer(bellwether_slo::Answer),
    /// A request to an Alertmanager has been answered, or not.
    Posted(PostId, Posted),
    /// Add or revoke a correction; the answer comes when it is recorded.
    Correct(CorrectionEvent, oneshot::Sender<Result<Corrected, String>>),
    /// Change the pipeline: a new configuration.
    Change(Change, oneshot::Sender<()>),
}

/// What changes the pipeline from outside.
type Alteration = dyn FnOnce(&mut Pipeline, Timestamp) -> Outcome + Send;

/// A change of the pipeline from outside.
pub struct Change(pub Box<Alteration>);

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Change")
    }
}
