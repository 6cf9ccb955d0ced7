//! Objectives, the SLI ledger, error budgets and burn rates.

mod status;

pub use status::{
    BudgetStatus, BurnAlertState, BurnAlertStatus, Exhaustion, HistoryPoint, Measurement, SloStatus, StreamStatus,
    Verdict, WindowStatus,
};
