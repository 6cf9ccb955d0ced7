//! What keeps an alert from reaching someone, as it stands: shown in the header of every page, counted in the
//! metrics, logged once when it begins and once when it ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use tracing::{error, info};

/// A kind of trouble; each is there or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// Samples cannot be made durable.
    Store,
    /// Decisions cannot be recorded.
    State,
    /// The ledger's checkpoint cannot be written; a restart would take long.
    Checkpoint,
    /// The last reload was refused; the configuration before it is running.
    Reload,
    /// Parts of the log, of the series or of the ledger were damaged when the server started.
    Damage,
    /// Damaged files were put aside, and what was in them is missing.
    Quarantined,
    /// The clock was set back, so that new samples are older than those stored.
    Clock,
    /// The clock was ahead, or is and may be wrong.
    ClockAhead,
    /// Targets that are configured but cannot be scraped.
    Targets,
    /// A file, a server or a name that says which targets there are cannot be read.
    Discovery,
    /// Rules that are wrong and do not run.
    Rules,
    /// Alerts do not reach an Alertmanager that is handed all of them.
    HandOver,
    /// Samples that are due for a segment stay in memory and in the log.
    Segments,
    /// Objectives whose queries have no answer.
    Objectives,
    /// The store that everything is read from cannot be read.
    Source,
    /// The past of that store is still being read.
    History,
    /// New series are refused, since there are as many as there may be.
    SeriesLimit,
    /// What objectives counted is not written into its long-lived store; the ledger keeps it until it is.
    LedgerRows,
}

impl Trouble {
    /// As the metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::State => "state",
            Self::Checkpoint => "checkpoint",
            Self::Reload => "reload",
            Self::Damage => "damage",
            Self::Quarantined => "quarantined",
            Self::Clock => "clock",
            Self::ClockAhead => "clock_ahead",
            Self::Targets => "targets",
            Self::Discovery => "discovery",
            Self::Rules => "rules",
            Self::HandOver => "hand_over",
            Self::Segments => "segments",
            Self::Objectives => "objectives",
            Self::Source => "source",
            Self::History => "history",
            Self::SeriesLimit => "series_limit",
            Self::LedgerRows => "ledger_rows",
        }
    }

    /// All kinds, for metrics that must exist before the trouble does.
    pub const ALL: [Self; 18] = [
        Self::Store,
        Self::State,
        Self::Checkpoint,
        Self::Reload,
        Self::Damage,
        Self::Quarantined,
        Self::Clock,
        Self::ClockAhead,
        Self::Targets,
        Self::Discovery,
        Self::Rules,
        Self::HandOver,
        Self::Segments,
        Self::Objectives,
        Self::Source,
        Self::History,
        Self::SeriesLimit,
        Self::LedgerRows,
    ];
}

/// All trouble there is at present.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<Trouble, String>>);

impl Health {
    /// Says what is wrong.
    pub fn report(&self, trouble: Trouble, sentence: String) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if present.get(&trouble) != Some(&sentence) {
            error!(trouble = trouble.as_str(), "{sentence}");
            present.insert(trouble, sentence);
        }
    }

    /// Says how far it is with something that will be over by itself.
    pub fn progress(&self, trouble: Trouble, sentence: String) {
        info!(trouble = trouble.as_str(), "{sentence}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(trouble, sentence);
    }

    /// Says that it is over.
    pub fn clear(&self, trouble: Trouble) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sentence) = present.remove(&trouble) {
            info!(trouble = trouble.as_str(), was = %sentence, "over");
        }
    }

    /// Whether a kind of trouble is present.
    pub fn has(&self, trouble: Trouble) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&trouble)
    }

    /// One sentence for each.
    pub fn sentences(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
