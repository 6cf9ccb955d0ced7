//! All checks.

use crate::Check;
use crate::checks::promql;

/// Every check, by area and id.
pub static ALL: &[&Check] = &[&promql::missing_by_le::CHECK];

/// A check by its id.
pub fn find(id: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|check| check.id == id)
}
