//! Pages of what is found while files are read, before any check looks, and by the linter about its own comments.

pub(crate) mod comment;
mod rules;

use crate::Check;

/// All of them.
pub(crate) static ALL: &[&Check] = &[
    &comment::BAD_SUPPRESSION,
    &comment::UNUSED_SUPPRESSION,
    &rules::PROMQL,
    &rules::RULE_EXPR_TYPE,
    &rules::RULE_GROUP_DUPLICATE,
];
