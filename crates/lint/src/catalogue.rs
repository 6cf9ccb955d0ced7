//! All checks.

use crate::checks::{am, promql};
use crate::{Check, readers};

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
