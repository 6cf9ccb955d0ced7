//! Objectives, their budgets, and the alerts on how fast these are spent.

pub(crate) mod budget_arithmetic;
mod budget_cells;
mod budget_queries;
mod budget_reports;
pub(crate) mod burn_unreachable;
mod drift_in_objectives;
pub(crate) mod exhaust_arithmetic;
pub(crate) mod fires_after_exhausted;
pub(crate) mod goal_window_mismatch;
pub(crate) mod good_bad_not_complement;
pub(crate) mod no_burn_rate;
pub(crate) mod objective_100;
mod period;
pub(crate) mod selector_drift;
pub(crate) mod sli_not_ratio;
pub(crate) mod threshold_not_bucket;
pub(crate) mod window_pair;
