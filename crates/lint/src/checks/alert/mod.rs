//! Alerts that fire too late, too early, never, for everybody or for nobody.

mod condition;
mod severity;
mod told;

pub(crate) mod absolute_threshold;
pub(crate) mod always_firing;
pub(crate) mod cause_not_symptom;
pub(crate) mod changes_on_gauge;
pub(crate) mod duplicate;
pub(crate) mod for_missing;
pub(crate) mod for_too_short;
pub(crate) mod for_vs_text;
pub(crate) mod idle_equals_outage;
pub(crate) mod missing_numerator;
pub(crate) mod missing_severity;
pub(crate) mod missing_summary;
pub(crate) mod no_data_blind;
pub(crate) mod no_runbook;
pub(crate) mod non_actionable;
pub(crate) mod resident_of_virtual;
pub(crate) mod runbook_as_label;
pub(crate) mod severity_names;
pub(crate) mod threshold_vs_text;
pub(crate) mod tier_without_rule;
pub(crate) mod up_vs_text;
pub(crate) mod up_without_absent;
pub(crate) mod value_in_label;
