//! Objectives, the SLI ledger, error budgets and burn rates.
