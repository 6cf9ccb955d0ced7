//! All checks.

use crate::Check;
use crate::checks::{am, promql};

/// Every check, by area and id.
pub static ALL: &[&Check] = &[
    &promql::missing_by_le::CHECK,
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
];

/// A check by its id.
pub fn find(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|check| check.id == id)
}
