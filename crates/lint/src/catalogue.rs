//! All checks.

use crate::checks::{alert, am, doc, promql, slo, template, unit, yaml};
use crate::{Check, readers};

/// Every check, by area and id.
pub static ALL: &[&Check] = &[
    &slo::budget_arithmetic::CHECK,
    &slo::burn_unreachable::CHECK,
    &slo::exhaust_arithmetic::CHECK,
    &slo::fires_after_exhausted::CHECK,
    &slo::goal_window_mismatch::CHECK,
    &slo::good_bad_not_complement::CHECK,
    &slo::no_burn_rate::CHECK,
    &slo::objective_100::CHECK,
    &slo::selector_drift::CHECK,
    &slo::sli_not_ratio::CHECK,
    &slo::threshold_not_bucket::CHECK,
    &slo::window_pair::CHECK,
    &promql::beyond_retention::CHECK,
    &promql::counter_raw::CHECK,
    &promql::filter_comparison::CHECK,
    &promql::gauge_rate::CHECK,
    &promql::irate_in_alert::CHECK,
    &promql::missing_by_le::CHECK,
    &promql::never_matches::CHECK,
    &promql::range_too_short::CHECK,
    &promql::regex_redundant::CHECK,
    &promql::self_ratio::CHECK,
    &unit::inverted_text::CHECK,
    &unit::rate_vs_text::CHECK,
    &unit::ratio_vs_percent::CHECK,
    &alert::absolute_threshold::CHECK,
    &alert::always_firing::CHECK,
    &alert::cause_not_symptom::CHECK,
    &alert::changes_on_gauge::CHECK,
    &alert::duplicate::CHECK,
    &alert::for_missing::CHECK,
    &alert::for_too_short::CHECK,
    &alert::for_vs_text::CHECK,
    &alert::idle_equals_outage::CHECK,
    &alert::missing_numerator::CHECK,
    &alert::missing_severity::CHECK,
    &alert::missing_summary::CHECK,
    &alert::no_data_blind::CHECK,
    &alert::no_runbook::CHECK,
    &alert::non_actionable::CHECK,
    &alert::resident_of_virtual::CHECK,
    &alert::runbook_as_label::CHECK,
    &alert::severity_names::CHECK,
    &alert::threshold_vs_text::CHECK,
    &alert::tier_without_rule::CHECK,
    &alert::up_vs_text::CHECK,
    &alert::up_without_absent::CHECK,
    &alert::value_in_label::CHECK,
    &template::humanize::CHECK,
    &template::label_lost::CHECK,
    &template::not_portable::CHECK,
    &template::syntax::CHECK,
    &template::undefined_template::CHECK,
    &template::unknown_field::CHECK,
    &template::unknown_function::CHECK,
    &template::vector_as_number::CHECK,
    &am::dead_inhibit::CHECK,
    &am::deprecated::CHECK,
    &am::duplicate_delivery::CHECK,
    &am::empty_body::CHECK,
    &am::equal_missing_label::CHECK,
    &am::glob_in_equality::CHECK,
    &am::group_by_missing_label::CHECK,
    &am::no_resolved::CHECK,
    &am::noop_setting::CHECK,
    &am::placeholder_secret::CHECK,
    &am::repeat_vs_interval::CHECK,
    &am::severity_unrouted::CHECK,
    &am::shadowed_route::CHECK,
    &am::shared_webhook_channel::CHECK,
    &am::undefined_receiver::CHECK,
    &am::unreachable_route::CHECK,
    &yaml::folded_template::CHECK,
    &yaml::not_yaml_1_2::CHECK,
    &doc::api_removed::CHECK,
    &doc::api_shape::CHECK,
    &doc::broken_fence::CHECK,
    &doc::broken_link::CHECK,
    &doc::json::CHECK,
    &doc::list_count::CHECK,
    &doc::mojibake::CHECK,
    &doc::not_in_alertmanager::CHECK,
    &doc::one_line_rule::CHECK,
    &doc::share_sum::CHECK,
    &doc::shell::CHECK,
    &doc::unknown_channel::CHECK,
];

/// Everything that can be found, by area and id: the checks, and what is found while files are read. Where both know an id,
/// the check's page says it.
pub fn documented() -> impl Iterator<Item = &'static Check> {
    let is_read = |read: &&&Check| ALL.iter().all(|check| check.id != read.id);
    let mut all: Vec<&Check> = ALL.iter().chain(readers::ALL.iter().filter(is_read)).copied().collect();
    all.sort_by_key(|check| (check.area, check.id));
    all.into_iter()
}

/// What an id stands for.
pub fn find(id: &str) -> Option<&'static Check> {
    ALL.iter().chain(readers::ALL).copied().find(|check| check.id == id)
}
