//! Objectives, the SLI ledger, error budgets and burn rates.
//!
//! An [`Slo`] is read from text once and is valid from then on. The [`Ledger`] counts its events exactly, as a fold
//! over the batches of the sample log; any window is a difference of two of its cumulative values. [`SloEngine`] puts
//! both together: batches in, alert transitions out. Nothing here reads a clock, a file or a socket, and nothing
//! here evaluates PromQL or knows who is told of an alert.

mod adopt;
mod alert_state;
mod alert_text;
mod alerting;
mod announce;
mod blocks;
mod budget;
mod burn;
mod checkpoint;
mod coverage;
mod credit;
mod decode;
mod definition;
mod engine;
mod event;
mod goal;
mod ledger;
mod report;
mod selector;
mod sli;
mod status;
mod stream;
mod vouch;
mod wire;

pub use budget::{Spending, budget, exhaustion};
pub use burn::{AlertWindows, burn_rate, condition, window_status};
pub use checkpoint::{BlocksFile, Checkpoint, RestoreError};
pub use decode::{SloFile, parse};
pub use definition::{
    BurnAlert, DefaultAlerts, Events, Indicator, Latency, Period, Ratio, Slo, Threshold, arithmetic,
    default_alerts, examine, verdict,
};
pub use engine::{EngineSettings, SloEngine};
pub use event::{Backfill, Effect, Event, Recalled, WantedBackfill};
pub use goal::{Counts, Factor, Goal, GoalError, burns_faster};
pub use ledger::{Ledger, LedgerSettings, StreamId};
pub use selector::{Selector, SelectorError};
pub use status::{
    BudgetStatus, BurnAlertState, BurnAlertStatus, Exhaustion, HistoryPoint, Measurement, SloStatus,
    StreamStatus, Verdict, WindowStatus,
};
pub use stream::Window;
