//! What the core is told, and what it answers with.

use bellwether_model::{Alert, AlertFingerprint};

use crate::{
    Action, ActionError, Delivery, DeliveryKey, EpisodeRow, Outcome, Record, SilenceError, SilenceId,
    SilenceWish,
};

/// Who says that an alert fires or is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertSource {
    /// Our own rules: an alert without an end fires until they say otherwise.
    Rules,
    /// Someone else over the API: an alert without an end is over after `resolve_timeout` unless heard of again.
    Api,
}

/// Something happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Alerts arrived. An alert already resolved that was never seen firing is ignored. Answered with [`Answer::Heard`]
    /// when they come from outside.
    Alerts {
        /// Who says so.
        source: AlertSource,
        /// The alerts.
        alerts: Vec<Alert>,
    },
    /// Someone wants a silence, new or changed. Answered with [`Answer::Silence`].
    SetSilence(SilenceWish),
    /// Someone wants a silence ended. Answered with [`Answer::Silence`].
    ExpireSilence {
        /// Which.
        id: SilenceId,
        /// Who asks.
        by: String,
    },
    /// Somebody does something to alerts. Answered with [`Answer::Acted`].
    Act(Action),
    /// Somebody says something of a life of an alert that is over. Answered with [`Answer::Acted`].
    SayAfterwards(Box<EpisodeRow>, Action),
    /// Somebody wants to know whether receivers hear: a marked test message takes the way of a real one. Answered with
    /// [`Answer::Drilled`].
    Drill(DrillWish),
    /// An attempt has ended.
    Delivered {
        /// Which message.
        delivery: DeliveryKey,
        /// What became of it.
        outcome: Outcome,
    },
    /// Time has passed; sent when [`crate::AlertCore::next_wake`] is reached.
    Tick,
}

/// Something is to be done. In every answer all `Record`s come first, then the `Answer`, then all `Deliver`s: commit
/// the records in one transaction, answer the caller, then send.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write this down.
    Record(Record),
    /// Tell whoever sent the event.
    Answer(Answer),
    /// Send this and report back with [`Event::Delivered`].
    Deliver(Box<Delivery>),
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The alerts were taken in.
    Heard,
    /// The silence now stands (or ended) under this identity, or was refused.
    Silence(Result<SilenceId, SilenceError>),
    /// What was done, to these alerts, or why not.
    Acted(Result<Vec<AlertFingerprint>, ActionError>),
    /// The test messages that are on their way; empty when no receiver has that name.
    Drilled(Vec<DeliveryKey>),
}

/// A request for test messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillWish {
    /// Of this receiver; `None` asks for all.
    pub receiver: Option<String>,
    /// Tells one drill from another; handed in by whoever may read randomness.
    pub id: String,
    /// Who asks.
    pub by: String,
}
