//! Queries that are allowed and give something else than was meant.

pub(crate) mod beyond_retention;
pub(crate) mod counter_raw;
pub(crate) mod filter_comparison;
pub(crate) mod gauge_rate;
pub(crate) mod irate_in_alert;
pub(crate) mod missing_by_le;
pub(crate) mod never_matches;
mod never_matches_names;
mod never_matches_text;
pub(crate) mod range_too_short;
pub(crate) mod regex_redundant;
pub(crate) mod self_ratio;
